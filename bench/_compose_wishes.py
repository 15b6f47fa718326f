"""The sections of bench/compose.py that look at whether a wish comes true: length, tempo and key, persona, mood."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _compose_figures import (
    VERDICTS,
    interval,
    key_verdict,
    never_falls,
    other_key,
    percent,
    quintiles,
    shares,
    spearman,
    strict_key,
)
from _compose_pool import Made, Pool, asked, scores
from _music import Accuracy, MoodJudge, PersonaJudge, alike, mood_line, persona_line
from _report import Report

from flamingo.composing.key_estimation import find_key
from flamingo.composing.measure import measures
from flamingo.composing.piece import UNITS, Key
from flamingo.composing.writing.midi import to_midi

PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PAIRS = (("beethoven", "mozart"), ("chopin", "schubert"))


# ---------------------------------------------------------------------- length, tempo, key
def length(report: Report, pool: Pool) -> None:
    """Whether a piece lasts as long as asked, at the tempo asked, in the key asked."""
    report.heading("Length, tempo and key")
    rows, figures = [], {}
    for name, given in (("tempo left open", False), ("tempo given", True)):
        made = [m for m in pool.lengths if m.tempo_given == given]
        if not made:
            continue
        wanted = np.array([m.plan.seconds for m in made])
        off = np.array([float(m.piece.seconds()) for m in made]) - wanted
        file = np.array([_as_mido_reads(m) for m in made]) - wanted
        last = np.array([float(m.piece.played[1].max()) for m in made]) - wanted
        bar = np.array([m.plan.metre.units / UNITS * 60 / m.plan.bpm for m in made])
        figures[name] = {
            "pieces": len(made),
            "error, %": float(np.abs(off / wanted).max() * 100),
            "error, bars": float(np.abs(off / bar).max()),
            "MIDI file, %": float(np.abs(file / wanted).max() * 100),
            "last note let go, s": float(last.mean()),
            "last bar / bar": float(np.mean([m.plan.last for m in made])),
        }
        rows.append([name, *(f"{v:.4g}" for v in figures[name].values())])
    report.table(["8 to 120 s", *next(iter(figures.values()))], rows)
    report.say("errors are the largest of all; the MIDI file is read by mido; the last note: mean, below 0 is early")
    worst = max(row["error, %"] for row in figures.values())
    report.goal("length as asked", "≤ 0.1 % off", f"{worst:.4f} %", worst <= 0.1)
    tempos = [abs(float(_in_tempo(m)) / m.plan.bpm - 1) for m in pool.lengths if m.tempo_given and m.plan.bars >= 3]
    if tempos:
        exact = float(np.mean([t < 1e-4 for t in tempos]))
        figures["tempo exact"] = exact
        report.goal("every bar before the ritardando at the tempo asked", "100 %", percent(exact), exact == 1)
    report.figures["length"] = figures
    _keys(report, pool)


def _as_mido_reads(made: Made) -> float:
    """Seconds to the end of the MIDI file, as another program counts them."""
    import mido

    return float(mido.MidiFile(file=io.BytesIO(to_midi(made.piece))).length)


def _in_tempo(made: Made) -> float:
    """Quarters a minute over all bars before the last two, by the times at which bars begin."""
    piece = made.piece
    edge = int(piece.edges[made.plan.bars - 2])
    return edge / UNITS / float(piece.seconds(edge)) * 60


def _keys(report: Report, pool: Pool) -> None:
    """The key that is found in each piece beside the one that was asked; for people, beside their key signature."""
    made = [*pool.plain, *pool.lengths]
    bars = int(np.median([m.plan.bars for m in made]))
    people = alike([p for _, p in pool.split("test", "valid")], bars)
    asked_for = [m.plan.key for m in made]
    whole = [find_key(m.piece.notes) for m in made]
    notes = [strict_key(m.piece) for m in made]
    others = [other_key(m.piece) for m in made]
    rows, figures = [], {}
    for name, wanted, found in (
        ("by notes and last bass", asked_for, whole),
        ("by notes alone (Krumhansl)", asked_for, notes),
        ("by notes alone (Temperley)", asked_for, others),
        *((f"Temperley, {mode} asked", *_of_mode(asked_for, others, mode == "minor")) for mode in ("major", "minor")),
        (f"people, {bars} bars, Krumhansl", [p.key for p in people], [strict_key(p) for p in people]),
        (f"people, {bars} bars, Temperley", [p.key for p in people], [other_key(p) for p in people]),
    ):
        figures[name] = shares([key_verdict(a, b) for a, b in zip(wanted, found, strict=True)])
        rows.append([name, str(len(wanted)), *(percent(figures[name][v]) for v in VERDICTS)])
    report.table(["key found", "pieces", *VERDICTS], rows)
    report.say(
        "any of 24 keys was asked; people: excerpts of held-out works, which modulate, and the whole work's key; "
        "the composer draws again what Krumhansl's profiles find in another key, so Temperley's are the fairer judge"
    )
    report.figures["key"] = figures
    right = figures["by notes alone (Temperley)"]["right"]
    report.goal("in the key that was asked", "≥ 95 %", percent(right), right >= 0.95)


def _of_mode(asked_for: Sequence[Key], found: Sequence[Key], minor: bool) -> tuple[list[Key], list[Key]]:
    pick = [i for i, key in enumerate(asked_for) if key.minor == minor]
    return [asked_for[i] for i in pick], [found[i] for i in pick]


# ---------------------------------------------------------------------- persona
def persona(report: Report, pool: Pool) -> None:
    """Whether a judge that has learned from people puts composed pieces down to whom they were asked to be by."""
    report.heading("Persona")
    report.figures["persona"] = figures = {}
    four = _judged(report, pool, pool.favourites, pool.plain, f"of {len(pool.favourites)}")
    figures["favourites"] = four
    if four:
        chance, ours, people = four["chance"], four["composed"], four["people"]
        report.goal(
            f"persona recognised, of {len(pool.favourites)}, by excerpt",
            f"≥ {percent(0.8 * people)} (0.8 of people's)",
            percent(ours),
            ours >= 0.8 * people and ours > chance,
        )
    if len(pool.model.personas) > len(pool.favourites):
        figures["everyone"] = _judged(report, pool, pool.model.personas, pool.everyone, "of all")
    for first, second in PAIRS:
        if first in pool.model.personas and second in pool.model.personas:
            figures[f"{first} and {second}"] = _mixed(report, pool, first, second)


def _trained(pool: Pool, names: Sequence[str]) -> tuple[PersonaJudge, Accuracy] | None:
    """A judge of these personas, and how often it is right about held-out works."""
    learn = [(p, s.composer) for s, p in pool.split("train") if s.composer in names]
    test = [(p, s.composer) for s, p in pool.split("test", "valid") if s.composer in names]
    if len({name for _, name in learn}) < 2 or not test:
        return None
    judge = PersonaJudge.train([p for p, _ in learn], [name for _, name in learn])
    return judge, judge.accuracy([p for p, _ in test], [name for _, name in test])


def _judged(report: Report, pool: Pool, names: Sequence[str], made: Sequence[Made], what: str) -> dict[str, Any]:
    trained = _trained(pool, names)
    if trained is None:
        report.leave_out(f"the judge of personas {what}, for there are too few works to learn from or to test it on")
        return {}
    judge, people = trained
    report.say(persona_line(people))
    ours = judge.accuracy(scores(made), asked(made))
    report.table(
        [f"right by excerpt of 16 bars, {what}", "excerpts", "right", "by piece", "chance"],
        [
            [who, str(a.excerpts), percent(a.by_excerpt), percent(a.by_piece), percent(a.chance)]
            for who, a in (("people, works not learned", people), ("Flamingo", ours))
        ],
    )
    if len(names) <= 6:
        for who, a in (("people", people), ("Flamingo", ours)):
            report.table(
                [f"{who}: is by", *judge.personas],
                [[t, *(percent(row[n]) for n in judge.personas)] for t, row in a.confusion.items()],
            )
    return {
        "people": people.by_excerpt,
        "composed": ours.by_excerpt,
        "chance": ours.chance,
        "people confusion": people.confusion,
        "composed confusion": ours.confusion,
    }


def _mixed(report: Report, pool: Pool, first: str, second: str) -> dict[str, Any]:
    """What a judge of two says of mixes of the two."""
    trained = _trained(pool, (first, second))
    if trained is None:
        report.leave_out(f"mixes of {first} and {second}: too few works")
        return {}
    judge, people = trained
    each = max(2, pool.pieces * 64 // 200)  # with 24 a mean is good for .05, which is as much as a step
    groups = pool.mixes(first, second, PARTS, each)
    chances = [[judge.probabilities(m.piece)[first] for m in group] for group in groups]
    means = [float(np.mean(c)) for c in chances]
    parts = np.repeat(PARTS, each)
    rho = spearman(parts, np.concatenate(chances))
    low, high = interval(parts, np.concatenate(chances))
    report.say(persona_line(people))
    report.table(
        [f"{first} in a mix with {second}", *(f"{part:.0%}" for part in PARTS), "Spearman", "95 %"],
        [[f"probability, mean of {each}", *(f"{m:.2f}" for m in means), f"{rho:.2f}", f"{low:.2f} to {high:.2f}"]],
    )
    monotone = never_falls(means)
    report.goal(
        f"more {first} the more of it is asked (with {second})",
        "means never fall",
        " ".join(f"{m:.2f}" for m in means),
        monotone,
    )
    return {"parts": list(PARTS), "means": means, "spearman": rho, "interval": [low, high], "monotone": monotone}


# ---------------------------------------------------------------------- mood
def mood(report: Report, pool: Pool, folder: Path | None) -> None:
    """Whether what was asked of valence and arousal can be heard: by the model's own scale, by a judge that learned
    from listeners, and in plain figures."""
    report.heading("Mood")
    made = pool.moods
    valence = np.array([m.plan.valence for m in made])
    arousal = np.array([m.plan.arousal for m in made])
    own = np.array([pool.model.scale.of(m.piece) for m in made])
    said = {"its own scale": (own[:, 1], own[:, 0])}
    judge = _mood_judge(report, folder)
    if judge is not None:
        said["a judge that learned from listeners"] = (
            np.array([judge.arousal(m.piece) for m in made]),
            np.array([judge.valence(m.piece) for m in made]),
        )
    rows, figures = [], {}
    for name, (heard_arousal, heard_valence) in said.items():
        figures[name] = {
            "arousal": spearman(arousal, heard_arousal),
            "arousal interval": interval(arousal, heard_arousal),
            "valence": spearman(valence, heard_valence),
            "valence interval": interval(valence, heard_valence),
            "valence asked, arousal heard": spearman(valence, heard_arousal),
            "arousal asked, valence heard": spearman(arousal, heard_valence),
        }
        cells = [f"{v[0]:.2f} to {v[1]:.2f}" if isinstance(v, tuple) else f"{v:.2f}" for v in figures[name].values()]
        rows.append([name, *cells])
    columns = ("arousal", "95 %", "valence", "95 %", "valence > arousal", "arousal > valence")
    report.table(["Spearman of asked and heard", *columns], rows)
    if judge is not None:
        report.say(mood_line(judge))
    measured = [measures(m.piece) for m in made]
    shared = {
        "quarters a minute": [x.bpm for x in measured],
        "notes a second": [x.notes_a_second for x in measured],
        "velocity": [x.velocity for x in measured],
        "articulation": [x.articulation for x in measured],
        "in minor": [x.minor for x in measured],
        "scale": [x.scale for x in measured],
        "pitch": [x.pitch for x in measured],
    }
    for name, values in (("arousal", arousal), ("valence", valence)):
        fifths = quintiles(values.tolist(), shared)
        figures[f"fifths by {name}"] = fifths
        report.table(
            [f"{name} asked", *shared],
            [[f"{row['asked']:+.2f}", *(f"{row[k]:.3g}" for k in shared)] for row in fifths],
        )
    report.figures["mood"] = figures
    for name, least in (("arousal", 0.8), ("valence", 0.6)):
        for who in said:
            found = figures[who][name]
            report.goal(f"{name} as asked, by {who}", f"rank correlation ≥ {least}", f"{found:.2f}", found >= least)


def _mood_judge(report: Report, folder: Path | None) -> MoodJudge | None:
    if folder is None:
        report.leave_out("the judge of mood: name the folder of VGMIDI with --moods")
        return None
    try:
        return MoodJudge.train(folder)
    except (OSError, KeyError, ValueError) as error:
        report.leave_out(f"the judge of mood, who cannot learn from that folder ({error})")
        return None
