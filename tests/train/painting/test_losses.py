"""The figures that train and judge: checked against sums done by hand."""

from __future__ import annotations

import torch

from flamingo.nn import losses
from flamingo.nn.vgg import CONTENT_LAYER, STYLE_LAYERS


def features(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {layer: torch.rand(2, 4, 5, 6, generator=generator) for layer in (*STYLE_LAYERS, CONTENT_LAYER)}


def test_the_gram_matrix_is_the_mean_product_of_channels() -> None:
    x = features(0)["relu1_1"]
    by_hand = torch.stack([x[1, 2, i, j] * x[1, 3, i, j] for i in range(5) for j in range(6)]).sum() / 30
    assert torch.isclose(losses.gram(x)[1, 2, 3], by_hand)


def test_a_picture_has_no_error_against_itself() -> None:
    x = features(1)
    assert losses.content_error_squared(x, x[CONTENT_LAYER]).max() == 0
    assert losses.style_errors_squared(x, losses.grams(x)).max() < 1e-10


def test_errors_are_relative_to_what_is_aimed_at() -> None:
    x = features(2)
    nothing = {layer: torch.zeros_like(t) for layer, t in x.items()}
    assert torch.allclose(losses.content_error_squared(nothing, x[CONTENT_LAYER]), torch.ones(2))
    assert torch.allclose(losses.style_errors_squared(nothing, losses.grams(x)), torch.ones(2, 5))
    double = {layer: 2 * t for layer, t in x.items()}
    assert torch.allclose(losses.style_errors_squared(double, losses.grams(x)), torch.full((2, 5), 9.0), rtol=1e-4)


def test_total_variation_counts_steps_between_neighbours() -> None:
    picture = torch.zeros(1, 3, 4, 4)
    picture[..., 2:] = 1
    assert torch.allclose(losses.total_variation(picture), torch.tensor([1 / 3]))
