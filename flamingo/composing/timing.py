"""How many bars, at which tempo, fill a time exactly: for a whole piece, and for the sections of one.

Seconds are asked for and met. Without a tempo, whole bars are counted at the tempo that is wished for, which is then
moved so that they fill the time. With a tempo, every bar before the last two is played just so, and the last chord is
held for what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from flamingo.composing.piece import UNITS, Metre
from flamingo.errors import BadRequest

SHORTEST, LONGEST = 4.0, 3600.0
"""Seconds that a piece may last."""
SLOWEST, FASTEST = 30.0, 280.0
"""Quarter notes a minute that may be asked for."""
BEFORE_LAST, LAST = 1.12, 1.45
"""How much longer than in tempo the last two bars last. Human endings slow down by about this much."""
_LEAST_LAST, _MOST_LAST = 1.0, 2.2
_LEAST = 2  # bars in a section
# A section may be played so many times as fast as its mood asks for, where the time is short; then it is refused.
_HURRIED = 1.6
_MOVED = 1.12  # by how much a tempo is moved at most, so that bars fit a form


def whole(
    seconds: float,
    tempo: float,
    metre: Metre,
    fixed_tempo: bool,
    better: Callable[[int], float] = lambda bars: 0.0,
) -> tuple[int, float, float]:
    """Bars, tempo and stretch of the last bar that fill the time exactly.

    Args:
        seconds: the time.
        tempo: in quarter notes a minute.
        metre: of all bars.
        fixed_tempo: whether the tempo may not be moved.
        better: how unfit a number of bars is; where the tempo may be moved, the fittest number near by is taken.

    Raises:
        BadRequest: where two bars do not fit.
    """
    bar = metre.units / UNITS * 60 / tempo

    def stretched(n: int, last: float) -> float:
        return n - 2 + (BEFORE_LAST if n >= 3 else 1.0) + last

    if fixed_tempo:
        # The largest number of bars whose last one is still held at least as long as written.
        for n in range(max(2, int(seconds / bar) + 2), 1, -1):
            last = seconds / bar - stretched(n, 0.0)
            if last >= _LEAST_LAST:
                if last <= _MOST_LAST + 0.2:
                    return n, tempo, last
                break
        shortest = bar * stretched(2, _LEAST_LAST)
        raise BadRequest(
            f"{seconds:g} s at tempo {tempo:g} in {metre}",
            f"two bars alone take {shortest:.1f} s",
            f"ask for a tempo of {math.ceil(tempo * shortest / seconds)} or more, or for more seconds",
        )
    n = max(2, round(seconds / bar - (BEFORE_LAST + LAST - 2)))
    near = range(max(2, math.ceil(n / _MOVED)), math.floor(n * _MOVED) + 1)
    n = min(near, key=lambda bars: (better(bars), abs(bars - n)))
    bpm = metre.units / UNITS * 60 * stretched(n, LAST) / seconds
    return n, float(bpm), LAST


def along(seconds: float, tempos: Sequence[float], shares: Sequence[float], metre: Metre) -> list[tuple[int, float]]:
    """Bars and tempo of each of several sections, which get exactly their shares of the time, at the tempos wished
    for or near them. The last bar of each leads over to the tempo of the next, and lasts as long as the mean of one
    of each.

    Args:
        seconds: the time of all.
        tempos: the tempo that each section would have.
        shares: of the time, which sum to 1.
        metre: of all bars.

    Raises:
        BadRequest: where two bars of each do not fit, with the seconds in which they would.
    """
    sections = _along(seconds, tempos, shares, metre.units / UNITS)
    if sections is None:
        longer = (s for s in _longer(seconds) if _along(s, tempos, shares, metre.units / UNITS))
        raise _too_short(seconds, len(shares), next(longer, None))
    return sections


def _along(
    seconds: float, tempos: Sequence[float], shares: Sequence[float], quarters: float
) -> list[tuple[int, float]] | None:
    """From the last section to the first, since each leads over to the tempo of the next. quarters: in a bar."""
    sections: list[tuple[int, float]] = []
    after: float | None = None  # seconds a quarter in the section after
    for tempo, share in zip(reversed(tempos), reversed(shares), strict=True):
        time = share * seconds / quarters
        # Bars that the section lasts beyond those it has: the ritardando, or the half bar that is in the next tempo.
        beyond = BEFORE_LAST + LAST - 2 if after is None else -0.5
        time -= 0.0 if after is None else after / 2
        bars = max(_LEAST, round(time * tempo / 60 - beyond))
        slowness = time / (bars + beyond)
        if slowness <= 60 / min(FASTEST, _HURRIED * tempo):
            return None
        sections.append((bars, 60 / slowness))
        after = slowness
    return sections[::-1]


def divided(seconds: float, tempo: float, shares: Sequence[float], metre: Metre) -> tuple[list[int], float]:
    """Bars of each of several sections at a tempo that may not be moved, and the stretch of the last bar. Sections
    get their shares of the time to the nearest bar. Raises BadRequest as `along` does."""
    bars, _, last = whole(seconds, tempo, metre, True)
    least = _LEAST * len(shares)
    if bars < least:
        longer = (s for s in _longer(seconds) if whole(s, tempo, metre, True)[0] >= least)
        raise _too_short(seconds, len(shares), next(longer, None))
    ends = [round(float(end)) for end in np.cumsum(shares) * (bars - 2 + BEFORE_LAST + last)]
    for i in range(len(ends)):
        ends[i] = max(ends[i], (ends[i - 1] if i else 0) + _LEAST)
    ends[-1] = bars
    for i in range(len(ends) - 2, -1, -1):
        ends[i] = min(ends[i], ends[i + 1] - _LEAST)
    return [int(n) for n in np.diff([0, *ends])], last


def _longer(seconds: float) -> range:
    return range(math.floor(seconds) + 1, int(LONGEST) + 1)


def _too_short(seconds: float, count: int, enough: int | None) -> BadRequest:
    hint = f"ask for {enough} s or more, or for fewer" if enough else "ask for fewer"
    return BadRequest(f"{count} sections in {seconds:g} s", "two bars of each take longer", hint)
