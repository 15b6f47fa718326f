"""Chords and cadences are found where a student of harmony would write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from flamingo.composing.harmony import QUALITIES, beats, cadences, find_chords, sounding
from flamingo.composing.key_estimation import Key
from flamingo.composing.piece import BAR, NOTE, Piece

ONE, TWO, FOUR, FIVE, SEVENTH, SIX = (0, 4, 7), (2, 5, 9), (5, 9, 12), (-5, -1, 2), (-5, -1, 2, 5), (-3, 0, 4)
Chord = tuple[int, ...]


def chorale(chords: Sequence[tuple[Chord, int]], *, transposed: int = 0, metre: tuple[int, int] = (4, 4)) -> Piece:
    """Chords, each for so many quarters, with the lowest note an octave further down."""
    rows, at = [], 0
    for chord, quarters in chords:
        pitches = (chord[0] + 48, *(p + 60 for p in chord))
        rows += [(at, 24 * quarters, p + transposed, 64, 0, 0.0) for p in pitches]
        at += 24 * quarters
    bar = 96 * metre[0] // metre[1]
    grid = np.array([(bar * b, *metre) for b in range(-(-at // bar))], BAR)
    return Piece.build(np.array(rows, NOTE), grid, Key(transposed % 12))


@pytest.mark.parametrize("transposed", [0, 1, 6, 11])
def test_chords_are_found_in_any_key(transposed: int) -> None:
    found = find_chords(
        chorale([(ONE, 4), (SIX, 2), (FOUR, 2), (TWO, 2), (SEVENTH, 2), (ONE, 4)], transposed=transposed)
    )
    assert ((found.root - transposed) % 12).tolist() == [0, 9, 5, 2, 7, 0]
    kinds = [QUALITIES[quality] for quality in found.quality]
    assert kinds == ["major", "minor", "major", "minor", "dominant seventh", "major"]
    assert found.start.tolist() == [0, 96, 144, 192, 240, 288]
    assert found.bass.tolist() == found.root.tolist(), "all over their roots"
    assert found.at([0, 95, 96, 400]).tolist() == [0, 0, 1, 5]


def test_a_passing_note_changes_no_chord() -> None:
    held = [(0, 96, 48, 64, 0, 0.0), (0, 96, 52, 64, 0, 0.0), (0, 96, 55, 64, 0, 0.0)]
    tune = [(24 * k, 24, pitch, 64, 0, 0.0) for k, pitch in enumerate((72, 74, 76, 77))]
    piece = Piece.build(np.array(held + tune, NOTE), np.array([(0, 4, 4)], BAR), Key(0))
    found = find_chords(piece)
    assert (found.root.tolist(), found.quality.tolist()) == ([0], [0])


def test_a_rest_belongs_to_the_chord_before() -> None:
    piece = chorale([(ONE, 4), (FIVE, 4)])
    later = piece.notes.copy()
    later["start"][later["start"] > 0] += 96
    bars = np.array([(96 * b, 4, 4) for b in range(3)], BAR)
    found = find_chords(Piece.build(later, bars, Key(0)))
    assert found.start.tolist() == [0, 192]


def test_a_piece_without_notes_has_no_chords_and_no_cadences() -> None:
    silence = Piece.build(np.zeros(0, NOTE), np.array([(0, 3, 4)], BAR), Key(0))
    assert len(find_chords(silence).start) == 0
    assert cadences(silence) == []


def test_beats_are_those_of_the_metre() -> None:
    bars = np.array([(0, 6, 8), (72, 3, 4), (144, 4, 4)], BAR)
    piece = Piece.build(np.array([(0, 24, 60, 64, 0, 0.0)], NOTE), bars, Key(0))
    assert beats(piece).tolist() == [0, 36, 72, 96, 120, 144, 168, 192, 216, 240]


def test_what_sounds_between_edges_is_counted_where_it_sounds() -> None:
    rows = [(12, 36, 60, 64, 0, 0.0), (24, 24, 52, 64, 0, 0.0)]
    piece = Piece.build(np.array(rows, NOTE), np.array([(0, 4, 4)], BAR), Key(0))
    weights, lowest = sounding(piece, np.array([0, 24, 48, 96]))
    assert weights[:, 0].tolist() == [12, 24, 0] and weights[:, 4].tolist() == [0, 24, 0]
    assert lowest.tolist() == [60, 52, 128]


def test_a_period_rests_on_the_dominant_and_then_on_the_tonic() -> None:
    begin = [(ONE, 1), (FOUR, 1), (ONE, 1), (TWO, 1), (ONE, 1), (SIX, 1), (TWO, 1), (FOUR, 1), (ONE, 2)]
    question, answer = [*begin, (TWO, 2), (FIVE, 4)], [*begin, (SEVENTH, 2), (ONE, 4)]
    found = cadences(chorale([*question, *answer], transposed=2))
    assert [(rest.kind, rest.bar, str(rest.key)) for rest in found] == [
        ("half", 3, "D major"),
        ("authentic", 7, "D major"),
    ]


def test_no_rest_is_no_cadence() -> None:
    assert cadences(chorale([(ONE, 1), (SEVENTH, 1)] * 16)) == []
