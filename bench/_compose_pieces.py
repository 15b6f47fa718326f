"""The sections of bench/compose.py that look at pieces by themselves: how they end, how they measure beside people's
music, and how much of them is somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _compose_figures import ANCHOR_ENDINGS, ANCHORS, percent
from _compose_pool import Pool, scores, written
from _music import LABELS, alike, endings_table, measures_table
from _report import Report

from flamingo.composing.originality import LENGTHS
from flamingo.composing.piece import Piece

_FEWEST_PEOPLE = 24  # excerpts, below which all keyboard works are compared with, not only those of the personas
_HELD_OUT = ("test", "valid")


def beside(pool: Pool, bars: int) -> list[Piece]:
    """Excerpts by people to hold composed pieces of about so many bars against: held-out keyboard works of the same
    personas, or of all where these are too few."""
    every = pool.split(*_HELD_OUT)
    mine = alike([p for s, p in every if s.composer in pool.favourites], bars, each=4)
    return mine if len(mine) >= _FEWEST_PEOPLE else alike([p for _, p in every], bars, each=4)


# ---------------------------------------------------------------------- endings
def endings(report: Report, pool: Pool) -> None:
    """How pieces end, and what it took."""
    report.heading("Endings")
    people = [p for _, p in pool.split(*_HELD_OUT) if len(p.notes)]
    made = [*pool.plain, *pool.lengths]
    if not people:
        report.leave_out("endings, for there are no held-out keyboard works to compare with")
        return
    endings_table(report, people, {"Flamingo": scores(made)})
    anchors = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in ANCHOR_ENDINGS.items())
    report.say(f"84 human movements, measured before this project began: {anchors}")
    again = float(np.mean([m.drawn.retries > 0 for m in made]))
    plain = float(np.mean([written(m.drawn) for m in made]))
    most = max(m.drawn.retries for m in made)
    report.say(
        f"of {len(made)} pieces {percent(again)} had their last two bars drawn again (up to {most} times) and "
        f"{percent(plain)} got the end that is written where none is found"
    )
    figures = report.figures["endings"]
    figures["Flamingo"] |= {"drawn again": again, "written": plain}
    ours = figures["Flamingo"]
    goals = (("tonic_bass", "the tonic in the bass", 0.95), ("tonic_triad", "the tonic triad", 0.90))
    for name, what, least in goals:
        report.goal(f"pieces end on {what}", f"≥ {percent(least)}", percent(ours[name]), ours[name] >= least)


# ---------------------------------------------------------------------- measures
def measured(report: Report, pool: Pool, lstm: Path | None, *, lstm_pieces: int = 12) -> None:
    """What can be counted, beside people's excerpts of alike length."""
    report.heading("Measures")
    bars = int(np.median([m.plan.bars for m in pool.plain]))
    people = beside(pool, bars)
    if len(people) < 2:
        report.leave_out("measures, for there is too little held-out music to compare with")
        return
    contestants: dict[str, Sequence[Piece]] = {"Flamingo": scores(pool.plain)}
    if lstm is None:
        report.leave_out("the LSTM: name its training run with --lstm")
    else:
        import _lstm

        seeds = [p for s, p in pool.split("test") if s.composer in pool.favourites]
        seeds += [p for s, p in pool.split("test") if s.composer not in pool.favourites]
        contestants["LSTM, argmax"] = _lstm.compose(
            _lstm.load(lstm), seeds, bars, most=min(lstm_pieces, max(2, pool.pieces // 4))
        )
    measures_table(report, people, contestants)
    report.say(
        f"people: {len(people)} excerpts of {bars} bars of held-out keyboard works; in brackets, by how many of "
        "their standard deviations the mean lies off"
    )
    anchors = ", ".join(f"{LABELS[name]} {value:g}" for name, value in ANCHORS.items())
    report.say(f"84 human movements, whole, measured before this project began: {anchors}")
    found = report.figures["measures"]
    found["anchors"] = dict(ANCHORS)
    off = {
        name: (found["Flamingo"][name]["mean"] - found["people"][name]["mean"])
        / max(found["people"][name]["sd"], 1e-9)
        for name in ANCHORS
    }
    worst = max(off, key=lambda name: abs(off[name]))
    report.goal(
        "means of the six measures within one human standard deviation",
        "≤ 1",
        f"{off[worst]:+.2f} ({LABELS[worst]})",
        abs(off[worst]) <= 1,
    )


# ---------------------------------------------------------------------- originality
def originality(report: Report, pool: Pool) -> None:
    """The longest passage shared with the training music, beside what people share."""
    report.heading("Originality: counted notes of the longest passage shared with the training music")
    made = [*pool.plain, *pool.lengths]
    ours = [pool.index.report(m.piece) for m in made]
    bars = int(np.median([m.plan.bars for m in pool.plain]))
    learned = set(pool.index.titles)
    people = [
        pool.index.report(excerpt, exclude=learned & {f"{s.composer.title()}: {s.title}"})
        for s, p in pool.split(*_HELD_OUT)
        for excerpt in alike([p], bars)
    ]
    rows, table = [], {}
    for low, high in zip((0, *LENGTHS), (*LENGTHS, 10**9), strict=True):
        here = [o for o in ours if low <= o.onsets < high]
        if not here:
            continue
        lengths = [o.longest.length for o in here]
        row = {
            "pieces": len(here),
            "median": float(np.median(lengths)),
            "95th percentile": float(np.percentile(lengths, 95)),
            "most": float(max(lengths)),
            "people's median": float(np.mean([o.null_median for o in here])),
            "people's 95th percentile": float(np.mean([o.null_p95 for o in here])),
            "original": float(np.mean([o.original for o in here])),
        }
        name = f"{low} to {high - 1}" if high < 10**9 else f"{low} and more"
        table[name] = row
        rows.append([name, *(percent(v) if k == "original" else f"{v:.0f}" for k, v in row.items())])
    report.table(["onsets", *next(iter(table.values()))], rows)
    share = float(np.mean([o.original for o in ours]))
    human = float(np.mean([o.original for o in people])) if people else float("nan")
    worst = max(ours, key=lambda o: o.longest.length - o.null_p95)
    report.say(f"the piece furthest above what people share: {worst.sentence}")
    report.say(
        f"judged original: {percent(share)} of {len(ours)} pieces; of {len(people)} excerpts of {bars} bars by "
        f"people {percent(human)} (by how it is defined, about 95 %)"
    )
    report.figures["originality"] = {"onsets": table, "original": share, "people original": human}
    report.goal("share no more than people do", "≥ 95 % original", percent(share), share >= 0.95)
