"""Who plays a piece, and which of the parts that the composer tells apart each note belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.events import ENSEMBLES, PARTS
from flamingo.composing.parts import ensemble_of, part_of_notes
from flamingo.composing.piece import Piece
from tests.composing.pieces import any_piece, note, piece, scale

some = settings(max_examples=40, deadline=None, derandomize=True)

PIANO, HARPSICHORD, ORGAN, VIOLIN, VIOLA, CELLO, BASS, TIMPANI = 0, 6, 19, 40, 41, 42, 43, 47
CHOIR, TRUMPET, HORN, OBOE, BASSOON, CLARINET, PICCOLO, FLUTE, RECORDER = 52, 56, 60, 68, 70, 71, 72, 73, 74
SYMPHONY = (FLUTE, OBOE, CLARINET, BASSOON, HORN, TRUMPET, TIMPANI, VIOLIN, VIOLIN, VIOLA, CELLO, BASS)


def staves(programs: Sequence[int]) -> Piece:
    """One note for each staff, the highest for the first."""
    notes = [note(0, 24, 100 - 2 * staff, part=staff) for staff in range(len(programs))]
    return piece(notes, programs=tuple(programs))


def parts(programs: Sequence[int]) -> list[int]:
    """The part of each staff, from the top of the page."""
    return part_of_notes(staves(programs))[::-1].tolist()


# -- who plays -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ensemble", "programs"),
    [
        ("piano", (PIANO,)),
        ("piano", (PIANO, PIANO)),
        ("piano", (PIANO, HARPSICHORD)),
        ("piano", (PIANO,) * 4),
        ("voice", (CHOIR, PIANO, PIANO)),
        ("voice", (VIOLIN, PIANO)),
        ("voice", (CHOIR, CHOIR, PIANO, PIANO)),
        ("strings", (VIOLIN, VIOLIN, VIOLA, CELLO)),
        ("strings", (VIOLIN, VIOLA, CELLO)),
        ("choir", (CHOIR,) * 4),
        ("choir", (CHOIR, CHOIR, RECORDER, CHOIR)),
        ("organ", (ORGAN, ORGAN, ORGAN)),
        ("chamber", (FLUTE, OBOE, CLARINET, HORN, BASSOON)),
        ("chamber", (VIOLIN, VIOLA, CELLO, PIANO, PIANO)),
        ("chamber", (VIOLIN,) * 6),
        ("chamber", (RECORDER, RECORDER)),
        ("chamber", (FLUTE,)),
        ("orchestra", SYMPHONY),
        ("orchestra", (VIOLIN,) * 9),
    ],
)
def test_who_plays_is_told_by_the_instruments(ensemble: str, programs: tuple[int, ...]) -> None:
    assert ENSEMBLES[ensemble_of(staves(programs))] == ensemble


def test_eight_are_a_group_and_nine_an_orchestra() -> None:
    assert [ENSEMBLES[ensemble_of(staves((HORN,) * n))] for n in (8, 9)] == ["chamber", "orchestra"]


def test_keyboards_alone_are_never_an_orchestra() -> None:
    assert ENSEMBLES[ensemble_of(staves((PIANO,) * 12))] == "piano"


# -- a piano -------------------------------------------------------------------------------------------------


def test_the_staves_of_a_piano_are_its_hands() -> None:
    crossed = [note(0, 24, 40, part=0), note(0, 24, 80, part=1)]
    assert part_of_notes(piece(crossed, programs=(PIANO, PIANO))).tolist() == [0, 1], "even where hands cross"


def test_of_three_staves_the_lower_two_are_the_left_hand() -> None:
    assert parts((PIANO,) * 3) == [0, 1, 1]


def test_four_staves_are_two_players() -> None:
    assert parts((PIANO,) * 4) == [0, 1, 2, 3]


def test_a_piano_on_one_staff_is_dealt_out_to_two_hands() -> None:
    music = scale()
    assert music.programs == (PIANO,)
    found = part_of_notes(music)
    low = music.notes["pitch"] < 60
    assert (found[low] == 1).all(), "the low notes are left"
    assert (found[~low] == 0).all(), "the scale above them is right"


def test_a_tune_alone_is_played_by_the_right_hand() -> None:
    tune = piece([note(24 * i, 24, pitch) for i, pitch in enumerate((72, 74, 76, 77, 79, 77, 76, 74))])
    assert not part_of_notes(tune).any()


def test_a_bass_alone_is_played_by_the_left_hand() -> None:
    bass = piece([note(24 * i, 24, pitch) for i, pitch in enumerate((36, 38, 40, 41, 43, 41, 40, 38))])
    assert part_of_notes(bass).all()


# -- others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "programs", [(VIOLIN, VIOLIN, VIOLA, CELLO), (CHOIR, PIANO, PIANO), (ORGAN,) * 3, (HORN,) * PARTS]
)
def test_the_parts_of_a_group_are_its_staves_from_the_top(programs: tuple[int, ...]) -> None:
    assert parts(programs) == list(range(len(programs)))


def test_the_parts_of_an_orchestra_are_its_families() -> None:
    found = dict(zip(SYMPHONY, parts(SYMPHONY), strict=True))
    assert found[FLUTE] == found[OBOE] == 0
    assert found[CLARINET] == found[BASSOON] == 1
    assert found[HORN] == found[TRUMPET] == 2
    assert found[TIMPANI] == 3
    assert found[VIOLA] == 6
    assert found[CELLO] == found[BASS] == 7


def test_first_and_second_violins_are_told_apart_by_their_order() -> None:
    assert parts((HORN, *(VIOLIN,) * 4, *(HORN,) * 4)) == [2, 4, 5, 5, 5, 2, 2, 2, 2]


def test_high_woodwinds_of_every_size_are_one_family() -> None:
    assert parts((PICCOLO, FLUTE, OBOE, RECORDER, *(HORN,) * 5))[:4] == [0, 0, 0, 0]


# -- any music -----------------------------------------------------------------------------------------------


@some
@given(st.lists(st.integers(0, 127), min_size=1, max_size=20))
def test_no_part_is_beyond_what_the_composer_tells_apart(programs: list[int]) -> None:
    found = part_of_notes(staves(programs))
    assert found.shape == (len(programs),)
    assert ((found >= 0) & (found < PARTS)).all()


@some
@given(any_piece(), st.data())
def test_every_note_of_any_piece_has_a_part(music: Piece, data: st.DataObject) -> None:
    played = st.sampled_from([(PIANO,) * 3, (PIANO,) * 3, (VIOLIN, PIANO, PIANO), (VIOLIN,) * 3, (ORGAN,) * 3])
    music = replace(music, programs=data.draw(played)[: len(music.programs)])
    found = part_of_notes(music)
    assert found.shape == (len(music.notes),)
    assert ((found >= 0) & (found < PARTS)).all()
    assert 0 <= ensemble_of(music) < len(ENSEMBLES)
    if ENSEMBLES[ensemble_of(music)] == "piano":
        assert set(found.tolist()) <= {0, 1}


def test_a_piece_without_notes_has_no_parts_to_tell() -> None:
    assert np.array_equal(part_of_notes(piece([])), np.zeros(0))
