"""Recipes and data made on the spot for the tests of plans."""

from __future__ import annotations

import importlib.util
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)

COMPOSER = """
about = "A composer for tests."
train = "compose"
name = "composer"
data = "made up"

[[stage]]
music = ["music"]
model = "debug"
length = 64
batch = 2
cooldown = 0.5
lr = 5e-3
ema = 0.9
device = "cpu"
precision = "f32"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe file: a text, and more lines for its last stage."""

    def written(text: str = COMPOSER, *more: str, name: str = "recipe.toml") -> Path:
        file = tmp_path / name
        file.write_text(text + "\n".join(more) + "\n", encoding="utf-8")
        return file

    return written


@pytest.fixture(scope="session")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one archive in it, music.tar, of a small corpus."""
    from tests.composing import tiny

    folder = tmp_path_factory.mktemp("archived")
    corpus = tiny.corpus(tmp_path_factory.mktemp("corpus") / "music", works=8, bars=16)
    with tarfile.open(folder / "music.tar", "w") as tar:
        tar.add(corpus, "music")
    return folder
