"""The painter as it is trained."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from flamingo.errors import ModelCorrupt
from flamingo.nn.painter import SIZES, Painter, StyledPainter, grown
from flamingo.train.painting.borrowing import borrow_weights
from flamingo.train.painting.export import export_onnx
from flamingo.train.painting.views import MeasuringPainter, RegionPainter, TilePainter


@pytest.mark.parametrize("size", SIZES)
def test_a_painter_keeps_the_shape_and_stays_in_range(size: str) -> None:
    torch.manual_seed(0)
    painter = Painter(SIZES[size])
    out = painter(torch.rand(2, 3, 48, 36), torch.randn(2, SIZES[size].vector))
    assert out.shape == (2, 3, 48, 36)
    assert out.min() >= 0
    assert out.max() <= 1


def test_the_zero_vector_is_near_the_photo_before_any_training() -> None:
    torch.manual_seed(0)
    photo = torch.rand(1, 3, 32, 32)
    out = Painter(SIZES["debug"])(photo, torch.zeros(1, 8))
    assert (out - photo).abs().mean() < 0.02


@torch.no_grad()
def test_the_zero_vector_leaves_the_grain_out() -> None:
    torch.manual_seed(0)
    painter = Painter(SIZES["debug"])
    photo, grain = torch.rand(1, 3, 32, 32), torch.randn(1, 3, 32, 32) / 10
    style = torch.randn(1, 8)
    style[0, 0] = 4
    moved = [(painter(photo, v, grain) - painter(photo, v)).abs().mean() for v in (torch.zeros(1, 8), style)]
    assert moved[0] < 1e-3 < 1e-2 < moved[1]


def test_a_style_starts_as_a_painting_not_as_the_photo() -> None:
    torch.manual_seed(0)
    model = StyledPainter(SIZES["debug"], ["a", "b"])
    photo = torch.rand(2, 3, 32, 32)
    out = model(photo, torch.tensor([0, 1]), torch.ones(2))
    assert (out - photo).abs().mean() > 0.1
    assert not torch.allclose(out[0], out[1])


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    model = StyledPainter(SIZES["debug"], ["a", "b"])
    model(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), torch.ones(2)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


def maps(weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (1, K, H, W) at full, half and a quarter of the resolution."""
    return weights, *(torch.nn.functional.avg_pool2d(weights, part) for part in (2, 4))  # type: ignore[return-value]


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_the_views_paint_what_the_painter_paints(size: str) -> None:
    torch.manual_seed(0)
    painter = Painter(SIZES[size])
    photo, vectors = torch.rand(1, 3, 48, 64), torch.randn(2, SIZES[size].vector)
    grain = torch.randn(photo.shape) / 10
    pictures = [painter(photo, v[None], grain) for v in vectors]
    measured = [MeasuringPainter(painter)(photo, v[None], grain) for v in vectors]
    for v, picture, (painted, means, variances, _) in zip(vectors, pictures, measured, strict=True):
        assert torch.allclose(painted, picture, atol=1e-4)
        assert torch.allclose(TilePainter(painter)(photo, v[None], means, variances, grain), picture, atol=1e-4)
    statistics = [torch.cat([m[i] for m in measured]) for i in (1, 2)]
    for k in (0, 1):
        weights = torch.zeros(1, 2, 48, 64)
        weights[:, k] = 1
        painted = RegionPainter(painter)(photo, vectors, *maps(weights), *statistics, grain)
        assert torch.allclose(painted, pictures[k], atol=1e-4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Painter, Path]:
    """A painter, and itself as ONNX."""
    torch.manual_seed(0)
    painter, file = Painter(SIZES["debug"]).eval(), tmp_path_factory.mktemp("exported") / "a.onnx"
    export_onnx(painter, file)
    return painter, file


def test_weights_are_borrowed_and_the_network_stays_the_same(exported: tuple[Painter, Path], tmp_path: Path) -> None:
    painter, file = exported[0], tmp_path / "a.onnx"
    shutil.copyfile(exported[1], file)
    photo = np.random.default_rng(0).random((1, 3, 32, 48), dtype=np.float32)
    fed = {"photo": photo, "vector": np.ones((1, 8), np.float32), "grain": np.zeros_like(photo)}
    (before,), size = ort.InferenceSession(str(file)).run(None, fed), file.stat().st_size
    lend(painter, tmp_path / "a.safetensors")
    borrow_weights(file, tmp_path / "a.safetensors", own="", lent="ema.painter.")
    (after,) = ort.InferenceSession(str(file)).run(None, fed)
    assert np.array_equal(before, after)
    large = sum(2 * p.numel() for p in painter.parameters() if 2 * p.numel() >= 1024)
    assert file.stat().st_size < size - 0.9 * large


def test_weights_are_not_borrowed_from_another_painter(exported: tuple[Painter, Path], tmp_path: Path) -> None:
    shutil.copyfile(exported[1], tmp_path / "a.onnx")
    lend(Painter(SIZES["debug"]), tmp_path / "b.safetensors")
    with pytest.raises(ModelCorrupt, match=r"not those of b\.safetensors"):
        borrow_weights(tmp_path / "a.onnx", tmp_path / "b.safetensors", own="", lent="ema.painter.")


def lend(painter: Painter, file: Path) -> None:
    """A painter's weights as a release has them."""
    save_file({f"ema.painter.{k}": v.half() for k, v in painter.state_dict().items()}, file)


@torch.no_grad()
@pytest.mark.parametrize("size", ["debug", "fast"])
@pytest.mark.parametrize("more", [1, 3])
def test_a_painter_that_grows_paints_the_same_and_can_learn(size: str, more: int) -> None:
    torch.manual_seed(0)
    small = SIZES[size]
    large = replace(small, blocks=small.blocks + more)
    before, after = Painter(small), Painter(large)
    after.load_state_dict(grown(before.state_dict(), small, large))
    photo, vector = torch.rand(1, 3, 32, 48), torch.randn(1, small.vector)
    assert torch.equal(before(photo, vector), after(photo, vector))
    descent = torch.optim.SGD(after.parameters(), lr=1e-3)
    for _ in range(2):  # in the first step the new blocks' last scales leave zero, in the second all that is before
        with torch.enable_grad():
            descent.zero_grad()
            after(photo, vector).square().mean().backward()
        descent.step()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in after.body.parameters() if p.dim() > 1)


def test_a_painter_grows_in_depth_alone() -> None:
    small = SIZES["debug"]
    for other in (replace(small, quarter=16), SIZES["fine"]):
        with pytest.raises(ValueError, match="more blocks"):
            grown(Painter(small).state_dict(), small, other)
    with pytest.raises(ValueError, match="more blocks"):
        grown(Painter(SIZES["fast"]).state_dict(), SIZES["fast"], replace(SIZES["fast"], blocks=1))
