"""The forms that a piece can be asked to have (`compose --form`): which sections it has, in which keys, and which of
them come back.

    period        two halves: the second begins like the first, and ends on the tonic; several in a longer piece
    ternary       A B A, the middle in another key
    rondo         A B A C A, or A B A C A B A: a refrain with episodes in other keys between
    variations    a theme, and the same melody accompanied otherwise, or the same accompaniment under another melody
    sonatina      two themes, the second in the dominant or the relative major; a development; both again, at home

What is commonest in the piano music of 1770 to 1850 (Caplin, Classical Form, 1998; Rosen, Sonata Forms, 1988).
Sections are of whole phrases of four bars; what is over goes to the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

from flamingo.composing.excursions import Excursion
from flamingo.composing.phrases import END, PHRASE, STROPHE, THEME
from flamingo.composing.piece import Key
from flamingo.errors import BadRequest

__all__ = ["FORMS", "Form", "FormSection", "Keeps", "keys_of", "planned", "shortest", "unfit"]

Form = Literal["period", "ternary", "rondo", "variations", "sonatina"]
Keeps = Literal["everything", "melody", "accompaniment"]

FORMS: tuple[Form, ...] = get_args(Form)
_LONG_RONDO = 56  # bars from which on a rondo has three episodes
_LONG_THEME = 64  # bars from which on the theme of variations is a strophe
_SHORTEST: dict[Form, int] = {"period": 8, "ternary": 12, "rondo": 20, "variations": 12, "sonatina": 24}


@dataclass(frozen=True)
class FormSection:
    """A section of a form.

    Attributes:
        name: as it is called: "A", "second theme", "variation 2".
        first, bars: its first bar, counted from 0, and how many it has.
        key: its key.
        like: the first bar of the earlier section that comes back in it; None for a new one.
        back: how many bars of that section come back, from its beginning.
        keeps: what of them comes back; the rest is composed anew to it.
    """

    name: str
    first: int
    bars: int
    key: Key
    like: int | None = None
    back: int = 0
    keeps: Keeps = "everything"

    @property
    def end(self) -> int:
        """The bar after its last one."""
        return self.first + self.bars

    def transposed(self, semitones: int) -> FormSection:
        """The same bars of a piece that is played higher or lower."""
        return replace(self, key=self.key.transposed(semitones))


def shortest(form: Form) -> int:
    """Bars that a form must have at least."""
    return _SHORTEST[form]


def unfit(form: Form, bars: int) -> float:
    """How badly a form fits into so many bars: those that are over, and infinity where it has no room."""
    if bars < shortest(form):
        return float("inf")
    last = planned(form, bars, Key(0))[-1]
    return last.bars if last.name == "coda" else last.bars % PHRASE


def planned(form: Form, bars: int, home: Key) -> tuple[FormSection, ...]:
    """The sections of a piece.

    Args:
        form: which form.
        bars: how many bars the piece has.
        home: its key.

    Raises:
        BadRequest: for too few bars.
    """
    if bars < shortest(form):
        raise BadRequest(
            f"form {form}", f"{bars} bars are too few for it, which takes {shortest(form)}", "ask for more seconds"
        )
    if form == "period":
        return _period(bars, home)
    if form == "variations":
        return _variations(bars, home)
    near, far, developed = _keys(home)
    if form == "ternary":
        outline = [_Outline("A", 3, home), _Outline("B", 2, near), _Outline("A", 3, home, 0)]
    elif form == "rondo":
        refrain = _Outline("A", 4, home, 0)
        outline = [_Outline("A", 4, home), _Outline("B", 3, near), refrain, _Outline("C", 3, far), refrain]
        if bars >= _LONG_RONDO:
            outline += [_Outline("B", 3, home, 1), refrain]
    else:
        outline = [_Outline("first theme", 4, home), _Outline("second theme", 4, near)]
        outline += [_Outline("development", 3, developed)]
        outline += [_Outline("first theme", 4, home, 0), _Outline("second theme", 4, home, 1)]
    return _built(outline, bars)


def keys_of(form: Sequence[FormSection], home: Key) -> tuple[Excursion, ...]:
    """The sections that are in other keys than a piece's own."""
    return tuple(Excursion(each.first, each.bars, each.key) for each in form if each.key != home)


def _keys(home: Key) -> tuple[Key, Key, Key]:
    """Where the first new section of a piece goes (the dominant, or the relative major), where a later one goes (the
    parallel key), and where themes are developed (the relative minor, or the subdominant)."""
    tonic = home.tonic
    if home.minor:
        return Key((tonic + 3) % 12, False), Key(tonic, False), Key((tonic + 5) % 12, True)
    return Key((tonic + 7) % 12, False), Key(tonic, True), Key((tonic + 9) % 12, True)


@dataclass(frozen=True)
class _Outline:
    """A section before it is known how long it is. weight: how long beside the others; like: the number of the one
    that comes back in it, which is as long."""

    name: str
    weight: int
    key: Key
    like: int | None = None


def _built(outline: list[_Outline], bars: int) -> tuple[FormSection, ...]:
    sizes = _sizes(outline, bars // PHRASE)
    sections: list[FormSection] = []
    first = 0
    for number, (each, phrases) in enumerate(zip(outline, sizes, strict=True)):
        size = phrases * PHRASE
        rest = bars - first - size
        if number + 1 == len(outline) and rest < PHRASE:  # too few for a coda
            size += rest
        like = None if each.like is None else sections[each.like]
        back = 0 if like is None else min(like.bars, bars - END - first)
        sections.append(FormSection(each.name, first, size, each.key, None if like is None else like.first, back))
        first += size
    if first < bars:
        sections.append(FormSection("coda", first, bars - first, sections[0].key))
    return tuple(sections)


def _sizes(outline: Sequence[_Outline], phrases: int) -> list[int]:
    """Phrases of each section: about by weight, whole themes rather than odd phrases, and few left over."""
    owner = [number if each.like is None else each.like for number, each in enumerate(outline)]
    new = sorted(set(owner))
    every = sum(each.weight for each in outline)
    ideal = [phrases * outline[number].weight / every for number in new]
    best, least = [1] * len(new), float("inf")
    for sizes in product(*(range(max(1, int(size) - 2), int(size) + 3) for size in ideal)):
        left = phrases - sum(sizes[new.index(number)] for number in owner)
        if left < 0:
            continue
        off = sum(abs(size - wished) for size, wished in zip(sizes, ideal, strict=True))
        odd = sum(size % 2 and size > 1 for size in sizes)
        if (cost := left + 2 * off + odd) < least:
            best, least = list(sizes), cost
    return [best[new.index(number)] for number in owner]


def _period(bars: int, home: Key) -> tuple[FormSection, ...]:
    """One period of two halves; where there is room for more, periods of a strophe, of which the last is the first
    again."""
    if bars < 2 * STROPHE:
        half = max(PHRASE, bars // (2 * PHRASE) * PHRASE)
        return _halves(0, half, bars, home)
    count = bars // STROPHE
    sections: list[FormSection] = []
    for number in range(count):
        first = number * STROPHE
        until = bars if number + 1 == count else first + STROPHE
        if number and number + 1 == count:
            back = min(STROPHE, until - END - first)
            sections.append(FormSection("first period", first, until - first, home, 0, back))
        else:
            sections += _halves(first, first + THEME, until, home)
    return tuple(sections)


def _halves(first: int, middle: int, until: int, key: Key) -> tuple[FormSection, FormSection]:
    half = middle - first
    back = max(half - PHRASE, PHRASE // 2)
    return FormSection("antecedent", first, half, key), FormSection(
        "consequent", middle, until - middle, key, first, back
    )


def _variations(bars: int, home: Key) -> tuple[FormSection, ...]:
    theme = PHRASE if bars < 3 * THEME else THEME if bars < _LONG_THEME else STROPHE
    sections = [FormSection("theme", 0, theme, home)]
    count = bars // theme - 1
    kept: tuple[Keeps, ...] = ("melody", "accompaniment")
    for number in range(count):
        first = theme * (number + 1)
        last = number == count - 1
        size = bars - first if last else theme
        back = min(theme, size - END) if last else theme
        sections.append(FormSection(f"variation {number + 1}", first, size, home, 0, back, kept[number % 2]))
    return tuple(sections)
