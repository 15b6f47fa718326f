"""What tests of films share: frames go through a `Steady`, and how restless and how sharp what comes out is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.painting.motion import Frame
from flamingo.painting.temporal import Steady

Pixels = NDArray[np.float32]


def painted(frames: Sequence[Frame], who: Steady) -> list[Pixels]:
    return [p for frame in frames for p in who.paint(frame)] + who.finish()


def painted_in_two_runs(frames: Sequence[Frame], begin: Callable[[], Steady]) -> list[Pixels]:
    """The first run stops as soon as nothing waits after the fifth frame; another goes on from its state."""
    first, second = begin(), begin()
    done: list[Pixels] = []
    stopped = 0
    for i, frame in enumerate(frames):
        done += first.paint(frame)
        if not first.waiting and i > 3:
            stopped = i + 1
            break
    second.restore(first.state())
    return [*done, *painted(frames[stopped:], second)]


def unrest(pictures: Sequence[Pixels], step: int) -> float:
    """Mean squared difference of each picture from the one before, moved as the camera did, by `step` pixels."""
    pairs = itertools.pairwise(pictures)
    return float(np.mean([np.square(b[8:-8, 8 : -8 - step] - a[8:-8, 8 + step : -8]).mean() for a, b in pairs]))


def sharpness(pictures: Sequence[Pixels]) -> float:
    return float(np.mean([cv2.Laplacian(p, cv2.CV_32F).std() for p in pictures]))
