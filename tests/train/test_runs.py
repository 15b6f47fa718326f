"""A folder that holds a run: gone on with, replaced, or refused, but never mixed and never lost without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flamingo.cli import run
from flamingo.train import runs
from tests.train.test_release import contents


def compose(music: Path, out: Path, *more: str) -> list[str]:
    return [
        "train", "compose", "--model", "debug", "--music", str(music), "--out", str(out), "--budget", "90s",
        "--steps", "2", "--length", "64", "--batch", "2", "--device", "cpu", "--precision", "f32", *more,
    ]  # fmt: skip


def steps(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder with what a run leaves, and with files of the user's own that look a little like it."""
    for name in (
        "checkpoint.safetensors", "log.jsonl", "sample-0000040.jpg", "sample-any-0000040.jpg", "sample-0000040.mid",
        "tensorboard/events.out.tfevents.1.host", "gan/checkpoint.safetensors", "gan/log.jsonl",
        "gan/sample-0000002.jpg", "gan/pictures/happy-0001.png", "gan/tensorboard/events.out.tfevents.2.host",
        "notes.txt", "sample-of-my-work.jpg", "tensorboard/mine.txt", "gan/pictures/holiday.png", "log.jsonl.bak",
    ):  # fmt: skip
        file = tmp_path / "run" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "run"


@pytest.mark.parametrize("kind", ["paint", "compose", "feel", "compose --model ngram", "compose --model lstm"])
def test_a_run_is_not_replaced_without_a_word(
    held: Path, kind: str, few_works: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(held)
    assert run(["train", *kind.split(), "--out", str(held)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "it holds a run already" in said and "--resume" in said and "--overwrite" in said
    assert contents(held) == before


@pytest.mark.parametrize("left", ["log.jsonl", "sample-0000040.jpg", "gan/log.jsonl", "ngram.json"])
def test_what_is_left_of_a_run_counts_as_one(tmp_path: Path, left: str) -> None:
    file = tmp_path / "run" / left
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    assert run(["train", "compose", "--out", str(tmp_path / "run")]) == 2
    assert file.exists()


def test_resume_and_overwrite_together_are_refused(held: Path) -> None:
    before = contents(held)
    for kind in ("paint", "compose", "feel"):
        assert run(["train", kind, "--out", str(held), "--resume", "--overwrite"]) == 2
    assert contents(held) == before


@pytest.mark.parametrize("kind", ["paint", "compose", "feel"])
def test_a_recipe_that_cannot_work_does_not_cost_the_old_run(held: Path, kind: str, tmp_path: Path) -> None:
    before = contents(held)
    where = {"paint": "--photos", "compose": "--music", "feel": "--images"}[kind]
    assert run(["train", kind, "--out", str(held), "--overwrite", where, str(tmp_path / "nowhere")]) != 0
    assert contents(held) == before


def test_clearing_removes_what_a_run_made_and_nothing_else(held: Path) -> None:
    runs.clear(held)
    assert set(contents(held)) == {
        "notes.txt", "sample-of-my-work.jpg", "tensorboard/mine.txt", "gan/pictures/holiday.png", "log.jsonl.bak",
    }  # fmt: skip


def test_a_run_is_replaced_whole_where_the_user_says_so(few_works: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(compose(few_works, out)) == 0
    (out / "notes.txt").write_text("mine")
    assert run(compose(few_works, out)) == 2
    first = contents(out)
    assert run(compose(few_works, out, "--resume")) == 0
    assert max(steps(out)) == 4 and contents(out) != first
    assert run(compose(few_works, out, "--overwrite")) == 0
    assert max(steps(out)) == 2
    assert len(list((out / "tensorboard").iterdir())) == 1
    assert {f.name for f in out.glob("sample-*")} == {
        "sample-0000002.mid",
        "sample-0000002.png",
        "sample-0000002.mp3",
    }
    assert (out / "notes.txt").read_text() == "mine"


def test_steps_after_the_last_checkpoint_are_not_logged_twice(few_works: Path, tmp_path: Path) -> None:
    """A run that was killed has lines in its log for steps that it must make again."""
    out = tmp_path / "run"
    assert run(compose(few_works, out)) == 0
    with (out / "log.jsonl").open("a") as log:
        log.write('{"step": 3, "nats": 1.0}\n{"step": 9, "nats": 1.0}\n{"step": 1')
    assert run(compose(few_works, out, "--resume")) == 0
    assert steps(out) == sorted(steps(out)) and max(steps(out)) == 4
    assert all(json.loads(line)["nats"] != 1.0 for line in (out / "log.jsonl").read_text().splitlines()
               if "nats" in line)  # fmt: skip


def test_a_model_of_words_is_not_replaced_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"models": {"words": {"version": "1", "files": {}}}}))
    assert run(["train", "words", "--out", str(tmp_path), "--oasis", "oasis.csv"]) == 2
    assert "--overwrite" in capsys.readouterr().err
