"""Each control moves what it is named for, the right way, all along its range. With the shipped painters."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flamingo.painting import styles
from flamingo.painting.brush import brush
from flamingo.painting.colour import to_oklab
from flamingo.painting.options import MODELS, Model
from tests.conftest import needs_models

pytestmark = needs_models
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
Pixels = NDArray[np.float32]


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("style", ["starry-night", "great-wave", "udnie"])
def test_strength_leads_away_from_the_photo(cat: Pixels, model: Model, style: str) -> None:
    found = [distance(brush([style], strength=s, model=model).paint(cat), cat) for s in STEPS]
    assert all(a < b for a, b in pairwise(found)), found


@pytest.mark.parametrize("model", MODELS)
def test_weight_leads_from_one_style_to_the_other(cat: Pixels, model: Model) -> None:
    def mixed(weight: float) -> Pixels:
        one, other = "starry-night", "scream"
        texts = {0.0: [other], 1.0: [one]}.get(weight, [f"{one}={weight}", f"{other}={1 - weight}"])
        return brush(texts, model=model).paint(cat)

    painted = [mixed(weight) for weight in STEPS]
    to_one = [distance(picture, painted[-1]) for picture in painted]
    to_other = [distance(picture, painted[0]) for picture in painted]
    assert all(a > b for a, b in pairwise(to_one)), to_one
    assert all(a < b for a, b in pairwise(to_other)), to_other


@pytest.mark.parametrize("model", MODELS)
def test_colour_leads_from_the_photos_to_the_styles(cat: Pixels, model: Model) -> None:
    chroma = to_oklab(cat)[..., 1:]
    found = [distance(to_oklab(brush(["scream"], colour=c, model=model).paint(cat))[..., 1:], chroma) for c in STEPS]
    assert all(a < b for a, b in pairwise(found)), found
    words = [brush(["scream"], colour=word, model=model).paint(cat) for word in ("photo", "style")]
    for word, number in zip(words, (0.0, 1.0), strict=True):
        np.testing.assert_array_equal(word, brush(["scream"], colour=number, model=model).paint(cat))


def test_a_mask_paints_where_it_is_white_and_nowhere_else(cat: Pixels, tmp_path: Path) -> None:
    half = np.zeros((200, 300), np.uint8)
    half[:, :150] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    masked = brush(["great-wave"], (), [tmp_path / "half.png"]).paint(cat)
    photo = brush(["great-wave"], strength=0.0).paint(cat)
    assert distance(masked[:, 170:], cat[:, 170:]) < 1.5 * distance(photo[:, 170:], cat[:, 170:]) + 0.02
    assert distance(masked[:, :130], cat[:, :130]) > 5 * distance(masked[:, 170:], cat[:, 170:])


def test_the_way_along_a_style_opens_the_gate_evenly() -> None:
    """The painter's gate is sigmoid(4 - 8 t): as the strength goes, so does the share of the painting."""
    strengths = np.linspace(0, 1, 11)
    share = np.array([1 / (1 + np.exp(4 - 8 * styles.length(float(s)))) for s in strengths])
    assert styles.length(0.0) == pytest.approx(0, abs=1e-9) and styles.length(1.0) == pytest.approx(1)
    assert np.allclose(np.diff(share), np.diff(share).mean(), atol=1e-6)
    assert abs(styles.length(0.25) - 0.25) > 0.05, "a straight way would not"
