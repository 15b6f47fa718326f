"""The painter as it is trained."""

from __future__ import annotations

import pytest
import torch

from flamingo.train.painting.networks import SIZES, Painter, StyledPainter


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
