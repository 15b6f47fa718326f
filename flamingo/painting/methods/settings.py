"""What an optimisation is asked to do and what it gives back: plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.painting.options import Init, Optimiser
from flamingo.vgg.layers import LAYERS, Pooling

Pixels = NDArray[np.float32]
Colour = Literal["style", "photo"]
Losses = Literal["relative", "absolute", "raw"]


def _five() -> dict[str, float]:
    return {f"relu{block}_1": 0.2 for block in range(1, 6)}


@dataclass(frozen=True)
class Style:
    """A painting (H, W, 3) float32 sRGB in [0, 1], how much it counts among several, and where.

    mask: (h, w) in [0, 1], stretched over the photo, or None for everywhere.
    """

    painting: Pixels
    weight: float = 1.0
    mask: Pixels | None = None


@dataclass(frozen=True)
class Settings:
    """How to optimise. The objective is

        content_weight * sum over content layers of weight * e  +  style_weight * strength^2 * sum over style layers
        of weight * e  +  variation_weight * total variation  +  100 * mean of (1 - cover)^2 (out - photo)^2

    where e is an error of activations or of Gram matrices: with losses "relative" the squared Frobenius norm of the
    difference over that of the target (flamingo.vgg.losses; with the defaults here the objective is J),
    with "absolute" the mean squared difference, with Gram matrices divided by channels and places (Johnson et al.
    2016, equation 4) and activations brought to a mean of 1 in each layer, and with "raw" the mean squared difference
    of the activations of Caffe's VGG-19 as they are for pixels from 0 to pixel_range, and of Gram matrices divided by
    places alone. The total variation is the mean absolute difference of neighbours, with "raw" the mean squared one
    of pixels from 0 to pixel_range. cover is strength times the masks; the last term is 0 where the styles have all
    of a place.

    steps counts evaluations of the objective with its gradient, over all scales together. coarsest is the longest
    side in pixels at which to begin; each further scale is sqrt 2 larger; None begins at the full size. init
    "noisy" starts from the photo with uniform noise from 0 to 0.5 added, "fast" from a picture that the caller
    gives. stroke is the size of the painting in relation to the photo. rate is the step of the optimiser (1 for
    L-BFGS, 0.02 for Adam, if None). average is the decay of the running mean of the pictures, which is the result
    if it is better than the best of them. until stops as soon as the objective at the full size is so low.
    snapshots keeps a picture every so many steps, log_every the losses. Raises BadRequest."""

    content_layers: Mapping[str, float] = field(default_factory=lambda: {"relu4_2": 1.0})
    style_layers: Mapping[str, float] = field(default_factory=_five)
    content_weight: float = 1.0
    style_weight: float = 20.0
    variation_weight: float = 0.0
    losses: Losses = "relative"
    pixel_range: float = 255.0
    pooling: Pooling = "max"
    init: Init = "photo"
    optimiser: Optimiser = "lbfgs"
    steps: int = 200
    coarsest: int | None = 128
    rate: float | None = None
    history: int = 20
    average: float = 0.9
    strength: float = 1.0
    colour: Colour = "style"
    stroke: float = 1.0
    until: float | None = None
    snapshots: int = 0
    log_every: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for role, layers in (("content", self.content_layers), ("style", self.style_layers)):
            unknown = [name for name in layers if name not in LAYERS]
            if unknown:
                raise BadRequest(
                    f"{role} layer {unknown[0]!r}", "VGG-19 has no such layer", "choose from relu1_1 to relu5_4"
                )
            if not all(math.isfinite(w) and w >= 0 for w in layers.values()):
                raise BadRequest(f"{role} layer weights", "they must be finite and not negative", "")
        if not self.style_layers and not self.content_layers:
            raise BadRequest("layers", "there is nothing to optimise", "name content layers, style layers or both")
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and least <= value <= most):
                raise BadRequest(f"{name} {value}", f"it is not from {least:g} to {most:g}", "give one in between")
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                raise BadRequest(f"{name} {getattr(self, name)!r}", f"choose one of {', '.join(get_args(kind))}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values only, for recipes and checkpoints."""
        return asdict(self) | {"content_layers": dict(self.content_layers), "style_layers": dict(self.style_layers)}


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("content_weight", 0, 1e12),
    ("style_weight", 0, 1e12),
    ("variation_weight", 0, 1e12),
    ("pixel_range", 1e-3, 65_535),
    ("steps", 1, 100_000),
    ("coarsest", 32, 65_536),
    ("rate", 1e-6, 100),
    ("history", 1, 200),
    ("average", 0, 0.9999),
    ("strength", 0, 1),
    ("stroke", 0.25, 4),
    ("snapshots", 0, 100_000),
    ("log_every", 1, 100_000),
)
_CHOICES: dict[str, Any] = {
    "losses": Losses,
    "pooling": Pooling,
    "init": Init,
    "optimiser": Optimiser,
    "colour": Colour,
}


@dataclass(frozen=True)
class Step:
    """The losses of one evaluation, at the picture before the step was taken.

    step counts from 0 over all scales, height and width are this scale's; content, style, photo and tv, the total
    variation, are the weighted terms of the objective; layers are the errors of the style layers without weights,
    as a root (relative: s_l of flamingo.nn.losses), the mean over several styles. picture is there
    where a snapshot was due: (height, width, 3) float32. Objectives of different scales are not comparable."""

    step: int
    steps: int
    height: int
    width: int
    objective: float
    content: float
    style: float
    photo: float
    layers: Mapping[str, float]
    seconds: float
    picture: Pixels | None = None
    tv: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON lines: everything but the picture."""
        rounded = {k: round(v, 6) for k, v in self.layers.items()}
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {"layers": rounded, "seconds": round(self.seconds, 3)}


_PLAIN = ("step", "steps", "height", "width", "objective", "content", "style", "tv", "photo")


@dataclass(frozen=True)
class Optimised:
    """picture: (H, W, 3) float32 in [0, 1]; objective: its own; table: the losses every log_every steps and at the
    last; snapshots: the steps that hold a picture; notes: what the user must be told; whole: False if it stopped
    early, for a loss that was not finite."""

    picture: Pixels
    objective: float
    table: tuple[Step, ...]
    snapshots: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    whole: bool = True
