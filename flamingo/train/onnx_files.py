"""Networks as ONNX files: exported from torch, without a word of where that happened, and stored in 16 or 8 bits."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

_SMALL = 256  # constants below this many numbers stay in 32 bits: they weigh nothing
_LARGE = 16_384  # and below this many in 16: small kernels lose most by 8 and weigh little


def export(
    net: nn.Module,
    example: tuple[Tensor, ...],
    file: Path,
    *,
    shapes: tuple[dict[int, Any], ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    bits: Literal[8, 16] = 16,
) -> None:
    """Write a network as ONNX. example: what it is traced with; shapes: which axes of each input may have other sizes
    (torch.export's dynamic shapes); inputs, outputs: their names.

    Large weights are stored as 16-bit floats, or the largest as whole numbers of 8 bits with a scale for each output
    channel, and widened when the file is loaded: a half or a quarter of the size on disk, while the network still
    computes in 32 bits. What that costs is for the caller to measure.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the exporter's own; what counts is the comparison with the network
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            net.eval(),
            example,
            raw,
            dynamo=True,
            external_data=False,
            verbose=False,
            dynamic_shapes=shapes,
            input_names=list(inputs),
            output_names=list(outputs),
        )
        model = onnx.load(raw)
    _forget_where_it_came_from(model)
    _store(model, bits)
    onnx.checker.check_model(model, full_check=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)


def _forget_where_it_came_from(model: onnx.ModelProto) -> None:
    """The exporter notes source lines and folders of this machine in every node: they concern nobody."""
    graph = model.graph
    for thing in [
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.value_info,
        *graph.input,
        *graph.output,
    ]:
        if hasattr(thing, "doc_string"):
            thing.ClearField("doc_string")
        if hasattr(thing, "metadata_props"):
            thing.ClearField("metadata_props")


def _store(model: onnx.ModelProto, bits: int) -> None:
    """Replace large float constants by narrow ones and what widens them, which runtimes fold when they load."""
    graph = model.graph
    widening, scales = [], []
    for i, constant in enumerate(graph.initializer):
        if constant.data_type != TensorProto.FLOAT or np.prod(constant.dims) < _SMALL:
            continue
        name, value = constant.name, numpy_helper.to_array(constant)
        if bits == 16 or value.ndim < 2 or value.size < _LARGE:
            narrow = numpy_helper.from_array(value.astype(np.float16), f"{name}.f16")
            widening.append(_cast(narrow.name, name))
        else:
            # Rounded up to 16 bits, so that the largest number of a channel still fits.
            most = np.abs(value).max(tuple(range(1, value.ndim)), keepdims=True) / 127
            scale = np.nextafter(most.astype(np.float16), np.float16(np.inf)).astype(np.float32)
            whole = np.rint(value / scale).clip(-127, 127).astype(np.int8)
            narrow = numpy_helper.from_array(whole, f"{name}.i8")
            scales.append(numpy_helper.from_array(scale, f"{name}.scale"))
            widening += [
                _cast(narrow.name, f"{name}.whole"),
                helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name], name=f"scale.{name}"),
            ]
        graph.initializer[i].CopyFrom(narrow)
    graph.initializer.extend(scales)
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _cast(narrow: str, wide: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT, name=f"widen.{wide}")
