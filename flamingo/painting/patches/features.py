"""What is compared of two pictures beside their pixels: blurred colours, edges, and how rough a place is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.painting.patches.kernels import FEATURES

Pixels = NDArray[np.float32]

MARGIN = 12
"""Pixels around a part of a picture that its features depend on."""

_EDGE = np.float32(2.0)  # the square root of what a difference of edges counts, next to one of colours
_ROUGH = np.float32(0.7)
_KNOTS = np.linspace(0, 1, 129)


def features(lab: Pixels, roughness: Pixels) -> Pixels:
    """The features (H, W, 6) of a picture (H, W, 3) in Oklab: blurred colours, the gradient of lightness, roughness
    (H, W), each as large as it counts."""
    lightness = _blurred(lab[..., 0], 0.7)
    across = cv2.Sobel(lightness, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    down = cv2.Sobel(lightness, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    stack = np.empty((*lab.shape[:2], FEATURES), np.float32)
    stack[..., :3] = _blurred(lab, 1.0)
    stack[..., 3], stack[..., 4], stack[..., 5] = across * _EDGE, down * _EDGE, roughness * _ROUGH
    return stack


def roughness(lab: Pixels) -> Pixels:
    """The standard deviation of lightness around each place, (H, W): a smooth sky has little, foliage has much."""
    lightness = np.ascontiguousarray(lab[..., 0])
    fine = lightness - _blurred(lightness, 2.0)
    return np.asarray(np.sqrt(np.maximum(_blurred(fine * fine, 3.0), 0)), np.float32)


def quantiles(values: Pixels) -> NDArray[np.float64]:
    """129 quantiles of an array, from its least to its largest value."""
    step = max(1, values.size // 100_000)
    return np.asarray(np.quantile(values.reshape(-1)[::step], _KNOTS), np.float64)


def ranked(values: Pixels, own: NDArray[np.float64], other: NDArray[np.float64]) -> Pixels:
    """Values by their rank: those at a quantile of `own` become the same quantile of `other`. So the roughest place
    of a photo is as rough as the roughest one of a painting."""
    knots, index = np.unique(own, return_index=True)
    return np.interp(values, knots, other[index]).astype(np.float32)


def forms(lab: Pixels) -> Pixels:
    """Where a photo has forms that matter, such as faces and letters: (H, W), from 0, plain, to 1."""
    lightness = np.ascontiguousarray(lab[..., 0])
    longest = max(lightness.shape)
    between = _blurred(lightness, longest / 250) - _blurred(lightness, longest / 40)
    strength = np.sqrt(np.maximum(_blurred(between * between, longest / 100), 0))
    return np.clip(strength / max(float(np.quantile(strength, 0.98)), 0.01), 0, 1).astype(np.float32)


def resized(picture: Pixels, height: int, width: int) -> Pixels:
    """A picture (H, W, C) or (H, W) at another size: area averages where it shrinks, else a cubic curve."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height < picture.shape[0] or width < picture.shape[1]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=kind), np.float32)


def _blurred(picture: Pixels, sigma: float) -> Pixels:
    picture = np.ascontiguousarray(picture)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REFLECT), np.float32)
