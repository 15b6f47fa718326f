"""Sheet music of a piece: MusicXML for notation programs, and SVG, PDF and PNG pages to look at or print.

A piece holds what is played; a score holds what is read. Between them lie decisions that this file takes in turn:
which hand plays a note, which small deviations of time are not worth writing, which notes share a stem, how long a
note is written, where values are cut and tied, which name a black key gets, and where clef, tempo and loudness are
worth a mark. No note is ever left out.

The MusicXML is written here, element by element. music21 was measured first: given the played notes of a nocturne, it
wrote 32 of 1510 where they had been (what it cannot notate pushes the rest along), in more time than is needed here,
and it would still have to be told hands, voices and names.

Verovio engraves the MusicXML. Its text is turned into outlines here, so that a page looks the same in every viewer.
The PDF is vector, by typst, which takes a tenth of a second for a page and was faithful; svglib took three seconds,
and fpdf2 thirteen for three pages, at the wrong size.
"""

from __future__ import annotations

import io
import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise, permutations
from threading import Lock
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from flamingo.composing.piece import UNITS, Key, Metre, Piece
from flamingo.errors import BadRequest

__all__ = ["pages_svg", "to_musicxml", "to_pdf", "to_png", "to_svg"]

_EIGHTH = UNITS // 2


def to_musicxml(piece: Piece) -> bytes:
    """The score as a MusicXML 4.0 file (partwise, uncompressed, UTF-8).

    A keyboard that is alone has two staves, any other part one. Onsets are those of the piece, except that places
    which no plain or triplet value reaches are moved to the nearest one (2 units at most), and that very short notes
    right before another are written as grace notes. Raises BadRequest for a piece without bars.
    """
    return _score(piece, credits=True)


def _score(piece: Piece, *, credits: bool) -> bytes:
    """`credits`: title and makers as words on the first page too, which other programs show and verovio muddles."""
    if not len(piece.bars):
        raise BadRequest("a score", "the piece has no bars", "compose at least one bar")
    score = ET.Element("score-partwise", version="4.0")
    ET.SubElement(ET.SubElement(score, "work"), "work-title").text = _title(piece)
    ET.SubElement(score, "movement-title").text = _title(piece)
    makers = ET.SubElement(score, "identification")
    ET.SubElement(makers, "creator", type="composer").text = _makers(piece)
    ET.SubElement(ET.SubElement(makers, "encoding"), "software").text = "Flamingo"
    for text, side, size, x, y in (
        (_title(piece), "center", 22, 600, 1640),
        (_makers(piece), "right", 11, 1140, 1590),
    ) * credits:
        words = ET.SubElement(ET.SubElement(score, "credit", page="1"), "credit-words")
        words.text = text
        words.attrib |= {"default-x": str(x), "default-y": str(y), "font-size": str(size), "justify": side}
        words.set("valign", "top")
    listed = ET.SubElement(score, "part-list")
    written = [_Part(piece, part) for part in range(max(1, len(piece.programs)))]
    several = len(written) > 1
    if several:
        group = ET.SubElement(listed, "part-group", type="start", number="1")
        ET.SubElement(group, "group-symbol").text = "bracket"
    for i, part in enumerate(written, 1):
        entry = ET.SubElement(listed, "score-part", id=f"P{i}")
        ET.SubElement(entry, "part-name").text = part.name
        if several:
            ET.SubElement(entry, "part-abbreviation").text = part.short
        ET.SubElement(ET.SubElement(entry, "score-instrument", id=f"P{i}-I1"), "instrument-name").text = part.name
        sound = ET.SubElement(entry, "midi-instrument", id=f"P{i}-I1")
        channel = (i - 1) % 15
        ET.SubElement(sound, "midi-channel").text = str(channel + 1 + (channel >= 9))
        ET.SubElement(sound, "midi-program").text = str(part.program + 1)
    if several:
        ET.SubElement(listed, "part-group", type="stop", number="1")
    tempos = _tempo_marks(piece)
    for i, part in enumerate(written, 1):
        part.write(ET.SubElement(score, "part", id=f"P{i}"), tempos if i == 1 else {})
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
        '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
    )
    ET.indent(score)
    return head.encode() + bytes(ET.tostring(score, encoding="utf-8")) + b"\n"


def _title(piece: Piece) -> str:
    return piece.title or f"Piece in {piece.key.in_words}"


def _makers(piece: Piece) -> str:
    return f"in the persona of {piece.persona}\nby Flamingo" if piece.persona else "by Flamingo"


# -------------------------------------------------------------------------------- the notes as written
@dataclass(eq=False)
class _Note:
    """One note of the piece on its way to paper."""

    index: int
    start: int
    end: int
    pitch: int
    shown: bool = False  # whether its accidental is printed


@dataclass(eq=False)
class _Chord:
    """Notes on one stem, or after cutting, a piece of that."""

    start: int
    end: int
    notes: list[_Note]
    graces: list[list[_Note]] = field(default_factory=list)
    staccato: bool = False
    tied: bool = False  # to what comes before

    @property
    def mean(self) -> float:
        return sum(note.pitch for note in self.notes) / len(self.notes)


def _hands(notes: list[_Note]) -> tuple[list[_Note], list[_Note]]:
    """The notes of the right and of the left hand.

    At each onset the notes are cut in two by height, and the best sequence of cuts is found by a beam search: a hand
    spans about an octave, counting what it still holds, does not leap without need, and the right one stays above
    middle C by preference.
    """
    onsets: dict[int, list[_Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        onsets[note.start].append(note)
    # A path: cost; for each hand (left, right) where it was, since when, and what it holds; the cuts so far.
    first = ((48.0, -UNITS, ()), (72.0, -UNITS, ()))
    paths: list[tuple[float, Any, Any]] = [(0.0, first, None)]
    for start, group in onsets.items():
        found: dict[Any, tuple[float, Any, Any]] = {}
        for cost, hands, cuts in paths:
            held = [[(p, e) for p, e in hand[2] if e > start + 2] for hand in hands]
            for cut in range(len(group) + 1):
                total, after = cost, []
                for side, chosen in enumerate((group[:cut], group[cut:])):
                    centre, since, _ = hands[side]
                    pitches = [n.pitch for n in chosen]
                    if not pitches:
                        total += (0.3 + 1.0 * (start - since <= _EIGHTH)) * (len(group) > 1)
                        after.append((centre, since, tuple(held[side])))
                        continue
                    mean = sum(pitches) / len(pitches)
                    span = pitches[-1] - pitches[0]
                    total += 1.5 * max(0, span - 12) + (20 if span > 16 else 0)
                    every = pitches + [p for p, _ in held[side]]
                    total += 1.4 * max(0, max(every) - min(every) - 14)
                    total += 0.6 * max(0, len(every) - 5)
                    near = math.exp(-(start - since) / UNITS)
                    total += (0.028 + 0.15 * near) * min(abs(mean - centre), 30)
                    wrong = [p - 60 if side == 0 else 60 - p for p in pitches]
                    total += 0.06 * sum(max(0, w + 2) for w in wrong) / len(wrong) ** 0.5
                    other = [p for p, _ in held[1 - side]]
                    if other:  # hands do not cross
                        total += 0.25 * max(0, pitches[-1] - min(other) if side == 0 else max(other) - pitches[0])
                    after.append((mean, start, tuple(held[side]) + tuple((n.pitch, n.end) for n in chosen)))
                key = (tuple(after[0][:2]), tuple(after[1][:2]), len(after[0][2]), len(after[1][2]))
                if key not in found or found[key][0] > total:
                    found[key] = (total, tuple(after), (cut, cuts))
        paths = sorted(found.values(), key=lambda path: path[0])[:20]
    cuts = paths[0][2]
    right: list[_Note] = []
    left: list[_Note] = []
    for group in reversed(onsets.values()):
        cut, cuts = cuts
        left += group[:cut]
        right += group[cut:]
    return right, left


def _tidy(notes: list[_Note], edges: Sequence[int]) -> dict[int, list[list[_Note]]]:
    """Move onsets to places that can be written, in place, and take grace notes out of the list.

    Multiples of 3 (plain values) and of 4 (triplets) can; multiples of 2 can in a run of them. Returns for each onset
    the grace notes before it, first to last; those are no longer in `notes`.
    """
    onsets: dict[int, list[_Note]] = defaultdict(list)
    for note in notes:
        onsets[note.start].append(note)
    cells: dict[int, list[int]] = defaultdict(list)
    for start in onsets:
        cells[start // _EIGHTH].append(start % _EIGHTH)
    quick = {c for c, at in cells.items() if len(at) >= 4 and all(p % 2 == 0 for p in at) and {2, 10} & set(at)}
    graces: dict[int, list[list[_Note]]] = {}
    waiting: list[list[_Note]] = []
    order = sorted(onsets)
    for i, start in enumerate(order):
        group = onsets[start]
        gap = order[i + 1] - start if i + 1 < len(order) else 99
        place = start % _EIGHTH
        short = all(n.end - n.start <= 6 for n in group) and len(group) <= 2
        plain = place % 3 == 0 or place % 4 == 0 or start // _EIGHTH in quick
        if short and gap <= 3 and (not plain or (gap <= 2 and start // _EIGHTH not in quick)) and len(waiting) < 6:
            waiting.append(group)
            continue
        if waiting:
            graces[start] = waiting
            waiting = []
        if plain:
            continue
        base = start - place
        at = cells[start // _EIGHTH]
        by_three = any(p % 4 == 0 and p for p in at) and not any(p % 3 == 0 and p for p in at)
        grid = (0, 4, 8, 12) if by_three else (0, 3, 6, 9, 12)
        free = [g for g in grid if base + g not in onsets or abs(place - g) == 1]
        target = base + min(free or grid, key=lambda g: (abs(place - g), g))
        if start in graces:
            graces[target] = graces.get(target, []) + graces.pop(start)
        for note in group:
            note.start = min(target, edges[-1] - 3)
            note.end = max(note.end, note.start + 2)
    gone = {id(note) for groups in graces.values() for group in groups for note in group}
    notes[:] = [note for note in notes if id(note) not in gone]
    return graces


def _clusters(group: list[_Note]) -> list[list[list[_Note]]]:
    """Ways to see notes struck together: as one chord, or as two or three of different length."""
    ordered = sorted(group, key=lambda n: n.end)
    ways = [[ordered]]
    gaps = sorted(range(1, len(ordered)), key=lambda i: ordered[i - 1].end - ordered[i].end)
    gaps = [i for i in gaps if ordered[i].end - ordered[i - 1].end > 3]
    if gaps:
        ways.append([ordered[: gaps[0]], ordered[gaps[0] :]])
    if len(gaps) > 1:
        a, b = sorted(gaps[:2])
        ways.append([ordered[:a], ordered[a:b], ordered[b:]])
    if not gaps and len({n.pitch for n in group}) < len(group):  # the same key twice: two stems
        again = [n for i, n in enumerate(ordered) if any(m.pitch == n.pitch for m in ordered[:i])]
        ways.append([[n for n in ordered if n not in again], again])
    return ways


def _grid_of(start: int) -> int:
    """3 for places that only plain values reach, 4 for triplets, 0 where both do."""
    place = start % _EIGHTH
    return 0 if place == 0 else 3 if place % 3 == 0 else 4


def _worth(long: int, short: int) -> float:
    """The cost of writing one length for another: nothing for legato that overlaps a little."""
    ratio = math.log2(max(long, 1) / max(short, 1))
    return 0.0 if long - short <= 2 else max(0.0, ratio - 0.32) * 2.6


def _voices(notes: list[_Note], edges: Sequence[int], most: int = 4) -> list[list[_Chord]]:
    """Put the notes of a staff on up to `most` voices: 0 the upper, 1 the lower, 2 and 3 between them.

    A beam search over the onsets. It pays for each voice a bar needs, for notes cut short because their voice goes
    on, for unequal notes made one chord, for voices that cross or leap, and for triplets against plain values.
    """
    onsets: dict[int, list[_Note]] = defaultdict(list)
    for note in notes:
        onsets[note.start].append(note)
    # A voice is (start, end, mean pitch, grid of its eighth) of its last chord. A path: cost, voices, used in this
    # bar, and the choices so far.
    idle = (-1, -1, 0.0, 0)
    paths: list[tuple[float, tuple[Any, ...], int, Any]] = [(0.0, (idle,) * most, 0, None)]
    bar = -1
    for start in sorted(onsets):
        here = bisect_right(edges, start) - 1
        if here != bar:
            bar = here
            fresh = []
            for cost, voices, _, chosen in paths:
                used = sum(1 << v for v, voice in enumerate(voices) if voice[1] > start + 2)
                fresh.append((cost, voices, used, chosen))
            paths = fresh
        found: dict[Any, tuple[float, tuple[Any, ...], int, Any]] = {}
        grid = _grid_of(start)
        for way in _clusters(onsets[start]):
            chords = []
            spread = 0.0
            for members in way:
                ends = [n.end - start for n in members]
                length = sorted(ends)[len(ends) // 2]
                spread += sum(_worth(max(e, length), min(e, length)) for e in ends)
                pitches = [n.pitch for n in members]
                spread += 5.0 * (len(pitches) - len(set(pitches)))
                chords.append((start, start + length, sum(pitches) / len(pitches), members))
            for cost, voices, used, chosen in paths:
                reach = min(most, used.bit_length() + len(chords)) if used else len(chords)
                for places in permutations(range(max(reach, len(chords))), len(chords)):
                    total = cost + spread
                    now = list(voices)
                    mask = used
                    for place, (s, e, mean, _) in zip(places, chords, strict=True):
                        was = voices[place]
                        if was[1] > s:
                            if was[0] >= s:
                                total += 50
                            total += _worth(was[1] - was[0], s - was[0])
                        if not mask >> place & 1:
                            total += (0.0, 1.6, 4.0, 7.0)[mask.bit_count()] + (0.8 if place and not mask else 0.0)
                            mask |= 1 << place
                        elif was[0] >= 0:
                            total += 0.03 * min(abs(mean - was[2]), 24)
                        same = was[0] >= 0 and was[0] // _EIGHTH == s // _EIGHTH
                        if same and was[3] and grid and was[3] != grid:
                            total += 4.0
                        now[place] = (s, e, mean, grid or (was[3] if same else 0))
                    if mask & 3 == 3:
                        upper, lower = now[0], now[1]
                        if min(upper[1], lower[1]) > start and upper[2] <= lower[2]:
                            total += 1.2 + 0.08 * (lower[2] - upper[2])
                    key = (tuple((v[0], v[1], round(v[2])) if v[1] > start else 0 for v in now), mask)
                    if key not in found or found[key][0] > total:
                        found[key] = (total, tuple(now), mask, ((chords, places), chosen))
        paths = sorted(found.values(), key=lambda path: path[0])[:10]
    result: list[list[_Chord]] = [[] for _ in range(most)]
    steps = paths[0][3]
    while steps is not None:
        (chords, places), steps = steps
        for place, (s, e, _, members) in zip(places, chords, strict=True):
            result[place].append(_Chord(s, e, sorted(members, key=lambda n: n.pitch)))
    for voice in result:
        voice.reverse()
        for chord, then in pairwise(voice):
            chord.end = min(chord.end, then.start)
    return result


def _settle(voice: list[_Chord], edges: Sequence[int], bars: Sequence[Metre]) -> None:
    """Give each chord of a voice, in place, the written length that reads best: near the played one, few signs."""
    triple = {c.start // _EIGHTH for c in voice if _grid_of(c.start) == 4}
    for i, chord in enumerate(voice):
        follows = voice[i + 1].start if i + 1 < len(voice) else edges[-1]
        played = max(1, min(chord.end, edges[-1]) - chord.start)
        options = {follows} if follows - chord.start <= max(6 * played, 12) else set()
        for reach in range(1, follows - chord.start + 1):
            end = chord.start + reach
            cell = (end - 1) // _EIGHTH
            if not 0.45 * played <= reach <= max(2.3 * played, 6):
                if reach > 2.3 * played and reach > 6:
                    break
                continue
            step = 4 if cell in triple else 3 if played < 9 or _grid_of(chord.start) == 3 else 6
            if end % _EIGHTH % step == 0:
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


_PLAIN = {96: ("whole", 0), 144: ("whole", 1), 48: ("half", 0), 72: ("half", 1), 24: ("quarter", 0),
          36: ("quarter", 1), 12: ("eighth", 0), 18: ("eighth", 1), 6: ("16th", 0), 9: ("16th", 1),
          3: ("32nd", 0), 192: ("breve", 0)}  # fmt: skip
_TRIPLE = {32: ("half", 0), 16: ("quarter", 0), 8: ("eighth", 0), 4: ("16th", 0), 2: ("32nd", 0), 1: ("64th", 0),
           24: ("quarter", 1), 12: ("eighth", 1), 6: ("16th", 1), 48: ("half", 1)}  # fmt: skip


def _strength(place: int, metre: Metre) -> int:
    """How much weight a place in the bar has; the higher, the less a value may hide it."""
    if place % metre.units == 0:
        return 9
    beat = metre.beat
    if place % beat == 0:
        beats = metre.units // beat
        return 7 if beats % 2 == 0 and beats > 2 and place % (metre.units // 2) == 0 else 6
    for weight, step in ((5, 24 if beat == 48 else 12), (4, 12), (3, 6), (2, 3)):
        if place % step == 0:
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
    found: list[tuple[int, int]] = []
    taken: set[int] = set()
    compound = metre.beat == 36
    if not compound:
        for at in sorted(range(0, metre.units - 47, 24), key=lambda a: (a % 48, a)):
            within = {p - at for p in inside if at < p < at + 48}
            if within and within <= {16, 32} and not {at // 24, at // 24 + 1} & taken:
                found.append((at, at + 48))
                taken |= {at // 24, at // 24 + 1}
    for at in range(0, metre.units, 24):
        beat = [p - at for p in inside if at < p < at + 24]
        if (at // 24 in taken and not compound) or not any(p % 3 for p in beat):
            continue
        if not compound and at + 24 <= metre.units and 12 not in beat and all(p % 4 == 0 for p in beat):
            found.append((at, at + 24))
            continue
        for half in (0, 12):
            if any(p % 3 for p in beat if half < p < half + 12):
                found.append((at + half, at + half + 12))
    return sorted(found)


@dataclass(eq=False)
class _Sign:
    """One note head group or rest as it stands in a bar; places are units from the beginning of the bar."""

    start: int
    end: int
    chord: _Chord | None
    kind: str
    dots: int
    triplet: tuple[int, int] | None
    first: bool = True  # the beginning of its chord
    last: bool = True
    hidden: bool = False
    beams: dict[int, str] = field(default_factory=dict)


def _signs(voice: list[_Chord], base: int, metre: Metre) -> list[_Sign]:
    """All that a voice has in the bar that starts at `base`, rests included, in order."""
    end = base + metre.units
    spans: list[tuple[int, int, _Chord | None]] = []
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
    signs: list[_Sign] = []
    for begin, stop, owner in spans:
        made: list[_Sign] = []
        at = begin
        while at < stop:
            inside = next((t for t in stretches if t[0] <= at < t[1]), None)
            upto = min(stop, inside[1] if inside else min((t[0] for t in stretches if t[0] > at), default=stop))
            if inside and (at, upto) != inside:
                for piece_start, piece_end in _cut_triplet(at, upto, inside):
                    kind, dots = _TRIPLE[piece_end - piece_start]
                    made.append(_Sign(piece_start, piece_end, owner, kind, dots, inside))
            else:
                for piece_start, piece_end in _cut(at, upto, metre, owner is None):
                    kind, dots = _PLAIN.get(piece_end - piece_start, ("64th", 0))
                    made.append(_Sign(piece_start, piece_end, owner, kind, dots, None))
            at = upto
        for i, sign in enumerate(made):
            sign.first = i == 0 and (owner is None or owner.start >= base)
            sign.last = i == len(made) - 1 and (owner is None or owner.end <= end)
        signs += made
    return signs


def _cut_triplet(start: int, end: int, cell: tuple[int, int]) -> list[tuple[int, int]]:
    pieces = []
    third = (cell[1] - cell[0]) // 3
    while start < end:
        sizes = [s for s in sorted(_TRIPLE, reverse=True) if s <= end - start]
        # A value that begins inside a third ends with it, unless it is the whole rest.
        inside = (start - cell[0]) % third
        size = next((s for s in sizes if not inside or s <= third - inside or s == end - start), sizes[-1])
        pieces.append((start, start + size))
        start += size
    return pieces


_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}


def _beam(signs: list[_Sign], metre: Metre) -> None:
    """Join flags, in place: within beats; eighths within half bars of 4/4 and bars of 2/4, 3/4 and 3/8."""

    def span(sign: _Sign, size: int) -> int:
        return sign.start // size

    beat = metre.beat if metre.beat >= 24 else metre.units if metre.units <= 48 else 24
    wide = {(4, 4): 48, (2, 4): 48, (3, 4): 72, (2, 2): 48}.get((metre.numerator, metre.denominator), beat)
    straight = {
        span(s, wide)
        for s in signs
        if (s.triplet and s.chord) or (s.kind in ("16th", "32nd", "64th") or (s.dots and s.kind == "eighth"))
    }
    group: list[_Sign] = []
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


def _join(group: list[_Sign]) -> None:
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


# -------------------------------------------------------------------------------- pitch names
_STEPS = "FCGDAEB"


def _spell(piece: Piece) -> list[tuple[str, int, int]]:
    """(letter, alteration, octave) of every note of the piece.

    Names are places on the line of fifths. Each note takes the one nearest to where the music is: the key, drawn
    towards what was heard last. A note that goes on by a semitone prefers to lead there by another letter.
    """
    # The twelve usual names go from the lowered second to the raised fourth in minor, and in major from the lowered
    # third to the raised fifth; home is their middle.
    signature = piece.key.fifths
    home = signature + (3.6 if piece.key.minor else 2.4)
    notes = piece.notes
    centre, last = home, 0
    names: list[tuple[str, int, int]] = []
    called: dict[int, tuple[int, int]] = {}  # what each pitch class was called last, and when
    starts = notes["start"].astype(int)
    pitches = notes["pitch"].astype(int)
    parts = notes["part"].astype(int)
    for i in range(len(notes)):
        start, pitch = int(starts[i]), int(pitches[i])
        fade = math.exp(-(start - last) / (4 * UNITS))
        centre = home + (centre - home) * fade
        last = start
        leads = 0
        for j in range(i + 1, min(i + 10, len(notes))):  # where this voice goes on by a semitone
            if starts[j] > start and starts[j] <= start + 2 * UNITS and parts[j] == parts[i]:
                step = int(pitches[j]) - pitch
                if abs(step) == 1:
                    leads = step
                    break
                if step == 0:
                    break
        best, price = 0, math.inf
        first = pitch * 7 % 12  # F is -1, C 0, G 1 on the line
        for place in range(first - 36, first + 37, 12):
            alter = (place + 1) // 7
            if abs(alter) > 2:
                continue
            cost = abs(place - 0.55 * centre - 0.45 * home) + 5.0 * (abs(alter) == 2)
            inside = signature - 1 <= place <= signature + 5
            if leads and not inside:
                cost -= 1.8 if (leads > 0) == (place > signature + 2) else 0.0
            if inside:
                cost -= 2.0
            if first in called and called[first][0] == place and start - called[first][1] <= 3 * UNITS:
                cost -= 1.6
            if cost < price:
                best, price = place, cost
        called[first] = (best, start)
        alter = (best + 1) // 7
        letter = _STEPS[(best + 1) % 7]
        natural = pitch - alter
        names.append((letter, alter, natural // 12 - 1))
        centre = 0.88 * centre + 0.12 * best
    return names


# -------------------------------------------------------------------------------- marks over the notes
def _tempo_marks(piece: Piece) -> dict[int, float]:
    """Quarter notes a minute, by the bar from which they are written: the first, and great changes that stay."""
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
    ends = [*begins[1:], bars]
    return {a: float(quarters[a:b].sum() / minutes[a:b].sum()) for a, b in zip(begins, ends, strict=True)}


_LEVELS = (("ppp", 0), ("pp", 22), ("p", 38), ("mp", 52), ("mf", 65), ("f", 82), ("ff", 100), ("fff", 116))


def _dynamics(piece: Piece, part: int) -> dict[int, str]:
    """Loudness marks of a part by the bar at which they stand: where the level changes for two bars or more."""
    if not piece.expressive:
        return {}
    mine = piece.notes[piece.notes["part"] == part]
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


_CLEFS: dict[str, tuple[str, int, int, int, int]] = {
    # sign, line, octave change, and the lowest and the highest pitch without ledger lines
    "treble": ("G", 2, 0, 62, 79),
    "bass": ("F", 4, 0, 41, 59),
    "alto": ("C", 3, 0, 52, 69),
    "tenor": ("G", 2, -1, 50, 67),
    "contra": ("F", 4, -1, 29, 47),
    "high": ("G", 2, 1, 74, 91),
}


def _clefs(staff: list[_Note], choices: Sequence[str], edges: Sequence[int]) -> list[str]:
    """The clef of each bar: few ledger lines, and few changes."""
    bars = len(edges) - 1
    cost = np.zeros((bars, len(choices)))
    for note in staff:
        bar = min(bisect_right(edges, note.start) - 1, bars - 1)
        for c, name in enumerate(choices):
            low, high = _CLEFS[name][3:]
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
    found = [at]
    for bar in range(bars - 1, 0, -1):
        at = int(back[bar, at])
        found.append(at)
    return [choices[c] for c in reversed(found)]


_NAMES = [
    "Piano",
    "Bright Piano",
    "Electric Grand",
    "Honky-tonk Piano",
    "Electric Piano",
    "Electric Piano",
    "Harpsichord",
    "Clavinet",
    "Celesta",
    "Glockenspiel",
    "Music Box",
    "Vibraphone",
    "Marimba",
    "Xylophone",
    "Tubular Bells",
    "Dulcimer",
    "Drawbar Organ",
    "Percussive Organ",
    "Rock Organ",
    "Church Organ",
    "Reed Organ",
    "Accordion",
    "Harmonica",
    "Bandoneon",
    "Nylon Guitar",
    "Steel Guitar",
    "Jazz Guitar",
    "Clean Guitar",
    "Muted Guitar",
    "Overdriven Guitar",
    "Distortion Guitar",
    "Guitar Harmonics",
    "Acoustic Bass",
    "Fingered Bass",
    "Picked Bass",
    "Fretless Bass",
    "Slap Bass",
    "Slap Bass",
    "Synth Bass",
    "Synth Bass",
    "Violin",
    "Viola",
    "Violoncello",
    "Contrabass",
    "Tremolo Strings",
    "Pizzicato Strings",
    "Harp",
    "Timpani",
    "Strings",
    "Slow Strings",
    "Synth Strings",
    "Synth Strings",
    "Choir",
    "Voice",
    "Synth Voice",
    "Orchestra Hit",
    "Trumpet",
    "Trombone",
    "Tuba",
    "Muted Trumpet",
    "Horn",
    "Brass",
    "Synth Brass",
    "Synth Brass",
    "Soprano Saxophone",
    "Alto Saxophone",
    "Tenor Saxophone",
    "Baritone Saxophone",
    "Oboe",
    "English Horn",
    "Bassoon",
    "Clarinet",
    "Piccolo",
    "Flute",
    "Recorder",
    "Pan Flute",
    "Bottle",
    "Shakuhachi",
    "Whistle",
    "Ocarina",
    "Square Lead",
    "Sawtooth Lead",
    "Calliope",
    "Chiff",
    "Charang",
    "Solo Voice",
    "Fifths",
    "Bass and Lead",
    "New Age Pad",
    "Warm Pad",
    "Polysynth",
    "Choir Pad",
    "Bowed Pad",
    "Metallic Pad",
    "Halo Pad",
    "Sweep Pad",
    "Rain",
    "Soundtrack",
    "Crystal",
    "Atmosphere",
    "Brightness",
    "Goblins",
    "Echoes",
    "Sci-fi",
    "Sitar",
    "Banjo",
    "Shamisen",
    "Koto",
    "Kalimba",
    "Bagpipe",
    "Fiddle",
    "Shanai",
    "Tinkle Bell",
    "Agogo",
    "Steel Drums",
    "Woodblock",
    "Taiko",
    "Melodic Tom",
    "Synth Drum",
    "Reverse Cymbal",
    "Fret Noise",
    "Breath",
    "Seashore",
    "Bird",
    "Telephone",
    "Helicopter",
    "Applause",
    "Gunshot",
]
_SHORT = {"Piano": "Pno.", "Violin": "Vln.", "Viola": "Vla.", "Violoncello": "Vc.", "Contrabass": "Cb.",
          "Flute": "Fl.", "Oboe": "Ob.", "Clarinet": "Cl.", "Bassoon": "Bsn.", "Horn": "Hn.", "Trumpet": "Tpt.",
          "Trombone": "Tbn.", "Strings": "Str.", "Piccolo": "Picc.", "Harp": "Hp.", "Timpani": "Timp."}  # fmt: skip
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


# -------------------------------------------------------------------------------- one part
class _Part:
    """One part, decided and ready to be written bar by bar."""

    def __init__(self, piece: Piece, part: int) -> None:
        self.piece = piece
        self.program = int(piece.programs[part]) if piece.programs else 0
        self.name = _NAMES[self.program]
        same = [i for i, p in enumerate(piece.programs) if _NAMES[int(p)] == self.name]
        if len(same) > 1:
            self.name += f" {same.index(part) + 1}"
        words = self.name.split()
        short = _SHORT.get(words[0]) or (words[0] if len(words[0]) < 5 else words[0][:4].rstrip("aeiou") + ".")
        self.short = short + (f" {words[-1]}" if words[-1].isdigit() else "")
        self.edges = [int(e) for e in piece.edges]
        self.bars = [piece.metre(bar) for bar in range(len(piece.bars))]
        self.spelling = _spell(piece)
        chosen = np.flatnonzero(piece.notes["part"] == part)
        if part == 0 and len(piece.programs) <= 1:
            chosen = np.arange(len(piece.notes))  # whatever part they claim, there is no other
        notes = []
        for i in chosen:
            row = piece.notes[i]
            start = min(int(row["start"]), self.edges[-1] - 1)
            notes.append(_Note(int(i), start, max(start + 1, start + int(row["duration"])), int(row["pitch"])))
        self.grand = self.program < 8 and len(piece.programs) <= 1
        if self.grand:
            right, left = _hands(notes)
            staves = [right, left]
            choices: list[tuple[str, ...]] = [("treble", "bass"), ("bass", "treble")]
        else:
            staves = [notes]
            choices = [self._clef_choice(notes)]
        self.clefs = [_clefs(staff, which, self.edges) for staff, which in zip(staves, choices, strict=True)]
        self.staves = [self._decide(staff) for staff in staves]
        self.dynamics = _dynamics(piece, part)

    def _clef_choice(self, notes: list[_Note]) -> tuple[str, ...]:
        if self.program == 41:
            return ("alto", "treble")
        if 24 <= self.program <= 31:
            return ("tenor",)
        if 32 <= self.program <= 39 or self.program == 43:
            return ("contra",)
        middle = float(np.median([n.pitch for n in notes])) if notes else 72.0
        if middle >= 84:
            return ("high",) if self.program in (9, 10, 13, 72) else ("treble",)
        if self.program in (42, 57, 58, 70) or middle < 57:
            return ("bass", "treble")
        return ("treble", "bass") if self.program < 24 else ("treble",)

    def _decide(self, notes: list[_Note]) -> list[list[_Chord]]:
        graces = _tidy(notes, self.edges)
        voices = _voices(notes, self.edges) if notes else [[] for _ in range(4)]
        for voice in voices:
            _settle(voice, self.edges, self.bars)
        for start, groups in graces.items():
            owners = [c for voice in voices for c in voice if c.start == start]
            mean = sum(n.pitch for g in groups for n in g) / sum(len(g) for g in groups)
            owner = min(owners, key=lambda c: abs(c.mean - mean))
            owner.graces = groups
        return voices

    # -------------------------------------------------------------------------------------------------------- writing
    def write(self, into: ET.Element, tempos: dict[int, float]) -> None:
        past: list[dict[tuple[str, int], int]] = [{} for _ in self.staves]
        for bar, metre in enumerate(self.bars):
            base = self.edges[bar]
            measure = ET.SubElement(into, "measure", number=str(bar + 1))
            self._attributes(measure, bar, metre)
            if bar in tempos:
                _tempo(measure, tempos[bar], metre)
            if bar in self.dynamics:
                direction = ET.SubElement(measure, "direction", placement="below")
                marks = ET.SubElement(ET.SubElement(direction, "direction-type"), "dynamics")
                ET.SubElement(marks, self.dynamics[bar])
                ET.SubElement(direction, "staff").text = "1"
            written = False
            for number, voices in enumerate(self.staves):
                here = []
                for v, voice in enumerate(voices):
                    begin = bisect_left(voice, base + 1, key=lambda c: c.end)
                    stop = bisect_left(voice, base + metre.units, key=lambda c: c.start)
                    if begin < stop:
                        here.append((v, _signs(voice[begin:stop], base, metre)))
                if not here:
                    here = [(0, [_Sign(0, metre.units, None, "", 0, None)])]
                _hide_rests(here)
                past[number] = self._accidentals([signs for _, signs in here], past[number])
                for v, signs in here:
                    _beam(signs, metre)
                    if written:
                        back = ET.SubElement(measure, "backup")
                        ET.SubElement(back, "duration").text = str(metre.units)
                    written = True
                    stem = ("up", "down", "up", "down")[v] if len(here) > 1 else ""
                    self._voice(measure, signs, number, str(number * 4 + v + 1), stem, metre)
            if bar == len(self.bars) - 1:
                line = ET.SubElement(measure, "barline", location="right")
                ET.SubElement(line, "bar-style").text = "light-heavy"

    def _attributes(self, measure: ET.Element, bar: int, metre: Metre) -> None:
        first = bar == 0
        turned = [n for n, clefs in enumerate(self.clefs) if first or clefs[bar] != clefs[bar - 1]]
        if not (first or turned or metre != self.bars[bar - 1]):
            return
        to = ET.SubElement(measure, "attributes")
        if first:
            ET.SubElement(to, "divisions").text = str(UNITS)
            key = ET.SubElement(to, "key")
            ET.SubElement(key, "fifths").text = str(self.piece.key.fifths)
            ET.SubElement(key, "mode").text = "minor" if self.piece.key.minor else "major"
        if first or metre != self.bars[bar - 1]:
            time = ET.SubElement(to, "time")
            ET.SubElement(time, "beats").text = str(metre.numerator)
            ET.SubElement(time, "beat-type").text = str(metre.denominator)
        if first and len(self.staves) > 1:
            ET.SubElement(to, "staves").text = str(len(self.staves))
        for number in turned:
            sign, line, octave = _CLEFS[self.clefs[number][bar]][:3]
            clef = ET.SubElement(to, "clef", number=str(number + 1))
            ET.SubElement(clef, "sign").text = sign
            ET.SubElement(clef, "line").text = str(line)
            if octave:
                ET.SubElement(clef, "clef-octave-change").text = str(octave)

    def _accidentals(self, voices: list[list[_Sign]], past: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Mark the notes of a bar that need an accidental; `past` holds what the bar before left altered."""
        usual = _signature(self.piece.key)
        now: dict[tuple[str, int], int] = {}
        struck = sorted(
            (s for signs in voices for s in signs if s.chord is not None and s.first), key=lambda s: s.start
        )
        for sign in struck:
            assert sign.chord is not None
            for note in [n for g in sign.chord.graces for n in g] + sign.chord.notes:
                letter, alter, octave = self.spelling[note.index]
                place = (letter, octave)
                valid = now.get(place, usual[letter])
                reminder = place not in now and place in past and past[place] != alter
                note.shown = alter != valid or reminder
                now[place] = alter
        return {place: alter for place, alter in now.items() if alter != usual[place[0]]}

    def _voice(
        self, measure: ET.Element, signs: list[_Sign], staff: int, voice: str, stem: str, metre: Metre
    ) -> None:
        for i, sign in enumerate(signs):
            length = str(sign.end - sign.start)
            if sign.chord is None:
                if sign.hidden:
                    forward = ET.SubElement(measure, "forward")
                    ET.SubElement(forward, "duration").text = length
                    ET.SubElement(forward, "voice").text = voice
                    ET.SubElement(forward, "staff").text = str(staff + 1)
                    continue
                note = ET.SubElement(measure, "note")
                rest = ET.SubElement(note, "rest")
                if sign.start == 0 and sign.end == metre.units:
                    rest.set("measure", "yes")
                ET.SubElement(note, "duration").text = length
                ET.SubElement(note, "voice").text = voice
                self._value(note, sign)
                ET.SubElement(note, "staff").text = str(staff + 1)
                self._notations(note, signs, i, None)
                continue
            if sign.first:
                for group in sign.chord.graces:
                    for k, grace in enumerate(sorted(group, key=lambda n: n.pitch)):
                        note = ET.SubElement(measure, "note")
                        alone = len(sign.chord.graces) == 1
                        ET.SubElement(note, "grace", {"slash": "yes"} if alone else {})
                        if k:
                            ET.SubElement(note, "chord")
                        self._pitch(note, grace)
                        ET.SubElement(note, "voice").text = voice
                        ET.SubElement(note, "type").text = "eighth" if alone else "16th"
                        self._accidental(note, grace, True)
                        if stem:
                            ET.SubElement(note, "stem").text = stem
                        ET.SubElement(note, "staff").text = str(staff + 1)
                        if not k and not alone:
                            at = next(j for j, g in enumerate(sign.chord.graces) if g is group)
                            state = "begin" if at == 0 else "end" if group is sign.chord.graces[-1] else "continue"
                            for level in ("1", "2"):
                                ET.SubElement(note, "beam", number=level).text = state
            for k, member in enumerate(sign.chord.notes):
                note = ET.SubElement(measure, "note")
                if k:
                    ET.SubElement(note, "chord")
                self._pitch(note, member)
                ET.SubElement(note, "duration").text = length
                if not sign.first:
                    ET.SubElement(note, "tie", type="stop")
                if not sign.last:
                    ET.SubElement(note, "tie", type="start")
                ET.SubElement(note, "voice").text = voice
                self._value(note, sign, member)
                if stem:
                    ET.SubElement(note, "stem").text = stem
                ET.SubElement(note, "staff").text = str(staff + 1)
                if not k:
                    for flag, joined in sign.beams.items():
                        ET.SubElement(note, "beam", number=str(flag)).text = joined
                self._notations(note, signs, i, k)

    def _pitch(self, note: ET.Element, member: _Note) -> None:
        letter, alter, octave = self.spelling[member.index]
        pitch = ET.SubElement(note, "pitch")
        ET.SubElement(pitch, "step").text = letter
        if alter:
            ET.SubElement(pitch, "alter").text = str(alter)
        ET.SubElement(pitch, "octave").text = str(octave)

    def _accidental(self, note: ET.Element, member: _Note, first: bool) -> None:
        if first and member.shown:
            ET.SubElement(note, "accidental").text = _ACCIDENTALS[self.spelling[member.index][1]]

    def _value(self, note: ET.Element, sign: _Sign, member: _Note | None = None) -> None:
        if sign.kind:
            ET.SubElement(note, "type").text = sign.kind
        for _ in range(sign.dots):
            ET.SubElement(note, "dot")
        if member:
            self._accidental(note, member, sign.first)
        if sign.triplet:
            change = ET.SubElement(note, "time-modification")
            ET.SubElement(change, "actual-notes").text = "3"
            ET.SubElement(change, "normal-notes").text = "2"
            third = (sign.triplet[1] - sign.triplet[0]) // 3
            ET.SubElement(change, "normal-type").text = _TRIPLE[third][0]

    @staticmethod
    def _notations(note: ET.Element, signs: list[_Sign], i: int, member: int | None) -> None:
        sign = signs[i]
        to = ET.Element("notations")
        if sign.chord is not None:
            if not sign.first:
                ET.SubElement(to, "tied", type="stop")
            if not sign.last:
                ET.SubElement(to, "tied", type="start")
        if sign.triplet and not member:
            # Hidden rests are not written as notes, so a bracket begins and ends with what is.
            group = [s for s in signs if s.triplet == sign.triplet and not s.hidden]
            if len(group) > 1:
                joined = all(s.chord is not None and s.beams for s in group)
                if sign is group[0]:
                    ET.SubElement(to, "tuplet", type="start", bracket="no" if joined else "yes")
                if sign is group[-1]:
                    ET.SubElement(to, "tuplet", type="stop")
        if sign.chord is not None and sign.chord.staccato and sign.first and sign.last and not member:
            ET.SubElement(ET.SubElement(to, "articulations"), "staccato")
        if len(to):
            note.append(to)


def _signature(key: Key) -> dict[str, int]:
    sharps = dict.fromkeys(_STEPS[: max(0, key.fifths)], 1)
    flats = dict.fromkeys(_STEPS[::-1][: max(0, -key.fifths)], -1)
    return dict.fromkeys(_STEPS, 0) | sharps | flats


def _hide_rests(here: list[tuple[int, list[_Sign]]]) -> None:
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


def _tempo(measure: ET.Element, bpm: float, metre: Metre) -> None:
    unit, dotted, share = "quarter", False, 1.0
    if metre.beat == 36:
        dotted, share = True, 1.5
    elif metre.denominator == 2:
        unit, share = "half", 2.0
    elif metre.denominator >= 8 and bpm < 60:
        unit, share = "eighth", 0.5
    direction = ET.SubElement(measure, "direction", placement="above")
    mark = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
    ET.SubElement(mark, "beat-unit").text = unit
    if dotted:
        ET.SubElement(mark, "beat-unit-dot")
    ET.SubElement(mark, "per-minute").text = str(round(bpm / share))
    ET.SubElement(direction, "staff").text = "1"
    ET.SubElement(direction, "sound", tempo=str(round(bpm)))


# -------------------------------------------------------------------------------- pictures
_SVG = "http://www.w3.org/2000/svg"
_PAGE = (2100, 2970)  # A4 in tenths of a millimetre
_LOADING = Lock()
_TALLEST = 60000  # as much as verovio lays out on one page


def to_svg(piece: Piece) -> str:
    """The whole score as one tall page, a self-contained SVG document 840 units wide, without fonts or scripts."""
    pages = _engraved(piece, tall=True)
    if len(pages) == 1:
        return pages[0]
    # Longer than the tallest page there is: one under the other.
    whole = ET.Element(f"{{{_SVG}}}svg", version="1.1")
    width = top = 0.0
    for page in pages:
        root = ET.fromstring(page)
        _, _, width, height = (float(n) for n in root.get("viewBox", "").split())
        holder = ET.SubElement(whole, f"{{{_SVG}}}g", transform=f"translate(0, {top:g})")
        holder.extend(list(root))
        top += height
    whole.set("viewBox", f"0 0 {width:g} {top:g}")
    return _text_of(whole)


def pages_svg(piece: Piece) -> list[str]:
    """The score on A4 pages, each a self-contained SVG document of 840 x 1188 units, first to last."""
    return _engraved(piece, tall=False)


def to_png(piece: Piece, page: int = 0, width: int = 1600) -> bytes:
    """A page (counted from 0) as a PNG file `width` pixels wide, black on white.

    Raises BadRequest for a page that is not there, or a width outside 100 to 10000 pixels.
    """
    _check_width(width)
    return _rastered(_engraved(piece, tall=False, only=page)[0], width)


def to_pdf(piece: Piece) -> bytes:
    """All pages as one vector PDF file, A4 upright."""
    import typst

    pages = pages_svg(piece)
    # What is in the piece goes in as data, never as typst source.
    given = {f"page{i}": page for i, page in enumerate(pages)}
    given |= {"title": _title(piece), "author": _makers(piece).replace("\n", " "), "count": str(len(pages))}
    source = """
        #set document(title: sys.inputs.title, author: sys.inputs.author, date: none)
        #set page(paper: "a4", margin: 0pt)
        #for i in range(int(sys.inputs.count)) {
          image(bytes(sys.inputs.at("page" + str(i))), format: "svg", width: 100%)
        }
    """
    return bytes(typst.compile(source.encode(), format="pdf", sys_inputs=given))


def _check_width(width: int) -> None:
    if not 100 <= width <= 10000:
        raise BadRequest(f"a width of {width}", "a picture of a score is 100 to 10000 pixels wide", "choose between")


def _rastered(svg: str, width: int) -> bytes:
    from flamingo.images import vips

    # The size goes into the document, since that is where the loader looks for it.
    _, _, wide, high = (float(n) for n in ET.fromstring(svg).get("viewBox", "").split())
    sized = svg.replace("<svg ", f'<svg width="{width}" height="{round(width * high / wide)}" ', 1)
    # flamingo.images shuts the loaders that strangers' files could abuse, SVG among them. This document is ours.
    import pyvips

    with _LOADING:
        pyvips.operation_block_set("VipsForeignLoadSvg", False)
        try:
            image = vips.load("svg", sized.encode(), "none").flatten(background=[255, 255, 255]).copy_memory()
        finally:
            pyvips.operation_block_set("VipsForeignLoadSvg", True)
    return vips.save(image, "png", {"compression": 9})


def _engraved(piece: Piece, tall: bool, only: int | None = None) -> list[str]:
    """The pages, or one of them, counted from 0."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    engraver = verovio.toolkit()
    engraver.setOptions(
        {
            "pageWidth": _PAGE[0],
            "pageHeight": _TALLEST if tall else _PAGE[1],
            "adjustPageHeight": tall,
            "scale": 40,
            "pageMarginLeft": 130,
            "pageMarginRight": 110,
            "pageMarginTop": 110,
            "pageMarginBottom": 110,
            "breaks": "auto",
            "header": "auto",
            "bottomMarginPgHead": 5.0,
            "footer": "none",
            "font": "Leipzig",
            "justifyVertically": not tall,
            "svgViewBox": True,
            "svgFormatRaw": True,
            "smuflTextFont": "none",
            "xmlIdSeed": 1,
        }
    )
    engraver.loadData(_score(piece, credits=False).decode())
    count = engraver.getPageCount()
    if only is not None and not 0 <= only < count:
        raise BadRequest(f"page {only}", f"the score has {count} pages", f"ask for 0 to {count - 1}")
    wanted = range(count) if only is None else [only]
    return [_plain_svg(engraver.renderToSVG(n + 1), None if n else piece) for n in wanted]


def _text_of(root: ET.Element) -> str:
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


def _plain_svg(svg: str, headed: Piece | None) -> str:
    """Verovio's page with text as outlines and without style sheets or nested documents, for any viewer."""
    root = ET.fromstring(svg)
    name = f"{{{_SVG}}}"
    box = [float(n) for n in root.get("viewBox", "0 0 840 1188").split()]
    for style in root.findall(f"{name}style"):
        root.remove(style)
    inner = root.find(f"{name}svg")
    assert inner is not None
    scale = box[2] / float(inner.get("viewBox", "0 0 21000 29700").split()[2])
    inner.tag = f"{name}g"
    inner.attrib = {"transform": f"scale({scale:g})", "class": "score-page", "fill": "#000", "stroke": "#000"}
    root.attrib.pop("overflow", None)
    for note in root.findall(f"{name}desc"):
        root.remove(note)

    def walk(element: ET.Element, weight: str, slant: bool) -> None:
        kinds = element.get("class", "").split()
        if {"tempo", "reh", "ending", "fing"} & set(kinds):
            weight = "Bold"
        if {"dir", "mNum"} & set(kinds):
            slant = True
        for child in list(element):  # marks of where a section begins, which a style sheet would hide
            if "placeholder" in child.get("class", "").split():
                element.remove(child)
        for i, child in enumerate(list(element)):
            if child.tag == f"{name}text":
                element[i] = _outlined(child, weight, slant)
            else:
                walk(child, weight, slant)

    for above in list(inner.iter(f"{name}g")):
        for head in list(above):
            if headed and "pgHead" in head.get("class", "").split():  # our own words in the room it makes
                above[list(above).index(head)] = _heading(headed)
    walk(inner, "Regular", False)
    # Glyphs are filled shapes; only drawn lines have a stroke.
    for definition in root.iter(f"{name}defs"):
        for glyph in definition:
            glyph.set("stroke", "none")
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        if kind in ("polygon", "ellipse", "rect") and element.get("stroke-width") is None:
            element.set("stroke", "none")
        if element.get("fill") == "currentColor":
            element.set("fill", "#000")
        if element.get("stroke") == "currentColor":
            element.set("stroke", "#000")
    return _text_of(root)


def _heading(piece: Piece) -> ET.Element:
    """Title in the middle, makers at the right; places are tenths of verovio's unit inside the margins."""
    middle, right = (_PAGE[0] - 240) * 10 // 2, (_PAGE[0] - 240) * 10
    group = ET.Element(f"{{{_SVG}}}g", {"class": "pgHead"})
    title = _title(piece)
    size = min(640.0, 640.0 * 24 / max(len(title), 1))
    makers = _makers(piece).split("\n")
    words = [(title, "middle", middle, 420.0, size)]
    words += [(line, "end", right, 820.0 - 380 * (len(makers) - 1 - i), 300.0) for i, line in enumerate(makers)]
    for line, anchor, x, y, size in words:
        text = ET.Element(
            f"{{{_SVG}}}text", {"x": f"{x}", "y": f"{y}", "text-anchor": anchor, "font-size": f"{size}"}
        )
        text.text = line
        group.append(_outlined(text, "Regular", anchor == "end"))
    return group


def _outlined(text: ET.Element, weight: str, slant: bool) -> ET.Element:
    """A <text> of verovio as a group of paths that look the same."""
    name = f"{{{_SVG}}}"
    lines: list[tuple[float, float, str, list[tuple[str, float, str, str, bool]]]] = []

    def number(value: str | None) -> float:
        return float(re.sub(r"[^0-9.eE+-]", "", value or "") or 0)

    def gather(
        element: ET.Element, x: float, y: float, anchor: str, size: float, family: str, weight: str, slant: bool
    ) -> tuple[float, float]:
        anchor = element.get("text-anchor", anchor)
        size = number(element.get("font-size")) or size
        family = element.get("font-family", family)
        if element.get("font-weight"):
            weight = "Bold" if element.get("font-weight") == "bold" else "Regular"
        if element.get("font-style"):
            slant = element.get("font-style") == "italic"
        moved = element.get("x") is not None or element.get("y") is not None or element.get("dy") is not None
        if moved or not lines:
            x = number(element.get("x")) if element.get("x") is not None else x
            y = (number(element.get("y")) if element.get("y") is not None else y) + number(element.get("dy"))
            lines.append((x, y, anchor, []))
        if element.tag != f"{name}title" and element.text and element.text.strip("\n\t "):
            lines[-1][3].append((element.text, size, family, weight, slant))
        for child in element:
            x, y = gather(child, x, y, anchor, size, family, weight, slant)
            if child.tail and child.tail.strip("\n\t "):
                lines[-1][3].append((child.tail, size, family, weight, slant))
        return x, y

    gather(text, 0.0, 0.0, "start", 405.0, "", weight, slant)
    group = ET.Element(f"{name}g", {"class": "text", "stroke": "none"})
    for x, y, anchor, runs in lines:
        placed: list[tuple[float, float, bool, str]] = []
        at = 0.0
        for words, size, family, bold, italic in runs:
            for letter in words:
                drawn, advance, em, upside = _glyph(letter, family, bold, italic)
                if drawn:
                    placed.append((at, size / em, upside, drawn))
                at += advance * size / em
        begin = x - (at if anchor == "end" else at / 2 if anchor == "middle" else 0)
        for offset, ratio, upside, drawn in placed:
            flip = ratio if upside else -ratio
            move = f"translate({begin + offset:.1f}, {y:.1f}) scale({ratio:.5g}, {flip:.5g})"
            ET.SubElement(group, f"{name}path", {"d": drawn, "transform": move})
    return group


@lru_cache(maxsize=2000)
def _glyph(letter: str, family: str, weight: str, slant: bool) -> tuple[str, float, float, bool]:
    """Path, advance and em of a letter, and whether y already points down.

    Music signs come from verovio's own font, letters from Source Serif (SIL Open Font License).
    """
    if "\ue000" <= letter <= "\uf8ff":
        import verovio

        folder = files(verovio) / "data"
        code = f"{ord(letter):04X}"
        drawn = re.search(r' d="([^"]*)"', (folder / "Leipzig" / f"{code}.xml").read_text("utf-8"))
        wide = re.search(rf'c="{code}"[^>]*h-a-x="([\d.]+)"', (folder / "Leipzig.xml").read_text("utf-8"))
        return (drawn[1] if drawn else "", float(wide[1]) if wide else 300.0, 1000.0, False)
    from fontTools.pens.svgPathPen import SVGPathPen

    font = _font(weight, slant)
    glyphs = font.getGlyphSet()
    found = font.getBestCmap().get(ord(letter)) or ".notdef"
    pen = SVGPathPen(glyphs)
    glyphs[found].draw(pen)
    return pen.getCommands(), float(glyphs[found].width), float(font["head"].unitsPerEm), False


@lru_cache(maxsize=4)
def _font(weight: str, slant: bool) -> Any:
    from fontTools.ttLib import TTFont

    style = ("It" if weight == "Regular" else weight + "It") if slant else weight
    path = files("font_source_serif_pro") / "files" / f"SourceSerifPro-{style}.ttf"
    return TTFont(io.BytesIO(path.read_bytes()), lazy=True)
