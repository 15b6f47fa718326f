"""MusicXML that leaves out what may be left out: lengths come from `<duration>`, whatever is not written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.piece import UNITS
from flamingo.composing.reading.files import from_bytes
from flamingo.composing.reading.musicxml import completed

DIVISIONS = 24


def note(step: str, duration: int, *more: str, octave: int = 4, chord: bool = False) -> str:
    """A note; more: elements after its voice."""
    return (
        f"<note>{'<chord/>' if chord else ''}<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration><voice>1</voice>{''.join(more)}</note>"
    )


def ratio(actual: int, normal: int) -> str:
    return (
        f"<time-modification><actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes>"
        "</time-modification>"
    )


def score(*notes: str, beats: int = 4) -> str:
    """One bar of one part."""
    return (
        '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>x</part-name></score-part>'
        "</part-list>"
        f'<part id="P1"><measure number="1"><attributes><divisions>{DIVISIONS}</divisions>'
        f"<time><beats>{beats}</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef>"
        f"</attributes>{''.join(notes)}</measure></part></score-partwise>"
    )


def lengths(text: str) -> list[int]:
    piece = from_bytes(text.encode(), "x.musicxml")
    return [int(each) for each in piece.notes["duration"]]


@pytest.mark.parametrize(
    ("notes", "quarters"),
    [
        ([note("C", 48), note("D", 24), note("E", 24)], [2, 1, 1]),
        ([note("C", 36), note("D", 12), note("E", 48)], [Fraction(3, 2), Fraction(1, 2), 2]),
        ([note("C", 42), note("D", 6), note("E", 48)], [Fraction(7, 4), Fraction(1, 4), 2]),
        ([note("C", 96)], [4]),
        ([note("C", 24), note("E", 24, chord=True), note("D", 72)], [1, 1, 3]),
        ([note("C", 8), note("D", 8), note("E", 8), note("F", 72)], [Fraction(1, 3)] * 3 + [3]),
        ([note("C", 60), note("D", 36)], [Fraction(5, 2), Fraction(3, 2)]),
    ],
    ids=["plain", "dotted", "double-dotted", "whole", "chord", "triplet", "five-eighths"],
)
def test_notes_without_a_type_last_as_long_as_they_say(notes: list[str], quarters: list[Fraction]) -> None:
    assert lengths(score(*notes)) == [round(UNITS * Fraction(each)) for each in quarters]


@pytest.mark.parametrize(
    ("actual", "normal", "kind", "each"), [(3, 2, "eighth", 8), (6, 4, "16th", 4), (3, 2, "quarter", 16)]
)
def test_a_tuplet_needs_no_bracket(actual: int, normal: int, kind: str, each: int) -> None:
    inside = [note("C", each, f"<type>{kind}</type>", ratio(actual, normal)) for _ in range(actual)]
    rest = 96 - actual * each
    text = score(*inside, note("D", rest))
    assert lengths(text) == [round(UNITS * Fraction(each, DIVISIONS))] * actual + [UNITS * rest // DIVISIONS]
    assert len(from_bytes(text.encode(), "x.musicxml").bars) == 1, "4/4 stays 4/4"


def test_two_triplets_in_a_row_are_two() -> None:
    triplet = [note(step, 8, "<type>eighth</type>", ratio(3, 2)) for step in "CDE"]
    assert lengths(score(*triplet, *triplet, note("F", 48, "<type>half</type>"))) == [8] * 6 + [48]
    assert completed(score(*triplet, *triplet)).count("<tuplet ") == 4


def test_what_is_written_stays_as_it_is() -> None:
    bracketed = [
        note("C", 8, "<type>eighth</type>", ratio(3, 2), '<notations><tuplet type="start"/></notations>'),
        note("D", 8, "<type>eighth</type>", ratio(3, 2)),
        note("E", 8, "<type>eighth</type>", ratio(3, 2), '<notations><tuplet type="stop"/></notations>'),
        note("F", 72, "<type>half</type>", "<dot/>"),
    ]
    text = score(*bracketed)
    assert completed(text) is text
    assert lengths(text) == [8, 8, 8, 72]


def test_a_rest_of_a_whole_bar_is_left_alone() -> None:
    rest = '<note><rest measure="yes"/><duration>72</duration><voice>1</voice></note>'
    text = score(rest, beats=3)
    assert completed(text) is text


def test_ties_of_a_split_note_go_on() -> None:
    """A note of five eighths that is tied to the next is three written notes, and one that sounds."""
    tied = note("C", 60).replace("<voice>", '<tie type="start"/><voice>')
    tied = tied.replace("</note>", '<notations><tied type="start"/></notations></note>')
    last = note("C", 36, "<type>quarter</type>", "<dot/>").replace("<voice>", '<tie type="stop"/><voice>')
    last = last.replace("</note>", '<notations><tied type="stop"/></notations></note>')
    assert lengths(score(tied, last)) == [4 * UNITS]


@given(st.lists(st.integers(1, 64), min_size=1, max_size=6))
@settings(max_examples=25)
def test_any_lengths_on_the_grid_come_back(sixteenths: list[int]) -> None:
    """Lengths in sixteenths, in a bar as long as they are together."""
    notes = [note("CDEFGAB"[i % 7], 6 * length) for i, length in enumerate(sixteenths)]
    total = sum(sixteenths)
    text = score(*notes).replace(
        "<beats>4</beats><beat-type>4</beat-type>", f"<beats>{total}</beats><beat-type>16</beat-type>"
    )
    if total <= 64:
        assert lengths(text) == [UNITS * length // 4 for length in sixteenths]
