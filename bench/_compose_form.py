"""The section of bench/compose.py that hears form: phrases, what comes back, where harmony goes, and what hands must
hold; beside the first bars of works by people, with the same chord finder for both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from _compose_figures import percent
from _compose_pool import Pool
from _report import Report
from numpy.typing import NDArray

from flamingo.composing.form_measures import PEOPLE, FormMeasures, form_measures
from flamingo.composing.harmony import find_chords, rests_on
from flamingo.composing.piece import Piece
from flamingo.composing.sampling import Drawn
from flamingo.composing.writing.engraving.hands import into_hands
from flamingo.composing.writing.engraving.notes import Note

BARS = 32
LONG = 120
"""Bars over which the return of the opening is looked for."""
TENTH = 16
"""Semitones of a major tenth."""
FINGERS = 5
DIVISIONS = 10

ELEVEN = tuple(PEOPLE)
LABELS = {
    "chroma_2": "bars 2 apart alike, chroma",
    "chroma_4": "bars 4 apart alike, chroma",
    "chroma_8": "bars 8 apart alike, chroma",
    "rhythm_2": "bars 2 apart alike, rhythm",
    "rhythm_4": "bars 4 apart alike, rhythm",
    "rhythm_8": "bars 8 apart alike, rhythm",
    "motifs": "motifs heard before",
    "dominant_tonic": "V to I of chord changes",
    "thirds": "roots by thirds",
    "changes": "chord changes a bar",
    "authentic": "authentic cadences in 100 bars",
    "half": "half cadences in 100 bars",
    "cadences_on_4": "cadences in every 4th bar",
    "silent": "bars without an attack",
    "opening_returns": "the opening's best return",
    "melodic_entropy": "melodic entropy, bits",
    "steps": "melody by step",
    "leaps": "melody beyond an octave",
    "rhythms": "different rhythms a bar",
    "same_bass_rhythm": "left hand keeps its rhythm",
    "without_bass": "bars with nothing below middle C",
}


def form(report: Report, pool: Pool) -> None:
    """Form of composed pieces beside that of people's first bars."""
    report.heading(f"Form: the first {BARS} bars")
    works = [(s.work, p) for s, p in pool.split("test", "valid") if len(p.bars) >= BARS]
    if len(works) < 4:
        report.leave_out("form, for there are too few held-out keyboard works to compare with")
        return
    people, owners = excerpts(works, most=len(pool.formal))
    made = [m.piece for m in pool.formal]
    ours = [piece.excerpt(0, BARS) for piece in made if len(piece.bars) >= BARS]
    found = {"people": table(people), "Flamingo": table(ours)}
    # What comes back does so late: heard over up to 120 bars, of either.
    longer = {"people": [p.excerpt(0, min(LONG, len(p.bars))) for _, p in works], "Flamingo": made}
    names = list(FormMeasures.__dataclass_fields__)
    returns = names.index("opening_returns")
    means = {who: dict(zip(names, rows.mean(0).tolist(), strict=True)) for who, rows in found.items()}
    for who, pieces in longer.items():
        means[who]["opening_returns"] = float(table(pieces)[:, returns].mean())
    hands = {"people": hands_of(people), "Flamingo": hands_as_dealt([m.drawn for m in pool.formal])}
    rows = [[LABELS[name], *(f"{means[who][name]:.3f}" for who in means)] for name in names]
    for label, index in (("hand's attacks beyond a tenth", 0), ("hand's attacks of more than 5 notes", 1)):
        rows.append([label, *(percent(hands[who][index]) for who in means)])
    report.table(["measure", f"people ({len(people)})", f"Flamingo ({len(ours)})"], rows)
    pick = [names.index(name) for name in ELEVEN]
    auc, spread = human_or_machine(found["people"][:, pick], found["Flamingo"][:, pick], owners)
    report.say(
        f"a judge of {len(ELEVEN)} of these tells people's from ours with AUC {auc:.3f} (± {spread:.3f} over "
        f"{DIVISIONS} divisions into five; .5 is chance)"
    )
    report.figures["form"] = {
        "means": means,
        "beyond a tenth": {who: found[0] for who, found in hands.items()},
        "more than five": {who: found[1] for who, found in hands.items()},
        "auc": auc,
    }
    reached, count = planned_cadences([m.drawn for m in pool.formal])
    share = reached / max(count, 1)
    report.goal("cadences reached in the bars where they are planned", "≥ 95 %", percent(share), share >= 0.95)
    report.say(f"{count} cadences were planned inside the pieces, half ones and authentic ones")
    report.figures["form"]["planned cadences"] = {"reached": reached, "planned": count}
    ours_mean = means["Flamingo"]
    report.goal("people's or ours, AUC of eleven measures", "≤ .75", f"{auc:.3f}", auc <= 0.75)
    for name, least in (("chroma_4", 0.05), ("dominant_tonic", 0.18), ("opening_returns", 0.75)):
        report.goal(LABELS[name], f"≥ {least}", f"{ours_mean[name]:.3f}", ours_mean[name] >= least)
    silent, wide = ours_mean["silent"], hands["Flamingo"][0]
    report.goal("bars without an attack", "≤ .3 %", percent(silent), silent <= 0.003)
    report.goal("hand's attacks beyond a tenth", "none", percent(wide), wide == 0)


def excerpts(works: Sequence[tuple[str, Piece]], most: int) -> tuple[list[Piece], list[str]]:
    """Up to `most` excerpts of BARS bars and the work of each: first the beginning of every work, then the bars from
    BARS on, and so on."""
    found: list[tuple[str, Piece]] = []
    for first in range(0, max(len(p.bars) for _, p in works), BARS):
        found += [(work, p.excerpt(first, first + BARS)) for work, p in works if len(p.bars) >= first + BARS]
    kept = [(work, excerpt) for work, excerpt in found if len(excerpt.notes) >= BARS][:most]
    return [excerpt for _, excerpt in kept], [work for work, _ in kept]


def table(pieces: Sequence[Piece]) -> NDArray[np.float64]:
    """(pieces, measures)."""
    return np.array([list(form_measures(piece).as_dict().values()) for piece in pieces])


def planned_cadences(pieces: Sequence[Drawn]) -> tuple[int, int]:
    """How many of the cadences that were planned inside pieces are there, and how many were planned."""
    reached = count = 0
    for drawn in pieces:
        piece = drawn.piece()
        chords = find_chords(piece)
        for bar in range(drawn.plan.bars - 2):
            kind = drawn.plan.rest(bar)
            if kind is not None:
                count += 1
                reached += rests_on(piece, bar, kind, drawn.plan.key_at(bar), chords)
    return reached, count


def hands_of(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Of all a hand strikes together, the share that spans more than a tenth, and that has more than five notes; the
    hands as Flamingo's own scores divide them."""
    struck: list[list[int]] = []
    for piece in pieces:
        rows = piece.notes[["start", "duration", "pitch"]].tolist()
        notes = [Note(i, start, start + long, pitch) for i, (start, long, pitch) in enumerate(rows)]
        for hand in into_hands(notes) if notes else ():
            by_start: dict[int, list[int]] = {}
            for note in hand:
                by_start.setdefault(note.start, []).append(note.pitch)
            struck += by_start.values()
    return _too_much(struck)


def hands_as_dealt(pieces: Sequence[Drawn]) -> tuple[float, float]:
    """The same of composed pieces, with the hands to which the composer dealt the notes out."""
    struck: list[list[int]] = []
    for piece in pieces:
        by_place: dict[tuple[int, int, int], list[int]] = {}
        for bar, (first, last) in enumerate(pairwise([*piece.lines, len(piece.rows)])):
            for where, pitch, _, _, part in piece.rows[first + 1 : last]:
                by_place.setdefault((bar, where, part), []).append(pitch)
        struck += by_place.values()
    return _too_much(struck)


def _too_much(struck: Sequence[Sequence[int]]) -> tuple[float, float]:
    wide = sum(max(pitches) - min(pitches) > TENTH for pitches in struck)
    many = sum(len(pitches) > FINGERS for pitches in struck)
    return wide / max(len(struck), 1), many / max(len(struck), 1)


def human_or_machine(
    people: NDArray[np.float64], ours: NDArray[np.float64], owners: Sequence[str]
) -> tuple[float, float]:
    """Area under the ROC curve of a logistic regression that tells (n, k) figures of people's excerpts from (m, k) of
    ours, which it has not learned from; its mean and spread over several divisions into five folds. owners: the work
    of each excerpt of people's: those of one work are in one fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    figures = np.concatenate((people, ours))
    labels = np.repeat([1, 0], (len(people), len(ours)))
    number = {work: i for i, work in enumerate(dict.fromkeys(owners))}
    groups = np.array([*(number[work] for work in owners), *(len(number) + i for i in range(len(ours)))])
    found = []
    for seed in range(DIVISIONS):
        said = np.zeros(len(labels))
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for learn, test in folds.split(figures, labels, groups):
            judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, class_weight="balanced"))
            said[test] = judge.fit(figures[learn], labels[learn]).decision_function(figures[test])
        found.append(roc_auc_score(labels, said))
    return float(np.mean(found)), float(np.std(found))
