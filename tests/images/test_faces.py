"""Heads in photos: found where they are, and kept in the frame whole, wherever the camera goes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flamingo.filming import camera
from flamingo.filming.salience import salience
from flamingo.images.faces import heads


def read(photos: Path, name: str) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(photos / name))
    assert pixels is not None
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def test_a_head_is_found_with_its_hair_and_chin(photos: Path) -> None:
    [head] = heads(read(photos, "astronaut.jpg"))
    assert 0.28 < head.left < 0.38 and 0.5 < head.right < 0.6
    assert head.top < 0.1 and 0.32 < head.bottom < 0.45


@pytest.mark.parametrize("name", ["chelsea.jpg", "coffee.jpg", "rocket.jpg"])
def test_where_nobody_is_no_head_is_found(name: str, photos: Path) -> None:
    assert heads(read(photos, name)) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (24, 24), (640, 640)])
def test_a_picture_of_one_colour_has_none_whatever_its_size(size: tuple[int, int]) -> None:
    assert heads(np.full((*size, 3), 128, np.uint8)) == []


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_head_stays_whole_wherever_in_the_photo_it_is(place: int, forward: bool, photos: Path) -> None:
    """A portrait with much wall to one side, in a frame that shows half of it."""
    portrait = read(photos, "astronaut.jpg")[:360]
    wall = np.random.default_rng(0).integers(90, 110, (360, 260, 3), dtype=np.uint8)
    wide = np.hstack([*([wall] * place), portrait, *([wall] * (2 - place))])
    frame = (360, 700)
    first, last, filled = camera.planned(wide.shape[:2], salience(wide), frame, 4.0, 1.0, forward)
    assert filled
    [head] = heads(wide)
    half = frame[1] / wide.shape[1] / 2
    for share in np.linspace(0, 1, 9):
        x = min(max(camera.between(first, last, float(share)).x, half), 1 - half)
        assert x - half <= head.left and head.right <= x + half
