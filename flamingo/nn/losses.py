"""What a painting is asked to be: the losses that train the painter and the same figures that judge it.

Everything is a *relative* error, so that one set of weights serves every photo and painting:

    c    = |F(out) - F(photo)| / |F(photo)|      at relu4_2           content error
    s_l  = |G(out) - G(style)| / |G(style)|      at relu1_1..relu5_1  style error of a layer, G the Gram matrix
    J    = c^2 + w * mean over l of s_l^2                             what is minimised

with Frobenius norms and G(x)_ij = sum over places of x_i x_j / places (Gatys, Ecker & Bethge 2016, equations 1
to 5, made relative). Earlier systems minimised absolute errors, whose balance changes with every painting;
docs/TRAINING.md sets their weights and ours side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from flamingo.nn.vgg import CONTENT_LAYER, STYLE_LAYERS


class _Gram(torch.autograd.Function):
    """flat (N, places, C) -> flat' flat. Its derivative is one product instead of the two that autograd would add up:
    with them, a tenth of a training step more."""

    @staticmethod
    def forward(ctx: FunctionCtx, flat: Tensor) -> Tensor:
        ctx.save_for_backward(flat)
        return flat.transpose(1, 2) @ flat

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (flat,) = ctx.saved_tensors
        (gradient,) = gradients
        product: Tensor = flat @ (gradient + gradient.transpose(1, 2))
        return product


def gram(features: Tensor) -> Tensor:
    """(N, C, h, w) activations -> (N, C, C) float32 Gram matrices, divided by the number of places h * w.

    Activations in bf16 are multiplied as such, with sums in float32, and only the result is rounded (to 1 part in
    256): they are known to no more.
    """
    n, c, h, w = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(n, h * w, c)  # no copy where channels come last, as in training
    product: Tensor = _Gram.apply(flat)  # type: ignore[no-untyped-call]
    return product.float() / (h * w)


def grams(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The Gram matrices of the five style layers."""
    return {layer: gram(features[layer]) for layer in STYLE_LAYERS}


def content_error_squared(out: Mapping[str, Tensor], photo: Tensor) -> Tensor:
    """(N,) squared relative error at relu4_2; `photo` are that layer's activations of the photos."""
    photo = photo.float()
    difference = (out[CONTENT_LAYER].float() - photo).square().sum((1, 2, 3))
    return difference / photo.square().sum((1, 2, 3)).clamp_min(1e-6)


def style_errors_squared(out: Mapping[str, Tensor], style: Mapping[str, Tensor]) -> Tensor:
    """(N, 5) squared relative Gram errors, one column a style layer; `style` holds Gram matrices (N or 1, C, C)."""
    columns = []
    for layer in STYLE_LAYERS:
        target = style[layer]
        difference = (gram(out[layer]) - target).square().sum((1, 2))
        columns.append(difference / target.square().sum((1, 2)).clamp_min(1e-12))
    return torch.stack(columns, dim=1)


@dataclass(frozen=True)
class Perception:
    """What is compared of two pictures: at which layers, and how (see `PainterRecipe.losses`). units: for "raw", what
    to divide the activations of each layer by (flamingo.nn.vgg.units_of_caffe)."""

    content: tuple[str, ...] = (CONTENT_LAYER,)
    style: tuple[str, ...] = STYLE_LAYERS
    raw: bool = False
    units: Mapping[str, float] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.style, *self.content)))

    def grams(self, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gram matrices (N, C, C) of the style layers."""
        return {layer: gram(activations[layer]) / self.units.get(layer, 1.0) ** 2 for layer in self.style}

    def content_errors(self, out: Mapping[str, Tensor], photo: Mapping[str, Tensor]) -> Tensor:
        """(N,) the mean over the content layers: squared relative errors, or mean squared differences."""
        columns = []
        for layer in self.content:
            target = photo[layer].float()
            square = (out[layer].float() - target).square()
            if self.raw:
                columns.append(square.mean((1, 2, 3)) / self.units.get(layer, 1.0) ** 2)
            else:
                columns.append(square.sum((1, 2, 3)) / target.square().sum((1, 2, 3)).clamp_min(1e-6))
        return torch.stack(columns, dim=1).mean(1)

    def style_errors(self, out: Mapping[str, Tensor], style: Mapping[str, Tensor]) -> Tensor:
        """(N, L) one column a style layer; `style` holds Gram matrices (N or 1, C, C) as `grams` gives them."""
        columns = []
        for layer, matrix in self.grams(out).items():
            target = style[layer]
            square = (matrix - target).square()
            if self.raw:
                columns.append(square.mean((1, 2)))
            else:
                columns.append(square.sum((1, 2)) / target.square().sum((1, 2)).clamp_min(1e-12))
        return torch.stack(columns, dim=1)

    def variation(self, picture: Tensor) -> Tensor:
        """(N,) the total variation of pictures (N, 3, H, W) in [0, 1]: mean absolute, or for "raw" mean squared
        differences of neighbours, there of pixels from 0 to 255."""
        return squared_variation(255 * picture) if self.raw else total_variation(picture)


def squared_variation(picture: Tensor) -> Tensor:
    """(N,) mean squared difference between neighbours, for pictures (N, 3, H, W): the total variation of Mahendran
    and Vedaldi 2014 (beta = 2), as programs for fast style transfer take it."""
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square().mean((1, 2, 3))
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean((1, 2, 3))
    return across + down


def total_variation(picture: Tensor) -> Tensor:
    """(N,) mean absolute difference between neighbours, for pictures (N, 3, H, W)."""
    across = (picture[..., :, 1:] - picture[..., :, :-1]).abs().mean((1, 2, 3))
    down = (picture[..., 1:, :] - picture[..., :-1, :]).abs().mean((1, 2, 3))
    return across + down
