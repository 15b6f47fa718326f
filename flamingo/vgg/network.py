"""VGG-19 and its derivative as networks of ONNX, run as all others are (see flamingo.runtime).

The derivative with respect to the picture is a network too: backwards through a convolution goes a convolution with
the kernels turned by half a circle, through a ReLU what comes where the activation is above 0, and through a pooling
what comes to the place that was the largest, or a quarter to each. It takes what the ReLUs gave on the way forwards.
Both are written when they are wanted (flamingo.vgg.graph), for just the layers that are wanted: files of all cases
would be hundreds. Forwards, one network serves all sizes. Backwards, one serves all small pictures, and large ones
have one of their own size, which takes two thirds of a second to make and 5 to 9 % less for each step.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import runtime
from flamingo.vgg import weights
from flamingo.vgg.graph import Graph
from flamingo.vgg.layers import CAFFE_MEANS, CONVOLUTIONS, Pooling, begins_block, channels, needed, size
from flamingo.vgg.weights import Weights

Array = NDArray[np.float32]
Sides = tuple[int, int]
_KEPT = 2  # networks forwards
_SMALL = 128 * 128  # pixels of a picture up to which no network backwards is made for its size


class VGG19:
    """VGG-19, frozen. Names of layers are those of `flamingo.vgg.layers.LAYERS`; sides are 16 pixels at least."""

    def __init__(self, tensors: Weights) -> None:
        self._weights = tensors
        self.source = tensors.source
        # Networks are large: few are kept, and no longer than this object.
        self._forward: list[_Forward] = []
        self._backward = functools.lru_cache(1)(self._backward_network)
        self._backward_small = functools.lru_cache(2)(self._backward_network)

    @classmethod
    def load(cls, file: Path | None = None) -> VGG19:
        """With the weights that Flamingo ships, or those of a file (see `flamingo.vgg.weights.load`, also for what it
        raises)."""
        return cls(weights.load(file))

    def forward(self, picture: Array, layers: Collection[str], pooling: Pooling = "max") -> dict[str, Array]:
        """What it sees of a picture (1, 3, H, W), float32 RGB in [0, 1]: activations (1, C, h, w) by layer."""
        activations = self._forward_of(frozenset(layers), pooling)(picture)
        return {name: activations[name].copy() for name in layers}

    def tape(self, height: int, width: int, layers: Collection[str], pooling: Pooling = "max") -> Tape:
        """What sees pictures (1, 3, height, width) and then tells the derivative of what it saw."""
        requested = frozenset(layers)
        forward_layers = requested.union(name.replace("conv", "relu") for name in needed(requested))
        order = tuple(sorted(requested))
        if height * width > _SMALL:
            return Tape(
                self._forward_of(forward_layers, pooling), self._backward(order, pooling, (height, width)), requested
            )
        backward = self._backward_small(order, pooling, None)
        poolings = {name: value for name, value in _pooling_inputs(height, width).items() if name in backward.inputs}
        return Tape(self._forward_of(forward_layers, pooling), backward, requested, poolings)

    def units(self, activations: Mapping[str, Array]) -> dict[str, float]:
        """What to divide the activations of each layer by so that they are as large as those of Caffe's VGG-19, on
        which the weights of older systems rest: 1 for Caffe's own weights, else what the mean of `activations`,
        those of a picture, is to Caffe's mean."""
        if self._weights.caffe:
            return dict.fromkeys(activations, 1.0)
        return {
            name: max(float(np.maximum(value, 0).mean()), 1e-6) / CAFFE_MEANS[name.replace("conv", "relu")]
            for name, value in activations.items()
        }

    def _forward_of(self, layers: frozenset[str], pooling: Pooling) -> _Forward:
        """A network that gives these layers, and maybe more. Raises ValueError if there are none of these names."""
        needed(layers)
        for cached in self._forward:
            if cached.pooling == pooling and layers <= set(cached.layers):
                return cached
        order = tuple(sorted(layers))
        network = _Forward(runtime.built(_forward(self._weights, order, pooling)), order, pooling)
        self._forward = [network, *self._forward][:_KEPT]
        return network

    def _backward_network(self, layers: tuple[str, ...], pooling: Pooling, sides: Sides | None) -> runtime.Network:
        return runtime.built(_backward(self._weights, layers, pooling, sides))


@dataclass(frozen=True)
class _Forward:
    """A network, and the layers that it gives, in order. What a call gives holds until the next one."""

    network: runtime.Network
    layers: tuple[str, ...]
    pooling: Pooling

    def __call__(self, picture: Array) -> dict[str, Array]:
        return dict(zip(self.layers, self.network.views(picture=picture), strict=True))


class Tape:
    """VGG-19 at one size, with what it saw last: `forward`, then `gradient` of anything that was made of it."""

    def __init__(
        self,
        forward: _Forward,
        backward: runtime.Network,
        layers: frozenset[str],
        poolings: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """poolings: what the network backwards must be told of the poolings, where it is for any size."""
        self._forward, self._backward, self._layers = forward, backward, layers
        self._poolings = poolings or {}
        self._activations: dict[str, Array] = {}

    def forward(self, picture: Array) -> dict[str, Array]:
        """As `VGG19.forward`, but the activations hold only until this VGG-19 looks again."""
        self._activations = self._forward(picture)
        return {name: self._activations[name] for name in self._layers}

    def gradient(self, of: Mapping[str, Array]) -> Array:
        """The derivative (1, 3, H, W) of a number with respect to the picture that was seen last.

        Args:
            of: for each layer that was named, the number's derivative with respect to its activations, in their
                shape.
        """
        inputs = {f"to_{name}": value for name, value in of.items()}
        inputs |= {name: value for name, value in self._activations.items() if name in self._backward.inputs}
        return self._backward(**inputs, **self._poolings)


def _forward(tensors: Weights, layers: tuple[str, ...], pooling: Pooling) -> bytes:
    """Picture to layers, of any size."""
    graph = Graph()
    nodes: dict[str, str] = {}
    x = graph.input("picture", (1, 3, None, None))
    x = graph.node("Sub", x, graph.constant(tensors.vector("mean").reshape(1, 3, 1, 1)))
    x = graph.node("Mul", x, graph.constant(tensors.vector("scale").reshape(1, 3, 1, 1)))
    for name in needed(layers):
        if begins_block(name):
            x = _pooled(graph, x, pooling)
        bias = graph.constant(tensors.vector(f"{name}.bias"))
        x = graph.node("Conv", x, graph.constant(tensors.kernel(name)), bias, kernel_shape=(3, 3), pads=(1, 1, 1, 1))
        nodes[name] = x
        nodes[name.replace("conv", "relu")] = x = graph.node("Relu", x)
    for name in layers:
        graph.output(nodes[name], name, (1, channels(name), None, None))
    return graph.encode()


def _pooled(graph: Graph, x: str, pooling: Pooling) -> str:
    return graph.node("MaxPool" if pooling == "max" else "AveragePool", x, kernel_shape=(2, 2), strides=(2, 2))


def _backward(tensors: Weights, layers: tuple[str, ...], pooling: Pooling, sides: Sides | None) -> bytes:
    """Derivatives at the layers, and the activations, to the derivative with respect to a picture of these sides (H,
    W), or, with None, of any: then it takes what `_pooling_inputs` has, too."""
    graph = Graph()
    convolutions = needed(layers)
    relus = [name.replace("conv", "relu") for name in convolutions]

    def shape(layer: str) -> tuple[int | None, ...]:
        return 1, channels(layer), *((None, None) if sides is None else size(layer, *sides))

    into = {name: graph.input(f"to_{name}", shape(name)) for name in layers}  # what comes from without
    zero = graph.constant(np.zeros((1, 1, 1, 1), np.float32))
    gradient: str | None = None
    for i, (name, relu) in reversed(list(enumerate(zip(convolutions, relus, strict=True)))):
        after = convolutions[i + 1] if i + 1 < len(convolutions) else None
        activations = graph.input(relu, shape(relu)) if gradient is not None or relu in into else None
        if gradient is not None and after is not None and begins_block(after):
            assert activations is not None
            window = _Windows(graph, relu, None if sides is None else size(relu, *sides))
            gradient = window.spread(gradient, activations, pooling)
        gradient = _sum(graph, gradient, into.get(relu))
        if gradient is not None:
            assert activations is not None
            gradient = graph.node("Mul", gradient, _as_float(graph, graph.node("Greater", activations, zero)))
        gradient = _sum(graph, gradient, into.get(name))
        assert gradient is not None
        kernel = graph.constant(tensors.turned(name))
        gradient = graph.node("Conv", gradient, kernel, kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    assert gradient is not None
    whole = graph.node("Mul", gradient, graph.constant(tensors.vector("scale").reshape(1, 3, 1, 1)))
    graph.output(whole, "gradient", (1, 3, *(sides or (None, None))))
    return graph.encode()


def _sum(graph: Graph, first: str | None, second: str | None) -> str | None:
    return graph.node("Add", first, second) if first is not None and second is not None else first or second


def _as_float(graph: Graph, truth: str) -> str:
    return graph.node("Cast", truth, to=1)


def _pooling_inputs(height: int, width: int) -> dict[str, NDArray[Any]]:
    """What a network backwards for any size takes beside the derivatives and activations, by name: for the layer
    before each pooling, `_numbers` and `_missing`."""
    inputs: dict[str, NDArray[Any]] = {}
    for before, after in itertools.pairwise(CONVOLUTIONS):
        if begins_block(after):
            layer = before.replace("conv", "relu")
            inputs[f"numbers_{layer}"] = _numbers(*size(layer, height, width))
            inputs[f"missing_{layer}"] = _missing(*size(layer, height, width))
    return inputs


def _numbers(height: int, width: int) -> Array:
    """The places of each window of a pooling by number, (1, 1, h, w): 4, 3, 2, 1, and 0 in lines that it leaves
    out."""
    numbers = np.zeros((1, 1, height, width), np.float32)
    numbers[..., : height // 2 * 2, : width // 2 * 2] = np.tile([[4, 3], [2, 1]], (height // 2, width // 2))
    return numbers


def _missing(height: int, width: int) -> NDArray[np.int64]:
    """The lines that a pooling leaves out, as paddings (8,) of four axes, first those before and then those after."""
    return np.array([0, 0, 0, 0, 0, 0, height % 2, width % 2], np.int64)


@dataclass(frozen=True)
class _Windows:
    """The windows of the pooling after a layer with these sides (h, w), or any."""

    graph: Graph
    layer: str
    sides: Sides | None

    def spread(self, gradient: str, activations: str, pooling: Pooling) -> str:
        """Backwards through the pooling of `activations`.

        Where several places of a window are the largest, as in flat parts of a picture, the first has it all, as in
        torch: of those that are the largest the highest number wins (see `_numbers`).
        """
        graph = self.graph
        missing = self._missing()
        if pooling == "average":
            quarter = graph.constant(np.full((1, 1, 1, 1), 0.25, np.float32))
            return graph.node("Mul", self._doubled(gradient, missing), quarter)
        if self.sides is None:
            numbers = graph.input(f"numbers_{self.layer}", (1, 1, None, None))
        else:
            numbers = graph.constant(_numbers(*self.sides))
        largest = self._doubled(_pooled(graph, activations, "max"), missing)
        number = graph.node("Mul", _as_float(graph, graph.node("Equal", activations, largest)), numbers)
        highest = self._doubled(_pooled(graph, number, "max"), missing)
        first = _as_float(graph, graph.node("Equal", number, highest))
        return graph.node("Mul", first, self._doubled(gradient, missing))

    def _missing(self) -> str | None:
        """What is missing to the sides when windows are laid out; None if it is nothing."""
        if self.sides is None:
            return self.graph.input(f"missing_{self.layer}", (8,), np.int64)
        lines = _missing(*self.sides)
        return self.graph.constant(lines) if lines.any() else None

    def _doubled(self, x: str, missing: str | None) -> str:
        """Each value in a window of four; what is missing to an odd side is 0."""
        scales = self.graph.constant(np.array([1, 1, 2, 2], np.float32))
        x = self.graph.node(
            "Resize",
            x,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return x if missing is None else self.graph.node("Pad", x, missing)
