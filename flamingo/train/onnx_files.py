"""Networks as ONNX files: exported from torch, without a word of where that happened, and stored in 16 bits."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

_SMALL = 256  # constants below this many numbers stay in 32 bits: they weigh nothing


def export(
    net: nn.Module,
    example: tuple[Tensor, ...],
    file: Path,
    *,
    shapes: tuple[dict[int, Any], ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> None:
    """Write a network as ONNX. example: what it is traced with; shapes: which axes of each input may have other sizes
    (torch.export's dynamic shapes); inputs, outputs: their names.

    Large weights are stored as 16-bit floats and widened when the file is loaded: half the size on disk, while the
    network still computes in 32 bits. What that costs is for the caller to measure.
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
    _store_in_16_bits(model)
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


def _store_in_16_bits(model: onnx.ModelProto) -> None:
    """Replace large float constants by 16-bit ones followed by a cast, which runtimes fold when they load."""
    graph = model.graph
    casts = []
    for i, constant in enumerate(graph.initializer):
        if constant.data_type != TensorProto.FLOAT or np.prod(constant.dims) < _SMALL:
            continue
        name = constant.name
        narrow = numpy_helper.from_array(numpy_helper.to_array(constant).astype(np.float16), f"{name}.f16")
        graph.initializer[i].CopyFrom(narrow)
        casts.append(helper.make_node("Cast", [narrow.name], [name], to=TensorProto.FLOAT, name=f"widen.{name}"))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
