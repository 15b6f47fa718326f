"""Which key a passage is in, and whether it ends: key finding and cadences.

Keys are found by the correlation of pitch-class weights with the profiles of Krumhansl and Kessler (Psychological
Review 89, 1982). A cadence is what a listener hears as an end: the dominant in the bass goes to the tonic, the last
chord lies inside the tonic triad, and nothing new begins after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Key, Piece

Array = NDArray[Any]

_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
# (24, 12): row k is the profile of the major key on tonic k, row 12 + k of the minor one; zero mean, unit norm.
_PROFILES = np.array([np.roll(p, k) for p in (_MAJOR, _MINOR) for k in range(12)])
_PROFILES = _PROFILES - _PROFILES.mean(1, keepdims=True)
_PROFILES /= np.linalg.norm(_PROFILES, axis=1, keepdims=True)


def profile(minor: bool) -> Array:
    """(12,) the key profile from the tonic on, of zero mean and unit spread."""
    weights = _MINOR if minor else _MAJOR
    return np.asarray((weights - weights.mean()) / weights.std())


def pitch_classes(notes: Array, longest: int = 48) -> Array:
    """(12,) weights: how long each pitch class sounds. A held note counts for `longest` units at most."""
    weights = np.minimum(notes["duration"], longest).astype(np.float64)
    return np.bincount(notes["pitch"] % 12, weights, minlength=12)


def correlations(weights: Array) -> Array:
    """(24,) correlation of pitch-class weights with each key's profile: 12 major keys from C, then 12 minor."""
    centred = weights - weights.mean()
    norm = float(np.linalg.norm(centred))
    return np.asarray(_PROFILES @ centred / norm) if norm > 0 else np.zeros(24)


def find_key(notes: Array, fifths: int | None = None) -> Key:
    """The key of some notes. `fifths`: the key signature, if one is known; it makes its own two keys likelier."""
    scores = correlations(pitch_classes(notes))
    if fifths is not None:
        major = fifths * 7 % 12
        scores[major] += 0.25
        scores[12 + (major + 9) % 12] += 0.25
    if len(notes):
        # Music ends on its tonic: the last bass note says more than any other.
        last = notes[notes["start"] >= notes["start"].max() - 24]
        bass = int(last["pitch"].min()) % 12
        scores[[bass, 12 + bass]] += 0.15
    best = int(scores.argmax())
    return Key(best % 12, best >= 12)


def keeps_key(piece: Piece) -> float:
    """How much better the pitch classes of a piece fit its own key than the best other one: above 0 it is in its key,
    as far as a key finder can tell. The difference of two correlations, -2 to 2."""
    fits = correlations(pitch_classes(piece.notes))
    own = piece.key.tonic + 12 * piece.key.minor
    return float(fits[own] - np.delete(fits, own).max())


@dataclass(frozen=True)
class Ending:
    """How a piece ends. `tonic_bass`: the last bass note is the tonic; `tonic_triad`: the last chord holds only notes
    of the tonic triad; `dominant`: the bass, or the harmony, before the last one is the dominant; `longest`: the last
    chord lasts as a multiple of the median note; `fills`: as a share of its bar; `closed`: it has two notes."""

    tonic_bass: bool
    tonic_triad: bool
    dominant: bool
    longest: float
    fills: float
    closed: bool

    @property
    def cadence(self) -> bool:
        """Whether all of it is there."""
        held = self.longest >= 2 or self.fills >= 0.9  # in slow music every note is long
        return self.tonic_bass and self.tonic_triad and self.dominant and held and self.closed


def ending(piece: Piece, *, line: bool = False) -> Ending:
    """How `piece` ends in its own key. Only the score is looked at, not how it was made. line: whether it is played
    one note at a time, so that its last chord is one."""
    notes = piece.notes
    if not len(notes):
        return Ending(False, False, False, 0.0, 0.0, False)
    starts = np.unique(notes["start"])
    last = int(starts[-1])
    chord = notes[notes["start"] == last]
    # Notes held from before sound in the last chord too.
    held = notes[(notes["start"] < last) & (notes["start"] + notes["duration"] > last)]
    sounding = np.concatenate((chord, held))
    tonic = piece.key.tonic
    bass = int(sounding["pitch"].min()) % 12
    major_third = (tonic + 4) % 12  # a minor piece may end in major (Picardy third)
    triad = {*piece.key.triad, major_third}
    inside = {int(p) % 12 for p in sounding["pitch"]} <= triad
    dominant = (tonic + 7) % 12
    leading = (tonic + 11) % 12
    before = notes[(notes["start"] < last) & (notes["start"] >= last - 144)]
    basses = [int(before["pitch"][before["start"] == s].min()) % 12 for s in np.unique(before["start"])]
    has_leading = bool(np.any(before["pitch"] % 12 == leading))
    was_dominant = dominant in basses and (has_leading or bool(np.any(before["pitch"] % 12 == (tonic + 2) % 12)))
    length = float(chord["duration"].max()) / max(float(np.median(notes["duration"])), 1.0)
    fills = float(chord["duration"].max()) / piece.metre(-1).units
    return Ending(bass == tonic, inside, was_dominant, length, fills, line or len(sounding) >= 2)


def phrase_ends(piece: Piece) -> list[tuple[int, Key]]:
    """Bars inside a piece after which a phrase has ended, counted as the number of bars up to there, with the key of
    the cadence. Found where a bar's last attack is a tonic triad over its root, held longer than the notes around it,
    with its dominant in the bar before."""
    notes, edges = piece.notes, piece.edges
    ends = []
    where = np.searchsorted(notes["start"], edges)
    for bar in range(3, len(edges) - 1):
        begin, end = int(where[bar]), int(where[bar + 1])
        if end - begin < 2 or end - begin > 24:
            continue
        here = notes[begin:end]
        last = here["start"].max()
        sounding = here[here["start"] + here["duration"] > last - 6]
        bass = int(sounding["pitch"].min()) % 12
        rest = {(int(p) - bass) % 12 for p in sounding["pitch"]}
        if not (rest <= {0, 4, 7} or rest <= {0, 3, 7}) or len(rest) < 2:
            continue
        following = notes["start"][end] if end < len(notes) else edges[bar + 1]
        before = notes[int(where[bar - 1]) : begin]
        if not len(before) or following - last < 1.5 * np.median(np.diff(np.unique(before["start"])).tolist() or [1]):
            continue
        classes = set((before["pitch"].astype(int) - bass) % 12)
        if not {7, 11} <= classes:
            continue
        key = find_key(notes[int(where[max(0, bar - 7)]) : end])
        if key.tonic == bass:
            ends.append((bar + 1, key))
    return ends
