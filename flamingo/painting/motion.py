"""How the picture moved from one frame of a film to another, and where that can be told.

Dense inverse search (Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search", as OpenCV has it) both
ways. A place is trusted as far as the way there and back leads to where it began (Sundaram et al. 2010, "Dense point
trajectories by GPU-accelerated large displacement optical flow") and both frames have the same colour there; what was
hidden, came in at the border or changed its light is not.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

LONGEST = 512
"""The longest side at which motion is looked for: more costs much and tells little."""

_SAME, _OTHER = 0.04, 0.10  # mean difference of colour up to which two places are the same, from which they are not
_SLACK, _SLACK_A_PIXEL = 0.5, 0.1  # pixels by which the way there and back may miss


@dataclass(frozen=True)
class View:
    """A frame as motion is looked for in it. colour: (h, w, 3) float32, small; grey: (h, w) uint8; size: (height,
    width) of the frame itself."""

    colour: Pixels
    grey: NDArray[np.uint8]
    size: tuple[int, int]


@dataclass(frozen=True)
class Match:
    """For each place of one frame, where it was in another. flow: (h, w, 2), x before y, in pixels of the small
    pictures; trust: (h, w), 0 to 1; likeness: (h, w), above 0 to 1, by the colour alone; size: (height, width) of the
    frames."""

    flow: Pixels
    trust: Pixels
    likeness: Pixels
    size: tuple[int, int]

    @property
    def share(self) -> float:
        """How much of the frame is trusted, 0 to 1."""
        return float(self.trust.mean())

    def carried(self, picture: Pixels) -> Pixels:
        """The other frame's painting (H, W, 3) moved to where its things are in this one."""
        height, width = self.size
        small = self.flow.shape[1], self.flow.shape[0]
        flow = (
            cv2.resize(self.flow, (width, height), interpolation=cv2.INTER_LINEAR)
            if small != (width, height)
            else self.flow
        )
        across = flow[..., 0] * np.float32(width / small[0]) + _line(width)[None]
        down = flow[..., 1] * np.float32(height / small[1]) + _line(height)[:, None]
        return _remapped(picture, across, down, cv2.INTER_CUBIC)

    def trusted(self) -> Pixels:
        """The trust for each pixel, (H, W, 1)."""
        return enlarged(self.trust, self.size)


def enlarged(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """(h, w) stretched to (H, W, 1)."""
    return np.asarray(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32)[..., None]


def view(frame: Pixels) -> View:
    """What is kept of a frame (H, W, 3) in [0, 1] to find out how it moved."""
    height, width = frame.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    small = max(_LEAST, round(width * scale)), max(_LEAST, round(height * scale))
    colour = np.asarray(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), np.float32)
    grey = cv2.cvtColor(np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    return View(colour, np.asarray(grey, np.uint8), (height, width))


_LEAST = 16  # smaller pictures have no motion that could be found


def match(here: View, there: View) -> Match:
    """Where each place of `here` was in `there`. Both have one size."""
    return _judged(_flow(here, there), _flow(there, here), here, there)


def _flow(here: View, there: View) -> Pixels:
    return np.asarray(_finder().calc(here.grey, there.grey, None), np.float32)


@functools.cache
def _finder() -> Any:
    made: Any = cv2  # its types leave this out
    finder = made.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setPatchStride(4)  # half the work of the usual 3 and 25, and nearly as good
    finder.setGradientDescentIterations(14)
    return finder


def _judged(forth: Pixels, back: Pixels, here: View, there: View) -> Match:
    height, width = forth.shape[:2]
    across, down = forth[..., 0] + _line(width)[None], forth[..., 1] + _line(height)[:, None]
    inside = (across > -0.5) & (across < width - 0.5) & (down > -0.5) & (down < height - 0.5)
    returned = forth + _remapped(back, across, down, cv2.INTER_LINEAR)
    missed = np.hypot(returned[..., 0], returned[..., 1])
    missed /= _SLACK + _SLACK_A_PIXEL * np.hypot(forth[..., 0], forth[..., 1])
    away = cv2.absdiff(here.colour, _remapped(there.colour, across, down, cv2.INTER_LINEAR))
    differs = cv2.blur(cv2.transform(away, _MEAN), (3, 3))
    trust = np.minimum(np.clip(2 - missed, 0, 1), np.clip((_OTHER - differs) / (_OTHER - _SAME), 0, 1)) * inside
    trust = cv2.GaussianBlur(cv2.erode(trust.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    likeness = 1 / (1 + (differs / np.float32(_SAME)) ** 2)
    return Match(forth, np.asarray(trust, np.float32), np.asarray(likeness, np.float32), here.size)


_MEAN = np.full((1, 3), 1 / 3, np.float32)


def _remapped(picture: Pixels, across: Pixels, down: Pixels, how: int) -> Pixels:
    moved = cv2.remap(picture, across, down, how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


@functools.lru_cache(maxsize=8)
def _line(length: int) -> Pixels:
    return np.arange(length, dtype=np.float32)
