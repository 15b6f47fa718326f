"""The photo's colours moved to the painting's: the whole distribution, not its mean and covariance alone.

Distributions are matched along one random rotation of Oklab after another (Pitie, Kokaram and Dahyot 2007, "Automated
colour grading using colour distribution transfer"; Rabin et al. 2012, sliced optimal transport). The map is computed
for samples, then known on a lattice of colours, where it is smoothed: neighbouring colours stay neighbours, and
smooth places of the photo stay without grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from flamingo.painting.patches import kernels

Colours = NDArray[np.float32]

SAMPLES = 20_000
"""Colours of a picture that are looked at."""

_ROTATIONS = 16
_KNOTS = np.linspace(0, 1, 129)
_LATTICE = 25
_SMOOTH = 1.0  # cells
_BINS, _TEMPER = 12, 0.1  # of a colour's frequency, how much of its logarithm is taken away
_LEAST = np.float32(0.002)  # side of a cell


def step_of(lab: Colours) -> int:
    """Every how many rows and columns `sample` takes a pixel."""
    return max(1, int((lab.shape[0] * lab.shape[1] / SAMPLES) ** 0.5))


def sample(lab: Colours) -> Colours:
    """About `SAMPLES` of the colours of a picture (H, W, 3), spread evenly, or all of a small one; (n, 3)."""
    step = step_of(lab)
    return np.ascontiguousarray(lab[step // 2 :: step, step // 2 :: step].reshape(-1, 3))


@dataclass(frozen=True, eq=False)
class ColourMap:
    """Displacements of Oklab colours on a lattice, (n, n, n, 3), whose first colour is `low`; `cell`: the sides of a
    cell. Colours beyond it are displaced as those at its edge."""

    lattice: Colours
    low: Colours
    cell: Colours

    def __call__(self, lab: Colours) -> Colours:
        """A picture (H, W, 3) in Oklab, its colours moved."""
        flat = np.ascontiguousarray(lab.reshape(-1, 3), np.float32)
        out = np.empty_like(flat)
        kernels.through_lattice(flat, self.lattice, self.low, self.cell, out)
        return out.reshape(lab.shape)

    def then(self, other: ColourMap) -> ColourMap:
        """The map that moves colours by this one and the result by the other, on the lattice of this one."""
        grid = _grid(self.low, self.cell)
        return ColourMap(np.ascontiguousarray(other(self(grid)) - grid), self.low, self.cell)


def apart(some: Colours, others: Colours) -> float:
    """How far colours (n, 3) are from others (m, 3): the mean distance of their quantiles along the axes of Oklab."""
    ours, theirs = (np.quantile(colours, _KNOTS, axis=0) for colours in (some, others))
    return float(np.abs(ours - theirs).mean())


def colour_map(photo: Colours, painting: Colours, seed: int = 0) -> ColourMap:
    """The map that makes the colours (n, 3) of a photo distributed as those of a painting (m, 3), both in Oklab."""
    rng = np.random.default_rng(seed)
    photo, painting = _tempered(photo), _tempered(painting)
    # As fine as the photo's colours are alike: all of a dim photo's must not be taken for one.
    low, high = photo.min(axis=0), photo.max(axis=0)
    cell = np.maximum((high - low) / (_LATTICE - 1), _LEAST).astype(np.float32)
    axes = [low[i] + cell[i] * np.arange(_LATTICE) for i in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    points = np.concatenate([photo.astype(np.float64), grid])
    count, target = len(photo), painting.astype(np.float64)
    for i in range(_ROTATIONS):
        rotation = np.eye(3) if i == 0 else np.linalg.qr(rng.normal(size=(3, 3)))[0]
        moved, rotated_target = points @ rotation, target @ rotation
        for axis in range(3):
            source = np.quantile(moved[:count, axis], _KNOTS)
            goal = np.quantile(rotated_target[:, axis], _KNOTS)
            moved[:, axis] += _shift(moved[:, axis], source, goal)
        points = moved @ rotation.T
    displacement = (points[count:] - grid).reshape(_LATTICE, _LATTICE, _LATTICE, 3)
    box = [(axis[0] - side / 2, axis[-1] + side / 2) for axis, side in zip(axes, cell, strict=True)]
    density = np.histogramdd(photo, bins=_LATTICE, range=box)[0]
    weight = gaussian_filter(density, _SMOOTH) + 1e-6 * density.sum()
    total = gaussian_filter(weight, _SMOOTH)
    smooth = [gaussian_filter(displacement[..., k] * weight, _SMOOTH) / total for k in range(3)]
    return ColourMap(np.stack(smooth, axis=-1).astype(np.float32), low, cell)


def between(first: ColourMap, second: ColourMap, share: float) -> ColourMap:
    """The map that moves colours `share` of the way from where the first moves them to where the second does, on a
    lattice over the colours of both."""
    low = np.minimum(first.low, second.low)
    high = np.maximum(*(colours.low + colours.cell * (_LATTICE - 1) for colours in (first, second)))
    cell = (high - low) / np.float32(_LATTICE - 1)
    grid = _grid(low, cell)
    start, end = (colours(grid) - grid for colours in (first, second))
    return ColourMap(np.ascontiguousarray(start + (end - start) * np.float32(share)), low, cell)


def _grid(low: Colours, cell: Colours) -> Colours:
    """The colours at the points of a map's lattice, (n, n, n, 3)."""
    axes = [low[i] + cell[i] * np.arange(_LATTICE, dtype=np.float32) for i in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _tempered(colours: Colours) -> Colours:
    """Colours (n, 3) drawn from others so that what is rare among them is less so.

    Where most of a painting is dark, all of a bright sky would become dark with it, and what stands before the sky
    would be lost: a painting's few lights are worth more than their share.
    """
    low, high = colours.min(axis=0), colours.max(axis=0)
    cells = np.minimum((colours - low) / np.maximum(high - low, 1e-6) * _BINS, _BINS - 1).astype(np.intp)
    flat = np.ravel_multi_index((cells[:, 0], cells[:, 1], cells[:, 2]), (_BINS, _BINS, _BINS))
    weights = np.bincount(flat, minlength=_BINS**3)[flat] ** -_TEMPER
    shares = np.cumsum(weights) / weights.sum()
    return colours[
        np.minimum(np.searchsorted(shares, (np.arange(len(colours)) + 0.5) / len(colours)), len(colours) - 1)
    ]


def _shift(
    values: NDArray[np.float64], source: NDArray[np.float64], goal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the monotone map from the quantiles `source` to `goal` moves values; beyond them as at the ends."""
    # What many pixels share, as a white background, is moved to the mean of where they would be moved one by one.
    knots, places = np.unique(source, return_inverse=True)
    shifts = np.bincount(places, goal - source) / np.bincount(places)
    return np.asarray(np.interp(values, knots, shifts))
