"""Improving the style vector of a painting, and nothing else, against VGG-19 for a bounded time.

The encoder gives a vector in one pass. What it misses, a search can find: the painter stays as it is, and its loss
(see flamingo/train/painting/losses.py) is followed down in the space of vectors, as Dumoulin et al. 2017 learned
further styles for a painter that was done. The result is a vector like any other: it paints any photo in one pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.errors import BadRequest, MissingExtra
from flamingo.images.picture import resize

_STYLE_WEIGHT = 20.0
_RATE = 0.06  # of Adam; the coordinates of a vector are about 1
_MEMORY = 0.8  # of the average of vectors over the steps


@dataclass(frozen=True, eq=False)
class Refined:
    """vector: (S,) float32; losses: J of each step, on the photo that it was taken on."""

    vector: NDArray[np.float32]
    losses: tuple[float, ...]


def refine(
    vector: NDArray[np.float32],
    painting: NDArray[np.float32],
    photos: Sequence[NDArray[np.float32]],
    *,
    model: str = "fine",
    seconds: float = 30.0,
    size: int = 256,
    painting_size: int = 512,
    on_step: Callable[[int, float, float], None] | None = None,
) -> Refined:
    """Improve the style vector (S,) of a painting, (H, W, 3) float32 sRGB in [0, 1], by painting some photos with it.

    photos: as the painting, one at least, used in turn; size, painting_size: longest sides in pixels at which they
    are looked at. seconds: how long at most; at least one step is made for each photo. on_step is called as (step,
    share of the time that is spent, J); an exception that it raises stops the search. Of all steps the average over
    the last few is returned, unless the vector given was better. Raises MissingExtra without torch,
    ModelMissing without VGG-19.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra.of("refining a style", "torch", "torch") from None
    from flamingo.train.painting import losses, vgg
    from flamingo.train.painting.loop import load_painter

    if not photos:
        raise BadRequest("no photos", "a style is refined by painting some", "give one at least")
    painter = load_painter(weights.path(f"painter-{model}", "start")).painter
    judge = vgg.load()

    def planes(picture: NDArray[np.float32], longest: int, step: int) -> torch.Tensor:
        # Small paintings are enlarged, as they were in training: strokes are learned at so many pixels.
        scale = longest / max(picture.shape[:2])
        height, width = (max(64, round(side * scale / step) * step) for side in picture.shape[:2])
        return torch.from_numpy(resize(picture, height, width).transpose(2, 0, 1)[None].copy())

    with torch.no_grad():
        target = losses.grams(judge(planes(painting, painting_size, 1), vgg.STYLE_LAYERS))
        shown = [planes(photo, size, 4) for photo in photos]
        kept = [judge(photo, [vgg.CONTENT_LAYER])[vgg.CONTENT_LAYER] for photo in shown]

    def objective(at: torch.Tensor, i: int) -> torch.Tensor:
        seen = judge(painter(shown[i], at))
        c2 = losses.content_error_squared(seen, kept[i])
        return (c2 + _STYLE_WEIGHT * losses.style_errors_squared(seen, target).mean(1)).sum()

    at = torch.from_numpy(np.asarray(vector, np.float32)[None].copy()).requires_grad_()
    optimiser = torch.optim.Adam([at], lr=_RATE, betas=(0.8, 0.99))
    average = at.detach().clone()
    found: list[float] = []
    begun = time.perf_counter()
    while len(found) < len(shown) or time.perf_counter() - begun < seconds:
        loss = objective(at, len(found) % len(shown))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if not torch.isfinite(loss):
            break
        found.append(float(loss.detach()))
        optimiser.step()
        average.lerp_(at.detach(), 1 - _MEMORY)
        if on_step:
            on_step(len(found), min(1.0, (time.perf_counter() - begun) / seconds), found[-1])
    with torch.no_grad():
        after = sum(float(objective(average, i)) for i in range(len(shown))) / len(shown)
    before = sum(found[: len(shown)]) / len(shown)
    better = average[0].numpy() if after < before else vector
    return Refined(np.asarray(better, np.float32), (*found, after))
