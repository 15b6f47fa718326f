"""Who plays and how: instruments keep to their ranges, a player's freedom to its bounds, a pedal to its harmony."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.performance import humanised, louder, pedalled
from flamingo.composing.piece import Piece
from tests.composing import pieces, tiny

some = settings(max_examples=40, deadline=None, derandomize=True)

# -- a player's freedom --------------------------------------------------------------------------------------


def test_no_freedom_is_no_change() -> None:
    piece = pieces.scale()
    assert humanised(piece, 0, np.random.default_rng(0)) is piece
    assert humanised(pieces.piece(), 1, np.random.default_rng(0)).notes.size == 0


@some
@given(pieces.any_piece(), st.floats(0.01, 1), st.integers(0, 100))
def test_a_player_leaves_the_score_and_the_length(piece: Piece, amount: float, seed: int) -> None:
    free = humanised(piece, amount, np.random.default_rng(seed))
    for name in ("start", "duration", "pitch", "part"):
        assert np.array_equal(free.notes[name], piece.notes[name])
    assert float(free.seconds()) == float(piece.seconds())
    assert ((free.notes["velocity"] >= 8) & (free.notes["velocity"] <= 124)).all()
    assert np.isfinite(free.notes["shift"]).all()
    assert (free.notes["shift"][free.notes["start"] == free.notes["start"][0]] >= 0).all(), (
        "nothing before the beginning"
    )
    again = humanised(piece, amount, np.random.default_rng(seed))
    assert np.array_equal(again.notes, free.notes)


@pytest.mark.parametrize("attacks", [2, 3, 5, 8])
def test_a_few_notes_stray_no_further_than_many(attacks: int) -> None:
    piece = pieces.piece([pieces.note(12 * i, 12, 60 + i) for i in range(attacks)])
    for seed in range(40):
        free = humanised(piece, 1.0, np.random.default_rng(seed))
        assert np.abs(free.notes["shift"]).max() < 0.07
        assert np.abs(free.notes["velocity"].astype(int) - piece.notes["velocity"]).max() < 36


def test_half_freedom_strays_by_some_milliseconds_and_steps() -> None:
    piece = tiny.study("C major", 40)
    free = humanised(piece, 0.5, np.random.default_rng(0))
    assert 0.004 < free.notes["shift"].std() < 0.012
    assert 1 < (free.notes["velocity"].astype(int) - piece.notes["velocity"]).std() < 5


def test_more_freedom_strays_further() -> None:
    piece = tiny.study("C major", 20)
    spread = [humanised(piece, a, np.random.default_rng(0)).notes["shift"].std() for a in (0.1, 0.4, 1.0)]
    assert spread == sorted(spread)


def test_the_melody_comes_ahead_of_its_chord_and_above_it() -> None:
    free = humanised(pieces.chords(), 1.0, np.random.default_rng(0))
    top = free.notes["pitch"] == 72
    assert free.notes["shift"][top].mean() < free.notes["shift"][~top].mean()
    assert free.notes["velocity"][top].mean() > free.notes["velocity"][~top].mean()


@pytest.mark.parametrize("steps", [-200.0, -10.5, 0.0, 3, *(-3, 200)])
def test_louder_moves_all_and_stays_in_range(steps: float) -> None:
    found = louder(pieces.scale(), steps).notes["velocity"].astype(float)
    assert np.array_equal(found, np.clip(np.round(pieces.scale().notes["velocity"] + float(steps)), 8, 124))


# -- the pedal -----------------------------------------------------------------------------------------------


def arpeggio(bars: int = 4) -> Piece:
    chord = ((48, 52, 55, 60), (43, 47, 50, 55))
    notes = [pieces.note(96 * b + 12 * i, 12, chord[b % 2][i % 4]) for b in range(bars) for i in range(8)]
    return pieces.piece(notes, bars=bars)


def test_a_broken_chord_is_pedalled() -> None:
    assert len(pedalled(arpeggio()).pedals) == 8


def test_a_scale_is_not() -> None:
    steps = (60, 62, 64, 65, 67, 69, 71, 72)
    assert not len(pedalled(pieces.piece([pieces.note(6 * i, 6, steps[i % 8]) for i in range(32)])).pedals)


def test_a_pedal_that_is_there_stays() -> None:
    piece = pieces.scale(pedals=[(0, 24)])
    assert pedalled(piece) is piece


@some
@given(pieces.any_piece())
def test_a_pedal_never_goes_over_a_bar_line_nor_over_the_next(piece: Piece) -> None:
    pedals = pedalled(piece).pedals
    assert (pedals["end"] > pedals["start"]).all()
    assert np.array_equal(piece.bar_of(pedals["start"]), piece.bar_of(pedals["end"]))
    assert (pedals["start"][1:] > pedals["end"][:-1]).all()


@some
@given(pieces.any_piece())
def test_under_a_pedal_there_are_four_pitch_classes_at_most(piece: Piece) -> None:
    for start, end in pedalled(piece).pedals.tolist():
        under = piece.notes[(piece.notes["start"] >= start) & (piece.notes["start"] < end)]
        assert len(set((under["pitch"] % 12).tolist())) <= 4
