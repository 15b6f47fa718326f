"""How a melody is accompanied: each texture by a bar that a musician would call so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.piece import Piece
from flamingo.composing.texture import TEXTURES, textures
from tests.composing.pieces import any_piece, note, piece

some = settings(max_examples=40, deadline=None, derandomize=True)

MELODY, UNDER = 0, 1
C, G, LOW = (60, 64, 67), (59, 62, 67), 36


def named(music: Piece) -> list[str]:
    return [TEXTURES[number] for number in textures(music, music.notes["part"])]


def bar(*struck: tuple[int, ...], metre: str = "4/4", every: int = 24) -> Piece:
    """A bar whose melody is one long note over what is struck, one chord after the other, at equal distances."""
    notes = [note(every * i, every, pitch, part=UNDER) for i, chord in enumerate(struck) for pitch in chord]
    return piece([note(0, 24, 84), *notes], bars=1, metre=metre)


def line(pitches: Sequence[int], metre: str = "4/4", every: int = 12) -> Piece:
    return bar(*((pitch,) for pitch in pitches), metre=metre, every=every)


BARS: dict[str, Piece] = {
    "none": bar(),
    "bass": line((48, 43), every=48),
    "line": line((48, 50, 52, 53, 55, 53, 52, 50)),
    "alberti": line((48, 55, 52, 55, 48, 55, 52, 55)),
    "broken chords": line((48, 52, 55, 60, 55, 52, 48, 52)),
    "chords": bar(C, G, every=48),
    "repeated chords": bar(C, C, C, C),
    "waltz": bar((LOW,), C, C, metre="3/4"),
    "octaves": bar((36, 48), (38, 50), (40, 52), (41, 53)),
    "mixed": bar((48, 55), (52,), (55,), (52, 57)),
}


def test_there_is_a_bar_for_every_texture() -> None:
    assert set(BARS) == set(TEXTURES)


@pytest.mark.parametrize("texture", TEXTURES)
def test_each_texture_is_heard_in_a_bar_of_it(texture: str) -> None:
    assert named(BARS[texture]) == [texture]


@pytest.mark.parametrize(
    ("texture", "music"),
    [
        ("bass", line((48, 50, 52, 53), every=24)),  # by step, but a note a beat is no figure
        ("line", line((48, 50, 52, 50, 48, 47), metre="6/8")),
        ("alberti", line((48, 55, 52, 55, 48, 55), metre="3/4")),
        ("broken chords", line((48, 52, 55, 48, 52, 55), metre="6/8")),
        ("chords", bar(C, every=96)),
        ("chords", bar(C, G, C, every=24, metre="3/4")),  # three in three beats, and none the same as before
        ("repeated chords", bar(*[C] * 8, every=12)),
        ("waltz", bar((LOW, LOW + 12), C, C, metre="3/4")),  # the low note may be doubled
        ("waltz", bar((LOW,), C, (LOW - 5,), C)),  # a march goes the same way
        ("octaves", bar((36, 60), every=96)),  # two octaves apart
        ("mixed", bar(C, G, C, G, C, G, C, G, every=12)),  # too fast for chords, and not the same one
    ],
)
def test_a_texture_has_more_than_one_form(texture: str, music: Piece) -> None:
    assert named(music) == [texture]


def test_a_waltz_is_a_low_note_and_chords_above_it() -> None:
    assert named(bar((LOW,), C, C, metre="3/4")) == ["waltz"]
    assert named(bar((72,), C, C, metre="3/4")) != ["waltz"], "the single note lies above the chords"
    assert named(bar(C, C, (LOW,), metre="3/4")) != ["waltz"], "the low note comes first"
    assert named(bar((LOW,), (LOW + 7,), C, metre="3/4")) != ["waltz"], "two low notes follow each other"
    assert named(bar((LOW,), C, (LOW - 5,), metre="3/4")) != ["waltz"], "there are more low notes than chords"


def test_three_chords_in_two_beats_are_chords_and_four_are_too_fast() -> None:
    assert named(bar(C, G, C, metre="2/4", every=16)) == ["chords"]
    assert named(bar(C, G, C, G, metre="2/4", every=12)) == ["mixed"]


def test_beats_are_those_of_the_metre() -> None:
    six = (48, 55, 60, 64, 60, 55)
    assert named(line(six[:4], metre="6/8", every=18)) == ["broken chords"], "two dotted quarters are two beats"
    assert named(line(six[:4], metre="3/4", every=18)) == ["bass"], "the same bar has three beats here"


def test_a_bar_with_nothing_under_the_melody_has_no_texture() -> None:
    melody = [note(24 * i, 24, 60 + i) for i in range(8)]
    assert named(piece(melody, bars=2)) == ["none", "none"]
    assert named(piece([], bars=3)) == ["none"] * 3


def test_what_is_held_from_the_bar_before_is_not_struck_again() -> None:
    assert named(piece([note(0, 192, pitch, part=UNDER) for pitch in C], bars=2)) == ["chords", "none"]


def test_every_bar_is_named_by_itself() -> None:
    waltz = [note(0, 24, LOW, part=UNDER), *(note(at, 24, p, part=UNDER) for at in (24, 48) for p in C)]
    alberti = [note(72 + 12 * i, 12, pitch, part=UNDER) for i, pitch in enumerate((48, 55, 52, 55, 48, 55))]
    bass = [note(216, 72, 48, part=UNDER)]
    assert named(piece([*waltz, *alberti, *bass], bars=4, metre="3/4")) == ["waltz", "alberti", "none", "bass"]


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_melody_counts_for_nothing(texture: str) -> None:
    music = BARS[texture]
    accompaniment = [tuple(n) for n in music.notes.tolist() if n[4] == UNDER]
    busy = [note(6 * i, 6, 72 + i % 5) for i in range(music.length // 6)]
    low = [note(24 * i, 24, 20 + i) for i in range(music.length // 24)]
    for melody in ([], busy, low):
        assert named(piece([*accompaniment, *melody], bars=1, metre=str(music.metre()))) == [texture]


def test_all_parts_under_the_melody_are_one_accompaniment() -> None:
    chords = [note(24 * i, 24, pitch, part=1 + k) for i in range(4) for k, pitch in enumerate(C)]
    music = piece(chords, bars=1, programs=(0, 0, 0, 0))
    assert named(music) == ["repeated chords"]


@some
@given(any_piece(), st.data())
def test_any_piece_has_a_texture_for_every_bar(music: Piece, data: st.DataObject) -> None:
    count = len(music.notes)
    part = np.array(data.draw(st.lists(st.integers(0, 7), min_size=count, max_size=count)))
    found = textures(music, part)
    assert found.shape == (len(music.bars),)
    assert ((found >= 0) & (found < len(TEXTURES))).all()
    struck = {int(b) for b in music.bar_of(music.notes["start"][part > 0])}
    assert {b for b, number in enumerate(found) if TEXTURES[number] != "none"} == struck


@some
@given(any_piece(), st.integers(-12, 12))
def test_a_texture_is_the_same_in_any_key(music: Piece, semitones: int) -> None:
    notes = music.notes.copy()
    notes["pitch"] = 12 + notes["pitch"] % 104  # room for an octave on both sides
    music = Piece.build(notes, music.bars, music.key)
    part = np.ones(len(notes))
    assert np.array_equal(textures(music, part), textures(music.transposed(semitones), part))
