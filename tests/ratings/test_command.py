"""`flamingo rate` as a person meets it: the four forms, each with options of its own, wherever its flag stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import flamingo
from flamingo import weights
from flamingo.cli import run
from flamingo.options import options
from tests.conftest import needs_models


def test_rate_offers_exactly_the_arguments_of_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rate", "--help"]) == 0
    shown = capsys.readouterr().out
    for option in options(flamingo.rate):
        assert f"--{option.name}" in shown, option.name
    assert all(form in shown for form in ("--report", "--export", "--undo"))


def test_a_grade_is_stored_and_shown(picture: Path, music: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rate", str(picture), str(music), "good", "--mood", "sad", "--listener", "[b]Ada"]) == 0
    assert capsys.readouterr().out == "good: cat.png with piece.mid ([b]Ada)  mood sad\n"
    assert run(["rate", str(picture), str(music), "fair", "--listener", "[b]Ada", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["grade"], told["instead_of"], told["mood"]) == ("fair", "good", None)


def test_the_report_is_a_table_of_the_moods(
    picture: Path, music: Path, other_music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["rate", str(picture), str(music), "good", "--mood", "sad"])
    run(["rate", str(picture), str(other_music), "poor", "--mood", "happy"])
    capsys.readouterr()
    assert run(["rate", "--report"]) == 0
    *table, legend = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in table] == [
        "mood excellent good fair poor bad satisfied mean votes",
        "happy 0% (0) 0% (0) 0% (0) 100% (1) 0% (0) 0% (0–79) 2.0 1",
        "sad 0% (0) 100% (1) 0% (0) 0% (0) 0% (0) 100% (21–100) 4.0 1",
        "all 0% (0) 50% (1) 0% (0) 50% (1) 0% (0) 50% (9–91) 3.0 2",
    ]
    assert "95 %" in legend


@pytest.mark.parametrize(
    "line", [["--report", "--by", "listener", "--json"], ["--json", "--by=listener", "--report"]], ids=" ".join
)
def test_the_flag_of_a_form_may_stand_anywhere(
    line: list[str], picture: Path, music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["rate", str(picture), str(music), "excellent", "--listener", "Ada"])
    capsys.readouterr()
    assert run(["rate", *line]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["by"] == "listener"
    assert report["groups"] == [report["all"] | {"name": "Ada"}]
    assert (report["all"]["percent"]["excellent"], report["all"]["mean_opinion"]) == (100, 5)
    assert report["all"]["satisfied_95"] == [20.65, 100]


def test_without_grades_it_says_how_to_add_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rate", "--report"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert "flamingo rate PICTURE MUSIC good" in shown


def test_grades_are_exported_and_taken_back(
    picture: Path, music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["rate", str(picture), str(music), "bad"])
    run(["rate", str(picture), str(music), "good"])
    assert run(["rate", f"--export={tmp_path / 'a.csv'}"]) == 0
    assert run(["rate", "--overwrite", "--export", "--file", str(tmp_path / "a.csv")]) == 0
    assert (tmp_path / "a.csv").read_bytes().count(b"\r\n") == 3
    capsys.readouterr()
    assert run(["rate", "--undo"]) == 0
    assert capsys.readouterr().out == "taken back: good: cat.png with piece.mid  bad counts again\n"
    assert run(["rate", "--undo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["standing"] == "undone"


@pytest.mark.parametrize(
    "line",
    [
        ["cat.png", "piece.mid", "great"],
        ["cat.png", "piece.mid"],
        [],
        ["cat.png", "piece.mid", "good", "--mood", "hapy"],
        ["cat.png", "piece.mid", "good", "--report"],
        ["--report", "--mood", "sad"],
        ["--report", "--by", "weather"],
        ["--export", "a.xlsx"],
        ["--undo"],
    ],
    ids=" ".join,
)
def test_a_wrong_request_is_exit_code_2_and_one_line(
    line: list[str], picture: Path, music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(picture.parent)
    assert music.parent == picture.parent
    assert run(["rate", *line]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error ")
    assert said.count("\n") == 1


def test_a_damaged_database_is_exit_code_1_and_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.mkdir()
    (data / "ratings.sqlite").write_bytes(b"not a database" * 100)
    assert run(["rate", "--report"]) == 1
    said = capsys.readouterr().err
    assert "damaged" in said
    assert said.count("\n") == 1
    assert (data / "ratings.sqlite").read_bytes() == b"not a database" * 100


@pytest.mark.usefixtures("shipped_models")
@needs_models
@pytest.mark.skipif("composer" not in weights.models(), reason="no trained composer is in flamingo/weights")
def test_what_was_painted_and_composed_is_graded_with_its_recipes(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*line: str) -> str:
        assert run(line) == 0
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    with Image.open(photos / "chelsea.jpg") as opened:
        opened.resize((96, 64)).save("cat.jpg")
    painted = said("paint", "cat.jpg", "--style", "udnie", "--model", "fast", "-o", "out.png", "--json")
    composed = said("compose", "--persona", "mozart", "--seconds=4", "--variations=2", "-o", "out.mid", "--json")
    (tmp_path / "paint.json").write_text(painted, encoding="utf-8")
    (tmp_path / "compose.json").write_text(composed, encoding="utf-8")
    recipes = ("--recipe", "paint.json", "--recipe", "compose.json")
    told = json.loads(said("rate", "out.png", "out-2.mid", "excellent", *recipes, "--json"))
    assert told["painting"] == json.loads(painted)[0]["recipe"]
    assert told["composition"] == json.loads(composed)[1]["recipe"]
    assert "mozart" in said("rate", "--report", "--by", "persona")
    assert "udnie" in said("rate", "--report", "--by", "style")


def test_the_grades_of_one_process_are_seen_by_the_next(picture: Path, music: Path) -> None:
    assert run(["rate", str(picture), str(music), "good", "--mood", "calm"]) == 0
    command = [sys.executable, "-m", "flamingo", "rate", "--report"]
    assert "calm" in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
