"""What a PNG file says outside its pixels: colours, EXIF and frames, from its chunks (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from flamingo.images import cicp

__all__ = ["Described", "described"]

_LONGEST = 4 << 20
_RAW_PROFILES = (b"Raw profile type exif", b"Raw profile type APP1")


@dataclass(frozen=True)
class Described:
    """exif: the block, or None; numbers: primaries and transfer, or None; gamma: of the screen, or None; places:
    chromaticities, or None; srgb, icc: whether it says so; frames: how many it has."""

    exif: bytes | None = None
    numbers: tuple[int, int] | None = None
    gamma: float | None = None
    places: cicp.Chromaticities | None = None
    srgb: bool = False
    icc: bool = False
    frames: int = 1

    @property
    def codes(self) -> cicp.ColourCodes:
        """What its colours are. cICP comes before a profile, and that before sRGB, gAMA and cHRM (11.3.2)."""
        if self.numbers is not None:
            return cicp.told_by_numbers(*self.numbers)
        if self.icc or self.srgb:
            return cicp.SRGB
        return cicp.told_by_png(self.gamma, self.places)


def described(data: bytes) -> Described:
    """Read the chunks of a PNG file, wherever they stand. What is wrong in one leaves it out.

    Args:
        data: the whole file.
    """
    fields: dict[str, object] = {}
    raw = None
    for kind, body in _chunks(data):
        if kind == b"eXIf" and "exif" not in fields:
            fields["exif"] = bytes(body)
        elif kind == b"cICP" and len(body) == 4:
            fields["numbers"] = (body[0], body[1])
        elif kind == b"gAMA" and len(body) == 4:
            (stored,) = struct.unpack(">I", body)
            fields["gamma"] = 100_000 / stored if stored else None
        elif kind == b"cHRM" and len(body) == 32:
            white_x, white_y, *colours = (value / 100_000 for value in struct.unpack(">8I", body))
            fields["places"] = (*colours, white_x, white_y)
        elif kind == b"sRGB":
            fields["srgb"] = True
        elif kind == b"iCCP":
            fields["icc"] = True
        elif kind == b"acTL" and len(body) == 8:
            fields["frames"] = max(1, struct.unpack_from(">I", body)[0])
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and raw is None:
            raw = _raw_profile(kind, body)
    if raw is not None:
        fields.setdefault("exif", raw)
    return Described(**fields)  # type: ignore[arg-type]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            return
        if kind not in (b"IDAT", b"fdAT") and size <= _LONGEST:
            body = data[at + 8 : at + 8 + size]
            if zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + size)[0]:
                yield kind, body
        at += 12 + size
        if kind == b"IEND":
            return


def _raw_profile(kind: bytes, body: bytes) -> bytes | None:
    """EXIF as ImageMagick 6 writes it: a text of hexadecimal digits, after the profile's name and length."""
    keyword, _, rest = body.partition(b"\0")
    if keyword not in _RAW_PROFILES:
        return None
    try:
        if kind == b"zTXt":
            rest = zlib.decompressobj().decompress(rest[1:], _LONGEST)
        elif kind == b"iTXt":
            text = rest[2:].split(b"\0", 2)[-1]
            rest = zlib.decompressobj().decompress(text, _LONGEST) if rest[:1] == b"\1" else text
        block = bytes.fromhex(b"".join(rest.split()[2:]).decode("ascii"))
    except (ValueError, zlib.error):
        return None
    start = block.find(b"Exif\0\0")  # APP1 holds a JPEG's whole segment; another kind of APP1 is XMP
    if start >= 0:
        return block[start:]
    return block if block[:2] in (b"II", b"MM") else None
