"""L-BFGS on functions whose lowest point is known."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from flamingo.painting.methods.lbfgs import LBFGS  # noqa: E402


def _bowl(seed: int, stiffness: float) -> tuple[Any, Any]:
    """Where each pixel wants to be, and how much it matters: from 1 to `stiffness`."""
    generator = torch.Generator().manual_seed(seed)
    goal = torch.rand(1, 3, 6, 6, generator=generator)
    weight = stiffness ** torch.rand(1, 3, 6, 6, generator=generator)
    return goal, weight


def _lowest(goal: Any, weight: Any, optimiser: LBFGS, picture: Any, steps: int) -> float:
    values = []
    for _ in range(steps):
        values.append(float((weight * (picture - goal).square()).sum()))
        optimiser.move(picture, 2 * weight * (picture - goal), values[-1])
        assert picture.min() >= 0 and picture.max() <= 1
    return min(values) / values[0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(1, 1000), st.floats(1e-6, 1e6))
def test_it_finds_the_bottom_of_a_bowl_whatever_the_scale(seed: int, stiffness: float, scale: float) -> None:
    goal, weight = _bowl(seed, stiffness)
    picture = torch.full((1, 3, 6, 6), 0.5)
    assert _lowest(goal, weight * scale, LBFGS(1.0, 20), picture, 120) < 0.01


def test_a_first_step_that_goes_far_uphill_is_taken_back() -> None:
    goal, weight = torch.full((1, 3, 6, 6), 0.5), torch.ones(1, 3, 6, 6)
    picture = goal + 1e-4
    assert _lowest(goal, weight, LBFGS(1.0, 20), picture, 20) < 0.1


def test_what_it_remembers_can_be_given_to_another() -> None:
    goal, weight = _bowl(1, 50.0)
    picture, first = torch.full((1, 3, 6, 6), 0.5), LBFGS(1.0, 5)
    _lowest(goal, weight, first, picture, 9)
    second, twin = LBFGS(1.0, 5), picture.clone()
    second.restore({name: value.clone() for name, value in first.tensors().items()})
    _lowest(goal, weight, first, picture, 5)
    _lowest(goal, weight, second, twin, 5)
    assert torch.equal(picture, twin)
