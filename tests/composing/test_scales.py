"""Music moved within its scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.composing.piece import Key
from flamingo.composing.scales import SCALES, moved

keys = st.builds(Key, st.integers(0, 11), st.booleans())
pitches = st.integers(21, 108)


@given(pitches, keys)
def test_nothing_moves_without_steps_in_the_same_key(pitch: int, key: Key) -> None:
    assert moved(pitch, key, key) == pitch


@given(pitches, keys, st.integers(-7, 7))
def test_a_note_of_the_scale_stays_in_it_and_seven_steps_are_an_octave(pitch: int, key: Key, steps: int) -> None:
    assert moved(pitch, key, key, 7) == pitch + 12 or (key.minor and (pitch - key.tonic) % 12 == 11)
    if (pitch - key.tonic) % 12 in SCALES[key.minor]:
        assert (moved(pitch, key, key, steps) - key.tonic) % 12 in SCALES[key.minor]


@given(pitches, keys, keys)
def test_it_goes_the_nearest_way(pitch: int, here: Key, there: Key) -> None:
    assert abs(moved(pitch, here, there) - pitch) <= 6 + 1


@pytest.mark.parametrize(
    ("pitch", "here", "there", "steps", "to"),
    [
        (60, "C major", "C major", 1, 62),
        (64, "C major", "C major", 1, 65),
        (64, "C major", "C minor", 0, 63),
        (71, "C major", "C minor", 0, 70),
        (71, "C minor", "C minor", 0, 71),
        (71, "C minor", "C major", 0, 71),
        (61, "C major", "C major", 1, 63),
        (60, "C major", "G major", 0, 55),
        (60, "C major", "F major", 0, 65),
        (63, "C minor", "A major", 0, 61),
    ],
)
def test_what_becomes_of_a_note(pitch: int, here: str, there: str, steps: int, to: int) -> None:
    assert moved(pitch, Key.parse(here), Key.parse(there), steps) == to
