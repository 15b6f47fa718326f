"""Whose colours a painting has: those of the painting it is painted like, those of the photo, or between.

Strokes are mostly light and dark, so the photo's colours can be kept by giving them back what is neither. This is
done in Oklab (Ottosson 2020), where a change of hue or colourfulness leaves lightness as it is seen; in YIQ by Gatys
et al. 2017 ("Controlling perceptual factors in neural style transfer").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

# Linear sRGB to the responses of the eye's cones, and their cube roots to Oklab (Ottosson 2020).
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_CONES_BACK, _LAB_BACK = np.linalg.inv(_CONES), np.linalg.inv(_LAB)


def to_oklab(rgb: Pixels) -> Pixels:
    """sRGB (..., 3) in [0, 1] to Oklab: lightness in [0, 1], then green-red and blue-yellow, about -.4 to .4."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear.astype(np.float32) @ _CONES.T) @ _LAB.T, np.float32)


def from_oklab(lab: Pixels) -> Pixels:
    """The inverse of `to_oklab`. What sRGB cannot show loses colourfulness, not lightness or hue."""
    rgb = _linear(lab)
    outside = (rgb < -1e-5) | (rgb > 1 + 1e-5)
    if outside.any():
        places = outside.any(axis=-1)
        rgb[places] = _linear(_shown(lab[places]))
    rgb = np.clip(rgb, 0, 1)
    return np.asarray(np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055), np.float32)


def coloured(painted: Pixels, photo: Pixels, colour: float) -> Pixels:
    """`painted` (H, W, 3) with colours between the photo's (colour 0) and its own (colour 1), sRGB in [0, 1].

    photo: of the same shape. Lightness stays the painting's at every colour.
    """
    if colour == 1:
        return painted
    lab, of_photo = to_oklab(painted), to_oklab(photo)
    lab[..., 1:] = of_photo[..., 1:] + np.float32(colour) * (lab[..., 1:] - of_photo[..., 1:])
    return from_oklab(lab)


def _linear(lab: Pixels) -> Pixels:
    return np.asarray((lab @ _LAB_BACK.T.astype(np.float32)) ** 3 @ _CONES_BACK.T.astype(np.float32), np.float32)


def _shown(lab: Pixels) -> Pixels:
    """Colours (N, 3) drawn towards grey of their lightness, as far as it takes for sRGB to show them."""
    lab = lab.copy()
    lab[:, 0] = np.clip(lab[:, 0], 0, 1)
    least, most = np.zeros((len(lab), 1), np.float32), np.ones((len(lab), 1), np.float32)
    chroma = lab[:, 1:].copy()
    for _ in range(8):  # to a 256th
        middle = (least + most) / 2
        lab[:, 1:] = chroma * middle
        rgb = _linear(lab)
        fits = ((rgb >= -1e-6) & (rgb <= 1 + 1e-6)).all(axis=1, keepdims=True)
        least, most = np.where(fits, middle, least), np.where(fits, most, middle)
    lab[:, 1:] = chroma * least
    return lab
