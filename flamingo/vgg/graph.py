"""Networks written as ONNX files in memory, without the package `onnx`, which the plain install does not have.

Only what VGG-19 and its derivative need is here: tensors, nodes, and attributes that are numbers, lists of whole
numbers, or words. The format is protocol buffers (https://protobuf.dev/programming-guides/encoding)
with the numbers of fields that onnx.proto gives (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = Sequence[int | None]
_IR_VERSION = 8
_OPSET = 17
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_ATTRIBUTE_TYPES = {"f": 1, "i": 2, "s": 3, "ints": 7}  # AttributeProto.AttributeType


class Graph:
    """A network under construction. Values are known by their names, which `node` and `constant` make up."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, shape: Shape) -> str:
        """A float32 input of this shape, where None is a side of any length."""
        self._inputs.append(_value(name, shape))
        return name

    def output(self, value: str, name: str, shape: Shape) -> None:
        """Give a value out under this name."""
        self._nodes.append(_node("Identity", [value], name, {}))
        self._outputs.append(_value(name, shape))

    def constant(self, array: NDArray[Any]) -> str:
        """A tensor that is part of the network: float32 or int64."""
        name = self._name()
        kind = _INT64 if array.dtype == np.int64 else _FLOAT
        plain = np.ascontiguousarray(array, np.int64 if kind == _INT64 else np.float32)
        dims = b"".join(_number(1, side) for side in plain.shape)
        self._constants.append(dims + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, plain.tobytes()))
        return name

    def node(self, operator: str, *inputs: str, **attributes: int | float | str | Sequence[int]) -> str:
        """Apply an operator of ONNX; returns the name of its first output."""
        name = self._name()
        self._nodes.append(_node(operator, inputs, name, attributes))
        return name

    def encode(self) -> bytes:
        """The network as the bytes of an ONNX file."""
        graph = b"".join(
            _bytes(field, part)
            for field, parts in ((1, self._nodes), (5, self._constants), (11, self._inputs), (12, self._outputs))
            for part in parts
        )
        return (
            _number(1, _IR_VERSION)
            + _bytes(7, graph + _bytes(2, b"vgg"))
            + _bytes(8, _bytes(1, b"") + _number(2, _OPSET))
        )

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _node(operator: str, inputs: Sequence[str], output: str, attributes: dict[str, Any]) -> bytes:
    parts = [_bytes(1, each.encode()) for each in inputs]
    parts += [_bytes(2, output.encode()), _bytes(3, output.encode()), _bytes(4, operator.encode())]
    parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def _attribute(name: str, value: float | str | Sequence[int]) -> bytes:
    if isinstance(value, str):
        kind, content = "s", _bytes(4, value.encode())
    elif isinstance(value, int):
        kind, content = "i", _number(3, value)
    elif isinstance(value, float):
        kind, content = "f", _varint(2 << 3 | 5) + np.float32(value).tobytes()
    else:
        kind, content = "ints", b"".join(_number(8, each) for each in value)
    return _bytes(1, name.encode()) + content + _number(20, _ATTRIBUTE_TYPES[kind])


def _value(name: str, shape: Shape) -> bytes:
    """A ValueInfoProto: a float tensor of this shape. Sides of any length have a name each."""
    sides = (
        _bytes(2, f"{name}_side{i}".encode()) if side is None else _number(1, side) for i, side in enumerate(shape)
    )
    dims = b"".join(_bytes(1, side) for side in sides)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, dims)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers take ten bytes
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
