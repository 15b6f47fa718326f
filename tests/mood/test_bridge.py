"""The bridge: what a place on the plane asks of the music, which way, how far at most, and of whom."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.mood.cues import CUES, MODE, TEMPO, Choices, Habits, choices

some = settings(max_examples=25, deadline=None, derandomize=True)

some_axis = st.floats(-1, 1)
some_habits = st.builds(Habits, st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1))
GRID = (-1.0, -0.5, 0.0, 0.5, 1.0)


# -- the table -----------------------------------------------------------------------------------------------


def test_every_choice_is_a_line_of_the_table_and_every_line_says_whence_it_comes() -> None:
    assert [cue.name for cue in CUES] == [
        "mode", "tempo", "register", "density", "loudness", "articulation", "key", "colour", "consonance"
    ]  # fmt: skip
    assert {cue.name for cue in CUES} == {field.name for field in fields(Choices)}
    for cue in CUES:
        assert cue.valence or cue.arousal, cue.name
        assert cue.unit and cue.source and cue.most > 0, cue.name


def test_the_page_about_music_has_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "music.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(): row for row in page.splitlines() if row.startswith("| ")}
    for cue in CUES:
        assert f"{cue.valence or cue.arousal:g} {'v' if cue.valence else 'a'}".lstrip("0") in rows[cue.name], cue.name


@some
@given(some_axis | st.none(), some_axis | st.none(), st.floats(-3, 3))
def test_no_cue_goes_further_than_the_table_allows(v: float | None, a: float | None, usual: float) -> None:
    assert all(abs(cue.at(v, a, usual)) <= cue.most for cue in CUES)


# -- which way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tempo", "density", "loudness", "articulation"])
@some
@given(some_axis, some_habits)
def test_what_is_excited_is_faster_denser_louder_and_more_detached(name: str, v: float, habits: Habits) -> None:
    found = [getattr(choices(v, a, habits), name) for a in GRID]
    assert all(low <= high for low, high in pairwise(found))


@pytest.mark.parametrize("name", ["tempo", "density", "loudness", "articulation"])
def test_arousal_moves_each_of_its_cues(name: str) -> None:
    calm, excited = (choices(None, a, Habits(tempo_slope=0.7)) for a in (-0.5, 0.5))
    assert getattr(excited, name) > getattr(calm, name)


@pytest.mark.parametrize("name", ["mode", "register", "key"])
@some
@given(some_axis, some_habits)
def test_what_is_pleasant_is_brighter_and_higher(name: str, a: float, habits: Habits) -> None:
    found = [getattr(choices(v, a, habits), name) for v in GRID]
    assert all(low < high for low, high in pairwise(found[1:-1])), "mode is cut off at the edges"
    assert found[0] <= found[1] and found[-2] <= found[-1]


@some
@given(some_axis, some_axis, some_axis, some_axis, some_habits)
def test_cues_add_up_and_do_not_mix(v: float, a: float, w: float, b: float, habits: Habits) -> None:
    """Of the two axes each moves its own cues, so that one can be asked for without the other."""
    one, other = choices(v, a, habits), choices(v, b, habits)
    assert (one.mode, one.register, one.key) == (other.mode, other.register, other.key)
    one, other = choices(v, a, habits), choices(w, a, habits)
    assert (one.tempo, one.density, one.loudness, one.articulation) == (
        other.tempo, other.density, other.loudness, other.articulation
    )  # fmt: skip


@pytest.mark.parametrize("valence", [-1.0, -0.4, 0.4, 1.0])
@some
@given(some_habits, some_axis | st.none())
def test_what_is_clearly_unpleasant_is_in_minor_and_pleasant_in_major_for_everybody(
    valence: float, habits: Habits, arousal: float | None
) -> None:
    mode = choices(valence, arousal, habits).mode
    assert mode is not None and (mode > 0) == (valence > 0)


# -- of whom -------------------------------------------------------------------------------------------------


def test_near_the_middle_the_habit_of_the_persona_decides_the_mode() -> None:
    bright, dark = (choices(-0.05, None, Habits(minor=share)).mode for share in (0.05, 0.95))
    assert bright is not None and dark is not None
    assert bright > 0 > dark


def test_a_persona_that_is_always_excited_is_not_hurried_for_it() -> None:
    lively, quiet = (choices(None, 0.4, Habits(arousal=a, tempo_slope=0.7)).tempo for a in (0.4, -0.4))
    assert lively == 0.0
    assert quiet == pytest.approx(TEMPO.arousal * 0.7 * 0.8)


def test_tempo_follows_the_slope_that_was_measured() -> None:
    steep, flat = (choices(None, 1.0, Habits(tempo_slope=slope)).tempo for slope in (0.8, 0.2))
    assert steep == pytest.approx(4 * flat)
    assert TEMPO.valence == 0 and MODE.arousal == 0


# -- nothing asked -------------------------------------------------------------------------------------------


@some
@given(some_habits)
def test_where_nothing_is_asked_nothing_changes(habits: Habits) -> None:
    assert choices(None, None, habits) == Choices()


@some
@given(some_axis, some_habits)
def test_half_a_mood_leaves_the_other_half_alone(x: float, habits: Habits) -> None:
    calm, pleasant, usual = choices(None, x, habits), choices(x, None, habits), Choices()
    assert (calm.mode, calm.register, calm.key) == (usual.mode, usual.register, usual.key)
    assert (pleasant.tempo, pleasant.loudness, pleasant.density) == (usual.tempo, usual.loudness, usual.density)
