"""FLAMINGO_DATA moves everything that is the user's; single things can be elsewhere still."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flamingo.composing import personas
from flamingo.jobs.settings import Settings
from flamingo.painting import user_styles
from flamingo.provenance import identity
from flamingo.ratings import store
from tests.conftest import ROOT, needs_models


def places() -> dict[str, Path]:
    return {
        "personas": personas.own_folder(),
        "styles": user_styles.folder(),
        "identity": identity.folder(),
        "grades": store.own_database(),
        "studio": Settings.of().data,
    }


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = places()
    assert len(set(before.values())) == len(before)
    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path / "mine"))
    for name, place in places().items():
        assert place == tmp_path / "mine" or (tmp_path / "mine") in place.parents, name
        assert place != before[name]


@pytest.mark.parametrize("name", ["personas", "styles", "identity"])
def test_single_things_can_be_elsewhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv(f"FLAMINGO_{name.upper()}", str(tmp_path / "there"))
    found = places()
    assert found[name] == tmp_path / "there"
    assert all((tmp_path / "mine") in (p, *p.parents) for other, p in found.items() if other != name)


def test_no_other_code_asks_the_system_where_data_lies() -> None:
    using = [
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "flamingo").rglob("*.py")
        if "user_data_path" in file.read_text(encoding="utf-8") or "user_data_dir" in file.read_text(encoding="utf-8")
    ]
    assert using == ["flamingo/folders.py"]


def test_a_style_without_vgg_19_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flamingo.cli import run
    from flamingo.errors import ModelMissing
    from flamingo.vgg.network import VGG19

    def missing(*_: object, **__: object) -> None:
        raise ModelMissing("VGG-19", "not found", "give the weights with --vgg FILE")

    monkeypatch.setattr(VGG19, "load", missing)
    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path))
    assert run(["styles", "add", "mine", str(ROOT / "docs" / "photos" / "coffee.jpg"), "--refine"]) != 0
    assert "VGG-19" in capsys.readouterr().err and not (tmp_path / "styles").exists()


@needs_models
@pytest.mark.skipif(sys.platform != "linux", reason="where a home folder's parts lie is that of Linux")
def test_nothing_of_the_users_is_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps something of the user's, in a fresh home: the key for signing, grades, a style, the studio's jobs.
    Only what can be fetched again may lie in the home folder, as a cache."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import offline

    home, data, made = tmp_path / "home", tmp_path / "mine", tmp_path / "made"
    home.mkdir()
    made.mkdir()
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(home), "FLAMINGO_DATA": str(data), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    photo, painted = str(ROOT / "docs" / "photos" / "chelsea.jpg"), str(made / "cat.png")
    commands = [
        ["paint", photo, "--style", "udnie", "--model", "fast", "--size", "96", "-o", painted],
        ["rate", painted, "good"],
        ["styles", "add", "my-cat", photo],
    ]
    program = f"from flamingo.cli import run\nfor words in {commands!r}: assert run(words) == 0, words"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=made, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    served = dict(offline.verbs(made))["serve"](environment)
    assert served.returncode == 0, served.stderr
    elsewhere = [f.relative_to(home).as_posix() for f in home.rglob("*") if f.is_file()]
    assert [name for name in elsewhere if not name.startswith(".cache/flamingo/")] == []
    there = {f.relative_to(data).parts[0] for f in data.rglob("*") if f.is_file()}
    assert {"identity", "styles"} <= there
    assert (data / "styles" / "my-cat.safetensors").is_file()
    databases = [f for f in data.rglob("*") if f.suffix in (".db", ".sqlite", ".sqlite3")]
    assert len(databases) >= 2, "grades, and the studio's jobs"
