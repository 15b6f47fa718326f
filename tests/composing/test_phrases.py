"""What returns in a section, and where its phrases rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.composing.phrases import ThemeType, recapitulation, rest, returns, themes

KINDS: list[ThemeType] = ["period", "sentence", "rising", "falling", "repeat", "developed", "free"]
kinds = st.lists(st.sampled_from(KINDS), max_size=30)


def what_returns(bars: int, *of: ThemeType) -> dict[int, int]:
    found = {bar: returns(bar, bars, of) for bar in range(bars)}
    return {bar: origin.bar for bar, origin in found.items() if origin is not None}


@given(st.integers(1, 240), kinds)
def test_what_returns_was_there_before_and_something_new_ends_the_section(bars: int, of: list[ThemeType]) -> None:
    for bar, origin in what_returns(bars, *of).items():
        assert 0 <= origin < bar
        assert bar < bars - 2


def test_the_kinds_of_theme() -> None:
    assert what_returns(10, "period") == {4: 0, 5: 1, 6: 2}
    assert what_returns(10, "rising") == what_returns(10, "falling") == what_returns(10, "sentence")
    assert [returns(2, 10, [kind]) for kind in ("sentence", "rising", "falling")] == [(0, 0), (0, 1), (0, -1)]
    assert what_returns(10, "sentence") == {2: 0, 3: 1}
    assert what_returns(10, "free") == what_returns(10) == {}
    assert what_returns(15, "free", "repeat") == {8: 0, 9: 1, 10: 2, 11: 3, 12: 0}
    developed = {at: returns(at, 60, ["free", "free", "developed"]) for at in range(16, 24)}
    assert developed == {16: (0, 0), 17: (1, 0), 18: (0, 1), 19: (1, 1), **dict.fromkeys(range(20, 24))}
    assert what_returns(10, "developed") == {}
    assert what_returns(10, "repeat") == {}, "before it there is nothing that it could repeat"
    assert what_returns(8, "period") == {}, "nothing new would be left to end with"


def test_a_single_strophe_ends_with_its_first_theme() -> None:
    assert what_returns(16, "free", "free") == {12: 0, 13: 1}
    assert what_returns(20, "free", "period") == {12: 0, 13: 1, 14: 2}


@pytest.mark.parametrize(("bars", "begin"), [(23, None), (24, 16), (39, 16), (40, 32), (64, 48)])
def test_a_longer_section_comes_back_to_its_first_theme_whole(bars: int, begin: int | None) -> None:
    assert recapitulation(bars) == begin
    if begin is not None:
        assert what_returns(bars) == {begin + bar: bar for bar in range(4)}


def test_phrases_rest_on_the_dominant_and_on_the_tonic_by_turns() -> None:
    found = {bar: rest(bar, 20) for bar in range(20)}
    assert {bar: kind for bar, kind in found.items() if kind} == {
        3: "half", 7: "authentic", 11: "half", 15: "authentic",
    }  # fmt: skip
    assert rest(7, 9) is None, "the end of the section is a rest itself"


def test_themes_are_drawn_by_the_seed() -> None:
    first, again, other = (themes(4000, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 500 and set(first) == set(KINDS)
