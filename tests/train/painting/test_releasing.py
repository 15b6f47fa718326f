"""`flamingo train release`: a painter ships what it learned, once, whole, and as it was trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from flamingo.cli import run
from flamingo.errors import MissingExtra
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.efficientnet import weights_file
from flamingo.nn.painter import load_painter
from flamingo.train.manifest import check_files, entry_of
from flamingo.train.painting.export import export_again
from flamingo.train.painting.loop import CHECKPOINT, PainterRecipe, train
from flamingo.train.plans.releasing import install
from tests.train.crashes import moments
from tests.train.painting.test_training import small, weights_of

pytestmark = pytest.mark.usefixtures("vgg_weights")


@dataclass(frozen=True)
class Released:
    """A trained painter, and the folder of models that it was released into."""

    recipe: PainterRecipe
    weights: Path
    entry: dict[str, Any]


@pytest.fixture(scope="module")
def released(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Trained with its style encoder, and released, by the commands: exporting takes much longer than training."""
    try:
        weights_file("lite0")
    except MissingExtra as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("released")
    recipe = replace(small(data, folder / "run"), paintings=(str(data / "styles"),), window=64, begin=4)
    weights = folder / "weights"
    assert run([
        "train", "paint", "--model", "debug", "--photos", str(data / "photos"), "--styles", str(data / "styles"),
        "--paintings", str(data / "styles"), "--window", "64", "--begin", "4",
        "--out", recipe.out, "--budget", "90s", "--steps", "4", "--crop", "64", "--style-size", "96",
        "--photos-per-batch", "1", "--styles-per-photo", "2", "--workers", "0", "--cooldown", "0",
        "--precision", "f32",
    ]) == 0  # fmt: skip
    assert run(["train", "release", recipe.out, "--name", "fast", "--weights", str(weights)]) == 0
    return Released(recipe, weights, json.loads((weights / "manifest.json").read_text())["models"]["painter-fast"])


def test_the_released_painter_paints_for_users(
    released: Released, data: Path, tmp_path: Path, fresh_caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Checkpoint.load(Path(released.recipe.out) / CHECKPOINT).facts["step"] == 4
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(released.weights))
    photo, out = data / "photos" / "photos0.png", tmp_path / "x.png"
    assert run(["paint", str(photo), "--style", "styles1", "--model", "fast", "-o", str(out)]) == 0
    with Image.open(out) as painted:
        assert painted.size == (160, 120)


def test_a_training_starts_from_a_release(released: Released, tmp_path: Path) -> None:
    start = released.weights / released.entry["files"]["weights"]["file"]
    assert str(released.weights.parent).encode() not in start.read_bytes(), "no folder of this machine is shipped"
    on = replace(released.recipe, out=str(tmp_path / "on"), start=str(start), steps=1)
    outcome = train(on, quiet=True)
    assert outcome.steps == 5
    before, after = weights_of(released.recipe, "ema"), weights_of(on, "ema")
    assert all(torch.allclose(before[k].float(), after[k].float(), atol=0.02) for k in before)
    assert len(Checkpoint.load(outcome.checkpoint).facts["sessions"]) == 2


def test_a_released_model_paints_as_it_was_trained(released: Released) -> None:
    assert released.entry["export_psnr"] > 45
    file = released.weights / "painter-fast.onnx"
    assert str(Path.home()).encode() not in file.read_bytes()
    assert b"site-packages" not in file.read_bytes()

    photo = np.random.default_rng(0).random((1, 3, 40, 52), dtype=np.float32)
    trained = load_painter(Path(released.recipe.out) / CHECKPOINT)
    noise = np.random.default_rng(1).normal(0, 0.1, photo.shape).astype(np.float32)
    fed = {"photo": photo, "vector": trained.vectors[1:2].numpy(), "grain": noise}
    (got,) = onnxruntime.InferenceSession(str(file)).run(None, fed)
    expected = trained.painter(*map(torch.from_numpy, fed.values())).numpy()
    assert np.abs(got - expected).max() < 0.01


def test_a_release_is_exported_again_as_the_same_painter(released: Released, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(released.weights, again)
    for kind in ("", "-measure", "-tile", "-regions"):
        (again / f"painter-fast{kind}.onnx").unlink()
    export_again(again, "fast")
    before, after = (
        json.loads((folder / "manifest.json").read_text())["models"]["painter-fast"]
        for folder in (released.weights, again)
    )
    assert after["version"] == before["version"]
    assert after["files"].keys() == before["files"].keys()
    photo = np.random.default_rng(0).random((1, 3, 40, 52), dtype=np.float32)
    fed = {"photo": photo, "vector": np.ones((1, 8), np.float32), "grain": np.zeros_like(photo)}
    painted = [
        onnxruntime.InferenceSession(str(folder / "painter-fast.onnx")).run(None, fed)[0]
        for folder in (released.weights, again)
    ]
    assert np.abs(painted[0] - painted[1]).max() < 0.01  # small tensors are of 16 bits now too


def test_any_painting_is_learned_and_the_encoder_is_released_with_the_painter(released: Released) -> None:
    weights, entry = released.weights, released.entry
    assert (weights / entry["files"]["encoder"]["file"]).exists()
    assert entry["training"]["paintings"] == 2
    card = (weights / "cards" / "painter-fast.md").read_text(encoding="utf-8")
    assert "any painting through its style encoder" in card
    start = weights / "painter-fast.safetensors"
    whole = load_painter(Path(released.recipe.out) / CHECKPOINT).state_dict()
    shipped = load_painter(start).state_dict()
    assert all(
        torch.allclose(value.float(), shipped[name].float(), rtol=2e-3, atol=2e-3) for name, value in whole.items()
    )
    kept = Checkpoint.load(start).part("ema")
    assert "encoder.last.weight" in kept
    assert not any(".stem." in name or "encoder.blocks" in name for name in kept), "not what is never trained"


@torch.no_grad()
def test_the_exported_encoder_says_what_the_trained_one_says(released: Released) -> None:
    encoder = load_painter(Path(released.recipe.out) / CHECKPOINT).encoder
    assert encoder is not None
    painting = torch.rand(1, 3, 96, 64)
    (vector,) = session(released.weights / "painter-fast-encoder.onnx").run(None, {"painting": painting.numpy()})
    expected = encoder.eval()(painting).numpy()
    assert np.linalg.norm(vector - expected) < 0.01 * np.linalg.norm(expected)


def test_a_painter_that_is_released_over_another_is_never_half_of_each(released: Released, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shutil.copytree(released.weights, shipped)
    manifest = json.loads((shipped / "manifest.json").read_text())
    entry = manifest["models"]["painter-fast"]
    entry["version"], (extra, about) = "older", ("painter-fast-other.onnx", entry["files"]["onnx"])
    entry["files"]["other"] = {**about, "file": extra}
    shutil.copyfile(shipped / "painter-fast.onnx", shipped / extra)
    (shipped / "manifest.json").write_text(json.dumps(manifest))
    versions = []
    with moments(shipped, tmp_path / "moments") as kept:
        install(released.weights, shipped, "painter-fast")
    for folder in kept:
        found = entry_of(folder, "painter-fast")
        assert found is not None
        check_files(folder, found)
        assert (folder / extra).exists() == (found["version"] == "older")
        versions.append(found["version"])
    assert versions == sorted(versions, reverse=True) and len(set(versions)) == 2


@torch.no_grad()
def test_the_views_have_no_weights_of_their_own(released: Released, tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = tmp_path / "weights"
    shutil.copytree(released.weights, folder)
    painter = load_painter(folder / "painter-fast.safetensors").painter.eval()
    photo, vector = torch.rand(1, 3, 40, 56), torch.randn(1, 8)
    grain = torch.randn(photo.shape) / 10
    expected = painter(photo, vector, grain).numpy()
    fed = {"photo": photo.numpy(), "vector": vector.numpy(), "grain": grain.numpy()}
    _, means, variances, gate = session(folder / "painter-fast-measure.onnx").run(None, fed)
    assert gate.shape == (1,)
    statistics = {"means": means, "variances": variances}
    (painted,) = session(folder / "painter-fast-tile.onnx").run(None, {**fed, **statistics})
    assert np.abs(painted - expected).max() < 1e-2, "16 bits apart"
    (folder / "painter-fast.safetensors").unlink()
    with pytest.raises(Exception, match=r"painter-fast\.safetensors"):
        session(folder / "painter-fast-tile.onnx")


def session(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(file))
