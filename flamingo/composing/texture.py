"""How a melody is accompanied, bar by bar: what a musician would call the texture of what lies under the top line.

Rules, not a model: they look at how many notes are struck together, how often, and whether the line moves by steps.
They name what a bar is mostly made of; a bar that is two things is "mixed".
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Piece

__all__ = ["TEXTURES", "textures"]

Array = NDArray[Any]

TEXTURES = (
    "none",
    "bass",
    "line",
    "alberti",
    "broken chords",
    "chords",
    "repeated chords",
    "waltz",
    "octaves",
    "mixed",
)
"""none: nothing is struck under the melody. bass: single notes, slower than two a beat. line: faster, mostly by step.
alberti: low, high, middle, high of a chord. broken chords: its notes one by one otherwise. chords: struck together,
at most three in two beats. repeated chords: the same one, faster. waltz: a low note, then chords. octaves."""

_FAST, _SLOW = 2.0, 1.5  # attacks a beat from which a line is figuration, and up to which chords are held
_SINGLE, _CHORD = 1.25, 1.8  # notes struck together, on the mean of a bar
_MOST = 0.6  # of a bar, which decides


def textures(piece: Piece, part: Array) -> Array:
    """(bars,) int: the texture of each bar, an index of TEXTURES.

    Args:
        piece: the music.
        part: (n,) int for its notes, 0 for what belongs to the melody: the right hand, the voice, the first violin.
    """
    edges = piece.edges
    under = piece.notes[np.asarray(part) > 0]
    first = np.searchsorted(under["start"], edges)
    found = np.zeros(len(edges) - 1, np.int64)
    for bar in range(len(found)):
        here = under[first[bar] : first[bar + 1]]
        beats = max((int(edges[bar + 1]) - int(edges[bar])) / piece.metre(bar).beat, 1.0)
        found[bar] = TEXTURES.index(_named(here["start"].tolist(), here["pitch"].tolist(), beats))
    return found


def _named(starts: list[int], pitches: list[int], beats: float) -> str:
    """The texture of one bar; the notes are in order of start and pitch."""
    groups: list[list[int]] = []
    before = None
    for start, pitch in zip(starts, pitches, strict=True):
        if start != before:
            groups.append([])
            before = start
        groups[-1].append(pitch)
    count = len(groups)
    if not count:
        return "none"
    sizes = [len(group) for group in groups]
    mean = sum(sizes) / count
    if sum(len(g) == 2 and (g[1] - g[0]) % 12 == 0 and g[1] > g[0] for g in groups) > _MOST * count:
        return "octaves"
    if count >= 2 and _is_waltz(groups):
        return "waltz"
    if mean <= _SINGLE:
        line = [group[0] for group in groups]
        if count < _FAST * beats:
            return "bass"
        if count >= 4 and _share_of_alberti(line) > _MOST:
            return "alberti"
        steps = sum(abs(a - b) <= 2 for a, b in pairwise(line))
        return "line" if steps > _MOST * (count - 1) else "broken chords"
    if mean >= _CHORD:
        same = sum(a == b for a, b in pairwise(groups))
        if count >= max(3.0, beats) and same > _MOST * (count - 1):
            return "repeated chords"
        if count <= _SLOW * beats:
            return "chords"
    return "mixed"


def _is_waltz(groups: list[list[int]]) -> bool:
    """Whether low notes and chords above them take turns: one low note for one to three chords."""
    low = [len(g) == 1 or (len(g) == 2 and g[1] - g[0] == 12) for g in groups]
    if not low[0] or all(low) or any(a and b for a, b in pairwise(low)):
        return False
    above = [min(g) for g, is_low in zip(groups, low, strict=True) if not is_low]
    below = [g[0] for g, is_low in zip(groups, low, strict=True) if is_low]
    return max(below) < min(above) and len(above) >= len(below)


def _share_of_alberti(line: list[int]) -> float:
    """Share of the fours of a line that go low, high, middle, high."""
    fours = [line[i : i + 4] for i in range(0, len(line) - 3, 4)]
    return sum(a < c < b == d for a, b, c, d in fours) / len(fours)
