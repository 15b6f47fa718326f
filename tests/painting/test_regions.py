"""Several styles on several regions of one picture, with the shipped models."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import flamingo
from flamingo.errors import BadRequest
from flamingo.painting import styles
from flamingo.painting.options import MODELS, Model
from flamingo.painting.regions import regions
from tests.conftest import needs_models

pytestmark = needs_models
Pixels = NDArray[np.float32]


def psnr(a: Pixels, b: Pixels) -> float:
    return float(-10 * np.log10(max(float(np.mean((a - b) ** 2)), 1e-12)))


def halves(height: int, width: int, soft: int = 0) -> Pixels:
    """Two masks (2, H, W): the left and the right half, passing into each other over `soft` pixels."""
    x = np.arange(width, dtype=np.float32) - width / 2
    right = np.clip(x / soft + 0.5, 0, 1) if soft else (x >= 0).astype(np.float32)
    both = np.stack([1 - right, right])[:, None]
    return np.ascontiguousarray(np.broadcast_to(both, (2, height, width)), dtype=np.float32)


@pytest.mark.parametrize("model", MODELS)
def test_a_mask_of_ones_is_the_plain_picture(model: Model, cat: Pixels) -> None:
    painter, vector = flamingo.Painter(model), styles.vector("scream", 1.0, model)
    plain = painter.paint(cat, "scream")
    assert psnr(painter.paint_map(cat, vector, np.ones((1, *cat.shape[:2]), np.float32)), plain) >= 45
    # Two masks of a half each of the same style take the way of regions.
    both = np.full((2, *cat.shape[:2]), 0.5, np.float32)
    assert psnr(painter.paint_map(cat, np.stack([vector, vector]), both), plain) >= 45


@pytest.mark.parametrize("model", MODELS)
def test_each_half_has_its_own_style(model: Model, cat: Pixels) -> None:
    painter = flamingo.Painter(model)
    pair = [styles.vector(name, 1.0, model) for name in ("starry-night", "great-wave")]
    left, right = (painter.paint_vector(cat, v) for v in pair)
    both = painter.paint_map(cat, np.stack(pair), halves(*cat.shape[:2]))
    middle = cat.shape[1] // 2
    assert psnr(both[:, : middle - 72], left[:, : middle - 72]) > 60
    assert psnr(both[:, middle + 72 :], right[:, middle + 72 :]) > 60
    assert psnr(left, right) < 25, "which says something because the two differ"


@pytest.mark.parametrize("model", MODELS)
def test_where_the_mask_is_black_the_photo_stays(model: Model, cat: Pixels) -> None:
    painter, vector = flamingo.Painter(model), styles.vector("starry-night", 1.0, model)
    painted = painter.paint_map(cat, vector, halves(*cat.shape[:2])[:1])
    kept = slice(cat.shape[1] // 2 + 8, None)
    assert np.abs(painted[:, kept] - cat[:, kept]).max() < 1e-6, "not what the painter makes of it"
    assert np.abs(painted - cat)[:, : cat.shape[1] // 2].mean() > 0.1


@pytest.mark.parametrize("model", MODELS)
def test_grey_is_partly_painted(model: Model, cat: Pixels) -> None:
    painter, vector = flamingo.Painter(model), styles.vector("udnie", 1.0, model)
    greys = [0.0, 0.25, 0.5, 0.75, 1.0]
    away = [
        float(np.abs(painter.paint_map(cat, vector, np.full((1, 2, 2), grey, np.float32)) - cat).mean())
        for grey in greys
    ]
    assert away == sorted(away)
    for one, two in itertools.pairwise(away):
        assert 0.08 * away[-1] < two - one < 0.5 * away[-1], "evenly, without a jump"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("soft", [0, 60])
def test_a_border_has_no_halo(model: Model, soft: int) -> None:
    grey = np.full((160, 400, 3), 0.5, np.float32)
    grey += np.random.default_rng(0).normal(0, 0.02, grey.shape).astype(np.float32)
    painter = flamingo.Painter(model)
    pair = [styles.vector(name, 1.0, model) for name in ("starry-night", "great-wave")]
    mean = painter.paint_map(grey, np.stack(pair), halves(160, 400, soft)).mean(axis=0)
    sides = [painter.paint_vector(grey, v).mean(axis=0) for v in pair]
    # The mean over each column stays between those of the two styles there, but for what lies between their strokes.
    low, high = np.minimum(*sides), np.maximum(*sides)
    near = slice(200 - 50, 200 + 50)
    slack = 0.03 + max(float(side[100:300].std(axis=0).max()) for side in sides)
    assert (mean[near] > low[near].min(axis=0) - slack).all()
    assert (mean[near] < high[near].max(axis=0) + slack).all()


def test_a_mask_of_another_size_is_stretched_over_the_picture(cat: Pixels) -> None:
    painter = flamingo.Painter("fast")
    pair = np.stack([styles.vector(name, 1.0, "fast") for name in ("starry-night", "great-wave")])
    height, width = cat.shape[:2]
    usual = painter.paint_map(cat, pair, halves(height, width, 60))
    assert psnr(painter.paint_map(cat, pair, halves(height * 2, width * 2, 120)), usual) > 45
    assert psnr(painter.paint_map(cat, pair, halves(height // 2, width // 2, 30)), usual) > 40


def test_regions_work_on_large_pictures_too(photos: Path) -> None:
    from tests.painting.test_large import photo

    rgb = photo(photos, "rocket", 900, 640)
    painter = flamingo.Painter("fast")
    pair = [styles.vector(name, 1.0, "fast") for name in ("starry-night", "great-wave")]
    whole = [painter.paint_map(rgb, v) for v in pair]
    masks = halves(640, 900)
    masks[0, 400:] = masks[1, 400:] = 0
    painted = painter.paint_map(rgb, np.stack(pair), masks)
    assert psnr(painted[:300, :300], whole[0][:300, :300]) > 40
    assert psnr(painted[:300, 600:], whole[1][:300, 600:]) > 40
    assert np.abs(painted[430:] - rgb[430:]).max() < 1e-6


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_weights_sum_to_one_everywhere(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    masks = random.random((count, 5, 7), dtype=np.float32) * (random.random((count, 1, 1)) < 0.7)
    found = regions(random.standard_normal((count, 8)), masks)
    if found.weights is not None:
        assert np.allclose(found.weights.sum(axis=2), 1, atol=1e-5)
        assert found.weights.min() >= 0
        assert found.weights.shape[2] == len(found.vectors) <= count + 1


@pytest.mark.parametrize(
    ("vectors", "masks", "words"),
    [
        (np.zeros((2, 128)), None, "without masks"),
        (np.zeros((2, 128)), np.ones((1, 4, 4)), "2 styles need"),
        (np.zeros((1, 128)), np.ones((4, 4)), "1 styles need"),
        (np.zeros((1, 128)), np.full((1, 4, 4), 255.0), "outside 0 to 1"),
        (np.zeros((1, 128)), np.full((1, 4, 4), np.nan), "outside 0 to 1"),
        (np.full((1, 128), np.inf), None, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(vectors: Pixels, masks: Pixels | None, words: str, cat: Pixels) -> None:
    with pytest.raises(BadRequest, match=words):
        flamingo.Painter("fast").paint_map(cat, vectors, masks)


def test_each_strip_knows_which_of_its_rows_stay_the_photo() -> None:
    """The upper half is painted, the lower is left: by strips it is the same as whole."""
    mask = np.zeros((1, 40, 30), np.float32)
    mask[:, :20] = 1
    asked = regions(np.ones((1, 4)), mask)
    whole = asked.unpainted((40, 30), 0, 40)
    assert whole[:12].max() == 0 and whole[28:].min() == 1
    strips = [asked.unpainted((40, 30), top, 10) for top in range(0, 40, 10)]
    assert np.allclose(np.concatenate(strips), whole, atol=1e-6)
