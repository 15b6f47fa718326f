"""The paintings at one level of the pyramid, one above the other in one picture, and where patches may begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo.painting.patches import features
from flamingo.painting.patches.kernels import FEATURES, INVALID

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Source:
    """Pixels that patches are taken from.

    Attributes:
        lab: (h, w, 3) float32, a painting in Oklab.
        weight: how much of a region is to be made of it, next to the region's other sources.
        mask: (h, w) float32 in [0, 1]: patches are taken from where it is white; None for everywhere.
    """

    lab: Pixels
    weight: float = 1.0
    mask: Pixels | None = None


@dataclass(frozen=True, eq=False)
class Atlas:
    """All sources at one level.

    Attributes:
        colours: (h, w, 3) float32 in Oklab.
        features: (h, w, 6) float32, see `flamingo.painting.patches.features`.
        label: (h, w) uint8: which source a patch that begins there is of, INVALID where none may begin.
        tops: the first row of each source.
        roughness: quantiles of the roughness of all sources together.
        saturated: whether a source would have to be enlarged to be as large as this level asks.
    """

    colours: Pixels
    features: Pixels
    label: NDArray[np.uint8]
    tops: tuple[int, ...]
    roughness: NDArray[np.float64]
    saturated: bool


def sizes(sources: Sequence[Source], longest: float, patch: int) -> list[tuple[int, int]]:
    """The size of each source where its longest side is to be `longest`: none is enlarged, and none is smaller than
    a few patches."""
    fitted = []
    for source in sources:
        height, width = source.lab.shape[:2]
        scale = min(1.0, longest / max(height, width))
        fitted.append((max(2 * patch, round(height * scale)), max(2 * patch, round(width * scale))))
    return fitted


def atlas(sources: Sequence[Source], longest: float, patch: int, soften: float = 1.0) -> Atlas:
    """The atlas of a level.

    Args:
        sources: at most 254.
        longest: what the longest side of each painting is to be, in pixels.
        patch: side of a patch.
        soften: how much smaller the paintings are made and enlarged again: of one that is softened by 2, patches are
            as soft as those of a picture that was enlarged by 2.
    """
    shapes = sizes(sources, longest, patch)
    height, width = sum(h for h, _ in shapes), max(w for _, w in shapes)
    colours = np.zeros((height, width, 3), np.float32)
    label = np.full((height, width), INVALID, np.uint8)
    tops: list[int] = []
    stack = np.zeros((height, width, FEATURES), np.float32)
    samples = []
    top = 0
    for i, (source, (h, w)) in enumerate(zip(sources, shapes, strict=True)):
        lab = features.resized(source.lab, h, w)
        rough = features.roughness(lab)
        samples.append(rough.ravel())
        stack[top : top + h, :w] = features.features(lab, rough)
        if soften > 1:
            lab = features.resized(features.resized(lab, max(1, round(h / soften)), max(1, round(w / soften))), h, w)
        colours[top : top + h, :w] = lab
        label[top : top + h - patch + 1, : w - patch + 1] = _begins(source, h, w, patch, i)
        tops.append(top)
        top += h
    saturated = any(longest > max(source.lab.shape[:2]) for source in sources)
    return Atlas(colours, stack, label, tuple(tops), features.quantiles(np.concatenate(samples)), saturated)


def _begins(source: Source, height: int, width: int, patch: int, index: int) -> NDArray[np.uint8]:
    """Where patches of a source may begin, those whose middle lies in the mask."""
    if source.mask is None:
        return np.full((height - patch + 1, width - patch + 1), index, np.uint8)
    mask = features.resized(source.mask, height, width)
    edge = patch // 2
    middle = mask[edge : height - patch + 1 + edge, edge : width - patch + 1 + edge]
    # What is narrow vanishes when it is made small: then the most that is left of it counts.
    return np.where(middle >= max(1e-3, 0.5 * float(middle.max())), np.uint8(index), np.uint8(INVALID))
