"""What a persona's music is usually like, counted in its pieces: for those that ship, and for the user's own."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from flamingo.composing import events, mood
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Metre, Piece
from flamingo.train.corpus import sources
from flamingo.train.corpus.songs import bar_tempos, is_paced

_FEW = 3  # pieces with a tempo, from which on they say how fast their composer goes


def habits(
    pairs: list[tuple[sources.Source, Piece]], personas: list[str], scale: mood.Scale
) -> dict[str, dict[str, Any]]:
    """What each persona's music is usually like: share of minor, tonics by mode, metres with their share of bars and
    tempo (log2 of quarters a minute), mean arousal. pairs: pieces with their sources; a persona of which none is to
    learn from has its habits from those that are tested."""
    habits_by_persona = {}
    usual_tempos = _tempos([p for s, p in pairs if p.expressive and s.split == "train"])
    for persona in personas:
        own = [(s, p) for s, p in pairs if s.composer == persona]
        mine = [p for s, p in own if s.split == "train"] or [p for _, p in own]
        # Habits are those of music for a keyboard, where there is any.
        mine = [p for p in mine if ensemble_of(p) < 2] or mine
        # Tempo, and what is felt by it, is said by who plays; most scores leave it open.
        mine = [p for p in mine if p.expressive] or mine
        timed = [p for p in mine if p.expressive or is_paced(p)]
        tonics = {mode: [0.0] * 12 for mode in ("major", "minor")}
        arousal = []
        for piece in mine:
            tonics["minor" if piece.key.minor else "major"][piece.key.tonic] += 1
            felt = scale.points(mood.bar_features(piece), piece.expressive)[1]
            arousal += [float(np.nanmean(felt))] if np.isfinite(felt).any() else []
        # One piece says how fast it goes, not how fast its composer went.
        bars, paces = _tempos(mine), (_tempos(timed) if len(timed) >= _FEW or not usual_tempos else usual_tempos)
        # A bar of 1/4 is a pickup, and one of 11/16 somebody's cadenza: neither is a metre to write a piece in.
        usual = {m: t for m, t in bars.items() if m in events.METRES and Metre.parse(m).units >= 36}
        every = sum(map(len, usual.values()))
        usual_metres = {m: t for m, t in usual.items() if len(t) >= 0.08 * every} or {"4/4": [np.log2(110)]}
        count = sum(map(len, usual_metres.values()))
        every_pace = [t for pace in paces.values() for t in pace] or [np.log2(110)]
        minor = sum(tonics["minor"])
        habits_by_persona[persona] = {
            "minor": round((minor + 1) / (len(mine) + 2.5), 3),
            "tonics": {mode: [round(x + 0.2 / 12, 3) for x in row] for mode, row in tonics.items()},
            "metres": {
                m: {"share": round(len(t) / count, 3), "tempo": round(float(np.median(paces.get(m, every_pace))), 3)}
                for m, t in sorted(usual_metres.items())
            },
            "tempo": round(float(np.median([t for m in usual_metres for t in paces.get(m, ())] or every_pace)), 3),
            "arousal": round(float(np.mean(arousal)), 3) if arousal else 0.0,
        }
    return habits_by_persona


def _tempos(pieces: list[Piece]) -> dict[str, list[float]]:
    """The tempo of every bar, log2 of quarters a minute, by its metre."""
    found: dict[str, list[float]] = defaultdict(list)
    for piece in pieces:
        cut = events.cut_long_bars(piece)
        edges = np.append(cut["start"].astype(int), piece.length)
        tempo = np.log2(bar_tempos(piece, edges))
        for (_, n, d), t in zip(cut.tolist(), tempo.tolist(), strict=True):
            found[str(Metre(n, d))].append(t)
    return found
