"""Figures that describe a piece of music, so that what was composed can be laid beside what people wrote.

None of them says whether music is good. Each says how far a piece is from what is usual: too many pitch classes for
any key, a rhythm that never comes back, bars that only repeat. Compare pieces of about the same number of bars: in a
whole movement there is more modulation, and more that returns, than in sixteen bars of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import correlations
from flamingo.composing.piece import UNITS, Piece

Array = NDArray[Any]

GROOVE_BINS = 16  # places in a bar at which a rhythm is looked at
ENTROPY_BARS = 4
MODE_BARS = 8  # the least in which a listener is sure of the mode, more or less
_LONGEST_RATIO = 4.0  # a note held over many others must not outweigh all that was played staccato

# (24, 12) of 0 and 1: the twelve major scales (natural minor scales are among them), then the harmonic minor ones.
_SCALES = np.array(
    [
        np.roll(np.isin(np.arange(12), steps), tonic)
        for steps in ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11))
        for tonic in range(12)
    ],
    np.float64,
)

# (12, 24): how much each pitch class speaks for each key, the 12 minor ones last. Profiles have zero mean, so that
# this gives the order of the correlations for any weights, and for many at once.
_PROFILES = np.array([correlations(pitch_class) for pitch_class in np.eye(12)])


@dataclass(frozen=True)
class Measures:
    """What `measures` found. All are 0.0 for a piece without notes, and plain finite numbers always."""

    entropy: float
    """Bits, 0 to 3.585: entropy of the pitch classes of all notes, each note counted once."""
    entropy_4: float
    """Bits: the same in every run of 4 bars, averaged (H4 of Wu and Yang); of all bars where there are fewer."""
    groove: float
    """0 to 1: similarity of rhythm between all pairs of bars (GS of Wu and Yang, with 16 places to a bar)."""
    groove_next: float
    """0 to 1: the same between each bar and the one that follows it."""
    scale: float
    """0 to 1: the largest share of notes that fits in one major, natural minor or harmonic minor scale."""
    repeated: float
    """0 to 1: share of bars that repeat an earlier bar: the same pitches at the same places. Rests do not count."""
    notes_a_second: float
    """Notes struck, over the time from the beginning to the end of the last bar."""
    filled: float
    """0 to 1: share of bars in which at least one note begins or sounds."""
    polyphony: float
    """Notes that sound together, averaged over the time in which any does; durations are those of the score."""
    articulation: float
    """Duration of the top note over the time to the next onset, averaged: 1 is legato, 0.5 half of it is silent."""
    velocity: float
    """1 to 127, mean."""
    velocity_spread: float
    """Standard deviation of the velocities."""
    pitch: float
    """MIDI number, mean."""
    pitch_range: float
    """Semitones between the lowest and the highest notes, 5 % of them left out at either end."""
    minor: float
    """0 to 1: share of the runs of 8 bars that are nearer to a minor key than to a major one."""
    bpm: float
    """Quarter notes a minute, over the whole."""

    def as_dict(self) -> dict[str, float]:
        """Every figure by its name, in the order above."""
        return asdict(self)


def measures(piece: Piece) -> Measures:
    """Measure a piece. A thousand notes take some 3 ms. Never raises for a piece of this package.

    Entropy and groove are those of Wu and Yang, "The Jazz Transformer on the Front Line", ISMIR 2020 (with 16 places
    to a bar in place of 64, each onset in the place that it lies in); scale consistency is Mogren's, "C-RNN-GAN",
    2016, as shares of notes and with harmonic minor. The other figures are plain counts.
    """
    notes = piece.notes
    if not len(notes):
        return Measures(*[0.0] * len(Measures.__dataclass_fields__))
    bars = len(piece.bars)
    bar = np.clip(piece.bar_of(notes["start"]), 0, bars - 1)
    classes = np.zeros((bars, 12))
    np.add.at(classes, (bar, notes["pitch"] % 12), 1)
    whole = classes.sum(0)
    groove, groove_next = _groove(piece, bar)
    low, high = np.percentile(notes["pitch"], (5, 95))
    seconds = float(piece.seconds())
    return Measures(
        entropy=float(entropy(whole[None])[0]),
        entropy_4=float(entropy(_windows(classes, ENTROPY_BARS)).mean()),
        groove=groove,
        groove_next=groove_next,
        scale=float((_SCALES @ whole).max() / whole.sum()),
        repeated=_repeated(piece, bar),
        notes_a_second=len(notes) / seconds if seconds > 0 else 0.0,
        filled=_filled(piece),
        polyphony=_polyphony(notes),
        articulation=_articulation(notes),
        velocity=float(notes["velocity"].mean()),
        velocity_spread=float(notes["velocity"].std()),
        pitch=float(notes["pitch"].mean()),
        pitch_range=float(high - low),
        minor=_minor(piece, bar),
        bpm=float(piece.bpm),
    )


def _windows(counts: Array, bars: int) -> Array:
    """(n, 12) sums over every run of `bars` rows, those without notes left out; one sum if there are fewer rows."""
    if len(counts) <= bars:
        return np.asarray(counts.sum(0, keepdims=True))
    sums = np.concatenate((np.zeros((1, counts.shape[1])), counts.cumsum(0)))
    windows = sums[bars:] - sums[:-bars]
    return np.asarray(windows[windows.sum(1) > 0])


def entropy(counts: Array) -> Array:
    """(n,) bits for (n, 12) counts of which each row holds at least one."""
    share = counts / counts.sum(1, keepdims=True)
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1.0))).sum(1))


def bins(piece: Piece, bar: Array) -> Array:
    """(n,) in which of GROOVE_BINS equal parts of its bar each note is struck. bar: (n,) that of each note."""
    edges = piece.edges
    inside = piece.notes["start"] - edges[bar]
    return np.asarray(np.clip(inside * GROOVE_BINS // np.diff(edges)[bar], 0, GROOVE_BINS - 1))


def _groove(piece: Piece, bar: Array) -> tuple[float, float]:
    """Similarity of rhythm over all pairs of bars, and over neighbours; 1.0 where there is only one bar."""
    struck = np.zeros((len(piece.bars), GROOVE_BINS), bool)
    struck[bar, bins(piece, bar)] = True
    count = len(struck)
    if count < 2:
        return 1.0, 1.0
    # Pairs that differ at a place are those of one bar with an onset there and one without: no need to list them.
    with_onset = struck.sum(0).astype(np.float64)
    differing = (with_onset * (count - with_onset)).sum() / (count * (count - 1) / 2)
    return 1.0 - float(differing) / GROOVE_BINS, 1.0 - float((struck[1:] ^ struck[:-1]).mean())


def _repeated(piece: Piece, bar: Array) -> float:
    inside = (piece.notes["start"] - piece.edges[bar]).astype(np.int32)
    cuts = np.searchsorted(bar, np.arange(len(piece.bars) + 1))
    distinct: set[tuple[bytes, bytes]] = set()
    full = 0
    for begin, end in pairwise(cuts.tolist()):
        if end > begin:
            full += 1
            distinct.add((inside[begin:end].tobytes(), piece.notes["pitch"][begin:end].tobytes()))
    return 1.0 - len(distinct) / full if full else 0.0


def _filled(piece: Piece) -> float:
    edges = piece.edges
    begin = np.clip(piece.bar_of(piece.notes["start"]), 0, len(edges) - 2)
    end = np.clip(piece.bar_of(piece.notes["start"] + piece.notes["duration"] - 1), 0, len(edges) - 2)
    # One up where a note begins to sound and one down after its last bar: the running sum is how many sound.
    change = np.bincount(begin, minlength=len(edges)) - np.bincount(end + 1, minlength=len(edges))
    return float((change.cumsum()[:-1] > 0).mean())


def _polyphony(notes: Array) -> float:
    start = notes["start"].astype(np.int64)
    end = start + notes["duration"]
    times = np.concatenate((start, end))
    order = np.argsort(times, kind="stable")
    sounding = np.concatenate((np.ones(len(start)), -np.ones(len(end))))[order].cumsum()[:-1]
    spans = np.diff(times[order])
    busy = spans[sounding > 0].sum()
    return float((sounding * spans).sum() / busy) if busy else 0.0


def _articulation(notes: Array) -> float:
    """Notes are in order of start and pitch, so the last of each start is its top note."""
    start = notes["start"].astype(np.int64)
    top = np.flatnonzero(np.append(start[1:] > start[:-1], True))
    if len(top) < 2:
        return 1.0
    ratio = notes["duration"][top[:-1]] / np.diff(start[top])
    return float(np.minimum(ratio, _LONGEST_RATIO).mean())


def _minor(piece: Piece, bar: Array) -> float:
    weights = np.zeros((len(piece.bars), 12))
    # A held note counts for two quarters at most, as where keys are found.
    np.add.at(weights, (bar, piece.notes["pitch"] % 12), np.minimum(piece.notes["duration"], 2 * UNITS))
    best = (_windows(weights, MODE_BARS) @ _PROFILES).argmax(1)
    return float((best >= 12).mean())
