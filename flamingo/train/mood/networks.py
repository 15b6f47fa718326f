"""The network that feels: an EfficientNet-Lite whose last blocks have learned moods, and a linear last layer.

The last layer is linear in the mean of the places of the picture, so a place's share in the judgement is exact: the
map of valence and arousal that comes with it is an explanation, not an approximation of one (class activation maps,
Zhou et al. 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from flamingo.nn.efficientnet import FEATURES, Backbone

AXES = 32
"""Principal axes of the training photos, by which it is judged how unlike them a photo is."""


@dataclass(frozen=True)
class FeelConfig:
    """backbone: lite0, lite1 or lite2; frozen: blocks left as they were; size: longer side of photos in pixels."""

    backbone: str = "lite0"
    frozen: int = 11
    size: int = 288

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Late(nn.Module):
    """What is fine-tuned: the backbone's last blocks, and the last layer."""

    def __init__(self, backbone: Backbone, frozen: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.frozen = frozen
        self.blocks = backbone.blocks[frozen:]
        self.head = backbone.head
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(FEATURES, 2)

    def places(self, early: Tensor) -> Tensor:
        """(b, c, h, w) from the frozen blocks to (b, 1280, h, w)."""
        return torch.nn.functional.relu6(self.head(self.blocks(early)))

    def forward(self, early: Tensor) -> Tensor:
        """(b, 2): valence and arousal, each in about [-1, 1]."""
        points: Tensor = self.last(self.dropout(self.places(early).mean((2, 3))))
        return points


class FeelNet(nn.Module):
    """The whole, as it is shipped: (1, 3, h, w) sRGB in [0, 1], h and w multiples of 32, to

    point (1, 2): valence and arousal; map (1, 2, h / 32, w / 32), whose mean is the point; and distance (1,): how far
    the photo is from those it learned from, 1 on average over them (mean square along their principal axes).
    """

    def __init__(self, backbone: Backbone, late: Late, centre: Tensor, axes: Tensor) -> None:
        super().__init__()
        self.stem, self.early = backbone.stem, backbone.blocks[: late.frozen]
        self.late = late
        self.centre, self.axes = nn.Buffer(centre), nn.Buffer(axes)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.early(torch.nn.functional.relu6(self.stem((photo * 255 - 127) / 128)))
        places = self.late.places(x)
        last = self.late.last
        share = torch.einsum("oc,bchw->bohw", last.weight, places) + last.bias[:, None, None]
        along = (places.mean((2, 3)) - self.centre) @ self.axes
        return share.mean((2, 3)), share, along.square().mean(1)


class Several(nn.Module):
    """Some mood models as one, which gives the mean of what they give."""

    def __init__(self, nets: Sequence[FeelNet]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        outputs = [net(photo) for net in self.nets]
        return tuple(torch.stack(output).mean(0) for output in zip(*outputs, strict=True))
