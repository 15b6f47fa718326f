"""Promises about the package as a whole."""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import sys

import pytest

import flamingo
from flamingo import weights
from flamingo.options import options
from flamingo.train.painting.recipe import PainterRecipe
from tests.conftest import ROOT, needs_models


def test_the_public_api_is_what_all_lists() -> None:
    assert flamingo.__all__ == sorted(flamingo.__all__, key=lambda n: (n.islower(), n))
    for name in flamingo.__all__:
        assert hasattr(flamingo, name), name


@pytest.mark.parametrize("call", ["import flamingo", "from flamingo.__main__ import main; main()"])
def test_neither_the_import_nor_the_version_loads_what_only_verbs_need(call: str) -> None:
    heavy = ("numpy", "pydantic", "cyclopts", "PIL", "pyvips", "httpx")
    script = f"import sys; sys.argv[1:] = ['--version']\n{call}\nprint([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_each_public_name_is_where_it_is_looked_for() -> None:
    assert set(flamingo._HOMES) == set(flamingo.__all__) - {"__version__"}
    assert set(flamingo.__all__) <= set(dir(flamingo))
    with pytest.raises(AttributeError, match="no attribute 'piant'"):
        flamingo.piant  # noqa: B018


def test_the_list_of_commands_says_what_the_help_of_each_begins_with() -> None:
    from flamingo.cli import _COMMANDS, app

    for name, (_, said) in _COMMANDS.items():
        command = app[name]
        about = command.default_command.__doc__ if command.default_command else ""
        own = command.help if command.help != said else ""  # what the registration said would only repeat itself
        begins = " ".join((own or about or "").split())
        assert begins.startswith(said) or name in ("jobs", "rate", "styles", "train"), name


def test_nothing_at_run_time_imports_torch() -> None:
    script = (
        "import sys, flamingo, flamingo.cli\n"
        "flamingo.cli.run(['styles'])\n"
        "sys.exit('torch' in sys.modules or 'onnxscript' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def test_every_argument_that_people_see_has_a_description() -> None:
    for option in [*options(flamingo.paint), *options(PainterRecipe)]:
        assert option.description.endswith("."), option.name
    offered = {option.name for option in options(flamingo.paint)}
    assert set(inspect.signature(flamingo.paint).parameters) - offered == {"on_progress", "on_step"}


def test_every_file_says_what_it_is_for() -> None:
    for file in [*ROOT.glob("flamingo/**/*.py"), *ROOT.glob("bench/*.py"), *ROOT.glob("tests/**/*.py")]:
        if file.stat().st_size:
            assert file.read_text(encoding="utf-8").lstrip().startswith('"""'), file


@needs_models
@pytest.mark.parametrize("model", sorted(weights.models()))
def test_every_shipped_model_is_whole_and_has_a_card(model: str) -> None:
    entry = weights.entry(model)
    for kind, file in entry["files"].items():
        found = weights.path(model, kind)
        assert hashlib.sha256(found.read_bytes()).hexdigest() == file["sha256"]
        assert found.suffix in {".onnx", ".safetensors"}
    card = weights.folder() / "cards" / f"{model}.md"
    assert entry["version"] in card.read_text(encoding="utf-8")
    # VGG-19 was trained by others, who are credited.
    assert entry["credit"] if model == "vgg-19" else entry["training"]["seconds"] > 0


def test_all_weights_together_stay_small() -> None:
    assert sum(f.stat().st_size for f in weights.folder().rglob("*") if f.is_file()) < 45 * 2**20
