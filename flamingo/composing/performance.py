"""From a score to a performance: which instruments play it, how loud, and how a player strays from the grid.

Nothing here changes what is written: pitches keep their names, and the tempo map its tempo. `humanised` moves attacks
by milliseconds and loudness by a few steps, as studies of players found (the melody a little ahead of its chord:
Goebl 2001). `played_by` hands a score to other instruments, octaves moved where an instrument ends. `shaped` plays
louder or softer, detached or bound, as the mood asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.mood import FEATURES, Scale
from flamingo.composing.piece import PEDAL, Piece
from flamingo.composing.plan import Plan
from flamingo.errors import BadRequest

Array = NDArray[Any]


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
KEYBOARDS = frozenset({"piano", "electric-piano"})
ONE_VOICE = frozenset({
    "violin", "viola", "cello", "double-bass", "trumpet", "horn", "oboe", "bassoon", "clarinet", "flute", "recorder",
})  # fmt: skip
"""Instruments that play a line and no chords."""


def instruments_of(text: str) -> list[str]:
    """ "piano" or "flute,cello": names of INSTRUMENTS, highest part first. Raises BadRequest."""
    names = [part.strip().lower().replace(" ", "-") for part in text.split(",") if part.strip()]
    if not 1 <= len(names) <= 4:
        raise BadRequest(f"instrument {text!r}", "one to four instruments can play", "try flute,piano")
    for name in names:
        if name not in INSTRUMENTS:
            near = get_close_matches(name, INSTRUMENTS, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(INSTRUMENTS)}"
            raise BadRequest(f"instrument {name!r}", "is not known here", hint)
    return names


def played_by(piece: Piece, names: list[str]) -> Piece:
    """The piece for other instruments. With several, the first takes the melody (the highest note of each attack),
    the last the bass and those between them the rest; a note outside an instrument's range moves by octaves."""
    notes = piece.notes.copy()
    notes["part"] = _parts(notes, len(names))
    for part, name in enumerate(names):
        instrument = INSTRUMENTS[name]
        mine = notes["part"] == part
        pitch = notes["pitch"].astype(int)
        pitch = np.where(
            mine & (pitch < instrument.lowest), pitch + -(-(instrument.lowest - pitch) // 12) * 12, pitch
        )
        pitch = np.where(
            mine & (pitch > instrument.highest), pitch - -(-(pitch - instrument.highest) // 12) * 12, pitch
        )
        notes["pitch"] = pitch
    order = np.lexsort((-notes["duration"], notes["part"], notes["pitch"], notes["start"]))
    notes = notes[order]
    same = np.zeros(len(notes), bool)
    for column in ("start", "pitch", "part"):
        fresh = notes[column][1:] == notes[column][:-1]
        same[1:] = fresh if column == "start" else same[1:] & fresh
    return replace(piece, notes=notes[~same], programs=tuple(INSTRUMENTS[n].program for n in names))


def _parts(notes: Array, count: int) -> Array:
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


def humanised(piece: Piece, amount: float, random: np.random.Generator) -> Piece:
    """Timing and loudness of a player. amount: 0 leaves the piece as it is, 1 is a free player; 0.5 strays by about
    8 ms and 3 velocities. The bar lines, and so the length, stay."""
    if amount <= 0 or not len(piece.notes):
        return piece
    notes = piece.notes.copy()
    starts, which = np.unique(notes["start"], return_inverse=True)
    # A player's timing wanders, so neighbours are late together; each finger adds a little of its own.
    together = _wander(len(starts), random) * 0.012 * amount
    alone = random.normal(0, 0.004 * amount, len(notes))
    highest = np.zeros(len(starts), int)
    np.maximum.at(highest, which, notes["pitch"].astype(int))
    melody = notes["pitch"] == highest[which]
    chord = np.bincount(which)[which] > 1
    notes["shift"] = together[which] + alone + np.where(chord & ~melody, 0.012 * amount, 0.0)
    first = notes["start"] == starts[0]
    notes["shift"][first] = np.maximum(notes["shift"][first], 0)
    loud = notes["velocity"].astype(float)
    loud += _wander(len(starts), random)[which] * 5 * amount + random.normal(0, 2.5 * amount, len(notes))
    loud += np.where(chord, np.where(melody, 5.0, -3.0), 0.0) * amount
    position = notes["start"] - piece.bars["start"][piece.bar_of(notes["start"])]
    loud += np.where(position == 0, 3.0 * amount, 0.0)
    notes["velocity"] = np.clip(np.round(loud), 8, 124)
    return replace(piece, notes=notes)


def _wander(n: int, random: np.random.Generator) -> Array:
    """(n,) a smooth random line of unit spread."""
    if n < 2:
        return np.zeros(n)
    window = np.hanning(9)[1:-1]
    steps = random.normal(size=n + len(window) - 1)
    return np.asarray(np.convolve(steps, window, "valid") / np.linalg.norm(window))


def pedalled(piece: Piece) -> Piece:
    """The sustain pedal as a pianist takes it: down after each new bass note, up with the next one, and never through
    a change of harmony that would blur. Where notes are short and fast it stays up."""
    notes = piece.notes
    if not len(notes) or len(piece.pedals):
        return piece
    pedals: list[tuple[int, int]] = []
    edges = piece.edges
    where = np.searchsorted(notes["start"], edges)
    for bar in range(len(edges) - 1):
        begin, end = int(where[bar]), int(where[bar + 1])
        beat = piece.metre(bar).beat
        span = 2 * beat if int(edges[bar + 1] - edges[bar]) % (2 * beat) == 0 else int(edges[bar + 1] - edges[bar])
        for start in range(int(edges[bar]), int(edges[bar + 1]), span):
            stop = min(start + span, int(edges[bar + 1]))
            here = notes[begin:end]
            here = here[(here["start"] >= start) & (here["start"] < stop)]
            classes = {int(p) % 12 for p in here["pitch"]}
            # Three or four pitch classes are a chord; more are a scale, which the pedal would smear.
            if 2 <= len(classes) <= 4 and len(here) >= 3:
                pedals.append((start + 2, stop - 1))
    return replace(piece, pedals=np.array(pedals, PEDAL))


# A network that was told the mood is on its way to this loudness already; this brings it most of the rest.
_OF_THE_WAY = 0.6


def shaped(piece: Piece, plan: Plan, scale: Scale, since: int = 0) -> Piece:
    """Loudness and articulation as each section's mood asks (flamingo/mood/cues.py), moving from one to the next
    through the bar between. since: units before which notes keep their durations, because they are the user's own."""
    notes = piece.notes
    if plan.arousal is None or not len(notes):
        return piece
    bars = piece.bar_of(notes["start"])
    which = np.array([plan.section(bar) for bar in range(plan.bars)])[bars]
    turning = np.array([plan.turns(bar) is not None for bar in range(plan.bars)])[bars]
    way = np.where(turning, (notes["start"] - piece.bars["start"][bars]) / plan.metre.units, 0.0)

    def through(of_sections: list[float]) -> Array:
        values = np.array([*of_sections, of_sections[-1]])
        return np.asarray((1 - way) * values[which] + way * values[which + 1])

    loudness, steps = FEATURES.index("loudness"), []
    for i, section in enumerate(plan.sections):
        mine = notes["velocity"][which == i]
        target = scale.mean[loudness] + scale.spread[loudness] * (section.asks.loudness or 0.0)
        steps.append(_OF_THE_WAY * (target - float(mine.mean())) if len(mine) else 0.0)
    # The cadence is held as it is written.
    change = (notes["start"] >= since) & (bars < plan.bars - 1)
    detached = np.where(change, through([section.asks.articulation for section in plan.sections]), 0.0)
    return louder(articulated(piece, detached), through(steps))


def articulated(piece: Piece, detached: Array) -> Piece:
    """Notes shortened or bound. detached: (n,) from -0.5 to 1, one a note; above 0 the share of a note that is cut
    off, below 0 half the share of the gap to the next attack that is filled."""
    notes = piece.notes.copy()
    attacks, which = np.unique(notes["start"], return_inverse=True)
    following = np.append(attacks[1:], piece.length)[which]
    gap = np.maximum(following - notes["start"] - notes["duration"], 0)
    cut = np.maximum(detached, 0) * notes["duration"]
    filled = np.maximum(-2 * detached, 0) * gap
    notes["duration"] = np.maximum(np.round(notes["duration"] - cut + filled), 1)
    return replace(piece, notes=notes)


def louder(piece: Piece, steps: Array | float) -> Piece:
    """Velocities moved by `steps`, one for all or (n,) one a note, within 8 to 124."""
    notes = piece.notes.copy()
    notes["velocity"] = np.clip(np.round(notes["velocity"].astype(float) + steps), 8, 124)
    return replace(piece, notes=notes)
