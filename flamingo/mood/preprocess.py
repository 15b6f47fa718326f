"""A photo as the mood model sees it: at its size, in its shape, whatever the size of the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flamingo.images import Picture
from flamingo.images.picture import resize

Array = NDArray[np.float32]

_STRIDE = 32
_LEAST = 96  # pixels of the shorter side: below, there are too few places to look at


def seen(picture: Picture, size: int) -> Array:
    """A picture as the network sees it.

    Args:
        picture: the picture. What is transparent is seen on white.
        size: pixels of the longer side.

    Returns:
        (1, 3, h, w) float32 in [0, 1], both sides rounded to multiples of 32 and at least 96 (so a panorama is
        squashed a little).
    """
    rgb = picture.rgb
    if picture.alpha is not None:
        rgb = rgb * picture.alpha[..., None] + (1 - picture.alpha[..., None])
    scale = size / max(rgb.shape[:2])
    h, w = (max(_LEAST, round(side * scale / _STRIDE) * _STRIDE) for side in rgb.shape[:2])
    return np.ascontiguousarray(resize(np.ascontiguousarray(rgb, np.float32), h, w).transpose(2, 0, 1)[None])
