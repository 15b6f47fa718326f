"""Improving the style vector of a painting, and nothing else, against VGG-19 for a bounded time.

The encoder gives a vector in one pass. What it misses, a search can find: the painter stays as it is, and its loss
(see flamingo/nn/losses.py) is followed down in the space of vectors, as Dumoulin et al. 2017 learned
further styles for a painter that was done. The result is a vector like any other: it paints any photo in one pass.

A vector has 128 numbers and its loss on one photo is smooth: there L-BFGS with a line search goes down further than
Adam in as many looks. Of several photos Adam takes one a look, which in half a minute gains more than looking at all
of them each time (lab book, 22).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.errors import BadRequest, MissingExtra
from flamingo.images.picture import resize
from flamingo.painting.grain import grain

if TYPE_CHECKING:
    import torch

_STYLE_WEIGHT = 20.0
_MANY = 1_000_000  # looks: time is what bounds them
_HISTORY = 20  # pairs that L-BFGS keeps
_RATE = 0.06  # of Adam; the coordinates of a vector are about 1
_MEMORY = 0.8  # of the average of vectors over its steps


@dataclass(frozen=True, eq=False)
class Refined:
    """vector: (S,) float32; losses: J of each look, at one photo after the other; before, after: J of the vector
    given and of this one, the mean over the photos."""

    vector: NDArray[np.float32]
    losses: tuple[float, ...]
    before: float
    after: float


def ready(model: str = "fine") -> None:
    """Raise what `refine` would raise for want of something: MissingExtra without torch, ModelMissing or ModelCorrupt
    without VGG-19 or the painter's weights, BadRequest for a painter that knows its named styles alone."""
    from flamingo.painting import encoder

    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtra.of("refining a style", "torch", "torch") from None
    from flamingo.nn import vgg

    if not encoder.known(model):
        raise BadRequest(f"model {model!r}", "this painter knows the named styles alone", "use --model fine")
    weights.path(f"painter-{model}", "weights")
    vgg.load()


def refine(
    vector: NDArray[np.float32],
    painting: NDArray[np.float32],
    photos: Sequence[NDArray[np.float32]],
    *,
    model: str = "fine",
    seconds: float = 30.0,
    looks: int | None = None,
    size: int = 256,
    painting_size: int = 512,
    on_step: Callable[[int, float, float], None] | None = None,
) -> Refined:
    """Improve the style vector (S,) of a painting, (H, W, 3) float32 sRGB in [0, 1], by painting some photos with it.

    photos: as the painting, one at least, used in turn; size, painting_size: longest sides in pixels at which they
    are looked at. seconds: how long at most; each photo is looked at once in any case; looks: how many at most, if
    that comes first. on_step is called as (look, share of the time that is spent, J); an exception that it raises
    stops the search. What is returned is never worse than the vector given. Raises MissingExtra without torch,
    ModelMissing without VGG-19.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra.of("refining a style", "torch", "torch") from None
    from flamingo.nn import losses, vgg
    from flamingo.nn.painter import load_painter

    if not photos:
        raise BadRequest("no photos", "a style is refined by painting some", "give one at least")
    painter = load_painter(weights.path(f"painter-{model}", "weights")).painter
    judge = vgg.load()

    def planes(picture: NDArray[np.float32], longest: int, step: int) -> torch.Tensor:
        # Small paintings are enlarged, as they were in training: strokes are learned at so many pixels.
        scale = longest / max(picture.shape[:2])
        height, width = (max(64, round(side * scale / step) * step) for side in picture.shape[:2])
        return torch.from_numpy(resize(picture, height, width).transpose(2, 0, 1)[None].copy())

    with torch.no_grad():
        target = losses.grams(judge(planes(painting, painting_size, 1), vgg.STYLE_LAYERS))
        shown = [planes(photo, size, 4) for photo in photos]
        grains = [torch.from_numpy(grain(0, 0, *p.shape[2:])[None]) for p in shown]
        kept = [judge(photo, [vgg.CONTENT_LAYER])[vgg.CONTENT_LAYER] for photo in shown]

    def objective(at: torch.Tensor, i: int) -> torch.Tensor:
        seen = judge(painter(shown[i], at, grains[i]))
        c2 = losses.content_error_squared(seen, kept[i])
        return (c2 + _STYLE_WEIGHT * losses.style_errors_squared(seen, target).mean(1)).sum()

    at = torch.from_numpy(np.asarray(vector, np.float32)[None].copy()).requires_grad_()
    found: list[float] = []
    begun = time.perf_counter()

    def look() -> torch.Tensor:
        """J of the next photo, with its gradient in at.grad."""
        spent = (time.perf_counter() - begun) / max(seconds, 1e-9)
        if len(found) >= len(shown) and (spent >= 1 or (looks is not None and len(found) >= looks)):
            raise _Enough
        loss = objective(at, len(found) % len(shown))
        at.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if not torch.isfinite(loss):
            raise _Enough
        found.append(float(loss.detach()))
        if on_step:
            on_step(len(found), min(1.0, spent), found[-1])
        return loss.detach()

    def mean(vector: torch.Tensor) -> float:
        with torch.no_grad():
            return sum(float(objective(vector, i)) for i in range(len(shown))) / len(shown)

    before = mean(at)
    better = (_one if len(shown) == 1 else _in_turn)(at, look)
    after = mean(better)
    if not after < before:
        return Refined(np.asarray(vector, np.float32), tuple(found), before, before)
    return Refined(better[0].numpy().astype(np.float32), tuple(found), before, after)


class _Enough(Exception):
    """Leaves the search: time is up, or the loss is no number."""


def _one(at: torch.Tensor, look: Callable[[], torch.Tensor]) -> torch.Tensor:
    """The best vector (1, S) that L-BFGS saw until `look` raised _Enough."""
    import torch

    best, lowest = at.detach().clone(), math.inf

    def seen() -> torch.Tensor:
        nonlocal best, lowest
        loss = look()
        if float(loss) < lowest:
            best, lowest = at.detach().clone(), float(loss)
        return loss

    optimiser = torch.optim.LBFGS(
        [at], max_iter=_MANY, max_eval=_MANY, history_size=_HISTORY, line_search_fn="strong_wolfe"
    )
    with contextlib.suppress(_Enough):
        optimiser.step(seen)  # type: ignore[no-untyped-call]
    return best


def _in_turn(at: torch.Tensor, look: Callable[[], torch.Tensor]) -> torch.Tensor:
    """The average (1, S) of the last vectors that Adam came to until `look` raised _Enough."""
    import torch

    optimiser = torch.optim.Adam([at], lr=_RATE, betas=(0.8, 0.99))
    average = at.detach().clone()
    with contextlib.suppress(_Enough):
        while True:
            look()
            optimiser.step()
            average.lerp_(at.detach(), 1 - _MEMORY)
    return average
