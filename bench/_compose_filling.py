"""The section of bench/compose.py on filling in: bars between bars, and the other parts beside a given one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _compose_pool import Pool, note
from _report import Report

from flamingo.composing import events
from flamingo.composing.filling import fill
from flamingo.composing.harmony import beats, find_chords
from flamingo.composing.model import Composer
from flamingo.composing.parts import part_of_notes
from flamingo.composing.piece import Piece
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
        for song, begin in _windows(tests, 2 * _AROUND + hidden, count, random, model.context):
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
    for song, begin in _windows(tests, bars, count, random, model.context):
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


def harmonised(report: Report, pool: Pool, run: Path | None) -> None:
    """How often the chord of a beat is the composer's own, when a top line of people is harmonised."""
    model = pool.model if run is None else _of_run(run)
    if not model.planned:
        return  # said already
    report.heading("Harmonising the top line of held-out keyboard works: chords that are the composer's own")
    commonest = _commonest([piece for _, piece in pool.split("train")])
    random = np.random.default_rng((pool.seed, 12))
    works = [(s, p) for s, p in pool.split("test") if len(p.bars) > 2 * _AROUND and len(set(part_of_notes(p))) == 2]
    count = max(2, min(_WINDOWS, pool.pieces // 4))
    names = ("told the line", "not told the line", "commonest of the degree")
    shares: dict[str, list[float]] = {name: [] for name in names}
    for i in range(count):
        note(f"harmonising: {i} of {count}")
        _, work = works[int(random.integers(len(works)))]
        first = int(random.integers(len(work.bars) - 2 * _AROUND))
        piece = work.excerpt(first, first + 2 * _AROUND)
        places = beats(piece)[:-1]
        own = _chords_at(piece, places)
        line = fill(model, piece, 0, len(piece.bars), redo=(1,), seed=(pool.seed, i))
        alone = fill(model, piece, 0, len(piece.bars), seed=(pool.seed, i))
        guessed = np.array([commonest.get(degree, 0) for degree in _degrees(piece, places)])
        degrees = (guessed + piece.key.tonic) % 12 + guessed // 12 * 12
        for name, found in zip(names, (_chords_at(line, places), _chords_at(alone, places), degrees), strict=True):
            shares[name].append(float((found == own)[own >= 0].mean()) if (own >= 0).any() else 0.0)
    means = {name: float(np.mean(values)) for name, values in shares.items()}
    errors = {name: float(np.std(values) / np.sqrt(len(values))) for name, values in shares.items()}
    report.table(
        ["how", "same chord", "standard error"],
        [[name, f"{means[name]:.3f}", f"{errors[name]:.3f}"] for name in names],
    )
    report.say(f"{count} excerpts of {2 * _AROUND} bars; a chord is its root, and whether its third is major")
    report.figures["harmonising"] = means
    report.goal(
        "the line helps to find its chords", f"> {means['not told the line']:.3f}", f"{means['told the line']:.3f}",
        means["told the line"] > means["not told the line"],
    )  # fmt: skip


def seams(report: Report, pool: Pool, run: Path | None) -> None:
    """How smoothly bars that were filled in join those on either side, beside people's own bars, and beside bars of
    the same work pasted in from elsewhere."""
    model = pool.model if run is None else _of_run(run)
    if not model.planned:
        return  # said already
    report.heading("Seams of bars that were filled in")
    changes = _chord_changes([piece for _, piece in pool.split("train")])
    random = np.random.default_rng((pool.seed, 13))
    works = [p for _, p in pool.split("test") if len(p.bars) > 3 * _AROUND]
    works = [p for p in works if all(p.metre(bar).units <= events.PLACES for bar in range(len(p.bars)))]
    found: dict[str, list[list[float]]] = {"people": [], "filled in": [], "pasted": []}
    each = max(1, min(_WINDOWS, pool.pieces // 4) // 2)
    for hidden in HIDDEN:
        note(f"seams: {hidden} bars")
        for i in range(each):
            work = works[int(random.integers(len(works)))]
            first = int(random.integers(len(work.bars) - 2 * _AROUND - hidden + 1))
            piece = work.excerpt(first, first + 2 * _AROUND + hidden)
            ours = fill(model, piece, _AROUND, _AROUND + hidden, seed=(pool.seed, hidden, i))
            other = _pasted(piece, work, int(random.integers(len(work.bars) - hidden)), _AROUND, hidden)
            for name, made in (("people", piece), ("filled in", ours), ("pasted", other)):
                for bar in (_AROUND, _AROUND + hidden):
                    found[name] += _seam(made, bar, changes)
    means = {name: np.nanmean(np.array(rows), axis=0) for name, rows in found.items()}
    labels = ("melody moves, semitones", "melody by step", "bass moves, semitones", "chord change, nats")
    report.table(
        ["at the border", *means],
        [[label, *(f"{row[i]:.2f}" for row in means.values())] for i, label in enumerate(labels)],
    )
    count = {name: len(rows) for name, rows in found.items()}
    report.say(f"{count['people']} borders of people's; nats by a table of chord changes in training works")
    report.figures["seams"] = {name: dict(zip(labels, row.tolist(), strict=True)) for name, row in means.items()}
    nearer = abs(means["filled in"][3] - means["people"][3]) < abs(means["pasted"][3] - means["people"][3])
    report.goal(
        "harmony at seams nearer to people's than pasted bars", f"{means['people'][3]:.2f}",
        f"{means['filled in'][3]:.2f}", bool(nearer),
    )  # fmt: skip


def _pasted(piece: Piece, work: Piece, since: int, at: int, count: int) -> Piece:
    """The piece with some bars of the work, from bar `since` on, in place of its own."""
    edges = piece.edges
    begin, end = int(edges[at]), int(edges[at + count])
    notes = work.excerpt(since, since + count).notes.copy()
    notes["start"] += begin
    notes = notes[notes["start"] < end]
    stay = (piece.notes["start"] < begin) | (piece.notes["start"] >= end)
    return replace(piece, notes=np.sort(np.concatenate((piece.notes[stay], notes)), order=("start", "pitch", "part")))


def _seam(piece: Piece, bar: int, changes: np.ndarray) -> list[list[float]]:
    """What happens over the line before a bar, from the last beat to the first: see the labels of `seams`; nothing
    where nothing sounds."""
    line, beat = int(piece.edges[bar]), piece.metre(bar).beat
    notes = piece.notes
    ends = notes["start"].astype(int) + notes["duration"]
    left = notes["pitch"][(notes["start"] < line) & (ends > line - beat)].astype(int)
    right = notes["pitch"][(notes["start"] < line + beat) & (notes["start"] >= line)].astype(int)
    if not len(left) or not len(right):
        return []
    melody, bass = abs(int(left.max()) - int(right.max())), abs(int(left.min()) - int(right.min()))
    chords = _chords_at(piece, np.array([line - 1, line]))
    nats = float("nan") if (chords < 0).any() else float(changes[_change(*chords.tolist())])
    return [[melody, float(0 < melody <= 2), bass, nats]]


def _change(before: int, after: int) -> tuple[int, int]:
    """A chord change: the modes of both chords, and by how many semitones the root goes up."""
    return before // 12 * 2 + after // 12, (after - before) % 12


def _chord_changes(works: Sequence[Piece]) -> np.ndarray:
    """(4, 12) nats of each change over a bar line in training works, staying among them."""
    counts = np.ones((4, 12))
    for work in works[::4]:
        lines = work.edges[1:-1].astype(int)
        left, right = _chords_at(work, lines - 1), _chords_at(work, lines)
        for before, after in zip(left.tolist(), right.tolist(), strict=True):
            if before >= 0 and after >= 0:
                counts[_change(before, after)] += 1
    return -np.log(counts / counts.sum())


def _chords_at(piece: Piece, places: np.ndarray) -> np.ndarray:
    """(n,) the chord at each place: its root, and 12 more for a minor third; -1 where there is none."""
    chords = find_chords(piece)
    which = chords.at(places)
    if not len(chords.start):
        return np.full(len(places), -1)
    minor = np.isin(chords.quality, (1, 2, 4, 5))
    return np.where(which >= 0, chords.root[which] + 12 * minor[which], -1)


def _degrees(piece: Piece, places: np.ndarray) -> list[tuple[int, bool]]:
    """The scale degree of the top line at each place, in semitones above the tonic, and the mode."""
    top = piece.notes[part_of_notes(piece) == 0]
    starts = top["start"]
    found = []
    for place in places.tolist():
        at = int(np.searchsorted(starts, place, side="right")) - 1
        degree = (int(top["pitch"][at]) - piece.key.tonic) % 12 if at >= 0 else 0
        found.append((degree, piece.key.minor))
    return found


def _commonest(works: Sequence[Piece]) -> dict[tuple[int, bool], int]:
    """For each scale degree and mode the commonest chord over it, relative to the tonic, in training works."""
    counts: dict[tuple[int, bool], np.ndarray] = {}
    for work in works[::4]:
        places = beats(work)[:-1]
        chords = _chords_at(work, places)
        for degree, chord in zip(_degrees(work, places), chords.tolist(), strict=True):
            if chord >= 0:
                relative = (chord % 12 - work.key.tonic) % 12 + 12 * (chord // 12)
                counts.setdefault(degree, np.zeros(24))[relative] += 1
    return {degree: int(row.argmax()) for degree, row in counts.items()}


def _windows(
    tests: Sequence[Song], bars: int, count: int, random: np.random.Generator, context: int
) -> list[tuple[Song, int]]:
    """Songs and their bars at which excerpts of so many bars begin that fit into the network's context."""
    found: list[tuple[Song, int]] = []
    for _ in range(200 * count):
        song = tests[int(random.integers(len(tests)))]
        if len(song.first) - 1 < bars:
            continue
        begin = int(random.integers(len(song.first) - bars))
        if song.first[begin + bars] - song.first[begin] + 2 * bars < context:
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
