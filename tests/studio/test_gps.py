"""Taking the place out of picture files, whatever is in them."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from bad_images import mutated
from hypothesis import given
from hypothesis import strategies as st

from flamingo.studio.gps import without_place
from tests.studio.test_uploads import with_place

KINDS = ("jpeg", "png", "webp", "tiff")


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_taken_out_is_not_found_again(kind: str) -> None:
    cleaned = without_place(with_place(kind.upper()), kind)
    assert cleaned is not None
    assert without_place(cleaned, kind) is None


@given(st.sampled_from(KINDS), st.integers(0, 2**32))
def test_no_damage_makes_it_fail_or_grow(kind: str, seed: int) -> None:
    data = mutated(with_place(kind.upper()), random.Random(seed))
    cleaned = without_place(data, kind)
    assert cleaned is None or len(cleaned) <= len(data)


@given(st.sampled_from((*KINDS, "gif", "bmp")), st.binary(max_size=300))
def test_nonsense_is_left_alone(kind: str, data: bytes) -> None:
    assert without_place(data, kind) in (None, data)


def test_a_place_in_a_compressed_text_of_a_png_goes_with_the_text() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    clean = with_place("PNG")
    clean = without_place(clean, "png") or clean
    words = b'<rdf:RDF exif:GPSLatitude="51,30.2N"></rdf:RDF>'
    hidden = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(words))
    other = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a fine day"))
    assert without_place(clean[:33] + hidden + other + clean[33:], "png") == clean[:33] + other + clean[33:]


def test_a_large_tiff_is_understood_too() -> None:
    """BigTIFF, whose places are 8 bytes wide."""
    gps = struct.pack("<Q", 2)
    gps += struct.pack("<HHQ8s", 0, 1, 4, b"\2\3\0\0") + struct.pack("<HHQ8s", 1, 2, 2, b"N\0") + bytes(8)
    main = struct.pack("<Q", 2) + struct.pack("<HHQQ", 0x010F, 4, 1, 7)
    main += struct.pack("<HHQQ", 0x8825, 13, 1, 16 + len(main) + 20 + 8) + bytes(8)
    data = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + main + gps
    cleaned = without_place(data, "tiff")
    assert cleaned is not None and len(cleaned) == len(data)
    assert struct.unpack_from("<Q", cleaned, 16) == (1,)
    assert not any(cleaned[16 + len(main) :])
