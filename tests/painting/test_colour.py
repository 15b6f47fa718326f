"""Whose colours a painting has."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flamingo.painting.colour import coloured, from_oklab, to_oklab

pictures = arrays(np.float32, (3, 4, 3), elements=st.floats(0, 1, width=32))


@given(pictures)
def test_oklab_and_back_is_the_same_picture(rgb: np.ndarray) -> None:
    np.testing.assert_allclose(from_oklab(to_oklab(rgb)), rgb, atol=2e-4)


def test_oklab_of_white_and_black_is_grey() -> None:
    lab = to_oklab(np.array([[1, 1, 1], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(lab, [[1, 0, 0], [0, 0, 0]], atol=1e-4)


@given(pictures, pictures, st.floats(0, 1))
@settings(max_examples=50)
def test_lightness_stays_the_paintings(painted: np.ndarray, photo: np.ndarray, colour: float) -> None:
    result = coloured(painted, photo, colour)
    assert result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    # At black the cube root turns a hundredth of a grey level into .03.
    np.testing.assert_allclose(to_oklab(result)[..., 0], to_oklab(painted)[..., 0], atol=3e-2)


@given(pictures, pictures)
@settings(max_examples=50)
def test_more_of_the_photos_colour_brings_colours_closer_to_the_photos(
    painted: np.ndarray, photo: np.ndarray
) -> None:
    def away(colour: float) -> float:
        found = to_oklab(coloured(painted, photo, colour))[..., 1:]
        # What sRGB cannot show is not the photo's colour any more, so compare where that does not come in.
        return float(np.abs(found - to_oklab(painted)[..., 1:]).sum())

    assert away(1) == 0
    assert away(0.5) <= away(0) + 1e-2 or np.isclose(away(0.5), away(0), atol=0.2)
