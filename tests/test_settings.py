"""The environment variables: one table has them all, the documents and `flamingo doctor` say what it says."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flamingo import provenance, settings
from flamingo.cli import run
from flamingo.errors import BadRequest
from tests.conftest import ROOT, needs_models

NAMES = [setting.name for setting in settings.SETTINGS]
PACKAGE = sorted((ROOT / "flamingo").rglob("*.py"))


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def reads(file: Path) -> Iterator[str]:
    """The expressions of a file that read a variable of ours from the environment."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            place, names = ast.unparse(node.func), node.args
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            place, names = ast.unparse(node.value), [node.slice]
        elif isinstance(node, ast.Compare):
            place, names = " ".join(map(ast.unparse, node.comparators)), [node.left]
        else:
            continue
        ours = [
            each.value for each in names if isinstance(each, ast.Constant) and str(each.value).startswith("FLAMINGO_")
        ]
        if ours and "env" in place and not place.endswith(".setdefault"):
            yield f"{file.relative_to(ROOT)}: {ours}"


def test_no_other_file_reads_a_variable_of_ours() -> None:
    found = [
        read
        for file in PACKAGE
        if file.name != "settings.py" or file.parent.name != "flamingo"
        for read in reads(file)
    ]
    assert found == []


def test_every_name_in_the_package_and_the_documents_is_in_the_table() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name
        for file in (*PACKAGE, *documents)
        for name in re.findall(r"\bFLAMINGO_[A-Z_]*[A-Z]\b", file.read_text("utf-8"))
    }
    assert named == set(NAMES)
    assert sorted(NAMES) == NAMES


def test_the_document_has_the_table() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings.markdown_table() in page, "python -m flamingo.settings prints it"
    for setting in settings.SETTINGS:
        for link in re.findall(r"\]\(([^)]+)\)", setting.meaning):
            assert (ROOT / "docs" / link).is_file(), f"{setting.name} names {link}"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("CREDENTIALS", " Off ", False),
        ("DATA", "somewhere", Path("somewhere")),
        ("DEBUG", "0", False),
        ("DEBUG", "1", True),
        ("LOG_LEVEL", "INFO", "info"),
        ("RUNTIME", " ONNXruntime", "onnxruntime"),
        ("THREADS", " 2 ", 2),
        ("THREADS", "", None),
        ("TOKEN", "twelve-letters", "twelve-letters"),
    ],
)
def test_a_value_is_read_when_it_is_asked_for(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting: settings.Setting[object] = getattr(settings, name)
    assert setting.value() == setting.default and not setting.is_set()
    monkeypatch.setenv(setting.name, text)
    assert setting.value() == value
    assert setting.is_set() == bool(text)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("CREDENTIALS", "perhaps", "FLAMINGO_CREDENTIALS=perhaps: it is neither on nor off; set it to on or off"),
        ("DEBUG", "a\nb", "FLAMINGO_DEBUG=a\\nb: it is neither on nor off; set it to on or off"),
        ("LOG_LEVEL", "loud", "FLAMINGO_LOG_LEVEL=loud: there is no such level; choose one of debug, info, warning"),
        ("PRECISION", "f8", "FLAMINGO_PRECISION=f8: there is no such precision; choose one of f32, bf16"),
        ("RUNTIME", "abacus", "choose one of openvino, onnxruntime, cuda"),
        ("THREADS", "0", "FLAMINGO_THREADS=0: it is not a number of threads; give 1 or more"),
        ("THREADS", "²", "it is not a number of threads"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_a_line(
    name: str, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = getattr(settings, name)
    monkeypatch.setenv(setting.name, text)
    with pytest.raises(BadRequest) as refused:
        setting.value()
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_TOKEN", "abc def")
    assert "abc" not in settings.TOKEN.shown()
    with pytest.raises(BadRequest) as refused:
        settings.TOKEN.value()
    assert "abc" not in str(refused.value)


def test_one_bad_value_does_not_stop_what_does_not_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_THREADS", "many")
    assert provenance.signing.wanted(None) is None


@needs_models
def test_the_doctor_shows_what_is_set(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FLAMINGO_THREADS", "1")
    monkeypatch.setenv("FLAMINGO_TOKEN", "a-secret-of-mine")
    monkeypatch.setenv("FLAMINGO_CREDENTIALS", "perhaps")
    assert run(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    shown = {name: text for name, text in told.items() if name.startswith("FLAMINGO_")}
    assert shown == {
        "FLAMINGO_CREDENTIALS": "perhaps", "FLAMINGO_THREADS": "1", "FLAMINGO_TOKEN": "set, not shown"
    }  # fmt: skip
    assert "FLAMINGO_CREDENTIALS=perhaps: it is neither on nor off; set it to on or off" in told["problems"]


def test_the_light_ways_in_stay_light() -> None:
    """The table is read by all of them, so it must not bring pydantic."""
    program = (
        "import sys; import flamingo, flamingo.settings, flamingo.folders, flamingo.runtime, flamingo.weights, "
        "flamingo.images.helper, flamingo.__main__; print([m for m in sys.modules if m.startswith('pydantic')])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--log-level"], "error --log-level: there is no such level; choose one of debug, info, warning"),
        (["--log-level", "loud", "styles"], "error --log-level loud: there is no such level"),
        (["--log-level=loud", "styles"], "error --log-level loud: there is no such level"),
        (["styles", "--log-level", "loud"], "error --log-level loud: there is no such level"),
        (["--log-level="], "error --log-level: there is no such level"),
    ],
)
def test_a_level_that_there_is_not_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)


@pytest.mark.parametrize(
    "arguments",
    [["--log-level", "debug", "--version"], ["--log-level=info", "--version"], ["--version", "--log-level", "info"]],
)
def test_the_level_goes_before_the_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out.startswith("flamingo ")
    assert "FLAMINGO_LOG_LEVEL" not in os.environ
