"""The verb `paint`, defined once: its arguments, their meaning and limits, and what comes back.

The signature of `paint` below *is* the definition. The command line makes its options from it, the HTTP API its
request and the page its controls; `flamingo.options` reads it. So a control is added here and nowhere else.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from flamingo import images, provenance, weights
from flamingo.errors import BadRequest, FlamingoError
from flamingo.images.folders import noted
from flamingo.options import ONE_OR_MANY, checked
from flamingo.painting import style_spec as wishes
from flamingo.painting.arguments import Colour, Painting, Strength
from flamingo.painting.methods.options import SLOW, Method, MethodOptions, Preset
from flamingo.painting.methods.settings import Init, OnStep, Optimiser
from flamingo.painting.pyramid import LARGEST, SMALLEST
from flamingo.painting.request import MOST, PaintRequest, PhotoPainter
from flamingo.painting.task import OutputOptions, Task, clips

Progress = Callable[[int, int, Path], None]


def _slow(description: str, **limits: Any) -> Any:
    """The Field of an option that only the slow methods have."""
    return Field(description=description, json_schema_extra={"group": SLOW}, **limits)


@dataclass(frozen=True)
class PaintResult:
    """What became of one photo.

    file: where the picture was written, or None; picture: the picture itself, if it was not written; error: why
    there is no picture, or None; notes: what the user must be told; recipe: everything that made it, enough to
    make the same picture again; beside: other files that were written, such as snapshots.
    """

    photo: Path
    file: Path | None = None
    picture: images.Picture | None = None
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    recipe: dict[str, Any] = field(default_factory=dict)
    beside: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "photo": str(self.photo),
            "file": str(self.file) if self.file else None,
            "error": str(self.error) if self.error else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe,
            "beside": [str(file) for file in self.beside],
        }


@checked
def paint(
    photos: Annotated[
        list[Path],
        Field(min_length=1, description="Photos, films or animated pictures, or folders of them, to paint."),
    ],
    *,
    style: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        Field(
            description="Named style (see `flamingo styles`) or painting's file, NAME[=WEIGHT][@MASK]; several are "
            "mixed, or painted where their masks are white. Without any, starry-night."
        ),
    ] = None,
    painting: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(description="Any painting to paint like; a style may name it by its file name, to weigh or place it."),
    ] = None,
    mask: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            description="Where to paint: white paints, grey partly, black leaves the photo; of several, each is "
            "named by a style, NAME@MASK."
        ),
    ] = None,
    strength: Strength = 1.0,
    colour: Colour = 1.0,
    stroke: Annotated[
        float,
        Field(
            ge=SMALLEST,
            le=LARGEST,
            allow_inf_nan=False,
            description="Size of the strokes, in relation to the picture, whatever its resolution.",
        ),
    ] = 1.0,
    model: Painting = "fine",
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
    method: Annotated[
        Method,
        Field(
            description="painter: a network, in a second; optimise: Gatys' method, in minutes; dream: DeepDream. "
            "The last two need the extra `torch`."
        ),
    ] = "painter",
    best: Annotated[
        int,
        Field(ge=1, le=MOST, description="Make so many variants, and keep the one that the critic likes best."),
    ] = 1,
    preset: Annotated[Preset | None, _slow("optimise: as an older system did it.")] = None,
    init: Annotated[
        Init | None,
        _slow("optimise: begin with the photo, with noise, with both (noisy), or with the painter's picture (fast)."),
    ] = None,
    optimiser: Annotated[Optimiser | None, _slow("optimise: L-BFGS or Adam.")] = None,
    steps: Annotated[
        int | None, _slow("optimise: how many in all (200); dream: in each octave (10).", ge=1, le=100_000)
    ] = None,
    content_layer: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        _slow("Layer of VGG-19 that keeps the photo (relu4_2) or that is dreamed of, NAME[=WEIGHT]."),
    ] = None,
    style_layer: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        _slow("optimise: layer whose Gram matrix is the style (relu1_1 to relu5_1), NAME[=WEIGHT]."),
    ] = None,
    content_weight: Annotated[
        float | None, _slow("optimise: how much the photo counts (1).", ge=0, le=1e12, allow_inf_nan=False)
    ] = None,
    style_weight: Annotated[
        float | None, _slow("optimise: how much the style counts (20).", ge=0, le=1e12, allow_inf_nan=False)
    ] = None,
    tv_weight: Annotated[
        float | None,
        _slow("optimise: weight of the total variation, which smooths (0).", ge=0, le=1e12, allow_inf_nan=False),
    ] = None,
    lr: Annotated[
        float | None,
        _slow(
            "optimise: learning rate, Adam's step (.02) or what L-BFGS's is multiplied by (1).",
            ge=1e-6,
            le=100,
            allow_inf_nan=False,
        ),
    ] = None,
    octaves: Annotated[int | None, _slow("dream: how many sizes (4).", ge=1, le=12)] = None,
    jitter: Annotated[int | None, _slow("dream: shift before each step, in pixels (32).", ge=0, le=512)] = None,
    snapshots: Annotated[
        int | None,
        _slow("optimise: keep picture and losses every so many steps, beside the result.", ge=1, le=100_000),
    ] = None,
    seed: Annotated[int | None, _slow("optimise, dream: of all that is random (0).", ge=0, lt=2**32)] = None,
    on: Annotated[
        Literal["local", "ray"],
        Field(description="Where: this computer, or the Ray cluster that RAY_ADDRESS names (extra `ray`)."),
    ] = "local",
    on_progress: Progress | None = None,
    on_step: OnStep | None = None,
) -> list[PaintResult]:
    """Paint photos in the manner of one painting or several.

    Returns one `PaintResult` a photo, in order. A photo that cannot be read or painted does not stop the others:
    its `error` says why. Raises BadRequest or OutputError if the request as a whole cannot be carried out, and
    ModelMissing or ModelCorrupt if the painter cannot be used. Each picture is written with credentials that say
    what made it (see flamingo.provenance).

    on_progress is called as (done, all, photo) before each photo and once at the end, of a single photo also while it
    is painted; an exception that it raises, such as KeyboardInterrupt, cancels what is left and loses nothing that
    was written. on_step is called as (photo, step) every ten steps of the method `optimise` (fifty with a preset),
    with the losses; with `snapshots`, `beside` names a strip of them and the losses (see
    flamingo.painting.methods.task).
    """
    styles, paintings, masks = (_many(given) for given in (style, painting, mask))
    asked = MethodOptions(
        preset, init, optimiser, steps, _many(content_layer), _many(style_layer), content_weight, style_weight,
        octaves, jitter, snapshots, seed, tv_weight, lr,
    )  # fmt: skip
    dreams_freely = method == "dream" and not (styles or paintings)
    parts = () if dreams_freely else tuple(wishes.parse_styles(styles, paintings, masks, model))
    manner = PaintRequest(parts, method, asked, strength, colour, stroke, model, best, on_step)
    images.warm_up()  # the process that decodes pictures starts while the painter loads
    plan = images.plan_outputs(photos, output or Path("painted") / manner.label, overwrite=overwrite, others=clips())
    if not plan:
        raise BadRequest(
            ", ".join(map(str, photos)), "no photos are there", "name photos, or a folder that holds some"
        )
    provenance.ready()
    unread = images.left_out(photos, output or Path("painted") / manner.label, others=clips())
    task = manner.task(
        OutputOptions(size, quality, keep_gps, overwrite, (*(photo for photo, _ in plan), *paintings, *masks))
    )
    tell = on_progress or (lambda *_: None)
    done = list(_on_ray(task, plan, tell) if on == "ray" else _here(task, plan, tell))
    if weights.stand_in(f"painter-{model}"):
        done[0] = replace(done[0], notes=(*weights.absences(), *done[0].notes))
    if on_progress:
        on_progress(len(plan), len(plan), plan[-1][0])
    return noted(done, unread)


def _here(task: PhotoPainter, plan: list[tuple[Path, Path]], tell: Progress) -> Iterator[PaintResult]:
    """One after another. Of a single photo it is worth saying how much of it is painted; of many, how many are."""
    for i, (photo, target) in enumerate(plan):
        begun = time.perf_counter()

        def part(done: int, parts: int, i: int = i, photo: Path = photo) -> None:
            tell(*((done, parts) if len(plan) == 1 else (i, len(plan))), photo)

        part(0, 1)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            done = task.carry_out(photo, target, part)
        except FlamingoError as error:
            yield PaintResult(photo, error=error, seconds=time.perf_counter() - begun)
        else:
            seconds = time.perf_counter() - begun
            yield PaintResult(photo, target, None, None, tuple(done.notes), seconds, done.recipe, done.beside)


def _on_ray(task: PhotoPainter, plan: list[tuple[Path, Path]], tell: Progress) -> Iterator[PaintResult]:
    """Many at once. How long each took is not known, only when it was done."""
    # By name, as a plugin is found: what distributes painting lies above it.
    photos_on_ray = importlib.import_module("flamingo.distributed.photos")

    if not isinstance(task, Task):
        raise BadRequest("--on ray", "the cluster has the painter alone", "leave --on out, or --method and --best")
    begun = time.perf_counter()
    outcomes = photos_on_ray.carried_out(task, plan, lambda done, photo: tell(done, len(plan), photo), tell)
    for (photo, target), outcome in zip(plan, outcomes, strict=True):
        seconds = time.perf_counter() - begun
        if isinstance(outcome, FlamingoError):
            yield PaintResult(photo, error=outcome, seconds=seconds)
        else:
            yield PaintResult(photo, target, None, None, tuple(outcome[0]), seconds, outcome[1])


def _many(given: Any) -> tuple[Any, ...]:
    return tuple(given) if given else ()  # see ONE_OR_MANY
