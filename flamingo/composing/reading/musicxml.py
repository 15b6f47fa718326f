"""MusicXML made explicit before it is engraved: note values and tuplets that a file leaves out are written in.

In MusicXML `<duration>` is what a note lasts, in divisions of a quarter; `<type>`, its written value, is optional, as
is `<tuplet>`, the bracket of notes that `<time-modification>` makes faster (MusicXML 4.0, `note`). Verovio goes by
the written values alone: a note without one becomes a quarter, and a time modification without a tuplet is passed
over.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree as ET

__all__ = ["completed"]

# Written values in quarter notes, longest first.
_TYPES = {
    "long": Fraction(16),
    "breve": Fraction(8),
    "whole": Fraction(4),
    "half": Fraction(2),
    "quarter": Fraction(1),
    "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4),
    "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16),
    "128th": Fraction(1, 32),
    "256th": Fraction(1, 64),
}
_BEFORE_TIE = ("grace", "cue", "chord", "pitch", "unpitched", "rest", "duration", "tie")
_BEFORE_TYPE = (*_BEFORE_TIE, "instrument", "footnote", "level", "voice")
_BEFORE_STEM = (*_BEFORE_TYPE, "type", "dot", "accidental", "time-modification")
_BEFORE_NOTATIONS = (*_BEFORE_STEM, "stem", "notehead", "notehead-text", "staff", "beam")
_BEFORE_MODIFICATION = (*_BEFORE_TYPE, "type", "dot", "accidental")


@dataclass(frozen=True)
class _Value:
    """A written value: its name, its dots, and how many notes stand in the time of how many."""

    type: str
    dots: int
    actual: int = 1
    normal: int = 1


def completed(text: str) -> str:
    """The score ordered by parts, with a `<type>` for every note that lasts, as its `<duration>` says, a `<tuplet>`
    around notes that need one, and voices where several overlap.

    text: whole XML without entity declarations. What is already there stays, and a score that lacks nothing is given
    back as it is.
    """
    try:
        score = ET.fromstring(text)
    except ET.ParseError:  # the parser that engraves it decides
        return text
    changed = _without_namespace(score)
    if score.tag == "score-timewise":
        score, changed = _partwise(score), True
    for part in score.findall("part"):
        divisions = Fraction(1)
        unsaid = False
        for measure in part.findall("measure"):
            if unsaid and next(measure.iter("divisions"), None) is None:
                attributes = ET.Element("attributes")
                attributes.append(_element("divisions", _decimal(divisions)))
                measure.insert(0, attributes)
            begins, ends = _divisions(measure, divisions)
            unsaid = begins != ends
            changed |= unsaid | _add_voices(measure) | _drop_contradictions(measure, begins)
            changed |= _split(measure, begins)
            notes = [note for note in measure.iter("note") if note.find("grace") is None]
            changed |= _add_types(notes, begins) | _add_grace_types(measure)
            changed |= _add_tuplets(notes, begins)
            divisions = ends
    return ET.tostring(score, encoding="unicode") if changed else text


def _without_namespace(score: ET.Element) -> bool:
    """Take the namespace off the names of elements: MusicXML has none, and some programs write one all the same."""
    changed = False
    for element in score.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.rpartition("}")[2]
            changed = True
    return changed


def _partwise(score: ET.Element) -> ET.Element:
    """A score that is ordered by measures, each with all parts, as one ordered by parts: Verovio reads only these."""
    partwise = ET.Element("score-partwise", score.attrib)
    parts: dict[str, ET.Element] = {}
    for child in score:
        if child.tag != "measure":
            partwise.append(child)
            continue
        for part in child.findall("part"):
            name = part.get("id", "")
            if name not in parts:
                parts[name] = ET.Element("part", id=name)
            measure = ET.SubElement(parts[name], "measure", child.attrib)
            measure.extend(list(part))
    partwise.extend(parts.values())
    return partwise


def _divisions(measure: ET.Element, divisions: Fraction) -> tuple[Fraction, Fraction]:
    """The divisions of a quarter at the beginning and at the end of a measure. Where they change inside it, the
    durations after the change are brought to those of the beginning."""
    begins = ends = divisions
    passed = False
    for child in measure:
        element = child.find("divisions") if child.tag == "attributes" else None
        value = _number(element.text) if element is not None else None
        if element is not None and value is not None and value > 0:
            ends = value
            if passed:
                element.text = _decimal(begins)
            else:
                begins = value
        duration = child.find("duration")
        if duration is not None:
            passed = True
            lasts = _number(duration.text)
            if begins != ends and lasts is not None:
                duration.text = _decimal(lasts * begins / ends)
    return begins, ends


def _decimal(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"{float(value):.12g}"


def _add_voices(measure: ET.Element) -> bool:
    """Write a voice for each note where a `<backup>` begins another and no note says its own (it is optional)."""
    if measure.find("backup") is None or next(measure.iter("voice"), None) is not None:
        return False
    voice = 1
    for child in measure:
        if child.tag == "backup":
            voice += 1
        elif child.tag == "note":
            _put(child, _element("voice", str(voice)), (*_BEFORE_TIE, "instrument", "footnote", "level"))
    return True


def _drop_contradictions(measure: ET.Element, divisions: Fraction) -> bool:
    """Take away empty types, and written values that are not what the note lasts: the duration holds. A value whose
    duration is no whole number of divisions, and was rounded to one, is right."""
    changed = False
    for note in measure.iter("note"):
        kind, rest = note.find("type"), note.find("rest")
        if kind is None:
            continue
        name = (kind.text or "").strip()
        lasts = _quarters(note, divisions)
        if not name:
            note.remove(kind)
            changed = True
        elif lasts is not None and name in _TYPES and (rest is None or rest.get("measure") != "yes"):
            ratio = _ratio(note)
            dots = len(note.findall("dot"))
            written = _TYPES[name] * (2 - Fraction(1, 2**dots)) * Fraction(*(ratio or (1, 1))[::-1])
            exact = written * divisions
            off = abs(lasts * divisions - exact)
            if off == 0 or (exact.denominator != 1 and off < 1):
                continue
            if _value_of(lasts, ratio) is None and (ratio is not None or not _several(lasts)):
                continue
            for element in [kind, *note.findall("dot")]:
                note.remove(element)
            changed = True
    return changed


def _add_grace_types(measure: ET.Element) -> bool:
    """Grace notes without a type are eighths, as they are usually written."""
    untyped = [note for note in measure.iter("note") if note.find("grace") is not None and note.find("type") is None]
    for note in untyped:
        _put(note, _element("type", "eighth"), _BEFORE_TYPE)
    return bool(untyped)


def _number(text: str | None) -> Fraction | None:
    try:
        return Fraction((text or "").strip())
    except (ValueError, ZeroDivisionError):
        return None


def _quarters(note: ET.Element, divisions: Fraction) -> Fraction | None:
    """What a note lasts, in quarter notes; None where the file does not say."""
    duration = _number(note.findtext("duration"))
    return duration / divisions if duration is not None and duration > 0 else None


def _ratio(note: ET.Element) -> tuple[int, int] | None:
    """(actual, normal) of a note's time modification, or None."""
    changed = note.find("time-modification")
    if changed is None:
        return None
    actual, normal = (_number(changed.findtext(f"{kind}-notes")) for kind in ("actual", "normal"))
    if actual is None or normal is None or min(actual, normal) < 1 or actual.denominator * normal.denominator != 1:
        return None
    return int(actual), int(normal)


def _split(measure: ET.Element, divisions: Fraction) -> bool:
    """Write notes without a type whose length no one value has (five eighths, say) as several that are tied."""
    changed = False
    children = list(measure)
    at = 0
    while at < len(children):
        group = [children[at]]
        at += 1
        if group[0].tag != "note" or group[0].find("chord") is not None:
            continue
        while at < len(children) and children[at].tag == "note" and children[at].find("chord") is not None:
            group.append(children[at])
            at += 1
        lasts = _quarters(group[0], divisions)
        rest = group[0].find("rest")
        whole_bar = rest is not None and rest.get("measure") == "yes"
        if lasts is None or whole_bar or group[0].find("type") is not None or group[0].find("grace") is not None:
            continue
        lengths = _several(lasts) if _ratio(group[0]) is None and _value_of(lasts, None) is None else []
        if not lengths:
            continue
        index = list(measure).index(group[-1]) + 1
        for number, length in enumerate(lengths):
            for note in group:
                piece = note if number == 0 else copy.deepcopy(note)
                _set_length(piece, length * divisions, first=number == 0, last=number == len(lengths) - 1)
                if number:
                    measure.insert(index, piece)
                    index += 1
        changed = True
    return changed


def _several(lasts: Fraction) -> list[Fraction]:
    """Lengths of plain values, longest first, that add up to `lasts`; none where it is no multiple of a 256th."""
    if (lasts / _TYPES["256th"]).denominator != 1 or lasts > 64:
        return []
    values = []
    for quarters in _TYPES.values():
        while lasts >= quarters:
            values.append(quarters)
            lasts -= quarters
    return values


def _set_length(note: ET.Element, duration: Fraction, *, first: bool, last: bool) -> None:
    """Give one of several tied notes its duration, in divisions, and its ties; the note's own stay at both ends."""
    element = note.find("duration")
    assert element is not None
    element.text = _decimal(duration)
    if note.find("rest") is not None:
        return
    own_ties = {tie.get("type") for tie in note.findall("tie")}
    ties = {kind for kind, inside in (("stop", not first), ("start", not last)) if inside or kind in own_ties}
    for tag in ("tie", "tied"):
        for parent in [note, *note.findall("notations")]:
            for element in parent.findall(tag):
                parent.remove(element)
    for kind in ("stop", "start"):
        if kind in ties:
            _put(note, ET.Element("tie", type=kind), _BEFORE_TIE)
            notations = note.find("notations")
            if notations is None:
                notations = ET.Element("notations")
                _put(note, notations, _BEFORE_NOTATIONS)
            notations.append(ET.Element("tied", type=kind))


def _add_types(notes: list[ET.Element], divisions: Fraction) -> bool:
    changed = False
    for note in notes:
        rest = note.find("rest")
        if note.find("type") is not None or (rest is not None and rest.get("measure") == "yes"):
            continue
        lasts = _quarters(note, divisions)
        value = _value_of(lasts, _ratio(note)) if lasts is not None else None
        if value is None:
            continue
        _put(note, _element("type", value.type), _BEFORE_TYPE)
        for _ in range(value.dots):
            _put(note, ET.Element("dot"), (*_BEFORE_TYPE, "type", "dot"))
        if value.actual != value.normal and note.find("time-modification") is None:
            ratio = ET.Element("time-modification")
            ratio.append(_element("actual-notes", str(value.actual)))
            ratio.append(_element("normal-notes", str(value.normal)))
            _put(note, ratio, _BEFORE_MODIFICATION)
        changed = True
    return changed


def _value_of(lasts: Fraction, ratio: tuple[int, int] | None) -> _Value | None:
    """How a length is written, by itself or in a tuplet of the ratio; None where no one value is so long."""
    if ratio is not None:
        plain = _plain(lasts * ratio[0] / ratio[1])
        return _Value(*plain, *ratio) if plain else None
    if plain := _plain(lasts):
        return _Value(*plain)
    # A length that only a tuplet has, which the file does not name: thirds of something are a triplet, and so on.
    odd = lasts.denominator
    while odd % 2 == 0:
        odd //= 2
    if not 1 < odd <= 15:
        return None
    normal = 2 ** (odd.bit_length() - 1)
    plain = _plain(lasts * odd / normal)
    return _Value(*plain, odd, normal) if plain else None


def _plain(lasts: Fraction) -> tuple[str, int] | None:
    """The name and dots of a length in quarter notes, if one value with at most three dots is so long."""
    for name, quarters in _TYPES.items():
        for dots in range(4):
            if lasts == quarters * (2 - Fraction(1, 2**dots)):
                return name, dots
    return None


def _add_tuplets(notes: list[ET.Element], divisions: Fraction) -> bool:
    """Bracket runs of notes of one voice and one ratio that no tuplet element encloses. A run ends where its notes
    together fill a length without the tuplet's odd factor, or where another ratio, or none, begins."""
    changed = False
    voices: dict[str, list[ET.Element]] = {}
    for note in notes:
        if note.find("chord") is None:  # the others of a chord are in the tuplet of its first
            voices.setdefault(note.findtext("voice") or "1", []).append(note)
    for voice in voices.values():
        run: list[ET.Element] = []
        length, open_ones = Fraction(0), 0
        for note in voice:
            marks = [mark.get("type") for mark in note.iter("tuplet")]
            ratio = _ratio(note)
            if marks or open_ones:
                changed |= _bracket(run)
                run, length = [], Fraction(0)
                open_ones = max(0, open_ones + marks.count("start") - marks.count("stop"))
                continue
            if run and ratio != _ratio(run[0]):
                changed |= _bracket(run)
                run, length = [], Fraction(0)
            lasts = _quarters(note, divisions)
            if ratio is None or ratio[0] == ratio[1] or lasts is None:
                continue
            run.append(note)
            length += lasts
            if length.denominator & (length.denominator - 1) == 0:  # a power of two: the tuplet is full
                changed |= _bracket(run)
                run, length = [], Fraction(0)
        changed |= _bracket(run)
    return changed


def _bracket(run: list[ET.Element]) -> bool:
    """Write a tuplet around these notes."""
    if not run:
        return False
    for note, kind in ((run[0], "start"), (run[-1], "stop")):
        notations = note.find("notations")
        if notations is None:
            notations = ET.Element("notations")
            _put(note, notations, _BEFORE_NOTATIONS)
        notations.append(ET.Element("tuplet", type=kind, bracket="no"))
    return True


def _put(note: ET.Element, child: ET.Element, after: tuple[str, ...]) -> None:
    """Put a child behind the last of these elements, as the schema orders a note's children."""
    at = max((i + 1 for i, sibling in enumerate(note) if sibling.tag in after), default=0)
    note.insert(at, child)


def _element(tag: str, text: str) -> ET.Element:
    element = ET.Element(tag)
    element.text = text
    return element
