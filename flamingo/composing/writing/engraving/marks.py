"""What stands over, under and before the notes: tempo marks, loudness marks and clefs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.writing.engraving.notes import Note

_LEVELS = (("ppp", 0), ("pp", 22), ("p", 38), ("mp", 52), ("mf", 65), ("f", 82), ("ff", 100), ("fff", 116))
CLEFS: dict[str, tuple[str, int, int, int, int]] = {
    # sign, line, octave change, and the lowest and the highest pitch without ledger lines
    "treble": ("G", 2, 0, 62, 79),
    "bass": ("F", 4, 0, 41, 59),
    "alto": ("C", 3, 0, 52, 69),
    "tenor": ("G", 2, -1, 50, 67),
    "contra": ("F", 4, -1, 29, 47),
    "high": ("G", 2, 1, 74, 91),
}


def tempo_marks(piece: Piece) -> dict[int, float]:
    """Quarter notes a minute, by the bar from which they are written: the first, and great changes that stay.

    Each is the mean of its passage. Where the last passage has more than four bars, its last two do not count, since
    a ritardando at the end must not falsify the tempo that is written where the passage begins.
    """
    edges = piece.edges
    seconds = piece.seconds(edges)
    quarters = np.diff(edges) / UNITS
    minutes = np.maximum(np.diff(seconds), 1e-6) / 60
    bars = len(quarters)
    begins = [0]
    for bar in range(4, bars - 3):
        since = begins[-1]
        if bar - since < 4:
            continue
        before = quarters[since:bar].sum() / minutes[since:bar].sum()
        ahead = quarters[bar : bar + 4] / minutes[bar : bar + 4]
        if ahead.min() / before > 1.35 or before / ahead.max() > 1.35:
            begins.append(bar)
    ends = [*begins[1:], bars - 2 if bars - begins[-1] > 4 else bars]
    return {a: float(quarters[a:b].sum() / minutes[a:b].sum()) for a, b in zip(begins, ends, strict=True)}


def loudness_marks(piece: Piece, parts: Sequence[int]) -> dict[int, str]:
    """Loudness marks of one part, or of both hands, by the bar at which they stand: where the level changes for two
    bars or more."""
    if not piece.expressive:
        return {}
    mine = piece.notes[np.isin(piece.notes["part"], parts)]
    bars = piece.bar_of(mine["start"])
    count = len(piece.bars)
    number = np.bincount(bars, minlength=count).astype(float)
    total = np.bincount(bars, weights=mine["velocity"], minlength=count)
    marks: dict[int, str] = {}
    now = -1
    for bar in range(count):
        if not number[bar]:
            continue
        ahead = slice(bar, bar + 2)
        level = total[ahead].sum() / number[ahead].sum()
        alone = total[bar] / number[bar]
        index = max(i for i, (_, least) in enumerate(_LEVELS) if level >= least)
        if now >= 0:
            floor = _LEVELS[now][1] - 5
            ceiling = (_LEVELS[now + 1][1] if now + 1 < len(_LEVELS) else 128) + 5
            if floor <= level < ceiling or floor <= alone < ceiling:
                continue
        if index != now:
            marks[bar] = _LEVELS[index][0]
            now = index
    return marks


def choose_clefs(staff: list[Note], choices: Sequence[str], edges: Sequence[int]) -> list[str]:
    """The clef of each bar: few ledger lines, and few changes."""
    bars = len(edges) - 1
    cost = np.zeros((bars, len(choices)))
    for note in staff:
        bar = min(bisect_right(edges, note.start) - 1, bars - 1)
        for c, name in enumerate(choices):
            low, high = CLEFS[name][3:]
            beyond = max(low - note.pitch, note.pitch - high, 0) / 3.4
            cost[bar, c] += beyond**1.5
    change = 14.0
    best = cost[0] + np.arange(len(choices)) * 2.0
    back = np.zeros((bars, len(choices)), int)
    for bar in range(1, bars):
        moved = best[:, None] + change * (1 - np.eye(len(choices)))
        back[bar] = moved.argmin(0)
        best = moved.min(0) + cost[bar]
    at = int(best.argmin())
    path = [at]
    for bar in range(bars - 1, 0, -1):
        at = int(back[bar, at])
        path.append(at)
    return [choices[c] for c in reversed(path)]


def clef_choices(program: int, notes: list[Note]) -> tuple[str, ...]:
    """The clefs that suit an instrument that has one staff, the usual one first."""
    if program == 41:
        return ("alto", "treble")
    if 24 <= program <= 31:
        return ("tenor",)
    if 32 <= program <= 39 or program == 43:
        return ("contra",)
    middle = float(np.median([n.pitch for n in notes])) if notes else 72.0
    if middle >= 84:
        return ("high",) if program in (9, 10, 13, 72) else ("treble",)
    if program in (42, 57, 58, 70) or middle < 57:
        return ("bass", "treble")
    return ("treble", "bass") if program < 24 else ("treble",)
