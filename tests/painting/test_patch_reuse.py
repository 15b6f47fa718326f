"""Parts of a frame painted as they would be in the whole of it. With the shipped models."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import flamingo
from flamingo.painting import styles, tiles
from flamingo.painting.palette import palette
from flamingo.painting.patch_reuse import Shot
from flamingo.painting.regions import Regions, regions
from tests.conftest import needs_models

pytestmark = needs_models
Pixels = NDArray[np.float32]


@pytest.fixture
def frame(cat: Pixels) -> Pixels:
    """The cat, large enough that it is painted at two sizes: (400, 600, 3)."""
    return np.asarray(np.clip(cv2.resize(cat, (600, 400), interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)


def shot(found: Regions, model: Any = "fast", strokes: float | None = 1.0) -> Shot:
    return Shot(flamingo.Painter(model).networks, found, strokes)


def one(model: Any = "fast") -> Regions:
    return regions(styles.vector("starry-night", 1.0, model)[None], None)


def two() -> Regions:
    vectors = np.stack([styles.vector(name, 1.0, "fast") for name in ("starry-night", "scream")])
    masks = np.zeros((2, 4, 6), np.float32)
    masks[0, :, :3] = masks[1, :, 3:] = 1
    return regions(vectors, masks)


def marked(*places: tuple[slice, slice]) -> Pixels:
    mask = np.zeros((100, 150), np.float32)
    for place in places:
        mask[place] = 1
    return mask


PLACES = (np.s_[40:55, 60:90], np.s_[0:12, 0:9], np.s_[88:100, 130:150])


@pytest.mark.parametrize("model", ["fast", "fine"])
def test_a_box_joins_the_whole_frame_without_a_seam(model: Any, frame: Pixels) -> None:
    who = shot(one(model), model)
    whole = who.begin(frame)
    found = who.boxes(frame, marked(*PLACES))
    assert len(found) == len(PLACES)
    for box, painted in found:
        away = np.abs(painted - whole[box.slices]).mean(axis=2)
        edge = np.pad(np.zeros((away.shape[0] - 4, away.shape[1] - 4), bool), 2, constant_values=True)
        assert away[edge].mean() < 1 / 255, "on its border, in steps of 8 bits"
        assert away[~edge].mean() < 0.5 / 255
        assert away.max() < 0.1


def in_colours() -> Regions:
    wanted = palette(
        np.random.default_rng(0).random((9, 9, 3), dtype=np.float32) * np.array([1, 0.5, 0.3], np.float32)
    )
    return regions(styles.vector("starry-night", 1.0, "fast")[None], None, wanted[None])


@pytest.mark.parametrize(("found", "strokes"), [(one, None), (one, 0.6), (one, 1.6), (two, 1.0), (in_colours, 1.0)])
def test_so_it_does_with_other_strokes_and_several_styles(found: Any, strokes: float | None, frame: Pixels) -> None:
    who = shot(found(), strokes=strokes)
    whole = who.begin(frame)
    for box, painted in who.boxes(frame, marked(PLACES[0])):
        assert painted.shape == (*box.size, 3)
        assert np.abs(painted - whole[box.slices]).mean() < 1 / 255, "less than a step of 8 bits"


def test_boxes_hold_all_that_is_marked_and_cost_less(frame: Pixels) -> None:
    who = shot(one())
    who.begin(frame)
    before = who.work
    assert before == pytest.approx(1, abs=0.02)
    mask = marked(*PLACES)
    seen = np.zeros((400, 600), bool)
    for box, _ in who.boxes(frame, mask):
        seen[box.slices] = True
    assert seen[cv2.resize(mask, (600, 400), interpolation=cv2.INTER_NEAREST) > 0].all()
    assert who.work - before < 0.7


def test_where_much_is_marked_all_is_painted_once(frame: Pixels) -> None:
    who = shot(one())
    whole = who.begin(frame)
    ((box, painted),) = who.boxes(frame, marked(np.s_[5:95, 5:145]))
    assert box.size == (400, 600)
    assert np.abs(painted - whole).mean() < 1e-4
    assert who.work == pytest.approx(2, abs=0.05)


def test_a_frame_larger_than_a_tile_is_the_same_in_tiles(frame: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shot(one()).begin(frame)
    monkeypatch.setattr(tiles, "LARGEST", dict.fromkeys(tiles.LARGEST, 150_000))
    assert np.abs(shot(one()).begin(frame) - whole).mean() < 1 / 255
