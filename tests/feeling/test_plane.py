"""The plane of moods: words as places, places as words, and how likely each mood is at a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.errors import BadRequest
from flamingo.feeling.plane import MOODS, WORDS, nearest, place, probabilities

axis = st.floats(-1, 1)
spread = st.floats(0.05, 2)


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_a_place_on_the_plane(word: str) -> None:
    assert all(-1 <= x <= 1 for x in place(word))


@pytest.mark.parametrize("word", sorted(set(WORDS) - {"afraid", "fearful"}))
def test_the_word_nearest_to_a_words_place_is_itself(word: str) -> None:
    assert nearest(*place(word)) == word


def test_a_word_that_is_unknown_suggests_the_nearest() -> None:
    with pytest.raises(BadRequest, match="did you mean 'happy'"):
        place("hapy")


@given(axis, axis, spread, spread)
def test_probabilities_add_to_one(valence: float, arousal: float, a: float, b: float) -> None:
    found = probabilities(valence, arousal, (a, b))
    assert set(found) == set(MOODS)
    assert sum(found.values()) == pytest.approx(1) and all(0 <= p <= 1 for p in found.values())


@pytest.mark.parametrize("mood", MOODS)
def test_at_a_moods_own_place_it_is_the_likeliest(mood: str) -> None:
    found = probabilities(*place(mood), (0.3, 0.3))
    assert max(found, key=found.__getitem__) == mood


def test_what_is_known_less_well_is_said_with_less_confidence() -> None:
    sure, unsure = (probabilities(0.8, 0.5, (s, s)) for s in (0.2, 1.0))
    assert sure["happy"] > unsure["happy"]


def test_the_old_systems_three_moods_can_be_asked_for_alone() -> None:
    found = probabilities(-0.8, -0.6, (0.4, 0.4), ("happy", "angry", "sad"))
    assert set(found) == {"happy", "angry", "sad"} and found["sad"] > 0.9
