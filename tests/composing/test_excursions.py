"""Pieces that go to other keys on the way: when, where to, and how they come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flamingo
from flamingo.composing import sampling
from flamingo.composing.events import LOWEST, PITCHES
from flamingo.composing.excursions import Excursion, excursions
from flamingo.composing.options import SamplingOptions
from flamingo.composing.piece import Key, Metre
from flamingo.composing.plan import Plan, settle
from flamingo.composing.result import ComposeResult
from flamingo.composing.sampling import Drawn, draw
from flamingo.composing.scales import moved
from flamingo.composing.sections import Section
from tests.composing import tiny

MODEL = tiny.composer()
WILD = SamplingOptions(temperature=2.0, top_p=1.0, min_p=0.0, guidance=1.0)
NEAR = {False: {(7, False), (0, True), (4, True), (9, True), (5, False)},
        True: {(3, False), (7, True), (5, True), (0, False)}}  # fmt: skip


def plan(seed: int = 0, **asked: Any) -> Plan:
    asked = {"personas": {"ada": 1.0}, "seconds": 70.0, "tempo": 120.0, "metre": Metre(4, 4), **asked}
    return settle(MODEL, np.random.default_rng(seed), **asked)


def of(bars: int, minor: bool = False, valence: float | None = None, seed: int = 0) -> tuple[Excursion, ...]:
    return excursions([Section(0, bars, 100, minor, valence)], 0, np.random.default_rng(seed))


def bars_of(drawn: Drawn) -> list[list[list[int]]]:
    return [part[1:].tolist() for part in np.split(drawn.events, drawn.lines[1:])]


# -- when and where to ---------------------------------------------------------------------------------------


@given(bars=st.integers(1, 200), minor=st.booleans(), seed=st.integers(0, 99))
def test_a_piece_begins_and_ends_at_home_and_goes_to_keys_nearby(bars: int, minor: bool, seed: int) -> None:
    found = of(bars, minor, seed=seed)
    assert bool(found) == (bars >= 12)
    last = 4
    for away in found:
        assert away.first >= last
        last = away.first + away.bars
        assert (away.key.tonic, away.key.minor) in NEAR[minor]
    assert not found or bars - last >= 4


@given(valence=st.floats(-1, 1), minor=st.booleans(), seed=st.integers(0, 99))
def test_the_mode_stays_where_a_mood_was_asked(valence: float, minor: bool, seed: int) -> None:
    assert {away.key.minor for away in of(70, minor, valence, seed)} == {minor}


def test_the_dominant_is_where_major_goes_most_and_the_relative_where_minor_does() -> None:
    major = [of(12, seed=seed)[0].key for seed in range(300)]
    assert max(set(major), key=major.count) == Key(7)
    minor = [of(12, True, seed=seed)[0].key for seed in range(300)]
    assert {Key(3), Key(0)} == set(sorted(set(minor), key=minor.count)[-2:])


def test_each_section_goes_away_for_itself() -> None:
    two = excursions([Section(0, 12, 100, False, 0.5), Section(12, 20, 100, True, -0.5)], 2, np.random.default_rng(0))
    assert [(away.first, away.bars, away.key.minor) for away in two] == [(4, 4, False), (20, 4, True)]


def test_nothing_goes_away_that_was_asked_to_stay() -> None:
    assert plan(modulate=False).away == ()
    assert {plan(modulate=False).key_at(bar) for bar in range(20)} == {plan().key}


# -- how it sounds there -------------------------------------------------------------------------------------


def leading_home() -> Plan:
    """Bars 0 to 7 in the dominant; its theme returns in bar 16, at home."""
    found = plan(key=Key(0))
    assert 24 <= found.bars < 40
    return replace(found, away=(Excursion(0, 8, Key(7)),))


def test_what_began_away_returns_at_home_transposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_KEY_TRIES", 0)
    (drawn,) = draw(MODEL, [leading_home()], [1], WILD)
    bars = bars_of(drawn)
    for then, now in zip(bars[0:4], bars[16:20], strict=True):
        steps = {b[1] - a[1] for a, b in zip(then, now, strict=True)}
        assert len(steps) <= 1 and all(step % 12 == 5 for step in steps)  # from G to C
        assert [[a[0], *a[2:]] for a in then] == [[b[0], *b[2:]] for b in now]


def test_a_piece_that_loses_its_key_by_going_away_stays_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "keeps_key", lambda piece: -1.0)
    monkeypatch.setattr(sampling, "_worth", lambda piece: len(piece.plan.away))
    (drawn,) = draw(MODEL, [leading_home()], [1], WILD)
    assert drawn.plan.away == ()
    assert {drawn.plan.key_at(bar) for bar in range(drawn.plan.bars)} == {Key(0)}


def test_a_theme_returns_in_another_mode_by_the_degrees_of_its_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_KEY_TRIES", 0)
    away = replace(leading_home(), away=(Excursion(0, 8, Key(9, True)),))
    (drawn,) = draw(MODEL, [away], [1], WILD)
    assert [away.theme(bar) for bar in range(16, 20)] == [0, 1, 2, 3]
    bars = bars_of(drawn)
    home = LOWEST + away.key.tonic
    seen = 0
    for then, now in zip(bars[0:4], bars[16:20], strict=True):
        to = [moved(row[1] + home, Key(9, True), Key(0)) for row in then]
        if min(to) < 21 or max(to) > 108:
            continue  # the keyboard ends before that
        seen += 1
        assert {(row[0], (pitch - home) % 12) for row, pitch in zip(then, to, strict=True)} == {
            (row[0], row[1] % 12) for row in now
        }
    assert seen


def test_the_network_is_told_the_mode_of_the_excursion() -> None:
    away = Plan({"ada": 1.0}, Key(0), Metre(4, 4), 120, 40, 80, None, None, away=(Excursion(16, 8, Key(9, True)),))
    assert [away.conditions(bar).minor for bar in (15, 16, 23, 24)] == [False, True, True, False]
    assert away.key_at(16) == Key(9, True)
    assert away.home_at(16) == Key(0)


def test_every_note_can_be_played_wherever_the_piece_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_KEY_TRIES", 0)  # what has learned nothing keeps no key, and would stay at home
    for seed in range(4):
        (drawn,) = draw(MODEL, [plan(seed, key=Key(6))], [seed], WILD)
        assert drawn.plan.away
        pitches = drawn.piece().notes["pitch"]
        assert pitches.min() >= 21
        assert pitches.max() <= 108
        relative = drawn.events[:, 1][drawn.events[:, 1] >= 0]
        assert relative.max() < PITCHES
        assert drawn.piece().key == Key(6)
        assert len(drawn.piece().bars) == drawn.plan.bars


def test_a_piece_is_the_same_in_any_company() -> None:
    plans = [plan(seed) for seed in range(3)]
    together = draw(MODEL, plans, [0, 1, 2], WILD)
    for seed, piece in enumerate(together):
        (alone,) = draw(MODEL, [plans[seed]], [seed], WILD)
        assert alone.rows == piece.rows


# -- what is told --------------------------------------------------------------------------------------------


def test_compose_says_where_a_piece_went(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(tmp_path / "mine"))
    # A composer that knows nothing keeps no key; one that did not keep its own would be held at home.
    monkeypatch.setattr(sampling, "keeps_key", lambda *_: 1.0)

    def compose(name: str, **more: Any) -> ComposeResult:
        [piece] = flamingo.compose(
            persona="ada", seconds=50, tempo=120, metre="4/4", key="C", output=tmp_path / name, **more
        )
        return piece

    found, higher, home = compose("a.mid"), compose("b.mid", pitch=2), compose("c.mid", modulate=False)
    (away,) = found.as_dict()["excursions"]
    assert (away["bar"], away["bars"]) == (9, 6)
    assert Key.parse(away["key"]) == found.away[0].key
    assert higher.away[0].key == Key((found.away[0].key.tonic + 2) % 12, found.away[0].key.minor)
    assert home.as_dict()["excursions"] == []
    assert found.recipe["modulate"] is True
