"""The section of bench/compose.py on filling in: bars between bars, and the other parts beside a given one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _compose_pool import Pool, note
from _report import Report

from flamingo.composing import events
from flamingo.composing.model import CONTEXT, Composer
from flamingo.train.composing.windows import arranged, condition_vectors, excerpt
from flamingo.train.corpus.songs import Song, songs_of

HIDDEN = (1, 2, 4, 8)
_AROUND = 8  # bars that there are on either side
_WINDOWS = 50  # of each number of hidden bars
_FILL = events.ROLES.index("fill")


def filling(report: Report, pool: Pool, run: Path | None) -> None:
    """Nats a note of hidden bars of held-out works, told what stands on both sides, or on the left alone; and of what
    is not the top part, told that part or not."""
    model = pool.model if run is None else _of_run(run)
    if not model.planned:
        report.leave_out("filling in, which this composer has not learned: name a run of another with --run")
        return
    report.heading("Filling in, nats a note of what is hidden (lower is better)")
    tests = songs_of(pool.split("test", keyboard=False), model.personas, model.scale)
    random = np.random.default_rng((pool.seed, 11))
    count = max(2, min(_WINDOWS, pool.pieces // 4))
    rows, figures = [], {}
    for hidden in HIDDEN:
        note(f"filling: {hidden} bars")
        both, left, notes = np.zeros(2), np.zeros(2), 0
        for song, begin in _windows(tests, 2 * _AROUND + hidden, count, random):
            whole = excerpt(song, begin, begin + 2 * _AROUND + hidden, song.key)
            here = (whole["bar"] >= _AROUND) & (whole["bar"] < _AROUND + hidden)
            here[-1] = False  # the closing line
            moved = arranged(whole, _AROUND, _AROUND + hidden)
            both += _nats(model, song, moved, moved["role"] == _FILL)
            left += _nats(model, song, whole, here)
            notes += int((here & (whole["events"][:, 1] >= 0)).sum())
        rows.append([f"{hidden} bars", *(f"{value / notes:.3f}" for value in (left[0], both[0], left[1], both[1]))])
        figures[str(hidden)] = {"left": left[0] / notes, "both": both[0] / notes, "notes": notes}
        report.goal(
            f"both sides help to fill {hidden} bars", f"< {left[0] / notes:.3f}", f"{both[0] / notes:.3f}",
            bool(both[0] < left[0]),
        )  # fmt: skip
    report.table(["hidden", "left side told", "both sides", "pitches: left", "pitches: both"], rows)
    report.figures["filling"] = figures
    _accompanied(report, model, tests, count * 2, random)


def _accompanied(
    report: Report, model: Composer, tests: Sequence[Song], count: int, random: np.random.Generator
) -> None:
    told, untold, notes = np.zeros(2), np.zeros(2), 0
    bars = 2 * _AROUND
    for song, begin in _windows(tests, bars, count, random):
        whole = excerpt(song, begin, begin + bars, song.key)
        others = whole["events"][:, 4] > 0
        if others.sum() < bars or not (whole["events"][:, 4] == 0).any():
            continue
        moved = arranged(whole, 0, bars, [0])
        told += _nats(model, song, moved, (moved["role"] == _FILL) & (moved["events"][:, 4] > 0))
        untold += _nats(model, song, whole, others)
        notes += int(others.sum())
    if not notes:
        return
    rows = [[name, *(f"{x / notes:.3f}" for x in row)] for name, row in (("told", told), ("not told", untold))]
    report.table(["the top part", "nats a note of the others", "pitches"], rows)
    report.figures["accompanying"] = {"told": told[0] / notes, "not told": untold[0] / notes, "notes": notes}


def _windows(tests: Sequence[Song], bars: int, count: int, random: np.random.Generator) -> list[tuple[Song, int]]:
    """Songs and their bars at which excerpts of so many bars begin that fit into the network's context."""
    found: list[tuple[Song, int]] = []
    for _ in range(200 * count):
        song = tests[int(random.integers(len(tests)))]
        if len(song.first) - 1 < bars:
            continue
        begin = int(random.integers(len(song.first) - bars))
        if song.first[begin + bars] - song.first[begin] + 2 * bars < CONTEXT:
            found.append((song, begin))
            if len(found) == count:
                break
    return found


def _nats(model: Composer, song: Song, rows: dict[str, np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Nats of the chosen events, and of their pitches alone; loudness counts nowhere, for it is said on one side only
    where a player gave it."""
    nats = model.nats(rows["events"], condition_vectors(model, rows, model.personas))
    nats[:, 3] = 0
    mine = nats[chosen[1:]]
    return np.array([mine.sum(), mine[:, 1].sum()])


def _of_run(run: Path) -> Composer:
    from flamingo.train.composing.loop import CHECKPOINT, load_composer

    net, facts = load_composer(run / CHECKPOINT)
    return Composer({name: value.numpy() for name, value in net.state_dict().items()}, facts)
