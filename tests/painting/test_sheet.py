"""The contact sheet of one photo in every style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import flamingo
from flamingo.errors import BadRequest
from tests.conftest import needs_models

pytestmark = needs_models


def test_the_sheet_shows_the_photo_and_each_style_asked(photos: Path) -> None:
    photo = flamingo.images.read(photos / "coffee.jpg")
    seen: list[str] = []
    sheet = flamingo.sheet(
        photo,
        styles=["udnie", "scream"],
        model="fast",
        tile=96,
        columns=3,
        on_progress=lambda done, total, name: seen.append(name),
    )
    height, width = sheet.rgb.shape[:2]
    assert width > 3 * 96
    assert 64 < height < 200
    assert seen == ["udnie", "scream", "scream"]
    first = sheet.rgb[8 : 8 + 64, 8 : 8 + 96]
    assert np.abs(first - photo.resized(96).rgb).mean() < 0.01, "the photo itself comes first"


def test_a_tile_of_nonsense_size_is_refused(photos: Path) -> None:
    with pytest.raises(BadRequest):
        flamingo.sheet(flamingo.images.read(photos / "coffee.jpg"), tile=1)
