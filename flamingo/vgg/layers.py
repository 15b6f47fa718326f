"""The layers of VGG-19 (Simonyan & Zisserman 2014, configuration E), their channels and sizes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

Pooling = Literal["max", "average"]

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels of each block, and the number of convolutions in it. Between blocks sides are halved and rounded down."""

CONVOLUTIONS = tuple(f"conv{block}_{i}" for block, (_, count) in enumerate(BLOCKS, 1) for i in range(1, count + 1))
LAYERS = tuple(f"{kind}{name.removeprefix('conv')}" for name in CONVOLUTIONS for kind in ("conv", "relu"))
"""What can be looked at: convN_M is before the ReLU, reluN_M after it."""

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

CAFFE_MEANS = {
    "relu1_1": 21.8, "relu1_2": 94.7, "relu2_1": 113.5, "relu2_2": 98.6, "relu3_1": 121.0, "relu3_2": 153.6,
    "relu3_3": 325.9, "relu3_4": 474.2, "relu4_1": 497.8, "relu4_2": 334.2, "relu4_3": 185.7, "relu4_4": 47.7,
    "relu5_1": 49.3, "relu5_2": 21.3, "relu5_3": 9.2, "relu5_4": 1.4,
}  # fmt: skip
"""Mean activations of Caffe's VGG-19 for pixels from 0 to 255, over the photos in docs/photos at 256 x 256."""


def needed(layers: Collection[str]) -> tuple[str, ...]:
    """The convolutions, in order, that lie on the way to these layers. Raises ValueError for other names."""
    unknown = sorted(set(layers) - set(LAYERS))
    if unknown or not layers:
        raise ValueError(f"VGG-19 has no layer {unknown}" if unknown else "no layers")
    deepest = max(CONVOLUTIONS.index(name.replace("relu", "conv")) for name in layers)
    return CONVOLUTIONS[: deepest + 1]


def begins_block(convolution: str) -> bool:
    """Whether a pooling comes before it."""
    return convolution.endswith("_1") and convolution != "conv1_1"


def channels(layer: str) -> int:
    """How many channels a layer has."""
    return BLOCKS[int(layer[4]) - 1][0]


def size(layer: str, height: int, width: int) -> tuple[int, int]:
    """(h, w) of a layer for a picture of this size."""
    halvings = int(layer[4]) - 1
    return height >> halvings, width >> halvings
