"""Keys are found in any transposition, and only what ends as music does is called a cadence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from flamingo.composing.key_estimation import correlations, ending, find_key, phrase_ends, pitch_classes
from flamingo.composing.piece import NOTE, Key, Piece
from tests.composing import pieces

Chord = tuple[int, ...]
MAJOR, NATURAL, HARMONIC = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11)
# Chords over C, bass first.
TONIC, IV, V7, VI, MINOR_TONIC, MINOR_IV = (
    (48, 60, 64, 67), (41, 60, 65, 69), (43, 59, 62, 65), (45, 60, 64, 69), (48, 60, 63, 67), (41, 60, 65, 68),
)  # fmt: skip


def chorale(chords: Sequence[Chord], key: str = "C major", last: int = 96, up: int = 0) -> Piece:
    """Chords of a quarter each, the last one a bar long."""
    rows = [pieces.note(24 * i, 24, p + up) for i, chord in enumerate(chords[:-1]) for p in chord]
    begin = -(-24 * (len(chords) - 1) // 96) * 96
    rows += [pieces.note(begin, last, p + up) for p in chords[-1]]
    return pieces.piece(rows, bars=begin // 96 + 1, key=key)


def line(scale: Sequence[int], tonic: int) -> Piece:
    """A scale up and down again."""
    steps = [*scale, 12, *reversed(scale)]
    rows = [pieces.note(24 * i, 24, 60 + tonic + s) for i, s in enumerate(steps)]
    return pieces.piece(rows, bars=4)


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("scale", "minor"), [(MAJOR, False), (NATURAL, True), (HARMONIC, True)])
def test_a_scale_is_in_its_own_key(tonic: int, scale: Sequence[int], minor: bool) -> None:
    assert find_key(line(scale, tonic).notes) == Key(tonic, minor)


@pytest.mark.parametrize("up", range(-5, 7))
@pytest.mark.parametrize("minor", [False, True])
def test_a_chorale_is_in_its_own_key(up: int, minor: bool) -> None:
    first, fourth = (MINOR_TONIC, MINOR_IV) if minor else (TONIC, IV)
    assert find_key(chorale([first, fourth, first, V7, first, fourth, V7, V7, first], up=up).notes) == Key(
        up % 12, minor
    )


def test_a_signature_decides_where_the_notes_do_not() -> None:
    fifths = np.array([pieces.note(0, 96, 60), pieces.note(0, 96, 67)], NOTE)
    assert find_key(fifths, -3) == Key(0, True)
    assert find_key(fifths, 0) == Key(0, False)


def test_a_long_note_counts_for_half_a_bar_at_most() -> None:
    notes = np.array([pieces.note(0, 960, 60), pieces.note(0, 24, 64), pieces.note(24, 24, 76)], NOTE)
    weights = pitch_classes(notes)
    assert (weights[0], weights[4], weights.sum()) == (48, 48, 96)


def test_nothing_is_like_no_key() -> None:
    assert correlations(np.zeros(12)).tolist() == [0.0] * 24
    assert correlations(np.ones(12)).tolist() == [0.0] * 24
    assert isinstance(find_key(np.zeros(0, NOTE)), Key)


# -- cadences ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", range(-5, 7))
def test_dominant_and_tonic_are_a_cadence_in_every_key(up: int) -> None:
    assert ending(chorale([TONIC, IV, TONIC, V7, TONIC], str(Key(up % 12)), up=up)).cadence
    assert ending(
        chorale([MINOR_TONIC, MINOR_IV, MINOR_TONIC, V7, MINOR_TONIC], str(Key(up % 12, True)), up=up)
    ).cadence


def test_a_minor_piece_may_end_in_major() -> None:
    assert ending(chorale([MINOR_TONIC, MINOR_IV, MINOR_TONIC, V7, TONIC], "C minor")).cadence


def test_a_major_piece_may_not_end_in_minor() -> None:
    assert not ending(chorale([TONIC, IV, TONIC, V7, MINOR_TONIC])).cadence


@pytest.mark.parametrize(
    ("chords", "missing"),
    [
        ([TONIC, IV, TONIC, IV, V7], "tonic_bass"),  # a half cadence: it stays on V
        ([TONIC, IV, TONIC, V7, VI], "tonic_bass"),  # a deceptive one
        ([TONIC, IV, TONIC, V7, (52, 60, 64, 67)], "tonic_bass"),  # an inversion does not close
        ([TONIC, IV, TONIC, V7, (48, 60, 64, 69)], "tonic_triad"),
        ([TONIC, IV, TONIC, IV, TONIC], "dominant"),  # plagal: amen, but no end
        ([TONIC, IV, TONIC, V7, (48,)], "closed"),
    ],
)
def test_what_lacks_a_part_of_it_is_none(chords: list[Chord], missing: str) -> None:
    found = ending(chorale(chords))
    assert not getattr(found, missing)
    assert not found.cadence


def test_the_last_chord_is_held() -> None:
    assert ending(chorale([TONIC, IV, TONIC, V7, TONIC], last=24)).longest == 1.0
    assert not ending(chorale([TONIC, IV, TONIC, V7, TONIC], last=24)).cadence
    assert ending(chorale([TONIC, IV, TONIC, V7, TONIC], last=48)).cadence


def test_a_piece_ends_in_its_own_key_not_in_another() -> None:
    assert not ending(chorale([TONIC, IV, TONIC, V7, TONIC], "F major")).cadence


def test_a_note_that_is_held_from_before_sounds_in_the_last_chord() -> None:
    piece = chorale([TONIC, IV, TONIC, V7, TONIC])
    held = np.array([pieces.note(72, 60, 53)], NOTE)
    assert not ending(pieces.piece([*piece.notes.tolist(), *held.tolist()])).tonic_triad


def test_silence_does_not_end() -> None:
    assert not ending(pieces.piece()).cadence


def test_phrases_end_where_a_cadence_is_held() -> None:
    # Seven quarters towards it, and then a bar of rest on the tonic, twice.
    phrase = [pieces.note(24 * i, 24, p) for i, chord in enumerate([TONIC, IV, TONIC, V7] * 3) for p in chord]
    phrase += [pieces.note(288, 96, p) for p in TONIC]
    second = [(start + 384, *rest) for start, *rest in phrase]
    found = phrase_ends(pieces.piece([*phrase, *second], bars=8))
    assert found == [(4, Key(0)), (8, Key(0))]


def test_running_notes_end_no_phrase() -> None:
    notes = [pieces.note(12 * i, 12, 60 + (0, 2, 4, 5, 7, 9, 11)[i % 7]) for i in range(64)]
    assert phrase_ends(pieces.piece(notes, bars=8)) == []
