"""Mood as a point: valence (unpleasant -1 to pleasant 1) and arousal (calm -1 to excited 1), and what it sounds like.

What arousal and valence mean here is measured, not decreed: for every bar of the training music a few plain features
are taken over the bars around it (tempo, density, loudness and articulation for arousal; major or minor, consonance
and register for valence), weighted, and replaced by their rank among all bars of the corpus. So 0 is the median of
the music that the model knows, and -1 and 1 are its extremes. The scale is stored with the model.

Words for moods are in flamingo/mood/valence_arousal.py, which photos and sentences share with music.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import correlations
from flamingo.composing.piece import Piece

Array = NDArray[Any]

FEATURES = ("tempo", "density", "loudness", "detached", "mode", "consonance", "register")
DISSONANT = (1, 2, 6, 10, 11)
"""Semitones between notes struck together: seconds, the tritone, sevenths."""
_WINDOW = 3  # bars on each side
# How much the measured features count. Signs follow Gabrielsson and Lindstrom's review (2010): fast, dense, loud and
# detached is excited; major, consonant and high is pleasant. The mode leads, since listeners agree on it most.
_AROUSAL = {"tempo": 1.0, "density": 1.0, "loudness": 1.0, "detached": 0.3}
_VALENCE = {"mode": 1.0, "consonance": 0.3, "register": 0.25}


def bar_features(piece: Piece) -> Array:
    """(bars, 7) float64: FEATURES of each bar, over it and three bars on each side.

    tempo: log2 of quarters a minute; density: log2 of notes a second; loudness: mean velocity; detached: one minus
    the median of duration over distance to the next attack, at most 1; mode: how much better the best major profile
    fits than the best minor one; consonance: minus the share of seconds, tritones and sevenths among notes that sound
    together; register: mean pitch.
    """
    notes, edges = piece.notes, piece.edges
    bars = len(edges) - 1
    times = piece.seconds(edges)
    where = np.searchsorted(notes["start"], edges)
    weights = np.minimum(notes["duration"], 48).astype(float)
    bar_of = np.repeat(np.arange(bars), np.diff(where))
    inside = slice(int(where[0]), int(where[-1]))
    classes = np.zeros((bars, 12))
    np.add.at(classes, (bar_of, notes["pitch"][inside] % 12), weights[inside])
    sums = np.zeros((bars, 3))
    np.add.at(sums[:, 0], bar_of, 1)
    np.add.at(sums[:, 1], bar_of, notes["velocity"][inside].astype(float))
    np.add.at(sums[:, 2], bar_of, notes["pitch"][inside].astype(float))
    attacks, first = np.unique(notes["start"], return_index=True)
    detached = np.full(bars, np.nan)
    clash = np.full(bars, np.nan)
    if len(attacks) > 1:
        gap = np.diff(attacks).astype(float)
        longest = np.maximum.reduceat(notes["duration"], first)[:-1]
        ratio = np.clip(1 - longest / gap, 0, 1)
        attack_bar = np.clip(piece.bar_of(attacks[:-1]), 0, bars - 1)
        total = np.bincount(attack_bar, ratio, bars)
        number = np.bincount(attack_bar, minlength=bars)
        detached = np.divide(total, number, out=detached, where=number > 0)
        clash = _clashes(notes, bar_of, inside, bars)
    features = np.full((bars, len(FEATURES)), np.nan)
    for bar in range(bars):
        a, b = max(0, bar - _WINDOW), min(bars, bar + _WINDOW + 1)
        seconds = max(float(times[b] - times[a]), 1e-3)
        count, loud, high = sums[a:b].sum(0)
        features[bar, 0] = np.log2(float(edges[b] - edges[a]) / 24 / seconds * 60)
        if not count:
            continue
        features[bar, 1] = np.log2(count / seconds)
        features[bar, 2] = loud / count
        if not np.all(np.isnan(detached[a:b])):
            features[bar, 3] = np.nanmean(detached[a:b])
        fits = correlations(classes[a:b].sum(0))
        features[bar, 4] = fits[:12].max() - fits[12:].max()
        if not np.all(np.isnan(clash[a:b])):
            features[bar, 5] = -np.nanmean(clash[a:b])
        features[bar, 6] = high / count
    return features


def _clashes(notes: Array, bar_of: Array, inside: slice, bars: int) -> Array:
    """(bars,) share of dissonant intervals between notes struck together; NaN where nothing is."""
    start, pitch = notes["start"][inside], notes["pitch"][inside].astype(int)
    total, bad = np.zeros(bars), np.zeros(bars)
    for apart in (1, 2, 3, 4):  # notes are sorted: chords of up to five notes are seen whole
        if len(start) <= apart:
            break
        together = start[apart:] == start[:-apart]
        interval = (pitch[apart:] - pitch[:-apart]) % 12
        np.add.at(total, bar_of[apart:][together], 1)
        np.add.at(bad, bar_of[apart:][together & np.isin(interval, DISSONANT)], 1)
    return np.asarray(np.divide(bad, total, out=np.full(bars, np.nan), where=total > 0))


@dataclass(frozen=True)
class Scale:
    """How features become valence and arousal: mean and spread of each feature over the corpus, and the 41 quantiles
    of both weighted sums. Made by `measured`, stored with the model."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    valence: tuple[float, ...]
    arousal: tuple[float, ...]

    @classmethod
    def measured(cls, features: Array) -> Self:
        """From all bars of a corpus: (bars, 7), NaN where a bar had none (or no player, for loudness)."""
        # A corpus without a player says nothing of loudness, and one at a single tempo nothing of tempos.
        there = np.isfinite(features).any(0)
        filled = np.where(there, features, 0.0)
        mean, spread = np.asarray(np.nanmean(filled, 0)), np.asarray(np.nanstd(filled, 0))
        loudness = FEATURES.index("loudness")
        mean[loudness] = mean[loudness] if np.isfinite(features[:, loudness]).any() else 64.0
        spread[spread < 1e-9] = 1.0
        grid = np.linspace(0, 1, 41)
        z = (features - mean) / spread
        sums = [_weighted(z, w) for w in (_VALENCE, _AROUSAL)]
        valence, arousal = (np.quantile(s[np.isfinite(s)], grid) for s in sums)
        return cls(*(tuple(round(float(x), 5) for x in row) for row in (mean, spread, valence, arousal)))

    def points(self, features: Array, expressive: bool = True) -> tuple[Array, Array]:
        """Valence and arousal, each (bars,) in [-1, 1]; valence is NaN where no note is near. Without a player
        (`expressive` False) loudness says nothing and is left out."""
        z = (features - np.array(self.mean)) / np.array(self.spread)
        if not expressive:
            z[:, FEATURES.index("loudness")] = np.nan
        grid = np.linspace(-1, 1, 41)
        v, a = _weighted(z, _VALENCE), _weighted(z, _AROUSAL)
        return np.interp(v, self.valence, grid), np.interp(a, self.arousal, grid)

    def of(self, piece: Piece) -> tuple[float, float]:
        """Valence and arousal of a whole piece: the mean over its bars."""
        if not len(piece.notes):
            return 0.0, 0.0
        v, a = self.points(bar_features(piece), piece.expressive)
        return float(np.nanmean(v)), float(np.nanmean(a))


def _weighted(z: Array, weights: dict[str, float]) -> Array:
    """Weighted mean of the features that are there, over the root of the weights' squares, so that a missing feature
    does not make a bar look average."""
    w = np.array([weights.get(name, 0.0) for name in FEATURES])
    there = np.isfinite(z) & (w > 0)
    norm = np.sqrt((there * w**2).sum(1))
    sums = np.where(there, z * w, 0).sum(1)
    return np.asarray(np.divide(sums, norm, out=np.full(len(z), np.nan), where=norm > 0))
