"""Where the painting of a clip can begin anew, so that its chunks can be painted at once, and alike by anyone.

A new shot needs nothing of the one before. A long shot is cut into chunks that overlap: the frames of the overlap are
painted in both, and fade from one painting into the other, which moves strokes less than the film itself does. The
chunks follow from the clip alone, so that a run here and one on a cluster have the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo import video
from flamingo.painting import motion
from flamingo.painting.motion import View
from flamingo.painting.temporal import CUT

__all__ = ["OVERLAP", "Chunk", "cuts", "planned"]

OVERLAP = 16
"""Frames that two chunks of a shot share, at most."""

_LONG = 240  # frames of a chunk, about
_SMALL = 128  # the longest side at which cuts are looked for
_OTHER = 0.08  # mean difference of colour from which two frames may be of two shots


@dataclass(frozen=True)
class Chunk:
    """The frames from number `first` on, up to `last`. head: so many of its first frames are in the chunk before too;
    tail: so many of its last in the next one."""

    first: int
    last: int
    head: int = 0
    tail: int = 0


def cuts(
    clip: video.Clip, tell: Callable[[], None], look: Callable[[int, NDArray[np.uint8]], None] = lambda *_: None
) -> tuple[list[int], int, tuple[str, ...]]:
    """The numbers of the frames with which a shot begins (the first frame aside), how many frames there are, and
    notes on what could not be read. tell: called with each frame; look: with its number and pixels, made small.
    Raises UnreadableVideo.

    A shot begins where a frame has other colours than the one before it, and most of it is nowhere to be found there
    (see flamingo.painting.motion). So neither a fast pan nor a light that goes on slowly is a cut.
    """
    starts, number, before = [], 0, None
    with video.Reader(clip, longest=_SMALL) as reader:
        for number, frame in enumerate(reader, 1):
            tell()
            look(number - 1, frame.rgb)
            now = motion.view(frame.rgb)
            if before is not None and _is_cut(now, before):
                starts.append(number - 1)
            before = now
        return starts, number, reader.notes


def _is_cut(now: View, before: View) -> bool:
    if float(np.abs(now.colour - before.colour).mean()) < _OTHER:
        return False
    return motion.match(now, before).share < CUT


def planned(cuts: Sequence[int], frames: int, overlap: int = OVERLAP, *, divide: bool = True) -> list[Chunk]:
    """The chunks of a clip, in order. overlap: frames that two chunks of a shot share, at most; divide: whether a
    shot may be more than one."""
    chunks = []
    for first, last in itertools.pairwise([0, *cuts, frames]):
        many = max(1, round((last - first) / _LONG)) if divide else 1
        edges = [first + (last - first) * i // many for i in range(many + 1)]
        shared = min(overlap, (last - first) // many // 2)
        for begin, end in itertools.pairwise(edges):
            head, tail = (shared if edge not in (first, last) else 0 for edge in (begin, end))
            chunks.append(Chunk(begin, end + tail, head, tail))
    return chunks
