"""From a training run to a shipped model: weights, ONNX files, the style vectors, a manifest entry and a model card.

The averaged weights are shipped once, as plain tensors (`painter-NAME.safetensors`). The ONNX files point into them,
and anyone can train on from there (`flamingo train paint --start`) without the run folder.

Weights are stored as 16-bit floats and widened when the model is loaded: half the size on disk, while the
network still computes in 32 bits. `release` measures what that costs and refuses a file that it would spoil.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from flamingo.errors import ModelCorrupt, ModelMissing, show
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.painter import STRIDE, Painter, StyledPainter, load_painter
from flamingo.nn.style_encoder import STRIDE as ENCODER_STRIDE
from flamingo.nn.style_encoder import StyleEncoder, without_eye
from flamingo.painting.grain import grain
from flamingo.train import onnx_files
from flamingo.train.manifest import entry_of, files_of, release_of, version_of
from flamingo.train.painting import card
from flamingo.train.painting.borrowing import borrow_weights
from flamingo.train.painting.loop import CHECKPOINT
from flamingo.train.painting.views import MeasuringPainter, RegionPainter, TilePainter

_PAINTER, _ENCODER = "ema.painter.", "ema.encoder."  # what tensors of a release are called
_LEAST_PSNR = 45.0
_LARGEST_ERROR = 0.01  # of the encoder's vectors


def export_onnx(painter: Painter, file: Path) -> None:
    """Write a painter as ONNX with inputs photo (1, 3, 4h, 4w), vector (1, S) and grain, as large as the photo, and
    output picture, any h, w."""
    h, w = torch.export.Dim("h", min=8), torch.export.Dim("w", min=8)
    onnx_files.export(
        painter,
        (torch.rand(1, 3, 64, 96), torch.randn(1, painter.config.vector), torch.zeros(1, 3, 64, 96)),
        file,
        shapes=({2: STRIDE * h, 3: STRIDE * w}, {}, {2: STRIDE * h, 3: STRIDE * w}),
        inputs=("photo", "vector", "grain"),
        outputs=("picture",),
    )


def export_encoder(encoder: StyleEncoder, file: Path) -> float:
    """Write a style encoder as ONNX with input painting (1, 3, 32h, 32w) and output vector (1, S), and return how far
    its vectors are from the trained one's: the relative error on a test picture. Raises ModelCorrupt if it is more
    than a hundredth."""
    import onnxruntime as ort

    h, w = torch.export.Dim("h", min=2), torch.export.Dim("w", min=2)
    painting = _test_picture(256, 320)
    onnx_files.export(
        encoder,
        (torch.rand(1, 3, 256, 320),),
        file,
        shapes=({2: ENCODER_STRIDE * h, 3: ENCODER_STRIDE * w},),
        inputs=("painting",),
        outputs=("vector",),
    )
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (exported,) = session.run(None, {"painting": painting})
    expected = encoder(torch.from_numpy(painting)).detach().numpy()
    error = float(np.linalg.norm(exported - expected) / np.linalg.norm(expected))
    if error > _LARGEST_ERROR:
        raise ModelCorrupt(str(file), f"its vectors differ from the trained ones by {error:.3f}", "report this")
    return error


def export_views(painter: Painter, weights: Path, name: str) -> dict[str, Path]:
    """Write the painter's views (flamingo.train.painting.views) beside `painter-NAME.safetensors`, whose weights they
    use: their files hold none, so they are small, and useless without it. Returns the files by kind."""
    styles, channels = painter.config.vector, sum(painter.widths)
    h, w, k = torch.export.Dim("h", min=8), torch.export.Dim("w", min=8), torch.export.Dim("k", min=2)
    photo, noise, sides = torch.rand(1, 3, 64, 96), torch.zeros(1, 3, 64, 96), {2: STRIDE * h, 3: STRIDE * w}

    def random_statistics(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(count, channels), torch.rand(count, channels)

    maps = tuple(torch.rand(1, 3, 64 // part, 96 // part) for part in (1, 2, 4))
    sides_of_maps = tuple({1: k, 2: STRIDE // part * h, 3: STRIDE // part * w} for part in (1, 2, 4))
    vector, vectors = torch.randn(1, styles), torch.randn(3, styles)
    statistics, dynamic_axes = ("means", "variances"), ({0: k}, {0: k})
    files = {kind: weights / f"painter-{name}-{kind}.onnx" for kind in ("measure", "tile", "regions")}
    onnx_files.export(
        MeasuringPainter(painter),
        (photo, vector, noise),
        files["measure"],
        shapes=(sides, {}, sides),
        inputs=("photo", "vector", "grain"),
        outputs=("picture", *statistics, "gate"),
    )
    onnx_files.export(
        TilePainter(painter),
        (photo, vector, *random_statistics(1), noise),
        files["tile"],
        shapes=(sides, {}, {}, {}, sides),
        inputs=("photo", "vector", *statistics, "grain"),
        outputs=("picture",),
    )
    onnx_files.export(
        RegionPainter(painter),
        (photo, vectors, *maps, *random_statistics(3), noise),
        files["regions"],
        shapes=(sides, {0: k}, *sides_of_maps, *dynamic_axes, sides),
        inputs=("photo", "vectors", "full", "half", "quarter", *statistics, "grain"),
        outputs=("picture",),
    )
    for file in files.values():
        borrow_weights(file, weights / f"painter-{name}.safetensors", own="painter.", lent=_PAINTER)
    return files


def export_again(weights: Path, name: str) -> None:
    """Export a painter that is released already from its released weights, as after a change of the network's views
    or inputs. It stays the same painter: its vectors, its encoder and its version are not touched."""
    model = f"painter-{name}"
    entry = entry_of(weights, model)
    if entry is None:
        raise ModelMissing(model, f"it is not in {show(weights)}", "release it first")
    with release_of(model, weights) as release:
        files_to_copy = {k: f for k, f in entry["files"].items() if k in ("weights", "styles", "encoder")}
        release.copy(model, {**entry, "files": files_to_copy}, weights)
        weights_file = release.folder / f"{model}.safetensors"
        painter = load_painter(weights_file).painter
        files = {"onnx": release.folder / f"{model}.onnx"}
        export_onnx(painter, files["onnx"])
        borrow_weights(files["onnx"], weights_file, own="", lent=_PAINTER)
        entry["files"].update(files_of({**files, **export_views(painter, release.folder, name)}))
        release.entry = entry


def release(run: Path, weights: Path, *, name: str, note: str = "", data: str = "") -> dict[str, Any]:
    """Export the averaged painter of `run` into the folder `weights` as `painter-NAME`, with its card, and return
    its manifest entry. Raises ModelCorrupt if the exported file paints otherwise than the trained one (below
    45 dB)."""
    saved = Checkpoint.load(run / CHECKPOINT)
    trained = load_painter(run / CHECKPOINT)
    model = f"painter-{name}"
    with release_of(model, weights) as release:
        release.entry = _export(saved, trained, release.folder, name, note, data)
        release.card(model, card.write(model, release.entry))
    return release.entry


def _export(
    saved: Checkpoint, trained: StyledPainter, folder: Path, name: str, note: str, data: str
) -> dict[str, Any]:
    """Write the files of a painter into `folder`, and return what the manifest says of them."""
    onnx_file = folder / f"painter-{name}.onnx"
    vectors_file = folder / f"painter-{name}-styles.safetensors"
    vectors = {style: trained.vectors[i].numpy().astype(np.float16) for i, style in enumerate(trained.names)}
    facts = {**saved.facts, "sessions": [_short(session) for session in saved.facts["sessions"]]}
    weights_file = folder / f"painter-{name}.safetensors"
    averaged = {f"ema.{k}": v.half() for k, v in without_eye(saved.part("ema")).items()}
    Checkpoint(averaged, facts).save(weights_file)
    export_onnx(trained.painter, onnx_file)
    borrow_weights(onnx_file, weights_file, own="", lent=_PAINTER)
    save_file(vectors, vectors_file)
    psnr = _fidelity(trained, onnx_file)
    if psnr < _LEAST_PSNR:
        raise ModelCorrupt(str(onnx_file), f"it differs from the trained painter ({psnr:.1f} dB)", "report this")

    views = export_views(trained.painter, folder, name)
    files = {"onnx": onnx_file, "styles": vectors_file, "weights": weights_file, **views}
    if trained.encoder is not None:
        files["encoder"] = folder / f"painter-{name}-encoder.onnx"
        export_encoder(trained.encoder, files["encoder"])
        borrow_weights(files["encoder"], weights_file, own="", lent=_ENCODER)
    described = files_of(files)
    entry: dict[str, Any] = {
        "version": version_of(described["weights"]),
        "files": described,
        "network": {
            **facts["config"],
            "parameters": sum(p.numel() for p in trained.painter.parameters()),
            "encoder parameters": sum(p.numel() for p in trained.encoder.parameters()) if trained.encoder else 0,
        },
        "training": {
            "command": "flamingo train paint",
            "samples": facts["samples"],
            "steps": facts["step"],
            "seconds": round(facts["seconds"]),
            "seed": facts["seed"],
            "photos": facts["photos"],
            "paintings": facts.get("paintings", 0),
            "vgg": facts.get("vgg", "not used"),
            "sessions": facts["sessions"],
            "last figures": {k: round(v, 4) for k, v in facts["figures"].items()},
        },
        "export_psnr": round(psnr, 1),
        "data": data,
        "note": note,
        "styles": [_about(style, about) for style, about in facts["styles"].items()],
    }
    return entry


def _fidelity(trained: StyledPainter, file: Path) -> float:
    """PSNR in dB between the trained painter and the exported file, over every style, on a smooth test picture."""
    import onnxruntime as ort

    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    photo = _test_picture(96, 128)
    noise = grain(0, 0, 96, 128)[None]
    errors = []
    for row in trained.vectors:
        vector = row.numpy().astype(np.float16).astype(np.float32)[None]
        (exported,) = session.run(None, {"photo": photo, "vector": vector, "grain": noise})
        expected = trained.painter(torch.from_numpy(photo), row[None], torch.from_numpy(noise)).numpy()
        errors.append(float(np.mean((exported - expected) ** 2)))
    return float(-10 * np.log10(max(float(np.mean(errors)), 1e-12)))


def _test_picture(height: int, width: int) -> NDArray[np.float32]:
    """(1, 3, height, width): smooth, with all colours."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [0.5 + 0.4 * np.sin(x / (7 + 5 * c) + y / (11 - 2 * c)) for c in range(3)]
    return np.stack(waves)[None].astype(np.float32)


def _short(session: dict[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of a session: the settings that matter, never a folder of somebody's machine."""
    if "recipe" not in session:  # of an earlier release, from which this training started
        return session
    setting_names = (
        "crop",
        "photos_per_batch",
        "styles_per_photo",
        "style_size",
        "style_weight",
        "grain",
        "optimiser",
        "lr",
        "cooldown",
        "ema",
        "perceptual",
        "teacher_weight",
        "teacher_vectors",
    )
    settings = {k: session["recipe"][k] for k in setting_names if k in session["recipe"]}
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
