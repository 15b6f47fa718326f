"""The plane of moods: words as places, places as words, and how likely each mood is at a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.errors import BadRequest
from flamingo.mood import valence_arousal
from flamingo.mood.valence_arousal import MOODS, WORDS, nearest, place, probabilities

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


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 2), st.floats(0.1, 2))
def test_the_three_classes_sum_to_one_as_they_are_printed(v: float, a: float, one: float, other: float) -> None:
    likely = valence_arousal.probabilities(v, a, (one, other), valence_arousal.CLASSES)
    found = valence_arousal.shares(likely)
    assert tuple(found) == ("happy", "angry", "sad")
    assert sum(found.values()) == pytest.approx(1, abs=1e-9) and all(0 <= p <= 1 for p in found.values())
    assert all(abs(found[mood] - likely[mood]) < 2e-4 for mood in found)


def test_each_class_is_likeliest_at_its_own_place() -> None:
    for mood in valence_arousal.CLASSES:
        likely = valence_arousal.probabilities(*valence_arousal.WORDS[mood], (0.5, 0.5), valence_arousal.CLASSES)
        assert max(likely, key=lambda m: likely[m]) == mood
