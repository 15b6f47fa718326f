"""A data set made on the spot for the tests of training."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos, one of them unreadable, and two paintings with a styles.csv."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for kind, count in (("photos", 12), ("styles", 2)):
        (folder / kind).mkdir()
        for i in range(count):
            coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC).save(
                folder / kind / f"{kind}{i}.png"
            )
    (folder / "photos" / "photos3.png").write_bytes(b"not a picture")
    (folder / "styles" / "styles.csv").write_text(
        "name,title,artist,painted,artist_died,size,copyright_expired\n"
        "styles0,First,A. Painter,1900,1920,160x120,life+100\nstyles1,Second,B. Painter,1910,1930,160x120,life+70\n",
        encoding="utf-8",
    )
    return folder
