"""Excerpts put in another order, from which filling in is learned: nothing is lost, and all is told as it was."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.composing import events, mood
from flamingo.composing.events import BAR_LINE, ROLES, TEMPOS, left_index
from flamingo.composing.piece import Piece
from flamingo.train.composing.windows import Windows, arranged, excerpt
from flamingo.train.corpus.songs import Song, song_of
from tests.composing import pieces, tiny

Array = NDArray[Any]
Rows = dict[str, Array]

some = settings(max_examples=40, deadline=None, derandomize=True)
SCALE = mood.Scale(**{k: tuple(v) for k, v in tiny.SCALE.items()})
PLAIN, LATER, GIVEN, FILL = range(4)
assert ROLES == ("plain", "later", "given", "fill")


def song(piece: Piece, **more: Any) -> Song:
    return song_of(piece, SCALE, **more)


def trio(bars: int = 10) -> Piece:
    """Three strings, each with notes of its own in every bar; the middle one is silent in the fifth bar."""
    notes = [
        pieces.note(96 * bar + 96 // count * i, 96 // count, 72 - 12 * part + (bar + i) % 7, part=part)
        for bar in range(bars)
        for part, count in enumerate((4, 2, 1))
        if (bar, part) != (4, 1)
        for i in range(count)
    ]
    return pieces.piece(notes, bars=bars, bpm=90, programs=(40, 41, 42))


@pytest.fixture(scope="module")
def whole() -> Rows:
    """The last eight bars of three parts, the first of which has the number 60."""
    of = song(trio())
    return excerpt(of, 2, 10, of.key, number=60)


@pytest.fixture(scope="module")
def studies() -> list[Song]:
    """Songs of a piano, each with two hands."""
    return [song(tiny.study(key, 12, seed), persona=seed) for seed, key in enumerate(("C major", "A minor"))]


def noted(rows: Rows, where: Array | None = None) -> list[tuple[int, ...]]:
    """Bar, place, pitch, duration, velocity and part of the events."""
    found = np.column_stack((rows["bar"], rows["events"]))
    return [tuple(row) for row in (found if where is None else found[where]).tolist()]


def notes(rows: Rows) -> Counter[tuple[int, ...]]:
    return Counter(noted(rows, rows["events"][:, 1] >= 0))


# -- another order -------------------------------------------------------------------------------------------

SPANS = [(0, 2), (3, 5), (6, 8), (7, 8), (0, 8), (2, 3)]
PARTS: list[list[int]] = [[], [0], [1], [2], [0, 2]]


@pytest.mark.parametrize("told", PARTS)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_no_note_is_lost_and_none_is_new(first: int, last: int, told: list[int], whole: Rows) -> None:
    assert notes(arranged(whole, first, last, told)) == notes(whole)


@pytest.mark.parametrize("told", PARTS)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_what_is_later_stands_first_then_what_comes_before_then_what_is_given_then_the_rest(
    first: int, last: int, told: list[int], whole: Rows
) -> None:
    found = arranged(whole, first, last, told)
    place = np.argsort([LATER, PLAIN, GIVEN, FILL])[found["role"]]
    assert (np.diff(place) >= 0).all()
    part, bar, note = found["events"][:, 4], found["bar"], found["events"][:, 1] >= 0
    inside = (bar >= first) & (bar < last)
    role = np.select([bar < first, bar >= last, np.isin(part, told)], [PLAIN, LATER, GIVEN], FILL)
    assert np.array_equal(found["role"][note], role[note])
    assert ((found["role"] >= GIVEN)[note] == inside[note]).all()
    for number in range(4):
        mine = noted(found, (found["role"] == number) & note)
        assert mine == [row for row in noted(whole) if row in mine], "each in the order of the score"


@pytest.mark.parametrize("told", PARTS)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_every_bar_begins_with_its_line_in_each_role(first: int, last: int, told: list[int], whole: Rows) -> None:
    found = arranged(whole, first, last, told)
    line = found["events"][:, 0] == BAR_LINE
    assert (found["events"][line, 1:] == -1).all()
    lines = {role: found["bar"][line & (found["role"] == role)].tolist() for role in range(4)}
    inside = list(range(first, last))
    assert lines[PLAIN] == list(range(first))
    assert lines[LATER] == list(range(last, 8))
    assert lines[GIVEN] == (inside if told else [])
    assert lines[FILL] == [*inside, last - 1], "and one line closes what is filled in"
    for role in range(4):
        mine = found["role"] == role
        assert line[mine].size == 0 or line[mine][0]


@pytest.mark.parametrize("told", PARTS)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_a_bar_line_closes(first: int, last: int, told: list[int], whole: Rows) -> None:
    found = arranged(whole, first, last, told)
    assert found["events"][-1].tolist() == [BAR_LINE, -1, -1, -1, -1]
    assert found["role"][-1] == FILL and found["bar"][-1] == last - 1


@pytest.mark.parametrize("told", PARTS)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_bars_to_be_filled_are_counted_to_the_end_of_them(
    first: int, last: int, told: list[int], whole: Rows
) -> None:
    found = arranged(whole, first, last, told)
    to_fill = found["role"] >= GIVEN
    assert np.array_equal(found["left"][to_fill], left_index(last - found["bar"][to_fill]))
    assert found["left"][-1] == 0
    assert np.array_equal(found["left"][~to_fill], left_index(8 - found["bar"][~to_fill])), "the others to the end"


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_bars_keep_their_numbers(first: int, last: int, whole: Rows) -> None:
    found = arranged(whole, first, last, [0])
    assert np.array_equal(found["number"], (found["bar"] + 60) % events.NUMBERS)
    assert set(found["number"].tolist()) == {60, 61, 62, 63, 0, 1, 2, 3}


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_what_else_is_told_of_a_bar_stays_with_it(first: int, last: int, whole: Rows) -> None:
    found = arranged(whole, first, last, [1])
    assert set(found) == set(whole) and len({len(column) for column in found.values()}) == 1
    for name in set(whole) - {"events", "role", "left"}:
        of_bar = dict(zip(whole["bar"].tolist(), whole[name].tolist(), strict=True))
        assert found[name].tolist() == [of_bar[bar] for bar in found["bar"].tolist()], name


def test_what_is_given_stands_before_the_others_and_not_among_them(whole: Rows) -> None:
    found = arranged(whole, 3, 5, [1])
    part = found["events"][:, 4]
    assert set(part[found["role"] == GIVEN].tolist()) == {-1, 1}
    assert set(part[found["role"] == FILL].tolist()) == {-1, 0, 2}


def test_a_given_part_that_is_silent_is_given_as_empty_bars(whole: Rows) -> None:
    found = arranged(whole, 2, 3, [1])
    assert noted(found, found["role"] == GIVEN) == [(2, BAR_LINE, -1, -1, -1, -1)]


def test_where_all_parts_are_given_only_lines_are_left_to_fill(whole: Rows) -> None:
    found = arranged(whole, 3, 5, [0, 1, 2])
    assert set(found["events"][found["role"] == FILL, 0].tolist()) == {BAR_LINE}
    assert notes(found) == notes(whole)


def test_an_excerpt_is_not_changed_by_putting_it_in_another_order(whole: Rows) -> None:
    before = {name: column.copy() for name, column in whole.items()}
    arranged(whole, 3, 5, [0])
    assert all(np.array_equal(column, before[name]) for name, column in whole.items())
    assert not whole["role"].any()


@some
@given(pieces.any_piece(), st.data())
def test_any_excerpt_can_be_put_in_another_order(piece: Piece, data: st.DataObject) -> None:
    of = song(piece)
    bars = len(of.first) - 1
    rows = excerpt(of, 0, bars, of.key)
    first = data.draw(st.integers(0, bars - 1))
    last = data.draw(st.integers(first + 1, bars))
    found = arranged(rows, first, last, data.draw(st.lists(st.integers(0, 3), max_size=2, unique=True)))
    assert notes(found) == notes(rows)
    assert (np.diff(np.argsort([LATER, PLAIN, GIVEN, FILL])[found["role"]]) >= 0).all()
    assert found["events"][-1, 0] == BAR_LINE and found["role"][-1] == FILL and found["left"][-1] == 0
    assert np.array_equal(found["number"], found["bar"] % events.NUMBERS)


# -- windows -------------------------------------------------------------------------------------------------

LENGTH = 300


def windows(songs: list[Song], filling: float, accompanying: float, seed: int = 0) -> Windows:
    return Windows(songs, LENGTH, np.random.default_rng(seed), filling=filling, accompanying=accompanying)


KINDS = pytest.mark.parametrize(("filling", "accompanying"), [(1.0, 0.0), (0.0, 1.0), (0.4, 0.4), (0.0, 0.0)])


@KINDS
def test_a_window_is_as_long_as_asked(filling: float, accompanying: float, studies: list[Song]) -> None:
    drawn = windows(studies, filling, accompanying)
    for _ in range(5):
        row = drawn.row()
        assert {len(column) for column in row.values()} == {LENGTH + 1}
        assert set(row) == set(excerpt(studies[0], 0, 2, studies[0].key))


@KINDS
def test_the_same_seed_gives_the_same_windows(filling: float, accompanying: float, studies: list[Song]) -> None:
    one, same, other = (windows(studies, filling, accompanying, seed).row() for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], same[name], equal_nan=True) for name in one)
    assert not np.array_equal(one["events"], other["events"])


def roles(filling: float, accompanying: float, songs: list[Song]) -> Counter[int]:
    drawn = windows(songs, filling, accompanying)
    return Counter(role for _ in range(20) for role in drawn.row()["role"].tolist())


def test_a_window_for_filling_has_bars_that_come_after_what_follows_them(studies: list[Song]) -> None:
    found = roles(1.0, 0.0, studies)
    assert found[PLAIN] and found[LATER] and found[FILL]


def test_a_window_for_accompanying_has_a_part_that_comes_first(studies: list[Song]) -> None:
    found = roles(0.0, 1.0, studies)
    assert found[GIVEN] and found[FILL] and not found[LATER], "it goes on to the end of the excerpt"


def test_a_window_that_goes_on_has_no_role(studies: list[Song]) -> None:
    assert set(roles(0.0, 0.0, studies)) == {PLAIN}


def test_where_a_part_is_given_the_other_is_to_be_filled(studies: list[Song]) -> None:
    drawn = windows(studies, 0.0, 1.0)
    for _ in range(20):
        row = drawn.row()
        # Excerpts are packed one after the other: each begins where the roles go back.
        for begin, end in pairwise(cuts_of(row)):
            part, role = row["events"][begin:end, 4], row["role"][begin:end]
            given = set(part[role == GIVEN].tolist()) - {-1}
            filled = set(part[role == FILL].tolist()) - {-1}
            assert len(given) <= 1 and not given & filled


def cuts_of(row: Rows) -> list[int]:
    """Where excerpts begin in a window, and its end."""
    begins = np.flatnonzero((np.diff(row["role"]) < 0) | (np.diff(row["persona"]) != 0)) + 1
    return [0, *begins.tolist(), LENGTH + 1]


# -- what is not known ---------------------------------------------------------------------------------------


def plain_score(**more: Any) -> Piece:
    return pieces.scale(expressive=False, **more)


def test_a_song_without_a_tempo_tells_neither_tempo_nor_arousal() -> None:
    of = song(plain_score())
    rows = excerpt(of, 0, 2, of.key, faster=1.1)
    assert not of.paced and (rows["tempo"] == TEMPOS).all() and np.isnan(rows["arousal"]).all()
    assert np.isfinite(rows["valence"]).all() and not rows["played"].any()


def test_a_song_with_a_written_tempo_tells_both() -> None:
    of = song(plain_score(bpm=90))
    rows = excerpt(of, 0, 2, of.key)
    assert (rows["tempo"] == events.tempo_index(90)).all() and np.isfinite(rows["arousal"]).all()
    assert not rows["played"].any()


def test_a_mood_that_a_person_gave_is_told_whatever_is_known_of_the_tempo() -> None:
    of = song(plain_score(), mood_point=(-0.5, 0.75))
    rows = excerpt(of, 0, 2, of.key)
    assert (rows["tempo"] == TEMPOS).all()
    assert set(rows["valence"].tolist()) == {-0.5} and set(rows["arousal"].tolist()) == {0.75}


def test_what_is_not_known_stays_unknown_in_another_order() -> None:
    of = song(plain_score())
    found = arranged(excerpt(of, 0, 2, of.key), 0, 1)
    assert (found["tempo"] == TEMPOS).all() and np.isnan(found["arousal"]).all()


@pytest.mark.parametrize("how", [{"filling": 1.0}, {"accompanying": 1.0}])
def test_what_cannot_be_arranged_is_heard_as_it_is(how: dict[str, float]) -> None:
    """A single line has nobody to accompany, and a bar may be too full for the room."""
    alone = song(pieces.piece([pieces.note(i, 1, 60 + i % 12) for i in range(96 * 4)], bars=4, programs=(73,)))
    assert len(Windows([alone], 300, np.random.default_rng(0), **how).row()["events"]) == 301
    assert len(Windows([alone], 170, np.random.default_rng(0), **how).row()["events"]) == 171
