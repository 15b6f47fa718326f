"""From a score to a performance: how loud it is, and how a player strays from the grid.

Nothing here changes what is written: pitches keep their names, and the tempo map its tempo. `humanised` moves attacks
by milliseconds and loudness by a few steps, as studies of players found (the melody a little ahead of its chord:
Goebl 2001). `shaped` plays louder or softer, detached or bound, as the mood asks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.mood import FEATURES, Scale
from flamingo.composing.parts import KEYBOARDS
from flamingo.composing.piece import PEDAL, Piece
from flamingo.composing.plan import Plan

Array = NDArray[Any]


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
    a change of harmony that would blur. Where notes are short and fast it stays up. Only what keyboards play is
    looked at."""
    keyboards = [part for part, program in enumerate(piece.programs) if program in KEYBOARDS]
    notes = piece.notes[np.isin(piece.notes["part"], keyboards)]
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
