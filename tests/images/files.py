"""Makes the odd picture files that the tests read, where possible not with what is under test."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Array = NDArray[Any]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int = 24, width: int = 32, channels: int = 3, dtype: Any = np.uint8, seed: int = 0) -> Array:
    top = np.iinfo(dtype).max + 1
    return np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype=dtype)


def photo(height: int = 24, width: int = 32) -> Image.Image:
    """Smooth, so that lossy formats keep it."""
    y, x = np.mgrid[0:height, 0:width]
    parts = [x * 255 / width, y * 255 / height, 255 - x * 255 / width]
    return Image.fromarray(np.stack(parts, axis=-1).astype(np.uint8))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(array: Array, *, claim: tuple[int, int] | None = None) -> bytes:
    """A PNG of an (H, W, C) array of uint8 or uint16; `claim`: another (width, height) for its header."""
    height, width, channels = array.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = array.astype(">u2" if array.dtype == np.uint16 else "u1")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", *(claim or (width, height)), 8 * array.dtype.itemsize, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(array: Array, photometric: int, tags: dict[int, tuple[int, list[int]]] | None = None) -> bytes:
    """An uncompressed little-endian TIFF of an (H, W, C) array. `tags`: number to (type 3 or 4, values)."""
    height, width, channels = array.shape
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    entries: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8 * array.dtype.itemsize] * channels),
        259: (3, [1]),
        262: (3, [photometric]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(data)]),
        339: (3, [kind] * channels),
        **(tags or {}),
    }
    data += b"\0" * (len(data) % 2)
    later, offset = b"", 8 + len(data)
    directory = struct.pack("<H", len(entries))
    for tag, (form, values) in sorted(entries.items()):
        body = struct.pack(f"<{len(values)}{'H' if form == 3 else 'I'}", *values)
        if len(body) > 4:
            place = struct.pack("<I", offset + 2 + 12 * len(entries) + 4 + len(later))
            later += body
        else:
            place = body.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, form, len(values)) + place
    return b"II*\0" + struct.pack("<I", offset) + data + directory + bytes(4) + later


def exif(*, orientation: int = 1) -> Image.Exif:
    """A block with a camera, a date, a place and private notes of the maker."""
    block = Image.Exif()
    block[0x010F] = "Camera & Sons"
    block[0x0112] = orientation
    block[0x0132] = "2021:02:03 04:05:06"
    block.get_ifd(0x8769)[0x9003] = "2021:02:03 04:05:06"
    block.get_ifd(0x8769)[0x927C] = b"serial number 12345"
    place = block.get_ifd(0x8825)
    place[1], place[2] = "N", (48.0, 12.0, 30.0)
    return block


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def wide_profile() -> bytes:
    """A small matrix profile with a gamma of 2.2 and the primaries of Adobe RGB, built by hand."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + bytes(78)
    tags = {
        b"desc": text + bytes(-len(text) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"test", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2021, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">iii", round(0.9642 * 65536), 65536, round(0.8249 * 65536))
    return head.ljust(128, b"\0") + table + body
