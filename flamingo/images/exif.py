"""EXIF: what is kept of it, and how it gets into a TIFF file.

Kept are the facts a person would want under the picture: when, with which camera and lens, by whom. Dropped
are the place (unless asked for), the thumbnail (it shows the photo, not the painting), the orientation (it is
applied) and the maker's private notes (they hold serial numbers and break when moved).
"""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from typing import Any

from PIL import Image

__all__ = ["cleaned", "of_tiff", "with_exif"]

_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_LONGEST_VALUE = 2000
_LONGEST_BLOCK = 60_000  # a JPEG segment holds 65,533 bytes

_KEPT_MAIN = frozenset(
    {
        0x010E,  # ImageDescription
        0x010F,  # Make
        0x0110,  # Model
        0x0132,  # DateTime
        0x013B,  # Artist
        0x8298,  # Copyright
    }
)
_KEPT_EXIF = frozenset(
    {
        0x829A,  # ExposureTime
        0x829D,  # FNumber
        0x8822,  # ExposureProgram
        0x8827,  # PhotographicSensitivity
        0x9003,  # DateTimeOriginal
        0x9004,  # DateTimeDigitized
        0x9010,  # OffsetTime
        0x9011,  # OffsetTimeOriginal
        0x9012,  # OffsetTimeDigitized
        0x9201,  # ShutterSpeedValue
        0x9202,  # ApertureValue
        0x9204,  # ExposureBiasValue
        0x9205,  # MaxApertureValue
        0x9206,  # SubjectDistance
        0x9207,  # MeteringMode
        0x9208,  # LightSource
        0x9209,  # Flash
        0x920A,  # FocalLength
        0x9290,  # SubSecTime
        0x9291,  # SubSecTimeOriginal
        0x9292,  # SubSecTimeDigitized
        0xA402,  # ExposureMode
        0xA403,  # WhiteBalance
        0xA405,  # FocalLengthIn35mmFilm
        0xA432,  # LensSpecification
        0xA433,  # LensMake
        0xA434,  # LensModel
    }
)
_GPS_TAGS = frozenset(range(0x20))


def cleaned(raw: bytes | Image.Exif | None, *, keep_gps: bool) -> bytes | None:
    """The kept part of an EXIF block, starting `Exif\\0\\0`; None if nothing is left or it is broken."""
    if raw is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _cleaned(raw, keep_gps)
    except Exception:  # made from whatever a file holds: there is no end of ways in which it can be wrong
        return None


def _cleaned(raw: bytes | Image.Exif, keep_gps: bool) -> bytes | None:
    if isinstance(raw, bytes):
        source = Image.Exif()
        source.load(raw)
    else:
        source = raw
    result = Image.Exif()
    result.update(_kept(dict(source), _KEPT_MAIN))
    for folder, kept in ((_EXIF_IFD, _KEPT_EXIF), (_GPS_IFD, _GPS_TAGS if keep_gps else frozenset())):
        if found := _kept(source.get_ifd(folder), kept):
            result.get_ifd(folder).update(found)
            result[folder] = result.get_ifd(folder)
    if not len(result):
        return None
    block = result.tobytes()
    if not block.startswith(b"Exif\0\0"):
        block = b"Exif\0\0" + block
    return block if len(block) <= _LONGEST_BLOCK else None


def _kept(source: dict[int, Any], kept: frozenset[int]) -> dict[int, Any]:
    result = {}
    for tag in sorted(kept & set(source)):
        value = source[tag]
        if isinstance(value, str | bytes | tuple) and len(value) > _LONGEST_VALUE:
            continue
        # One value that cannot be written must not cost the others.
        trial = Image.Exif()
        try:
            trial[tag] = value
            trial.tobytes()
        except Exception:
            continue
        result[tag] = value
    return result


def of_tiff(data: bytes) -> Image.Exif | None:
    """The EXIF block of a TIFF file, which is spread over its own tags. libvips does not read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=["TIFF"]) as image:
                block = image.getexif()
                for folder in (_EXIF_IFD, _GPS_IFD):  # read late, and only while the file is open
                    block.get_ifd(folder)
                return block
    except Exception:  # as above; libvips decides whether the file is sound
        return None


def with_exif(tiff: bytes, block: bytes) -> bytes:
    """A TIFF file, as just written by us (little endian, not big), with an EXIF block, which libvips drops.

    The block is a little TIFF of its own. Its values are appended with their offsets moved, and a new first
    directory, the old entries and the new ones together, takes the place of the old one.
    """
    if tiff[:4] != b"II*\0":
        return tiff
    exif = Image.Exif()
    exif.load(block)
    exif.endian = "<"
    tiff += b"\0" * (len(tiff) % 2)
    base = len(tiff)
    # tobytes(offset) gives an 8-byte header, then directories whose offsets count from `offset`.
    extra = exif.tobytes(offset=base).removeprefix(b"Exif\0\0")[8:]
    (start,) = struct.unpack_from("<I", tiff, 4)
    entries = {**_entries(extra, 0), **_entries(tiff, start)}
    body = tiff + extra + b"\0" * (len(extra) % 2)
    directory = b"".join(entries[tag] for tag in sorted(entries))
    return body[:4] + struct.pack("<I", len(body)) + body[8:] + struct.pack("<H", len(entries)) + directory + bytes(4)


def _entries(data: bytes, start: int) -> dict[int, bytes]:
    """The entries of the directory at `start`, 12 bytes each, by tag."""
    (count,) = struct.unpack_from("<H", data, start)
    found = (data[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count))
    return {int.from_bytes(entry[:2], "little"): entry for entry in found}
