"""New paintings beside the twenty: learned from shipped weights, which stay as they are, and kept as one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flamingo import weights
from flamingo.cli import run
from flamingo.nn.checkpoint import Checkpoint
from flamingo.painting import user_styles
from tests.conftest import needs_models
from tests.train.test_release import contents

pytestmark = [pytest.mark.usefixtures("vgg_weights"), needs_models]


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLAMINGO_STYLES", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.fixture(scope="module")
def shipped() -> Path:
    return weights.folder() / weights.entry("painter-fast")["files"]["weights"]["file"]


def learn(data: Path, start: Path, styles: Path, out: Path, *more: str) -> list[str]:
    return [
        "train", "paint", "--model", "fast", "--start", str(start), "--photos", str(data / "photos"), "--styles",
        str(styles), "--out", str(out), "--budget", "90s", "--steps", "3", "--crop", "64", "--style-size", "96",
        "--workers", "0", "--precision", "f32", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def paintings(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    shutil.copyfile(data / "styles" / "styles0.png", folder / "My Garden.png")
    shutil.copyfile(data / "styles" / "styles1.png", folder / "harbour.png")
    return folder


@pytest.fixture(scope="module")
def learned(data: Path, shipped: Path, paintings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("beside") / "run"
    assert run(learn(data, shipped, paintings, out)) == 0
    return out


def test_the_painter_stays_as_it_is_and_the_new_vectors_move(learned: Path, shipped: Path) -> None:
    before, after = Checkpoint.load(shipped).part("ema"), Checkpoint.load(learned / "checkpoint.safetensors")
    for name, value in before.items():
        if name.startswith("painter."):
            assert torch.equal(value.float(), after.part("ema")[name].float()), name
            assert torch.equal(value.float(), after.part("model")[name].float()), name
    assert after.facts["names"] == ["my-garden", "harbour"]
    assert after.part("model")["vectors"].shape == (2, before["vectors"].shape[1])


def test_released_they_are_styles_of_ones_own_and_nothing_that_ships_is_touched(
    learned: Path, data: Path, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(weights.folder())
    assert run(["train", "release", str(learned), "--name", "fast"]) == 0
    assert "flamingo paint PHOTO --style my-garden" in capsys.readouterr().out
    assert contents(weights.folder()) == before
    assert user_styles.names() == ["harbour", "my-garden"]
    photo = str(data / "photos" / "photos0.png")
    for style, model in (("my-garden", "fast"), ("my-garden", "fine"), ("starry-night", "fast")):
        out = tmp_path / f"{style}-{model}.png"
        assert run(["paint", photo, "--style", style, "--model", model, "-o", str(out)]) == 0
        with Image.open(out) as painted:
            assert np.asarray(painted).std() > 1
    kept = user_styles.read("my-garden")
    key = user_styles.key("fast")
    expected = Checkpoint.load(learned / "checkpoint.safetensors").part("ema")["vectors"][0].numpy()
    assert np.allclose(kept.vectors[key], expected) and kept.source == "My Garden.png"
    assert run(["train", "release", str(learned), "--name", "fast"]) != 0, "they are there already"
    assert run(["train", "release", str(learned), "--name", "fast", "--overwrite"]) == 0


def test_styles_that_were_learned_for_another_painter_are_refused(
    learned: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "release", str(learned), "--name", "fine"]) == 2
    assert "another painter" in capsys.readouterr().err and not mine.exists()


def test_it_goes_on_where_it_stopped(
    data: Path, learned: Path, shipped: Path, paintings: Path, tmp_path: Path
) -> None:
    shutil.copytree(learned, tmp_path / "run")
    assert run(learn(data, shipped, paintings, tmp_path / "run", "--resume")) == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.safetensors").facts["step"] == 6


def test_one_painting_may_be_named_by_its_file(data: Path, shipped: Path, tmp_path: Path) -> None:
    assert run(learn(data, shipped, data / "styles" / "styles1.png", tmp_path / "run")) == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.safetensors").facts["names"] == ["styles1"]


@pytest.mark.parametrize("name", ["123.png", "---.png"])
def test_a_painting_whose_name_is_none_for_a_style_is_refused(
    data: Path, shipped: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").mkdir()
    shutil.copyfile(data / "styles" / "styles1.png", tmp_path / "new" / name)
    assert run(learn(data, shipped, tmp_path / "new", tmp_path / "run")) == 2
    assert "rename the file" in capsys.readouterr().err and not (tmp_path / "run").exists()


# -- one painter alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("there", "gone"), [("fast", "fine"), ("fine", "fast")])
def test_with_one_painter_the_others_absence_is_said_once_and_nothing_breaks(
    there: str, gone: str, data: Path, tmp_path: Path, fresh_caches: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    alone = tmp_path / "alone"
    alone.mkdir()
    entry = weights.entry(f"painter-{there}")
    for described in entry["files"].values():
        shutil.copy(weights.folder() / described["file"], alone)
    (alone / "manifest.json").write_text(json.dumps({"models": {f"painter-{there}": entry}}))
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(alone))
    said = f"the painter {gone} is not installed"
    photos = [str(data / "photos" / f"photos{i}.png") for i in (0, 1)]

    assert run(["doctor"]) == 0
    assert " ".join(capsys.readouterr().out.split()).count(said) == 1
    assert run(["styles"]) == 0
    captured = capsys.readouterr()
    assert "starry-night" in captured.out and captured.out.count(said) == 1
    for model in ("fine", "fast"):
        assert run(["paint", *photos, "--model", model, "--size", "64", "-o", f"{tmp_path / model}"]) == 0
        assert capsys.readouterr().out.count(said) == (model == gone)
        assert run(["paint", photos[0], "--model", model, "--painting", str(data / "styles" / "styles0.png"),
                    "--size", "64", "-o", str(tmp_path / f"{model}.png")]) == 0  # fmt: skip
        capsys.readouterr()
    assert run(["styles", "add", "kept", str(data / "styles" / "styles0.png")]) == 0
