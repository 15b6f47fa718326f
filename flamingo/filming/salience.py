"""What catches the eye in a photo, so that the camera keeps it in the frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.images.faces import heads

__all__ = ["SIDE", "salience"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 64
"""Of the map."""

_SKIN = 4.0  # how much more its colours catch the eye
_FACES = 0.7  # of all that catches the eye, where there are any
_HEADS = 0.35  # of the height, from above, where people are looked for


def salience(rgb: Bytes) -> Floats:
    """How much each place of a photo catches the eye, (h, w) adding to 1: the spectral residual of Hou and Zhang
    2007, "Saliency detection: a spectral residual approach", which is what the logarithm of the spectrum has beyond
    its own local mean; and heads, where faces are found."""
    small = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    saliency = np.zeros((SIDE, SIDE), np.float32)
    for channel in cv2.split(small):
        spectrum = np.fft.fft2(channel)
        size = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
        residual = size - cv2.blur(size, (3, 3))
        saliency += np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))).astype(np.float32) ** 2
    saliency = np.asarray(cv2.GaussianBlur(saliency, (0, 0), 2.5), np.float32)
    saliency = np.maximum(saliency - np.float32(np.median(saliency)), 0) + np.float32(1e-9)
    saliency *= 1 + _SKIN * _skin(small)
    # What lies at the edge of a photo is seldom what it was taken for, and heads are above the middle.
    across = 1.1 - np.linspace(-1, 1, SIDE) ** 2
    down = np.exp(-0.5 * ((np.linspace(0, 1, SIDE) - _HEADS) / 0.22) ** 2)
    saliency *= np.outer(down, across).astype(np.float32)
    saliency = np.asarray(saliency / max(float(saliency.sum()), 1e-12), np.float32)
    people = np.zeros_like(saliency)
    for head in heads(rgb):
        left, top, right, bottom = (round(edge * SIDE) for edge in head)
        people[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    if people.any():
        saliency = np.asarray((1 - _FACES) * saliency + _FACES * people / people.sum(), np.float32)
    return saliency


def _skin(small: Floats) -> Floats:
    """Where a photo, (h, w, 3) from 0 to 255, has the colours of skin, from 0 to 1: the bounds of Chai and Ngan 1999,
    "Face segmentation using skin-color map in videophone applications": for faces that are not found as such."""
    tones = cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_RGB2YCrCb)
    mask = cv2.inRange(tones, np.array([50, 133, 77]), np.array([255, 173, 127]))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32) / 255, np.float32)
