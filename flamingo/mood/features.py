"""What can be said of a photo's mood without knowing what is on it: its colours, contrast, texture and lines.

These are the low-level features of Machajdik and Hanbury (2010), as far as they can be put in words: the mood model
uses them beside its network, and the explanation names the ones that set a photo apart from most others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LONGEST = 256

NAMES = (
    *("brightness", "contrast", "darkness", "glare", "saturation", "saturation_spread", "colourfulness", "warmth"),
    *("red", "yellow", "green", "blue", "purple", "hues"),
    *("texture", "detail", "smoothness", "horizontal", "vertical", "diagonal", "order"),
    *("light_above", "light_centre", "busy_centre", "symmetry"),
)
"""The features, in the order of `measure`."""

_HUES = {"red": 0.0, "yellow": 75.0, "green": 140.0, "blue": 275.0, "purple": 325.0}
"""Hue angles in CIELAB, in degrees, at the middle of each name."""


def measure(rgb: Array) -> Array:
    """The features of a picture.

    Lightness, chroma and hue are CIELAB (D65). colourfulness is that of Hasler and Süsstrunk (2003); warmth the mean
    chroma in the direction of hue 60 degrees; order how alike the directions of edges are (0 none, 1 all parallel).

    Args:
        rgb: (H, W, 3) sRGB in [0, 1]. Best at a longer side of 256 pixels (see `shrunk`), where the model was
        trained:
            texture depends on it.

    Returns:
        (25,) float32, in the order of NAMES.
    """
    import cv2  # here, for it takes a while that `import flamingo` should not

    lab = _lab(rgb)
    light, a, b = lab[..., 0] / 100, lab[..., 1], lab[..., 2]
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    coloured, weight = chroma > 8, np.minimum(chroma / 50, 1)
    light = np.ascontiguousarray(light, np.float32)
    at_edges = cv2.BORDER_REFLECT
    dx = np.asarray(cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=1 / 8, borderType=at_edges), np.float32)
    dy = np.asarray(cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=1 / 8, borderType=at_edges), np.float32)
    steep = np.hypot(dx, dy)
    detail = np.abs(np.asarray(cv2.Laplacian(light, cv2.CV_32F, borderType=at_edges), np.float32))
    # The direction of an edge is a line, not an arrow: angles are doubled before they are averaged.
    angle = 2 * np.arctan2(dy, dx)
    total = float(steep.sum()) + 1e-6
    along, across = np.cos(angle) * steep, np.sin(angle) * steep
    rg, yb = rgb[..., 0] - rgb[..., 1], (rgb[..., 0] + rgb[..., 1]) / 2 - rgb[..., 2]
    histogram = np.histogram(hue[coloured], 24, (0, 360), weights=chroma[coloured])[0] + 1e-9
    share = histogram / histogram.sum()
    h, w = light.shape
    centre = (slice(h // 4, max(h // 4 + 1, h - h // 4)), slice(w // 4, max(w // 4 + 1, w - w // 4)))
    third = max(1, h // 3)
    values = {
        "brightness": light.mean(),
        "contrast": light.std(),
        "darkness": (light < 0.25).mean(),
        "glare": (light > 0.95).mean(),
        "saturation": chroma.mean() / 100,
        "saturation_spread": chroma.std() / 100,
        "colourfulness": np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()),
        "warmth": (chroma * np.cos(np.radians(hue - 60))).mean() / 100,
        **{name: _near(hue, middle, weight) for name, middle in _HUES.items()},
        "hues": float(-(share * np.log(share)).sum() / np.log(24)) if coloured.mean() > 0.01 else 0.0,
        "texture": steep.mean(),
        "detail": detail.mean(),
        "smoothness": (steep < 0.01).mean(),
        "horizontal": np.maximum(-along, 0).sum() / total,
        "vertical": np.maximum(along, 0).sum() / total,
        "diagonal": np.abs(across).sum() / total,
        "order": np.hypot(along.sum(), across.sum()) / total,
        "light_above": light[:third].mean() - light[-third:].mean(),
        "light_centre": light[centre].mean() - light.mean(),
        "busy_centre": steep[centre].mean() - steep.mean(),
        "symmetry": -np.abs(light - light[:, ::-1]).mean(),
    }
    return np.array([values[name] for name in NAMES], np.float32)


def shrunk(rgb: Array) -> Array:
    """A picture at the size at which it is measured. By area, which takes a tenth of the time that the finest way
    does.

    Args:
        rgb: (H, W, 3).

    Returns:
        The same with a longer side of 256 pixels, or its own if that is less.
    """
    import cv2

    scale = _LONGEST / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    h, w = (max(1, round(side * scale)) for side in rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA), np.float32)


def _near(hue: Array, middle: float, weight: Array) -> float:
    """How much of the picture is of a hue. weight: how much each place counts."""
    apart = np.abs((hue - middle + 180) % 360 - 180)
    return float((np.clip(1 - apart / 45, 0, 1) * weight).mean())


def _lab(rgb: Array) -> Array:
    """sRGB to CIELAB, D65 (IEC 61966-2-1 and CIE 15)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ (matrix / np.array([[0.95047], [1.0], [1.08883]])).T.astype(np.float32)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), -1)
