"""A path of moods is a piece of sections: each with its time, mode and tempo, and a turn between, not a jolt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flamingo
from flamingo.composing import generation as drawing
from flamingo.composing import performance
from flamingo.composing.events import LOWEST
from flamingo.composing.key_estimation import correlations, ending, pitch_classes
from flamingo.composing.options import SamplingOptions
from flamingo.composing.piece import BAR, NOTE, Key, Metre, Piece
from flamingo.composing.plan import Plan, settle
from flamingo.composing.reading import read
from flamingo.composing.sampling import Drawn, draw
from flamingo.composing.sections import Point, modes, shares
from flamingo.composing.timing import FASTEST, LONGEST, SLOWEST
from flamingo.errors import BadRequest
from tests.composing import tiny

some = settings(max_examples=20, deadline=None, derandomize=True)

MODEL = tiny.composer()
DARK, BRIGHT = Point(-0.8, -0.5), Point(0.8, 0.5)

some_points = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(lambda at: Point(*at))
some_paths = st.lists(some_points, min_size=2, max_size=6)
some_metres = st.sampled_from(["4/4", "3/4", "2/4", "6/8", "5/4", "12/8", "7/8"])


def plan(*path: Point, seed: int = 0, seconds: float = 60.0, **asked: Any) -> Plan:
    asked = {"personas": {"ada": 1.0}, "metre": Metre(4, 4), **asked}
    return settle(MODEL, np.random.default_rng(seed), seconds=seconds, path=path, **asked)


def silent(of: Plan) -> Piece:
    """The bars and tempos of a plan."""
    bars = [(i * of.metre.units, of.metre.numerator, of.metre.denominator) for i in range(of.bars)]
    return Piece.build(np.zeros(0, NOTE), np.array(bars, BAR), of.key, tempos=of.tempos)


def times(of: Plan) -> np.ndarray[Any, Any]:
    """How long each section lasts, in seconds."""
    piece = silent(of)
    edges = [piece.edges[section.first] for section in of.sections]
    return np.diff([*piece.seconds(edges), float(piece.seconds())])


# -- time ----------------------------------------------------------------------------------------------------


@some
@given(some_paths, st.floats(60, 600), some_metres, st.integers(0, 1000))
def test_sections_fill_the_time_exactly_and_equally(path: list[Point], seconds: float, metre: str, seed: int) -> None:
    found = plan(*path, seconds=seconds, metre=Metre.parse(metre), seed=seed)
    assert len(found.sections) == len(path)
    assert times(found) == pytest.approx([seconds / len(path)] * len(path), rel=1e-4)
    assert float(silent(found).seconds()) == pytest.approx(seconds, rel=1e-5)


@some
@given(some_paths, st.data())
def test_sections_follow_each_other_on_whole_bars_and_have_two_at_least(path: list[Point], data: Any) -> None:
    tempo = data.draw(st.none() | st.floats(60, FASTEST))
    found = plan(*path, seconds=150, tempo=tempo)
    ends = [section.first + section.bars for section in found.sections]
    assert [section.first for section in found.sections] == [0, *ends[:-1]]
    assert ends[-1] == found.bars
    assert min(section.bars for section in found.sections) >= 2
    assert [found.section(bar) for bar in range(found.bars)] == [
        i for i, section in enumerate(found.sections) for _ in range(section.bars)
    ]


def test_time_is_shared_by_weight() -> None:
    found = plan(BRIGHT._replace(weight=1), DARK._replace(weight=3), BRIGHT._replace(weight=2), seconds=90)
    assert times(found) == pytest.approx([15, 45, 30], rel=1e-4)
    assert shares([Point(0, 0, 5.0), Point(0, 0, 15.0)]) == [0.25, 0.75]
    assert shares([]) == [1.0]


@some
@given(some_paths, st.floats(SLOWEST, FASTEST), st.floats(10, 200), some_metres)
def test_a_tempo_that_was_asked_for_is_kept_in_all_sections(
    path: list[Point], tempo: float, seconds: float, metre: str
) -> None:
    try:
        found = plan(*path, seconds=seconds, tempo=tempo, metre=Metre.parse(metre))
    except BadRequest:
        return
    assert {section.bpm for section in found.sections} == {tempo}
    before_end = found.tempos[found.tempos["start"] < (found.bars - 2) * found.metre.units]
    assert before_end["bpm"].tolist() == pytest.approx([tempo])
    assert float(silent(found).seconds()) == pytest.approx(seconds, rel=1e-5)
    bar = found.metre.units / 24 * 60 / tempo
    if min(times(found)) > 4 * bar:
        assert times(found) == pytest.approx([seconds / len(path)] * len(path), abs=1.01 * bar)


@some
@given(some_paths, st.floats(4, 25), st.none() | st.floats(SLOWEST, FASTEST), some_metres, st.integers(0, 99))
def test_too_little_time_is_refused_with_the_seconds_that_are_enough(
    path: list[Point], seconds: float, tempo: float | None, metre: str, seed: int
) -> None:
    asked: dict[str, Any] = {"tempo": tempo, "metre": Metre.parse(metre), "seed": seed}
    try:
        plan(*path, seconds=seconds, **asked)
    except BadRequest as error:
        assert "\n" not in str(error)
        if "sections" in str(error):
            enough = float(error.hint.split("ask for ")[1].split()[0])
            assert len(plan(*path, seconds=enough, **asked).sections) == len(path)


def test_more_sections_than_an_hour_holds_are_refused() -> None:
    with pytest.raises(BadRequest, match="ask for fewer") as caught:
        plan(*[DARK] * 3000, seconds=LONGEST)
    assert "3000 sections" in str(caught.value)


def test_no_section_is_hurried_far_beyond_its_mood() -> None:
    for seconds in range(10, 60, 5):
        try:
            short = plan(DARK, BRIGHT, DARK, seconds=seconds)
        except BadRequest:
            continue
        long = plan(DARK, BRIGHT, DARK, seconds=600)
        for a, b in zip(short.sections, long.sections, strict=True):
            assert a.bpm < 1.7 * b.bpm


# -- mood, mode, tempo ---------------------------------------------------------------------------------------


def test_each_section_has_the_mode_of_its_valence_over_one_tonic() -> None:
    found = plan(BRIGHT, DARK, BRIGHT)
    assert [section.minor for section in found.sections] == [False, True, False]
    assert {found.home_at(bar).tonic for bar in range(found.bars)} == {found.key.tonic}
    assert [found.conditions(section.first).minor for section in found.sections] == [False, True, False]


def test_the_piece_ends_in_the_mode_of_its_last_section() -> None:
    assert plan(BRIGHT, DARK).key.minor
    assert not plan(DARK, BRIGHT).key.minor


def test_a_key_that_was_asked_for_is_kept_in_all_sections() -> None:
    found = plan(BRIGHT, DARK, BRIGHT, key=Key(3, True))
    assert {found.home_at(bar) for bar in range(found.bars)} == {Key(3, True)}


def test_the_mode_turns_only_where_that_says_something() -> None:
    def never() -> bool:
        raise AssertionError("a mood was given")

    assert modes([0.6, -0.1, 0.1, -0.5, 0.05], never) == [False, False, False, True, True]
    assert modes([-0.05, 0.5], never) == [False, False], "what leads to major begins there"
    assert modes([-0.05, 0.05], never) == [True, True]
    assert modes([None], lambda: True) == [True]


def test_calm_sections_are_slower_than_excited_ones() -> None:
    bpms = [section.bpm for section in plan(BRIGHT, DARK, BRIGHT, seconds=120).sections]
    assert bpms[0] > 1.2 * bpms[1] < bpms[2]


@some
@given(some_paths, some_metres)
def test_a_turn_leads_over_through_one_bar(path: list[Point], metre: str) -> None:
    found = plan(*path, seconds=300, metre=Metre.parse(metre))
    units = found.metre.units
    for here, after in zip(found.sections, found.sections[1:], strict=False):
        line = after.first * units
        inside = found.tempos[(found.tempos["start"] >= here.first * units) & (found.tempos["start"] < line)]
        assert found.turns(after.first - 1) is after and found.turns(after.first) is not after
        assert all(inside["start"][1:] >= line - units), "in tempo up to the last bar"
        slow, fast = sorted((here.bpm, after.bpm))
        assert all((inside["bpm"] > slow - 0.01) & (inside["bpm"] < fast + 0.01))
        steps = np.diff([*inside["bpm"], after.bpm])
        assert all(steps >= -0.01) or all(steps <= 0.01), "one way, beat by beat"
        told = found.conditions(after.first - 1)
        assert told.valence == pytest.approx((here.valence + after.valence) / 2)  # type: ignore[operator]
        assert found.conditions(here.first).arousal == here.arousal or here.bars == 1
    assert (np.diff(found.tempos["start"]) > 0).all()


def test_a_path_of_one_mood_is_that_mood() -> None:
    assert plan(DARK) == plan(valence=DARK.valence, arousal=DARK.arousal)


# -- drawing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [(BRIGHT, DARK), (DARK, BRIGHT, DARK), (DARK, DARK._replace(arousal=0.9))])
@pytest.mark.parametrize("metre", ["4/4", "6/8", "3/4"])
def test_every_path_ends_with_a_cadence_in_its_last_mode(path: tuple[Point, ...], metre: str) -> None:
    of = plan(*path, seconds=18, metre=Metre.parse(metre))
    piece = draw(MODEL, [of], [1], SamplingOptions(temperature=1.5))[0].piece()
    assert ending(piece).cadence
    assert piece.key.minor == (path[-1].valence < 0)
    third = (piece.key.tonic + (4 if piece.key.minor else 3)) % 12
    last = piece.notes[piece.notes["start"] >= piece.edges[-2]]
    assert third not in last["pitch"] % 12


def test_nothing_is_held_over_the_turn_of_the_mode() -> None:
    of = plan(BRIGHT, DARK, BRIGHT, seconds=18)
    notes = draw(MODEL, [of], [3], SamplingOptions())[0].piece().notes
    for section in of.sections[1:]:
        line = section.first * of.metre.units
        assert not np.any((notes["start"] < line) & (notes["start"] + notes["duration"] > line))


def test_a_piece_is_cut_where_its_mode_turns() -> None:
    of = plan(BRIGHT, BRIGHT._replace(arousal=-0.5), DARK, seconds=18)
    one = draw(MODEL, [of], [0], SamplingOptions())[0]
    first, second = one.excerpts()
    assert (first.key.minor, second.key.minor) == (False, True)
    assert len(first.bars) == of.sections[2].first and len(first.bars) + len(second.bars) == of.bars
    assert len(first.notes) + len(second.notes) == len(one.piece().notes)
    (alone,) = draw(MODEL, [plan(DARK, seconds=8)], [0], SamplingOptions())[0].excerpts()
    assert alone.key.minor


def test_sections_keep_their_modes_even_where_a_network_knows_nothing() -> None:
    """A network of chance, leaning and redrawn: major and minor are told apart by the pitches of each part."""
    of = plan(BRIGHT, DARK, seconds=18)
    for one in draw(MODEL, [of] * 3, range(3), SamplingOptions()):
        for part in one.excerpts():
            fits = correlations(pitch_classes(part.notes))[part.key.tonic :: 12]
            assert fits[int(part.key.minor)] > fits[int(not part.key.minor)]


def test_pitches_lean_to_the_mode_of_their_section_and_to_the_dominant_before_it_turns() -> None:
    of = plan(BRIGHT, DARK)
    major, minor = LOWEST * -1 + 60 + 4, LOWEST * -1 + 60 + 3
    fifth, turn = LOWEST * -1 + 60 + 7, of.sections[1].first - 1

    def lean(bar: int, where: int = 0) -> Any:
        one = Drawn(of, np.random.default_rng(0))
        one.bar = bar
        return one.lean("pitch", where)

    assert lean(0)[major] > lean(0)[minor]
    assert lean(turn + 1)[minor] > lean(turn + 1)[major]
    middle = Drawn(of, np.random.default_rng(0)).middle()
    assert lean(turn, middle)[fifth] - lean(turn, 0)[fifth] == pytest.approx(drawing._TURN)
    assert lean(turn, middle)[major] == lean(turn, 0)[major]


# -- playing -------------------------------------------------------------------------------------------------


def even(of: Plan) -> Piece:
    """A quarter note on each beat, all alike."""
    units = of.bars * of.metre.units
    notes = np.array([(start, 12, 60, 64, 0, 0.0) for start in range(0, units, 24)], NOTE)
    return Piece.build(notes, silent(of).bars, of.key, tempos=of.tempos)


def test_each_section_is_as_loud_and_as_detached_as_its_mood() -> None:
    of = plan(DARK, BRIGHT._replace(arousal=0.9), DARK)
    piece = performance.shaped(even(of), of, MODEL.scale)
    part = [of.section(bar) for bar in piece.bar_of(piece.notes["start"])]
    loud = [piece.notes["velocity"][np.array(part) == i].mean() for i in range(3)]
    held = [np.median(piece.notes["duration"][np.array(part) == i]) for i in range(3)]
    assert loud[0] + 5 < loud[1] > loud[2] + 5
    assert held[0] > 12 > held[1] < held[2]
    assert (np.diff(piece.notes["start"])[:-1] >= piece.notes["duration"][:-2]).all(), "bound, not blurred"


def test_loudness_moves_through_the_bar_between() -> None:
    of = plan(DARK, BRIGHT._replace(arousal=0.9))
    piece = performance.shaped(even(of), of, MODEL.scale)
    loud = piece.notes["velocity"].astype(int)
    line = 4 * of.sections[1].first  # four notes a bar
    assert len(set(loud[: line - 4])) == 1 and len(set(loud[line:])) == 1
    assert all(np.diff(loud[line - 4 : line + 1]) > 0)


def test_the_last_chord_and_ones_own_notes_are_held_as_written() -> None:
    of = plan(BRIGHT._replace(arousal=1.0), BRIGHT._replace(arousal=0.9))
    piece = performance.shaped(even(of), of, MODEL.scale, since=96)
    assert (piece.notes["duration"][:4] == 12).all() and (piece.notes["duration"][-4:] == 12).all()
    assert (piece.notes["duration"][4:-4] < 12).all()


def test_where_nothing_was_asked_nothing_is_shaped() -> None:
    of = plan()
    assert performance.shaped(even(of), of, MODEL.scale) is not None
    assert np.array_equal(performance.shaped(even(of), of, MODEL.scale).notes, even(of).notes)


# -- the verb ------------------------------------------------------------------------------------------------


@pytest.fixture
def _tiny(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(tmp_path / "mine"))


with_tiny = pytest.mark.usefixtures("_tiny")


@with_tiny
def test_a_path_is_composed_and_told_section_by_section(tmp_path: Path) -> None:
    path: Any = [(0.8, 0.4, 1.0), (-0.8, -0.4, 2.0)]
    (found,) = flamingo.compose(persona="ada", seconds=30, path=path, output=tmp_path / "a.mid", humanise=0)
    told = json.loads(json.dumps(found.as_dict()))
    assert [row["begins"] for row in told["sections"]] == pytest.approx([0, 10], abs=0.01)
    assert [row["valence"] for row in told["sections"]] == [0.8, -0.8]
    assert [row["key"].split()[1] for row in told["sections"]] == ["major", "minor"]
    assert told["key"] == told["sections"][1]["key"] and told["lasts"] == 30
    assert told["sections"][0]["tempo"] == told["tempo"] > told["sections"][1]["tempo"]
    again = {key: told["recipe"][key] for key in ("path", "seconds", "humanise", "seed")}
    (same,) = flamingo.compose(persona="ada", output=tmp_path / "b.mid", **again)
    assert np.array_equal(same.piece.notes, found.piece.notes)


@with_tiny
def test_a_path_that_goes_on_from_ones_own_music_stays_in_its_key(tmp_path: Path) -> None:
    from flamingo.composing.writing.midi import to_midi

    (tmp_path / "mine.mid").write_bytes(to_midi(tiny.study("D major", 2)))
    path: Any = [(0.8, 0.4), (-0.8, -0.4)]
    (found,) = flamingo.compose(
        persona="ada", seconds=30, path=path, continue_from=tmp_path / "mine.mid",
        output=tmp_path / "a.mid",
    )  # fmt: skip
    mine = read(tmp_path / "mine.mid").key
    assert [row["key"] for row in found.timeline()] == [str(mine), str(mine)] and found.piece.key == mine
    assert float(found.piece.seconds()) == pytest.approx(30, abs=0.001)


@with_tiny
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": [(2.0, 0.0)]}, "path"),
        ({"path": [(0.0, 0.0, 0.0), (0.0, 0.0, 1.0)]}, "path"),
        ({"path": [(0.0, float("nan"))]}, "path"),
        ({"path": [(0.0, 0.0)] * 9, "seconds": 9}, "9 sections in 9 s"),
        ({"path": [(0.0, 0.0)] * 2, "mood": "sad"}, "both given"),
        ({"path": [(0.0, 0.0)] * 2, "mood": "sad", "arousal": 0.1}, "all given"),
    ],
    ids=str,
)
def test_a_path_that_cannot_be_is_one_line(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        flamingo.compose(**{"persona": "ada", "output": tmp_path / "a.mid", **wrong})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.mid").exists()


@with_tiny
def test_variations_that_cannot_be_are_found_out_before_the_first_is_composed(tmp_path: Path) -> None:
    path: Any = [(0.0, -0.9)] * 5
    with pytest.raises(BadRequest, match="sections"):
        flamingo.compose(persona="ada", seconds=12, path=path, variations=3, output=tmp_path / "a.mid")
    assert not list(tmp_path.glob("*.mid"))
