"""From a training run to a shipped model: an ONNX file, the style vectors, a manifest entry and a model card.

The averaged weights are shipped a second time as plain tensors, so that anyone can train on from there
(`flamingo train paint --start`) without the run folder.

Weights are stored as 16-bit floats and widened when the model is loaded: half the size on disk, while the
network still computes in 32 bits. `release` measures what that costs and refuses a file that it would spoil.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from flamingo.errors import ModelCorrupt
from flamingo.train import onnx_files
from flamingo.train.checkpoint import Checkpoint
from flamingo.train.manifest import files_of, version_of, write_manifest
from flamingo.train.painting import card
from flamingo.train.painting.loop import CHECKPOINT, load_painter
from flamingo.train.painting.networks import STRIDE, Painter, StyledPainter

_LEAST_PSNR = 45.0


def export_onnx(painter: Painter, file: Path) -> None:
    """Write a painter as ONNX with inputs photo (1, 3, 4h, 4w) and vector (1, S) and output picture, any h, w."""
    h, w = torch.export.Dim("h", min=8), torch.export.Dim("w", min=8)
    onnx_files.export(
        painter,
        (torch.rand(1, 3, 64, 96), torch.randn(1, painter.config.vector)),
        file,
        shapes=({2: STRIDE * h, 3: STRIDE * w}, {}),
        inputs=("photo", "vector"),
        outputs=("picture",),
    )


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
