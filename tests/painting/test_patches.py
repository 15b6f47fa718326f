"""The method `patches`: photos rebuilt from pieces of a painting, by its brush and by `flamingo.paint`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

import flamingo
from flamingo.errors import BadRequest
from flamingo.painting.borders import without_border
from flamingo.painting.colour import to_oklab
from flamingo.painting.patches import synthesis, transport
from flamingo.painting.patches.atlas import Source
from flamingo.painting.patches.correspondence import parse_matches
from flamingo.painting.patches.synthesis import PatchSettings, Region, synthesise

Pixels = NDArray[np.float32]
RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.2, 0.7)


def rebuilt(photo: Pixels, *regions: Region, **how: Any) -> Pixels:
    size = photo.shape[0], photo.shape[1]
    strips = synthesise(lambda top, bottom: photo[top:bottom], size, regions, PatchSettings(**how))
    return np.concatenate(list(strips))


def of(painting: Pixels, **more: Any) -> Region:
    return Region((Source(to_oklab(painting), **more),))


def grained(colour: tuple[float, float, float], height: int, width: int, seed: int = 0) -> Pixels:
    """A painting of one colour with strokes across."""
    rows = np.random.default_rng(seed).normal(0, 0.05, (height, 1, 1))
    return np.clip(np.array(colour) + rows + np.zeros((height, width, 1)), 0, 1).astype(np.float32)


def reddish(picture: Pixels) -> NDArray[np.bool_]:
    return np.asarray(picture[..., 0] > picture[..., 2])


def edges(picture: Pixels) -> Pixels:
    lightness = to_oklab(picture)[..., 0]
    return np.asarray(np.hypot(*np.gradient(lightness)), np.float32)


@pytest.fixture
def van_gogh(paintings: Path) -> Pixels:
    with Image.open(paintings / "starry-night.webp") as opened:
        return np.asarray(opened.convert("RGB").resize((160, 127)), np.float32) / np.float32(255)


@pytest.fixture
def paintings() -> Path:
    return Path(flamingo.__file__).parent / "paintings"


@pytest.fixture
def painting_file(tmp_path: Path, van_gogh: Pixels) -> Path:
    file = tmp_path / "night.png"
    Image.fromarray(np.rint(van_gogh * 255).astype(np.uint8)).save(file)
    return file


@pytest.fixture
def photo_file(tmp_path: Path, cat: Pixels) -> Path:
    file = tmp_path / "cat.png"
    Image.fromarray(np.rint(cat * 255).astype(np.uint8)).resize((96, 64)).save(file)
    return file


def white(file: Path, where: slice, size: tuple[int, int] = (64, 96)) -> Path:
    """A mask that is white in some columns."""
    mask = np.zeros(size, np.uint8)
    mask[:, where] = 255
    Image.fromarray(mask).save(file)
    return file


# -- what comes out ------------------------------------------------------------------------------------------------


def test_the_picture_has_the_size_of_the_photo_and_the_colours_of_the_painting(cat: Pixels, van_gogh: Pixels) -> None:
    picture = rebuilt(cat, of(van_gogh))
    assert picture.shape == cat.shape and picture.dtype == np.float32
    assert picture.min() >= 0 and picture.max() <= 1
    mine, photos = (to_oklab(p).reshape(-1, 3) for p in (picture, cat))
    painting = cKDTree(to_oklab(van_gogh).reshape(-1, 3))
    assert np.quantile(painting.query(mine)[0], 0.95) < 0.02
    assert np.quantile(painting.query(photos)[0], 0.5) > 0.02


def test_small_pieces_of_it_are_pieces_of_the_painting(cat: Pixels, van_gogh: Pixels) -> None:
    """The patches of the picture are nearer to the painting's than those of the photo in the painting's colours."""
    from sklearn.neighbors import NearestNeighbors

    def patches(picture: Pixels, step: int) -> NDArray[np.float32]:
        view = np.lib.stride_tricks.sliding_window_view(to_oklab(picture), (5, 5), axis=(0, 1))
        return view[::step, ::step].reshape(-1, 75)

    nearest = NearestNeighbors(n_neighbors=1).fit(patches(van_gogh, 1))
    colours = transport.colour_map(transport.sample(to_oklab(cat)), transport.sample(to_oklab(van_gogh)))
    from flamingo.painting.colour import from_oklab

    plain = from_oklab(colours(to_oklab(cat)))
    ours, theirs = (
        nearest.kneighbors(patches(p, 7))[0].mean() for p in (rebuilt(cat, of(van_gogh), fidelity=0.25), plain)
    )
    assert ours < 0.75 * theirs


def test_the_same_request_gives_the_same_picture_with_any_number_of_threads(
    cat: Pixels, van_gogh: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    for threads in ("1", "5"):
        monkeypatch.setenv("FLAMINGO_THREADS", threads)
        pictures.append(rebuilt(cat, of(van_gogh), seed=3))
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], rebuilt(cat, of(van_gogh), seed=4))


def test_fidelity_keeps_the_forms_of_the_photo(cat: Pixels, van_gogh: Pixels) -> None:
    likeness = [
        np.corrcoef(edges(rebuilt(cat, of(van_gogh), fidelity=f)).ravel(), edges(cat).ravel())[0, 1]
        for f in (0.0, 0.5, 1.0)
    ]
    assert likeness[0] < likeness[1] < likeness[2]


def test_strokes_are_as_large_as_the_painting_is_taken(cat: Pixels) -> None:
    """Stripes of four pixels, taken at half and at twice their size."""
    stripes = np.tile(np.repeat(np.array([0.2, 0.8], np.float32), 4), 24)
    painting = np.broadcast_to(stripes[:, None, None], (192, 192, 3)).astype(np.float32)
    grey = np.full((192, 192, 3), 0.5, np.float32)
    changes = [
        np.abs(np.diff(rebuilt(grey, of(painting), stroke=stroke, fidelity=0)[..., 0] > 0.5, axis=0)).mean()
        for stroke in (0.5, 1.0)
    ]
    assert changes[0] > 1.3 * changes[1]


@settings(max_examples=15)
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), tall=st.integers(1, 60), wide=st.integers(1, 60),
    fidelity=st.floats(0, 1), stroke=st.floats(0.25, 4),
)  # fmt: skip
def test_photos_and_paintings_of_any_size_make_a_picture(
    height: int, width: int, tall: int, wide: int, fidelity: float, stroke: float
) -> None:
    rng = np.random.default_rng(height * width)
    photo, painting = (rng.random((*size, 3), np.float32) for size in ((height, width), (tall, wide)))
    picture = rebuilt(photo, of(painting), fidelity=fidelity, stroke=stroke)
    assert picture.shape == photo.shape
    assert np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1


def test_a_painting_of_one_colour_makes_a_picture_of_that_colour(cat: Pixels) -> None:
    picture = rebuilt(cat, of(np.full((40, 40, 3), 0.3, np.float32)))
    assert np.allclose(picture, 0.3, atol=1e-3)


def test_a_photo_that_is_its_own_painting_stays_nearly_what_it_is(cat: Pixels) -> None:
    assert np.abs(rebuilt(cat, of(cat), fidelity=1) - cat).mean() < 0.03


# -- large pictures ------------------------------------------------------------------------------------------------


def test_a_large_picture_is_made_in_strips_without_seams(
    cat: Pixels, van_gogh: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = np.asarray(
        Image.fromarray(np.rint(cat * 255).astype(np.uint8)).resize((480, 360), Image.Resampling.BICUBIC), np.float32
    ) / np.float32(255)
    monkeypatch.setattr(synthesis, "WHOLE", 50_000)
    monkeypatch.setattr(synthesis, "_STRIP", 30_000)
    monkeypatch.setattr(synthesis, "_WINDOW", 52_000)
    strips = list(synthesise(lambda top, bottom: large[top:bottom], (360, 480), [of(van_gogh)], PatchSettings()))
    assert len(strips) > 3 and sum(len(strip) for strip in strips) == 360
    picture = np.concatenate(strips)
    steps = np.abs(np.diff(picture, axis=0)).mean(axis=(1, 2))
    seams = np.cumsum([len(strip) for strip in strips])[:-1] - 1
    assert steps[seams].mean() < 1.25 * steps.mean()


def test_no_more_rows_are_looked_at_than_those_around_a_strip(
    van_gogh: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "WHOLE", 20_000)
    monkeypatch.setattr(synthesis, "_STRIP", 15_000)
    monkeypatch.setattr(synthesis, "_WINDOW", 24_000)
    asked: list[int] = []

    def rows(top: int, bottom: int) -> Pixels:
        asked.append(bottom - top)
        return np.full((bottom - top, 200, 3), 0.4, np.float32)

    assert sum(len(s) for s in synthesise(rows, (2400, 200), [of(van_gogh)], PatchSettings())) == 2400
    assert max(asked) < 600


# -- several paintings ---------------------------------------------------------------------------------------------


def test_a_mix_is_made_of_both_paintings_in_proportion(cat: Pixels) -> None:
    sources = [Source(to_oklab(grained(c, 60, 80, i)), w) for i, (c, w) in enumerate([(RED, 0.7), (BLUE, 0.3)])]
    picture = rebuilt(cat, Region(tuple(sources)))
    assert 0.5 < reddish(picture).mean() < 0.9


def test_each_region_is_made_of_its_own_painting(cat: Pixels) -> None:
    left = np.zeros((10, 20), np.float32)
    left[:, :10] = 1
    picture = rebuilt(
        cat,
        Region((Source(to_oklab(grained(RED, 50, 50))),), left),
        Region((Source(to_oklab(grained(BLUE, 50, 50))),), 1 - left),
    )
    middle = cat.shape[1] // 2
    assert reddish(picture[:, : middle - 8]).mean() > 0.99
    assert reddish(picture[:, middle + 8 :]).mean() < 0.01


def test_patches_come_from_where_a_source_is_white(cat: Pixels) -> None:
    painting = np.concatenate([grained(RED, 64, 40), grained(BLUE, 64, 40)], axis=1)
    mask = np.zeros((64, 80), np.float32)
    mask[:, 50:] = 1
    assert reddish(rebuilt(cat, of(painting, mask=mask))).mean() < 0.01


# -- the verb ------------------------------------------------------------------------------------------------------


def paint(photo: Path, target: Path, **how: Any) -> flamingo.PaintResult:
    (result,) = flamingo.paint([photo], output=target, overwrite=True, **how)
    if result.error is not None:
        raise result.error
    return result


def pixels(file: Path | None) -> Pixels:
    assert file is not None
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB"), np.float32) / np.float32(255)


def test_a_painting_that_is_brought_is_painted_in_pieces_of_it_unless_a_painter_is_asked_for(
    photo_file: Path, painting_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    assert paint(photo_file, out, painting=painting_file).recipe["method"] == "patches"
    for how in (
        {"painting": painting_file, "model": "fast"},
        {"style": "udnie"},
        {"painting": painting_file, "method": "painter"},
        {"painting": painting_file, "effort": "quick"},
    ):
        assert "method" not in paint(photo_file, out, **how).recipe


def test_the_recipe_says_all_that_makes_the_picture(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    first = paint(photo_file, tmp_path / "a.png", painting=painting_file, fidelity=0.3, seed=7, stroke=0.8)
    assert {key: first.recipe[key] for key in ("method", "fidelity", "seed", "stroke", "strength")} == {
        "method": "patches", "fidelity": 0.3, "seed": 7, "stroke": 0.8, "strength": 1.0,
    }  # fmt: skip
    again = paint(photo_file, tmp_path / "b.png", painting=painting_file, fidelity=0.3, seed=7, stroke=0.8)
    assert np.array_equal(pixels(first.file), pixels(again.file))


def test_named_styles_are_made_of_their_paintings(photo_file: Path, tmp_path: Path) -> None:
    by_method, by_effort = (
        paint(photo_file, tmp_path / "out.png", style="scream", **how).recipe
        for how in ({"method": "patches"}, {"effort": "true"})
    )
    assert by_method["style"] == "scream" and by_method["method"] == "patches"
    assert by_effort == by_method


def test_a_mask_leaves_the_photo_where_it_is_black(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    mask = white(tmp_path / "mask.png", slice(48, None))
    picture = pixels(paint(photo_file, tmp_path / "out.png", painting=painting_file, mask=mask).file)
    photo = pixels(photo_file)
    assert np.abs(picture - photo)[:, :47].max() < 2 / 255
    assert np.abs(picture - photo)[:, 49:].mean() > 0.05


def test_strength_0_is_the_photo_and_colour_0_keeps_its_colours(
    photo_file: Path, painting_file: Path, tmp_path: Path
) -> None:
    photo = pixels(photo_file)
    assert np.array_equal(
        pixels(paint(photo_file, tmp_path / "a.png", painting=painting_file, strength=0.0).file), photo
    )
    grey = to_oklab(pixels(paint(photo_file, tmp_path / "b.png", painting=painting_file, colour="photo").file))
    assert np.abs(grey - to_oklab(photo))[..., 1:].mean() < 0.01
    assert np.abs(grey - to_oklab(photo))[..., 0].mean() > 0.02


def test_a_part_of_the_painting_is_for_a_part_of_the_photo(photo_file: Path, tmp_path: Path) -> None:
    painting = tmp_path / "two.png"
    two = np.concatenate([grained(RED, 64, 48), grained(BLUE, 64, 48)], axis=1)
    Image.fromarray(np.rint(two * 255).astype(np.uint8)).save(painting)
    here, there = white(tmp_path / "here.png", slice(0, 32)), white(tmp_path / "there.png", slice(50, None))
    result = paint(photo_file, tmp_path / "out.png", painting=painting, match=f"{here}:{there}")
    picture = pixels(result.file)
    assert reddish(picture[:, :28]).mean() < 0.02
    assert reddish(picture[:, 36:]).mean() > 0.9
    assert len(result.recipe["match"]) == 1


def test_the_critic_keeps_one_of_several(
    photo_file: Path, painting_file: Path, tmp_path: Path, vgg_weights: None
) -> None:
    result = paint(photo_file, tmp_path / "out.png", painting=painting_file, best=2)
    assert result.recipe["best_of"] == 2 and result.recipe["method"] == "patches"


# -- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"method": "painter", "fidelity": 0.5}, "the method painter has no such thing"),
        ({"method": "patches", "steps": 5}, "the method patches has no such thing"),
        ({"method": "patches", "fidelity": 1.5}, "less than or equal to 1"),
        ({"method": "patches", "match": "sky.png"}, "there is no colon between two masks"),
        ({"method": "patches", "match": "sky.png:sea.png"}, "there is no such file"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_one_line(how: dict[str, Any], said: str, photo_file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=said) as error:
        flamingo.paint([photo_file], output=tmp_path / "out.png", **how)
    assert "\n" not in str(error.value)


def test_a_match_needs_one_painting(photo_file: Path, tmp_path: Path) -> None:
    mask = white(tmp_path / "mask.png", slice(0, 9))
    with pytest.raises(BadRequest, match="which of 2 paintings is meant"):
        flamingo.paint([photo_file], style=("scream", "udnie"), method="patches", match=f"{mask}:{mask}")


def test_a_colon_in_a_file_name_does_not_end_it(tmp_path: Path) -> None:
    odd, other = white(tmp_path / "a:b.png", slice(1)), white(tmp_path / "c.png", slice(1))
    (pair,) = parse_matches([f"{odd}:{other}"], {})
    assert (pair.photo, pair.painting) == (odd, other)
    with pytest.raises(BadRequest, match="there is no such file"):
        parse_matches([f"{odd}:{other}"], {}, anywhere=False)


def test_a_narrow_uneven_border_at_one_side_is_left_out(van_gogh: Pixels) -> None:
    scan = np.concatenate([np.full((4, *van_gogh.shape[1:]), 0.97, np.float32), van_gogh])
    scan[3, :60] = van_gogh[0, :60]
    rows, columns = without_border(scan)
    assert 4 <= rows.start <= 6 and rows.stop == len(scan) and columns == slice(0, scan.shape[1])


def test_a_plain_border_around_a_painting_is_left_out_and_said(
    photo_file: Path, van_gogh: Pixels, tmp_path: Path
) -> None:
    framed = np.pad(van_gogh, ((12, 12), (20, 20), (0, 0)), constant_values=1)
    assert without_border(framed) == (slice(12, 139), slice(20, 180))
    assert without_border(van_gogh) == (slice(0, 127), slice(0, 160))
    file = tmp_path / "framed.png"
    Image.fromarray(np.rint(framed * 255).astype(np.uint8)).save(file)
    assert any("plain border" in note for note in paint(photo_file, tmp_path / "out.png", painting=file).notes)


def test_numba_is_loaded_by_this_method_alone() -> None:
    code = "import flamingo, sys; flamingo.paint; import flamingo.painting.pipeline; print('numba' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    )
