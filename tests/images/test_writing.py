"""What goes into a picture file, what is said when it does not fit, and what is never overwritten."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from flamingo import errors
from flamingo.files import put
from flamingo.images import Picture, from_bytes, read, to_bytes, write
from tests.images import files

KINDS = ["jpeg", "png", "webp", "tiff", "bmp"]
SUFFIXES = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".PNG"]


def picture(**fields: Any) -> Picture:
    rgb = np.asarray(files.photo(), np.float32) / np.float32(255)
    return Picture(rgb=rgb, **fields)


def alpha() -> np.ndarray:
    return np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(24, 32)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_an_8_bit_picture_written_unchanged_is_bit_identical(seed: int) -> None:
    array = files.noise(1 + seed % 9, 1 + seed % 13, 3 + seed % 2, seed=seed)
    for kind in ("png", "tiff"):
        data, notes = to_bytes(from_bytes(files.png(array)), kind)
        assert notes == ()
        assert (np.asarray(Image.open(io.BytesIO(data))) == array).all()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_a_16_bit_picture_written_unchanged_is_bit_identical(seed: int) -> None:
    array = files.noise(1 + seed % 9, 1 + seed % 13, 3 + seed % 2, np.uint16, seed)
    for kind in ("png", "tiff"):
        back = from_bytes(to_bytes(from_bytes(files.png(array)), kind)[0])
        assert back.depth == 16
        assert (np.rint(back.rgb * 65535) == array[..., :3]).all()
        assert back.alpha is None or (np.rint(back.alpha * 65535) == array[..., 3]).all()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str) -> None:
    assert write(picture(), tmp_path / f"out{suffix}") == ()
    back = read(tmp_path / f"out{suffix}")
    assert back.format in KINDS and back.notes == ()
    assert np.abs(back.rgb - picture().rgb).mean() < 0.02


@pytest.mark.parametrize("kind", ["jpeg", "webp", "bmp"])
def test_reducing_16_bits_is_said(kind: str) -> None:
    _, notes = to_bytes(picture(depth=16), kind)
    assert "holds 8 bits: 16-bit source reduced" in notes[0]


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_transparency_survives(kind: str) -> None:
    data, notes = to_bytes(picture(alpha=alpha()), kind)
    back = from_bytes(data)
    assert notes == () and back.alpha is not None
    assert np.abs(back.alpha - alpha()).max() < 0.01


@pytest.mark.parametrize("kind", ["jpeg", "bmp"])
def test_transparency_is_laid_on_white_where_it_cannot_be_kept_and_said_so(kind: str) -> None:
    data, notes = to_bytes(picture(alpha=np.zeros((24, 32), np.float32)), kind)
    assert notes[0].endswith("has no transparency: laid on white")
    assert from_bytes(data).rgb.min() > 0.98


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_the_profile_of_the_source_is_used_and_embedded(kind: str) -> None:
    profile = files.wide_profile()
    image = Image.new("RGB", (16, 16), (100, 150, 100))
    source = from_bytes(files.saved(image, "PNG", icc_profile=profile))
    data, notes = to_bytes(source, kind)
    stored = Image.open(io.BytesIO(data))
    assert notes == () and stored.info["icc_profile"] == profile
    assert np.abs(np.asarray(stored.convert("RGB")).astype(int) - (100, 150, 100)).max() <= 4


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_otherwise_a_srgb_profile_is_embedded(kind: str) -> None:
    stored = Image.open(io.BytesIO(to_bytes(picture(), kind)[0]))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(stored.info["icc_profile"]))
    assert "srgb" in ImageCms.getProfileDescription(profile).lower()


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("keep_gps", [False, True])
def test_exif_is_written_where_the_format_can(kind: str, depth: Any, keep_gps: bool) -> None:
    data = files.saved(files.photo(), "JPEG", exif=files.exif(orientation=6))
    source = from_bytes(data, keep_gps=keep_gps)
    result = picture(exif=source.exif, depth=depth)
    stored = Image.open(io.BytesIO(to_bytes(result, kind)[0])).getexif()
    assert stored[0x010F] == "Camera & Sons"
    assert stored.get_ifd(0x8769)[0x9003] == "2021:02:03 04:05:06"
    assert stored.get(0x0112, 1) == 1
    assert bool(stored.get_ifd(0x8825)) is keep_gps


def test_webp_at_full_quality_is_lossless() -> None:
    back = from_bytes(to_bytes(picture(), "webp", quality=100)[0])
    assert (back.rgb == picture().rgb).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_that_are_not_numbers_are_refused(tmp_path: Path, kind: str, value: float) -> None:
    bad = picture()
    bad.rgb[3, 4, 1] = value
    with pytest.raises(errors.BadPixels, match="not numbers"):
        write(bad, tmp_path / f"out.{kind if kind != 'jpeg' else 'jpg'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.float32),
        np.zeros((0, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((4, 4, 3)),
        [[[0.0, 0.0, 0.0]]],
    ],
)
def test_arrays_of_another_shape_or_type_are_refused(rgb: Any) -> None:
    with pytest.raises(errors.BadPixels):
        picture().with_rgb(rgb)


def test_values_beyond_white_are_clipped() -> None:
    over = picture().with_rgb(np.full((2, 2, 3), 1e30, np.float32))
    assert (from_bytes(to_bytes(over, "png")[0]).rgb == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (40, 4000), (4000, 40)])
@pytest.mark.parametrize("kind", KINDS)
def test_extreme_shapes_are_written(size: tuple[int, int], kind: str) -> None:
    data, _ = to_bytes(Picture(rgb=np.zeros((*size, 3), np.float32)), kind)
    assert from_bytes(data).rgb.shape == (*size, 3)


def test_webp_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(errors.OutputError, match="16383"):
        to_bytes(Picture(rgb=np.zeros((1, 16384, 3), np.float32)), "webp")


# Places ----------------------------------------------------------


@pytest.mark.parametrize("name", ["out.gif", "out", "out.xyz", "out."])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.BadRequest, match=r"suffix|cannot be written"):
        write(picture(), tmp_path / name)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_a_quality_out_of_range_is_refused(tmp_path: Path, quality: int) -> None:
    with pytest.raises(errors.BadRequest, match="quality"):
        write(picture(), tmp_path / "out.jpg", quality=quality)


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    with pytest.raises(errors.WouldOverwrite):
        write(picture(), target)
    assert target.read_bytes() == b"precious"
    write(picture(), target, overwrite=True)
    assert read(target).width == 32


@pytest.mark.parametrize("way", ["same", "symbolic", "hard", "dotted"])
def test_an_input_is_never_overwritten_under_any_name(tmp_path: Path, way: str) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(files.saved(files.photo(), "PNG"))
    before = source.read_bytes()
    target = tmp_path / "out.png"
    if way == "symbolic":
        target.symlink_to(source)
    elif way == "hard":
        target.hardlink_to(source)
    else:
        target = source if way == "same" else tmp_path / "sub" / ".." / "in.png"
        (tmp_path / "sub").mkdir()
    with pytest.raises(errors.WouldOverwrite, match="input"):
        write(picture(), target, overwrite=True, never=[source])
    assert source.read_bytes() == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.NoSuchFolder, match="no folder"):
        write(picture(), tmp_path / "gone" / "out.png")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    with pytest.raises(errors.OutputError, match="folder"):
        write(picture(), tmp_path / "out.png", overwrite=True)


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.OutputError):
        write(picture(), tmp_path / ("x" * 300 + ".png"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(errors.OutputError, match="may not be written to"):
        write(picture(), tmp_path / "out.png")


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, errors.DiskFull), (errno.EROFS, errors.OutputError), (errno.EIO, errors.OutputError)],
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind) as caught:
        write(picture(), target, overwrite=True)
    assert len(str(caught.value).splitlines()) == 1
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


# Sizes ----------------------------------------------------------


def test_a_panorama_keeps_its_shape_when_resized() -> None:
    wide = Picture(rgb=np.zeros((40, 4000, 3), np.float32)).resized(1000)
    assert wide.rgb.shape == (10, 1000, 3)
    assert wide.notes == ("resized from 4000 x 40 to 1000 x 10",)
    assert wide.resized(10).rgb.shape == (1, 10, 3)


@given(height=st.integers(1, 300), width=st.integers(1, 300), longest=st.integers(1, 400))
@settings(max_examples=80, deadline=None)
def test_resizing_gives_the_size_asked_for_and_says_so(height: int, width: int, longest: int) -> None:
    plain = Picture(rgb=np.full((height, width, 3), 0.3, np.float32), alpha=np.ones((height, width), np.float32))
    result = plain.resized(longest)
    assert max(result.rgb.shape) == max(longest, 3)
    assert bool(result.notes) == (result.rgb.shape != plain.rgb.shape)
    assert result.alpha is not None and result.alpha.shape == result.rgb.shape[:2]
    assert np.allclose(result.rgb, 0.3, atol=1e-3) and np.allclose(result.alpha, 1, atol=1e-3)


def test_hidden_colours_do_not_bleed_when_resized() -> None:
    rgb = np.zeros((64, 64, 3), np.float32)
    rgb[:, :32] = (1, 0, 0)  # visible red beside invisible black
    mask = np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    small = Picture(rgb=rgb, alpha=mask).resized(15)
    assert small.alpha is not None
    assert np.allclose(small.rgb[small.alpha > 0.1], (1, 0, 0), atol=0.02)


def test_transparency_follows_a_result_of_another_size() -> None:
    result = picture(alpha=alpha()).with_rgb(np.zeros((48, 64, 3), np.float32))
    assert result.alpha is not None and result.alpha.shape == (48, 64)


def test_a_file_that_comes_into_being_while_ours_is_written_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, flush = tmp_path / "a.png", os.fsync

    def meanwhile(number: int) -> None:
        target.write_bytes(b"somebody else's")
        flush(number)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(errors.WouldOverwrite, match="exists already"):
        put(b"ours", target, overwrite=False)
    assert target.read_bytes() == b"somebody else's"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
