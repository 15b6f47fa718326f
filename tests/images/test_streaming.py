"""Pictures of any size in bounded memory: read, painted over and written by rows, as `read` and `write` would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from flamingo import images
from flamingo.errors import BadPixels, UnreadableImage, WouldOverwrite
from flamingo.images import streaming, vips
from flamingo.images.streaming import Canvas


def same(file: Path, tmp_path: Path, suffix: str) -> tuple[images.Picture, images.Picture]:
    """The picture as it comes back from `images.write` and from `streaming.write`, unchanged in between."""
    usual, ours = tmp_path / f"usual{suffix}", tmp_path / f"ours{suffix}"
    first = images.write(images.read(file, trusted=True), usual)
    second = streaming.write(streaming.read(file, trusted=True), ours)
    assert first == second, "the same notes"
    return images.read(usual, trusted=True), images.read(ours, trusted=True)


def picture(mode: str, size: tuple[int, int] = (90, 61)) -> Image.Image:
    bands = len(mode)
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    return Image.fromarray(values[..., 0] if bands == 1 else values, mode)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_what_is_read_and_written_is_what_the_usual_way_gives(mode: str, suffix: str, tmp_path: Path) -> None:
    picture(mode).save(tmp_path / "photo.png")
    usual, ours = same(tmp_path / "photo.png", tmp_path, suffix)
    assert np.array_equal(usual.rgb, ours.rgb)
    assert (usual.alpha is None) == (ours.alpha is None)
    if usual.alpha is not None and ours.alpha is not None:
        assert np.array_equal(usual.alpha, ours.alpha)
    assert usual.icc == ours.icc


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_sixteen_bits_stay_sixteen_where_they_fit(suffix: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    vips.from_array(values, "rgb16").write_to_file(str(tmp_path / "deep.png"))
    usual, ours = same(tmp_path / "deep.png", tmp_path, suffix)
    assert usual.depth == ours.depth == (8 if suffix == ".jpg" else 16)
    assert np.array_equal(usual.rgb, ours.rgb)


def test_orientation_exif_and_profile_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "A. Photographer"
    y, x = np.mgrid[0:60, 0:90]
    smooth = np.stack([x * 2, y * 4, x + y], axis=2).astype(np.uint8)
    profile = bytes(pyvips.Image.profile_load("p3"))
    Image.fromarray(smooth).save(tmp_path / "photo.jpg", exif=exif, icc_profile=profile, quality=95)
    usual, ours = same(tmp_path / "photo.jpg", tmp_path, ".png")
    assert ours.rgb.shape == (90, 60, 3)
    assert ours.icc == usual.icc == profile
    assert ours.exif == usual.exif is not None
    # Held in 8 bits between two conversions, which costs most where the curves are steep: near black.
    difference = np.abs(ours.rgb - usual.rgb)
    assert difference.mean() < 0.5 / 255
    assert difference.max() < 10 / 255


def test_the_helper_gives_the_same_picture(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (700, 300, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    here, there = (streaming.read(tmp_path / "a.png", trusted=trusted) for trusted in (True, False))
    assert np.array_equal(here.samples, there.samples)
    assert here.notes == there.notes


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(UnreadableImage, match=r"a\.png"):
        streaming.read(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="no such file"):
        streaming.read(tmp_path / "b.png")


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"kept")
    with pytest.raises(WouldOverwrite):
        streaming.write(canvas(4, 4), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"kept"


def canvas(height: int, width: int) -> Canvas:
    samples = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Canvas(samples, None, 8, None, None, "png", ())


@settings(max_examples=60, deadline=None)
@given(strips=st.lists(st.integers(1, 40), min_size=1, max_size=8), behind=st.integers(0, 50))
def test_strips_replace_the_picture_behind_whoever_looks_at_it(strips: list[int], behind: int) -> None:
    height = sum(strips)
    picture = canvas(height, 3)
    before = picture.rows(0, height)

    def painted() -> Iterator[NDArray[np.float32]]:
        end = 0
        for rows in strips:
            seen = max(0, end - behind)
            assert np.array_equal(picture.rows(seen, height), before[seen:]), "what may be looked at is unchanged"
            yield 1 - before[end : end + rows]
            end += rows

    picture.paint_over(painted(), behind=behind)
    assert np.allclose(picture.rows(0, height), 1 - before, atol=1e-6)


def test_strips_that_are_no_picture_are_refused() -> None:
    with pytest.raises(BadPixels, match="rows"):
        canvas(5, 3).paint_over([np.zeros((4, 3, 3), np.float32)], behind=0)
    with pytest.raises(BadPixels, match="not numbers"):
        canvas(1, 3).paint_over([np.full((1, 3, 3), np.nan, np.float32)], behind=0)
