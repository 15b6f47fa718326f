"""Phrases end where a musician would breathe, and each bar is called by what it does in its phrase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.phrase_functions import FUNCTIONS, LONGEST, Phrases, phrases
from flamingo.composing.piece import Key, Piece
from tests.composing.pieces import any_piece, note, piece

some = settings(max_examples=40, deadline=None, derandomize=True)

Chord = tuple[int, ...]
ONE, TWO, FOUR, FIVE, SIX = (0, 4, 7), (2, 5, 9), (5, 9, 12), (7, 11, 14), (9, 12, 16)
MINOR_ONE, MINOR_FOUR = (0, 3, 7), (5, 8, 12)
QUESTION, ANSWER = [ONE, FOUR, TWO, FIVE], [ONE, FOUR, FIVE, ONE]


def chorale(chords: Sequence[Chord], *, key: str = "C major") -> Piece:
    """A chord a bar over its root, and a tune of four quarters a bar that rests in every fourth."""
    tonic = Key.parse(key).tonic
    notes = []
    for at, chord in enumerate(chords):
        notes += [note(96 * at, 96, tonic + p, part=1) for p in (chord[0] + 36, *(p + 48 for p in chord))]
        beats = range(1 if at % 4 == 3 else 4)
        notes += [note(96 * at + 24 * beat, 96 // len(beats), tonic + 72 + chord[(at + beat) % 3]) for beat in beats]
    return piece(notes, bars=len(chords), key=key)


def found(music: Piece, **signs: Any) -> Phrases:
    return phrases(music, music.notes["part"], **signs)


def functions(music: Piece, **signs: Any) -> list[str]:
    return [FUNCTIONS[number] for number in found(music, **signs).function]


def last_bars(music: Piece, **signs: Any) -> list[int]:
    return [bar for bar, _ in found(music, **signs).ends]


# -- cadences ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["C major", "D major", "F# major", "B major"])
def test_phrases_of_four_bars_with_cadences_are_cut_every_four_bars(key: str) -> None:
    ends = found(chorale([*QUESTION, *ANSWER] * 3, key=key)).ends
    assert [(bar, str(k)) for bar, k in ends] == [(bar, key) for bar in range(3, 24, 4)]


def test_each_bar_is_called_by_what_it_does() -> None:
    assert functions(chorale([*QUESTION, *ANSWER])) == [
        *("opening", "opening", "continuation", "half cadence"),
        *("opening", "opening", "continuation", "authentic cadence"),
    ]


def test_bars_are_counted_down_to_the_end_of_their_phrase() -> None:
    assert found(chorale([*QUESTION, *ANSWER])).left.tolist() == [4, 3, 2, 1] * 2


def test_in_minor_a_phrase_rests_on_the_same_degrees() -> None:
    period = [MINOR_ONE, MINOR_FOUR, MINOR_ONE, FIVE, MINOR_ONE, MINOR_FOUR, FIVE, MINOR_ONE]
    named = functions(chorale(period * 2, key="A minor"))
    assert [named[bar] for bar in (3, 7, 11, 15)] == ["half cadence", "authentic cadence"] * 2


def test_a_tonic_that_no_dominant_led_to_is_no_cadence() -> None:
    named = functions(chorale([ONE, SIX, FOUR, ONE] * 2))
    assert not {"half cadence", "authentic cadence"} & set(named)


def test_a_chord_over_another_note_than_its_root_is_no_cadence() -> None:
    music = chorale([*QUESTION, *ANSWER])
    notes = music.notes.copy()
    last = (notes["start"] == 7 * 96) & (notes["pitch"] < 60)
    notes["pitch"][last & (notes["pitch"] == 36)] = 40  # the third in the bass
    assert functions(Piece.build(notes, music.bars, music.key))[7] == "continuation"


def test_a_phrase_that_leaves_its_key_is_a_transition_once_it_has_opened() -> None:
    away = [ONE, SIX, (2, 6, 9), (7, 11, 14), (7, 11, 14), (4, 7, 11), (2, 6, 9, 12), (7, 11, 14)]
    music = chorale([*ANSWER, *away, *QUESTION, *QUESTION])
    ends = dict(found(music).ends)
    assert str(ends[3]) == "C major" and str(ends[11]) == "G major"
    assert functions(music)[8:12] == ["opening", "opening", "transition", "authentic cadence"]


def test_what_follows_the_last_full_cadence_is_the_coda() -> None:
    after = [FOUR, FOUR, ONE, FOUR]
    named = functions(chorale([*ANSWER, *ANSWER, *after]))
    assert named[7:] == ["authentic cadence", *["coda"] * 4]
    assert named[:7].count("coda") == 0


def test_more_than_eight_bars_after_the_last_full_cadence_are_no_coda() -> None:
    assert "coda" not in functions(chorale([*ANSWER, *[ONE, FOUR] * 6]))


# -- other signs ---------------------------------------------------------------------------------------------


def one_chord(bars: int, tune: Sequence[tuple[float, ...]] = ()) -> Piece:
    """Bars in which the harmony says nothing of phrases."""
    return piece([*tune, *(note(96 * b, 96, p, part=1) for b in range(bars) for p in (50, 53, 57))], bars=bars)


def tune(bars: int, *, rests_in: int = -1, again_in: int = -1) -> list[tuple[float, ...]]:
    """Four quarters a bar that do not repeat themselves. rests_in: a bar with one long note; again_in: one that,
    with the next, is like the first two."""
    dice = np.random.default_rng(5)
    pitches = dice.integers(66, 78, (bars, 4))
    if again_in >= 0:
        pitches[again_in : again_in + 2] = pitches[:2]
    notes = []
    for bar, four in enumerate(pitches.tolist()):
        beats = four[:1] if bar == rests_in else four
        notes += [note(96 * bar + 24 * i, 96 // len(beats), pitch) for i, pitch in enumerate(beats)]
    return notes


@pytest.mark.parametrize("ended", [4, 5, 6])
def test_a_double_bar_ends_a_phrase(ended: int) -> None:
    assert last_bars(one_chord(10), lines=[96 * ended]) == [ended - 1, 9]


@pytest.mark.parametrize("ended", [4, 5, 6])
def test_a_fermata_inside_a_bar_ends_a_phrase_with_that_bar(ended: int) -> None:
    assert last_bars(one_chord(10), stops=[96 * ended - 24]) == [ended - 1, 9]


def test_a_double_bar_at_the_beginning_or_the_end_or_beyond_cuts_nothing() -> None:
    assert last_bars(one_chord(10), lines=[0, 960, 5000]) == last_bars(one_chord(10))


@pytest.mark.parametrize("ended", [4, 6])
def test_a_fermata_on_the_first_note_of_a_bar_ends_that_bar(ended: int) -> None:
    assert last_bars(one_chord(10), stops=[96 * (ended - 1)]) == [ended - 1, 9]


# Ten bars are four and six, or six and four: one sign decides.
@pytest.mark.parametrize("ended", [4, 6])
def test_slurs_that_end_over_the_melody_decide(ended: int) -> None:
    assert last_bars(one_chord(10), slur_ends=[96 * ended - 24]) == [ended - 1, 9]


@pytest.mark.parametrize("ended", [4, 6])
def test_another_accompaniment_begins_a_phrase(ended: int) -> None:
    assert last_bars(one_chord(10), texture=np.array([1] * ended + [2] * (10 - ended))) == [ended - 1, 9]


@pytest.mark.parametrize("ended", [4, 6])
def test_a_phrase_ends_where_the_melody_rests(ended: int) -> None:
    assert last_bars(one_chord(10, tune(10, rests_in=ended - 1))) == [ended - 1, 9]


@pytest.mark.parametrize("ended", [4, 6])
def test_a_phrase_ends_before_its_beginning_comes_again(ended: int) -> None:
    assert last_bars(one_chord(10, tune(10, again_in=ended))) == [ended - 1, 9]


# -- any music -----------------------------------------------------------------------------------------------


def test_a_single_bar_is_a_phrase() -> None:
    only = found(piece([note(0, 96, 60)], bars=1))
    assert only.ends == [(0, Key(0))]
    assert (only.left.tolist(), only.function.tolist()) == ([1], [FUNCTIONS.index("opening")])


@pytest.mark.parametrize("bars", [1, 7, 40])
def test_empty_bars_have_phrases_too(bars: int) -> None:
    silence = found(piece([], bars=bars))
    assert silence.function.shape == silence.left.shape == (bars,)
    assert silence.ends[-1] == (bars - 1, Key(0))


def test_empty_bars_inside_a_piece_are_bars() -> None:
    music = chorale([*QUESTION, *ANSWER] * 2)
    gone = (music.notes["start"] >= 4 * 96) & (music.notes["start"] < 7 * 96)
    gaps = found(Piece.build(music.notes[~gone], music.bars, music.key))
    assert len(gaps.function) == len(gaps.left) == 16 and gaps.ends[-1][0] == 15


@st.composite
def signs(draw: st.DrawFn, music: Piece) -> dict[str, Any]:
    """Any marks, whether they lie in the piece or not."""
    places = st.lists(st.integers(-10, music.length + 100), max_size=4)
    bars = len(music.bars)
    texture = st.lists(st.integers(0, 9), min_size=bars, max_size=bars).map(np.array)
    return {"stops": draw(places), "slur_ends": draw(places), "texture": draw(st.none() | texture)}


@some
@given(any_piece(), st.data())
def test_any_piece_is_cut_into_whole_phrases(music: Piece, data: st.DataObject) -> None:
    count, bars = len(music.notes), len(music.bars)
    part = np.array(data.draw(st.lists(st.integers(0, 7), min_size=count, max_size=count)))
    cut = phrases(music, part, **data.draw(signs(music)))
    ends = [bar for bar, _ in cut.ends]
    assert cut.function.shape == cut.left.shape == (bars,)
    assert ((cut.function >= 0) & (cut.function < len(FUNCTIONS))).all()
    assert ends == sorted(set(ends)) and ends[-1] == bars - 1
    begins = [0, *(end + 1 for end in ends[:-1])]
    counted = [left for begin, end in zip(begins, ends, strict=True) for left in range(end - begin + 1, 0, -1)]
    assert cut.left.tolist() == counted and max(counted) <= LONGEST
