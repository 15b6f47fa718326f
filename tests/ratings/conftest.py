"""What the tests of grading share: a picture and music to be graded, and a place of their own for grades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flamingo.composing.writing.midi import to_midi
from tests.composing import tiny


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which grades are kept."""
    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_mood_model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody says stays unknown, but where a test is about the models that ship."""
    if "shipped_models" not in request.fixturenames:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "manifest.json").write_text('{"models": {}}')
        monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def shipped_models() -> None:
    """For tests that need them."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A short piece."""
    (tmp_path / "piece.mid").write_bytes(to_midi(tiny.study("A minor", 8)))
    return tmp_path / "piece.mid"


@pytest.fixture
def other_music(tmp_path: Path) -> Path:
    """Another one."""
    (tmp_path / "other.mid").write_bytes(to_midi(tiny.study("C major", 8)))
    return tmp_path / "other.mid"
