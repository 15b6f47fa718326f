"""The section of bench/compose.py on `--continue`: what a piece makes of a bare tune that it goes on from."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _compose_figures import percent
from _compose_pool import Pool, note
from _report import Report
from numpy.typing import NDArray

import flamingo
from flamingo.composing.form_measures import MOTIF, top_notes
from flamingo.composing.piece import Piece
from flamingo.composing.scales import SCALES
from flamingo.composing.writing import to_bytes

TUNES = 20
LASTS = 60.0
BARS = (2, 4, 8)


def continuing(report: Report, pool: Pool) -> None:
    """Openings of held-out works by people, their top line alone, each gone on from for a minute."""
    report.heading(f"--continue: {TUNES} tunes, the top line of 2, 4 or 8 bars of held-out works, {LASTS:g} s")
    random = np.random.default_rng((pool.seed, 13))
    works = [(s, p) for s, p in pool.split("test", "valid") if len(p.bars) > max(BARS)]
    if not works:
        report.leave_out("--continue, for there are no held-out works")
        return
    rows: list[tuple[Any, ...]] = []
    for number in range(min(TUNES, pool.pieces)):
        note(f"--continue: {number} of {TUNES}")
        _, work = works[int(random.integers(len(works)))]
        bars = BARS[number % len(BARS)]
        tune = _top(work.excerpt(0, bars))
        if len(tune.notes) < 2 * MOTIF:
            continue
        who = pool.favourites[number % len(pool.favourites)]
        rows.append(_figures(tune, _gone_on(tune, who, number)))
    names = (
        "tune's bars that are accompanied",
        "later bars that are the tune's, literally",
        "motifs of the other bars that are the tune's, semitone for semitone",
        "the same, degree for degree",
        "the same of a piece that goes on from another tune",
    )
    others = float(np.mean([_shared(rows[i][-1], rows[(i + 7) % len(rows)][-2]) for i in range(len(rows))]))
    means = [*(float(np.mean([row[i] for row in rows])) for i in range(4)), others]
    report.table(["figure", f"mean of {len(rows)}"], [[n, percent(m)] for n, m in zip(names, means, strict=True)])
    report.figures["continuing"] = dict(zip(names, means, strict=True))
    report.goal(names[0], ">= 95 %", percent(means[0]), means[0] >= 0.95)
    report.goal(names[3], ">= 20 %", percent(means[3]), means[3] >= 0.2)


def _gone_on(tune: Piece, who: str, seed: int) -> Piece:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tune.mid"
        file.write_bytes(to_bytes(tune, "mid"))
        [made] = flamingo.compose(
            persona=who, seconds=LASTS, continue_from=file, seed=seed, humanise=0, output=Path(folder) / "out.mid"
        )
    return made.piece


def _top(piece: Piece) -> Piece:
    """The highest note of each attack, let go before the next."""
    top = top_notes(piece).copy()
    following = np.append(top["start"][1:], top["start"][-1] + top["duration"][-1])
    top["duration"] = np.clip(top["duration"], 1, np.maximum(following - top["start"], 1))
    top["part"] = 0
    return replace(piece, notes=top, programs=(0,), pedals=piece.pedals[:0])


def _figures(tune: Piece, made: Piece) -> tuple[Any, ...]:
    """The four figures, and the motifs (by degrees) of the tune and of what is new in the piece."""
    edges, count = made.edges, len(tune.bars)
    bar = made.bar_of(made.notes["start"])
    content = [
        frozenset(zip((n["start"] - edges[b]).tolist(), n["pitch"].tolist(), strict=True))
        for b in range(len(made.bars))
        for n in [made.notes[bar == b]]
    ]
    own: list[set[tuple[int, int]]] = [set() for _ in range(count)]
    for start, pitch in tune.notes[["start", "pitch"]].tolist():
        b = int(tune.bar_of(np.array([start]))[0])
        own[b].add((start - int(tune.edges[b]), pitch))
    accompanied = float(np.mean([len(content[b]) > len(own[b]) for b in range(count)]))
    literal = np.array([content[b] in content[:count] for b in range(len(content))])
    later = np.arange(len(content)) >= count
    fresh = later & ~literal
    exact = _shared(_motifs(made, fresh), _motifs(made, ~later))
    degrees, tunes = _motifs(made, fresh, degrees=True), _motifs(made, ~later, degrees=True)
    return accompanied, float(literal[later].mean()), exact, _shared(degrees, tunes), tunes, degrees


def _motifs(piece: Piece, bars: NDArray[np.bool_], *, degrees: bool = False) -> list[Hashable]:
    """The motifs of the top line that begin in some bars: intervals, in semitones or in steps, and rhythm."""
    top = top_notes(piece)
    place = top["pitch"].astype(int)
    if degrees:
        octave, above = np.divmod(place - piece.key.tonic, 12)
        place = 7 * octave + np.searchsorted(SCALES[piece.key.minor], above, side="right") - 1
    steps, gaps = np.diff(place).tolist(), np.diff(top["start"].astype(int)).tolist()
    bar = piece.bar_of(top["start"])
    return [
        (tuple(steps[i : i + MOTIF - 1]), tuple(gaps[i : i + MOTIF - 1]))
        for i in range(len(top) - MOTIF + 1)
        if bars[bar[i]]
    ]


def _shared(motifs: object, of: object) -> float:
    """The share of some motifs that are among others."""
    assert isinstance(motifs, list) and isinstance(of, list)
    known = set(of)
    return float(np.mean([motif in known for motif in motifs])) if motifs else 0.0
