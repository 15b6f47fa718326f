"""`images.open`: a picture of any size, in floats or as a canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flamingo import images
from flamingo.errors import UnreadableImage
from flamingo.images import opening, streaming


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    return tmp_path / "noise.png"


def test_a_usual_picture_comes_in_floats_and_a_very_large_one_as_a_canvas(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = images.open(file)
    assert isinstance(whole, images.Picture)
    monkeypatch.setattr(opening, "WHOLE", 1000)
    canvas = images.open(file)
    assert isinstance(canvas, streaming.Canvas)
    assert np.array_equal(canvas.rows(0, 40), whole.rgb)


def test_what_is_no_picture_is_said_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 nothing")
    with pytest.raises(UnreadableImage):
        images.open(broken)
    with pytest.raises(UnreadableImage):
        images.open(tmp_path / "missing.jpg")
