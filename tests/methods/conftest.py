"""Small pictures for the tests of optimising."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flamingo.vgg.network import VGG19

Pixels = NDArray[np.float32]


@pytest.fixture(scope="package", autouse=True)
def one_network() -> Iterator[None]:
    """VGG-19 is read once for all these tests: each would take a second for it, and they are many."""
    load = VGG19.load
    shared = functools.cache(load)

    def loaded(file: Path | None = None) -> VGG19:
        return shared() if file is None else load(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VGG19, "load", staticmethod(loaded))
        yield


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
