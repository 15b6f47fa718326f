"""What comes out of a picture file: colours, orientation, depth, transparency, and what is said about it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flamingo import errors
from flamingo.images import Limits, Picture, from_bytes, read
from tests.images import files


def levels(picture: Picture, top: int = 255) -> np.ndarray:
    return np.rint(picture.rgb * top).astype(int)


def test_a_16_bit_png_keeps_its_16_bits() -> None:
    array = files.noise(dtype=np.uint16)
    picture = from_bytes(files.png(array))
    assert picture.depth == 16
    assert (levels(picture, 65535) == array).all()


def test_a_16_bit_grey_png_is_not_flat() -> None:
    array = files.noise(channels=1, dtype=np.uint16)
    picture = from_bytes(files.png(array))
    assert (picture.depth, picture.grey) == (16, True)
    assert (levels(picture, 65535) == array).all()


def test_grey_with_transparency() -> None:
    array = files.noise(channels=2)
    picture = from_bytes(files.png(array))
    assert picture.grey and picture.alpha is not None
    assert (levels(picture) == array[..., :1]).all()
    assert (np.rint(picture.alpha * 255) == array[..., 1]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    image = files.photo().convert("1")
    picture = from_bytes(files.saved(image, kind))
    assert picture.depth == 8 and picture.grey
    assert (levels(picture) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP"])
def test_a_palette_becomes_its_colours(kind: str) -> None:
    image = files.photo().quantize(16)
    picture = from_bytes(files.saved(image, kind))
    assert (levels(picture) == np.asarray(image.convert("RGB"))).all()
    assert not picture.grey


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_becomes_transparency(kind: str) -> None:
    image = files.photo().quantize(16)
    picture = from_bytes(files.saved(image, kind, transparency=3))
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (np.asarray(image) == 3)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_the_same_pixels_come_from_every_lossless_format(kind: str) -> None:
    array = files.noise()
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = from_bytes(files.saved(Image.fromarray(array), kind, **options))
    assert picture.format == kind.lower() and picture.depth == 8
    assert (levels(picture) == array).all()
    assert picture.rgb.dtype == np.float32 and picture.rgb.flags.c_contiguous


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(files.saved(files.photo(), "PNG"))
    assert read(tmp_path / "photo.jpg").format == "png"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_orientation_is_applied(kind: str, orientation: int) -> None:
    upright = files.photo(32, 48)
    turned = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    stored = upright
    for turn in turned:
        stored = stored.transpose(turn)
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    data = files.saved(stored, kind, exif=files.exif(orientation=orientation), **options)
    picture = from_bytes(data)
    assert picture.rgb.shape == (32, 48, 3)
    assert np.abs(levels(picture) - np.asarray(upright)).max() < 40


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_is_used_and_said_so(kind: str) -> None:
    frames = [Image.fromarray(files.noise(seed=seed)) for seed in range(3)]
    data = files.saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert from_bytes(data).notes == ("used the first of 3 frames",)


def test_the_first_page_is_used_and_said_so() -> None:
    frames = [Image.fromarray(files.noise(seed=seed)) for seed in range(3)]
    picture = from_bytes(files.saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    assert picture.notes == ("used the first of 3 pages",)
    assert (levels(picture) == np.asarray(frames[0])).all()


def test_the_main_picture_of_an_mpo_is_used_and_said_so() -> None:
    data = files.saved(files.photo(), "MPO", save_all=True, append_images=[files.photo()])
    picture = from_bytes(data)
    assert picture.format == "jpeg"
    assert picture.notes == ("used the first of 2 pictures in the file",)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted_and_said_so(kind: str) -> None:
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    black = Image.new("CMYK", (16, 16), (0, 0, 0, 255))
    assert from_bytes(files.saved(white, kind)).rgb.mean() > 0.95
    picture = from_bytes(files.saved(black, kind))
    assert picture.rgb.mean() < 0.25
    assert "CMYK" in picture.notes[0]


def test_a_srgb_profile_changes_nothing() -> None:
    array = files.noise()
    picture = from_bytes(files.saved(Image.fromarray(array), "PNG", icc_profile=files.srgb_profile()))
    assert picture.icc is None and picture.notes == ()
    assert (levels(picture) == array).all()


def test_a_wide_profile_is_converted_to_srgb() -> None:
    profile = files.wide_profile()
    image = Image.new("RGB", (8, 8), (100, 150, 100))
    picture = from_bytes(files.saved(image, "PNG", icc_profile=profile))
    assert picture.icc == profile and picture.depth == 8 and picture.notes == ()
    red, green, _ = levels(picture)[0, 0]
    # The primaries lie further out, so the same numbers mean a more vivid green.
    assert red < 80 and green >= 150


def test_grey_stays_grey_under_a_wide_profile() -> None:
    picture = from_bytes(files.saved(Image.new("RGB", (8, 8), (128,) * 3), "PNG", icc_profile=files.wide_profile()))
    assert np.ptp(levels(picture)[0, 0]) <= 1
    assert abs(levels(picture).mean() - 128) < 3


@pytest.mark.parametrize("profile", [b"x" * 400, b"", files.wide_profile()[:200]])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_broken_profile_is_ignored_and_said_so(profile: bytes, kind: str) -> None:
    picture = from_bytes(files.saved(files.photo(), kind, icc_profile=profile))
    assert picture.icc is None
    assert np.abs(levels(picture) - np.asarray(files.photo())).max() < 60
    if profile and kind != "PNG":  # libpng leaves it out before anybody sees it
        assert "profile" in picture.notes[0]


def test_floating_point_is_taken_as_linear_light_and_said_so() -> None:
    array = np.full((8, 8, 3), 0.2140, np.float32)
    picture = from_bytes(files.tiff(array, 2))
    assert picture.depth == 16
    assert np.allclose(picture.rgb, 0.5, atol=1e-3)
    assert "floating point" in picture.notes[0]


def test_floating_point_beyond_white_is_clipped() -> None:
    array = np.array([[[-1.0, 2.0, np.inf], [0, 1, 0.5]]], np.float32)
    array[0, 0, 2] = 9
    assert (from_bytes(files.tiff(array, 2)).rgb[0, 0] == [0, 1, 1]).all()


@pytest.mark.parametrize("value", [np.nan, -np.inf, 255.0, np.inf])
def test_floating_point_that_is_no_picture_is_refused(value: float) -> None:
    with pytest.raises(errors.BadInput):
        from_bytes(files.tiff(np.array([[[value, 0.0, 1.0]]], np.float32), 2))


def test_32_bit_integers_are_reduced_and_said_so() -> None:
    array = files.noise(dtype=np.uint32)
    picture = from_bytes(files.tiff(array, 2))
    assert (levels(picture, 65535) == array >> 16).all()
    assert picture.notes == ("reduced from 32 bits per channel to 16",)


def test_signed_samples_are_refused() -> None:
    with pytest.raises(errors.UnsupportedImage, match="type"):
        from_bytes(files.tiff(np.zeros((4, 4, 3), np.int16), 2))


def test_premultiplied_transparency_is_undone() -> None:
    array = np.zeros((4, 4, 4), np.uint8)
    array[...] = (50, 0, 0, 100)
    associated = from_bytes(files.tiff(array, 2, {338: (3, [1])}))
    plain = from_bytes(files.tiff(array, 2, {338: (3, [2])}))
    assert abs(levels(associated)[0, 0, 0] - 127) <= 1
    assert levels(plain)[0, 0, 0] == 50


@pytest.mark.parametrize("size", [(1, 1), (4000, 40), (1, 3000), (3000, 1)])
def test_extreme_shapes_are_read_as_they_are(size: tuple[int, int]) -> None:
    data = files.saved(Image.new("RGB", size, "red"), "PNG")
    assert from_bytes(data).rgb.shape == (size[1], size[0], 3)


def test_exif_keeps_date_and_camera_and_drops_the_place() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        raw = files.exif(orientation=6).tobytes()
        block = from_bytes(files.saved(files.photo(), kind, exif=raw)).exif
        assert block is not None
        found = Image.Exif()
        found.load(block)
        assert found[0x010F] == "Camera & Sons"
        assert found.get_ifd(0x8769)[0x9003] == "2021:02:03 04:05:06"
        assert 0x0112 not in found and not found.get_ifd(0x8825)
        assert b"serial number" not in block


def test_the_place_is_kept_if_asked_for() -> None:
    block = from_bytes(files.saved(files.photo(), "JPEG", exif=files.exif()), keep_gps=True).exif
    found = Image.Exif()
    assert block is not None
    found.load(block)
    assert found.get_ifd(0x8825)[1] == "N"


# What is refused ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(kind: str, part: float) -> None:
    data = files.saved(Image.fromarray(files.noise(200, 200)), kind)
    with pytest.raises(errors.UnreadableImage, match=r"cut short|damaged"):
        from_bytes(data[: int(len(data) * part)])


def test_a_progressive_jpeg_cut_short_is_refused() -> None:
    data = files.saved(Image.fromarray(files.noise(200, 200)), "JPEG", progressive=True)
    with pytest.raises(errors.UnreadableImage, match="cut short"):
        from_bytes(data[: len(data) * 2 // 3])


def test_196_megapixels_are_refused_from_the_header() -> None:
    with pytest.raises(errors.ImageTooLarge, match="196 megapixels, more than 120"):
        from_bytes(files.png(files.noise(), claim=(14000, 14000)))


def test_48_megapixels_are_read_at_full_size() -> None:
    data = files.saved(Image.new("RGB", (8000, 6000), (10, 20, 30)), "JPEG")
    picture = from_bytes(data)
    assert picture.rgb.shape == (6000, 8000, 3) and picture.notes == ()


def test_a_side_longer_than_jpeg_can_hold_is_refused() -> None:
    with pytest.raises(errors.ImageTooLarge, match="side"):
        from_bytes(files.png(files.noise(), claim=(70000, 10)))


def test_the_limits_can_be_set() -> None:
    data = files.saved(files.photo(), "PNG")
    for limits in (Limits(pixels=100), Limits(bytes=20), Limits(memory=1000)):
        with pytest.raises(errors.ImageTooLarge):
            from_bytes(data, limits=limits)


def test_a_file_that_takes_too_long_is_given_up() -> None:
    data = files.saved(Image.new("RGB", (4000, 4000)), "JPEG")
    with pytest.raises(errors.UnreadableImage, match="too long"):
        from_bytes(data, limits=Limits(seconds=1e-4))
    assert from_bytes(data).width == 4000  # and the next one is none the worse


def test_many_passes_over_a_large_picture_are_refused() -> None:
    data = files.saved(Image.new("L", (8000, 8000), 128), "JPEG", progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(errors.UnreadableImage):
        from_bytes(data[:-2] + data[last:-2] * 300 + data[-2:])


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "film"),
        (b"%PDF-1.4 " + bytes(20), "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"hello, this is text", "some other file"),
    ],
)
def test_other_files_are_called_by_their_name(data: bytes, title: str) -> None:
    with pytest.raises(errors.UnsupportedImage, match=title):
        from_bytes(data)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name, why in {
        "gone.jpg": "no such file",
        ".": "folder",
        "empty.jpg": "empty",
        "a\0b.jpg": ".",
    }.items():
        with pytest.raises(errors.UnreadableImage, match=why):
            read(tmp_path / name)


def test_a_name_cannot_break_the_line(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableImage) as caught:
        read(tmp_path / "evil\n\x1b[31mname\u202e.jpg")
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()


def test_the_reader_says_nothing_on_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = files.saved(files.photo(), "JPEG")
    odd = [data[:300], data[:20] + b"\0\0\0" + data[20:], files.saved(files.photo(), "TIFF")[:600]]
    for trusted in (True, False):
        for content in odd:
            try:
                from_bytes(content, trusted=trusted)
            except errors.BadInput:
                continue
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@settings(max_examples=15, deadline=None)
@given(
    place=st.floats(0, 1, exclude_max=True),
    junk=st.binary(min_size=1, max_size=8),
    header=st.booleans(),
)
def test_a_damaged_file_gives_a_picture_or_one_line(kind: str, place: float, junk: bytes, header: bool) -> None:
    data = bytearray(files.saved(files.photo(), kind))
    start = int(place * (min(len(data), 120) if header else len(data)))
    data[start : start + len(junk)] = junk
    try:
        picture = from_bytes(bytes(data))
    except errors.BadInput as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert np.isfinite(picture.rgb).all()


@given(
    array=st.integers(0, 2**32).map(
        lambda seed: files.noise(1 + seed % 7, 1 + seed % 11, 1 + seed % 4, [np.uint8, np.uint16][seed % 2], seed)
    )
)
@settings(max_examples=30, deadline=None)
def test_here_and_in_the_helper_it_is_the_same(array: np.ndarray) -> None:
    data = files.png(array)
    near, far = from_bytes(data, trusted=True), from_bytes(data)
    assert (near.rgb == far.rgb).all()
    assert (near.alpha is None) == (far.alpha is None) == (array.shape[2] in (1, 3))
    assert struct.unpack(">II", data[16:24]) == (far.width, far.height)
