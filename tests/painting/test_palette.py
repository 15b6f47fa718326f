"""The colours of paintings that the painter has not learned by heart: measured, and gone most of the way towards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo import paintings
from flamingo.painting import palette, styles, tiles
from flamingo.painting.brush import brush
from tests.conftest import needs_models

Pixels = NDArray[np.float32]
GRID = tiles.grid


def clouds(seed: int, tints: tuple[float, float, float], spread: float, size: tuple[int, int] = (40, 60)) -> Pixels:
    """A picture with these mean colours."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(3, 3))
    flat = random.normal(size=(size[0] * size[1], 3)) @ mixing * spread / np.abs(mixing).sum()
    return np.asarray(np.clip(flat + np.array(tints), 0, 1).reshape(*size, 3), np.float32)


def read(file: Path, size: tuple[int, int] = (240, 180)) -> Pixels:
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB").resize(size), np.float32) / np.float32(255)


@settings(deadline=None, max_examples=40)
@given(
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    tints=st.tuples(*[st.floats(0.3, 0.7)] * 3),
    spread=st.floats(0.05, 0.2),
)
def test_all_the_way_the_mean_is_the_paintings_and_the_spread_comes_near(
    seeds: tuple[int, int], tints: tuple[float, float, float], spread: float
) -> None:
    picture, wanted = clouds(seeds[0], (0.5, 0.5, 0.5), 0.1), palette.palette(clouds(seeds[1], tints, spread))
    before = palette.palette(picture)
    change = palette.change(before, wanted, 1.0)
    flat = picture.reshape(-1, 3) @ change[:, :3].T + change[:, 3]
    after = palette.palette(flat.reshape(picture.shape))
    assert after[0] == pytest.approx(wanted[0], abs=1e-3)
    away, was = (np.linalg.norm(found[1:] - wanted[1:]) for found in (after, before))
    assert away <= was * 1.05 + 1e-4
    half = palette.change(before, wanted, 0.5)
    assert picture.reshape(-1, 3).mean(0) @ half[:, :3].T + half[:, 3] == pytest.approx(
        (before[0] + wanted[0]) / 2, abs=1e-3
    )


def test_what_is_not_known_changes_nothing() -> None:
    picture = clouds(1, (0.4, 0.5, 0.6), 0.2)
    [nothing] = palette.unknown(1)
    for wanted, share in ((nothing, 1.0), (palette.palette(picture[::-1] / np.float32(2)), 0.0)):
        change = palette.change(palette.palette(picture), wanted, share)
        assert palette.same(change[None])
        assert palette.changed(picture, change[None]) is picture


def test_grey_takes_colour_out_and_noise_is_not_made_colour() -> None:
    picture, grey = clouds(2, (0.7, 0.4, 0.2), 0.2), clouds(3, (0.5, 0.5, 0.5), 0.2)[..., :1].repeat(3, axis=2)
    change = palette.change(palette.palette(picture), palette.palette(grey), 1.0)
    apart = np.ptp(palette.changed(picture, change[None]), axis=2).mean()
    assert apart < 0.5 * np.ptp(picture, axis=2).mean()
    plain = np.full((20, 20, 3), 0.5, np.float32) + np.random.default_rng(0).normal(0, 0.004, (20, 20, 3)).astype(
        "f4"
    )
    loud = palette.change(palette.palette(plain), palette.palette(clouds(4, (0.5, 0.4, 0.3), 0.3)), 1.0)
    assert np.abs(np.linalg.eigvalsh(loud[:, :3])).max() < 15


def test_places_have_the_colours_of_what_is_painted_there() -> None:
    picture = np.full((4, 6, 3), 0.5, np.float32)
    red, blue = (np.concatenate([np.eye(3), np.array(add)[:, None]], axis=1) for add in ((0.2, 0, 0), (0, 0, 0.4)))
    weights = np.zeros((4, 6, 2), np.float32)
    weights[:, :3, 0] = weights[:, 3:, 1] = 1
    weights[0] = 0.5
    found = palette.changed(picture, np.stack([red, blue]).astype(np.float32), weights)
    assert found[2, 1] == pytest.approx([0.7, 0.5, 0.5]) and found[2, 5] == pytest.approx([0.5, 0.5, 0.9])
    assert found[0, 2] == pytest.approx([0.6, 0.5, 0.7]), "half of each"


# -- the shipped painter -------------------------------------------------------------------------------------


@needs_models
def test_a_painting_that_was_brought_gives_more_of_its_colours(photos: Path) -> None:
    photo = read(photos / "coffee.jpg")
    for name in ("great-wave", "scream"):
        file = paintings.file(name)
        wielded = brush(painting=[file])
        wanted = wielded.mix.palettes[0]
        plain = wielded.painter.paint_map(photo, wielded.mix.vectors)
        away = [np.linalg.norm(palette.palette(each) - wanted) for each in (plain, wielded.paint(photo))]
        assert away[1] < 0.8 * away[0]


@needs_models
def test_at_strength_0_it_is_the_photo_all_the_same(photos: Path) -> None:
    photo = read(photos / "coffee.jpg")
    file = paintings.file("scream")
    named = brush(["scream"], strength=0).paint(photo)
    assert np.abs(brush(painting=[file], strength=0).paint(photo) - named).max() < 0.02


@needs_models
def test_named_styles_are_painted_as_they_were_learned(photos: Path) -> None:
    photo = read(photos / "coffee.jpg")
    wielded = brush(["scream"])
    assert np.isnan(wielded.mix.palettes).all()
    assert (wielded.paint(photo) == wielded.painter.paint_map(photo, wielded.mix.vectors)).all()


@needs_models
def test_in_a_mix_named_styles_bring_the_colours_of_their_paintings() -> None:
    own, other = paintings.file("great-wave"), palette.palette(read_whole(paintings.file("scream")))
    found = brush(["scream", "great-wave.webp=3"], {"great-wave.webp": own}).mix.palettes[0]
    assert found == pytest.approx(0.25 * other + 0.75 * palette.palette(read_whole(own)), abs=0.01)


def read_whole(file: Path) -> Pixels:
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB"), np.float32) / np.float32(255)


@needs_models
@pytest.mark.parametrize("regions", [False, True])
def test_tiles_have_the_colours_of_the_whole(regions: bool, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter, vector = flamingo.Painter("fast"), styles.vector("starry-night", 1.0, "fast")
    photo = read(photos / "coffee.jpg", (480, 360))
    wanted = palette.palette(clouds(5, (0.7, 0.3, 0.3), 0.3))
    vectors, palettes, masks = vector[None], wanted[None], None
    if regions:
        halves = np.zeros((2, 360, 480), np.float32)
        halves[0, :, :200] = halves[1, :, 200:] = 1
        vectors, palettes, masks = np.repeat(vectors, 2, axis=0), np.repeat(palettes, 2, axis=0), halves
    whole = painter.paint_map(photo, vector[None], palettes=wanted[None])
    assert np.linalg.norm(palette.palette(whole)[0] - wanted[0]) < np.linalg.norm(
        palette.palette(painter.paint_map(photo, vector[None]))[0] - wanted[0]
    )
    monkeypatch.setattr(tiles, "grid", lambda height, width, _largest: GRID(height, width, 70_000))
    cut = painter.paint_map(photo, vectors, masks, palettes=palettes)
    if regions:
        assert float(np.mean((cut - whole) ** 2)) < 1e-6
    pyramid = painter.paint_map(photo, vectors, masks, palettes=palettes, stroke=2.0)
    assert np.abs(palette.palette(pyramid)[0] - palette.palette(whole)[0]).max() < 0.08
