"""The painter without torch paints what it paints with torch, and its derivative is the one that torch finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flamingo import runtime, weights
from flamingo.errors import ModelCorrupt
from flamingo.painting.grain import grain
from flamingo.painting.methods.differentiable import Painter
from tests.conftest import needs_models

pytestmark = needs_models


@pytest.mark.parametrize("runner", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("model", ["fine", "fast"])
def test_picture_and_derivative_are_those_of_torch(model: str, runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip(runner)
    from flamingo.nn.painter import load_painter

    monkeypatch.setattr(runtime, "chosen", lambda: runner)
    file = weights.path(f"painter-{model}", "weights")
    random = np.random.default_rng(0)
    photo = random.random((1, 3, 48, 64), dtype=np.float32)
    slope = random.standard_normal(photo.shape, dtype=np.float32)
    noise = grain(0, 0, 48, 64)[None]
    styled = load_painter(file)
    vector = styled.vectors[:1].detach().clone().requires_grad_(True)
    expected = styled.painter(torch.from_numpy(photo), vector, torch.from_numpy(noise))
    (gradient,) = torch.autograd.grad(expected, vector, torch.from_numpy(slope))

    tape = Painter.load(file).at(48, 64)
    found = tape.forward(photo, vector.detach().numpy(), noise)
    assert np.abs(found - expected.detach().numpy()).max() < 1e-3
    ours: Any = tape.gradient(slope)
    assert np.linalg.norm(ours - gradient.numpy()) < 1e-3 * np.linalg.norm(gradient.numpy())


def test_what_is_no_painter_is_refused() -> None:
    with pytest.raises(ModelCorrupt, match="not a painter"):
        Painter.load(weights.shipped("vgg-19", "weights"))
