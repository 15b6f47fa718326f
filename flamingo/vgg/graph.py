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
Message = list[bytes | memoryview]
"""The parts of an encoded message, joined only at the very end: the tensors in it are large."""

_IR_VERSION = 8
_OPSET = 17
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_ATTRIBUTE_TYPES = {"f": 1, "i": 2, "s": 3, "ints": 7}  # AttributeProto.AttributeType


class Graph:
    """A network under construction. Values are known by their names, which `node` and `constant` make up."""

    def __init__(self) -> None:
        self._nodes: Message = []
        self._constants: Message = []
        self._inputs: Message = []
        self._outputs: Message = []
        self._count = 0

    def input(self, name: str, shape: Shape, dtype: type[np.generic] = np.float32) -> str:
        """An input of this shape, where None is a side of any length: float32 or int64."""
        self._inputs += _message(11, _value(name, shape, _INT64 if dtype is np.int64 else _FLOAT))
        return name

    def output(self, value: str, name: str, shape: Shape) -> None:
        """Give a value out under this name."""
        self._nodes += _message(1, _node("Identity", [value], name, {}))
        self._outputs += _message(12, _value(name, shape, _FLOAT))

    def constant(self, array: NDArray[Any]) -> str:
        """A tensor that is part of the network: float32 or int64. It must not change before `encode`."""
        name = self._name()
        kind = _INT64 if array.dtype == np.int64 else _FLOAT
        plain = np.ascontiguousarray(array, np.int64 if kind == _INT64 else np.float32)
        dims = [_number(1, side) for side in plain.shape]
        content = [plain.reshape(-1).view(np.uint8).data]
        tensor = [*dims, _number(2, kind), *_text(8, name), *_message(9, content)]
        self._constants += _message(5, tensor)
        return name

    def node(self, operator: str, *inputs: str, **attributes: int | float | str | Sequence[int]) -> str:
        """Apply an operator of ONNX; returns the name of its first output."""
        name = self._name()
        self._nodes += _message(1, _node(operator, inputs, name, attributes))
        return name

    def encode(self) -> bytes:
        """The network as the bytes of an ONNX file."""
        graph = [*self._nodes, *_text(2, "network"), *self._constants, *self._inputs, *self._outputs]
        operators = [*_text(1, ""), _number(2, _OPSET)]
        return b"".join([_number(1, _IR_VERSION), *_message(7, graph), *_message(8, operators)])

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _node(operator: str, inputs: Sequence[str], output: str, attributes: dict[str, Any]) -> Message:
    """A NodeProto."""
    fields: Message = []
    for input_name in inputs:
        fields += _text(1, input_name)
    fields += [*_text(2, output), *_text(3, output), *_text(4, operator)]
    for name, value in attributes.items():
        fields += _message(5, _attribute(name, value))
    return fields


def _attribute(name: str, value: float | str | Sequence[int]) -> Message:
    """An AttributeProto."""
    content: Message
    if isinstance(value, str):
        kind, content = "s", _text(4, value)
    elif isinstance(value, int):
        kind, content = "i", [_number(3, value)]
    elif isinstance(value, float):
        kind, content = "f", [_varint(2 << 3 | 5), np.float32(value).tobytes()]
    else:
        kind, content = "ints", [_number(8, number) for number in value]
    return [*_text(1, name), *content, _number(20, _ATTRIBUTE_TYPES[kind])]


def _value(name: str, shape: Shape, kind: int) -> Message:
    """A ValueInfoProto: a tensor of this shape and DataType. Sides of any length have a name each."""
    dims: Message = []
    for i, side in enumerate(shape):
        dims += _message(1, _text(2, f"{name}_side{i}") if side is None else [_number(1, side)])
    tensor = [_number(1, kind), *_message(2, dims)]
    return [*_text(1, name), *_message(2, _message(1, tensor))]


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, text: str) -> Message:
    return _message(field, [text.encode()])


def _message(field: int, parts: Sequence[bytes | memoryview]) -> Message:
    """A message within another."""
    return [_varint(field << 3 | 2), _varint(sum(len(part) for part in parts)), *parts]


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers take ten bytes
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
