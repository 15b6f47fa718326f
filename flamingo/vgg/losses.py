"""Errors of activations and of Gram matrices, with their derivatives (Gatys, Ecker & Bethge 2016, equations 1 to 6).

The same figures as `flamingo.nn.losses`, which says what they are for, without torch and for one picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flamingo.vgg.layers import CONTENT_LAYER, STYLE_LAYERS

Array = NDArray[np.float32]


def gram(features: Array) -> Array:
    """(1, C, h, w) activations to their (C, C) Gram matrix, divided by the number of places h * w."""
    flat = features.reshape(features.shape[1], -1)
    return np.asarray(flat @ flat.T / np.float32(flat.shape[1]), np.float32)


def gram_gradient(features: Array, slope: Array) -> Array:
    """The derivative (1, C, h, w) with respect to activations of a number whose derivative with respect to their Gram
    matrix is `slope`, (C, C) and symmetric."""
    flat = features.reshape(features.shape[1], -1)
    return np.asarray((slope * np.float32(2 / flat.shape[1])) @ flat, np.float32).reshape(features.shape)


def square(x: Array) -> float:
    """The squared Frobenius norm."""
    flat = x.reshape(-1)
    return float(np.dot(flat, flat))


def relative_error(out: Array, target: Array) -> float:
    """The squared norm of the difference over that of the target."""
    return square(out - target) / max(square(target), 1e-12)


def total_variation(picture: Array) -> tuple[float, Array]:
    """The mean absolute difference between neighbours, for a picture (1, 3, H, W), and its derivative, which is 0
    where neighbours are equal."""
    across, down = _differences(picture)
    value = float(np.abs(across).mean() + np.abs(down).mean())
    across_slope, down_slope = (np.sign(x) * np.float32(1 / x.size) for x in (across, down))
    return value, _onto(across_slope, down_slope, picture)


def squared_variation(picture: Array) -> tuple[float, Array]:
    """The mean squared difference between neighbours, for a picture (1, 3, H, W), and its derivative: the total
    variation of Mahendran and Vedaldi 2014 (beta = 2)."""
    across, down = _differences(picture)
    value = square(across) / across.size + square(down) / down.size
    return value, _onto(across * np.float32(2 / across.size), down * np.float32(2 / down.size), picture)


def _differences(picture: Array) -> tuple[Array, Array]:
    across = picture[..., :, 1:] - picture[..., :, :-1]
    return across, picture[..., 1:, :] - picture[..., :-1, :]


def _onto(across: Array, down: Array, picture: Array) -> Array:
    """The derivative with respect to the picture of what has these derivatives with respect to its differences."""
    derivative = np.zeros_like(picture)
    derivative[..., :, 1:] += across
    derivative[..., :, :-1] -= across
    derivative[..., 1:, :] += down
    derivative[..., :-1, :] -= down
    return derivative


def content_error_squared(out: Mapping[str, Array], photo: Array) -> float:
    """c^2: the squared relative error at relu4_2; `photo` are that layer's activations of the photo."""
    return square(out[CONTENT_LAYER] - photo) / max(square(photo), 1e-6)


def style_errors_squared(out: Mapping[str, Array], style: Mapping[str, Array]) -> dict[str, float]:
    """s_l^2 of each style layer: squared relative errors of Gram matrices; `style` holds those of the painting."""
    return {layer: relative_error(gram(out[layer]), style[layer]) for layer in STYLE_LAYERS}
