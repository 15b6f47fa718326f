"""What VGG-19 sees at chosen layers, before or after their ReLU, computed no further than needed."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from flamingo.nn.vgg import VGG19
from flamingo.painting.methods.settings import LAYERS, Pixels, Pooling


def features(network: VGG19, x: Tensor, layers: Collection[str], pooling: Pooling = "max") -> dict[str, Tensor]:
    """RGB pictures (1, 3, H, W) in [0, 1] to the activations (1, C, h, w) of each layer of `LAYERS` that is asked.

    `VGG19.forward` gives the same for "relu" layers and the largest pooling; this one also looks before the ReLU.
    """
    deepest = max(LAYERS.index(name) for name in layers)
    found: dict[str, Tensor] = {}
    x = (x - network.mean) * network.scale
    for name in LAYERS[: deepest + 1 : 2]:
        place = name.removeprefix("conv")
        if place.endswith("_1") and place != "1_1":
            x = F.max_pool2d(x, 2) if pooling == "max" else F.avg_pool2d(x, 2)
        x = network.convs[name](x)
        if name in layers:
            found[name] = x
            x = torch.relu(x)
        else:
            x = torch.relu_(x)
        if f"relu{place}" in layers:
            found[f"relu{place}"] = x
    return found


def trimmed(network: VGG19, layers: Collection[str]) -> VGG19:
    """The network without the convolutions that these layers do not need, whose memory is free then."""
    deepest = max(LAYERS.index(name) for name in layers)
    for name in LAYERS[deepest + 1 :]:
        if name in network.convs:
            del network.convs[name]
    return network


def to_tensor(rgb: Pixels, device: torch.device) -> Tensor:
    """(H, W, 3) in [0, 1] to (1, 3, H, W)."""
    return torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None].to(device)


def to_pixels(x: Tensor) -> Pixels:
    """(1, 3, H, W) to (H, W, 3) float32, cut to [0, 1]."""
    pixels: Pixels = x.detach()[0].permute(1, 2, 0).float().clamp(0, 1).cpu().contiguous().numpy()
    return pixels


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """(1, C, h, w) at another size: bicubic, smoothed before it shrinks."""
    if x.shape[2:] == (height, width):
        return x
    return F.interpolate(x, (height, width), mode="bicubic", antialias=True, align_corners=False)
