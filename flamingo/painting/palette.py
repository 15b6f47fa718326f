"""The colours of a painting, as a mean and a covariance, and how a picture is brought nearer to them.

A style vector that was read from a painting in one pass gives its strokes better than its colours: those of a
painting that is more colourful than most come out dull. But what colours a painting has, and what colours came out,
can simply be measured; then every colour is moved by the one linear map that makes the second distribution the first
and moves colours least, if both were Gaussian (Olkin and Pukelsheim 1982; for pictures Pitie and Kokaram 2007, "The
linear Monge-Kantorovitch linear colour mapping for example-based colour transfer").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]

SHARE = 0.4
"""How far colours are moved, of the whole way; measured beside other shares in docs/LAB.md. All the way brings out
noise where the painting has colours and what was painted has hardly any."""

_NOISE = 1e-3  # variance that both distributions are given beside their own, so that what is nearly nothing stays so
_ENOUGH = 500_000  # pixels that are looked at, more or less
_IDENTITY = np.eye(3, 4, dtype=np.float32)


def palette(rgb: Pixels) -> Pixels:
    """(4, 3) float32: the mean of the colours of a picture, (H, W, 3) in [0, 1], and below it their covariance."""
    step = max(1, int((rgb.shape[0] * rgb.shape[1] / _ENOUGH) ** 0.5))
    flat = rgb[::step, ::step].reshape(-1, 3).astype(np.float64)
    mean = flat.mean(axis=0)
    centred = flat - mean
    return np.concatenate([mean[None], centred.T @ centred / len(flat)]).astype(np.float32)


def unknown(many: int) -> Pixels:
    """(many, 4, 3): the palettes of styles whose colours stay as the painter makes them."""
    return np.full((many, 4, 3), np.nan, np.float32)


def change(source: Pixels, target: Pixels, share: float) -> Pixels:
    """The map (3, 4) from the colours of a picture with one palette towards another; the last column is added.

    share: how far, from 0 to 1. A palette that is not known (NaN) changes nothing.
    """
    if share <= 0 or not np.isfinite(target).all():
        return _IDENTITY
    mean, covariance = _parts(source)
    target_mean, target_covariance = _parts(target)
    root = _root(covariance)
    back = np.linalg.inv(root)
    linear = back @ _root(root @ target_covariance @ root) @ back
    linear = (1 - share) * np.eye(3) + share * linear
    moved = share * target_mean + (1 - share) * mean - linear @ mean
    return np.concatenate([linear, moved[:, None]], axis=1).astype(np.float32)


def same(changes: Pixels) -> bool:
    """Whether these maps, (K, 3, 4), change nothing."""
    return bool((changes == _IDENTITY).all())


def same_for(many: int) -> Pixels:
    """(many, 3, 4): maps that change nothing."""
    return np.repeat(_IDENTITY[None], many, axis=0)


def changed(rgb: Pixels, changes: Pixels, weights: Pixels | None = None) -> Pixels:
    """A picture (H, W, 3) whose colours went through the maps (K, 3, 4), in [0, 1]. weights: how much of each there
    is at each place, (H, W, K), which sum to 1; None for the first alone."""
    if same(changes):
        return rgb
    if weights is None:
        mapped = rgb @ changes[0, :, :3].T + changes[0, :, 3]
    else:
        per_map = np.einsum("hwc,kdc->hwkd", rgb, changes[:, :, :3], optimize=True) + changes[:, :, 3]
        mapped = np.einsum("hwkd,hwk->hwd", per_map, weights, optimize=True)
    return np.asarray(np.clip(mapped, 0, 1), np.float32)


def _parts(packed: Pixels) -> tuple[Floats, Floats]:
    return packed[0].astype(np.float64), packed[1:].astype(np.float64) + _NOISE * np.eye(3)


def _root(covariance: Floats) -> Floats:
    """The symmetric square root."""
    values, axes = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray((axes * np.sqrt(np.maximum(values, 1e-12))) @ axes.T)
