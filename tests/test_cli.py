"""The command line as a person meets it: exit codes, one-line errors, JSON for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import flamingo
from flamingo.cli import run
from flamingo.options import options
from tests.conftest import needs_models
from tests.mood.test_words import needs_words


@pytest.fixture
def photo(tmp_path: Path, photos: Path) -> Path:
    with Image.open(photos / "chelsea.jpg") as opened:
        opened.resize((96, 64)).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def flamingo_command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flamingo", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
    )


def test_version() -> None:
    done = flamingo_command("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"flamingo {flamingo.__version__}")


@pytest.mark.parametrize("command", [[], ["paint"], ["styles"], ["doctor"], ["train"], ["train", "paint"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["paint", "judge", "film", "feel", "rate", "verify"])
def test_a_verb_without_anything_to_work_on_says_so_in_a_line(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb]) == 2
    told = capsys.readouterr().err.strip()
    assert told and "\n" not in told and "fault" not in told, told


@needs_models
@needs_words
def test_a_sentence_is_felt_without_a_photo(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feel", "--words", "a stormy, lonely sea"]) == 0
    assert "valence" in capsys.readouterr().out


def test_paint_offers_exactly_the_arguments_of_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    run(["paint", "--help"])
    shown = capsys.readouterr().out
    for option in options(flamingo.paint):
        assert f"--{option.name.replace('_', '-')}" in shown, option.name


@needs_models
def test_paint_writes_the_picture_and_says_where(photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    done = flamingo_command("paint", str(photo), "--style", "udnie", "--model", "fast", "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stdout
    with Image.open(target) as painted:
        assert painted.size == (96, 64)


@needs_models
def test_json_tells_programs_what_was_done(photo: Path, tmp_path: Path) -> None:
    done = flamingo_command("paint", str(photo), "--model", "fast", "-o", str(tmp_path / "x.png"), "--json")
    (row,) = json.loads(done.stdout)
    assert row["error"] is None
    assert row["file"] == str(tmp_path / "x.png")
    assert row["recipe"]["strength"] == 1.0


@needs_models
def test_some_failed_is_exit_code_1_and_names_them(photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    done = flamingo_command("paint", str(photo), str(bad), "--model", "fast", "-o", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "bad.jpg" in done.stderr
    assert (tmp_path / "out" / "cat.png").exists()
    assert "Traceback" not in done.stderr


@needs_models
@pytest.mark.parametrize(
    "arguments",
    [
        ["--strength", "nan"],
        ["--strength", "2"],
        ["--strength", "much"],
        ["--style", "nonesuch"],
        ["--model", "x"],
        ["--size", "-4"],
        ["--bogus"],
    ],
)
def test_a_wrong_request_is_exit_code_2_and_one_line(
    arguments: list[str], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["paint", str(photo), "-o", str(tmp_path / "out.png"), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


@needs_models
def test_the_list_of_styles_is_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["styles"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("great-wave", "Hokusai", "1831", "public domain"))
    assert run(["styles", "--json"]) == 0
    assert {s["name"] for s in json.loads(capsys.readouterr().out)} == {s.name for s in flamingo.styles()}


@needs_models
def test_a_contact_sheet_is_drawn(photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    assert run(["styles", "--sheet", str(target), "--photo", str(photo), "--model", "fast", "--tile", "64"]) == 0
    with Image.open(target) as sheet:
        assert sheet.width > sheet.height > 128


@needs_models
def test_doctor_finds_everything_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["problems"] == []
    assert facts["painter-fine"].endswith("whole")


def test_doctor_names_a_damaged_model(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"cut sho")
    entry = {"version": "1", "files": {"onnx": {"file": "x.onnx", "sha256": "0" * 64, "bytes": 7}}}
    (tmp_path / "manifest.json").write_text(json.dumps({"models": {"painter-fine": entry}}))
    done = flamingo_command("doctor", FLAMINGO_WEIGHTS=str(tmp_path))
    assert done.returncode == 1
    assert "checksum" in done.stderr


def test_without_models_painting_says_so_in_one_line(photo: Path, tmp_path: Path) -> None:
    done = flamingo_command("paint", str(photo), "-o", str(tmp_path / "x.png"), FLAMINGO_WEIGHTS=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "painter-fine" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--budget=25x"], "25m"),
        (["--budget=-3m"], "25m"),
        (["--budget=nan"], "25m"),
        (["--crop=66"], "multiple of 4"),
        (["--crop=32"], "64"),
        (["--model=huge"], "fine"),
        (["--lr=0"], "greater than 0"),
        (["--styles=nowhere"], "no such folder"),
    ],
)
def test_a_wrong_training_is_refused_in_one_line(
    wrong: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    assert run(["train", "paint", "--photos", str(tmp_path), "--out", str(tmp_path / "run"), *wrong]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


@needs_models
def test_ctrl_c_says_that_what_was_finished_is_kept(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flamingo.painting import painter

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(painter.Painter, "paint_vector", interrupted)
    assert run(["paint", str(photo), "-o", str(tmp_path / "a.png"), "--style", "udnie"]) == 130
    assert capsys.readouterr().err.strip().splitlines()[-1] == "cancelled; what was finished is kept"
    assert not (tmp_path / "a.png").exists()
