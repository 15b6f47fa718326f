"""What a persona's music is usually like, counted in its pieces: for those that ship, and for the user's own."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from flamingo.composing import events, mood
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Metre, Piece
from flamingo.train.corpus import sources
from flamingo.train.corpus.songs import bar_tempos


def habits(
    pairs: list[tuple[sources.Source, Piece]], personas: list[str], scale: mood.Scale
) -> dict[str, dict[str, Any]]:
    """What each persona's music is usually like: share of minor, tonics by mode, metres with their share of bars and
    tempo (log2 of quarters a minute), mean arousal."""
    habits_by_persona = {}
    for persona in personas:
        mine = [p for s, p in pairs if s.composer == persona]
        # Habits are those of music for a keyboard, where there is any.
        mine = [p for p in mine if ensemble_of(p) < 2] or mine
        # Tempo, and what is felt by it, is said by who plays; most scores leave it open.
        mine = [p for p in mine if p.expressive] or mine
        tonics = {mode: [0.0] * 12 for mode in ("major", "minor")}
        bars: dict[str, list[float]] = defaultdict(list)
        arousal = []
        for piece in mine:
            tonics["minor" if piece.key.minor else "major"][piece.key.tonic] += 1
            cut = events.cut_long_bars(piece)
            edges = np.append(cut["start"].astype(int), piece.length)
            tempo = np.log2(bar_tempos(piece, edges))
            for (_, n, d), t in zip(cut.tolist(), tempo.tolist(), strict=True):
                bars[str(Metre(n, d))].append(t)
            felt = scale.points(mood.bar_features(piece), piece.expressive)[1]
            arousal += [float(np.nanmean(felt))] if np.isfinite(felt).any() else []
        # A bar of 1/4 is a pickup, and one of 11/16 somebody's cadenza: neither is a metre to write a piece in.
        usual = {m: t for m, t in bars.items() if m in events.METRES and Metre.parse(m).units >= 36}
        every = sum(map(len, usual.values()))
        usual_metres = {m: t for m, t in usual.items() if len(t) >= 0.08 * every} or {"4/4": [np.log2(110)]}
        count = sum(map(len, usual_metres.values()))
        minor = sum(tonics["minor"])
        habits_by_persona[persona] = {
            "minor": round((minor + 1) / (len(mine) + 2.5), 3),
            "tonics": {mode: [round(x + 0.2 / 12, 3) for x in row] for mode, row in tonics.items()},
            "metres": {
                m: {"share": round(len(t) / count, 3), "tempo": round(float(np.median(t)), 3)}
                for m, t in sorted(usual_metres.items())
            },
            "tempo": round(float(np.median(np.concatenate(list(usual_metres.values())))), 3),
            "arousal": round(float(np.mean(arousal)), 3) if arousal else 0.0,
        }
    return habits_by_persona
