"""L-BFGS on functions whose lowest point is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.painting.methods.lbfgs import LBFGS

Array = NDArray[np.float32]


def _bowl(seed: int, stiffness: float) -> tuple[Array, Array]:
    """Where each pixel wants to be, and how much it matters: from 1 to `stiffness`."""
    random = np.random.default_rng(seed)
    goal = random.random((1, 3, 6, 6), dtype=np.float32)
    weight = np.float32(stiffness) ** random.random((1, 3, 6, 6), dtype=np.float32)
    return goal, weight


def _grey() -> Array:
    return np.full((1, 3, 6, 6), 0.5, np.float32)


def _lowest(goal: Array, weight: Array, optimiser: LBFGS, picture: Array, steps: int) -> float:
    values = []
    for _ in range(steps):
        values.append(float((weight * np.square(picture - goal)).sum()))
        optimiser.move(picture, 2 * weight * (picture - goal), values[-1])
        assert picture.min() >= 0 and picture.max() <= 1
    return min(values) / values[0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(1, 1000), st.floats(1e-6, 1e6))
def test_it_finds_the_bottom_of_a_bowl_whatever_the_scale(seed: int, stiffness: float, scale: float) -> None:
    goal, weight = _bowl(seed, stiffness)
    picture = _grey()
    assert _lowest(goal, weight * np.float32(scale), LBFGS(1.0, 20), picture, 120) < 0.01


def test_a_first_step_that_goes_far_uphill_is_taken_back() -> None:
    goal, weight = _grey(), np.ones((1, 3, 6, 6), np.float32)
    picture = goal + np.float32(1e-4)
    assert _lowest(goal, weight, LBFGS(1.0, 20), picture, 20) < 0.1


def test_what_it_remembers_can_be_given_to_another() -> None:
    goal, weight = _bowl(1, 50.0)
    picture, first = _grey(), LBFGS(1.0, 5)
    _lowest(goal, weight, first, picture, 9)
    second, twin = LBFGS(1.0, 5), picture.copy()
    second.restore({name: value.copy() for name, value in first.tensors().items()})
    _lowest(goal, weight, first, picture, 5)
    _lowest(goal, weight, second, twin, 5)
    assert np.array_equal(picture, twin)
