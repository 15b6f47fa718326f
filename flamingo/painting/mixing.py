"""Two paintings of one frame mixed, without the veil that a mean of strokes has."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.painting.motion import enlarged

__all__ = ["energy", "mixed"]

Pixels = NDArray[np.float32]

_STROKE = 7  # pixels across a stroke that is fine
_FAINT, _MOST = 1e-5, 1.6
_SMEAR = np.float32(0.5)


def mixed(
    start: Pixels, end: Pixels, share: Pixels, energies: Sequence[Pixels] = (), sure: Pixels | float = 1.0
) -> Pixels:
    """From one painting (H, W, 3) to the other by `share` (h, w), which is stretched over them, in [0, 1].

    Where strokes of two paintings do not lie on each other, their mean is paler and softer than both. So the detail
    of the mean is made as strong as that of the two. energies: `energy` of both, if they are known, (h, w). sure:
    (h, w) in [0, 1]; where it is 0 there are no strokes to be kept, but smears, which are softened.
    """
    size, small = start.shape[:2], share.shape
    large = enlarged(share, size)
    blended = np.asarray(cv2.blendLinear(start, end, 1 - large, large), np.float32)
    first, second = energies or (energy(start, small), energy(end, small))
    strong = first * (1 - share) + second * share
    gain = np.clip(np.sqrt((strong + _FAINT) / (energy(blended, small) + _FAINT)), 1, _MOST)
    gain = enlarged(np.asarray(gain * (_SMEAR + (1 - _SMEAR) * sure), np.float32), size)
    soft = cv2.blur(blended, (_STROKE, _STROKE))
    sharp = np.asarray(cv2.blendLinear(blended, soft, gain, 1 - gain), np.float32)
    return np.clip(sharp, 0, 1, out=sharp)


def energy(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """How strong the strokes are around each place, (h, w) of that size."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
    detail = grey - cv2.blur(grey, (_STROKE, _STROKE))
    small = cv2.resize(detail * detail, size[::-1], interpolation=cv2.INTER_AREA)
    across = max(1, round(2 * _STROKE * size[1] / picture.shape[1]))
    return np.asarray(cv2.blur(small, (across, across)), np.float32)
