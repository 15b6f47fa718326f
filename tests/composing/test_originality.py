"""Copies are found in any key and at the right place; scales and repeated figures are nobody's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.composing.originality import SEED, Copy, Index, build, counted, skyline
from flamingo.composing.piece import BAR, NOTE, Key, Piece
from flamingo.errors import ModelCorrupt, ModelMissing


def melody(pitches: Sequence[int], starts: Sequence[int] | None = None) -> Piece:
    """One note after the other in 4/4, in eighths if nothing else is said."""
    places = list(starts) if starts is not None else [12 * k for k in range(len(pitches))]
    notes = np.array([(s, 12, p, 64, 0, 0.0) for s, p in zip(places, pitches, strict=True)], NOTE)
    bars = np.array([(96 * b, 4, 4) for b in range(places[-1] // 96 + 1)], BAR)
    return Piece.build(notes, bars, Key(0))


def wandering(seed: int, count: int = 300) -> tuple[list[int], list[int]]:
    """A melody that hardly ever repeats itself: random pitches and starts, always on the grid."""
    random = np.random.default_rng(seed)
    return random.integers(48, 84, count).tolist(), random.choice([6, 12, 18, 24], count).cumsum().tolist()


@pytest.fixture(scope="module")
def index() -> Index:
    return build((f"Study {seed}", melody(*wandering(seed))) for seed in range(6))


def planted(begin: int, end: int, *, up: int) -> Piece:
    """Notes `begin` to `end` of Study 3, transposed, in the middle of other music."""
    pitches, starts = wandering(3)
    other, when = wandering(99, 120)
    before, after = other[:60], other[60:]
    first = when[:60]
    copied = [first[-1] + 30 + s - starts[begin] for s in starts[begin:end]]
    rest = [copied[-1] + 30 + s - when[60] for s in when[60:]]
    return melody([*before, *(p + up for p in pitches[begin:end]), *after], [*first, *copied, *rest])


@pytest.mark.parametrize("up", [0, 5, -7])
def test_a_planted_copy_is_found(index: Index, up: int) -> None:
    piece = planted(100, 130, up=up)
    found = index.longest(piece)
    assert found.title == "Study 3"
    assert found.notes == 30
    assert found.length == counted(skyline(piece).steps[60:89])
    # Bars are those of the notes: the 61st to the 90th of the query, the 101st to the 130th there.
    at, there = skyline(piece).bars, skyline(melody(*wandering(3))).bars
    assert found.bars == (at[60], at[89] + 1)
    assert found.position == (there[100], there[129] + 1)


def test_an_excluded_piece_is_not_looked_at(index: Index) -> None:
    found = index.longest(planted(100, 130, up=2), exclude={"Study 3"})
    assert found.title != "Study 3"
    assert found.notes < 10
    assert index.longest(planted(100, 130, up=2), exclude=index.titles) == Copy()


def test_the_accompaniment_does_not_hide_a_copy(index: Index) -> None:
    piece = planted(100, 130, up=0)
    bass = piece.notes.copy()
    bass["pitch"] = 30
    both = Piece.build(np.concatenate((piece.notes, bass)), piece.bars, piece.key)
    assert index.longest(both) == index.longest(piece)


def test_a_note_a_hair_off_the_grid_does_not_hide_a_copy(index: Index) -> None:
    piece = planted(100, 130, up=0)
    moved = piece.notes.copy()
    moved["start"] += np.arange(len(moved)) % 2
    assert index.longest(Piece.build(moved, piece.bars, piece.key)).notes == 30


def test_no_passage_goes_from_one_piece_into_the_next() -> None:
    pitches, starts = wandering(1, 60)
    halves = build(
        [
            ("first", melody(pitches[:30], starts[:30])),
            ("second", melody(pitches[30:], [s - starts[30] for s in starts[30:]])),
        ]
    )
    assert halves.longest(melody(pitches, starts)).notes == 30


@pytest.mark.parametrize(
    "pitches",
    [
        [60] * 60,
        [48 + 12 * octave + step for octave in range(4) for step in (0, 2, 4, 5, 7, 9, 11)],
        [60, 62] * 30,
        list(range(40, 90)),
        [60, 67, 64, 67] * 15,
    ],
    ids=["repeated note", "scale", "trill", "chromatic", "broken chord"],
)
def test_scales_and_figures_are_no_copies(pitches: list[int]) -> None:
    corpus = build([("Etude", melody(pitches)), *((f"Study {s}", melody(*wandering(s))) for s in range(3))])
    found = corpus.longest(melody(pitches))
    assert found.length <= 6
    real = planted(10, 30, up=0)
    assert build([("Etude", melody(pitches)), ("Study 3", melody(*wandering(3)))]).longest(real).title == "Study 3"


def test_counting() -> None:
    assert counted(np.zeros(20, np.uint16)) == 3
    assert counted(np.arange(20, dtype=np.uint16)) == 21
    assert counted(np.tile(np.arange(4, dtype=np.uint16), 9)) == 6
    assert counted(np.zeros(1, np.uint16)) == 2


def slow(query: NDArray[np.uint16], corpus: NDArray[np.uint16]) -> tuple[int, int]:
    """The answer by trying everything: counted notes and steps of the best shared passage."""
    best = (0, 0)
    for i in range(len(query)):
        for j in range(len(corpus)):
            size = 0
            while i + size < len(query) and j + size < len(corpus) and query[i + size] == corpus[j + size]:
                size += 1
            if size >= SEED and counted(query[i : i + size]) > SEED:
                best = max(best, (counted(query[i : i + size]), size))
    return best


few = st.lists(st.sampled_from([60, 62, 64, 67]), min_size=2, max_size=40)


@settings(deadline=None, max_examples=60)
@given(few, few)
def test_it_is_exact(asked: list[int], written: list[int]) -> None:
    query, corpus = melody(asked), melody(written)
    found = build([("one", corpus)]).longest(query)
    best = slow(skyline(query).steps, skyline(corpus).steps)
    assert (found.length, found.notes - 1 if found.notes else 0) == best


@settings(deadline=None, max_examples=40)
@given(few, few, st.integers(-24, 24))
def test_transposing_the_query_never_changes_the_answer(asked: list[int], written: list[int], up: int) -> None:
    corpus = build([("one", melody(written)), ("two", melody(*wandering(2)))])
    query = melody(asked)
    assert corpus.longest(query.transposed(up)) == corpus.longest(query)


def test_an_index_goes_through_a_file(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "originality.safetensors"
    full = index.with_null([(melody(*wandering(50 + n)), ()) for n in range(10)], lengths=(32, 64))
    full.save(path)
    again = Index.load(path)
    assert again.titles == full.titles
    assert again.quantiles == full.quantiles
    for name in ("steps", "offsets", "bars"):
        assert np.array_equal(getattr(again, name), getattr(full, name)), name
    piece = planted(50, 80, up=1)
    assert again.report(piece) == full.report(piece)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_missing_or_damaged_file_is_told(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "originality.safetensors"
    with pytest.raises(ModelMissing):
        Index.load(path)
    index.save(path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", whole[:-40] + bytes(40)):
        path.write_bytes(broken)
        with pytest.raises(ModelCorrupt):
            Index.load(path)


def test_the_null_comes_from_people_and_lies_between_the_lengths(index: Index) -> None:
    human = [(melody(*wandering(seed)), {f"Study {seed}"}) for seed in range(6)]
    full = index.with_null(human, lengths=(32, 128, 4096))
    assert set(full.quantiles) == {32}, "of the others there are fewer than 20 excerpts"
    assert full.quantiles[32][1] < 12, "its own work is not looked at"
    made = Index(index.titles, index.steps, index.offsets, index.bars, {100: (6.0, 10.0), 400: (8.0, 12.0)})
    assert made.null(100) == (6.0, 10.0)
    assert made.null(200) == pytest.approx((7.0, 11.0))
    assert made.null(1) == (6.0, 10.0)
    assert made.null(10_000) == (8.0, 12.0)
    assert index.null(100) == (0.0, float("inf"))


def test_the_report_says_it_in_one_line(index: Index) -> None:
    made = Index(index.titles, index.steps, index.offsets, index.bars, {100: (6.0, 10.0)})
    copied = made.report(planted(100, 130, up=3))
    assert not copied.original
    assert copied.title == "Study 3"
    assert "Study 3" in copied.sentence
    own = made.report(melody(*wandering(1234)))
    assert own.original
    for sentence in (copied.sentence, own.sentence):
        assert sentence.endswith(".")
        assert "\n" not in sentence
    assert made.report(melody([60, 64, 67])).longest == Copy()


def test_nothing_is_found_in_nothing() -> None:
    empty = Piece.build(np.zeros(0, NOTE), np.array([(0, 4, 4)], BAR), Key(0))
    assert build([]).longest(melody([60, 62, 64, 65, 67, 60])) == Copy()
    corpus = build([("nothing", empty), ("Study", melody(*wandering(0)))])
    assert corpus.titles == ("Study",)
    assert corpus.longest(empty) == Copy()
    assert corpus.report(empty).original


def test_it_is_fast_where_everything_repeats() -> None:
    corpus = build((str(n), melody([60] * 4000)) for n in range(25))
    assert corpus.longest(melody([60, 64, 67] + [60] * 400)).length == 0
    begin = time.perf_counter()
    corpus.longest(melody([60] * 400))
    assert time.perf_counter() - begin < 5, "a fraction of a second where the machine is not busy"
