"""What is measured of colours, contrast, texture and lines, in pictures whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flamingo.mood.features import NAMES, measure


def of(rgb: Any) -> dict[str, float]:
    return dict(zip(NAMES, measure(np.asarray(rgb, np.float32)).tolist(), strict=True))


def plain(r: float, g: float, b: float) -> Any:
    return np.broadcast_to(np.asarray([r, g, b], np.float32), (64, 96, 3)).copy()


def test_black_is_dark_and_white_is_glaring() -> None:
    black, white = of(plain(0, 0, 0)), of(plain(1, 1, 1))
    assert black["brightness"] == pytest.approx(0, abs=1e-6) and black["darkness"] == 1
    assert white["brightness"] == pytest.approx(1, abs=1e-3) and white["glare"] == 1


@pytest.mark.parametrize(
    ("colour", "name"),
    [((0.9, 0.1, 0.3), "red"), ((0.9, 0.8, 0.1), "yellow"), ((0.1, 0.6, 0.1), "green"), ((0.1, 0.4, 0.9), "blue")],
)
def test_colours_have_their_names(colour: tuple[float, float, float], name: str) -> None:
    found = of(plain(*colour))
    assert max(("red", "yellow", "green", "blue", "purple"), key=found.__getitem__) == name


def test_orange_is_warm_and_blue_is_cold() -> None:
    assert of(plain(1, 0.6, 0.2))["warmth"] > 0.2 > -0.2 > of(plain(0.2, 0.4, 1))["warmth"]


def test_grey_has_no_colour() -> None:
    found = of(plain(0.5, 0.5, 0.5))
    assert found["saturation"] < 0.01 and found["colourfulness"] < 0.01 and found["hues"] == 0


def test_stripes_are_lines_in_their_direction() -> None:
    stripes = (np.arange(64) // 4 % 2).astype(np.float32)
    level = np.repeat(np.repeat(stripes[:, None], 96, 1)[..., None], 3, 2)
    found, turned = of(level), of(level.transpose(1, 0, 2))
    assert found["horizontal"] > 0.9 > 0.1 > found["vertical"]
    assert turned["vertical"] > 0.9 > 0.1 > turned["horizontal"]
    assert found["order"] > 0.9


def test_noise_has_texture_and_no_order() -> None:
    noise = np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)
    found = of(noise)
    assert found["texture"] > of(plain(0.5, 0.5, 0.5))["texture"] + 0.05 and found["order"] < 0.1


def test_a_sky_is_light_above() -> None:
    sky = np.repeat(np.repeat(np.linspace(1, 0, 64, dtype=np.float32)[:, None], 96, 1)[..., None], 3, 2)
    assert of(sky)["light_above"] > 0.5 > -0.5 > of(sky[::-1])["light_above"]


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_every_picture_can_be_measured(rgb: Any) -> None:
    found = measure(rgb)
    assert found.shape == (len(NAMES),) and np.isfinite(found).all()
