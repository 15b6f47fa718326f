"""HEIC and AVIF files, whole, odd and damaged."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flamingo import errors
from flamingo.images import Limits, from_bytes
from flamingo.images.heif import exif_places
from tests.images import files

pillow_heif = pytest.importorskip("pillow_heif", reason="its encoder makes the HEIC files (extra `dev`)")


def heic(image: Image.Image, *, tile: int = 0, **options: Any) -> bytes:
    out = io.BytesIO()
    before = pillow_heif.options.GRID_TILE_SIZE
    pillow_heif.options.GRID_TILE_SIZE = tile
    try:
        pillow_heif.from_pillow(image).save(out, **{"quality": 90, "chroma": 444, **options})
    finally:
        pillow_heif.options.GRID_TILE_SIZE = before
    return out.getvalue()


def avif(image: Image.Image, **options: Any) -> bytes:
    return files.saved(image, "AVIF", quality=90, **options)


def test_a_grid_of_tiles_as_phones_write_it_is_one_picture() -> None:
    whole = from_bytes(heic(files.photo(160, 224), tile=64))
    assert (whole.format, whole.height, whole.width, whole.notes) == ("heic", 160, 224, ())
    assert np.abs(whole.rgb - np.asarray(files.photo(160, 224)) / 255).mean() < 0.02


@pytest.mark.parametrize("encode", [heic, avif])
def test_grey_is_grey(encode: Any) -> None:
    picture = from_bytes(encode(files.photo(64, 64).convert("L")))
    assert np.ptp(picture.rgb, axis=2).max() < 0.02


def test_an_orientation_in_exif_alone_is_said_and_not_applied() -> None:
    """The picture's own properties count; a block of EXIF is not looked at by any viewer."""
    block = files.exif(orientation=6)
    data = heic(files.photo(64, 96), exif=block)  # given as an object, the encoder writes it and turns nothing
    picture = from_bytes(data)
    assert (picture.height, picture.width) == (64, 96)
    (note,) = picture.notes
    assert "EXIF" in note and "not turned" in note


@pytest.mark.parametrize("encode", [heic, avif])
def test_the_limits_hold_from_the_header(encode: Any) -> None:
    data = bytearray(encode(files.photo(64, 96)))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(errors.ImageTooLarge, match="megapixels"):
        from_bytes(bytes(data))
    with pytest.raises(errors.ImageTooLarge):
        from_bytes(encode(files.photo(64, 96)), limits=Limits(pixels=100))


def test_a_picture_that_is_larger_than_it_says_is_refused() -> None:
    data = bytearray(heic(files.photo(64, 96)))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 8, 8)
    with pytest.raises(errors.BadInput):
        from_bytes(bytes(data))


def test_other_codecs_in_a_heif_file_are_named() -> None:
    data = heic(files.photo(64, 96)).replace(b"hvc1", b"avc1", 1)
    with pytest.raises(errors.UnsupportedImage, match=r"H\.264"):
        from_bytes(data)


def test_a_sequence_without_a_still_is_said_to_be_one() -> None:
    data = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"msf1", 0, b"msf1", b"hevc")
    data += struct.pack(">I4sI4s", 16, b"moov", 8, b"trak")
    with pytest.raises(errors.UnsupportedImage, match="sequence"):
        from_bytes(data)


@pytest.mark.parametrize("encode", [heic, avif])
def test_the_exif_block_is_found_where_it_lies(encode: Any) -> None:
    data = encode(files.photo(64, 96), exif=files.exif().tobytes())
    (place,) = exif_places(data)
    assert data[place : place + 2] in (b"II", b"MM")
    for end in range(0, len(data), 7):  # whatever is missing, nothing fails
        exif_places(data[:end])


_SEEDS = {
    "grid": heic(files.photo(128, 192), tile=64),
    "alpha": heic(files.photo(64, 96).convert("RGBA")),
    "avif": avif(files.photo(64, 96)),
    "sequence": avif(files.photo(64, 96), save_all=True, append_images=[files.photo(64, 96).rotate(180)]),
}


@given(
    kind=st.sampled_from(sorted(_SEEDS)),
    places=st.lists(st.floats(0, 0.999), min_size=1, max_size=6),
    junk=st.binary(min_size=1, max_size=6),
    kept=st.floats(0.05, 1),
    head=st.booleans(),
)
@settings(max_examples=60)
def test_a_damaged_file_gives_a_picture_or_one_line(
    kind: str, places: list[float], junk: bytes, kept: float, head: bool
) -> None:
    data = bytearray(_SEEDS[kind])
    for place in places:
        at = int(place * (min(len(data), 800) if head else len(data)))
        data[at : at + len(junk)] = junk
    try:
        picture = from_bytes(bytes(data[: max(1, int(kept * len(data)))]))
    except errors.BadInput as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(picture.rgb).all()
