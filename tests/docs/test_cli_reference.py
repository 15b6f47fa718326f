"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """docs/cli_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("cli_reference", ROOT / "docs" / "cli_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_the_command_line_is_current(script: ModuleType) -> None:
    kept = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert kept == script.page(), "docs/cli.md is of yesterday: run `script/cli-docs`"


def test_it_has_limits_choices_defaults_and_what_needs_no_option(script: ModuleType) -> None:
    lines = script.page().splitlines()
    for line in (
        "| `--seconds` | 30 | from 4 to 3600 | How long the piece lasts. |",
        "| `--json` | no |  | Print what was done as JSON. |",
    ):
        assert line in lines
    assert any(line.startswith("| `PHOTOS`, `--photos` | needed |") for line in lines)
    assert any(line.startswith("| `--model` | fine | one of fast, fine |") for line in lines)
