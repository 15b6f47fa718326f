"""The painter as it is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor

from flamingo.errors import ModelCorrupt
from flamingo.train.painting.borrowing import borrow_weights
from flamingo.train.painting.export import export_onnx, export_views
from flamingo.train.painting.networks import SIZES, Painter, StyledPainter
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
    pictures = [painter(photo, v[None]) for v in vectors]
    measured = [MeasuringPainter(painter)(photo, v[None]) for v in vectors]
    for v, picture, (painted, means, variances, _) in zip(vectors, pictures, measured, strict=True):
        assert torch.allclose(painted, picture, atol=1e-4)
        assert torch.allclose(TilePainter(painter)(photo, v[None], means, variances), picture, atol=1e-4)
    statistics = [torch.cat([m[i] for m in measured]) for i in (1, 2)]
    for k in (0, 1):
        weights = torch.zeros(1, 2, 48, 64)
        weights[:, k] = 1
        painted = RegionPainter(painter)(photo, vectors, *maps(weights), *statistics)
        assert torch.allclose(painted, pictures[k], atol=1e-4)


@torch.no_grad()
def test_the_views_are_exported_without_weights_of_their_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    painter = Painter(SIZES["debug"]).eval()
    export_onnx(painter, tmp_path / "painter-x.onnx")
    files = export_views(painter, tmp_path, "x")
    photo, vector = torch.rand(1, 3, 40, 56), torch.randn(1, 8)
    expected = painter(photo, vector).numpy()
    fed = {"photo": photo.numpy(), "vector": vector.numpy()}
    _, means, variances, gate = ort.InferenceSession(str(files["measure"])).run(None, fed)
    assert gate.shape == (1,)
    told = {"means": means, "variances": variances}
    (painted,) = ort.InferenceSession(str(files["tile"])).run(None, {**fed, **told})
    assert np.abs(painted - expected).max() < 1e-2, "16 bits apart"
    (tmp_path / "painter-x.onnx").unlink()
    with pytest.raises(Exception, match=r"painter-x\.onnx"):
        ort.InferenceSession(str(files["tile"]))


def test_weights_are_not_borrowed_from_another_painter(tmp_path: Path) -> None:
    torch.manual_seed(0)
    for name in ("a", "b"):
        export_onnx(Painter(SIZES["debug"]).eval(), tmp_path / f"{name}.onnx")
    with pytest.raises(ModelCorrupt, match=r"not those of b\.onnx"):
        borrow_weights(tmp_path / "a.onnx", tmp_path / "b.onnx")
