"""Pictures as VGG-19 takes them, and at other sizes."""

from __future__ import annotations

import functools

import numpy as np

from flamingo.painting.methods.settings import Pixels

_CUBIC = -0.5  # Keys 1981, equation 8: the cubic that agrees with Taylor's series the furthest


def to_planes(rgb: Pixels) -> Pixels:
    """(H, W, 3) in [0, 1] to (1, 3, H, W)."""
    return np.array(rgb.transpose(2, 0, 1)[None], np.float32, order="C")


def to_pixels(x: Pixels) -> Pixels:
    """(1, 3, H, W) to (H, W, 3) float32, cut to [0, 1]."""
    return np.ascontiguousarray(np.clip(x[0].transpose(1, 2, 0), 0, 1), np.float32)


def resized(x: Pixels, height: int, width: int) -> Pixels:
    """(1, C, h, w) at another size: bicubic, smoothed before it shrinks, as torch's `interpolate(antialias=True)`."""
    if x.shape[2:] == (height, width):
        return x
    return np.asarray(_cubic(x.shape[2], height) @ x @ _cubic(x.shape[3], width).T, np.float32)


def averaged(x: Pixels, height: int, width: int) -> Pixels:
    """(1, C, h, w) at another size: each place is the mean of those that it covers, wholly or in part, as torch's
    `interpolate` with the mode "area"."""
    return np.asarray(_means(x.shape[2], height) @ x @ _means(x.shape[3], width).T, np.float32)


@functools.lru_cache(8)
def _cubic(before: int, after: int) -> Pixels:
    """(after, before) weights of bicubic interpolation. The kernel is stretched where a side shrinks."""
    scale = before / after
    stretch = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    places = np.arange(before) + 0.5
    away = np.abs(places[None] - centres[:, None]) / stretch
    near = ((_CUBIC + 2) * away - (_CUBIC + 3)) * away**2 + 1
    far = ((away - 5) * away + 8) * away * _CUBIC - 4 * _CUBIC
    weights = np.where(away < 1, near, np.where(away < 2, far, 0))
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


@functools.lru_cache(8)
def _means(before: int, after: int) -> Pixels:
    """(after, before) weights of means."""
    begins = np.arange(after) * before // after
    ends = -(-(np.arange(1, after + 1) * before) // after)
    places = np.arange(before)[None]
    inside = (places >= begins[:, None]) & (places < ends[:, None])
    return np.asarray(inside / inside.sum(1, keepdims=True), np.float32)
