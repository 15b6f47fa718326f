"""What a piece of music is here: notes on a grid of beats, with bars, a key, and a tempo kept apart from them.

Time in a score is counted in **units**, 24 to a quarter note, so that thirty-second notes and triplets of sixteenths
both fall on the grid. Seconds come in only through the tempo map, and through `shift`, by which a player leaves the
grid. A key is a choice: `transposed` moves a whole piece, and the model sees nothing but pitches relative to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest

UNITS = 24
"""Units of the grid in a quarter note."""

NOTE = np.dtype(
    [
        ("start", "i4"),  # units from the beginning of the piece
        ("duration", "i4"),  # units, at least 1
        ("pitch", "u1"),  # MIDI number, 60 is middle C
        ("velocity", "u1"),  # 1 to 127
        ("part", "u1"),  # which of Piece.programs plays it
        ("shift", "f4"),  # seconds that the player is late (or early, below zero) against the grid
    ]
)
BAR = np.dtype([("start", "i4"), ("numerator", "u1"), ("denominator", "u1")])
TEMPO = np.dtype([("start", "i4"), ("bpm", "f4")])  # quarter notes a minute, from `start` on
PEDAL = np.dtype([("start", "i4"), ("end", "i4")])  # the sustain pedal is down

Array = NDArray[Any]

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


@dataclass(frozen=True)
class Key:
    """A tonic (0 to 11, C is 0) and a mode."""

    tonic: int
    minor: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "C minor", "Eb major", "f#", "Bbm": a lower-case letter alone, or m, is minor. Raises BadRequest."""
        match = re.fullmatch(
            r"\s*([A-Ga-g])[- ]?(#|♯|(?i:sharp)|b|♭|(?i:flat))?[- ]?\s*((?i:major|maj|minor|min|moll|dur)|M|m)?\s*",
            text,
        )
        if not match:
            names = [*(f"{n} major" for n in _MAJOR_NAMES), *(f"{n} minor" for n in _MINOR_NAMES)]
            near = get_close_matches(text, names, 1, 0.0)
            hint = f"try {near[0]!r}" if near else "try 'C minor'"
            raise BadRequest(f"key {text!r}", "is no key", hint)
        letter, accidental, mode = match.groups()
        sharp = {"": 0, "#": 1, "♯": 1, "sharp": 1}.get((accidental or "").lower(), -1)
        if mode and len(mode) > 1:
            mode = mode.lower()
        minor = mode in ("minor", "min", "m", "moll") if mode else letter.islower()
        return cls((LETTERS[letter.upper()] + sharp) % 12, minor)

    def transposed(self, semitones: int) -> Self:
        """The key so many semitones higher."""
        return type(self)((self.tonic + semitones) % 12, self.minor)

    @property
    def fifths(self) -> int:
        """Sharps (above zero) or flats (below) of the key signature, -6 to 6. Of six of either it is those in which
        the key is named: E-flat minor has six flats, F-sharp major six sharps."""
        major = (self.tonic + 3) % 12 if self.minor else self.tonic
        count = major * 7 % 12
        return count - 12 if count > 6 or (count == 6 and "b" in str(self).split()[0]) else count

    @property
    def triad(self) -> tuple[int, int, int]:
        """Pitch classes of the tonic triad."""
        return self.tonic, (self.tonic + (3 if self.minor else 4)) % 12, (self.tonic + 7) % 12

    @property
    def in_words(self) -> str:
        """ "B-flat major", as it stands in a title: music fonts' signs are not in every text font."""
        return str(self).replace("b ", "-flat ").replace("# ", "-sharp ")

    def __str__(self) -> str:
        return f"{(_MINOR_NAMES if self.minor else _MAJOR_NAMES)[self.tonic]} {'minor' if self.minor else 'major'}"


@dataclass(frozen=True)
class Metre:
    """A time signature."""

    numerator: int = 4
    denominator: int = 4

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "3/4". Raises BadRequest."""
        match = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
        if not match or not 1 <= int(match[1]) <= 24 or int(match[2]) not in (1, 2, 4, 8, 16):
            raise BadRequest(f"metre {text!r}", "is no time signature", "try 4/4, 3/4, 2/4 or 6/8")
        return cls(int(match[1]), int(match[2]))

    @property
    def units(self) -> int:
        """Length of a bar in units."""
        return self.numerator * 4 * UNITS // self.denominator

    @property
    def beat(self) -> int:
        """Length of a beat in units: a dotted quarter in 6/8, 9/8 and 12/8."""
        compound = self.denominator == 8 and self.numerator % 3 == 0 and self.numerator > 3
        return UNITS * 3 // 2 if compound else 4 * UNITS // self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def seconds_at(units: Array | Sequence[float] | float, tempos: Array) -> Array:
    """Seconds at which places of a score, in units, are played by a tempo map; 120 quarters a minute without one."""
    places = np.asarray(units, np.float64)
    tempos = tempos if len(tempos) else np.array([(0, 120.0)], TEMPO)
    starts = tempos["start"].astype(np.float64)
    rate = 60.0 / tempos["bpm"].astype(np.float64) / UNITS
    before = np.concatenate(([0.0], np.cumsum(np.diff(starts) * rate[:-1])))
    which = np.clip(np.searchsorted(starts, places, side="right") - 1, 0, None)
    return np.asarray(before[which] + (places - starts[which]) * rate[which])


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of music. Arrays are sorted by start (notes then by pitch) and are never changed in place."""

    notes: Array
    """(n,) of NOTE."""
    bars: Array
    """(b,) of BAR, one for every bar; the first starts at 0, and bars follow each other without a gap."""
    key: Key
    tempos: Array = field(default_factory=lambda: np.zeros(0, TEMPO))
    """(t,) of TEMPO, the first at 0. Empty means 120 quarters a minute."""
    programs: tuple[int, ...] = (0,)
    """General MIDI program (0 to 127) of each part."""
    pedals: Array = field(default_factory=lambda: np.zeros(0, PEDAL))
    title: str = ""
    persona: str = ""
    expressive: bool = True
    """Whether velocities and tempos are those of a player; False for a score that has none."""

    @classmethod
    def build(cls, notes: Array, bars: Array, key: Key, **more: Any) -> Self:
        """A piece whose arrays are put in order first."""
        return cls(np.sort(notes, order=("start", "pitch", "part")), np.sort(bars, order="start"), key, **more)

    # ------------------------------------------------------------------ bars
    @property
    def length(self) -> int:
        """Units from the beginning to the end of the last bar."""
        last = self.bars[-1]
        return int(last["start"]) + Metre(int(last["numerator"]), int(last["denominator"])).units

    @property
    def edges(self) -> Array:
        """(b + 1,) int: where bars start, and where the last one ends."""
        return np.append(self.bars["start"].astype(np.int64), self.length)

    def bar_of(self, units: Array | int) -> Array:
        """The bar, counted from 0, in which a place lies."""
        return np.searchsorted(self.bars["start"], units, side="right") - 1

    def metre(self, bar: int = 0) -> Metre:
        return Metre(int(self.bars[bar]["numerator"]), int(self.bars[bar]["denominator"]))

    # ------------------------------------------------------------------ time
    def seconds(self, units: Array | Sequence[int] | int | None = None) -> Array:
        """Seconds at which places of the score are played; without an argument, the end of the last bar."""
        return seconds_at(self.length if units is None else units, self.tempos)

    @property
    def played(self) -> tuple[Array, Array]:
        """Seconds at which each note is struck and let go."""
        start = self.seconds(self.notes["start"]) + self.notes["shift"]
        end = self.seconds(self.notes["start"] + self.notes["duration"]) + self.notes["shift"]
        return np.maximum(start, 0.0), np.maximum(end, np.maximum(start, 0.0) + 0.01)

    @property
    def bpm(self) -> float:
        """Quarter notes a minute over the whole piece: its length in quarters over its length in minutes."""
        return self.length / UNITS / (float(self.seconds()) / 60)

    # ------------------------------------------------------------------ after the fact
    def transposed(self, semitones: int) -> Piece:
        """Higher or lower; a note that would leave the MIDI range goes an octave back."""
        pitch = self.notes["pitch"].astype(int) + semitones
        pitch = np.where(pitch > 127, pitch - 12 * -(-(pitch - 127) // 12), pitch)
        pitch = np.where(pitch < 0, pitch + 12 * -(pitch // 12), pitch)
        notes = self.notes.copy()
        notes["pitch"] = pitch
        key = self.key.transposed(semitones)
        return replace(self, notes=np.sort(notes, order=("start", "pitch", "part")), key=key)

    def at_speed(self, factor: float) -> Piece:
        """The same notes, `factor` times as fast."""
        tempos = self.tempos.copy() if len(self.tempos) else np.array([(0, 120.0)], TEMPO)
        tempos["bpm"] *= factor
        notes = self.notes.copy()
        notes["shift"] /= factor
        return replace(self, tempos=tempos, notes=notes)

    def excerpt(self, first: int, last: int) -> Piece:
        """Bars `first` up to but not including `last`, moved to the beginning; notes are cut at its end."""
        edges = self.edges
        begin, end = int(edges[first]), int(edges[last])
        chosen = self.notes[(self.notes["start"] >= begin) & (self.notes["start"] < end)].copy()
        chosen["duration"] = np.minimum(chosen["duration"], end - chosen["start"])
        chosen["start"] -= begin
        bars = self.bars[first:last].copy()
        bars["start"] -= begin
        tempos = self.tempos[self.tempos["start"] < end].copy()
        tempos["start"] -= begin
        tempos = tempos[np.searchsorted(tempos["start"], 0, side="right") - 1 :] if len(tempos) else tempos
        if len(tempos):
            tempos["start"][0] = 0
        pedals = self.pedals[(self.pedals["end"] > begin) & (self.pedals["start"] < end)].copy()
        pedals["start"] = np.clip(pedals["start"], begin, end) - begin
        pedals["end"] = np.clip(pedals["end"], begin, end) - begin
        return replace(self, notes=chosen, bars=bars, tempos=tempos, pedals=pedals)
