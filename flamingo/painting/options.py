"""The options of `paint`, and the groups of them that other verbs share.

An option is added here, used where it matters, and described in the docs: the command line, the HTTP API, the page's
controls, the client, previews and recipes follow from the fields (see flamingo.options).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from flamingo.errors import BadRequest
from flamingo.options import ONE_OR_MANY, STRICT, options
from flamingo.painting.pyramid import LARGEST, SMALLEST

Model = Literal["fast", "fine"]
MODELS: tuple[Model, ...] = get_args(Model)
"""The painters."""

Method = Literal["auto", "painter", "patches", "optimise", "dream"]
Effort = Literal["quick", "true", "finished"]
Init = Literal["photo", "noise", "noisy", "fast"]
Optimiser = Literal["lbfgs", "adam"]
Preset = Literal["flamingo-2021", "nst-2023", "deep-art-2023"]

EFFORTS: Mapping[Effort, tuple[Method, int]] = {
    "quick": ("painter", 0),
    "true": ("patches", 0),
    "finished": ("patches", 10),
}
"""What each effort stands for: a method, and the steps of finishing after it."""

OF_ONE_METHOD = "Of this method"
"""The heading under which the options stand that not every method has."""
MOST_VARIANTS = 16
"""Variants of a picture that can be asked for."""

Colour = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | Literal["style", "photo"]
"""Whose colours: a share from 0, the photo's, to 1, the style's, or a word for one of the two."""

Progress = Callable[[int, int, Path], None]
"""Called as (done, all, photo)."""
OnStep = Callable[[Path, Any], None]
"""Called as (photo, step) with a `flamingo.painting.methods.Step`: the losses of a run over a photo, as it goes."""


def _of(*methods: Method) -> Callable[..., Any]:
    """What makes the Field of an option that these methods alone have."""
    extra: dict[str, Any] = {"group": OF_ONE_METHOD, "methods": list(methods)}
    return partial(Field, json_schema_extra=extra)


_patches, _optimise, _dream, _slow = _of("patches"), _of("optimise"), _of("dream"), _of("optimise", "dream")


@dataclass(frozen=True, kw_only=True)
class StyleSelection:
    """Which styles, where and how strongly (see flamingo.painting.style_spec for what `style` may say)."""

    style: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        Field(
            description="Named style (see `flamingo styles`) or painting's file, NAME[=WEIGHT][@MASK]; several are "
            "mixed, or painted where their masks are white. Without any, starry-night."
        ),
    ] = None
    painting: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(description="Any painting to paint like; a style may name it by its file name, to weigh or place it."),
    ] = None
    mask: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            description="Where to paint: white paints, grey partly, black leaves the photo; of several, each is "
            "named by a style, NAME@MASK."
        ),
    ] = None
    strength: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="From 0, the photo itself, to 1, the full style."),
    ] = 1.0
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class StyleOptions:
    """How styles are painted, whichever they are: the same for pictures, films and previews."""

    colour: Annotated[Colour, Field(description="Whose colours: the style's (1), the photo's (0), or between.")] = 1.0
    stroke: Annotated[
        float,
        Field(
            ge=SMALLEST,
            le=LARGEST,
            allow_inf_nan=False,
            description="Size of the strokes, in relation to the picture, whatever its resolution.",
        ),
    ] = 1.0
    model: Annotated[
        Model, Field(description="Painter: fine has the better strokes, fast takes a fraction of the time.")
    ] = "fine"
    __pydantic_config__ = STRICT

    @property
    def colour_share(self) -> float:
        """0 for the photo's colours, 1 for the style's."""
        words = {"style": 1.0, "photo": 0.0}
        return words[self.colour] if isinstance(self.colour, str) else float(self.colour)


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How results are written."""

    size: Annotated[
        int | None,
        Field(
            ge=16,
            le=65_500,
            description="Longest side of the picture in pixels; without it the photo's own size.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        Field(description="File to write, or a folder for several photos; without it painted/STYLE/ is used."),
    ] = None
    overwrite: Annotated[bool, Field(description="Replace results that are already there (never a photo).")] = False
    quality: Annotated[int, Field(ge=1, le=100, description="Quality of JPEG and WebP files.")] = 92
    keep_gps: Annotated[bool, Field(description="Keep the place where the photo was taken in its metadata.")] = False
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class PatchOptions:
    """How the method `patches` (flamingo.painting.patches) rebuilds a photo; None where nothing is said."""

    fidelity: Annotated[
        float | None,
        _patches(
            description="patches: from 0, the paint runs, to 1, the photo's forms are kept (.5).",
            ge=0,
            le=1,
            allow_inf_nan=False,
        ),
    ] = None
    match: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        _patches(
            description="patches: PHOTO_MASK:PAINTING_MASK, two pictures: where the first is white, only patches "
            "from where the second is white are used, and these nowhere else.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        _of("patches", "optimise", "dream")(
            description="patches, optimise, dream: of all that is random (0).", ge=0, lt=2**32
        ),
    ] = None
    __pydantic_config__ = STRICT

    @property
    def fidelity_or_usual(self) -> float:
        """What `fidelity` is where nothing is said."""
        return 0.5 if self.fidelity is None else self.fidelity


@dataclass(frozen=True, kw_only=True)
class MethodOptions(PatchOptions):
    """By which method, and what the methods but the painter are told; None where nothing is said."""

    effort: Annotated[
        Effort | None,
        Field(
            description="quick: one pass of the painter, in a second; true: pieces of the painting itself, in ten; "
            "finished: the same, and ten steps of optimisation, in a minute. Without it, --method says how."
        ),
    ] = None
    method: Annotated[
        Method,
        Field(
            description="auto: patches for a painting that you bring, else the painter; painter: a network, in a "
            "second; patches: pieces of the painting itself, in ten; optimise: Gatys' method, in minutes; dream: "
            "DeepDream."
        ),
    ] = "auto"
    best: Annotated[
        int,
        Field(
            ge=1, le=MOST_VARIANTS, description="Make so many variants, and keep the one that the critic likes best."
        ),
    ] = 1
    finish: Annotated[
        int | None,
        _of("painter", "patches")(
            description="painter, patches: steps of optimisation afterwards, of some seconds each, that bring the "
            "textures nearer to the painting's (0).",
            ge=0,
            le=1000,
        ),
    ] = None
    preset: Annotated[Preset | None, _optimise(description="optimise: as an older system did it.")] = None
    init: Annotated[
        Init | None,
        _optimise(
            description="optimise: begin with the photo, with noise, with both (noisy), or with the painter's "
            "picture (fast)."
        ),
    ] = None
    optimiser: Annotated[Optimiser | None, _optimise(description="optimise: L-BFGS or Adam.")] = None
    steps: Annotated[
        int | None,
        _slow(description="optimise: how many in all (200); dream: in each octave (10).", ge=1, le=100_000),
    ] = None
    content_layer: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        _slow(
            description="Layer of VGG-19 that keeps the photo (relu4_2) or that is dreamed of, NAME[=WEIGHT].",
        ),
    ] = None
    style_layer: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        _optimise(description="optimise: layer whose Gram matrix is the style (relu1_1 to relu5_1), NAME[=WEIGHT]."),
    ] = None
    content_weight: Annotated[
        float | None,
        _optimise(description="optimise: how much the photo counts (1).", ge=0, le=1e12, allow_inf_nan=False),
    ] = None
    style_weight: Annotated[
        float | None,
        _optimise(description="optimise: how much the style counts (20).", ge=0, le=1e12, allow_inf_nan=False),
    ] = None
    tv_weight: Annotated[
        float | None,
        _optimise(
            description="optimise: weight of the total variation, which smooths (0).",
            ge=0,
            le=1e12,
            allow_inf_nan=False,
        ),
    ] = None
    lr: Annotated[
        float | None,
        _optimise(
            description="optimise: learning rate, Adam's step (.02) or what L-BFGS's is multiplied by (1).",
            ge=1e-6,
            le=100,
            allow_inf_nan=False,
        ),
    ] = None
    octaves: Annotated[int | None, _dream(description="dream: how many sizes (4).", ge=1, le=12)] = None
    jitter: Annotated[
        int | None, _dream(description="dream: shift before each step, in pixels (32).", ge=0, le=512)
    ] = None
    snapshots: Annotated[
        int | None,
        _optimise(
            description="optimise: keep picture and losses every so many steps, beside the result.", ge=1, le=100_000
        ),
    ] = None
    __pydantic_config__ = STRICT

    def check_method(self, method: Method) -> None:
        """Raise BadRequest for an option that this method does not have: none is passed over in silence."""
        for option in options(MethodOptions):
            if option.group != OF_ONE_METHOD or getattr(self, option.name) in (None, ()) or method in option.methods:
                continue
            flag, other = option.name.replace("_", "-"), option.methods[0]
            raise BadRequest(
                f"--{flag}", f"the method {method} has no such thing", f"add --method {other}, or leave it out"
            )


def with_effort(effort: Effort | None, method: Method, finish: int | None) -> tuple[Method, int | None]:
    """The method and the steps of finishing that an effort stands for, or those that were given where there is none.

    Raises:
        BadRequest: if the others that were given say something else.
    """
    if effort is None:
        return method, finish
    of_effort, steps = EFFORTS[effort]
    if method not in ("auto", of_effort):
        raise BadRequest(
            f"--effort {effort}", f"it is the method {of_effort}, not {method}", "leave --method out, or --effort"
        )
    if finish not in (None, steps):
        is_finished = f"it finishes in {steps} steps, not {finish}" if steps else "it finishes nothing"
        raise BadRequest(f"--effort {effort}", is_finished, "leave --finish out, or --effort")
    return of_effort, steps or None


@dataclass(frozen=True)
class PaintOptions(MethodOptions, OutputOptions, StyleOptions, StyleSelection):
    """All options of `paint`: see `flamingo.paint`."""

    photos: Annotated[
        list[Path],
        Field(min_length=1, description="Photos, films or animated pictures, or folders of them, to paint."),
    ]
    _: KW_ONLY
    on: Annotated[
        Literal["local", "ray"],
        Field(description="Where: this computer, or the Ray cluster that RAY_ADDRESS names (extra `ray`)."),
    ] = "local"
    on_progress: Progress | None = None
    on_step: OnStep | None = None
    __pydantic_config__ = STRICT
