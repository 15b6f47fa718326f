"""How long each note is written, and how that looks in its bar: cut into values, in triplets, under beams."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flamingo.composing.piece import UNITS, Metre
from flamingo.composing.writing.engraving.notes import EIGHTH, Chord, grid_of

_PLAIN = {96: ("whole", 0), 144: ("whole", 1), 48: ("half", 0), 72: ("half", 1), 24: ("quarter", 0),
          36: ("quarter", 1), 12: ("eighth", 0), 18: ("eighth", 1), 6: ("16th", 0), 9: ("16th", 1),
          3: ("32nd", 0), 192: ("breve", 0)}  # fmt: skip
TRIPLE = {32: ("half", 0), 16: ("quarter", 0), 8: ("eighth", 0), 4: ("16th", 0), 2: ("32nd", 0), 1: ("64th", 0),
          24: ("quarter", 1), 12: ("eighth", 1), 6: ("16th", 1), 48: ("half", 1)}  # fmt: skip
_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}


@dataclass(eq=False)
class Sign:
    """One note head group or rest as it stands in a bar; places are units from the beginning of the bar."""

    start: int
    end: int
    chord: Chord | None
    kind: str
    dots: int
    triplet: tuple[int, int] | None
    first: bool = True  # the beginning of its chord
    last: bool = True
    hidden: bool = False
    beams: dict[int, str] = field(default_factory=dict)


def settle(voice: list[Chord], edges: Sequence[int], bars: Sequence[Metre]) -> None:
    """Give each chord of a voice, in place, the written length that reads best: near the played one, few signs."""
    triple = {c.start // EIGHTH for c in voice if grid_of(c.start) == 4}
    for i, chord in enumerate(voice):
        follows = voice[i + 1].start if i + 1 < len(voice) else edges[-1]
        played = max(1, min(chord.end, edges[-1]) - chord.start)
        options = {follows} if follows - chord.start <= max(6 * played, 12) else set()
        for reach in range(1, follows - chord.start + 1):
            end = chord.start + reach
            cell = (end - 1) // EIGHTH
            if not 0.45 * played <= reach <= max(2.3 * played, 6):
                if reach > 2.3 * played and reach > 6:
                    break
                continue
            step = 4 if cell in triple else 3 if played < 9 or grid_of(chord.start) == 3 else 6
            if end % EIGHTH % step == 0:
                options.add(end)
        if not options:
            options = {follows}

        def price(
            end: int, start: int = chord.start, played: int = played, follows: int = follows
        ) -> tuple[float, int]:
            here = bisect_right(edges, start) - 1
            edge, there = edges[here + 1], bisect_right(edges, end - 1) - 1
            ratio = math.log2((end - start) / played)
            cost = 1.1 * ratio if ratio > 0 else -2.5 * ratio
            cost += len(_cut(start - edges[here], min(end, edge) - edges[here], bars[here])) + (there - here)
            stop = min(follows, edges[there + 1])
            cost += 1.15 * (end == stop < follows)  # a bar that begins with a rest
            if stop > end:
                base = edges[there]
                cost += 1.15 * len(_cut(end - base, stop - base, bars[there], rest=True))
                cost += 1.2 * (end - start < 6)  # a tiny note before a rest is rather one with a dot over it
            return cost, end

        best = min(options, key=price)
        chord.staccato = best - chord.start >= 1.9 * played and best - chord.start <= UNITS and played >= 2
        chord.end = best


def signs_of_bar(voice: list[Chord], base: int, metre: Metre) -> list[Sign]:
    """All that a voice has in the bar that starts at `base`, rests included, in order."""
    end = base + metre.units
    spans: list[tuple[int, int, Chord | None]] = []
    at = 0
    for chord in voice:
        begin, stop = max(chord.start, base) - base, min(chord.end, end) - base
        if begin > at:
            spans.append((at, begin, None))
        spans.append((begin, stop, chord))
        at = stop
    if at < metre.units:
        spans.append((at, metre.units, None))
    stretches = _triplets([s for s, _, _ in spans], metre)
    signs: list[Sign] = []
    for begin, stop, owner in spans:
        bar_signs: list[Sign] = []
        at = begin
        while at < stop:
            inside = next((t for t in stretches if t[0] <= at < t[1]), None)
            upto = min(stop, inside[1] if inside else min((t[0] for t in stretches if t[0] > at), default=stop))
            if inside and (at, upto) != inside:
                for piece_start, piece_end in _cut_triplet(at, upto, inside):
                    kind, dots = TRIPLE[piece_end - piece_start]
                    bar_signs.append(Sign(piece_start, piece_end, owner, kind, dots, inside))
            else:
                for piece_start, piece_end in _cut(at, upto, metre, owner is None):
                    kind, dots = _PLAIN.get(piece_end - piece_start, ("64th", 0))
                    bar_signs.append(Sign(piece_start, piece_end, owner, kind, dots, None))
            at = upto
        for i, sign in enumerate(bar_signs):
            sign.first = i == 0 and (owner is None or owner.start >= base)
            sign.last = i == len(bar_signs) - 1 and (owner is None or owner.end <= end)
        signs += bar_signs
    return signs


def _strength(offset: int, metre: Metre) -> int:
    """How much weight a place in the bar has; the higher, the less a value may hide it."""
    if offset % metre.units == 0:
        return 9
    beat = metre.beat
    if offset % beat == 0:
        beats = metre.units // beat
        return 7 if beats % 2 == 0 and beats > 2 and offset % (metre.units // 2) == 0 else 6
    for weight, step in ((5, 24 if beat == 48 else 12), (4, 12), (3, 6), (2, 3)):
        if offset % step == 0:
            return weight
    return 0


@lru_cache(maxsize=20000)
def _cut(start: int, end: int, metre: Metre, rest: bool = False) -> tuple[tuple[int, int], ...]:
    """Cut what lies in one bar from `start` to `end` (units from its beginning) into plain values."""
    if start >= end:
        return ()
    length = end - start
    inside = [p for p in range(start + 1, end) if p % 3 == 0]
    if not inside:
        return ((start, end),)
    strong = max(inside, key=lambda p: (_strength(p, metre), -abs(p - (start + end) / 2)))
    if length in _PLAIN and _readable(start, end, metre, _strength(strong, metre), rest):
        return ((start, end),)
    return _cut(start, strong, metre, rest) + _cut(strong, end, metre, rest)


def _readable(start: int, end: int, metre: Metre, hidden: int, rest: bool) -> bool:
    length = end - start
    dotted = _PLAIN[length][1] == 1
    beat = metre.beat
    begins, ends = _strength(start, metre), _strength(end, metre)
    if start == 0 and length == metre.units:
        return True
    if beat == 36:  # compound: values end or begin on beats; whole beats together
        if hidden >= 6:
            return start % 36 == 0 and length in (72, 144) and (length == 72 or start == 0)
        return not dotted or begins >= 6 or (length <= 18 and (begins >= 5 or ends >= 5))
    if hidden >= 7 and start != 0:  # the middle of the bar stays visible
        return not rest and length == 48 and beat == 24 and start == 24
    if rest:
        return (not dotted and start % length == 0 and hidden <= 6) or (
            dotted and length <= 18 and start % 24 == 0 < 0
        )
    if hidden >= 6:  # over a beat: from a beat on, or one step of syncopation
        if begins >= 6:
            return not (dotted and start % 48 and metre.numerator % 2 == 0) or ends >= 7
        if length == beat and begins >= 4 and start % (beat // 2) == 0:
            return True
        return dotted and ends >= 6 and length == 36 and begins >= 5
    if dotted:
        return begins > hidden or ends > hidden
    return start % length == 0 or begins >= hidden or ends >= hidden or start % (length // 2 or 1) == 0


def _triplets(places: Iterable[int], metre: Metre) -> list[tuple[int, int]]:
    """The stretches of a bar, (begin, end) in units, that a voice with these onsets and ends has in triplets."""
    inside = sorted({p for p in places if 0 < p < metre.units})
    odd = [p for p in inside if p % 3]
    if not odd:
        return []
    stretches: list[tuple[int, int]] = []
    eighths_in_use: set[int] = set()
    compound = metre.beat == 36
    if not compound:
        for at in sorted(range(0, metre.units - 47, 24), key=lambda a: (a % 48, a)):
            within = {p - at for p in inside if at < p < at + 48}
            if within and within <= {16, 32} and not {at // 24, at // 24 + 1} & eighths_in_use:
                stretches.append((at, at + 48))
                eighths_in_use |= {at // 24, at // 24 + 1}
    for at in range(0, metre.units, 24):
        beat = [p - at for p in inside if at < p < at + 24]
        if (at // 24 in eighths_in_use and not compound) or not any(p % 3 for p in beat):
            continue
        if not compound and at + 24 <= metre.units and 12 not in beat and all(p % 4 == 0 for p in beat):
            stretches.append((at, at + 24))
            continue
        for half in (0, 12):
            if any(p % 3 for p in beat if half < p < half + 12):
                stretches.append((at + half, at + half + 12))
    return sorted(stretches)


def _cut_triplet(start: int, end: int, cell: tuple[int, int]) -> list[tuple[int, int]]:
    pieces = []
    third = (cell[1] - cell[0]) // 3
    while start < end:
        sizes = [s for s in sorted(TRIPLE, reverse=True) if s <= end - start]
        # A value that begins inside a third ends with it, unless it is the whole rest.
        inside = (start - cell[0]) % third
        size = next((s for s in sizes if not inside or s <= third - inside or s == end - start), sizes[-1])
        pieces.append((start, start + size))
        start += size
    return pieces


def hide_rests(here: list[tuple[int, list[Sign]]]) -> None:
    """Where several voices share a staff, keep rests only where nothing else fills the time, and only once."""
    if len(here) < 2:
        return
    filled: set[int] = set()
    for _, signs in here:
        for sign in signs:
            if sign.chord is not None:
                filled.update(range(sign.start, sign.end))
    for _, signs in here:
        for sign in signs:
            if sign.chord is None:
                span = set(range(sign.start, sign.end))
                if sign.triplet is None and span <= filled:
                    sign.hidden = True
                else:
                    filled |= span


def beam(signs: list[Sign], metre: Metre) -> None:
    """Join flags, in place: within beats; eighths within half bars of 4/4 and bars of 2/4, 3/4 and 3/8."""

    def span(sign: Sign, size: int) -> int:
        return sign.start // size

    beat = metre.beat if metre.beat >= 24 else metre.units if metre.units <= 48 else 24
    wide = {(4, 4): 48, (2, 4): 48, (3, 4): 72, (2, 2): 48}.get((metre.numerator, metre.denominator), beat)
    straight = {
        span(s, wide)
        for s in signs
        if (s.triplet and s.chord) or (s.kind in ("16th", "32nd", "64th") or (s.dots and s.kind == "eighth"))
    }
    group: list[Sign] = []
    before: Any = None
    for sign in [*signs, None]:
        where: Any = None
        if sign is not None and sign.chord is not None and sign.kind in _FLAGS:
            large = span(sign, wide)
            where = ("beat", span(sign, beat)) if large in straight else ("wide", large)
        if (where is None or where != before or sign is None) and group:
            _join(group)
            group = []
        if where is not None and sign is not None:
            group.append(sign)
        before = where


def _join(group: list[Sign]) -> None:
    if len(group) < 2:
        return
    flags = [_FLAGS[s.kind] for s in group]
    for level in range(1, max(flags) + 1):
        for i, sign in enumerate(group):
            if flags[i] < level:
                continue
            back = i > 0 and flags[i - 1] >= level
            on = i + 1 < len(group) and flags[i + 1] >= level
            if back and on:
                sign.beams[level] = "continue"
            elif back or on:
                sign.beams[level] = "end" if back else "begin"
            else:
                sign.beams[level] = (
                    "backward hook" if i and (i + 1 == len(group) or sign.start % 12) else "forward hook"
                )
