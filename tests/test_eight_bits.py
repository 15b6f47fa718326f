"""Matrices stored in eight bits: what comes back is near what went in, and small things come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.weights.eight_bits import packed, unpacked


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 100))
def test_a_number_comes_back_to_within_half_a_step_of_its_row(seed: int, size: float) -> None:
    matrix = (np.random.default_rng(seed).standard_normal((64, 80)) * size).astype(np.float32)
    stored = packed({"a": matrix})
    assert stored["a"].dtype == np.int8 and stored["a.scale"].shape == (64,)
    step = stored["a.scale"].astype(np.float32)[:, None]
    assert np.all(np.abs(unpacked(stored)["a"] - matrix) <= 0.5001 * step)
    assert np.all(step <= 1.01 * np.abs(matrix).max(1, keepdims=True) / 127 + 1e-7)


def test_small_things_and_vectors_stay_as_they_are() -> None:
    tensors: dict[str, Any] = {"row": np.ones(9000, np.float32), "small": np.eye(8, dtype=np.float32)}
    found = unpacked(packed(tensors))
    assert set(found) == set(tensors)
    assert all(np.array_equal(found[k], v) for k, v in tensors.items())


def test_a_row_of_zeros_stays_one() -> None:
    assert not unpacked(packed({"a": np.zeros((64, 80), np.float32)}))["a"].any()


def test_what_was_never_packed_is_left_alone() -> None:
    tensors = {"a": np.ones((64, 80), np.float32), "b.scale": np.ones(3, np.float32)}
    assert set(unpacked(tensors)) == {"a", "b.scale"}
