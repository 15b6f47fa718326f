"""Figures of form, on music whose form is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.composing.form_measures import FormMeasures, form_measures
from flamingo.composing.piece import BAR, NOTE, Key, Piece
from tests.composing.pieces import any_piece

Bar = list[tuple[int, int, int]]  # place and duration in units, pitch


def of(bars: list[Bar]) -> Piece:
    rows = [(96 * b + at, long, pitch, 64, 0, 0.0) for b, bar in enumerate(bars) for at, long, pitch in bar]
    grid = np.array([(96 * b, 4, 4) for b in range(len(bars))], BAR)
    return Piece.build(np.array(rows, NOTE), grid, Key(0))


def drawn(bars: int, seed: int) -> list[Bar]:
    """Bars of eighths of any pitch, a rest now and then."""
    dice = np.random.default_rng(seed)
    return [
        [(12 * k, 12, int(dice.integers(48, 84))) for k in range(8) if dice.random() < 0.8 or k == 0]
        for _ in range(bars)
    ]


def test_bars_that_answer_each_other_are_alike_at_their_distance_alone() -> None:
    four = drawn(4, 1)
    found = form_measures(of(four * 8))
    assert found.chroma_4 > 0.2 and found.chroma_8 == pytest.approx(found.chroma_4)
    assert found.rhythm_4 > 0.04
    assert found.chroma_2 < 0 and found.rhythm_2 < 0
    different = {tuple(at for at, _, _ in bar) for bar in four}
    assert found.motifs > 0.8 and found.rhythms == pytest.approx(len(different) / 32)


def test_bars_at_random_answer_nothing() -> None:
    found = [form_measures(of(drawn(32, seed))) for seed in range(12)]
    for name in ("chroma_2", "chroma_4", "chroma_8", "rhythm_2", "rhythm_4", "rhythm_8"):
        assert abs(np.mean([getattr(one, name) for one in found])) < 0.04
    assert np.mean([one.motifs for one in found]) < 0.02
    assert np.mean([one.opening_returns for one in found]) < 0.6


@pytest.mark.parametrize("semitones", [0, 5, -3])
def test_an_opening_that_returns_in_another_key_returns(semitones: int) -> None:
    opening = drawn(4, 3)
    moved = [[(at, long, pitch + semitones) for at, long, pitch in bar] for bar in opening]
    assert form_measures(of([*opening, *drawn(16, 4), *moved])).opening_returns == pytest.approx(1)


def test_where_harmony_goes_is_counted_by_its_changes() -> None:
    def chord(root: int, minor: bool = False) -> Bar:
        return [(0, 96, p) for p in (root + 36, root + 60, root + 63 + (not minor), root + 67)]

    found = form_measures(of([chord(0), chord(9, True), chord(5), chord(7), chord(0), chord(7), chord(0), chord(0)]))
    assert found.changes == pytest.approx(6 / 8)
    assert found.dominant_tonic == pytest.approx(2 / 6)
    assert found.thirds == pytest.approx(2 / 6)
    assert found.silent == 0


def test_bars_without_an_attack_are_silent_even_where_something_is_held() -> None:
    assert form_measures(of([[(0, 192, 60)], [], [(0, 96, 62)], []])).silent == 0.5


def test_the_left_hand_that_keeps_its_rhythm_is_heard() -> None:
    alberti = [[(12 * k, 12, (48, 55, 52, 55)[k % 4]) for k in range(8)] for _ in range(4)]
    assert form_measures(of(alberti)).same_bass_rhythm == 1
    assert form_measures(of([[(12 * b, 12, 48)] for b in range(4)])).same_bass_rhythm == 0


def test_bars_without_a_left_hand_are_counted() -> None:
    bars: list[Bar] = [[(0, 96, 48), (0, 48, 72)], [(0, 48, 72)], [(0, 192, 59)], []]
    assert form_measures(of(bars)).without_bass == 0.25, "what is held from the bar before sounds"


@given(any_piece(), st.integers(-3, 3))
def test_figures_are_finite_and_the_same_in_any_key(piece: Piece, semitones: int) -> None:
    found = form_measures(piece).as_dict()
    assert set(found) == set(FormMeasures.__dataclass_fields__)
    assert all(np.isfinite(list(found.values())))
    if len(piece.notes) and piece.notes["pitch"].min() >= 3 and piece.notes["pitch"].max() <= 124:
        moved = form_measures(piece.transposed(semitones)).as_dict()
        for name in ("chroma_4", "rhythm_4", "motifs", "opening_returns", "melodic_entropy", "silent"):
            assert moved[name] == pytest.approx(found[name], abs=1e-9)
