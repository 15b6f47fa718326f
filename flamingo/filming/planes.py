"""Pictures as a film stores them: one plane of brightness, and two of colour at half its size each way.

A picture becomes planes once, and every frame is drawn in them: that is half the samples of RGB, and nothing has to
be converted for the encoder. Planes are BT.709 in the range of films (ITU-R BT.709-6, 3.4 and 4.6), 4:2:0. A colour
sample stands for the middle of the four pixels that it is the colour of, as FFmpeg's scaler has it both ways.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.video import Look
from flamingo.video.writing import colours, samples

__all__ = ["BLACK", "GREY", "Planes", "dimmed", "mixed", "of", "twice", "white"]

Bytes = NDArray[np.uint8]

BLACK = 16
"""The sample of black."""

GREY = 128
"""The sample of no colour."""

_RANGE = 219  # from black to white
_LOOK = Look()


class Planes(NamedTuple):
    """y: (H, W), how light; cb, cr: (H/2, W/2), rounded up, of which colour: uint8. The sides of frames are even."""

    y: Bytes
    cb: Bytes
    cr: Bytes

    def rgb(self) -> Bytes:
        """(H, W, 3) uint8 RGB, of planes with even sides."""
        return colours(self, _LOOK)


def of(rgb: Bytes) -> Planes:
    """The planes of a picture, (H, W, 3) uint8 RGB, of any size: the samples that `Writer.add` makes of it."""
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
    y, cb, cr = samples(rgb, _LOOK)
    return Planes(y[:height, :width], cb, cr)


def twice(planes: Planes) -> Planes:
    """Each plane at twice its size."""
    return Planes(
        *(np.asarray(cv2.resize(p, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8) for p in planes)
    )


def white(share: float) -> float:
    """The sample of so much of white, from 0 to 1."""
    return BLACK + _RANGE * share


def mixed(first: Planes, second: Planes, share: float) -> Planes:
    """From the first, at share 0, to the second, at share 1."""
    if share in (0, 1):
        return second if share else first
    pairs = zip(first, second, strict=True)
    return Planes(*(np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0), np.uint8) for a, b in pairs))


def dimmed(planes: Planes, share: float) -> Planes:
    """With so much of its brightness."""
    zeros = zip(planes, (BLACK, GREY, GREY), strict=True)
    return Planes(
        *(np.asarray(cv2.convertScaleAbs(p, alpha=share, beta=zero * (1 - share)), np.uint8) for p, zero in zeros)
    )
