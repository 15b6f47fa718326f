"""The length of a piece is met exactly, a tempo is kept where one is asked for, and what cannot be is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.events import shift_of
from flamingo.composing.piece import BAR, NOTE, Key, Metre, Piece
from flamingo.composing.plan import Plan, settle, weights_of
from flamingo.composing.timing import FASTEST, LONGEST, SHORTEST, SLOWEST
from flamingo.errors import BadRequest
from tests.composing import tiny

some = settings(max_examples=40, deadline=None, derandomize=True)

METRES = ["4/4", "3/4", "2/4", "6/8", "3/8", "2/2", "5/4", "12/8", "6/4", "9/16", "1/4", "7/8"]
MODEL = tiny.composer()

some_seconds = st.floats(SHORTEST, 300) | st.sampled_from([SHORTEST, LONGEST, 30.0])
some_tempo = st.floats(SLOWEST, FASTEST)


def plan(seed: int = 0, **asked: Any) -> Plan:
    return settle(MODEL, np.random.default_rng(seed), **{"personas": {"ada": 1.0}, "seconds": 30.0, **asked})


def lasts(found: Plan) -> float:
    units = found.metre.units
    bars = np.array([(i * units, found.metre.numerator, found.metre.denominator) for i in range(found.bars)], BAR)
    return float(Piece.build(np.zeros(0, NOTE), bars, found.key, tempos=found.tempos).seconds())


# -- length --------------------------------------------------------------------------------------------------


@some
@given(some_seconds, st.integers(0, 2**31), st.sampled_from([None, *METRES]), st.none() | st.floats(-1, 1))
def test_the_length_is_exact_without_a_tempo(
    seconds: float, seed: int, metre: str | None, arousal: float | None
) -> None:
    found = plan(seed, seconds=seconds, arousal=arousal, metre=Metre.parse(metre) if metre else None)
    assert lasts(found) == pytest.approx(seconds, rel=1e-5)
    assert found.bars >= 2


@some
@given(some_seconds, some_tempo, st.sampled_from(METRES), st.integers(0, 100))
def test_the_length_is_exact_with_a_tempo_which_is_kept_or_refused(
    seconds: float, tempo: float, metre: str, seed: int
) -> None:
    time = Metre.parse(metre)
    two_bars = 2 * time.units / 24 * 60 / tempo
    if seconds < two_bars * (1 - 1e-9):
        with pytest.raises(BadRequest):
            plan(seed, seconds=seconds, tempo=tempo, metre=time)
        return
    found = plan(seed, seconds=seconds, tempo=tempo, metre=time)
    assert lasts(found) == pytest.approx(seconds, rel=1e-5)
    assert found.tempos["bpm"][0] == np.float32(tempo)
    before_end = found.tempos[found.tempos["start"] < max(1, found.bars - 2) * time.units]
    assert len(before_end) == 1, "no other tempo up to the last two bars"
    assert 1 <= found.last <= 2.4, "the last bar is held as long as written, or somewhat longer"


@some
@given(st.floats(SHORTEST, 12), st.floats(SLOWEST, 90), st.sampled_from(METRES))
def test_what_a_refusal_suggests_is_not_refused(seconds: float, tempo: float, metre: str) -> None:
    time = Metre.parse(metre)
    try:
        plan(seconds=seconds, tempo=tempo, metre=time)
    except BadRequest as error:
        assert "\n" not in str(error)
        suggested = float(error.hint.split("tempo of ")[1].split()[0])
        assert suggested <= FASTEST
        assert plan(seconds=seconds, tempo=suggested, metre=time).bpm == suggested


@some
@given(st.floats(20, 300), st.sampled_from(["4/4", "3/4", "2/4", "6/8"]), st.integers(0, 1000))
def test_a_tempo_of_its_own_stays_near_what_is_usual(seconds: float, metre: str, seed: int) -> None:
    assert 2**6.9 / 2 < plan(seed, seconds=seconds, metre=Metre.parse(metre)).bpm < 2**6.9 * 2


@some
@given(st.sampled_from(METRES), some_seconds)
def test_it_slows_down_into_its_end_and_never_before(metre: str, seconds: float) -> None:
    found = plan(seconds=seconds, metre=Metre.parse(metre))
    assert (np.diff(found.tempos["bpm"]) < 0).all(), "slower and slower"
    assert (np.diff(found.tempos["start"]) > 0).all()
    assert found.tempos["start"][0] == 0
    assert found.tempos["start"][-1] == (found.bars - 1) * found.metre.units


# -- what was not asked for -----------------------------------------------------------------------------------


def test_the_same_seed_settles_the_same() -> None:
    assert plan(5) == plan(5)
    assert len({str(plan(seed).key) for seed in range(20)}) > 4


def test_what_was_asked_for_is_settled_so() -> None:
    found = plan(key=Key(3), metre=Metre(6, 8), tempo=97.5, valence=-0.5, arousal=0.25)
    assert (found.key, found.metre, found.bpm) == (Key(3), Metre(6, 8), 97.5)
    assert (found.valence, found.arousal) == (-0.5, 0.25)


def test_unpleasant_is_in_minor_and_pleasant_in_major() -> None:
    assert all(plan(seed, valence=-0.5).key.minor for seed in range(10))
    assert not any(plan(seed, valence=0.5).key.minor for seed in range(10))


def test_excited_is_faster_than_calm() -> None:
    calm, excited = (np.median([plan(s, arousal=a, seconds=60).bpm for s in range(20)]) for a in (-0.8, 0.8))
    assert excited > 1.2 * calm


def of_habit(**habit: Any) -> Any:
    """The model, with other habits of ada's."""
    of = tiny.facts()
    of["habits"]["ada"] |= habit
    return type(MODEL)(tiny.tensors(of), of)


def test_near_the_middle_a_persona_keeps_to_its_mode() -> None:
    for share, minor in ((0.0, False), (1.0, True)):
        model = of_habit(minor=share)
        found = [
            settle(model, np.random.default_rng(seed), personas={"ada": 1.0}, seconds=20, valence=v).key.minor
            for seed in range(5)
            for v in (-0.08, 0.08)
        ]
        assert set(found) == {minor}


def test_a_persona_is_not_hurried_by_the_excitement_it_always_has() -> None:
    def bpm(habit: float, arousal: float | None) -> float:
        model, random = of_habit(arousal=habit), np.random.default_rng(3)
        return settle(model, random, personas={"ada": 1.0}, seconds=3000, arousal=arousal, metre=Metre(4, 4)).bpm

    assert bpm(0.5, 0.5) == pytest.approx(bpm(0.5, None), rel=1e-2)
    assert bpm(-0.5, 0.5) == pytest.approx(2**0.6 * bpm(-0.5, None), rel=1e-2), "one unit of 1.5 slopes of 0.4"


def test_pleasant_music_lies_in_higher_keys() -> None:
    dark, bright = (np.mean([shift_of(plan(seed, valence=v).key.tonic) for seed in range(200)]) for v in (-0.9, 0.9))
    assert bright > dark + 1.5


def test_only_keys_of_the_persona_are_chosen_whatever_the_mood() -> None:
    model = of_habit(tonics={"major": [0, 0, 1.0] + [0] * 9, "minor": [0] * 9 + [1.0, 0, 0]})
    keys = {
        str(settle(model, np.random.default_rng(seed), personas={"ada": 1.0}, seconds=20, valence=v).key)
        for seed in range(10)
        for v in (-0.9, 0.9)
    }
    assert keys == {"D major", "A minor"}


def test_arousal_alone_changes_neither_key_nor_metre() -> None:
    for seed in range(10):
        free, calm = plan(seed), plan(seed, arousal=-0.7)
        assert (calm.key, calm.metre) == (free.key, free.metre)


def test_a_persona_has_its_own_metres() -> None:
    of = tiny.facts()
    of["habits"]["ada"] = tiny.habit(0.0, {"6/8": 1.0})
    model = type(MODEL)(tiny.tensors(of), of)
    found = settle(model, np.random.default_rng(0), personas={"ada": 1.0}, seconds=20)
    assert str(found.metre) == "6/8"
    assert not found.key.minor


def test_bars_are_told_how_many_are_left_and_which_is_the_first() -> None:
    found = plan(metre=Metre(3, 4), key=Key(9, True), modulate=False)
    told = [found.conditions(bar) for bar in range(found.bars)]
    assert [t.left for t in told] == list(range(found.bars, 0, -1))
    assert [t.start for t in told] == [True] + [False] * (found.bars - 1)
    assert {(t.minor, t.bpm, t.metre) for t in told} == {(True, found.bpm, 1)}


# -- personas ------------------------------------------------------------------------------------------------

KNOWN = ["beethoven", "schubert", "mozart"]


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("beethoven", {"beethoven": 1.0}),
        (" Beethoven ", {"beethoven": 1.0}),
        ("beethoven=.7,schubert=.3", {"beethoven": 0.7, "schubert": 0.3}),
        ("beethoven, schubert", {"beethoven": 0.5, "schubert": 0.5}),
        ("beethoven=7,schubert=3", {"beethoven": 0.7, "schubert": 0.3}),
        ("beethoven,beethoven,mozart", {"beethoven": 2 / 3, "mozart": 1 / 3}),
        ("beethoven=0,mozart", {"mozart": 1.0}),
    ],
)
def test_personas_are_mixed_by_weights_that_sum_to_1(text: str, weights: dict[str, float]) -> None:
    assert weights_of(text, KNOWN) == pytest.approx(weights)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bethoven", "did you mean 'beethoven'"),
        ("xyz", "choose from beethoven, schubert, mozart"),
        ("", "any weight"),
        (",", "any weight"),
        ("mozart=0", "any weight"),
        ("mozart=-1", "number from 0 up"),
        ("mozart=nan", "number from 0 up"),
        ("mozart=inf", "number from 0 up"),
        ("mozart=much", "number from 0 up"),
        ("mozart=", "number from 0 up"),
        ("mozart=1=2", "number from 0 up"),
        ("mozart\nx", "not known"),
    ],
)
def test_what_is_no_mix_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        weights_of(text, KNOWN)
    assert "\n" not in str(caught.value)


def test_weights_beyond_all_numbers_are_no_mix() -> None:
    with pytest.raises(BadRequest):
        weights_of("mozart=1e308,schubert=1e308", KNOWN)


def test_all_plans_are_finite() -> None:
    assert all(math.isfinite(x) for x in (plan().bpm, plan().last, lasts(plan())))
