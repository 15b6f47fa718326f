"""The themes of a section, eight bars each: where their phrases rest, and which bars come back.

A network that hears some twenty bars plans none of this, so it is planned for it, after what is commonest in the
piano music of 1770 to 1850 (Caplin, Classical Form, 1998). A theme is one of seven:

    period      its bars 4 and 5 begin it again
    sentence    its bars 2 and 3 say its first two again
    rising      the same, a step of the scale higher: a sequence
    falling     the same, a step lower
    repeat      the second of a strophe: its first phrase is that of the first, and ends otherwise
    developed   the first of a later strophe: the first two bars of the section, and these again a step higher
    free        nothing in it comes back

Each rests on the dominant in bar 3 (half cadence) and on the tonic in bar 7 (authentic cadence). Two themes are a
strophe. In a section of one strophe the first theme begins again in its last phrase; a longer one comes back to it
whole in its last strophe. Bars that return are the same notes, in the key that the music is in by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

__all__ = [
    "END",
    "PHRASE",
    "STROPHE",
    "THEME",
    "Return",
    "ThemeType",
    "function",
    "left",
    "recapitulation",
    "rest",
    "returns",
    "themes",
]

ThemeType = Literal["period", "sentence", "rising", "falling", "repeat", "developed", "free"]

PHRASE, THEME, STROPHE = 4, 8, 16  # bars
END = 2  # bars that are left to the end of a section, or of the piece, in which nothing comes back
_OFTEN: dict[ThemeType, float] = {"period": 0.45, "sentence": 0.15, "rising": 0.1, "falling": 0.1, "free": 0.2}
"""So that bars two and four apart are as alike as in people's music: bench/compose.py --only form."""
_REPEATED, _DEVELOPED = 0.45, 0.3
"""How often the second theme of a strophe repeats the first, and that of a later strophe develops the opening."""
_HEAD = 2  # bars of the opening that are developed
_AGAIN: dict[ThemeType, tuple[int, int, int]] = {
    "period": (4, 3, 4),
    "sentence": (2, 2, 2),
    "rising": (2, 2, 2),
    "falling": (2, 2, 2),
    "repeat": (0, 4, 8),
    "developed": (0, 0, 0),
    "free": (0, 0, 0),
}
"""The bar of a theme at which something comes back, how many bars of it, and how many bars before it was."""
_STEPS: dict[ThemeType, int] = {"rising": 1, "falling": -1}
_LAST_PART = 8  # bars that must be left for the first theme to come back whole


class Return(NamedTuple):
    """What a bar repeats. bar: the earlier one; steps: of the scale by which it lies higher."""

    bar: int
    steps: int = 0


def themes(bars: int, random: np.random.Generator, *, sure: bool = False) -> tuple[ThemeType, ...]:
    """What each theme of a section of so many bars is. sure: whether every later strophe develops the opening."""
    kinds = list(_OFTEN)
    count = -(-bars // THEME)
    drawn = random.choice(len(kinds), size=count, p=list(_OFTEN.values()))
    chance = random.random(count)
    found: list[ThemeType] = []
    for number, (kind, at) in enumerate(zip(drawn.tolist(), chance.tolist(), strict=True)):
        second = number * THEME % STROPHE >= THEME
        if second and at < _REPEATED:
            found.append("repeat")
        elif number and not second and at < (1.0 if sure else _DEVELOPED):
            found.append("developed")
        else:
            found.append(kinds[kind])
    return tuple(found)


def recapitulation(bars: int) -> int | None:
    """The bar of a section of so many bars in which its first theme comes back whole; None in a short one."""
    begin = (bars - _LAST_PART) // STROPHE * STROPHE
    return begin if begin > 0 else None


def returns(at: int, bars: int, kinds: Sequence[ThemeType], *, strophic: bool = True) -> Return | None:
    """What bar `at` of a section of so many bars repeats, or None. kinds: of its themes, those without one are free;
    strophic: whether it comes back to its first theme at its end."""
    again = recapitulation(bars) if strophic else None
    if again is not None and again <= at < again + PHRASE:
        return Return(at - again)
    last = STROPHE - PHRASE  # where the first theme of a single strophe begins again
    if strophic and again is None and last <= at < STROPHE - 1:
        return Return(at - last) if at + 1 + END <= bars else None
    begin = at - at % THEME
    kind = kinds[begin // THEME] if begin // THEME < len(kinds) else "free"
    if kind == "developed":
        now = at - begin
        return (
            Return(now % _HEAD, now // _HEAD) if 0 < begin != again and now < 2 * _HEAD and at + END < bars else None
        )
    first, count, before = _AGAIN[kind]
    if begin != again and first <= at - begin < first + count and begin + first + count + END <= bars:
        return Return(at - before, _STEPS.get(kind, 0)) if at >= before else None
    return None


def rest(at: int, bars: int) -> Literal["half", "authentic"] | None:
    """The cadence in which a phrase rests in bar `at` of a section of so many bars, if one does. The last two bars
    are left to the end of the section."""
    if at % PHRASE != PHRASE - 1 or at >= bars - END:
        return None
    return "authentic" if at % THEME == THEME - 1 else "half"


def function(at: int, bars: int) -> str:
    """What bar `at` of a section of so many bars does in its phrase, one of phrase_functions.FUNCTIONS."""
    here = "authentic" if at == bars - 1 else rest(at, bars)
    if here:
        return f"{here} cadence"
    return "opening" if at % PHRASE < PHRASE // 2 and left(at, bars) > 1 else "continuation"


def left(at: int, bars: int) -> int:
    """Bars from bar `at` of a section of so many bars to the end of its phrase, this one included. The last phrase
    goes on to the end of the section."""
    end = at - at % PHRASE + PHRASE
    return (bars if bars - end < END else min(end, bars)) - at
