"""Frames painted so that nothing flickers, at the public edge of `Steady`. With the shipped models."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import flamingo
from flamingo.errors import BadRequest
from flamingo.painting import motion, styles
from flamingo.painting.patch_reuse import Shot
from flamingo.painting.regions import regions
from flamingo.painting.temporal import SPAN, Steady
from tests.conftest import needs_models
from tests.painting.steadiness import painted, painted_in_two_runs, sharpness, unrest

pytestmark = needs_models
Pixels = NDArray[np.float32]
STEP = 3  # pixels by which the camera moves from frame to frame


@pytest.fixture
def panned(cat: Pixels) -> list[Pixels]:
    """A camera that pans over the cat: ten frames (120, 180, 3), each with a grain of its own."""
    grain = np.random.default_rng(0)
    frames = [cat[40:160, 40 + STEP * i : 220 + STEP * i] for i in range(10)]
    noisy = [np.clip(f + grain.normal(0, 0.01, f.shape), 0, 1) for f in frames]
    return [np.asarray(f, np.float32) for f in noisy]


def steady(model: Any = "fast", **options: Any) -> Steady:
    painter = flamingo.Painter(model)
    vector = styles.vector("starry-night", 1.0, model)
    return Steady(Shot(painter.networks, regions(vector[None], None), 1.0), **options)


@pytest.mark.parametrize("model", ["fast", "fine"])
def test_strokes_stay_on_their_things(model: Any, panned: list[Pixels]) -> None:
    painter = flamingo.Painter(model)
    alone = [painter.paint(frame, "starry-night") for frame in panned]
    together = painted(panned, steady(model))
    assert unrest(together, STEP) < unrest(alone, STEP) / 4
    assert sharpness(together) > 0.7 * sharpness(alone), "no veil"
    assert np.mean([np.abs(a - b).mean() for a, b in zip(alone, together, strict=True)]) < 0.08, "the same painting"


def test_every_frame_comes_back_in_order_and_soon(panned: list[Pixels]) -> None:
    who, done = steady(), 0
    for i, frame in enumerate(panned):
        for picture in who.paint(frame):
            assert picture.shape == frame.shape
            assert picture.dtype == np.float32
            assert 0 <= picture.min() <= picture.max() <= 1
            done += 1
        assert done + who.waiting == i + 1
        assert who.waiting < SPAN
    assert done + len(who.finish()) == len(panned)


def test_most_frames_of_a_calm_film_cost_no_painting(panned: list[Pixels]) -> None:
    who = steady()
    painted(panned, who)
    assert who.painted <= 1 + -(-9 // SPAN) + 2


def test_a_still_film_stands_still(panned: list[Pixels]) -> None:
    pictures = painted([panned[0]] * 9, steady())
    assert max(float(np.abs(p - pictures[0]).max()) for p in pictures) < 0.1
    assert max(float(np.abs(p - pictures[0]).mean()) for p in pictures) < 0.005


def test_nothing_of_a_scene_is_left_after_a_cut(panned: list[Pixels]) -> None:
    other = [np.ascontiguousarray(1 - f[::-1]) for f in panned[:5]]
    after = painted([*panned[:5], *other], steady())[5:]
    alone = painted(other, steady())
    assert all(np.array_equal(a, b) for a, b in zip(after, alone, strict=True))


def test_work_goes_on_where_it_stopped_as_if_it_had_not(panned: list[Pixels]) -> None:
    stopped = painted_in_two_runs(panned, steady)
    whole = painted(panned, steady())
    assert all(np.array_equal(a, b) for a, b in zip(stopped, whole, strict=True))


def test_8_bit_frames_are_painted_as_they_are(panned: list[Pixels]) -> None:
    coarse = [np.asarray(np.rint(frame * 255), np.uint8) for frame in panned[:5]]
    ours = painted(coarse, steady())
    theirs = painted([frame.astype(np.float32) / np.float32(255) for frame in coarse], steady())
    assert np.mean([np.abs(a - b).mean() for a, b in zip(ours, theirs, strict=True)]) < 1e-3


@pytest.fixture
def crossed(cat: Pixels) -> list[Pixels]:
    """A black ball that flies before a cat that stands still, 12 pixels a frame."""
    rows, columns = np.mgrid[0:120, 0:180]
    balls = [((rows - 60) ** 2 + (columns - 24 - 12 * i) ** 2 < 20**2)[..., None] for i in range(SPAN + 1)]
    return [np.asarray(np.where(ball, 0.02, cat[40:160, 40:220]), np.float32) for ball in balls]


def test_a_fast_thing_is_where_it_is_and_leaves_no_ghost(crossed: list[Pixels]) -> None:
    painter, who = flamingo.Painter("fast"), steady()
    together = painted(crossed, who)
    assert who.painted < len(crossed) / 2
    for i in (4, 5, 6):
        alone = painter.paint(crossed[i], "starry-night")
        away = np.abs(cv2.GaussianBlur(together[i] - alone, (0, 0), 4.0))  # without the strokes
        assert away[50:70, 14:34].mean() < 0.06, "where it was in the first frame"
        assert away[50:70, 14 + 12 * i : 34 + 12 * i].mean() < 0.06, "where it is"


def test_steadiness_0_paints_every_frame(panned: list[Pixels]) -> None:
    who = steady(steadiness=0)
    painted(panned, who)
    assert who.painted == len(panned)


@pytest.mark.parametrize("steadiness", [-0.1, 1.1, float("nan")])
def test_a_steadiness_that_is_not_from_0_to_1_is_refused(steadiness: float) -> None:
    with pytest.raises(BadRequest, match="between 0 and 1"):
        steady(steadiness=steadiness)


def test_several_styles_keep_their_places(panned: list[Pixels]) -> None:
    vectors = np.stack([styles.vector(name, 1.0, "fast") for name in ("starry-night", "scream")])
    masks = np.zeros((2, 4, 6), np.float32)
    masks[0, :, :3] = masks[1, :, 3:] = 1
    networks = flamingo.Painter("fast").networks
    both = painted(panned[:5], Steady(Shot(networks, regions(vectors, masks), 1.0)))
    left, right = (painted(panned[:5], Steady(Shot(networks, regions(v[None], None), 1.0))) for v in vectors)
    for b, one, other in zip(both, left, right, strict=True):
        assert np.abs(b - one)[:, :40].mean() < 0.4 * np.abs(b - other)[:, :40].mean()
        assert np.abs(b - other)[:, -40:].mean() < 0.4 * np.abs(b - one)[:, -40:].mean()


@pytest.mark.parametrize("size", [(5, 7), (33, 18), (64, 700)])
def test_frames_of_any_size_are_painted(size: tuple[int, int]) -> None:
    frames = [np.random.default_rng(i).random((*size, 3), dtype=np.float32) for i in range(3)]
    assert [p.shape for p in painted(frames, steady())] == [(*size, 3)] * 3


def test_motion_is_found_and_what_was_hidden_is_not_trusted(panned: list[Pixels]) -> None:
    here, there = motion.view(panned[2]), motion.view(panned[0])
    found = motion.match(here, there)
    assert np.median(found.flow[..., 0]) == pytest.approx(2 * STEP, abs=0.2)
    assert found.share > 0.8
    assert found.trust[:, -2 * STEP + 1 :].max() < 0.1, "it came in at the right border"
    assert np.abs(found.carried(panned[0]) - panned[2])[:, : -3 * STEP].mean() < 0.03


def test_a_way_by_way_of_other_frames_is_the_way(panned: list[Pixels]) -> None:
    views = [motion.view(frame) for frame in panned[:4]]
    links = [motion.matches(now, before) for before, now in itertools.pairwise(views)]
    way = links[0][0]
    for i in (1, 2):
        way = motion.chained(links[i][0], way, views[i + 1], views[0])
    assert np.median(way.flow[..., 0]) == pytest.approx(3 * STEP, abs=0.3)
    assert way.trust[:, -3 * STEP + 1 :].max() < 0.1, "it came in at the right border"
    assert way.share > 0.75
    assert np.median(links[0][1].flow[..., 0]) == pytest.approx(-STEP, abs=0.2), "the other way round"
