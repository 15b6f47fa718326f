"""The measures of music say what they promise, on pieces small enough to be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.measure import Measures, measures
from flamingo.composing.piece import BAR, NOTE, TEMPO, Key, Piece

Row = tuple[int, int, int]  # start and duration in units, pitch


def piece(rows: Sequence[Row], bars: int, *, bpm: float = 120.0, minor: bool = False) -> Piece:
    """A piece in 4/4, every note at velocity 64."""
    notes = np.array([(start, duration, pitch, 64, 0, 0.0) for start, duration, pitch in rows], NOTE)
    grid = np.array([(96 * b, 4, 4) for b in range(bars)], BAR)
    return Piece.build(notes, grid, Key(0, minor), tempos=np.array([(0, bpm)], TEMPO))


def quarters(pitches: Sequence[int], *, duration: int = 24) -> Piece:
    return piece([(24 * k, duration, pitch) for k, pitch in enumerate(pitches)], -(-len(pitches) // 4))


def test_the_entropy_of_four_pitch_classes_is_two_bits() -> None:
    found = measures(quarters([60, 62, 64, 65, 72, 74, 76, 77]))
    assert found.entropy == pytest.approx(2.0)
    assert measures(quarters(range(60, 72))).entropy == pytest.approx(math.log2(12))


def test_entropy_in_four_bars_is_that_of_the_windows() -> None:
    # Four bars of C, then four of D: 1 bit in all. Windows of 4:0, 3:1, 2:2, 1:3 and 0:4 bars.
    found = measures(quarters([60] * 16 + [62] * 16))
    quarter = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    assert found.entropy == pytest.approx(1.0)
    assert found.entropy_4 == pytest.approx((0 + quarter + 1 + quarter + 0) / 5)


def test_groove_counts_the_places_that_differ_between_all_pairs_of_bars() -> None:
    same = [(96 * b + 24 * k, 24, 60) for b in range(3) for k in range(4)]
    assert measures(piece(same, 3)).groove == 1.0
    # The last bar has its four onsets an eighth later: all 8 of the places differ, in two of three pairs.
    moved = [*same[:8], *((s + 12, d, p) for s, d, p in same[8:])]
    found = measures(piece(moved, 3))
    assert found.groove == pytest.approx(1 - (0 + 8 + 8) / 3 / 16)
    assert found.groove_next == pytest.approx(1 - (0 + 8) / 2 / 16)


def test_scale_is_the_share_inside_the_best_one() -> None:
    assert measures(quarters([60, 62, 64, 65, 67, 69, 71, 72])).scale == 1.0
    assert measures(quarters([57, 59, 60, 62, 64, 65, 68, 69])).scale == 1.0, "harmonic minor"
    assert measures(quarters(range(60, 72))).scale == pytest.approx(7 / 12)


def test_repeated_bars_are_those_that_have_been_before() -> None:
    bar, other = [60, 62, 64, 65], [60, 62, 64, 67]
    assert measures(quarters(bar + other + bar + bar)).repeated == pytest.approx(2 / 4)
    rests = piece([(0, 24, 60)], 4)
    assert measures(rests).repeated == 0.0, "silence repeats nothing"


def test_what_is_counted_in_time() -> None:
    found = measures(quarters([60, 62, 64, 65] * 2, duration=12))
    assert found.notes_a_second == pytest.approx(2.0)
    assert found.bpm == pytest.approx(120)
    assert found.articulation == pytest.approx(0.5)
    assert found.polyphony == pytest.approx(1.0)
    assert found.velocity == 64
    assert found.velocity_spread == 0


def test_notes_held_together_and_into_another_bar() -> None:
    chords = piece([(0, 120, 48), (0, 96, 52), (0, 96, 55)], 4)
    found = measures(chords)
    assert found.polyphony == pytest.approx((3 * 96 + 24) / 120)
    assert found.filled == pytest.approx(2 / 4)


def test_minor_is_told_from_major() -> None:
    major, minor = [60, 64, 67, 72, 65, 69, 67, 60], [60, 63, 67, 72, 65, 68, 67, 60]
    assert measures(quarters(major * 4)).minor == 0
    assert measures(quarters(minor * 4)).minor == 1


def test_a_piece_without_notes_measures_nothing() -> None:
    found = measures(piece([], 2))
    assert set(found.as_dict().values()) == {0.0}
    assert list(found.as_dict()) == list(Measures.__dataclass_fields__)


rows = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300), st.integers(30, 90)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(rows)
def test_every_measure_is_finite_and_in_its_range(given_rows: list[Row]) -> None:
    found = measures(piece(given_rows, 7)).as_dict()
    assert all(math.isfinite(value) for value in found.values())
    for name in ("groove", "groove_next", "scale", "repeated", "filled", "minor"):
        assert 0 <= found[name] <= 1, name
    assert 0 <= found["entropy"] <= math.log2(12) + 1e-9
    assert found["polyphony"] >= 1


@settings(deadline=None, max_examples=40)
@given(rows, st.integers(-11, 11))
def test_transposing_moves_the_pitch_and_nothing_else(given_rows: list[Row], semitones: int) -> None:
    first = piece(given_rows, 7)
    before, after = measures(first).as_dict(), measures(first.transposed(semitones)).as_dict()
    assert after.pop("pitch") == pytest.approx(before.pop("pitch") + semitones)
    # The share in minor may flip where two keys fit as well as each other.
    before.pop("minor"), after.pop("minor")
    assert after == pytest.approx(before)
