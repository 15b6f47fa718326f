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
Frame = NDArray[np.uint8] | Pixels
"""8-bit, or in [0, 1]."""

LONGEST = 256
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

    def carried(self, picture: Pixels, how: int = cv2.INTER_LANCZOS4) -> Pixels:
        """The other frame's painting (H, W, ...), of any size, moved to where its things are in this one. how: of
        OpenCV's ways to interpolate."""
        height, width = size = picture.shape[0], picture.shape[1]
        small = self.flow.shape
        across, down = (enlarged(np.asarray(way, np.float32), size) for way in cv2.split(self.flow))
        across = across * np.float32(width / small[1]) + _line(width)[None]
        down = down * np.float32(height / small[0]) + _line(height)[:, None]
        return _remapped(picture, across, down, how)


@dataclass(frozen=True)
class Moved:
    """A painting of one frame, moved to where its things are in another. painting: (H, W, 3) float32 in [0, 1];
    share: (h, w) in [0, 1], how much of it shall stay; match: where its places were."""

    painting: Pixels
    share: Pixels
    match: Match


def enlarged(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """(h, w) stretched to (H, W)."""
    return np.asarray(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def view(frame: Frame) -> View:
    """What is kept of a frame (H, W, 3), in [0, 1] or 8-bit, to find out how it moved."""
    height, width = size = frame.shape[0], frame.shape[1]
    small = small_size(size)[::-1]
    while min(width / small[0], height / small[1]) >= 2 and width % 2 == height % 2 == 0:  # quick
        height, width = height // 2, width // 2
        frame = _averaged(frame, (width, height))
    colour = floats(_averaged(frame, small))
    grey = cv2.cvtColor(np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    return View(colour, np.asarray(grey, np.uint8), size)


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """The (h, w) at which the motion of frames of (H, W) is looked for."""
    scale = min(1.0, LONGEST / max(size))
    return max(_LEAST, round(size[0] * scale)), max(_LEAST, round(size[1] * scale))


def _averaged(frame: Frame, size: tuple[int, int]) -> Frame:
    small: Frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def floats(frame: Frame) -> Pixels:
    """8-bit pixels as floats in [0, 1]; others as they are."""
    if frame.dtype == np.uint8:
        return frame.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(frame, np.float32)


_LEAST = 16  # smaller pictures have no motion that could be found


def match(here: View, there: View) -> Match:
    """Where each place of `here` was in `there`. Both have one size."""
    return _judged(_flow(here, there), _flow(there, here), here, there)


def matches(here: View, there: View) -> tuple[Match, Match]:
    """Where each place of `here` was in `there`, and the other way round."""
    forth, back = _flow(here, there), _flow(there, here)
    return _judged(forth, back, here, there), _judged(back, forth, there, here)


def chained(first: Match, further: Match, here: View, there: View) -> Match:
    """Where each place of `here` was in `there`, by way of a frame between: `first` leads to it, `further` from it.

    From one frame to the next things move little and flow is found easily, also where a thing that is fast would be
    missed from one frame to another that is far.
    """
    across, down = _places(first.flow)
    flow = first.flow + _remapped(further.flow, across, down, cv2.INTER_LINEAR)
    trust = np.minimum(first.trust, _remapped(further.trust, across, down, cv2.INTER_LINEAR))
    differs = _differs(flow, here, there)
    return Match(flow, np.minimum(trust, _alike(differs)), _likeness(differs), here.size)


def _flow(here: View, there: View) -> Pixels:
    return np.asarray(_finder().calc(here.grey, there.grey, None), np.float32)


@functools.cache
def _finder() -> Any:
    untyped_cv2: Any = cv2  # its types leave this out
    finder = untyped_cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # Half the work of the usual 1, 3, 25 and 5 in pictures twice as large, and as good.
    finder.setFinestScale(0)
    finder.setPatchStride(4)
    finder.setGradientDescentIterations(12)
    finder.setVariationalRefinementIterations(3)
    return finder


def _judged(forth: Pixels, back: Pixels, here: View, there: View) -> Match:
    height, width = forth.shape[:2]
    across, down = _places(forth)
    inside = (across > -0.5) & (across < width - 0.5) & (down > -0.5) & (down < height - 0.5)
    returned = forth + _remapped(back, across, down, cv2.INTER_LINEAR)
    missed = _length(returned) / (_SLACK + _SLACK_A_PIXEL * _length(forth))
    differs = _differs(forth, here, there)
    trust = np.minimum(np.clip(2 - missed, 0, 1), _alike(differs)) * inside
    trust = cv2.GaussianBlur(cv2.erode(trust.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    return Match(forth, np.asarray(trust, np.float32), _likeness(differs), here.size)


def _length(flow: Pixels) -> Pixels:
    return np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]), np.float32)


def _places(flow: Pixels) -> tuple[Pixels, Pixels]:
    """Where flow leads, across and down."""
    return flow[..., 0] + _line(flow.shape[1])[None], flow[..., 1] + _line(flow.shape[0])[:, None]


def _differs(flow: Pixels, here: View, there: View) -> Pixels:
    """How different the colour is where flow leads."""
    away = cv2.absdiff(here.colour, _remapped(there.colour, *_places(flow), cv2.INTER_LINEAR))
    return np.asarray(cv2.blur(cv2.transform(away, _MEAN), (3, 3)), np.float32)


def _alike(differs: Pixels) -> Pixels:
    return np.asarray(np.clip((_OTHER - differs) / (_OTHER - _SAME), 0, 1), np.float32)


def _likeness(differs: Pixels) -> Pixels:
    return np.asarray(1 / (1 + (differs / _SAME) ** 2), np.float32)


_MEAN = np.full((1, 3), 1 / 3, np.float32)


def _remapped(picture: Pixels, across: Pixels, down: Pixels, how: int) -> Pixels:
    moved = cv2.remap(picture, across, down, how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


@functools.lru_cache(maxsize=8)
def _line(length: int) -> Pixels:
    return np.arange(length, dtype=np.float32)
