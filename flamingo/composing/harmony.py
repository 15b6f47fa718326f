"""Chords of a piece, beat by beat, and the cadences at which its phrases rest.

Chords are found by templates: each beat's pitch classes, by how long they sound, are laid over the six commonest
kinds of chord on each of the twelve roots, and the best path through the beats is taken, on which a change costs
something (Viterbi). A change inside a beat is not seen. The same finder serves music by people and by machines, so
that shares and counts may be compared; it is no analysis that a theorist would sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import correlations
from flamingo.composing.piece import Key, Piece

Array = NDArray[Any]

QUALITIES = ("major", "minor", "diminished", "dominant seventh", "minor seventh", "half-diminished seventh")
_INTERVALS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 10))
_ON_MAJOR_THIRD = (0, 3)  # qualities that can be a dominant

_SPOKEN_AGAINST = 1.2  # weight of what sounds and is none of the chord, in that of what is
_FOURTH_NOTE = 0.12  # a chord of four notes explains more by itself: what it must bring beyond that
_ROOT_IN_BASS = 0.25
_CHANGE = 0.35  # of the weight of a beat
_LOCAL = 4  # bars on either side of which the key of a place is heard
_REST = 1.5  # a melody rests where the next note comes so many times later than usual


def _templates() -> Array:
    """(72, 12): +1 for the notes of a chord, below 0 for the others; chord 12 * quality + root."""
    rows = []
    for intervals in _INTERVALS:
        inside = np.isin(np.arange(12), intervals)
        rows += [np.where(np.roll(inside, root), 1.0, -_SPOKEN_AGAINST) for root in range(12)]
    return np.array(rows)


_TEMPLATES = _templates()
_PENALTIES = np.repeat([_FOURTH_NOTE * (len(i) - 3) for i in _INTERVALS], 12)


@dataclass(frozen=True)
class Chords:
    """The chords of a piece, one after the other.

    Attributes:
        start: (n,) int, units; where each chord begins.
        root: (n,) int, pitch class 0 to 11.
        quality: (n,) int, an index of QUALITIES.
        bass: (n,) int, pitch class of the lowest note on the beat where the chord begins.
    """

    start: Array
    root: Array
    quality: Array
    bass: Array

    def at(self, units: Array | int) -> Array:
        """The index of the chord that sounds at each place; -1 before the first."""
        return np.searchsorted(self.start, units, side="right") - 1


def beats(piece: Piece) -> Array:
    """(n + 1,) int units: the beats of all bars, and the end of the last one."""
    edges = piece.edges
    places = [
        np.arange(begin, end, piece.metre(bar).beat)
        for bar, (begin, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    ]
    return np.concatenate([*places, edges[-1:]])


def sounding(piece: Piece, edges: Array) -> tuple[Array, Array]:
    """Between each two of the edges: (n, 12) units for which each pitch class sounds, and (n,) the lowest pitch that
    does, 128 where none does."""
    count = len(edges) - 1
    weights, lowest = np.zeros((count, 12)), np.full(count, 128)
    notes = piece.notes
    start = notes["start"].astype(np.int64)
    end = np.minimum(start + notes["duration"], edges[-1])
    first = np.clip(np.searchsorted(edges, start, side="right") - 1, 0, count - 1)
    last = np.clip(np.searchsorted(edges, end, side="left") - 1, first, count - 1)
    spans = last - first + 1
    note = np.repeat(np.arange(len(notes)), spans)
    place = np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans) + first[note]
    length = np.minimum(end[note], edges[place + 1]) - np.maximum(start[note], edges[place])
    np.add.at(weights, (place, notes["pitch"][note] % 12), np.maximum(length, 0))
    np.minimum.at(lowest, place, notes["pitch"][note].astype(int))
    return weights, lowest


def find_chords(piece: Piece) -> Chords:
    """The chords of a piece. A beat without notes belongs to the chord before. Empty for a piece without notes."""
    edges = beats(piece)
    weights, lowest = sounding(piece, edges)
    if not weights.any():
        none = np.zeros(0, np.int64)
        return Chords(none, none, none, none)
    shares = weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    scores = shares @ _TEMPLATES.T - _PENALTIES
    there = lowest < 128
    scores[there] += _ROOT_IN_BASS * (np.arange(72)[None] % 12 == (lowest[there] % 12)[:, None])
    scores[~there] = 0.0
    path = _best_path(scores, there)
    begins = np.flatnonzero(np.append(True, path[1:] != path[:-1]))
    # The bass of a chord is the first that is heard under it.
    heard = np.where(there, lowest % 12, -1)
    bass = [next((int(b) for b in heard[i:j] if b >= 0), int(path[i] % 12)) for i, j in _runs(begins, len(path))]
    return Chords(edges[begins], path[begins] % 12, path[begins] // 12, np.array(bass, np.int64))


def _runs(begins: Array, length: int) -> list[tuple[int, int]]:
    return list(zip(begins.tolist(), [*begins[1:].tolist(), length], strict=True))


def _best_path(scores: Array, may_change: Array) -> Array:
    """(n,) the column of each row whose sum is largest, where every change of column costs _CHANGE and comes only in
    rows in which it may."""
    total = scores[0].copy()
    came_from = np.zeros(scores.shape, np.int64)
    stay = np.arange(scores.shape[1])
    for i in range(1, len(scores)):
        best = int(total.argmax())
        changed = (total[best] - _CHANGE > total) & may_change[i]
        came_from[i] = np.where(changed, best, stay)
        total = np.where(changed, total[best] - _CHANGE, total) + scores[i]
    path = np.zeros(len(scores), np.int64)
    path[-1] = total.argmax()
    for i in range(len(scores) - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path


def rests_on(piece: Piece, bar: int, kind: Literal["authentic", "half"], key: Key, chords: Chords) -> bool:
    """Whether on some beat of a bar a cadence is reached: the dominant of the key over its root (half), or its tonic
    over its root, to which its dominant led, at most two chords before (authentic). Whether the melody rests there
    is not looked at.

    Args:
        piece: the music.
        bar: counted from 0.
        kind: which cadence.
        key: that the bar is in.
        chords: of the piece (`find_chords`).
    """
    begin, end = piece.edges[bar : bar + 2].tolist()
    beat = piece.metre(bar).beat
    notes = piece.notes
    root = key.tonic if kind == "authentic" else (key.tonic + 7) % 12
    for place in range(begin, end, beat):
        which = int(chords.at(place))
        here = notes["pitch"][(notes["start"] < place + beat) & (notes["start"] + notes["duration"] > place)]
        if which < 0 or not len(here) or int(here.min()) % 12 != root or chords.root[which] != root:
            continue
        if kind == "half" and chords.quality[which] in _ON_MAJOR_THIRD:
            return True
        led = (
            chords.root[i] == (root + 7) % 12 and chords.quality[i] in _ON_MAJOR_THIRD
            for i in range(max(which - 2, 0), which)
        )
        if kind == "authentic" and chords.quality[which] < 2 and any(led):
            return True
    return False


@dataclass(frozen=True)
class Cadence:
    """Where a phrase rests.

    Attributes:
        place: units; the chord on which it rests.
        bar: in which that is, counted from 0.
        kind: "authentic", on a triad over its root that its own dominant led to; "half", on the dominant of the key
            that is heard around it.
        key: of the cadence.
    """

    place: int
    bar: int
    kind: Literal["authentic", "half"]
    key: Key


def cadences(piece: Piece, chords: Chords | None = None) -> list[Cadence]:
    """The cadences of a piece, in order: where the top line rests, since its next note comes 1.5 times later than
    usual around there, on a triad over its root. chords: of the piece, if they are known already."""
    chords = find_chords(piece) if chords is None else chords
    top = np.unique(piece.notes["start"].astype(np.int64))
    if len(top) < 4 or len(chords.start) < 2:
        return []
    gaps = np.diff(np.append(top, piece.length))
    edges = piece.edges
    bars = np.clip(piece.bar_of(top), 0, len(piece.bars) - 1)
    weights, _ = sounding(piece, edges)
    found: list[Cadence] = []
    for i in np.flatnonzero(gaps >= _REST * np.median(gaps)).tolist():
        bar = int(bars[i])
        around = gaps[(bars >= bar - 2) & (bars <= bar + 2)]
        which = int(chords.at(int(top[i])))
        if gaps[i] < _REST * np.median(around) or which < 1 or (found and found[-1].bar == bar):
            continue
        root, quality = int(chords.root[which]), int(chords.quality[which])
        if chords.bass[which] != root or quality > 1:
            continue
        before, minor = which - 1, quality == 1
        led = chords.root[before] == (root + 7) % 12 and chords.quality[before] in _ON_MAJOR_THIRD
        if led and top[i] - chords.start[before] <= 2 * np.diff(edges)[bar]:
            found.append(Cadence(int(top[i]), bar, "authentic", Key(root, minor)))
            continue
        local = correlations(weights[max(0, bar - _LOCAL) : bar + _LOCAL + 1].sum(0))
        key = int(local.argmax())
        if quality == 0 and root == (key + 7) % 12:
            found.append(Cadence(int(top[i]), bar, "half", Key(key % 12, key >= 12)))
    return found
