"""Figures of form: whether bars answer each other, motifs and openings come back, and harmony leads somewhere.

Single bars say nothing of it, and a piece may meet every figure of `measure` while it wanders. Compare pieces of the
same number of bars: the longer a piece, the more there is that can come back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.harmony import Chords, cadences, find_chords, sounding
from flamingo.composing.measure import GROOVE_BINS, bins, entropy
from flamingo.composing.piece import Piece

Array = NDArray[Any]

PEOPLE: dict[str, tuple[float, float]] = {
    "chroma_2": (0.070, 0.082),
    "chroma_4": (0.043, 0.075),
    "chroma_8": (0.042, 0.107),
    "rhythm_2": (0.037, 0.050),
    "rhythm_4": (0.034, 0.051),
    "motifs": (0.381, 0.165),
    "dominant_tonic": (0.218, 0.107),
    "thirds": (0.205, 0.127),
    "melodic_entropy": (4.158, 0.575),
    "rhythms": (0.248, 0.161),
    "same_bass_rhythm": (0.312, 0.247),
}
"""Mean and standard deviation over the first 32 bars of the 240 keyboard works that the composer learned from, of
the eleven figures by which people's music is told from a machine's: form alone, nothing of register or speed."""
MOTIF = 4  # notes
OPENING = 4  # bars
MIDDLE_C = 60
_STEP, _OCTAVE = 2, 12  # semitones


@dataclass(frozen=True)
class FormMeasures:
    """What `form_measures` found; all 0.0 for a piece without notes, and plain finite numbers always.

    Attributes:
        chroma_2, chroma_4, chroma_8: how much more alike in pitch classes two bars are that lie so many bars apart
            than any two bars: a difference of cosines, -1 to 1.
        rhythm_2, rhythm_4, rhythm_8: the same of the places of their attacks.
        motifs: share of the melody's motifs of four notes (intervals and rhythm) that were heard two bars or more
            before, 0 to 1.
        dominant_tonic: share of the chord changes that go from a dominant to the chord a fifth below, 0 to 1.
        thirds: share of the chord changes whose roots are a third apart, 0 to 1.
        changes: chord changes a bar.
        authentic, half: cadences in 100 bars.
        cadences_on_4: share of the cadences in every fourth bar, 0 to 1; .25 is chance.
        silent: share of the bars in which nothing is struck, 0 to 1.
        opening_returns: how like the first four bars the likest four of the second half are, in any key: a cosine of
            what sounds in each quarter of a bar, 0 to 1; 1 is literal.
        melodic_entropy: bits; of the intervals of the top line.
        steps, leaps: shares of these intervals of at most two semitones, and of more than an octave, 0 to 1.
        rhythms: different rhythms of a bar, over the bars, 0 to 1.
        same_bass_rhythm: share of bars whose notes below middle C have the rhythm of the bar before, 0 to 1.
        without_bass: share of bars in which nothing below middle C sounds, 0 to 1.
    """

    chroma_2: float
    chroma_4: float
    chroma_8: float
    rhythm_2: float
    rhythm_4: float
    rhythm_8: float
    motifs: float
    dominant_tonic: float
    thirds: float
    changes: float
    authentic: float
    half: float
    cadences_on_4: float
    silent: float
    opening_returns: float
    melodic_entropy: float
    steps: float
    leaps: float
    rhythms: float
    same_bass_rhythm: float
    without_bass: float

    def as_dict(self) -> dict[str, float]:
        """Every figure by its name, in the order above."""
        return asdict(self)


def form_measures(piece: Piece) -> FormMeasures:
    """Measure the form of a piece; 32 bars take some 10 ms. Never raises for a piece of this package."""
    if not len(piece.notes):
        return FormMeasures(*[0.0] * len(FormMeasures.__dataclass_fields__))
    bars = len(piece.bars)
    chroma, lowest = sounding(piece, piece.edges)
    attacks = _attacks(piece)
    rhythm: Array = np.asarray(attacks.any(2), np.float64)
    chords = find_chords(piece)
    rests = cadences(piece, chords)
    onsets, melody = _top_line(piece)
    intervals = np.abs(np.diff(melody))
    kinds = [rest.kind for rest in rests]
    return FormMeasures(
        chroma_2=_alike_at(chroma, 2),
        chroma_4=_alike_at(chroma, 4),
        chroma_8=_alike_at(chroma, 8),
        rhythm_2=_alike_at(rhythm, 2),
        rhythm_4=_alike_at(rhythm, 4),
        rhythm_8=_alike_at(rhythm, 8),
        motifs=_motifs(piece, onsets, melody),
        dominant_tonic=_share_of_changes(chords, "dominant_tonic"),
        thirds=_share_of_changes(chords, "thirds"),
        changes=(len(chords.start) - 1) / bars,
        authentic=100 * kinds.count("authentic") / bars,
        half=100 * kinds.count("half") / bars,
        cadences_on_4=float(np.mean([rest.bar % 4 == 3 for rest in rests])) if rests else 0.0,
        silent=float((rhythm.sum(1) == 0).mean()),
        opening_returns=_opening_returns(piece),
        melodic_entropy=_entropy_of(np.diff(melody)),
        steps=float((intervals <= _STEP).mean()) if len(intervals) else 0.0,
        leaps=float((intervals > _OCTAVE).mean()) if len(intervals) else 0.0,
        rhythms=len({row.tobytes() for row in rhythm}) / bars,
        same_bass_rhythm=_same_bass_rhythm(piece),
        without_bass=float((lowest >= MIDDLE_C).mean()),
    )


def distance_from_people(piece: Piece) -> float:
    """By how many of people's standard deviations a piece lies off their mean, averaged over the eleven figures of
    PEOPLE. People's own 32 bars reach about 0.8: nobody is average in everything."""
    found = form_measures(piece).as_dict()
    return float(np.mean([abs(found[name] - mean) / spread for name, (mean, spread) in PEOPLE.items()]))


def _attacks(piece: Piece) -> Array:
    """(bars, GROOVE_BINS, 12) how many notes of each pitch class are struck at each place of each bar."""
    bar = np.clip(piece.bar_of(piece.notes["start"]), 0, len(piece.bars) - 1)
    struck = np.zeros((len(piece.bars), GROOVE_BINS, 12))
    np.add.at(struck, (bar, bins(piece, bar), piece.notes["pitch"] % 12), 1)
    return struck


def _alike_at(rows: Array, lag: int) -> float:
    """Mean cosine of rows that lie `lag` apart, less that of any two; rows of nothing are left out."""
    norm = np.linalg.norm(rows, axis=1)
    there = norm > 0
    unit: Array = rows / np.where(there, norm, 1.0)[:, None]
    pairs = there[lag:] & there[:-lag]
    count = int(there.sum())
    if not pairs.any() or count < 2:
        return 0.0
    whole = unit.sum(0)
    any_two = (float(whole @ whole) - count) / (count * (count - 1))
    return float((unit[lag:] * unit[:-lag]).sum(1)[pairs].mean()) - any_two


def top_notes(piece: Piece) -> Array:
    """The highest note of each attack; notes are in order of start and pitch."""
    start = piece.notes["start"]
    return np.asarray(piece.notes[np.append(start[1:] > start[:-1], True)])


def _top_line(piece: Piece) -> tuple[Array, Array]:
    """Where something is struck, and the highest pitch that is."""
    top = top_notes(piece)
    return top["start"].astype(np.int64), top["pitch"].astype(int)


def _motifs(piece: Piece, onsets: Array, melody: Array) -> float:
    bar = np.clip(piece.bar_of(onsets), 0, len(piece.bars) - 1).tolist()
    steps, gaps = np.diff(melody).tolist(), np.diff(onsets).tolist()
    first: dict[Hashable, int] = {}
    count = before = 0
    for i in range(len(melody) - MOTIF + 1):
        motif = (tuple(steps[i : i + MOTIF - 1]), tuple(gaps[i : i + MOTIF - 1]))
        count += 1
        before += first.setdefault(motif, bar[i]) <= bar[i] - 2
    return before / count if count else 0.0


def _share_of_changes(chords: Chords, which: str) -> float:
    roots = np.diff(chords.root) % 12
    moves = roots != 0
    if not moves.any():
        return 0.0
    if which == "thirds":
        return float(np.isin(roots[moves], (3, 4, 8, 9)).mean())
    dominant = np.isin(chords.quality[:-1], (0, 3))
    return float(((roots == 5) & dominant)[moves].mean())


def _opening_returns(piece: Piece) -> float:
    bars = len(piece.bars)
    begin = max(-(-bars // 2), OPENING)
    if bars < begin + OPENING:
        return 0.0
    edges = piece.edges
    quarters = edges[:-1, None] + np.diff(edges)[:, None] * np.arange(4)[None] // 4
    sound = sounding(piece, np.append(quarters.ravel(), edges[-1]))[0].reshape(bars, 4, 12)
    opening = sound[:OPENING]
    norm = float(np.linalg.norm(opening))
    best = 0.0
    for bar in range(begin, bars - OPENING + 1):
        there = sound[bar : bar + OPENING]
        size = norm * float(np.linalg.norm(there))
        if size > 0:
            best = max(best, *(float((opening * np.roll(there, key, axis=2)).sum()) / size for key in range(12)))
    return best


def _entropy_of(values: Array) -> float:
    return float(entropy(np.unique(values, return_counts=True)[1][None])[0]) if len(values) else 0.0


def _same_bass_rhythm(piece: Piece) -> float:
    low = piece.notes["pitch"] < MIDDLE_C
    start = piece.notes["start"][low].astype(np.int64)
    bar = np.clip(piece.bar_of(start), 0, len(piece.bars) - 1)
    inside = start - piece.edges[bar]
    rhythms = [tuple(np.unique(inside[bar == b]).tolist()) for b in range(len(piece.bars))]
    pairs = [(a, b) for a, b in pairwise(rhythms) if a or b]
    return float(np.mean([a == b for a, b in pairs])) if pairs else 0.0
