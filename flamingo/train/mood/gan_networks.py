"""The two networks of the WGAN-GP that invents pictures for a mood, and what they are trained with.

Wasserstein GANs: Arjovsky, Chintala and Bottou 2017; the gradient penalty: Gulrajani et al. 2017. Both networks are
told the mood: the critic by projection (Miyato and Koyama 2018), the generator by scales and shifts in every layer
(self-modulation, Chen et al. 2019). Photos with ratings are few, so what the critic sees is augmented in a way that
gradients pass (Zhao et al. 2020); otherwise it would learn the photos by heart.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flamingo.train.mood.moods import CLASSES

_SMALLEST = 4
"""Pixels of a side at which the generator begins and the critic ends."""


def _channels(size: int, width: int) -> list[int]:
    """Channels at 4, 8, 16 ... size / 2 pixels: twice as many for half the side, at most 8 * width."""
    sides = [_SMALLEST]
    while sides[-1] * 4 <= size:
        sides.append(sides[-1] * 2)
    return [min(8 * width, width * size // (2 * side)) for side in sides]


class _Modulated(nn.Module):
    """Group normalisation whose scales and shifts depend on noise and mood."""

    def __init__(self, channels: int, condition_width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(max(1, channels // 16), channels, affine=False)
        self.modulation = nn.Linear(condition_width, 2 * channels)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, 1)
        return F.relu(self.norm(x) * (1 + scale) + shift)


class Generator(nn.Module):
    """Noise (b, noise), standard normal, and moods (b,), places in CLASSES, to (b, 3, size, size) in (-1, 1).

    size: 8, 16, 32, 64 or 128 pixels a side; width: channels of the layer before the last.
    """

    def __init__(self, size: int = 64, noise: int = 64, width: int = 32) -> None:
        super().__init__()
        self.size, self.noise = size, noise
        channels = _channels(size, width)
        self.embedding = nn.Embedding(len(CLASSES), noise)
        condition_width = 2 * noise
        self.first = nn.Linear(condition_width, channels[0] * _SMALLEST**2)
        self.norms = nn.ModuleList(_Modulated(c, condition_width) for c in channels)
        # Enlarged, then convolved: transposed convolutions leave a grid that a short training does not get rid of
        # (Odena, Dumoulin and Olah 2016).
        self.doublings = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1))
            for a, b in zip(channels, [*channels[1:], 3], strict=True)
        )

    def forward(self, noise: Tensor, moods: Tensor) -> Tensor:
        condition = torch.cat((noise, self.embedding(moods)), 1)
        x = self.first(condition).unflatten(1, (-1, _SMALLEST, _SMALLEST))
        for norm, double in zip(self.norms, self.doublings, strict=True):
            x = double(norm(x, condition))
        return torch.tanh(x)


class Critic(nn.Module):
    """Pictures (b, 3, size, size) in [-1, 1] and their moods (b,) to scores (b,) without bounds: higher for photos.

    Nothing is normalised over a batch, since the penalty is on the gradient of each picture alone.
    """

    def __init__(self, size: int = 64, width: int = 32) -> None:
        super().__init__()
        channels = [3, *reversed(_channels(size, width))]
        layers: list[nn.Module] = []
        for a, b in pairwise(channels):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.halvings = nn.Sequential(*layers)
        features = 8 * width
        self.features = nn.Linear(channels[-1] * _SMALLEST**2, features)
        self.score = nn.Linear(features, 1)
        self.projection = nn.Embedding(len(CLASSES), features)
        nn.init.zeros_(self.projection.weight)  # at first every mood is judged alike

    def forward(self, pictures: Tensor, moods: Tensor) -> Tensor:
        features = F.leaky_relu(self.features(self.halvings(pictures).flatten(1)), 0.2)
        judged: Tensor = self.score(features).squeeze(1) + (features * self.projection(moods)).sum(1)
        return judged


def gradient_penalty(critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor, moods: Tensor) -> Tensor:
    """(): the mean of (|gradient| - 1)^2 of the critic, at random points between real and fake pictures of the same
    moods (Gulrajani et al. 2017, equation 3, without its weight). Zero where the slope is 1 everywhere."""
    part = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (part * real + (1 - part) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, moods).sum(), between, create_graph=True)
    penalty: Tensor = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return penalty


def augment(pictures: Tensor) -> Tensor:
    """(b, 3, h, w) about [-1, 1], each changed at random, differentiably: mirrored or not; lighter or darker, more or
    less colour and contrast; moved by up to an eighth; a square of half the side greyed out (Zhao et al. 2020)."""
    b, _, h, w = pictures.shape
    device = pictures.device

    def draw(low: float, high: float) -> Tensor:
        return torch.rand(b, 1, 1, 1, device=device) * (high - low) + low

    x = torch.where(draw(0, 1) < 0.5, pictures.flip(3), pictures)
    x = x + draw(-0.5, 0.5)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * draw(0, 2)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * draw(0.5, 1.5)

    def places(count: int) -> Tensor:
        return torch.randint(count, (b, 1), device=device)

    pad_y, pad_x = h // 8, w // 8
    rows = places(2 * pad_y + 1) + torch.arange(h, device=device)
    columns = places(2 * pad_x + 1) + torch.arange(w, device=device)
    padded = F.pad(x, (pad_x, pad_x, pad_y, pad_y))
    x = padded[torch.arange(b, device=device)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    x = x.permute(0, 3, 1, 2)
    top, left = places(h + 1) - h // 4, places(w + 1) - w // 4
    y, across = torch.arange(h, device=device), torch.arange(w, device=device)
    hidden_y = (y >= top) & (y < top + h // 2)
    hidden_x = (across >= left) & (across < left + w // 2)
    return x * ~(hidden_y[:, :, None] & hidden_x[:, None, :])[:, None]
