"""ONNX files that hold no weights of their own but point to where these lie within a safetensors file.

ONNX lets a tensor lie in another file, at an offset ("external data"). A safetensors file keeps its tensors raw, so
it may be that file: all networks of a painter, and whoever trains on, share one copy of the weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto

from flamingo.errors import ModelCorrupt

_SMALL = 1024  # bytes below which a constant is kept
_HALF = ".f16"  # the end of the names of constants that are stored in 16 bits


def borrow_weights(file: Path, lender: Path, *, own: str, lent: str) -> None:
    """Let the 16-bit weights of the ONNX file `file` be those of the safetensors file `lender` in the same folder.

    own: what the names in `file` begin with where those in `lender` begin with `lent`. What `lender` has not, stays.
    Raises ModelCorrupt if a weight is another one there.
    """
    model = onnx.load(file)
    content = lender.read_bytes()
    tensors = _tensors(content)
    for constant in model.graph.initializer:
        name = lent + constant.name.removeprefix(own).removesuffix(_HALF)
        extent = tensors.get(name)
        if extent is None or not constant.name.endswith(_HALF) or len(constant.raw_data) < _SMALL:
            continue
        there = content[extent.offset : extent.offset + extent.length]
        if tuple(constant.dims) != extent.shape or constant.raw_data != there:
            raise ModelCorrupt(
                str(file), f"its weights {constant.name} are not those of {lender.name}", "export both again"
            )
        constant.ClearField("raw_data")
        constant.data_location = TensorProto.EXTERNAL
        for key, value in (("location", lender.name), ("offset", extent.offset), ("length", extent.length)):
            constant.external_data.add(key=key, value=str(value))
    file.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(file), full_check=True)


@dataclass(frozen=True)
class _Extent:
    """Where a tensor lies within a file: bytes from its beginning, and how many."""

    offset: int
    length: int
    shape: tuple[int, ...]


def _tensors(content: bytes) -> dict[str, _Extent]:
    """The 16-bit floats of a safetensors file: 8 bytes say how long the header is, the header is JSON, and offsets
    count from its end (https://huggingface.co/docs/safetensors, "Format")."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    extents = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F16":
            first, end = about["data_offsets"]
            extents[name] = _Extent(8 + length + first, end - first, tuple(about["shape"]))
    return extents
