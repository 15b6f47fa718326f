"""What bench/compose.py asks of music: whose it seems to be, what mood it is in, how it ends, how it measures.

Two judges learn from music by people and are asked about pieces that they have not seen. Neither is better than its
accuracy on people's music, which belongs beside every figure that a judge gives:

    PersonaJudge    whose music is it? Learned from one part of the works, measured on the others
    MoodJudge       valence and arousal, from game music labelled by listeners (Ferreira and Whitehead, ISMIR 2019)

Both are logistic regressions on plain features (a forest of trees did no better): enough to tell whether a composed
piece has gone where it was sent, few enough to say why.
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _report import Report
from numpy.typing import NDArray

from flamingo.composing.key_estimation import correlations, ending, pitch_classes
from flamingo.composing.measure import Measures, measures
from flamingo.composing.piece import Piece
from flamingo.composing.reading.midi import from_midi

Array = NDArray[Any]

WINDOW, STEP = 16, 8  # bars of which the persona is judged, and from one excerpt to the next
DIVISIONS = 5  # into folds, over which the mood judge's accuracy is averaged
FEWEST = 32  # notes in an excerpt; of less nobody could say whose it is

_IOI = np.array([0, 4, 7, 10, 13, 19, 25, 37, 49])  # units: 32nd, triplet 16th or 16th, ..., longer than a half
_INTERVALS = np.array([-99, -12, -7, -4, -2, -1, 0, 1, 2, 3, 5, 8, 13])
_DISSONANT = np.isin(np.arange(12), (1, 2, 6, 10, 11))


# ---------------------------------------------------------------------- features
def windows(piece: Piece, bars: int = WINDOW, step: int = STEP) -> list[Piece]:
    """Excerpts of so many bars; the whole of a shorter piece; none with fewer than 32 notes."""
    last = max(len(piece.bars) - bars, 0)
    found = [piece.excerpt(b, min(b + bars, len(piece.bars))) for b in range(0, last + 1, step)]
    return [excerpt for excerpt in found if len(excerpt.notes) >= FEWEST]


def _shares(values: Array, edges: Array, weights: Array | None = None) -> Array:
    """Share of the values from each edge up to the next, the last one open."""
    which = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 1)
    counts = np.bincount(which, weights, len(edges))
    return counts / max(counts.sum(), 1e-9)


def _melody(piece: Piece) -> tuple[Array, Array, Array]:
    """Starts, highest and lowest pitches of the onsets."""
    start, first = np.unique(piece.notes["start"], return_index=True)
    last = np.append(first[1:], len(piece.notes)) - 1
    pitch = piece.notes["pitch"].astype(int)
    return start, pitch[last], pitch[first]


def _vertical(piece: Piece) -> Array:
    """(12,) shares of the intervals, octaves apart, of all notes that are struck together with a lower one, above the
    lowest of them."""
    notes = piece.notes
    _, first, which = np.unique(notes["start"], return_index=True, return_inverse=True)
    above = notes["pitch"].astype(int) - notes["pitch"].astype(int)[first][which]
    counts = np.bincount(above[above > 0] % 12, minlength=12)
    return counts / max(counts.sum(), 1)


def style_features(piece: Piece, *, dynamics: bool = True) -> Array:
    """(n,) features of an excerpt that say something of its composer: in its key, not of its key. `dynamics`: with
    velocities; without, where the pieces compared come from other sources or players."""
    notes = piece.notes
    local = correlations(pitch_classes(notes))
    tonic = int(local.argmax()) % 12
    start, top, bass = _melody(piece)
    seconds = max(float(piece.seconds()), 0.1)
    found = measures(piece)
    beat = piece.metre().beat
    per_onset = np.bincount(np.unique(notes["start"], return_inverse=True)[1])
    inside = (start - piece.edges[np.clip(piece.bar_of(start), 0, len(piece.bars) - 1)]) % beat
    parts = [
        np.roll(pitch_classes(notes), -tonic) / max(pitch_classes(notes).sum(), 1),
        np.roll(np.bincount(bass % 12, minlength=12), -tonic) / len(bass),
        _vertical(piece),
        _shares(np.diff(top), _INTERVALS),
        _shares(np.diff(bass), _INTERVALS),
        _shares(np.diff(start), _IOI),
        _shares(notes["duration"], _IOI),
        _shares(np.minimum(per_onset, 6), np.arange(1, 7)),
        [
            local[12:].max() - local[:12].max(),
            local.max(),
            np.mean(inside == 0),
            np.mean(inside * 2 == beat),
            np.mean(inside % 6 != 0),
            beat / 24,
            np.log(piece.bpm),
            np.log(len(notes) / seconds),
            np.log(len(start) / seconds),
            top.mean(),
            top.std(),
            bass.mean(),
            bass.std(),
            (top - bass).mean(),
            found.entropy_4,
            found.groove,
            found.scale,
            found.repeated,
            found.polyphony,
            found.articulation,
            found.pitch_range,
        ],
    ]
    if dynamics:
        parts.append([found.velocity, found.velocity_spread])
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def mood_features(piece: Piece) -> Array:
    """(n,) features of a piece that listeners take for mood, in units that are the same for any source."""
    found = measures(piece)
    local = correlations(pitch_classes(piece.notes))
    start, top, bass = _melody(piece)
    seconds = max(float(piece.seconds()), 0.1)
    vertical = _vertical(piece)
    return np.array(
        [
            np.log(max(piece.bpm, 1.0)),
            np.log(len(piece.notes) / seconds),
            np.log(len(start) / seconds),
            found.velocity,
            local[12:].max() - local[:12].max(),
            found.minor,
            found.pitch,
            top.mean(),
            bass.mean(),
            min(found.articulation, 2.0),
            vertical[_DISSONANT].sum(),
            found.scale,
            found.entropy_4,
            np.abs(np.diff(top)).mean() if len(top) > 1 else 0.0,
        ]
    )


def _regression(strength: float, seed: int = 0) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=5000, random_state=seed)
    return make_pipeline(StandardScaler(), model)


# ---------------------------------------------------------------------- whose music it is
@dataclass(frozen=True)
class Accuracy:
    """How often a judge is right about music that it has not seen."""

    pieces: int
    excerpts: int
    by_excerpt: float
    """0 to 1: share of the excerpts put down to their own composer, the mean of the composers' shares."""
    by_piece: float
    """The same for whole pieces, over all excerpts of each. Composed pieces of one excerpt go with `by_excerpt`:
    a movement of ten excerpts is easier to judge."""
    chance: float
    """What guessing would give: one over the number of composers."""
    confusion: dict[str, dict[str, float]]
    """For each true persona, the share of its pieces put down to each one."""


@dataclass(frozen=True, eq=False)
class PersonaJudge:
    """Says whose music an excerpt of 16 bars is, of a few composers that it knows."""

    personas: tuple[str, ...]
    dynamics: bool
    _model: Any

    @classmethod
    def train(cls, pieces: Sequence[Piece], personas: Sequence[str], *, dynamics: bool = True) -> PersonaJudge:
        """Learn from pieces by people; `personas` names the composer of each. Composers weigh the same, however much
        they wrote. Give only works that are not judged later. Raises ValueError for fewer than two personas."""
        features, owners = _excerpts(pieces, dynamics)
        labels = np.asarray(personas)[owners]
        if len(set(labels.tolist())) < 2:
            raise ValueError("a judge needs at least two personas with an excerpt each")
        model = _regression(0.02).fit(features, labels)
        return cls(tuple(str(name) for name in model.classes_), dynamics, model)

    def probabilities(self, piece: Piece) -> dict[str, float]:
        """For each persona, the mean over the excerpts of 16 bars; they sum to 1. All the same for a piece of fewer
        than 32 notes."""
        found = [style_features(excerpt, dynamics=self.dynamics) for excerpt in windows(piece)]
        if not found:
            return {name: 1 / len(self.personas) for name in self.personas}
        means = self._model.predict_proba(np.array(found)).mean(0)
        return {name: float(p) for name, p in zip(self.personas, means, strict=True)}

    def verdict(self, piece: Piece) -> str:
        """The likeliest persona."""
        found = self.probabilities(piece)
        return max(found, key=lambda name: found[name])

    def accuracy(self, pieces: Sequence[Piece], personas: Sequence[str]) -> Accuracy:
        """How often the judge is right; for pieces by people of works it has not learned, or for composed pieces,
        whose `personas` are those they were asked to be. Pieces without an excerpt are left out."""
        features, owners = _excerpts(pieces, self.dynamics)
        if not len(owners):
            return Accuracy(0, 0, 0.0, 0.0, 1 / len(self.personas), {})
        chances = self._model.predict_proba(features)
        return _accuracy(self.personas, chances, owners, personas)

    @staticmethod
    def cross_validated(
        pieces: Sequence[Piece],
        personas: Sequence[str],
        works: Sequence[Hashable],
        *,
        folds: int = 5,
        dynamics: bool = True,
    ) -> Accuracy:
        """The accuracy of judges trained without a fold of the works each, on that fold. `works` says which work each
        piece belongs to: the movements of a sonata stay together."""
        from sklearn.model_selection import StratifiedGroupKFold

        features, owners = _excerpts(pieces, dynamics)
        labels = np.asarray(personas)[owners]
        names = list(dict.fromkeys(works))
        groups = np.array([names.index(work) for work in works])[owners]
        classes = tuple(sorted(set(labels.tolist())))
        chances = np.zeros((len(labels), len(classes)))
        for learn, test in StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(features, labels, groups):
            model = _regression(0.02).fit(features[learn], labels[learn])
            chances[np.ix_(test, [classes.index(name) for name in model.classes_])] = model.predict_proba(
                features[test]
            )
        return _accuracy(classes, chances, owners, personas)


def _excerpts(pieces: Sequence[Piece], dynamics: bool) -> tuple[Array, Array]:
    """Features of all excerpts, and which piece each comes from."""
    found = [(style_features(e, dynamics=dynamics), n) for n, piece in enumerate(pieces) for e in windows(piece)]
    features = np.array([f for f, _ in found]) if found else np.zeros((0, 0))
    return features, np.array([n for _, n in found], int)


def _accuracy(classes: Sequence[str], chances: Array, owners: Array, personas: Sequence[str]) -> Accuracy:
    truth = np.asarray(personas)
    names = np.asarray(classes)
    judged = np.unique(owners)
    said = names[np.array([chances[owners == n].mean(0).argmax() for n in judged])]
    right = truth[owners] == names[chances.argmax(1)]

    def balanced(hits: Array, labels: Array) -> float:
        return float(np.mean([hits[labels == name].mean() for name in sorted(set(labels.tolist()))]))

    table = {
        str(true): {str(name): float(np.mean(said[truth[judged] == true] == name)) for name in names}
        for true in sorted(set(truth[judged].tolist()))
    }
    return Accuracy(
        len(judged),
        len(owners),
        balanced(right, truth[owners]),
        balanced(said == truth[judged], truth[judged]),
        1 / len(names),
        table,
    )


# ---------------------------------------------------------------------- what mood it is in
@dataclass(frozen=True)
class MoodAccuracy:
    """Five folds by game, the mean of five such divisions: no game is in both the learned and the judged part."""

    pieces: int
    valence: float
    """0 to 1: share of the pieces with the right sign."""
    arousal: float
    valence_balanced: float
    """The mean of the shares among positive and negative pieces: 0.5 is guessing, whatever the majority."""
    arousal_balanced: float
    valence_majority: float
    """What it would be always to say the commoner sign."""
    arousal_majority: float


@dataclass(frozen=True, eq=False)
class MoodJudge:
    """Scores valence (dark to bright) and arousal (calm to stirred) from fourteen features of a piece."""

    cross_validated: MoodAccuracy
    """How far the judge is to be trusted: print it beside what it says."""
    _valence: Any
    _arousal: Any

    @classmethod
    def train(cls, folder: Path) -> MoodJudge:
        """Learn from `folder`, which holds vgmidi_labelled.csv (columns midi, game, valence, arousal; the labels are
        -1 or 1) and its MIDI files; lines of which the file is missing are left out. Takes a few seconds. Raises
        FileNotFoundError without the table."""
        with (folder / "vgmidi_labelled.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if (folder / Path(row["midi"]).name).is_file()]
        pieces = [from_midi((folder / Path(row["midi"]).name).read_bytes(), Path(row["midi"]).name) for row in rows]
        labels = np.array([[int(row["valence"]), int(row["arousal"])] for row in rows])
        return cls.of(pieces, labels[:, 0], labels[:, 1], [row["game"] for row in rows])

    @classmethod
    def of(cls, pieces: Sequence[Piece], valence: Array, arousal: Array, games: Sequence[str]) -> MoodJudge:
        """Learn from pieces with labels of -1 and 1. Pieces of a game are never in two folds."""
        features = np.array([mood_features(piece) for piece in pieces])
        names = list(dict.fromkeys(games))
        groups = np.array([names.index(game) for game in games])
        models, shares, balanced, majority = [], [], [], []
        for labels in (np.asarray(valence), np.asarray(arousal)):
            # Of so few pieces one division into folds says .64 and the next .71.
            right = np.mean([_by_fold(features, labels, groups, seed) == labels for seed in range(DIVISIONS)], axis=0)
            shares.append(float(right.mean()))
            balanced.append(float(np.mean([right[labels == sign].mean() for sign in (-1, 1)])))
            majority.append(float(max(np.mean(labels == 1), np.mean(labels == -1))))
            models.append(_regression(0.1).fit(features, labels))
        return cls(MoodAccuracy(len(pieces), *shares, *balanced, *majority), *models)

    def valence(self, piece: Piece) -> float:
        """Above 0 bright, below 0 dark; the logarithm of the odds, so that only order and sign mean much."""
        return float(self._valence.decision_function(mood_features(piece)[None])[0])

    def arousal(self, piece: Piece) -> float:
        """Above 0 stirred, below 0 calm."""
        return float(self._arousal.decision_function(mood_features(piece)[None])[0])


def _by_fold(features: Array, labels: Array, groups: Array, seed: int) -> Array:
    """What judges say of each piece that have not learned from its game."""
    from sklearn.model_selection import StratifiedGroupKFold

    said = np.zeros(len(labels), int)
    for learn, test in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(features, labels, groups):
        said[test] = _regression(0.1).fit(features[learn], labels[learn]).predict(features[test])
    return said


# ---------------------------------------------------------------------- how it ends
@dataclass(frozen=True)
class Endings:
    """How pieces end: shares of them, 0 to 1; see flamingo.composing.key_estimation.Ending."""

    pieces: int
    tonic_bass: float
    tonic_triad: float
    dominant: float
    closed: float
    cadence: float
    """All of these, and a last chord of at least twice the median duration."""
    longest: float
    """Median of the duration of the last chord over that of the median note."""


def endings(pieces: Sequence[Piece]) -> Endings:
    """The shares over some pieces; each in its own key. Raises ValueError if there are none."""
    if not pieces:
        raise ValueError("no pieces, so no endings")
    found = [ending(piece) for piece in pieces]

    def share(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in found]))

    return Endings(
        len(found),
        *(share(name) for name in ("tonic_bass", "tonic_triad", "dominant", "closed", "cadence")),
        float(np.median([one.longest for one in found])),
    )


# ---------------------------------------------------------------------- tables
LABELS: Mapping[str, str] = {
    "entropy": "pitch-class entropy, bits",
    "entropy_4": "the same in 4 bars, bits",
    "groove": "groove similarity, all bars",
    "groove_next": "groove similarity, neighbours",
    "scale": "notes in one scale",
    "repeated": "bars repeated exactly",
    "notes_a_second": "notes a second",
    "filled": "bars with notes",
    "polyphony": "notes at once",
    "articulation": "duration / time to the next",
    "velocity": "velocity",
    "velocity_spread": "velocity, spread",
    "pitch": "pitch, MIDI number",
    "pitch_range": "range, semitones",
    "minor": "in minor",
    "bpm": "quarter notes a minute",
}


def summary(pieces: Sequence[Piece]) -> dict[str, tuple[float, float]]:
    """(mean, standard deviation) over the pieces of each of the Measures, by its name."""
    found = np.array([list(measures(piece).as_dict().values()) for piece in pieces])
    names = Measures.__dataclass_fields__
    return {name: (float(c.mean()), float(c.std())) for name, c in zip(names, found.T, strict=True)}


def alike(pieces: Sequence[Piece], bars: int, *, each: int = 2) -> list[Piece]:
    """Excerpts of `bars` bars, up to `each` of every piece, evenly spread: what short compositions are compared with.
    Pieces that are shorter are left out."""
    found = []
    for piece in pieces:
        spare = len(piece.bars) - bars
        if spare < 0:
            continue
        for first in sorted({round(spare * (k + 1) / (each + 1)) for k in range(each)}):
            excerpt = piece.excerpt(first, first + bars)
            if len(excerpt.notes) >= FEWEST:
                found.append(excerpt)
    return found


def measures_table(report: Report, human: Sequence[Piece], contestants: Mapping[str, Sequence[Piece]]) -> None:
    """Print means beside those of people's music; `human` should have as many bars a piece (see `alike`). After each
    contestant's mean, in brackets, by how many human standard deviations it lies off. Kept in report.figures."""
    people = summary(human)
    others = {name: summary(pieces) for name, pieces in contestants.items() if pieces}
    rows = []
    for name, label in LABELS.items():
        mean, spread = people[name]
        cells = [f"{other[name][0]:.3g} ({_off(other[name][0], mean, spread)})" for other in others.values()]
        rows.append([label, f"{mean:.3g} ± {spread:.2g}", *cells])
    report.table(["measure", f"people ({len(human)})", *(f"{n} ({len(contestants[n])})" for n in others)], rows)
    report.figures["measures"] = {
        who: {name: {"mean": mean, "sd": spread} for name, (mean, spread) in found.items()}
        for who, found in {"people": people, **others}.items()
    }


def _off(value: float, mean: float, spread: float) -> str:
    return f"{(value - mean) / spread:+.1f}" if spread > 1e-9 else "="


def endings_table(report: Report, human: Sequence[Piece], contestants: Mapping[str, Sequence[Piece]]) -> None:
    """Print how pieces end, beside people's whole pieces. Kept in report.figures."""
    found = {"people": endings(human), **{name: endings(pieces) for name, pieces in contestants.items() if pieces}}
    rows = [
        [label, *(f"{getattr(one, name):.0%}" for one in found.values())]
        for name, label in (
            ("tonic_bass", "last bass is the tonic"),
            ("tonic_triad", "last chord inside the tonic triad"),
            ("dominant", "dominant before it"),
            ("closed", "last chord has two notes or more"),
            ("cadence", "all of it, and held"),
        )
    ]
    rows.append(["last chord / median duration", *(f"{one.longest:.1f}" for one in found.values())])
    report.table(["ending", *(f"{who} ({one.pieces})" for who, one in found.items())], rows)
    report.figures["endings"] = {who: dict(vars(one)) for who, one in found.items()}


def mood_line(judge: MoodJudge) -> str:
    """What to say beside every figure of the mood judge."""
    found = judge.cross_validated
    return (
        f"the judge of mood, 5 folds by game over {found.pieces} labelled pieces: "
        f"arousal {found.arousal:.2f} right (majority {found.arousal_majority:.2f}, balanced "
        f"{found.arousal_balanced:.2f}), valence {found.valence:.2f} right (majority {found.valence_majority:.2f}, "
        f"balanced {found.valence_balanced:.2f})"
    )


def persona_line(found: Accuracy) -> str:
    """What to say beside every figure of the persona judge."""
    return (
        f"the judge of personas, on {found.pieces} pieces by people of works it has not learned: "
        f"{found.by_piece:.2f} of the pieces right, {found.by_excerpt:.2f} of {found.excerpts} excerpts "
        f"of {WINDOW} bars (chance {found.chance:.2f})"
    )
