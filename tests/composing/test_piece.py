"""What a piece promises: time by the tempo map, and what stays the same when it is moved, sped up or cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.piece import Key, Metre, Piece
from flamingo.errors import BadRequest
from tests.composing import pieces

some = settings(max_examples=40, deadline=None, derandomize=True)

# -- time ----------------------------------------------------------------------------------------------------


def test_without_a_tempo_a_quarter_lasts_half_a_second() -> None:
    piece = pieces.scale()
    assert float(piece.seconds()) == 4.0
    assert piece.seconds([0, 24, 36]).tolist() == [0.0, 0.5, 0.75]
    assert piece.bpm == pytest.approx(120)


def test_seconds_follow_every_change_of_tempo() -> None:
    piece = pieces.piece(bars=3, tempos=[(0, 60.0), (96, 120.0), (144, 30.0)])
    # One bar at 60 is 4 s, half a bar at 120 is 1 s, and then a quarter lasts 2 s.
    assert piece.seconds([0, 96, 144, 168]).tolist() == [0.0, 4.0, 5.0, 7.0]
    assert float(piece.seconds()) == pytest.approx(5 + 6 * 2)
    assert piece.bpm == pytest.approx(12 / (17 / 60))


@some
@given(pieces.any_piece())
def test_time_never_runs_backwards(piece: Piece) -> None:
    assert (np.diff(piece.seconds(np.arange(piece.length + 1))) > 0).all()


@some
@given(pieces.any_piece(shifted=True))
def test_a_note_is_let_go_after_it_is_struck_and_none_before_the_beginning(piece: Piece) -> None:
    start, end = piece.played
    assert (start >= 0).all()
    assert (end >= start + 0.0099).all()


# -- bars ----------------------------------------------------------------------------------------------------


@some
@given(pieces.any_piece())
def test_bars_follow_each_other_without_a_gap(piece: Piece) -> None:
    assert piece.edges[0] == 0 and piece.edges[-1] == piece.length
    assert np.diff(piece.edges).tolist() == [piece.metre(b).units for b in range(len(piece.bars))]


@some
@given(pieces.any_piece())
def test_a_place_lies_in_the_bar_that_begins_last(piece: Piece) -> None:
    bar = piece.bar_of(np.arange(piece.length))
    assert (piece.edges[bar] <= np.arange(piece.length)).all()
    assert (piece.edges[bar + 1] > np.arange(piece.length)).all()


@pytest.mark.parametrize(
    ("text", "units", "beat"), [("4/4", 96, 24), ("3/4", 72, 24), ("6/8", 72, 36), ("3/8", 36, 12), ("2/2", 96, 48)]
)
def test_a_metre_knows_its_bar_and_its_beat(text: str, units: int, beat: int) -> None:
    metre = Metre.parse(f" {text} ")
    assert (metre.units, metre.beat, str(metre)) == (units, beat, text)


@pytest.mark.parametrize("text", ["", "4", "4/3", "0/4", "25/4", "4/32", "-3/4", "3/4/4", "waltz", "3/4\n4/4"])
def test_what_is_no_metre_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadRequest, match="try 4/4") as caught:
        Metre.parse(text)
    assert "\n" not in str(caught.value)


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tonic", "minor"),
    [
        ("C", 0, False), ("c", 0, True), ("C minor", 0, True), ("Eb major", 3, False), ("f#", 6, True),
        ("Bbm", 10, True), ("B", 11, False), ("b", 11, True), ("bb", 10, True), ("Cb", 11, False),
        ("A flat major", 8, False), ("F sharp minor", 6, True), ("g-moll", 7, True), ("D-dur", 2, False),
        ("E♭ maj", 3, False), (" c♯  min ", 1, True), ("a major", 9, False),
    ],
)  # fmt: skip
def test_keys_are_read_as_people_write_them(text: str, tonic: int, minor: bool) -> None:
    assert Key.parse(text) == Key(tonic, minor)


@pytest.mark.parametrize("text", ["C Minor", "Eb Major", "F# MINOR", "C-sharp minor"])
def test_capitals_and_hyphens_make_no_other_key(text: str) -> None:
    assert Key.parse(text) == Key.parse(text.lower().replace("-", " ").capitalize())


@some
@given(st.integers(0, 11), st.booleans())
def test_a_key_is_read_as_it_is_shown(tonic: int, minor: bool) -> None:
    key = Key(tonic, minor)
    assert Key.parse(str(key)) == key
    assert -6 <= key.fifths <= 6
    assert (key.fifths * 7 - (key.tonic + (3 if minor else 0))) % 12 == 0, "as many fifths from C as it has signs"


@pytest.mark.parametrize(
    ("text", "fifths"), [("C", 0), ("a", 0), ("G", 1), ("F", -1), ("c", -3), ("E", 4), ("f#", 3)]
)
def test_signatures_are_the_usual_ones(text: str, fifths: int) -> None:
    assert Key.parse(text).fifths == fifths


@pytest.mark.parametrize("text", ["", "H", "C lydian", "C minor major", "12", "C\nminor x", "x" * 5000])
def test_what_is_no_key_is_refused_in_one_line_with_one_to_try(text: str) -> None:
    with pytest.raises(BadRequest, match="try '") as caught:
        Key.parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_misspelt_key_suggests_the_nearest() -> None:
    with pytest.raises(BadRequest, match="'C minor'"):
        Key.parse("C minro")


# -- moved, sped up, cut -------------------------------------------------------------------------------------


@some
@given(pieces.any_piece(), st.integers(-24, 24))
def test_transposing_moves_pitches_and_key_and_nothing_else(piece: Piece, semitones: int) -> None:
    moved = piece.transposed(semitones)
    assert moved.key == Key((piece.key.tonic + semitones) % 12, piece.key.minor)
    pitches = sorted((piece.notes["pitch"].astype(int) + semitones) % 12)
    assert sorted(moved.notes["pitch"].astype(int) % 12) == pitches, "outside the range an octave back, no other note"
    for name in ("start", "duration", "velocity"):
        assert sorted(moved.notes[name]) == sorted(piece.notes[name])
    assert moved.length == piece.length and float(moved.seconds()) == float(piece.seconds())


@some
@given(pieces.any_piece(), st.integers(-12, 12))
def test_transposing_there_and_back_is_the_piece_where_no_octave_was_needed(piece: Piece, semitones: int) -> None:
    pitch = piece.notes["pitch"].astype(int) + semitones
    back = piece.transposed(semitones).transposed(-semitones)
    assert back.key == piece.key
    if pitch.min() >= 0 and pitch.max() <= 127:
        assert np.array_equal(back.notes, piece.notes)


@some
@given(pieces.any_piece(shifted=True), st.floats(0.25, 4))
def test_at_speed_divides_all_times_and_keeps_the_score(piece: Piece, factor: float) -> None:
    fast = piece.at_speed(factor)
    assert float(fast.seconds()) == pytest.approx(float(piece.seconds()) / factor, rel=1e-5)
    for name in ("start", "duration", "pitch", "velocity", "part"):
        assert np.array_equal(fast.notes[name], piece.notes[name])
    assert fast.played[0] == pytest.approx(piece.played[0] / factor, rel=1e-4, abs=1e-4)


def test_a_piece_is_never_changed_in_place() -> None:
    piece = pieces.scale(bpm=100)
    before = piece.notes.copy(), piece.tempos.copy(), piece.bars.copy()
    piece.transposed(3), piece.at_speed(2), piece.excerpt(1, 2)
    for was, now in zip(before, (piece.notes, piece.tempos, piece.bars), strict=True):
        assert np.array_equal(was, now)


@some
@given(pieces.any_piece(), st.data())
def test_an_excerpt_lasts_as_long_as_its_bars_did(piece: Piece, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(piece.bars) - 1))
    last = data.draw(st.integers(first + 1, len(piece.bars)))
    cut = piece.excerpt(first, last)
    begin, end = piece.edges[first], piece.edges[last]
    assert float(cut.seconds()) == pytest.approx(float(piece.seconds(end) - piece.seconds(begin)), rel=1e-6)
    assert cut.length == end - begin and len(cut.bars) == last - first
    chosen = piece.notes[(piece.notes["start"] >= begin) & (piece.notes["start"] < end)]
    assert np.array_equal(cut.notes["pitch"], chosen["pitch"])
    assert (cut.notes["start"] + cut.notes["duration"] <= cut.length).all()
    assert (cut.notes["duration"] >= 1).all()


def test_the_excerpt_of_everything_is_the_piece() -> None:
    piece = pieces.scale(bpm=90, pedals=[(2, 90)])
    whole = piece.excerpt(0, 2)
    for name in ("notes", "bars", "tempos", "pedals"):
        assert np.array_equal(getattr(whole, name), getattr(piece, name))


def test_pedals_are_cut_with_their_bars() -> None:
    cut = pieces.scale(pedals=[(0, 48), (90, 150)]).excerpt(1, 2)
    assert cut.pedals.tolist() == [(0, 54)]
