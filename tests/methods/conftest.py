"""Small pictures for the tests of optimising."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]


@pytest.fixture
def photo(cat: Pixels) -> Pixels:
    """The cat at 64 x 48 pixels."""
    return _sized(cat, 64, 48)


@pytest.fixture
def painting() -> Pixels:
    """Waves in blue and yellow, 64 x 64."""
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    wave = 0.5 + 0.5 * np.sin(0.7 * x + 3 * np.sin(0.2 * y))
    return np.stack([wave, wave, 1 - wave], axis=2).astype(np.float32)


def _sized(rgb: Pixels, width: int, height: int) -> Pixels:
    image = Image.fromarray((rgb * 255).astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.float32) / np.float32(255)
