"""The arithmetic of bench/compose.py: rank correlation, quintiles, distances, verdicts on keys. Nothing random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import correlations, pitch_classes
from flamingo.composing.measure import Measures, measures
from flamingo.composing.piece import Key, Piece

Array = NDArray[Any]

ANCHORS: Mapping[str, float] = {
    "entropy": 3.27,
    "entropy_4": 2.52,
    "groove": 0.853,
    "scale": 0.830,
    "repeated": 0.27,
    "notes_a_second": 10.4,
}
"""Means of 84 human movements, whole, as measured for this project before it began; by the names of Measures."""

ANCHOR_ENDINGS: Mapping[str, float] = {"tonic_bass": 0.88, "tonic_triad": 0.85, "longest": 4.4}
"""The same for how they end."""


# ---------------------------------------------------------------------- one figure against another
def ranks(values: Sequence[float] | Array) -> Array:
    """Ranks from 0; equal values share the mean of theirs."""
    found = np.asarray(values, np.float64)
    _, which, count = np.unique(found, return_inverse=True, return_counts=True)
    last = count.cumsum()
    return np.asarray((last - (count + 1) / 2)[which])


def spearman(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Rank correlation, -1 to 1; 0.0 where one of them does not change, or there are fewer than two."""
    x, y = ranks(a), ranks(b)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def interval(a: Sequence[float] | Array, b: Sequence[float] | Array, *, rounds: int = 1000) -> tuple[float, float]:
    """95 % of the rank correlations of as many pairs drawn again from these (bootstrap)."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    random = np.random.default_rng(0)
    found = [spearman(x[pick], y[pick]) for pick in random.integers(0, len(x), (rounds, len(x)))]
    return float(np.percentile(found, 2.5)), float(np.percentile(found, 97.5))


def never_falls(values: Sequence[float], slack: float = 0.0) -> bool:
    """Whether each is at least as large as the one before it, but for `slack`."""
    return all(b >= a - slack for a, b in pairwise(values))


def quintiles(asked: Sequence[float], figures: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Five rows from the least asked to the most: "asked" and the mean of each figure there, and how many "pieces".
    Fewer rows where there are fewer than five values."""
    order = np.argsort(np.asarray(asked, np.float64), kind="stable")
    rows = []
    for part in np.array_split(order, 5):
        if len(part):
            means = {name: float(np.mean(np.asarray(column)[part])) for name, column in figures.items()}
            rows.append({"asked": float(np.mean(np.asarray(asked)[part])), **means, "pieces": float(len(part))})
    return rows


# ---------------------------------------------------------------------- one piece against people's
def human_scale(people: Sequence[Piece]) -> tuple[Array, Array]:
    """Mean and standard deviation of each of the Measures."""
    found = np.array([list(measures(piece).as_dict().values()) for piece in people])
    return found.mean(0), np.maximum(found.std(0), 1e-9)


def distance(piece: Piece, scale: tuple[Array, Array], names: Sequence[str] | None = None) -> float:
    """By how many human standard deviations a piece lies off the human mean, averaged over the measures. People's own
    excerpts reach about 0.8: nobody is average in everything."""
    every = list(Measures.__dataclass_fields__)
    pick = [every.index(name) for name in names or every]
    found = np.array(list(measures(piece).as_dict().values()))
    return float(np.abs((found - scale[0]) / scale[1])[pick].mean())


# ---------------------------------------------------------------------- keys
def strict_key(piece: Piece) -> Key:
    """The key whose profile all the notes fit best; how the piece ends is not looked at."""
    best = int(correlations(pitch_classes(piece.notes)).argmax())
    return Key(best % 12, best >= 12)


# Temperley's profiles from the Kostka-Payne corpus (Music and Probability, 2007). The composer never looks at these:
# it draws again by Krumhansl's.
_TEMPERLEY = np.array(
    [
        [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
        [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
    ]
)


def other_key(piece: Piece) -> Key:
    """The key by Temperley's profiles."""
    weights = pitch_classes(piece.notes)
    fits = [np.corrcoef(np.roll(profile, k), weights)[0, 1] for profile in _TEMPERLEY for k in range(12)]
    best = int(np.argmax(fits))
    return Key(best % 12, best >= 12)


def key_verdict(asked: Key, found: Key) -> str:
    """right; relative (C major for A minor); parallel (C major for C minor); fifth (a fifth off, same mode); or
    wrong."""
    if found == asked:
        return "right"
    if found.minor != asked.minor:
        major, minor = (asked, found) if found.minor else (found, asked)
        if (minor.tonic + 3) % 12 == major.tonic:
            return "relative"
        return "parallel" if found.tonic == asked.tonic else "wrong"
    return "fifth" if (found.tonic - asked.tonic) % 12 in (5, 7) else "wrong"


VERDICTS = ("right", "relative", "parallel", "fifth", "wrong")


def shares(verdicts: Sequence[str], names: Sequence[str] = VERDICTS) -> dict[str, float]:
    """How often each was given."""
    return {name: verdicts.count(name) / max(len(verdicts), 1) for name in names}


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"
