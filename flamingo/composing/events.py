"""How a piece is spelled for the network: one event a note, one a bar line, nothing that cannot be played.

An event is a row of five numbers, each a choice among few: where (a place in the bar in units, or the next bar line),
pitch (relative to the tonic), duration, velocity, and part (which hand, voice or instrument). A bar line has only
the first. Inside a bar, places never go back, and of notes struck together the lower comes first: so every passage
has one spelling, and the grammar that `Grammar` keeps while sampling is exact. The network predicts the numbers one
after the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import BAR, NOTE, Key, Metre, Piece

Array = NDArray[Any]

PLACES = 144
"""Longest bar in units: 6/4, 12/8. Longer ones are read as several."""
BAR_LINE = PLACES
WHERES = PLACES + 1
PITCHES = 108
LOWEST = 12
"""Relative pitch p stands for index p - LOWEST; MIDI pitch is relative pitch plus the tonic, taken from -5 to 6."""
DURATIONS = (1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 18, 20, 24, 30, 32, 36, 42, 48, 54, 60, 72, 84, 96, 108, 120, 144, 192)
VELOCITIES = 16
"""Bins of eight MIDI velocities."""

METRES = (
    "4/4",
    "3/4",
    "2/4",
    "6/8",
    "3/8",
    "2/2",
    "6/4",
    "9/8",
    "12/8",
    "5/4",
    "3/2",
    "4/8",
    "2/8",
    "9/16",
    "1/4",
    "1/8",
)
"""Metres the network knows by name; any other shares one place after them."""
ENSEMBLES = ("piano", "voice", "strings", "choir", "organ", "chamber", "orchestra")
"""Who plays: a piano alone; a voice (or any solo) with a piano; three to five strings; voices alone; an organ; other
groups of up to eight; more than eight."""
PARTS = 8
"""Parts that the network tells apart, from the top of the page: 0 and 1 are the hands of a piano alone."""
LEFTS = 24
TEMPOS = 12
NUMBERS = 64
"""Bars of a window are numbered from anywhere, after 63 from 0 again: so the network finds the bar four before."""
ROLES = ("plain", "later", "given", "fill")
"""What a bar is told for: to go on from; it comes after the bars to be filled; it holds a part that is given; it is
one of the bars to be filled."""

_LOG_DURATIONS = np.log(np.array(DURATIONS, float))
_NEAREST_DURATION = np.abs(np.log(np.arange(1, 385, dtype=float))[:, None] - _LOG_DURATIONS).argmin(1)


def shift_of(tonic: int) -> int:
    """The tonic as the smallest shift up or down: -5 to 6."""
    return tonic if tonic <= 6 else tonic - 12


def duration_index(units: Array) -> Array:
    return np.asarray(_NEAREST_DURATION[np.clip(units, 1, 384) - 1])


def left_index(bars: Array | int) -> Array:
    """Bars left, this one included, as a class: 1 to 16 each its own, then wider ones."""
    bars = np.asarray(bars)
    wide = 15 + np.searchsorted([17, 21, 25, 33, 49, 65, 97], bars, side="right")
    return np.where(bars <= 16, np.clip(bars, 1, 16) - 1, wide)


def tempo_index(bpm: Array | float) -> Array:
    """Quarters a minute as one of 12 classes, four to the doubling, from below 36 to above 230."""
    return np.clip(np.round(4 * np.log2(np.asarray(bpm, float) / 36)), 0, TEMPOS - 1).astype(int)


def metre_index(metre: Metre) -> int:
    name = str(metre)
    return METRES.index(name) if name in METRES else len(METRES)


@dataclass(frozen=True)
class Spelled:
    """A piece as events. events: (n, 5) int16, with bar lines (-1 where there is nothing to say); pitches are MIDI
    numbers, not yet relative. bar: (n,) the bar each belongs to. bars: (b,) of BAR after long ones were cut."""

    events: Array
    bar: Array
    bars: Array


def cut_long_bars(piece: Piece) -> Array:
    """The bars of a piece, those of more than PLACES units cut into equal parts (8/4 into two of 4/4)."""
    bars: list[tuple[int, int, int]] = []
    for start, numerator, denominator in piece.bars.tolist():
        metre = Metre(numerator, denominator)
        parts = -(-metre.units // PLACES)
        while numerator % parts:
            parts += 1
        short = Metre(numerator // parts, denominator)
        bars += [(start + i * short.units, short.numerator, short.denominator) for i in range(parts)]
    return np.array(bars, BAR)


def spell(piece: Piece, part: Array | None = None) -> Spelled:
    """A piece as events, one bar line before each bar's notes.

    Args:
        piece: the music.
        part: (n,) int for its notes, below PARTS: see flamingo.composing.parts. Without it all are 0.
    """
    bars = cut_long_bars(piece)
    notes = piece.notes
    part = np.zeros(len(notes), np.int16) if part is None else np.asarray(part)
    inside = (notes["start"] >= 0) & (notes["start"] < piece.length)
    notes, part = notes[inside], part[inside]
    bar = np.searchsorted(bars["start"], notes["start"], side="right") - 1
    rows = np.full((len(notes) + len(bars), 5), -1, np.int16)
    # A bar line stands before the first note of its bar.
    line_at = np.searchsorted(bar, np.arange(len(bars))) + np.arange(len(bars))
    is_line = np.zeros(len(rows), bool)
    is_line[line_at] = True
    rows[is_line, 0] = BAR_LINE
    rows[~is_line, 0] = np.clip(notes["start"] - bars["start"][bar], 0, PLACES - 1)
    rows[~is_line, 1] = notes["pitch"]
    rows[~is_line, 2] = duration_index(notes["duration"])
    rows[~is_line, 3] = notes["velocity"] // 8
    rows[~is_line, 4] = part
    return Spelled(rows, np.cumsum(is_line) - 1, bars)


def relative(events: Array, tonic: int) -> Array:
    """Events with pitch indices relative to a tonic in place of MIDI numbers; octaves outside the range come in."""
    rel = events[:, 1].astype(int) - shift_of(tonic) - LOWEST
    rel = np.where(rel < 0, rel % 12, rel)
    rel = np.where(rel >= PITCHES, PITCHES - 12 + rel % 12, rel)
    moved = events.copy()
    moved[:, 1] = np.where(events[:, 0] == BAR_LINE, -1, rel)
    return moved


def midi_pitch(index: int, tonic: int) -> int:
    return index + LOWEST + shift_of(tonic)


def unspell(
    events: Array,
    metres: list[Metre],
    key: Key,
    *,
    programs: tuple[int, ...] = (0,),
    lines: Collection[int] = (),
    **more: Any,
) -> Piece:
    """The piece that relative events spell. Velocities are the middles of their bins; a note that is struck again
    while it sounds is let go first.

    Args:
        events: (n, 5), with bar lines.
        metres: one a bar line, in order.
        key: of the piece.
        programs: of each part; of one alone, all notes are its.
        lines: the parts that let go of a note where they strike the next.
        **more: the other fields of the piece.
    """
    starts = np.cumsum([0, *(m.units for m in metres)])
    bars = np.array([(s, m.numerator, m.denominator) for s, m in zip(starts, metres, strict=False)], BAR)
    notes: list[tuple[int, int, int, int, int, float]] = []
    bar = -1
    several = len(programs) > 1
    for where, pitch, duration, velocity, part in events.tolist():
        if where == BAR_LINE:
            bar += 1
            continue
        part = part if several else 0
        start = int(starts[bar]) + where
        midi = midi_pitch(pitch, key.tonic)
        notes.append((start, DURATIONS[duration], min(max(midi, 0), 127), velocity * 8 + 4, part, 0.0))
    # Both hands play on the same strings.
    hands = [part for part in range(len(programs)) if part not in lines]
    whose = np.array([hands[0] if part in hands else part for part in range(len(programs))])
    played = _one_at_a_time(release_before_repeat(np.array(notes, NOTE), whose if several else None), lines)
    return Piece.build(played, bars, key, programs=programs, **more)


def release_before_repeat(notes: Array, whose: Array | None = None) -> Array:
    """Notes cut where the same key is struck again, for one string sounds once. whose: the instrument of each part,
    where two parts are hands at one; otherwise each part is an instrument."""
    player = notes["part"] if whose is None else whose[notes["part"]]
    order = np.lexsort((notes["start"], notes["pitch"], player))
    sorted_notes, player = notes[order], player[order]
    if len(sorted_notes) > 1:
        same = (sorted_notes["pitch"][1:] == sorted_notes["pitch"][:-1]) & (player[1:] == player[:-1])
        gap = np.diff(sorted_notes["start"])
        cut = np.minimum(sorted_notes["duration"][:-1], np.maximum(gap, 1))
        sorted_notes["duration"][:-1] = np.where(same, cut, sorted_notes["duration"][:-1])
    return sorted_notes


def _one_at_a_time(notes: Array, lines: Collection[int]) -> Array:
    """Notes of parts that are lines cut where the next one begins."""
    notes = notes.copy()
    for part in lines:
        mine = np.flatnonzero(notes["part"] == part)
        mine = mine[np.argsort(notes["start"][mine], kind="stable")]
        gap = np.diff(notes["start"][mine])
        notes["duration"][mine[:-1]] = np.minimum(notes["duration"][mine[:-1]], np.maximum(gap, 1))
    return notes


@dataclass
class Grammar:
    """What may come next. `where` and `pitch` return masks, True where allowed; `take` moves on."""

    units: int
    lowest: int = 21
    highest: int = 108
    tonic: int = 0
    position: int = field(default=-1)
    pitch_there: int = field(default=-1)

    def bar(self, units: int) -> None:
        """A bar of so many units begins."""
        self.units, self.position, self.pitch_there = units, -1, -1

    def wheres(self, *, line: bool = True) -> Array:
        """(WHERES,) the places from the last one on, as long as a higher note is left there, and the bar line."""
        allowed = np.zeros(WHERES, bool)
        allowed[max(self.position, 0) : self.units] = True
        if self.position >= 0 and self.pitch_there >= self._top():
            allowed[self.position] = False
        allowed[BAR_LINE] = line
        return allowed

    def pitches(self, where: int) -> Array:
        """(PITCHES,) those on the instrument and, at the same place, above the last."""
        allowed = np.zeros(PITCHES, bool)
        shift = LOWEST + shift_of(self.tonic)
        low, high = max(self.lowest - shift, 0), min(self.highest - shift, PITCHES - 1)
        if where == self.position:
            low = max(low, self.pitch_there + 1)
        allowed[low : high + 1] = True
        return allowed

    def take(self, where: int, pitch: int) -> None:
        self.position, self.pitch_there = where, pitch

    def _top(self) -> int:
        return min(self.highest - LOWEST - shift_of(self.tonic), PITCHES - 1)
