"""Bars composed anew between others, or a part beside the others: what is not asked for stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flamingo.composing import filling
from flamingo.composing.events import PARTS
from flamingo.composing.filling import fill
from flamingo.composing.options import SamplingOptions
from flamingo.composing.parts import part_of_notes
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest
from tests.composing import pieces, tiny

MODEL = tiny.composer(whole=True)
WILD = SamplingOptions(temperature=1.5, top_p=1.0, min_p=0.0)


def study(bars: int = 12) -> Piece:
    """A piano's right hand in quarters, and its left in halves, on two staves."""
    notes = [pieces.note(24 * i, 24, 72 + (i * 5) % 12, part=0) for i in range(4 * bars)]
    notes += [pieces.note(48 * i, 48, 48 + (i * 7) % 12, part=1) for i in range(2 * bars)]
    return pieces.piece(notes, bars=bars, programs=(0, 0))


def quartet(bars: int = 8) -> Piece:
    notes = [
        pieces.note(96 * bar + 24 * i, 24, 76 - 9 * part + (bar + i + part) % 5, part=part)
        for bar in range(bars)
        for part in range(4)
        for i in range(4)
    ]
    return pieces.piece(notes, bars=bars, programs=(40, 40, 41, 42))


def inside(piece: Piece, first: int, last: int) -> np.ndarray:
    notes = piece.notes
    return np.asarray((notes["start"] >= piece.edges[first]) & (notes["start"] < piece.edges[last]))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tolist() == b.tolist()


@pytest.mark.parametrize(("first", "last"), [(4, 8), (0, 3), (9, 12), (5, 6), (0, 12)])
def test_bars_that_are_not_asked_for_stay_to_the_unit(first: int, last: int) -> None:
    before = study()
    after = fill(MODEL, before, first, last, sampling=WILD)
    kept = ~inside(before, first, last)
    assert same(before.notes[kept], after.notes[~inside(after, first, last)])
    assert same(before.bars, after.bars) and before.key == after.key and before.programs == after.programs
    assert not same(before.notes[~kept], after.notes[inside(after, first, last)])


@pytest.mark.parametrize("redo", [0, 1])
def test_a_hand_is_composed_beside_the_other(redo: int) -> None:
    before = study()
    after = fill(MODEL, before, 2, 10, redo=(redo,), sampling=WILD)
    given = before.notes["part"] != redo
    assert same(before.notes[given], after.notes[after.notes["part"] != redo])
    changed = after.notes[inside(after, 2, 10) & (after.notes["part"] == redo)]
    assert len(changed) and not same(changed, before.notes[inside(before, 2, 10) & ~given])


@pytest.mark.parametrize("redo", [0, 1])
def test_a_hand_that_is_composed_does_not_cross_the_one_that_stays(redo: int) -> None:
    after = fill(MODEL, study(), 2, 10, redo=(redo,), sampling=WILD)
    for note in after.notes[(after.notes["part"] == redo) & inside(after, 2, 10)]:
        sounding = (after.notes["start"] <= note["start"]) & (
            after.notes["start"] + after.notes["duration"] > note["start"]
        )
        other = after.notes["pitch"][sounding & (after.notes["part"] != redo)]
        assert note["pitch"] > other.min() if redo == 0 else note["pitch"] < other.max()


def test_something_is_struck_in_every_bar_and_nothing_rings_on_into_bars_that_stay() -> None:
    after = fill(MODEL, study(), 3, 9, sampling=WILD)
    new = after.notes[inside(after, 3, 9)]
    assert set(after.bar_of(new["start"]).tolist()) == set(range(3, 9))
    assert (new["start"] + new["duration"] <= after.edges[9]).all() and (new["duration"] >= 1).all()
    assert ((new["velocity"] >= 1) & (new["velocity"] <= 127)).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_hand_spans_a_tenth_and_has_five_fingers(seed: int) -> None:
    after = fill(MODEL, study(), 0, 12, seed=seed, sampling=WILD)
    for start in np.unique(after.notes["start"]).tolist():
        for hand in (0, 1):
            struck = after.notes["pitch"][(after.notes["start"] == start) & (after.notes["part"] == hand)].astype(int)
            assert len(struck) <= 5 and (not len(struck) or struck.max() - struck.min() <= 16)


@pytest.mark.parametrize("redo", [None, (1,), (0, 3)])
def test_an_instrument_of_one_voice_plays_one_note_at_a_time_in_its_range(redo: tuple[int, ...] | None) -> None:
    before = quartet()
    after = fill(MODEL, before, 2, 6, redo=redo, sampling=WILD)
    for part in range(4):
        mine = after.notes[after.notes["part"] == part]
        was = before.notes["pitch"][before.notes["part"] == part].astype(int)
        assert (np.diff(mine["start"]) > 0).all(), "never two at once"
        assert (mine["start"][:-1] + mine["duration"][:-1] <= mine["start"][1:]).all()
        assert mine["pitch"].min() >= was.min() - 3 and mine["pitch"].max() <= was.max() + 3


def test_the_same_seed_is_the_same_music_and_another_another() -> None:
    one, again, other = (fill(MODEL, study(), 2, 6, seed=seed, sampling=WILD) for seed in (1, 1, 2))
    assert same(one.notes, again.notes) and not same(one.notes, other.notes)


def test_a_single_line_is_given_a_left_hand() -> None:
    tune = pieces.piece([pieces.note(24 * i, 24, 67 + i % 8) for i in range(32)], bars=8)
    after = fill(MODEL, tune, 0, 8, redo=(1,), sampling=WILD)
    assert len(after.notes) > len(tune.notes)
    known = {(int(n["start"]), int(n["pitch"]), int(n["duration"])) for n in after.notes}
    assert {(int(n["start"]), int(n["pitch"]), int(n["duration"])) for n in tune.notes} <= known


def test_a_tune_of_one_note_is_gone_on_from() -> None:
    tune = pieces.piece([pieces.note(0, 24, 60)], bars=4)
    after = fill(MODEL, tune, 1, 4, sampling=WILD)
    assert set(after.bar_of(after.notes["start"]).tolist()) == {0, 1, 2, 3}


def test_more_bars_than_the_network_hears_at_once_are_filled_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    go_on = filling._Filler.go_on

    def counted(self: Any, at: int, sampling: SamplingOptions) -> int:
        begun.append(at)
        return go_on(self, at, sampling)

    monkeypatch.setattr(filling._Filler, "go_on", counted)
    before = study(90)
    after = fill(MODEL, before, 2, 88, redo=(1,), sampling=WILD)
    assert len(begun) > 1 and begun == sorted(set(begun))
    right = before.notes["part"] == 0
    assert same(before.notes[right], after.notes[after.notes["part"] == 0])
    assert set(after.bar_of(after.notes["start"][after.notes["part"] == 1]).tolist()) >= {0, 1, 88, 89}


def test_what_is_given_may_be_more_than_the_network_hears() -> None:
    """Three thousand notes: as many as fit are heard, and all of them stay."""
    tune = pieces.piece([pieces.note(3 * i, 3, 60 + i % 20) for i in range(3008)], bars=94)
    after = fill(MODEL, tune, 40, 42, redo=(1,), sampling=WILD)
    right = part_of_notes(tune) == 0
    known = {(int(n["start"]), int(n["pitch"])) for n in after.notes}
    assert {(int(n["start"]), int(n["pitch"])) for n in tune.notes[right]} <= known


@pytest.mark.parametrize(
    ("first", "last", "redo", "why"),
    [
        (4, 4, None, "the piece has bars 1 to 12"),
        (-1, 3, None, "the piece has bars 1 to 12"),
        (10, 13, None, "the piece has bars 1 to 12"),
        (0, 4, (2,), "the piece has parts 0, 1"),
        (0, 4, (), "the piece has parts 0, 1"),
        (0, 4, (PARTS,), "the piece has parts 0, 1"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(first: int, last: int, redo: Any, why: str) -> None:
    with pytest.raises(BadRequest, match=why) as caught:
        fill(MODEL, study(), first, last, redo=redo)
    assert "\n" not in str(caught.value)


def test_a_composer_that_has_not_learned_it_says_so() -> None:
    with pytest.raises(BadRequest, match="has not learned it"):
        fill(tiny.composer(), study(), 0, 4)
