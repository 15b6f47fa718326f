"""The grain of a photo: the same at the same place, none in the photo itself, and strokes where there was nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import flamingo
from flamingo.painting.grain import DEVIATION, grain
from flamingo.painting.options import Model


def test_it_is_noise_of_mean_zero() -> None:
    noise = grain(0, 0, 521, 521)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 2e-4
    assert noise.std() == pytest.approx(DEVIATION, rel=0.01)
    beside = np.corrcoef(noise[..., 1:].ravel(), noise[..., :-1].ravel())[0, 1]
    assert abs(beside) < 0.01


@given(
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_a_part_of_a_picture_has_what_the_whole_has_there(
    top: int, left: int, height: int, width: int, down: int, across: int
) -> None:
    whole = grain(top, left, down + height, across + width)
    assert np.array_equal(grain(top + down, left + across, height, width), whole[:, down:, across:])


def _sky() -> NDArray[np.float32]:
    """A plain sky above a house."""
    rgb = np.full((192, 256, 3), (0.62, 0.75, 0.9), np.float32)
    rgb[120:, 60:200] = (0.5, 0.3, 0.2)
    rgb[140:170:6, 70:190] = (0.9, 0.85, 0.7)
    return rgb


@pytest.mark.parametrize("model", ["fast", "fine"])
def test_a_plain_sky_is_painted_with_strokes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = flamingo.Painter(model)

    def strokes() -> float:
        sky = painter.paint(_sky(), "starry-night")[10:70, 20:236].mean(axis=2)
        return float(np.abs(np.diff(sky, axis=0)).mean() + np.abs(np.diff(sky, axis=1)).mean())

    with_grain = strokes()
    monkeypatch.setattr("flamingo.painting.networks.grain", lambda *at: np.zeros_like(grain(*at)))
    assert with_grain > 2 * strokes()


@pytest.mark.parametrize("model", ["fast", "fine"])
def test_the_photo_itself_has_none(model: Model) -> None:
    rgb = _sky()
    assert np.abs(flamingo.Painter(model).paint(rgb, "starry-night", 0.0) - rgb)[10:70, 20:236].max() < 0.03


def test_the_same_photo_is_painted_alike_twice() -> None:
    painter = flamingo.Painter("fast")
    assert np.array_equal(painter.paint(_sky(), "udnie"), painter.paint(_sky(), "udnie"))
