"""The critic that keeps the best of several pieces. It is not the one that measures them in the benchmarks.

It listens with the network's own ears. A piece is good when each note is about as surprising as the notes of people
are (too likely is a loop, too unlikely is noise: the typical-set argument of Meister et al. 2023), when the persona
and mood that were asked for explain it better than no wish at all, when it neither stands still nor repeats itself,
and when its form is like that of people's music, which the network cannot hear: bars that answer each other, motifs
and harmony that lead somewhere (form.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from flamingo.composing.form import distance_from_people
from flamingo.composing.sampling import Drawn

_FORM = 3.0
_FEWEST = 8  # bars; in less there is no form to hear


def score(piece: Drawn, facts: dict[str, Any]) -> float:
    """Higher is better; 0 is about what an average piece reaches."""
    notes = max(piece.notes, 1)
    human = facts["typical"]  # nats a note of held-out human bars: mean and spread
    surprise = (piece.conditional / notes - human["mean"]) / human["spread"]
    persona = (piece.unconditional - piece.conditional) / notes
    rows = piece.events
    bars = [tuple(map(tuple, part[1:].tolist())) for part in np.split(rows, piece.lines[1:])]
    repeated = 1 - len(set(bars)) / len(bars)
    empty = sum(not bar for bar in bars) / len(bars)
    density = notes / piece.plan.seconds
    thin = max(0.0, 3.0 - density)
    form = distance_from_people(piece.piece()) if len(bars) >= _FEWEST else 0.0
    return float(-abs(surprise) + 2 * persona - 3 * max(0.0, repeated - 0.4) - 4 * empty - thin - _FORM * form)
