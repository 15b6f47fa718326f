"""VGG-19 in torch, whose automatic derivatives are what ours are held against."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from flamingo.nn.vgg import VGG19
from flamingo.vgg.layers import Pooling, needed

Array = NDArray[np.float32]


def features(network: VGG19, x: Tensor, layers: Collection[str], pooling: Pooling = "max") -> dict[str, Tensor]:
    """RGB pictures (1, 3, H, W) in [0, 1] to the activations (1, C, h, w) of each layer."""
    found: dict[str, Tensor] = {}
    x = (x - network.mean) * network.scale
    for name in needed(layers):
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2) if pooling == "max" else F.avg_pool2d(x, 2)
        found[name] = x = network.convs[name](x)
        found[name.replace("conv", "relu")] = x = torch.relu(x)
    return {name: found[name] for name in layers}


def gradient(network: VGG19, picture: Array, of: Mapping[str, Array], pooling: Pooling) -> Array:
    """The derivative with respect to the picture of a number whose derivatives at layers are `of`."""
    x = torch.from_numpy(picture).requires_grad_(True)
    found = features(network, x, list(of), pooling)
    (slope,) = torch.autograd.grad(list(found.values()), x, [torch.from_numpy(of[name]) for name in found])
    return np.asarray(slope.numpy())
