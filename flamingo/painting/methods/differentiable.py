"""The painter at one size, with the derivative of its picture with respect to the style vector.

The network is that of `flamingo.nn.painter`, written as ONNX forwards and backwards (see flamingo.vgg.graph), so that
no torch is needed. Backwards it paints once more, for what each layer saw, which costs little beside VGG-19.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from flamingo import runtime
from flamingo.errors import ModelCorrupt
from flamingo.vgg.graph import Graph
from flamingo.weights.eight_bits import unpacked

Array = NDArray[np.float32]
EPS = 1e-5  # of the instance normalisations
_DILATIONS = (1, 2, 4, 2, 1)  # of the first convolutions of the residual blocks; of a single block 1
_PREFIX = "ema.painter."


@dataclass(frozen=True, eq=False)
class Painter:
    """tensors: those of `flamingo.nn.painter.Painter`, float32, by name; full, blocks: as in its configuration."""

    tensors: dict[str, Array]
    full: int
    blocks: int

    @classmethod
    def load(cls, file: Path) -> Painter:
        """The averaged painter of a release. Raises ModelCorrupt."""
        try:
            with safe_open(file, framework="np") as opened:
                config = json.loads((opened.metadata() or {})["facts"])["config"]
                names = [name for name in opened.keys() if name.startswith(_PREFIX)]  # noqa: SIM118
                stored = unpacked({name: opened.get_tensor(name) for name in names})
            tensors = {name.removeprefix(_PREFIX): np.asarray(v, np.float32) for name, v in stored.items()}
            return cls(tensors, int(config["full"]), int(config["blocks"]))
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelCorrupt(str(file), f"not a painter ({error})", "install Flamingo again") from error

    def at(self, height: int, width: int) -> PainterTape:
        """The painter of photos (1, 3, height, width), sides multiples of 4."""
        return PainterTape(self, height, width)


class PainterTape:
    """The painter at one size: `forward`, then `gradient` of anything that was made of the picture."""

    def __init__(self, painter: Painter, height: int, width: int) -> None:
        self._forward = runtime.built(_written(painter, height, width, backward=False))
        self._backward = runtime.built(_written(painter, height, width, backward=True))
        self._inputs: dict[str, Array] = {}

    def forward(self, photo: Array, vector: Array, grain: Array) -> Array:
        """photo, grain: (1, 3, H, W); vector: (1, S), all float32. Returns the picture (1, 3, H, W) in [0, 1]."""
        self._inputs = {"photo": photo, "vector": vector, "grain": grain}
        return self._forward(**self._inputs)

    def gradient(self, slope: Array) -> Array:
        """The derivative (1, S), with respect to the vector, of a number whose derivative with respect to the picture
        that was painted last is `slope`, (1, 3, H, W)."""
        return self._backward(**self._inputs, slope=slope)


Back = Callable[[str], str]
"""From the derivative with respect to what a layer gave to that with respect to what it took."""


def _written(painter: Painter, height: int, width: int, *, backward: bool) -> bytes:
    """The painter forwards, or the derivative with respect to the vector."""
    writer = _Writer(painter)
    return writer.backward(height, width) if backward else writer.forward(height, width)


class _Writer:
    """Writes layers one after the other; what it gives for each is its output and the way back."""

    def __init__(self, painter: Painter) -> None:
        self._tensors, self._full, self._blocks = painter.tensors, painter.full, painter.blocks
        self._graph = Graph()
        self._layers = 0
        self._slopes: dict[int, tuple[str, str]] = {}  # of the scale and the shift of each layer
        self._gate_slopes: list[str] = []
        names = (["head.0"] if self._full else []) + ["down.0", "down.1"]
        names += [f"body.{i}" for i in range(2 * self._blocks)] + ["up.0"] + (["up.1"] if self._full else [])
        self._widths = [len(self._tensors[f"{name}.conv.bias"]) for name in names]

    def forward(self, height: int, width: int) -> bytes:
        picture, _ = self._painted(height, width)
        self._graph.output(picture, "picture", (1, 3, height, width))
        return self._graph.encode()

    def backward(self, height: int, width: int) -> bytes:
        _, back = self._painted(height, width)
        back(self._graph.input("slope", (1, 3, height, width)))
        node = self._graph.node
        gate = node("Mul", self._gate, node("Sub", self._number(1), self._gate))
        slope = node("Mul", node("Add", *self._gate_slopes), gate)
        order = range(len(self._widths))
        parts = [self._slopes[i][which] for which in (0, 1) for i in order]
        whole = node("Reshape", node("Concat", *parts, slope, axis=1), self._shape(1, -1))
        gradient = node("MatMul", whole, self._graph.constant(self._affine))
        self._graph.output(gradient, "gradient", (1, self._affine.shape[1]))
        return self._graph.encode()

    @property
    def _affine(self) -> Array:
        weight = self._tensors["affine.weight"]
        return np.asarray(weight / np.sqrt(weight.shape[1]), np.float32)

    def _painted(self, height: int, width: int) -> tuple[str, Back]:
        node = self._graph.node
        photo, grain = (self._graph.input(name, (1, 3, height, width)) for name in ("photo", "grain"))
        vector = self._graph.input("vector", (1, self._affine.shape[1]))
        bias = self._graph.constant(self._tensors["affine.bias"][None])
        affine = node("Add", node("MatMul", vector, self._graph.constant(self._affine.T)), bias)
        self._controls = node("Reshape", affine, self._shape(1, -1, 1, 1))
        self._gate = node("Sigmoid", self._control(2 * sum(self._widths), 1))
        covered = node("Sub", self._number(1), self._gate)
        backs: list[Back] = []
        sides = (height, width)
        x = node("Add", node("Sub", photo, self._number(0.5)), node("Mul", covered, grain))
        if self._full:
            x = self._rectified("head.0", x, sides, backs)
        x = self._rectified("down.0", x, sides, backs, stride=2)
        x = self._rectified("down.1", x, (height // 2, width // 2), backs, stride=2)
        sides = (height // 4, width // 4)
        for block in range(self._blocks):
            inner: list[Back] = []
            dilation = _DILATIONS[block % len(_DILATIONS)] if self._blocks > 1 else 1
            y = self._rectified(f"body.{2 * block}", x, sides, inner, dilation=dilation)
            x = node("Add", x, self._normal(f"body.{2 * block + 1}", y, sides, inner))
            backs.append(lambda slope, inner=inner: node("Add", slope, _through(inner, slope)))  # type: ignore[misc]
        for i in range(2 if self._full else 1):
            x = self._doubled(x, backs)
            sides = (sides[0] * 2, sides[1] * 2)
            x = self._rectified(f"up.{i}", x, sides, backs)
        painted = node("Sigmoid", self._tail(x, sides, backs))

        def back(slope: str) -> str:
            spread = node("Mul", painted, node("Sub", self._number(1), painted))
            before = _through(backs, node("Mul", node("Mul", slope, covered), spread))
            directly = self._total(node("Mul", slope, node("Sub", photo, painted)), channels=True)
            by_grain = self._total(node("Mul", before, grain), channels=True)
            self._gate_slopes = [directly, node("Neg", by_grain)]
            return before

        return node("Add", node("Mul", self._gate, photo), node("Mul", covered, painted)), back

    def _rectified(
        self, name: str, x: str, sides: tuple[int, int], backs: list[Back], *, stride: int = 1, dilation: int = 1
    ) -> str:
        """A convolution, its normalisation, and a ReLU."""
        node = self._graph.node
        out = node("Relu", self._normal(name, x, sides, backs, stride=stride, dilation=dilation))
        above = node("Cast", node("Greater", out, self._number(0)), to=1)
        backs.append(lambda slope: node("Mul", slope, above))
        return out

    def _normal(
        self, name: str, x: str, sides: tuple[int, int], backs: list[Back], *, stride: int = 1, dilation: int = 1
    ) -> str:
        """A convolution and its instance normalisation, scaled and shifted as the vector says."""
        node = self._graph.node
        kernel, bias = self._tensors[f"{name}.conv.weight"], self._tensors[f"{name}.conv.bias"]
        x = self._convolution(x, kernel, bias, sides, backs, stride=stride, dilation=dilation)
        layer, self._layers = self._layers, self._layers + 1
        begin, count = sum(self._widths[:layer]), self._widths[layer]
        scale, shift = self._control(begin, count), self._control(begin + sum(self._widths), count)
        centred = node("Sub", x, self._mean(x))
        variance = self._mean(node("Mul", centred, centred))
        deviation = node("Sqrt", node("Add", variance, self._number(EPS)))
        normal = node("Div", centred, deviation)

        def back(slope: str) -> str:
            self._slopes[layer] = (self._total(node("Mul", slope, normal)), self._total(slope))
            inner = node("Mul", slope, scale)
            along = node("Mul", normal, self._mean(node("Mul", inner, normal)))
            return node("Div", node("Sub", node("Sub", inner, self._mean(inner)), along), deviation)

        backs.append(back)
        return node("Add", node("Mul", normal, scale), shift)

    def _convolution(
        self,
        x: str,
        kernel: Array,
        bias: Array,
        sides: tuple[int, int],
        backs: list[Back],
        *,
        stride: int = 1,
        dilation: int = 1,
    ) -> str:
        """A convolution that pads by reflection; sides: of x."""
        node, constant = self._graph.node, self._graph.constant
        pad = dilation * (kernel.shape[2] // 2)
        pads = constant(np.array([0, 0, pad, pad, 0, 0, pad, pad], np.int64))
        weight = constant(kernel)
        how: dict[str, Any] = {"kernel_shape": kernel.shape[2:], "strides": [stride] * 2, "dilations": [dilation] * 2}

        def back(slope: str) -> str:
            if stride == 1:
                # Not ConvTranspose, of which OpenVINO 2026.4 computes another thing where it is dilated.
                turned = constant(kernel.transpose(1, 0, 2, 3)[..., ::-1, ::-1])
                wide = node("Conv", slope, turned, **how, pads=[dilation * (kernel.shape[2] - 1)] * 4)
            else:
                wide = node("ConvTranspose", slope, weight, **how, output_padding=[stride - 1] * 2)
            rows, columns = constant(_reflected(sides[0], pad)), constant(_reflected(sides[1], pad).T)
            return node("MatMul", rows, node("MatMul", wide, columns))

        backs.append(back)
        return node("Conv", node("Pad", x, pads, mode="reflect"), weight, constant(bias), **how)

    def _doubled(self, x: str, backs: list[Back]) -> str:
        """Each value in a window of four."""
        node = self._graph.node
        scales = self._graph.constant(np.array([1, 1, 2, 2], np.float32))
        four = self._number(4)

        def back(slope: str) -> str:
            return node("Mul", node("AveragePool", slope, kernel_shape=[2, 2], strides=[2, 2]), four)

        backs.append(back)
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return node("Resize", x, "", scales, **how)

    def _tail(self, x: str, sides: tuple[int, int], backs: list[Back]) -> str:
        """The last convolution, before its sigmoid. Without layers of full size it is that of an enlarged picture,
        computed at half the size: of each of four positions in a pixel (see `flamingo.nn.painter`)."""
        node = self._graph.node
        kernel, bias = self._tensors["tail.conv.weight"], self._tensors["tail.conv.bias"]
        if self._full:
            return self._convolution(x, kernel, bias, sides, backs)
        fold = np.zeros((2, 3, 5), np.float32)
        for position in range(2):
            for tap in range(-2, 3):
                fold[position, (position + tap) // 2 + 1, tap + 2] = 1
        four = np.einsum("ocij,pai,qbj->pqocab", kernel, fold, fold).reshape(12, -1, 3, 3)
        x = self._convolution(x, np.asarray(four, np.float32), np.tile(bias, 4), sides, backs)
        backs.append(lambda slope: node("SpaceToDepth", slope, blocksize=2))
        return node("DepthToSpace", x, blocksize=2)

    def _control(self, begin: int, count: int) -> str:
        """(1, count, 1, 1) of what the vector says."""
        bounds = (self._shape(begin), self._shape(begin + count), self._shape(1))
        return self._graph.node("Slice", self._controls, *bounds)

    def _mean(self, x: str) -> str:
        return self._graph.node("ReduceMean", x, axes=[2, 3])

    def _total(self, x: str, *, channels: bool = False) -> str:
        """The sum over the places, and maybe over the channels too."""
        return self._graph.node("ReduceSum", x, self._shape(*((1, 2, 3) if channels else (2, 3))))

    def _number(self, value: float) -> str:
        return self._graph.constant(np.full((1, 1, 1, 1), value, np.float32))

    def _shape(self, *numbers: int) -> str:
        return self._graph.constant(np.array(numbers, np.int64))


def _through(backs: list[Back], slope: str) -> str:
    """Backwards through layers that came one after the other."""
    for back in reversed(backs):
        slope = back(slope)
    return slope


def _reflected(side: int, pad: int) -> Array:
    """(side, side + 2 pad): which place each place of a side that was padded by reflection came from."""
    return np.asarray(np.pad(np.eye(side, dtype=np.float32), ((0, 0), (pad, pad)), mode="reflect"))
