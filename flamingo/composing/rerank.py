"""The critic that keeps the best of several pieces. It is not the one that measures them in the benchmarks.

It listens with the network's own ears. A piece is good when each note is about as surprising as the notes of people
are (too likely is a loop, too unlikely is noise: the typical-set argument of Meister et al. 2023), when the persona
and mood that were asked for explain it better than no wish at all, when it neither stands still nor repeats itself,
and when its form is like that of people's music, which the network cannot hear: bars that answer each other, motifs
and harmony that lead somewhere (form_measures.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from flamingo.composing.form_measures import distance_from_people
from flamingo.composing.generation import Drawn
from flamingo.composing.model import Composer, one_thread

__all__ = ["nats_a_note", "score"]

_FORM = 3.0
_FEWEST = 8  # bars; in less there is no form to hear


def score(piece: Drawn, model: Composer) -> float:
    """Higher is better; 0 is about what an average piece reaches."""
    human = model.facts["typical"]  # nats a note of held-out human bars: mean and spread
    told, untold = nats_a_note(piece, model)
    surprise = (told - human["mean"]) / human["spread"]
    rows = piece.events
    bars = [tuple(map(tuple, part[1:].tolist())) for part in np.split(rows, piece.lines[1:])]
    repeated = 1 - len(set(bars)) / len(bars)
    empty = sum(not bar for bar in bars) / len(bars)
    density = max(piece.notes, 1) / piece.plan.seconds
    thin = max(0.0, 3.0 - density)
    form = distance_from_people(piece.piece()) if len(bars) >= _FEWEST else 0.0
    return float(
        -abs(surprise) + 2 * (untold - told) - 3 * max(0.0, repeated - 0.4) - 4 * empty - thin - _FORM * form
    )


def nats_a_note(piece: Drawn, model: Composer) -> tuple[float, float]:
    """How surprising a piece is to the network, in nats a note of the bars in which nothing returns: told persona and
    mood, and not told."""
    plan = piece.plan
    events = piece.events[:, : None if model.parts else 4].astype(np.int64)
    bars = np.searchsorted(piece.lines, np.arange(len(events)), side="right") - 1
    fresh = np.array([plan.theme(bar) is None for bar in range(plan.bars)])[bars[1:]]
    if len(events) < 2:
        return 0.0, 0.0
    notes = max(int((fresh & (events[1:, 1] >= 0)).sum()), 1)
    found = []
    for told in (True, False):
        vectors = []
        for bar in range(int(bars[-1]) + 1):
            condition = plan.conditions(bar)
            if not told:
                condition = replace(condition, personas={}, valence=None, arousal=None)
            vectors.append(model.condition_vector(condition, plain=True))
        with one_thread():
            nats = model.nats(events, np.stack(vectors)[bars])
        found.append(float(nats[fresh].sum()) / notes)
    return found[0], found[1]
