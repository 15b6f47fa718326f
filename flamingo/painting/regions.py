"""Several styles in one picture: from masks, as people give them, to the weights that the painter takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.images import resample
from flamingo.painting import styles
from flamingo.painting.palette import unknown

Pixels = NDArray[np.float32]

_ENOUGH = 1 / 512  # half a grey level of 8 bits: less of a style cannot be seen
_FADES = 0.9, 0.99  # from which weight of the photo on the painter's own version of it gives way to it, and to which


@dataclass(frozen=True, eq=False)
class Regions:
    """vectors: (K, S) style vectors, of which the zero vector is the photo. weights: (h, w, K), which sum to 1 at
    each place and are stretched over the picture whatever its size; None where one style has the whole picture.
    palettes: (K, 4, 3), the colours that each is to have (see flamingo.painting.palette); None: as they come out."""

    vectors: Pixels
    weights: Pixels | None = None
    palettes: Pixels | None = None

    def fitted(self, height: int, width: int) -> Regions:
        """The same for a picture of this size: masks that are larger are averaged down to it."""
        if self.weights is None:
            return self
        h, w = min(self.weights.shape[0], height), min(self.weights.shape[1], width)
        return Regions(self.vectors, resample.shrunk(self.weights, h, w), self.palettes)

    def window(self, size: tuple[int, int], top: int, left: int, height: int, width: int) -> Pixels:
        """The weights (height, width, K) of a window of a picture of this size."""
        assert self.weights is not None
        return resample.window(self.weights, size, top, left, height, width, "linear")

    @property
    def leave_photo(self) -> bool:
        """Whether there are places at which nothing is painted."""
        return not self.vectors.any(axis=1).all()

    def unpainted(self, size: tuple[int, int], top: int, height: int) -> Pixels:
        """How much of the very photo shows in so many rows from `top` on of a picture of this size: 1 where nothing
        is to be painted, for what the painter makes of a photo is 40 dB away from it. (height, width, 1), or
        (1, 1, 1) if it is the same all over; `leave_photo` must hold."""
        if self.weights is None:
            return np.ones((1, 1, 1), np.float32)
        nothing = ~self.vectors.any(axis=1)
        photo = Regions(self.vectors, self.weights[:, :, nothing].sum(axis=2, keepdims=True))
        least, most = _FADES
        share = (photo.window(size, top, 0, height, size[1]) - least) / (most - least)
        return np.asarray(np.clip(share, 0, 1), np.float32)


def regions(
    vectors: NDArray[np.floating], masks: NDArray[np.floating] | None, palettes: Pixels | None = None
) -> Regions:
    """What `Painter.paint_map` is asked for, in the painter's terms.

    vectors: (K, S); masks: (K, h, w) in [0, 1], how strongly each style is painted at each place, or None: the first
    style everywhere. Where masks overlap, styles mix; where their sum is below 1, that much of the photo shows; where
    it is above, it is brought down to 1. palettes: (K, 4, 3), those of paintings, NaN where there is none. Raises
    BadRequest for other shapes, and for values out of range.
    """
    vectors = np.atleast_2d(np.asarray(vectors, np.float32))
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise BadRequest("style vectors", "they are not K rows of finite numbers", "give (K, S), one row a style")
    if palettes is not None:
        if palettes.shape != (len(vectors), 4, 3):
            raise BadRequest(
                f"palettes of shape {palettes.shape}",
                f"{len(vectors)} styles need ({len(vectors)}, 4, 3)",
                "see palette",
            )
        palettes = None if np.isnan(palettes).any(axis=(1, 2)).all() else palettes
    if masks is None:
        if len(vectors) > 1:
            raise BadRequest(f"{len(vectors)} styles without masks", "each needs its place", "give a mask a style")
        return Regions(vectors, None, palettes)
    masks = np.asarray(masks, np.float32)
    if masks.ndim != 3 or len(masks) != len(vectors) or 0 in masks.shape:
        raise BadRequest(
            f"masks of shape {masks.shape}",
            f"{len(vectors)} styles need ({len(vectors)}, h, w)",
            "give a mask a style",
        )
    if not (masks.min() >= 0 and masks.max() <= 1):  # also refuses NaN
        raise BadRequest("masks", "they hold values outside 0 to 1", "divide by what white is, such as 255")
    total = masks.sum(axis=0)
    share = masks / np.maximum(total, 1)
    lengths = _lengths(np.minimum(total, 1)) / np.maximum(np.minimum(total, 1), 1e-6)
    return _trimmed(vectors, share * lengths, palettes)


def _trimmed(vectors: Pixels, weights: Pixels, palettes: Pixels | None) -> Regions:
    """Only the styles that are anywhere, and the photo where they leave room."""
    photo = 1 - weights.sum(axis=0, keepdims=True)
    if (photo > _ENOUGH).any():
        vectors = np.concatenate([vectors, np.zeros_like(vectors[:1])])
        weights = np.concatenate([weights, np.maximum(photo, 0)])
        palettes = None if palettes is None else np.concatenate([palettes, unknown(1)])
    present = weights.max(axis=(1, 2)) > _ENOUGH
    vectors, weights, palettes = vectors[present], weights[present], None if palettes is None else palettes[present]
    if len(vectors) == 1:
        return Regions(vectors, None, palettes)
    weights = weights / weights.sum(axis=0, keepdims=True)
    return Regions(vectors, np.ascontiguousarray(weights.transpose(1, 2, 0), dtype=np.float32), palettes)


def _lengths(strength: Pixels) -> Pixels:
    """How far to go along a style vector for each strength, so that grey looks as much painted as it is white."""
    grid = np.linspace(0, 1, 257)
    return np.interp(strength, grid, [styles.length(float(s)) for s in grid]).astype(np.float32)
