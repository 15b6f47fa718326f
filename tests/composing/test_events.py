"""A piece as the network spells it: nothing is lost but what the vocabulary has no word for, in one spelling only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.events import BAR_LINE, DURATIONS, PITCHES, Grammar, relative, spell, unspell
from flamingo.composing.piece import BAR, NOTE, Key, Metre, Piece
from tests.composing import pieces

some = settings(max_examples=40, deadline=None, derandomize=True)

COLUMNS = ["start", "duration", "pitch", "part", "velocity"]


@st.composite
def writable(draw: st.DrawFn) -> Piece:
    """A piece of one piano whose durations are in the vocabulary and whose velocities are middles of their bins."""
    metres = draw(
        st.lists(st.sampled_from(["4/4", "3/4", "6/8", "5/4", "12/8", "2/4", "9/16"]), min_size=1, max_size=4)
    )
    length = sum(Metre.parse(metre).units for metre in metres)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, length - 1),
                st.sampled_from(DURATIONS),
                st.integers(21, 108),
                st.integers(0, 15).map(lambda v: 8 * v + 4),
            ),
            max_size=20,
            unique_by=lambda row: row[2],
        )
    )
    notes = [pieces.note(start, duration, pitch, velocity) for start, duration, pitch, velocity in rows]
    return pieces.piece(notes, metres=metres, key=draw(st.sampled_from(pieces.KEYS)))


def metres_of(piece: Piece) -> list[Metre]:
    return [piece.metre(bar) for bar in range(len(piece.bars))]


# -- there and back ------------------------------------------------------------------------------------------


@some
@given(writable())
def test_what_is_spelled_is_read_back(piece: Piece) -> None:
    rows = relative(spell(piece).events, piece.key.tonic)
    back = unspell(rows, metres_of(piece), piece.key)
    assert np.array_equal(back.notes[COLUMNS], piece.notes[COLUMNS])
    assert np.array_equal(back.bars, piece.bars)


@some
@given(pieces.any_piece())
def test_any_piece_comes_back_with_the_same_attacks(piece: Piece) -> None:
    notes = piece.notes.copy()
    notes["pitch"] = 24 + notes["pitch"] % 84
    _, once = np.unique(notes[["start", "pitch"]], return_index=True)
    piece = Piece.build(notes[once], piece.bars, piece.key)
    rows = relative(spell(piece).events, piece.key.tonic)
    back = unspell(rows, metres_of(piece), piece.key)
    assert sorted(back.notes[["start", "pitch"]].tolist()) == sorted(piece.notes[["start", "pitch"]].tolist())
    was, now = (np.sort(p.notes, order=("start", "pitch", "velocity")) for p in (piece, back))
    assert np.abs(now["velocity"].astype(int) - was["velocity"]).max() <= 4


@some
@given(writable(), st.integers(-6, 6))
def test_a_transposed_piece_is_spelled_the_same(piece: Piece, semitones: int) -> None:
    pitch = piece.notes["pitch"].astype(int)
    assume(not len(pitch) or (pitch.min() + semitones >= 24 and pitch.max() + semitones <= 108 and pitch.min() >= 24))
    moved = piece.transposed(semitones)
    here, there = (relative(spell(p).events, p.key.tonic) for p in (piece, moved))
    octave = (here[:, 1] - there[:, 1])[here[:, 1] >= 0]
    # The same but for the octave: F sharp is as far above C as below.
    assert set(octave.tolist()) in (set(), {0}, {12}, {-12})
    assert np.array_equal(here[:, [0, 2, 3]], there[:, [0, 2, 3]])


@some
@given(writable())
def test_a_bar_line_stands_before_every_bar_and_notes_are_in_order(piece: Piece) -> None:
    spelled = spell(piece)
    rows = spelled.events
    lines = rows[:, 0] == BAR_LINE
    assert lines.sum() == len(piece.bars) and lines[0]
    assert (rows[lines, 1:] == -1).all()
    assert np.array_equal(np.cumsum(lines) - 1, spelled.bar)
    keys = [
        (bar, *((-1, -1) if line else (row[0], row[1])))
        for row, bar, line in zip(rows, spelled.bar, lines, strict=True)
    ]
    assert keys == sorted(keys) and len(set(keys)) == len(keys), "one spelling: later places and higher notes follow"


def test_long_bars_are_read_as_several() -> None:
    piece = pieces.piece([pieces.note(100, 24, 60)], bars=2, metre="8/4")
    spelled = spell(piece)
    assert spelled.bars.tolist() == [(0, 4, 4), (96, 4, 4), (192, 4, 4), (288, 4, 4)]
    assert spelled.events[:, 0].tolist() == [BAR_LINE, BAR_LINE, 4, BAR_LINE, BAR_LINE]


@pytest.mark.parametrize("numerator", [7, 11, 13, 255])
def test_no_bar_is_too_odd_to_be_cut(numerator: int) -> None:
    piece = Piece.build(np.zeros(0, NOTE), np.array([(0, numerator, 4)], BAR), Key(0))
    bars = events.cut_long_bars(piece)
    assert sum(Metre(n, d).units for _, n, d in bars.tolist()) == numerator * 24
    assert all(Metre(n, d).units <= events.PLACES for _, n, d in bars.tolist())


def test_every_midi_pitch_has_a_place_in_every_key() -> None:
    rows = np.array([(0, pitch, 0, 8) for pitch in range(128)], np.int16)
    for tonic in range(12):
        found = relative(rows, tonic)[:, 1]
        assert found.min() >= 0 and found.max() < PITCHES, f"tonic {tonic}"
        back = np.array([events.midi_pitch(int(index), tonic) for index in found])
        assert ((back - np.arange(128)) % 12 == 0).all(), "another octave at most"
        assert (back[21:109] == np.arange(21, 109)).all(), "and none on the piano"


# -- classes -------------------------------------------------------------------------------------------------


def test_a_duration_goes_to_the_nearest_word() -> None:
    assert events.duration_index(np.array(DURATIONS)).tolist() == list(range(len(DURATIONS)))
    assert DURATIONS[int(events.duration_index(np.array(23)))] == 24
    assert DURATIONS[int(events.duration_index(np.array(5000)))] == DURATIONS[-1]
    assert DURATIONS[int(events.duration_index(np.array(0)))] == 1


def test_bars_left_are_counted_one_by_one_and_then_in_wider_steps() -> None:
    found = events.left_index(np.arange(1, 2000))
    assert found[:16].tolist() == list(range(16))
    assert (np.diff(found) >= 0).all() and found.max() < events.LEFTS
    assert int(events.left_index(0)) == 0


def test_tempos_are_four_classes_to_the_doubling() -> None:
    assert int(events.tempo_index(120)) - int(events.tempo_index(60)) == 4
    assert (int(events.tempo_index(1)), int(events.tempo_index(1200))) == (0, events.TEMPOS - 1)


def test_unknown_metres_share_one_place() -> None:
    assert [events.metre_index(Metre.parse(m)) for m in events.METRES] == list(range(len(events.METRES)))
    assert events.metre_index(Metre(7, 8)) == len(events.METRES)


# -- what is struck again -------------------------------------------------------------------------------------


@some
@given(pieces.any_piece())
def test_a_key_is_let_go_before_it_is_struck_again(piece: Piece) -> None:
    notes = piece.notes.copy()
    notes["pitch"] = 60 + notes["pitch"] % 3
    freed = events.release_before_repeat(notes)
    assert len(freed) == len(notes)
    for part in range(3):
        for pitch in range(60, 63):
            mine = np.sort(freed[(freed["pitch"] == pitch) & (freed["part"] == part)], order="start")
            starts, at = np.unique(mine["start"], return_index=True)
            last = np.maximum.reduceat(mine["start"] + mine["duration"], at) if len(mine) else starts
            # A note that is doubled lasts a unit at least.
            assert (last[:-1] <= np.maximum(starts[1:], starts[:-1] + 1)).all()


# -- grammar -------------------------------------------------------------------------------------------------


@some
@given(writable())
def test_the_grammar_allows_whatever_is_spelled(piece: Piece) -> None:
    spelled = spell(piece)
    grammar = Grammar(96, tonic=piece.key.tonic)
    for (where, pitch, *_), bar in zip(relative(spelled.events, piece.key.tonic).tolist(), spelled.bar, strict=True):
        assert grammar.wheres()[where]
        if where == BAR_LINE:
            grammar.bar(piece.metre(int(bar)).units)
        else:
            assert grammar.pitches(where)[pitch]
            grammar.take(where, pitch)


def wander(units: int, tonic: int, random: np.random.Generator, count: int = 60) -> NDArray[Any]:
    """Whatever the grammar lets through."""
    grammar = Grammar(units, tonic=tonic)
    grammar.bar(units)
    rows = [(BAR_LINE, -1, -1, -1, -1)]
    for _ in range(count):
        where = int(random.choice(np.flatnonzero(grammar.wheres())))
        if where == BAR_LINE:
            grammar.bar(units)
            rows.append((BAR_LINE, -1, -1, -1, -1))
            continue
        pitch = int(random.choice(np.flatnonzero(grammar.pitches(where))))
        grammar.take(where, pitch)
        rows.append((where, pitch, int(random.integers(len(DURATIONS))), int(random.integers(16)), 0))
    return np.array(rows, np.int16)


@some
@given(st.sampled_from(["4/4", "3/4", "9/16", "12/8"]), st.integers(0, 11), st.integers(0, 1000))
def test_whatever_the_grammar_allows_is_the_one_spelling_of_a_piece(metre: str, tonic: int, seed: int) -> None:
    time = Metre.parse(metre)
    rows = wander(time.units, tonic, np.random.default_rng(seed))
    piece = unspell(rows, [time] * int((rows[:, 0] == BAR_LINE).sum()), Key(tonic))
    assert ((piece.notes["pitch"] >= 21) & (piece.notes["pitch"] <= 108)).all()
    assert (piece.notes["start"] < piece.length).all()
    again = relative(spell(piece).events, tonic)
    # Durations are cut where a key is struck again; all else is as it was.
    assert np.array_equal(again[:, [0, 1, 3]], rows[:, [0, 1, 3]])


@some
@given(st.integers(1, 144), st.integers(0, 11), st.integers(0, 200))
def test_there_is_always_something_that_may_follow(units: int, tonic: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    grammar = Grammar(units, tonic=tonic)
    for _ in range(40):
        wheres = np.flatnonzero(grammar.wheres(line=False))
        if not len(wheres):
            # Only the highest note at the last place leaves nothing but the bar line.
            assert grammar.position == units - 1
            grammar.bar(units)
            continue
        where = int(random.choice(wheres[-3:]))
        pitches = np.flatnonzero(grammar.pitches(where))
        assert len(pitches)
        grammar.take(where, int(random.choice(pitches[-5:])))
