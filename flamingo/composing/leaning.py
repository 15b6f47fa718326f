"""Which pitches are likelier while music is drawn: nats for each, by the key, by a mood, by the chord of a cadence,
and by a chord that was given."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.chords import Chord
from flamingo.composing.events import LOWEST, PARTS, PITCHES, shift_of
from flamingo.composing.key_estimation import profile
from flamingo.composing.piece import Key

__all__ = ["MIDDLE", "lean_to", "lean_to_chord", "lean_to_share", "lean_to_symbol"]

Array = NDArray[Any]

MIDDLE = 54
"""MIDI pitch below which the bass of a cadence lies."""
# How much, in nats for one spread of the profile, pitches of the key are preferred, so that a piece stays in the key
# that was asked for: without it a third of the minor pieces came out in major (bench/compose.py --only length).
_KEY = 0.35
_REST = 2.5  # nats by which the chord of a cadence is preferred, and other notes in the bass are not
_ON_BEAT, _BETWEEN = 3.5, 2.0  # nats for the notes of a chord that was given, on a beat and between beats
_BASS, _FOREIGN_BASS = 2.5, 2.0  # and for its bass among low notes, and against low ones that it does not have
_CENTRE = 64  # MIDI pitch that is neither high nor low: the mean of the training music


@functools.lru_cache(maxsize=256)
def lean_to(tonic: int, key: Key, register: float, colour: float) -> Array:
    """(PITCHES,) nats for pitches relative to a tonic: those of the key, low ones or high ones as `register` asks,
    and those that make it plainly major, or minor, as `colour` does. High means an octave above the middle and not
    beyond: a network follows what it hears, and would end among the last keys."""
    relative = np.arange(PITCHES) + LOWEST
    octaves = (relative + shift_of(tonic) - _CENTRE) / 12
    height = np.clip(octaves, -1, 1) - (2 * np.maximum(octaves - 1, 0) if register > 0 else 0)
    # The key with the same notes is the one that it might be taken for: a third lower, or higher.
    rival = np.roll(profile(not key.minor), 3 if key.minor else -3)
    bright = (profile(key.minor) - rival) * (-1 if key.minor else 1)
    of_degree = _KEY * profile(key.minor) + colour * bright / bright.std()
    return np.asarray(of_degree[(relative + tonic - key.tonic) % 12] + register * height)


@functools.lru_cache(maxsize=64)
def lean_to_chord(tonic: int, key: int, chord: tuple[int, ...]) -> Array:
    """(PITCHES,) nats for pitches relative to a tonic: those of a chord, given above the tonic `key`; low ones that
    are not its root count as much less."""
    relative = np.arange(PITCHES) + LOWEST
    degree = (relative + tonic - key) % 12
    low = relative + shift_of(tonic) < MIDDLE
    return np.asarray(_REST * np.isin(degree, chord) - _REST * (low & (degree != chord[0])))


@functools.lru_cache(maxsize=1 << 10)
def lean_to_symbol(tonic: int, chord: Chord, on_beat: bool) -> Array:
    """(PITCHES,) nats for pitches relative to a tonic: those of a chord that was given, on a beat more than between
    two; of low ones its bass above all."""
    relative = np.arange(PITCHES) + LOWEST
    classes = (relative + tonic) % 12
    low = relative + shift_of(tonic) < MIDDLE
    inside = np.isin(classes, (*chord.classes, chord.bass))
    return np.asarray(
        (_ON_BEAT if on_beat else _BETWEEN) * inside
        - _FOREIGN_BASS * (low & ~inside)
        + _BASS * (low & (classes == chord.bass))
    )


def lean_to_share(shares: Array, struck: list[int], nats: float) -> Array:
    """(PARTS,) nats for who strikes next: `nats` for each e-fold by which a part has had less than its share.

    Args:
        shares: (PARTS,) of the notes, summing to 1.
        struck: the parts of the last notes.
        nats: how much is preferred.
    """
    counts = np.bincount(np.array(struck, np.int64), minlength=PARTS)
    return np.asarray(nats * np.log((shares * (counts.sum() + 1) + 0.5) / (counts + 0.5)))
