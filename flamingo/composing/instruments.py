"""Instruments: their ranges, who of them plays one note at a time, and how a piece is dealt out to several.

A piece is composed for the instruments that play it (`Instrumentation`) where these are lines, or lines above one
instrument that is played with two hands. For the others it is composed for a piano, and `played_by` hands it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import ENSEMBLES
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest

__all__ = [
    "FINGERS",
    "GROUPS",
    "INSTRUMENTS",
    "ONE_VOICE",
    "PEDALLED",
    "PIANO",
    "RANGES",
    "TWO_STAVES",
    "Instrument",
    "Instrumentation",
    "Player",
    "by_height",
    "instrumentation_of",
    "instruments_of",
    "played_by",
    "players_of",
    "within",
]

Array = NDArray[Any]

MOST = 4
"""Instruments that can play together."""
_RIGHT_FROM, _LEFT_TO = 55, 64
FINGERS = 5
"""Notes that a hand can strike together."""
_STRINGS = frozenset({"violin", "viola", "cello", "double-bass"})


@dataclass(frozen=True)
class Instrument:
    """General MIDI program and the lowest and highest note."""

    program: int
    lowest: int
    highest: int


INSTRUMENTS: dict[str, Instrument] = {
    "piano": Instrument(0, 21, 108),
    "electric-piano": Instrument(4, 28, 103),
    "harpsichord": Instrument(6, 29, 89),
    "celesta": Instrument(8, 60, 108),
    "music-box": Instrument(10, 48, 96),
    "vibraphone": Instrument(11, 53, 89),
    "marimba": Instrument(12, 36, 96),
    "organ": Instrument(19, 36, 96),
    "accordion": Instrument(21, 41, 93),
    "guitar": Instrument(24, 40, 88),
    "harp": Instrument(46, 24, 103),
    "violin": Instrument(40, 55, 100),
    "viola": Instrument(41, 48, 91),
    "cello": Instrument(42, 36, 81),
    "double-bass": Instrument(43, 28, 67),
    "strings": Instrument(48, 28, 100),
    "choir": Instrument(52, 40, 84),
    "trumpet": Instrument(56, 54, 86),
    "horn": Instrument(60, 41, 77),
    "oboe": Instrument(68, 58, 91),
    "bassoon": Instrument(70, 34, 75),
    "clarinet": Instrument(71, 50, 94),
    "flute": Instrument(73, 60, 96),
    "recorder": Instrument(74, 60, 98),
}
"""Instruments by the names that are used here."""
RANGES = {instrument.program: (instrument.lowest, instrument.highest) for instrument in INSTRUMENTS.values()}
"""The lowest and the highest MIDI pitch by General MIDI program."""
PEDALLED = frozenset({"piano", "electric-piano"})
"""Instruments with a sustain pedal."""
ONE_VOICE = frozenset({
    "violin", "viola", "cello", "double-bass", "trumpet", "horn", "oboe", "bassoon", "clarinet", "flute", "recorder",
})  # fmt: skip
"""Instruments that play a line and no chords."""


GROUPS: dict[str, tuple[str, ...]] = {
    "string-quartet": ("violin", "violin", "viola", "cello"),
    "string-trio": ("violin", "viola", "cello"),
    "piano-trio": ("violin", "cello", "piano"),
    "woodwind-quartet": ("flute", "oboe", "clarinet", "bassoon"),
}
"""Names for groups that everybody knows."""
TWO_STAVES = frozenset({*range(9), *range(16, 22), 46})
"""Programs of instruments that are written on two staves: keyboards, organs, accordion, harp."""


def instruments_of(text: str) -> list[str]:
    """ "piano", "flute,cello" or "string-quartet": names of INSTRUMENTS, highest part first. Raises BadRequest."""
    wanted = [part.strip().lower().replace(" ", "-") for part in text.split(",") if part.strip()]
    names: list[str] = []
    for name in wanted:
        names += GROUPS.get(name, (name,))
    if not 1 <= len(names) <= MOST:
        raise BadRequest(f"instrument {text!r}", "one to four instruments can play", "try flute,piano")
    for name in names:
        if name not in INSTRUMENTS:
            known = (*INSTRUMENTS, *GROUPS)
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
            raise BadRequest(f"instrument {name!r}", "is not known here", hint)
    return names


@dataclass(frozen=True)
class Player:
    """Who plays one part of a piece while it is composed.

    Attributes:
        program: General MIDI, from 0.
        lowest, highest: MIDI pitches of the range.
        line: whether it plays one note at a time; otherwise it is a hand.
    """

    program: int
    lowest: int
    highest: int
    line: bool

    @property
    def capacity(self) -> int:
        """How many notes it can strike together."""
        return 1 if self.line else FINGERS


@dataclass(frozen=True)
class Instrumentation:
    """Who plays a piece.

    Attributes:
        ensemble: an index of flamingo.composing.events.ENSEMBLES, as the network is told.
        players: one a part, from the top of the page.
    """

    ensemble: int
    players: tuple[Player, ...]

    @property
    def programs(self) -> tuple[int, ...]:
        """Of each part."""
        return tuple(player.program for player in self.players)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Of each part, the lowest and the highest MIDI pitch."""
        return [(player.lowest, player.highest) for player in self.players]

    @property
    def lines(self) -> list[int]:
        """The parts that play one note at a time."""
        return [part for part, player in enumerate(self.players) if player.line]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of each part, its share of the notes, about: lines share a quarter above hands (in songs of OpenScore a
        voice has .22), and all where they are alone."""
        lines = len(self.lines)
        if not self.hands:
            return (1 / lines,) * lines
        above = 0.25 if lines else 0.0
        return (*((above / lines,) * lines if lines else ()), 0.55 * (1 - above), 0.45 * (1 - above))

    @property
    def hands(self) -> bool:
        """Whether the last two parts are the hands of one player."""
        return not self.players[-1].line


def players_of(programs: Sequence[int]) -> list[tuple[int, ...]]:
    """The parts of each player, from the top: neighbours of one program that has two staves are its hands."""
    players: list[tuple[int, ...]] = []
    for part, program in enumerate(programs):
        before = players[-1] if players else ()
        if len(before) == 1 and programs[before[0]] == program and program in TWO_STAVES:
            players[-1] = (*before, part)
        else:
            players.append((part,))
    return players


def hands_of(name: str) -> tuple[Player, Player]:
    """The two hands that play an instrument."""
    instrument = INSTRUMENTS[name]
    hand = Player(instrument.program, instrument.lowest, instrument.highest, line=False)
    return hand, hand


PIANO = Instrumentation(ENSEMBLES.index("piano"), hands_of("piano"))


def instrumentation_of(names: Sequence[str]) -> Instrumentation | None:
    """Who plays, as it can be composed for: lines alone, or lines above one instrument that is played with two
    hands; None for what is first composed for a piano and then handed over (`played_by`)."""
    lines = [name for name in names if name in ONE_VOICE]
    others = [name for name in names if name not in ONE_VOICE]
    players = tuple(
        Player(instrument.program, instrument.lowest, instrument.highest, line=True)
        for instrument in (INSTRUMENTS[name] for name in lines)
    )
    if not others:
        strings = all(name in _STRINGS for name in lines)
        return Instrumentation(ENSEMBLES.index("strings" if strings else "chamber"), players)
    if others != [names[-1]] or INSTRUMENTS[others[0]].program not in TWO_STAVES:
        return PIANO if names == ["piano"] else None
    hands = hands_of(others[0])
    if not lines:
        return Instrumentation(ENSEMBLES.index("piano"), hands)
    if len(lines) > 1:
        # Of such groups the network has heard too little to tell the hands apart: each keeps to its side.
        right, left = hands
        hands = replace(right, lowest=max(right.lowest, _RIGHT_FROM)), replace(left, highest=_LEFT_TO)
    return Instrumentation(ENSEMBLES.index("voice" if len(lines) <= 2 else "chamber"), (*players, *hands))


def played_by(piece: Piece, names: Sequence[str]) -> Piece:
    """The piece for other instruments. With several, the first takes the melody (the highest note of each attack),
    the last the bass and those between them the rest; a note outside an instrument's range moves by octaves."""
    notes = piece.notes.copy()
    notes["part"] = by_height(notes, len(names))
    instruments = [INSTRUMENTS[name] for name in names]
    return within(
        replace(piece, notes=notes, programs=tuple(instrument.program for instrument in instruments)),
        [(instrument.lowest, instrument.highest) for instrument in instruments],
    )


def within(piece: Piece, ranges: Sequence[tuple[int, int]]) -> Piece:
    """The piece with each part inside its range, the lowest and the highest MIDI pitch: notes outside it move by
    octaves, and of those that then fall together the longest stays."""
    notes = piece.notes.copy()
    for part, (lowest, highest) in enumerate(ranges):
        mine = notes["part"] == part
        pitch = notes["pitch"].astype(int)
        pitch = np.where(mine & (pitch < lowest), pitch + -(-(lowest - pitch) // 12) * 12, pitch)
        pitch = np.where(mine & (pitch > highest), pitch - -(-(pitch - highest) // 12) * 12, pitch)
        notes["pitch"] = pitch
    order = np.lexsort((-notes["duration"], notes["part"], notes["pitch"], notes["start"]))
    notes = notes[order]
    same = np.zeros(len(notes), bool)
    for column in ("start", "pitch", "part"):
        fresh = notes[column][1:] == notes[column][:-1]
        same[1:] = fresh if column == "start" else same[1:] & fresh
    return replace(piece, notes=notes[~same])


def by_height(notes: Array, count: int) -> Array:
    """(n,) uint8: the part of each note where `count` share them: the first has the highest note of each attack, the
    last the lowest, those between them the rest."""
    if count == 1:
        return np.zeros(len(notes), np.uint8)
    _, first, many = np.unique(notes["start"], return_index=True, return_counts=True)
    rank = np.arange(len(notes)) - np.repeat(first, many)  # 0 is the lowest of its attack
    size = np.repeat(many, many)
    part = np.where(rank == size - 1, 0, np.maximum(1, count - 1 - rank))
    part = np.clip(np.where((rank == 0) & (size > 1), count - 1, part), 0, count - 1)
    # A lone note belongs to whoever is nearest: low ones to the last, the rest to the first.
    lone = size == 1
    return np.where(lone, np.where(notes["pitch"] < 55, count - 1, 0), np.where(rank == size - 1, 0, part)).astype(
        np.uint8
    )
