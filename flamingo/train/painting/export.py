"""From a training run to a shipped model: an ONNX file, the style vectors, a manifest entry and a model card.

The averaged weights are shipped a second time as plain tensors, so that anyone can train on from there
(`flamingo train paint --start`) without the run folder.

Weights are stored as 16-bit floats and widened when the model is loaded: half the size on disk, while the
network still computes in 32 bits. `release` measures what that costs and refuses a file that it would spoil.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from flamingo.errors import ModelCorrupt
from flamingo.train.checkpoint import Checkpoint
from flamingo.train.manifest import files_of, version_of, write_manifest
from flamingo.train.painting import card
from flamingo.train.painting.loop import CHECKPOINT, load_painter
from flamingo.train.painting.networks import STRIDE, Painter, StyledPainter

_SMALL = 256  # constants below this many numbers stay in 32 bits: they weigh nothing
_LEAST_PSNR = 45.0


def export_onnx(painter: Painter, file: Path) -> None:
    """Write a painter as ONNX with inputs photo (1, 3, 4h, 4w) and vector (1, S) and output picture, any h, w."""
    h, w = torch.export.Dim("h", min=8), torch.export.Dim("w", min=8)
    example = (torch.rand(1, 3, 64, 96), torch.randn(1, painter.config.vector))
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the exporter's own; what counts is the comparison in `release`
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            painter.eval(),
            example,
            raw,
            dynamo=True,
            external_data=False,
            verbose=False,
            dynamic_shapes=({2: STRIDE * h, 3: STRIDE * w}, {}),
            input_names=["photo", "vector"],
            output_names=["picture"],
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


def release(run: Path, weights: Path, *, name: str, note: str = "", data: str = "") -> dict[str, Any]:
    """Export the averaged painter of `run` into the folder `weights` as `painter-NAME`, with its card, and return
    its manifest entry. Raises ModelCorrupt if the exported file paints otherwise than the trained one (below
    45 dB)."""
    saved = Checkpoint.load(run / CHECKPOINT)
    trained = load_painter(run / CHECKPOINT)
    onnx_file = weights / f"painter-{name}.onnx"
    vectors_file = weights / f"painter-{name}-styles.safetensors"
    vectors = {style: trained.vectors[i].numpy().astype(np.float16) for i, style in enumerate(trained.names)}
    export_onnx(trained.painter, onnx_file)
    save_file(vectors, vectors_file)
    vectors_file.chmod(0o644)  # safetensors writes for the owner alone
    psnr = _fidelity(trained, onnx_file)
    if psnr < _LEAST_PSNR:
        raise ModelCorrupt(str(onnx_file), f"it differs from the trained painter ({psnr:.1f} dB)", "report this")

    facts = {**saved.facts, "sessions": [_short(session) for session in saved.facts["sessions"]]}
    start_file = weights / f"painter-{name}.safetensors"
    averaged = {f"ema.{k}": v.half() for k, v in saved.part("ema").items()}
    Checkpoint(averaged, facts).save(start_file)
    start_file.chmod(0o644)
    files = {"onnx": onnx_file, "styles": vectors_file, "start": start_file}
    described = files_of(files)
    entry = {
        "version": version_of(described["onnx"]),
        "files": described,
        "network": {
            **facts["config"],
            "parameters": sum(p.numel() for p in trained.painter.parameters()),
        },
        "training": {
            "command": "flamingo train paint",
            "samples": facts["samples"],
            "steps": facts["step"],
            "seconds": round(facts["seconds"]),
            "seed": facts["seed"],
            "photos": facts["photos"],
            "vgg": facts.get("vgg", "not used"),
            "sessions": facts["sessions"],
            "last figures": {k: round(v, 4) for k, v in facts["figures"].items()},
        },
        "export_psnr": round(psnr, 1),
        "data": data,
        "note": note,
        "styles": [_about(style, about) for style, about in facts["styles"].items()],
    }
    write_manifest(weights / "manifest.json", f"painter-{name}", entry)
    card_file = weights / "cards" / f"painter-{name}.md"
    card_file.parent.mkdir(exist_ok=True)
    card_file.write_text(card.write(f"painter-{name}", entry), encoding="utf-8")
    return entry


def _fidelity(trained: StyledPainter, file: Path) -> float:
    """PSNR in dB between the trained painter and the exported file, over every style, on a smooth test picture."""
    import onnxruntime as ort

    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    y, x = np.mgrid[0:96, 0:128].astype(np.float32)
    photo = np.stack([0.5 + 0.4 * np.sin(x / (7 + 5 * c) + y / (11 - 2 * c)) for c in range(3)])[None].astype(
        np.float32
    )
    errors = []
    for row in trained.vectors:
        vector = row.numpy().astype(np.float16).astype(np.float32)[None]
        (got,) = session.run(None, {"photo": photo, "vector": vector})
        expected = trained.painter(torch.from_numpy(photo), row[None]).numpy()
        errors.append(float(np.mean((got - expected) ** 2)))
    return float(-10 * np.log10(max(float(np.mean(errors)), 1e-12)))


def _short(session: dict[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of a session: the settings that matter, never a folder of somebody's machine."""
    if "recipe" not in session:  # of an earlier release, from which this training started
        return session
    kept = (
        "crop",
        "photos_per_batch",
        "styles_per_photo",
        "style_size",
        "style_weight",
        "lr",
        "cooldown",
        "ema",
        "perceptual",
        "teacher_weight",
    )
    settings = {k: session["recipe"][k] for k in kept if k in session["recipe"]}
    settings["taught"] = bool(session["recipe"].get("teacher"))
    return {
        "seconds": round(session["seconds"]),
        "machine": session["machine"],
        "precision": session["precision"],
        "processes": session["processes"],
        "torch": session["torch"],
        **settings,
    }


def _about(style: str, about: dict[str, str]) -> dict[str, str]:
    rights = about.get("copyright_expired", "")
    return {
        "name": style,
        "title": about.get("title", style),
        "artist": about.get("artist", "unknown"),
        "year": about.get("painted", ""),
        "rights": f"public domain ({rights})" if rights.startswith("life+") else rights or "not stated",
    }
