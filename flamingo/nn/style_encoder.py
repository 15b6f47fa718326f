"""The style encoder: a painting in, the style vector out that makes the painter paint in its manner, in one pass.

As in Ghiasi et al. 2017 ("Exploring the structure of a real-time, arbitrary neural artistic stylization network") the
vector is learned together with the painter, from the painter's own loss. What is ours is what the encoder looks at.
The early layers of a network that has seen ImageNet tell textures apart already, so they stay as they are, and only
statistics of them are kept: means, deviations and, along its principal axes, covariances, which are the painter's
style loss in small. On these a small network of our own is trained. That needs a few thousand paintings and a laptop,
where an encoder from nothing would need eighty thousand and a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flamingo.nn.efficientnet import Backbone, pretrained

_VARIANT = "lite0"
_TAPS = {0: 16, 2: 24, 4: 40, 7: 80, 10: 112}
"""After which blocks the network is looked at, and how many channels are there: strides 2 to 16."""
_PREFIX = "encoder."  # of its tensors within a painter's
_NEVER_TRAINED = (f"{_PREFIX}stem.", f"{_PREFIX}blocks.")
STRIDE = 32  # sides of paintings given to the encoder are multiples of this


@dataclass(frozen=True)
class EncoderConfig:
    """axes: principal axes of each layer along which covariances are taken; hidden: width of the small network;
    layers: how many layers of the network that looks are looked at, the first ones."""

    axes: int = 16
    hidden: int = 384
    layers: int = len(_TAPS)

    @property
    def taps(self) -> dict[int, int]:
        """After which blocks the network is looked at, and how many channels are there."""
        return dict(list(_TAPS.items())[: self.layers])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class StyleEncoder(nn.Module):
    """painting (N, 3, H, W) float RGB in [0, 1], H and W multiples of 32 -> style vectors (N, S)."""

    def __init__(self, config: EncoderConfig, vector: int) -> None:
        super().__init__()
        self.config = config
        eye = Backbone(_VARIANT)
        self.stem, self.blocks = eye.stem, nn.Sequential(*list(eye.blocks)[: max(config.taps) + 1])
        for channels in self._channels():
            self.register_buffer(f"axes{channels}", torch.eye(min(config.axes, channels), channels))
        self.centre = nn.Buffer(torch.zeros(self._length()))
        self.scale = nn.Buffer(torch.ones(self._length()))
        self.base = nn.Buffer(torch.zeros(vector))
        self.hidden = nn.ModuleList(
            [nn.Linear(self._length(), config.hidden), nn.Linear(config.hidden, config.hidden)]
        )
        self.last = nn.Linear(config.hidden, vector)
        self.stem.requires_grad_(False)
        self.blocks.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> StyleEncoder:
        """The network that looks stays as it is, its batch normalisations too."""
        super().train(mode)
        self.stem.eval()
        self.blocks.eval()
        return self

    def forward(self, painting: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.statistics(painting)
        return self.vector(x)

    def vector(self, statistics: Tensor) -> Tensor:
        """(N, S) of the statistics (N, L)."""
        x = (statistics - self.centre) / self.scale
        for layer in self.hidden:
            x = F.silu(layer(x))
        vector: Tensor = self.base + self.last(x)
        return vector

    def statistics(self, painting: Tensor) -> Tensor:
        """(N, L): of the colours and of each layer that is looked at, means, deviations and covariances."""
        columns = []
        for channels, x in zip(self._channels(), self.layers(painting), strict=True):
            places = x.shape[2] * x.shape[3]
            flat = x.flatten(2)
            mean = flat.mean(2, keepdim=True)
            centred = flat - mean
            columns += [mean[:, :, 0], (centred.square().mean(2) + 1e-6).sqrt()]
            along = self.get_buffer(f"axes{channels}") @ centred
            covariance = along @ along.transpose(1, 2) / places
            upper = torch.triu_indices(along.shape[1], along.shape[1], device=x.device)
            # A covariance goes with the square of the activations; its root is what changes evenly.
            root = covariance.sign() * ((covariance.abs() + 1e-6).sqrt() - 1e-3)
            columns.append(root[:, upper[0], upper[1]])
        return torch.cat(columns, dim=1)

    def layers(self, painting: Tensor) -> list[Tensor]:
        """What is looked at: the colours, then activations (N, C, h, w)."""
        x = (painting * 255 - 127) / 128
        taps = [x]
        x = F.relu6(self.stem(x))
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.config.taps:
                taps.append(x)
        return taps

    @torch.no_grad()
    def prepare(self, paintings: Tensor) -> None:
        """Choose the principal axes and the scales of the statistics by some hundred paintings (N, 3, H, W)."""
        self.load_state_dict({**self.state_dict(), **_eye(self.config.layers)})
        totals: dict[int, Tensor] = {}
        for painting in torch.split(paintings, 8):
            for channels, x in zip(self._channels(), self.layers(painting), strict=True):
                flat = x.flatten(2)
                flat = flat - flat.mean(2, keepdim=True)
                totals[channels] = totals.get(channels, 0) + (flat @ flat.transpose(1, 2)).mean(0)
        for channels, total in totals.items():
            axes = torch.linalg.eigh(total.double().cpu()).eigenvectors.flip(1)[:, : self.config.axes].T
            self.get_buffer(f"axes{channels}").copy_(axes)
        statistics = torch.cat([self.statistics(painting) for painting in torch.split(paintings, 8)])
        self.centre.copy_(statistics.mean(0))
        self.scale.copy_(statistics.std(0).clamp_min(1e-3))

    def _channels(self) -> list[int]:
        return [3, *self.config.taps.values()]

    def _length(self) -> int:
        axes = [min(self.config.axes, channels) for channels in self._channels()]
        return sum(2 * c + a * (a + 1) // 2 for c, a in zip(self._channels(), axes, strict=True))


def without_eye(painter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a painter without those of its encoder that are never trained: half of an encoder, which a
    package brings that training needs anyway."""
    return {name: tensor for name, tensor in painter.items() if not name.startswith(_NEVER_TRAINED)}


def with_eye(painter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse. A painter that has no encoder, or all of it, stays as it is."""
    if not any(name.startswith(_PREFIX) for name in painter) or any(n.startswith(_NEVER_TRAINED) for n in painter):
        return dict(painter)
    axes = [name for name in painter if name.startswith(f"{_PREFIX}axes")]  # one for the colours, then one a layer
    return {**painter, **{_PREFIX + name: tensor for name, tensor in _eye(len(axes) - 1).items()}}


def _eye(layers: int) -> dict[str, Tensor]:
    """What is never trained of a `StyleEncoder` that looks at so many layers, by its names."""
    last = max(EncoderConfig(layers=layers).taps)
    block_names = tuple(f"blocks.{i}." for i in range(last + 1))
    return {
        name: t for name, t in pretrained(_VARIANT).state_dict().items() if name.startswith(("stem.", *block_names))
    }


def begin(encoder: StyleEncoder, paintings: Tensor, windows: Tensor, vectors: Tensor, steps: int = 400) -> float:
    """Set an encoder up: prepared by `paintings` (N, 3, H, W), then taught the styles that the painter knows already.

    windows: (M, 3, H, W), parts of the named paintings, and vectors: (M, S), theirs. Unknown paintings begin between
    the ones that they resemble, instead of anywhere. Returns the share of the vectors' variance that is not learned.
    """
    encoder.prepare(paintings)
    encoder.base.copy_(vectors.mean(0))
    with torch.no_grad():
        encoder.last.weight.mul_(0.3)
        statistics = torch.cat([encoder.statistics(part) for part in torch.split(windows, 8)])
    parameters = [*encoder.hidden.parameters(), *encoder.last.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2)
    spread = (vectors - vectors.mean(0)).square().mean()
    loss = torch.tensor(1.0)
    for _ in range(steps):
        loss = (encoder.vector(statistics) - vectors).square().mean() / spread
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return float(loss.detach())
