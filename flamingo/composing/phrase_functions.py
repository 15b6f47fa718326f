"""What each bar does in its phrase, found in a finished score: it opens, goes on, or is the cadence.

Where phrases end is heard from several signs at once, none of which is enough: the harmony comes to its dominant or
its tonic, the melody rests, an earlier beginning comes again in the next bar, the accompaniment changes, and where a
score has them there are fermatas, double bars and the ends of slurs. Each end of a bar is weighed by them, and the
phrases are the best way to cut the piece, which prefers four bars or eight (dynamic programming, as in Temperley, The
cognition of basic musical structures, 2001, chapter 3; that a beginning that comes again ends what was before it is
Cambouropoulos's, Musical parallelism and melodic segmentation, 2006; the weights are ours).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.harmony import find_chords, sounding
from flamingo.composing.key_estimation import correlations
from flamingo.composing.piece import Key, Piece

__all__ = ["FUNCTIONS", "LONGEST", "Phrases", "phrases"]

Array = NDArray[Any]

FUNCTIONS = ("opening", "continuation", "half cadence", "authentic cadence", "transition", "coda")
"""opening: the first two bars of a phrase. transition: the others of a phrase that leaves the key it began in. coda:
what comes after the last authentic cadence of the piece, if that is at most eight bars. continuation: all else."""
LONGEST = 16
"""Bars to the end of the phrase are counted up to here."""

_OPENING, _CODA = 2, 8  # bars
_HOME = 0.08  # by how much better another key must fit than that of the piece
_AUTHENTIC, _HALF, _REST, _PARALLEL, _STOP, _SLUR, _CHANGE = 0.8, 0.5, 1.25, 1.4, 1.5, 0.4, 0.3
_COST = {1: 4.0, 2: 2.4, 3: 1.6, 4: 0.2, 5: 1.0, 6: 0.9, 7: 1.2, 8: 0.4, 9: 1.4, 10: 1.4, 11: 1.7, 12: 1.2}
_COST |= {length: 1.6 + 0.1 * (length - 12) for length in range(13, 17)}


@dataclass(frozen=True)
class Phrases:
    """The phrases of a piece.

    Attributes:
        function: (bars,) int, an index of FUNCTIONS.
        left: (bars,) int, 1 to LONGEST: bars to the end of the phrase, this one included.
        ends: the last bar of each phrase, counted from 0, with the key around it.
    """

    function: Array
    left: Array
    ends: list[tuple[int, Key]]


def phrases(
    piece: Piece,
    part: Array,
    *,
    lines: Iterable[int] = (),
    stops: Iterable[int] = (),
    slur_ends: Iterable[int] = (),
    texture: Array | None = None,
) -> Phrases:
    """The phrases of a piece.

    Args:
        piece: the music.
        part: (n,) int for its notes, 0 for what belongs to the melody.
        lines: places in units of bar lines that end something: double bars, repeats.
        stops: places of notes that do: fermatas.
        slur_ends: places of the last notes of slurs over the melody.
        texture: (bars,) of its accompaniment, if it is known.
    """
    bars = len(piece.bars)
    cadence, keys = _cadences(piece)
    weight = np.select([cadence == 2, cadence == 1], [_AUTHENTIC, _HALF], 0.0)
    weight += _REST * _rests(piece, part) + _PARALLEL * _begins_again(piece, part)
    ended = {bar - 1 for bar in np.searchsorted(piece.edges, sorted(lines)).tolist()}
    for found, much in ((ended | _bars_of(piece, stops), _STOP), (_bars_of(piece, slur_ends), _SLUR)):
        weight[[bar for bar in found if 0 <= bar < bars]] += much
    if texture is not None:
        weight[:-1] += _CHANGE * (np.diff(texture) != 0)
    ends = _cut(weight)
    function = np.full(bars, FUNCTIONS.index("continuation"))
    left = np.ones(bars, np.int64)
    begin, home = 0, piece.key
    for bar in ends:
        left[begin : bar + 1] = np.minimum(np.arange(bar - begin + 1, 0, -1), LONGEST)
        if cadence[bar] and keys[bar] != home:
            function[begin : bar + 1] = FUNCTIONS.index("transition")
        function[begin : min(begin + _OPENING, bar + 1)] = FUNCTIONS.index("opening")
        if cadence[bar]:
            function[bar] = FUNCTIONS.index("authentic cadence" if cadence[bar] == 2 else "half cadence")
            home = keys[bar]
        begin = bar + 1
    final = [bar for bar in ends if cadence[bar] == 2]
    if final and 0 < bars - 1 - final[-1] <= _CODA:
        function[final[-1] + 1 :] = FUNCTIONS.index("coda")
    return Phrases(function, left, [(bar, keys[bar]) for bar in ends])


def _cut(weight: Array) -> list[int]:
    """The last bars of the phrases: of all ways to cut the piece the one whose ends weigh most, less the costs of the
    lengths. The piece ends with its last bar."""
    bars = len(weight)
    best = np.full(bars + 1, -np.inf)
    best[0], came_from = 0.0, np.zeros(bars + 1, np.int64)
    for end in range(1, bars + 1):
        for length in range(1, min(end, LONGEST) + 1):
            total = best[end - length] - _COST[length] + (weight[end - 1] if end < bars else 0.0)
            if total > best[end]:
                best[end], came_from[end] = total, end - length
    ends = [bars]
    while came_from[ends[-1]] > 0:
        ends.append(int(came_from[ends[-1]]))
    return [end - 1 for end in reversed(ends)]


def _cadences(piece: Piece) -> tuple[Array, list[Key]]:
    """(bars,) int, 2 where the last chord of a bar is a tonic that its own dominant led to, 1 where it is the
    dominant, each over its root; and the key around each bar."""
    edges = piece.edges
    bars = len(edges) - 1
    weights, _ = sounding(piece, edges)
    around = np.cumsum(np.concatenate((np.zeros((1, 12)), weights)), axis=0)
    at_home = np.zeros(24)
    at_home[piece.key.tonic + 12 * piece.key.minor] = _HOME
    keys = []
    for bar in range(bars):
        local = correlations(around[min(bar + 2, bars)] - around[max(bar - 7, 0)]) + at_home
        best = int(local.argmax())
        keys.append(Key(best % 12, best >= 12))
    chords = find_chords(piece)
    kind = np.zeros(bars, np.int64)
    if not len(chords.start):
        return kind, keys
    for bar in range(bars):
        which = int(chords.at(int(edges[bar + 1]) - 1))
        root, quality = int(chords.root[which]), int(chords.quality[which])
        if chords.bass[which] != root or quality not in (0, 1, 3):
            continue
        tonic = keys[bar].tonic
        earliest = edges[bar] - 2 * (edges[bar + 1] - edges[bar])
        led = any(
            chords.start[i] >= earliest
            and (
                (chords.root[i] == (root + 7) % 12 and chords.quality[i] in (0, 3))
                or (chords.root[i] == (root + 11) % 12 and chords.quality[i] in (2, 5))
            )
            for i in range(max(which - 2, 0), which)
        )
        if led and root == tonic and quality < 2:
            kind[bar] = 2
        elif root == (tonic + 7) % 12 and quality != 1:
            kind[bar] = 1
    return kind, keys


def _rests(piece: Piece, part: Array) -> Array:
    """(bars,) 0 to 2: by how many doublings the longest step of the melody that begins in a bar is longer than
    usual in the bars around it."""
    edges = piece.edges
    bars = len(edges) - 1
    onsets = np.unique(piece.notes["start"][np.asarray(part) == 0].astype(np.int64))
    if len(onsets) < 2:
        return np.zeros(bars)
    gaps = np.diff(np.append(onsets, edges[-1])).astype(float)
    first = np.searchsorted(onsets, edges)
    found = np.zeros(bars)
    for bar in range(bars):
        a, b = int(first[max(bar - 3, 0)]), int(first[bar + 1])
        here = gaps[first[bar] : b]
        if not len(here):
            found[bar] = 1.0  # a bar without melody: whatever it was has ended
            continue
        found[bar] = np.clip(np.log2(here.max() / np.median(gaps[a:b])), 0, 2)
    return found


def _begins_again(piece: Piece, part: Array) -> Array:
    """(bars,) 0 to 1: how like the two bars after each are to two 4, 8 or 16 bars before, or to the first two."""
    edges = piece.edges
    bars = len(edges) - 1
    melody = piece.notes[np.asarray(part) == 0]
    bar = np.clip(piece.bar_of(melody["start"]), 0, bars - 1)
    eighth = np.clip((melody["start"] - edges[bar]) * 8 // np.maximum(np.diff(edges)[bar], 1), 0, 7)
    struck = np.zeros((bars + 1, 8, 12))
    np.add.at(struck, (bar, eighth, melody["pitch"] % 12), 1)
    two = np.concatenate((struck[:-1].reshape(bars, -1), struck[1:].reshape(bars, -1)), axis=1)
    norm = np.linalg.norm(two, axis=1)
    unit = two / np.where(norm > 0, norm, 1.0)[:, None]
    found = np.zeros(bars)
    for lag in (4, 8, 16):
        if bars > lag:
            found[lag - 1 : bars - 1] = np.maximum(found[lag - 1 : bars - 1], (unit[lag:] * unit[:-lag]).sum(1))
    found[1 : bars - 1] = np.maximum(found[1 : bars - 1], unit[2:] @ unit[0]) if bars > 2 else found[1 : bars - 1]
    return np.asarray(np.clip((found - 0.6) / 0.4, 0, 1))


def _bars_of(piece: Piece, places: Iterable[int]) -> set[int]:
    """The bars that places stand in."""
    return set(piece.bar_of(np.array(sorted(places), np.int64)).tolist())
