"""The painter at its public edge: what a developer who has pixels may rely on. With the shipped models."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo.errors import BadRequest
from flamingo.painting.options import MODELS, Model
from flamingo.runtime import import_openvino, precision
from tests.conftest import needs_models

pytestmark = needs_models
Pixels = NDArray[np.float32]


def ssim(a: Pixels, b: Pixels) -> float:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    return float(metrics.structural_similarity(a, b, channel_axis=2, data_range=1.0))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("photo", ["astronaut", "chelsea", "coffee", "rocket"])
def test_strength_0_returns_the_photo(model: Model, photo: str, photos: Path) -> None:
    with Image.open(photos / f"{photo}.jpg") as opened:
        rgb = np.asarray(opened.convert("RGB"), dtype=np.float32) / np.float32(255)
    assert ssim(flamingo.Painter(model).paint(rgb, "starry-night", 0.0), rgb) > 0.95


@pytest.mark.parametrize("model", MODELS)
def test_strength_moves_smoothly_from_the_photo_to_the_painting(model: Model, cat: Pixels) -> None:
    painter = flamingo.Painter(model)
    strengths = np.linspace(0, 1, 9)
    pictures = [painter.paint(cat, "great-wave", s) for s in strengths]
    away = [float(np.abs(p - pictures[0]).mean()) for p in pictures]
    assert away == sorted(away), "more strength, further from the photo"
    largest_step = max(float(np.abs(a - b).mean()) for a, b in itertools.pairwise(pictures))
    assert largest_step < away[-1] / 3, "no jump: of eight steps none takes a third of the way"


@pytest.mark.parametrize("model", MODELS)
def test_every_named_style_paints_its_own_picture(model: Model, cat: Pixels) -> None:
    painter = flamingo.Painter(model)
    small = cat[::2, ::2]
    pictures = {style.name: painter.paint(small, style.name) for style in painter.styles}
    assert len(pictures) == 20
    names = list(pictures)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.abs(pictures[one] - pictures[other]).mean() > 0.01, f"{one} and {other} look the same"


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 75), width=st.integers(1, 75))
def test_any_size_comes_back_at_its_own_size(height: int, width: int) -> None:
    rgb = np.random.default_rng(height * 100 + width).random((height, width, 3), dtype=np.float32)
    painted = flamingo.Painter("fast").paint(rgb, "udnie")
    assert painted.shape == rgb.shape
    assert painted.dtype == np.float32
    assert np.isfinite(painted).all()
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_the_same_request_gives_the_same_picture(cat: Pixels) -> None:
    first = flamingo.Painter("fast").paint(cat, "scream", 0.7)
    assert np.array_equal(first, flamingo.Painter("fast").paint(cat, "scream", 0.7))


def painted_by(model: Model, photo: Pixels, folder: Path, **env: str) -> Pixels:
    """A photo painted by a process of its own."""
    script = (
        "import sys, numpy as np, flamingo\n"
        f"rgb = np.load(sys.argv[1]); np.save(sys.argv[2], flamingo.Painter({model!r}).paint(rgb, 'starry-night'))"
    )
    np.save(folder / "photo.npy", photo)
    subprocess.run(
        [sys.executable, "-c", script, str(folder / "photo.npy"), str(folder / "painted.npy")],
        env={**os.environ, **env},
        check=True,
    )
    return np.asarray(np.load(folder / "painted.npy"))


@pytest.mark.parametrize("model", MODELS)
def test_openvino_and_onnx_runtime_paint_the_same_picture(model: Model, cat: Pixels, tmp_path: Path) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed on this kind of machine")
    one, other = (painted_by(model, cat, tmp_path, FLAMINGO_RUNTIME=name) for name in ("openvino", "onnxruntime"))
    assert -10 * np.log10(np.mean((one - other) ** 2)) > 45


@pytest.mark.parametrize("model", MODELS)
def test_in_bf16_the_picture_looks_the_same(model: Model, cat: Pixels, tmp_path: Path) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed on this kind of machine")
    if "BF16" not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not multiply bf16")
    exact, quick = (painted_by(model, cat, tmp_path, FLAMINGO_PRECISION=each) for each in ("f32", "bf16"))
    assert 48 < -10 * np.log10(np.mean((exact - quick) ** 2)) < 80, "hardly another, but another"


@pytest.mark.parametrize(
    ("asked", "runtime", "said"),
    [("f8", "openvino", "choose one of f32, bf16"), ("bf16", "onnxruntime", "onnxruntime has none here")],
)
def test_a_precision_that_cannot_be_had_is_refused(
    asked: str, runtime: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_PRECISION", asked)
    monkeypatch.setattr("flamingo.runtime.chosen", lambda: runtime)
    with pytest.raises(BadRequest, match=said):
        precision()


def test_an_unknown_style_is_refused_with_the_nearest_name(cat: Pixels) -> None:
    with pytest.raises(BadRequest, match="did you mean starry-night"):
        flamingo.Painter("fine").paint(cat, "Starry Nigth")


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_strength_that_is_not_from_0_to_1_is_refused(strength: float, cat: Pixels) -> None:
    with pytest.raises(BadRequest, match="between 0 and 1"):
        flamingo.Painter("fine").paint(cat, "udnie", strength)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3), (1, 8, 8, 3)])
def test_pixels_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest, match=r"\(H, W, 3\)"):
        flamingo.Painter("fast").paint(np.zeros(shape, dtype=np.float32), "udnie")


def test_pixels_that_are_no_numbers_are_refused(cat: Pixels) -> None:
    broken = cat.copy()
    broken[3, 4, 1] = np.nan
    with pytest.raises(BadRequest, match="NaN"):
        flamingo.Painter("fast").paint(broken, "udnie")


def test_a_model_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadRequest, match="fast, fine"):
        flamingo.Painter("finest")  # type: ignore[arg-type]


def test_every_style_says_who_painted_it_when_and_why_it_may_be_used() -> None:
    styles = flamingo.styles()
    assert len({style.name for style in styles}) == 20
    for style in styles:
        assert style.title and style.artist and style.year, style.name
        assert "public domain" in style.rights
