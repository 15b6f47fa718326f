"""Writes a score down as MusicXML, element by element.

music21 was measured first: given the played notes of a nocturne, it wrote 32 of 1510 where they had been (what it
cannot notate pushes the rest along), in more time than is needed here, and it would still have to be told hands,
voices and names.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from flamingo.composing.piece import UNITS, Metre, Piece
from flamingo.composing.writing.engraving.marks import CLEFS, tempo_marks
from flamingo.composing.writing.engraving.notes import Note
from flamingo.composing.writing.engraving.parts import Part, parts_of_score
from flamingo.composing.writing.engraving.values import TRIPLE, Sign
from flamingo.errors import BadRequest

_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


def to_musicxml(piece: Piece) -> bytes:
    """The score as a MusicXML 4.0 file (partwise, uncompressed, UTF-8).

    A keyboard, an organ or a harp that is alone, or whose hands are two parts, has two staves, any other part one.
    Onsets are those of the piece, except that places which no plain or triplet value reaches are moved to the nearest
    one (2 units at most), and that very short notes right before another are written as grace notes. Raises
    BadRequest for a piece without bars.
    """
    return score_xml(piece, credits=True)


def score_xml(piece: Piece, *, credits: bool) -> bytes:
    """`credits`: title and makers as words on the first page too, which other programs show and verovio muddles."""
    if not len(piece.bars):
        raise BadRequest("a score", "the piece has no bars", "compose at least one bar")
    score = ET.Element("score-partwise", version="4.0")
    ET.SubElement(ET.SubElement(score, "work"), "work-title").text = title_of(piece)
    ET.SubElement(score, "movement-title").text = title_of(piece)
    makers = ET.SubElement(score, "identification")
    if piece.persona:
        ET.SubElement(makers, "creator", type="composer").text = f"in the persona of {piece.persona}"
    ET.SubElement(makers, "creator", type="software").text = "Flamingo"
    ET.SubElement(ET.SubElement(makers, "encoding"), "software").text = "Flamingo"
    for text, side, size, x, y in (
        (title_of(piece), "center", 22, 600, 1640),
        (makers_of(piece), "right", 11, 1140, 1590),
    ) * credits:
        words = ET.SubElement(ET.SubElement(score, "credit", page="1"), "credit-words")
        words.text = text
        words.attrib |= {"default-x": str(x), "default-y": str(y), "font-size": str(size), "justify": side}
        words.set("valign", "top")
    listed = ET.SubElement(score, "part-list")
    written = parts_of_score(piece)
    several = len(written) > 1
    # A bracket joins the instruments of one staff; one of two staves has its brace.
    bracketed = next((i for i, part in enumerate(written) if len(part.clefs) > 1), len(written))
    if bracketed > 1:
        group = ET.SubElement(listed, "part-group", type="start", number="1")
        ET.SubElement(group, "group-symbol").text = "bracket"
        ET.SubElement(group, "group-barline").text = "yes"
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
        if i == bracketed > 1:
            ET.SubElement(listed, "part-group", type="stop", number="1")
    tempos = tempo_marks(piece)
    for i, part in enumerate(written, 1):
        _Writer(part).write(ET.SubElement(score, "part", id=f"P{i}"), tempos if i == 1 else {})
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
        '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
    )
    ET.indent(score)
    return head.encode() + bytes(ET.tostring(score, encoding="utf-8")) + b"\n"


def title_of(piece: Piece) -> str:
    """The words over the score."""
    return piece.title or f"Piece in {piece.key.in_words}"


def makers_of(piece: Piece) -> str:
    """Who made it, in one line or two."""
    return f"in the persona of {piece.persona}\nby Flamingo" if piece.persona else "by Flamingo"


class _Writer:
    """Writes the bars of one part."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def write(self, into: ET.Element, tempos: dict[int, float]) -> None:
        """`tempos`: the tempo marks over this part, by bar."""
        part = self.part
        for bar, metre in enumerate(part.bars):
            measure = ET.SubElement(into, "measure", number=str(bar + 1))
            self._attributes(measure, bar, metre)
            if bar in tempos:
                _tempo(measure, tempos[bar], metre)
            if bar in part.dynamics:
                direction = ET.SubElement(measure, "direction", placement="below")
                marks = ET.SubElement(ET.SubElement(direction, "direction-type"), "dynamics")
                ET.SubElement(marks, part.dynamics[bar])
                ET.SubElement(direction, "staff").text = "1"
            written = False
            for number, here in enumerate(part.signs[bar]):
                for v, signs in here:
                    if written:
                        back = ET.SubElement(measure, "backup")
                        ET.SubElement(back, "duration").text = str(metre.units)
                    written = True
                    stem = ("up", "down", "up", "down")[v] if len(here) > 1 else ""
                    self._voice(measure, signs, number, str(number * 4 + v + 1), stem, metre)
            if bar == len(part.bars) - 1:
                line = ET.SubElement(measure, "barline", location="right")
                ET.SubElement(line, "bar-style").text = "light-heavy"

    def _attributes(self, measure: ET.Element, bar: int, metre: Metre) -> None:
        part = self.part
        first = bar == 0
        turned = [n for n, clefs in enumerate(part.clefs) if first or clefs[bar] != clefs[bar - 1]]
        if not (first or turned or metre != part.bars[bar - 1]):
            return
        to = ET.SubElement(measure, "attributes")
        if first:
            ET.SubElement(to, "divisions").text = str(UNITS)
            key = ET.SubElement(to, "key")
            ET.SubElement(key, "fifths").text = str(part.key.fifths)
            ET.SubElement(key, "mode").text = "minor" if part.key.minor else "major"
        if first or metre != part.bars[bar - 1]:
            time = ET.SubElement(to, "time")
            ET.SubElement(time, "beats").text = str(metre.numerator)
            ET.SubElement(time, "beat-type").text = str(metre.denominator)
        if first and len(part.clefs) > 1:
            ET.SubElement(to, "staves").text = str(len(part.clefs))
        for number in turned:
            sign, line, octave = CLEFS[part.clefs[number][bar]][:3]
            clef = ET.SubElement(to, "clef", number=str(number + 1))
            ET.SubElement(clef, "sign").text = sign
            ET.SubElement(clef, "line").text = str(line)
            if octave:
                ET.SubElement(clef, "clef-octave-change").text = str(octave)

    def _voice(self, measure: ET.Element, signs: list[Sign], staff: int, voice: str, stem: str, metre: Metre) -> None:
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

    def _pitch(self, note: ET.Element, member: Note) -> None:
        letter, alter, octave = self.part.spelling[member.index]
        pitch = ET.SubElement(note, "pitch")
        ET.SubElement(pitch, "step").text = letter
        if alter:
            ET.SubElement(pitch, "alter").text = str(alter)
        ET.SubElement(pitch, "octave").text = str(octave)

    def _accidental(self, note: ET.Element, member: Note, first: bool) -> None:
        if first and member.shown:
            ET.SubElement(note, "accidental").text = _ACCIDENTALS[self.part.spelling[member.index][1]]

    def _value(self, note: ET.Element, sign: Sign, member: Note | None = None) -> None:
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
            ET.SubElement(change, "normal-type").text = TRIPLE[third][0]

    @staticmethod
    def _notations(note: ET.Element, signs: list[Sign], i: int, member: int | None) -> None:
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
