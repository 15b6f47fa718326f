"""The verb `paint`, whose options are those of `PaintOptions` (see flamingo.options)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flamingo import images, provenance, weights
from flamingo.errors import BadRequest
from flamingo.images.folders import noted
from flamingo.options import verb
from flamingo.painting import pipeline
from flamingo.painting.options import PaintOptions
from flamingo.painting.request import PaintRequest
from flamingo.painting.result import PaintResult
from flamingo.painting.task import clips

__all__ = ["PaintOptions", "PaintResult", "paint"]


@verb(PaintOptions)
def paint(options: PaintOptions) -> list[PaintResult]:
    """Paint photos in the manner of one painting or several.

    Each picture is written with credentials that say what made it (see flamingo.provenance).

    Args:
        photos: photos, films or animated pictures, or folders of them.
        on_progress: called as (done, all, photo) before each photo and once at the end, of a single photo also while
            it is painted. An exception that it raises, such as KeyboardInterrupt, cancels what is left and loses
            nothing that was written.
        on_step: called as (photo, step) every ten steps of the method `optimise` (fifty with a preset), with the
            losses; with `snapshots`, `beside` names a strip of them and the losses (see
            flamingo.painting.methods.task).
        **options: the other fields of `flamingo.painting.options.PaintOptions`, with their limits.

    Returns:
        One `PaintResult` a photo, in order. A photo that cannot be read or painted does not stop the others: its
        `error` says why.

    Raises:
        BadRequest, OutputError: if the request as a whole cannot be carried out.
        ModelMissing, ModelCorrupt: if the painter cannot be used.

    Example:
        >>> import flamingo
        >>> [result] = flamingo.paint([photo], style="scream", model="fast", size=96, output=folder / "scream.jpg")
        >>> result.error, result.file.name, result.recipe["strength"]
        (None, 'scream.jpg', 1.0)
    """
    request = PaintRequest.of(options)
    images.warm_up()  # the process that decodes pictures starts while the painter loads
    folder = options.output or Path("painted") / request.label
    plan = images.plan_outputs(options.photos, folder, overwrite=options.overwrite, others=clips())
    if not plan:
        names = ", ".join(map(str, options.photos))
        raise BadRequest(names, "no photos are there", "name photos, or a folder that holds some")
    provenance.ready()
    unread = images.left_out(options.photos, folder, others=clips())
    results = pipeline.painted(request, plan)
    if weights.stand_in(f"painter-{options.model}"):
        results[0] = replace(results[0], notes=(*weights.absences(), *results[0].notes))
    return noted(results, unread)
