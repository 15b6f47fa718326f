"""What is measured without a network: each figure knows its own kind of damage and no other."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from flamingo.quality import measures

Pixels = NDArray[np.float32]


def _jpeg(rgb: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray((rgb * 255 + 0.5).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.float32) / np.float32(255)


@pytest.mark.parametrize(
    ("rgb", "lab"), [((1, 1, 1), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (53.24, 80.09, 67.20))]
)
def test_lab_is_that_of_the_standard(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    assert measures.lab(np.asarray(rgb, np.float32).reshape(1, 1, 3))[0, 0] == pytest.approx(lab, abs=0.05)


@given(st.integers(0, 2**32 - 1))
def test_colours_do_not_depend_on_where_they_stand(seed: int) -> None:
    random = np.random.default_rng(seed)
    rgb = random.random((20, 24, 3), dtype=np.float32)
    moved = random.permutation(rgb.reshape(-1, 3)).reshape(24, 20, 3)
    assert measures.colour_distance(rgb, moved) == pytest.approx(0, abs=1e-3)
    assert measures.colour_distance(rgb, rgb * np.float32(0.5)) > 10


def test_a_picture_has_its_own_structure_and_edges(cat: Pixels) -> None:
    assert measures.structure(cat, cat) == pytest.approx(1)
    assert measures.edges_kept(cat, cat) == pytest.approx(1)
    turned = np.ascontiguousarray(cat[::-1, ::-1])
    assert measures.structure(turned, cat) < 0.5
    assert measures.edges_kept(turned, cat) < 0.4
    assert measures.edges_kept(np.full_like(cat, 0.5), cat) == 0


def test_structure_is_that_of_scikit_image(cat: Pixels) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    other = _jpeg(cat, 10)
    x, y = (measures.light(rgb).astype(np.float64) for rgb in (other, cat))
    theirs = metrics.structural_similarity(x, y, data_range=1.0, gaussian_weights=True, use_sample_covariance=False)
    assert measures.structure(other, cat) == pytest.approx(theirs, abs=0.01)


def test_a_blurred_picture_is_less_sharp(cat: Pixels) -> None:
    small = Image.fromarray((cat * 255).astype(np.uint8)).resize((75, 50)).resize((300, 200))
    assert measures.sharpness(np.asarray(small, np.float32) / np.float32(255)) < 0.5 * measures.sharpness(cat)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 7), st.integers(0, 7), st.sampled_from([10, 30, 50]))
def test_a_damaged_jpeg_is_found_wherever_its_grid_begins(top: int, left: int, quality: int) -> None:
    y, x = np.mgrid[0:160, 0:200].astype(np.float32)
    noise = np.random.default_rng(1).normal(0, 0.08, (160, 200)).astype(np.float32)
    plain = np.clip(0.5 + 0.3 * np.sin(x / 9 + np.cos(y / 13)) + noise, 0, 1)
    rgb = np.repeat(plain[..., None], 3, axis=2)
    assert measures.compression(rgb) < 0.05
    assert measures.compression(_jpeg(rgb, quality)[top:, left:]) > 0.15


def test_stronger_compression_is_worse(cat: Pixels) -> None:
    found = [measures.compression(_jpeg(cat, quality)) for quality in (90, 50, 10)]
    assert found == sorted(found)
    blocks = [measures.blocking(_jpeg(cat, quality)) for quality in (90, 5)]
    assert blocks[1] > blocks[0] + 0.5


def test_a_checkerboard_is_found(cat: Pixels) -> None:
    y, x = np.mgrid[0 : cat.shape[0], 0 : cat.shape[1]]
    board = np.where((x + y) % 2, 0.04, -0.04)[..., None].astype(np.float32)
    assert measures.checkerboard(cat) < 0.7
    assert measures.checkerboard(np.clip(cat + board, 0, 1)) > 1.2


@settings(deadline=None, max_examples=10)
@given(st.integers(30, 270))
def test_a_seam_is_found_where_it_is(at: int) -> None:
    rgb = np.full((200, 300, 3), 0.4, np.float32)
    rgb += np.random.default_rng(0).normal(0, 0.02, rgb.shape).astype(np.float32)
    torn = rgb.copy()
    torn[:, at:] += 0.2
    assert measures.seam(rgb, rgb)[0] < 1.5
    strength, line, where = measures.seam(torn, rgb)
    assert strength > 3 and (line, where) == ("column", at)
    assert measures.seam(torn, torn)[0] < 1.5
