"""ONNX files that hold no weights of their own but point to where these lie within another ONNX file.

ONNX lets a tensor lie in another file, at an offset ("external data"). That file may be any, so it may be an ONNX
file too: several networks with the same weights then cost the disk little more than one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from flamingo.errors import ModelCorrupt

_SMALL = 1024  # bytes below which a constant is kept


def borrow_weights(file: Path, lender: Path, *, prefix: str = "") -> None:
    """Let the weights of the ONNX file `file` be those of the same name in `lender`, which lies in the same folder.

    prefix: what names in `file` have before those in `lender`. Raises ModelCorrupt if a weight is another one there,
    beyond the rounding of 16 bits.
    """
    model = onnx.load(file)
    lent = {constant.name: constant for constant in onnx.load(lender).graph.initializer}
    content = lender.read_bytes()
    for constant in model.graph.initializer:
        other = lent.get(constant.name.removeprefix(prefix))
        if other is None or other.dims != constant.dims or other.data_type != constant.data_type:
            continue
        raw = numpy_helper.to_array(other).tobytes()
        # The exporter gives names of its own to what it computed; only large ones are worth a look.
        ours = "." in constant.name.removesuffix(".f16")
        if not ours and len(raw) < _SMALL:
            continue
        if not _close(constant, other):
            if ours:
                why = f"its weights {constant.name} are not those of {lender.name}"
                raise ModelCorrupt(str(file), why, "export both again")
            continue
        name = constant.name
        constant.CopyFrom(other)
        constant.name = name
        if len(raw) >= _SMALL:
            constant.ClearField("raw_data")
            constant.data_location = TensorProto.EXTERNAL
            for key, value in (("location", lender.name), ("offset", content.index(raw)), ("length", len(raw))):
                constant.external_data.add(key=key, value=str(value))
    file.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(file), full_check=True)


def _close(one: TensorProto, other: TensorProto) -> bool:
    a, b = (numpy_helper.to_array(constant).astype(np.float64) for constant in (one, other))
    return bool(np.abs(a - b).max() <= 1e-3 * np.abs(b).max())
