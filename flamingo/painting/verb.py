"""The verb `paint`, defined once: its arguments, their meaning and limits, and what comes back.

The signature of `paint` below *is* the definition. The command line makes its options from it, the HTTP API its
request and the page its controls; `flamingo.options` reads it. So a control is added here and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flamingo import images, provenance
from flamingo.errors import BadRequest, FlamingoError
from flamingo.files import sha256
from flamingo.options import checked
from flamingo.painting import memory
from flamingo.painting.painter import Model, Painter
from flamingo.painting.styles import named

Progress = Callable[[int, int, Path], None]


@dataclass(frozen=True)
class Painted:
    """What became of one photo.

    file: where the picture was written, or None; picture: the picture itself, if it was not written; error: why
    there is no picture, or None; notes: what the user must be told; recipe: everything that made it, enough to
    make the same picture again.
    """

    photo: Path
    file: Path | None = None
    picture: images.Picture | None = None
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    recipe: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "photo": str(self.photo),
            "file": str(self.file) if self.file else None,
            "error": str(self.error) if self.error else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe,
        }


@checked
def paint(
    photos: Annotated[list[Path], Field(min_length=1, description="Photos, or folders of photos, to paint.")],
    *,
    style: Annotated[
        str, Field(description="Named style to paint in; `flamingo styles` lists them.")
    ] = "starry-night",
    strength: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="From 0, the photo itself, to 1, the full style."),
    ] = 1.0,
    model: Annotated[
        Model, Field(description="Painter: fine has the better strokes, fast takes a fraction of the time.")
    ] = "fine",
    size: Annotated[
        int | None,
        Field(
            ge=16,
            le=65_500,
            description="Longest side of the picture in pixels; without it the photo's own size.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Field(description="File to write, or a folder for several photos; without it painted/STYLE/ is used."),
    ] = None,
    overwrite: Annotated[bool, Field(description="Replace results that are already there (never a photo).")] = False,
    quality: Annotated[int, Field(ge=1, le=100, description="Quality of JPEG and WebP files.")] = 92,
    keep_gps: Annotated[bool, Field(description="Keep the place where the photo was taken in its metadata.")] = False,
    on_progress: Progress | None = None,
) -> list[Painted]:
    """Paint photos in the manner of a famous painting.

    Returns one `Painted` a photo, in order. A photo that cannot be read or painted does not stop the others:
    its `error` says why. Raises BadRequest or OutputError if the request as a whole cannot be carried out, and
    ModelMissing or ModelCorrupt if the painter cannot be used. Each picture is written with credentials that say
    what made it (see flamingo.provenance).

    on_progress is called as (done, all, photo) before each photo and once at the end; an exception that it
    raises, such as KeyboardInterrupt, cancels what is left and loses nothing that was written.
    """
    named(style, model)
    plan = images.plan_outputs(photos, output or Path("painted") / style, overwrite=overwrite)
    if not plan:
        raise BadRequest(
            ", ".join(map(str, photos)), "no photos are there", "name photos, or a folder that holds some"
        )
    provenance.ready()
    images.warm_up()  # the process that decodes photos starts while the painter loads
    painter = Painter(model)
    inputs = [photo for photo, _ in plan]
    done = []
    for i, (photo, target) in enumerate(plan):
        if on_progress:
            on_progress(i, len(plan), photo)
        begun = time.perf_counter()
        try:
            picture = images.read(photo, keep_gps=keep_gps)
            notes = list(picture.notes)
            if size is not None and size != max(picture.rgb.shape[:2]):
                picture = picture.resized(size)
            memory.check(photo, picture.rgb.shape[0], picture.rgb.shape[1], model)
            picture = picture.with_rgb(painter.paint(picture.rgb, style, strength))
            target.parent.mkdir(parents=True, exist_ok=True)
            fingerprint = sha256(photo)
            recipe = {
                "photo_sha256": fingerprint,
                "style": style,
                "strength": strength,
                "model": model,
                "model_version": painter.version,
                "size": size,
                "quality": quality,
            }
            origin = provenance.Origin("paint", recipe, (fingerprint,))
            notes += images.write(picture, target, quality=quality, overwrite=overwrite, never=inputs, origin=origin)
        except FlamingoError as error:
            done.append(Painted(photo, error=error, seconds=time.perf_counter() - begun))
            continue
        done.append(Painted(photo, target, None, None, tuple(notes), time.perf_counter() - begun, recipe))
    if on_progress:
        on_progress(len(plan), len(plan), plan[-1][0])
    return done
