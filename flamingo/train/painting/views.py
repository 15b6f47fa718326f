"""The same painter seen in three other ways, for pictures that do not fit in memory and for several styles in one.

Instance normalisation asks for the mean and variance of every channel over the whole picture, which a tile does not
have. So one network measures them, on a small version of the photo, and two others are told them (URST: Chen et al.
2022, "Towards Ultra-Resolution Neural Style Transfer via Thumbnail Instance Normalization"). Then nothing in the
network looks further than its convolutions, and tiles that overlap by their reach join without a seam.

None of them has a parameter of its own: they share those of the painter, and so do the files that they are exported
to.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flamingo.nn.painter import EPS, Painter


class MeasuringPainter(nn.Module):
    """The painter, which also says what it normalised by.

    photo and grain (1, 3, H, W), vector (1, S) -> picture (1, 3, H, W), means and variances (1, sum of widths), in
    the order of the layers, and the gate (1,) before its sigmoid, which says how much of the photo shows.
    """

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self.painter = painter

    def forward(self, photo: Tensor, vector: Tensor, grain: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scales, shifts, gate = self.painter.controls(vector)
        scale = iter(torch.split(scales, self.painter.widths, dim=1))
        shift = iter(torch.split(shifts, self.painter.widths, dim=1))
        means, variances = [], []

        def norm(x: Tensor) -> Tensor:
            mean = x.mean((2, 3), keepdim=True)
            away = x - mean
            variance = (away * away).mean((2, 3), keepdim=True)
            means.append(mean.flatten(1))
            variances.append(variance.flatten(1))
            gain = next(scale)[:, :, None, None] * torch.rsqrt(variance + EPS)
            return away * gain + next(shift)[:, :, None, None]

        picture = self.painter.painted(photo, norm, torch.sigmoid(gate).reshape(-1, 1, 1, 1), grain)
        return picture, torch.cat(means, dim=1), torch.cat(variances, dim=1), gate


class TilePainter(nn.Module):
    """The painter, told what to normalise by.

    photo and grain (1, 3, H, W), vector (1, S), means and variances (1, sum of widths) -> picture (1, 3, H, W).
    """

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self.painter = painter

    def forward(self, photo: Tensor, vector: Tensor, means: Tensor, variances: Tensor, grain: Tensor) -> Tensor:
        scales, shifts, gate = self.painter.controls(vector)
        gains = scales * torch.rsqrt(variances + EPS)
        offsets = shifts - means * gains
        gain = iter(torch.split(gains, self.painter.widths, dim=1))
        offset = iter(torch.split(offsets, self.painter.widths, dim=1))

        def norm(x: Tensor) -> Tensor:
            return x * next(gain)[:, :, None, None] + next(offset)[:, :, None, None]

        return self.painter.painted(photo, norm, torch.sigmoid(gate).reshape(-1, 1, 1, 1), grain)


class RegionPainter(nn.Module):
    """The painter in several styles at once, each told what it would normalise by if it painted the whole picture.

    photo and grain (1, 3, H, W); vectors (K, S); the weights of the K styles at each place, which sum to 1, at full,
    half and a quarter of the resolution (1, K, H, W), (1, K, H/2, W/2), (1, K, H/4, W/4); means and variances (K, sum
    of widths) -> picture (1, 3, H, W).

    Far from a border a region is painted exactly as it would be if its style had the whole picture. Across a border
    scales and shifts pass from one style to the other, so strokes change their kind instead of being laid over each
    other.
    """

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self.painter = painter

    def forward(
        self,
        photo: Tensor,
        vectors: Tensor,
        full: Tensor,
        half: Tensor,
        quarter: Tensor,
        means: Tensor,
        variances: Tensor,
        grain: Tensor,
    ) -> Tensor:
        scales, shifts, gate = self.painter.controls(vectors)
        gains = scales * torch.rsqrt(variances + EPS)
        offsets = shifts - means * gains
        gain = iter(torch.split(gains, self.painter.widths, dim=1))
        offset = iter(torch.split(offsets, self.painter.widths, dim=1))
        weight = iter(self._weights(full, half, quarter))

        def norm(x: Tensor) -> Tensor:
            here = next(weight)
            return x * spread(next(gain), here) + spread(next(offset), here)

        return self.painter.painted(photo, norm, torch.sigmoid(spread(gate[:, None], full)), grain)

    def _weights(self, full: Tensor, half: Tensor, quarter: Tensor) -> list[Tensor]:
        """The weights at the resolution of each layer, in order."""
        first = [full] if self.painter.config.full else []
        return [*first, half, *[quarter] * (1 + len(self.painter.body)), half, *first]


def spread(values: Tensor, weight: Tensor) -> Tensor:
    """values (K, C) mixed by weights (1, K, h, w) -> (1, C, h, w)."""
    # A product of matrices: OpenVINO has no convolution whose kernel is computed.
    return (values.T @ weight.flatten(2)).reshape(1, values.shape[1], *weight.shape[2:])
