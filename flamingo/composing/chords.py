"""Chord symbols as they stand in lead sheets: "C Am F G", "C Am | Dm7 G7 | C".

A symbol is a root (C, F#, Bb), what kind of chord it is, and a bass after a slash where that is not the root. Without
bar lines each symbol lasts a bar; with them, the symbols between two lines share a bar evenly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flamingo.composing.key_estimation import correlations
from flamingo.composing.piece import LETTERS, Key
from flamingo.errors import BadRequest

__all__ = ["KINDS", "Chord", "Progression", "chord_at", "key_of", "progression"]

KINDS: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7), "maj": (0, 4, 7), "M": (0, 4, 7),
    "m": (0, 3, 7), "min": (0, 3, 7), "-": (0, 3, 7),
    "dim": (0, 3, 6), "o": (0, 3, 6), "aug": (0, 4, 8), "+": (0, 4, 8),
    "5": (0, 7), "sus2": (0, 2, 7), "sus4": (0, 5, 7), "sus": (0, 5, 7),
    "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "add9": (0, 2, 4, 7), "madd9": (0, 2, 3, 7),
    "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "M7": (0, 4, 7, 11), "m7": (0, 3, 7, 10), "min7": (0, 3, 7, 10),
    "mmaj7": (0, 3, 7, 11), "m7b5": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "o7": (0, 3, 6, 9), "7sus4": (0, 5, 7, 10),
    "9": (0, 2, 4, 7, 10), "maj9": (0, 2, 4, 7, 11), "m9": (0, 2, 3, 7, 10),
}  # fmt: skip
"""Semitones above the root, by what stands after it."""
_MOST = 512  # bars
_BEGINS, _ENDS = 0.2, 0.1  # of a correlation, for the key on whose tonic a progression begins, or ends
_SHARP = {"#": 1, "♯": 1, "b": -1, "♭": -1, "": 0}
_SYMBOL = re.compile(r"([A-G])([#♯b♭]?)([^/\s]*)(?:/([A-G])([#♯b♭]?))?")


@dataclass(frozen=True)
class Chord:
    """A chord. root, bass: pitch classes, 0 to 11; above: semitones of its notes above the root."""

    root: int
    above: tuple[int, ...]
    bass: int

    @property
    def classes(self) -> tuple[int, ...]:
        """Its pitch classes, the root first."""
        return tuple((self.root + step) % 12 for step in self.above)


Progression = tuple[tuple[Chord, ...], ...]
"""The chords of each bar, which share it evenly; it begins again where it ends."""


def progression(text: str) -> Progression:
    """Read chord symbols. Raises BadRequest, naming what cannot be read."""
    if "|" in text:
        bars = [part.split() for part in text.strip().strip("|").split("|")]
    else:
        bars = [[symbol] for symbol in text.replace(",", " ").split()]
    if not bars or not all(bars):
        raise BadRequest(f"chords {text!r}", "a bar of them is empty", "write a chord for every bar: C Am F G")
    if len(bars) > _MOST or max(map(len, bars)) > 4:
        raise BadRequest("chords", f"more than {_MOST} bars, or than four in a bar", "leave some out")
    return tuple(tuple(map(_chord, symbols)) for symbols in bars)


def chord_at(chords: Progression, bar: int, place: float) -> Chord:
    """The chord at a place of a bar, counted from 0. place: from 0 to 1."""
    here = chords[bar % len(chords)]
    return here[min(int(place * len(here)), len(here) - 1)]


def _chord(symbol: str) -> Chord:
    match = _SYMBOL.fullmatch(symbol)
    if not match or match[3] not in KINDS:
        kinds = "C, Cm, C7, Cmaj7, Cm7, Cdim, Caug, Csus4, C/E"
        raise BadRequest(f"chord {symbol!r}", "is not known here", f"write it as one of {kinds}")
    root = (LETTERS[match[1]] + _SHARP[match[2]]) % 12
    bass = (LETTERS[match[4]] + _SHARP[match[5]]) % 12 if match[4] else root
    return Chord(root, KINDS[match[3]], bass)


def key_of(chords: Sequence[Sequence[Chord]]) -> Key:
    """The key that a progression is in, as far as its notes say; of keys that fit alike, the one on whose tonic it
    begins or ends."""
    classes = np.zeros(12)
    for bar in chords:
        for chord in bar:
            classes[list(chord.classes)] += 1 / len(bar)
            classes[chord.root] += 1 / len(bar)
    fits = correlations(classes).copy()
    for chord, likelier in ((chords[0][0], _BEGINS), (chords[-1][-1], _ENDS)):
        if {3, 4} & set(chord.above):
            fits[chord.root + 12 * (3 in chord.above)] += likelier
    best = int(fits.argmax())
    return Key(best % 12, best >= 12)
