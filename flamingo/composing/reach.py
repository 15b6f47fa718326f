"""What hands can strike together: each spans a tenth and has five fingers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import PITCHES
from flamingo.composing.instruments import FINGERS

__all__ = ["HAND", "in_hand", "reachable"]

Array = NDArray[Any]

HAND = 16
"""Semitones that a hand spans at most, a tenth."""


@functools.lru_cache(maxsize=1 << 14)
def reachable(struck: tuple[int, ...]) -> Array:
    """(PITCHES,) what two hands can strike together with these pitches (from low to high), above the highest of them:
    each hand spans a tenth and has five fingers, and the left one takes as many as it can."""
    index = np.arange(PITCHES)
    left = [pitch for pitch in struck if pitch - struck[0] <= HAND][:FINGERS]
    right = struck[len(left) :]
    if not right:
        return index >= 0
    if len(right) >= FINGERS:
        return index < 0
    return index <= right[0] + HAND


@functools.lru_cache(maxsize=1 << 14)
def in_hand(struck: tuple[int, ...]) -> Array:
    """(PITCHES,) what one hand can strike together with these pitches (from low to high)."""
    index = np.arange(PITCHES)
    if len(struck) >= FINGERS:
        return index < 0
    return index <= struck[0] + HAND if struck else index >= 0
