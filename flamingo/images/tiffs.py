"""TIFF files of rare kinds: what their tags say, and pictures out of those that libvips does not read (TIFF 6.0)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flamingo.images import exif, vips

__all__ = ["Facts", "described", "lab", "unpacked"]

_LAB, _ICC_LAB = 8, 9
_PHOTOMETRICS = {
    0: "grey", 1: "grey", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "ICCLab",
}  # fmt: skip
_STRANGE = {
    4: "a transparency mask alone",
    10: "ITULab",
    32803: "a camera's raw samples",
    32844: "LogL",
    32845: "LogLuv",
    34892: "a camera's raw samples",
    51177: "a depth map",
}
_RAW = (32803, 34892)
_DNG = 0xC612
_SUB = 0x014A
_COMPRESSIONS = {
    1: "none", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34676: "SGI Log", 34677: "SGI Log", 34712: "JPEG 2000", 34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the first directory of a TIFF says. bits: of each sample, one number if all are equal, else 0; raw:
    whether it is a camera's raw file, whose first picture is only a preview; order: its byte order."""

    width: int
    height: int
    bits: int
    samples: int
    photometric: int | None
    compression: int
    form: int
    planar: int
    predictor: int
    tiled: bool
    raw: bool
    order: str
    folder: Mapping[int, exif.Entry]

    @property
    def strange(self) -> str:
        """What is rare about it, in words; "" for a usual kind."""
        if self.photometric is None:
            return "it does not say what its samples mean"
        if self.photometric not in _PHOTOMETRICS:
            return f"it holds {_STRANGE.get(self.photometric, f'samples of kind {self.photometric}')}"
        if not self.bits:
            return "its channels have different numbers of bits"
        odd = self.bits not in (1, 2, 4, 8, 16, 32) or (self.bits < 8 and self.samples > 1)
        if odd or self.form > 3:
            kind = {1: "", 2: " signed", 3: " floating-point", 5: " complex", 6: " complex"}.get(self.form, "")
            return f"{self.bits}{kind} bits per sample"
        if self.compression not in _COMPRESSIONS:
            return f"its compression is number {self.compression}"
        return "" if self.compression in (1, 2, 3, 4, 5, 7, 8, 32773, 32946) else (
            f"it is compressed with {_COMPRESSIONS[self.compression]}"
        )  # fmt: skip

    @property
    def packs_odd_bits(self) -> bool:
        """Whether `unpacked` reads it: grey or RGB of 3 to 15 bits that fill no byte, in plain strips."""
        return (
            1 < self.bits < 16
            and self.bits != 8
            and (self.bits not in (2, 4) or self.samples > 1)
            and self.photometric in (0, 1, 2)
            and self.samples == (3 if self.photometric == 2 else 1)
            and self.compression in (1, 8, 32946)
            and self.form == 1
            and self.planar == 1
            and self.predictor == 1
            and not self.tiled
        )


def described(data: bytes) -> Facts | None:
    """The first directory of a TIFF file.

    Args:
        data: the whole file.

    Returns:
        What it says; None if it cannot be read.
    """
    block = exif.parsed(data)
    if block is None:
        return None
    folder = block.folders[exif.MAIN]

    def number(tag: int, usual: int) -> int:
        value = block.number(exif.MAIN, tag)
        return usual if value is None else value

    bits = _numbers(block, folder.get(258)) or [1]
    photometric = block.number(exif.MAIN, 262)
    return Facts(
        number(256, 0),
        number(257, 0),
        bits[0] if len(set(bits)) == 1 else 0,
        number(277, 1),
        photometric,
        number(259, 1),
        number(339, 1),
        number(284, 1),
        number(317, 1),
        322 in folder,
        data[8:10] == b"CR" or _DNG in folder or photometric in _RAW or _raw_inside(data, block),
        block.order,
        folder,
    )


def _numbers(block: exif.Block, entry: exif.Entry | None) -> list[int]:
    form = {3: "H", 4: "I", 16: "Q"}.get(entry.kind) if entry else None
    return list(struct.unpack(f"{block.order}{entry.count}{form}", entry.data)) if entry and form else []


def _raw_inside(data: bytes, block: exif.Block) -> bool:
    """Whether a further directory holds raw samples: so are the files of Nikon, Sony and others."""
    if data[2:4] not in (b"*\0", b"\0*"):
        return False
    for offset in _numbers(block, block.entry(exif.MAIN, _SUB))[:8]:
        try:
            inner = exif.Block(block.order, {exif.MAIN: exif.read_entries(data, 0, offset, block.order, False)})
        except struct.error:
            continue
        if inner.number(exif.MAIN, 262) in _RAW:
            return True
    return False


def lab(data: bytes, facts: Facts, load: Callable[[], vips.Image]) -> vips.Image | None:
    """A picture of Lab in floats, which libvips does not read well.

    Args:
        data: the whole file.
        facts: what `described` says of it.
        load: gives what libvips makes of it.

    Returns:
        The picture, or None if libvips reads it well or it is none.

    Raises:
        vips.Error: libvips cannot work on it. What Pillow raises is raised too.
    """
    if facts.photometric == _LAB and facts.bits == 8 and facts.samples >= 3:
        with PIL.Image.open(BytesIO(data), formats=["TIFF"]) as image:
            if image.mode != "LAB":
                return None
            samples: NDArray[np.float32] = np.asarray(image).astype(np.float32)
        # Pillow gives a and b as the file has them, with signs in 8 bits.
        samples[..., 1:] = (samples[..., 1:] + 128) % 256
    elif facts.photometric == _ICC_LAB and facts.bits in (8, 16) and facts.samples >= 3:
        samples = vips.to_array(load().extract_band(0, n=3)).astype(np.float32)
        if facts.bits == 16:
            samples = samples / np.float32(256)  # 0xFF00 is 100 (Adobe, TIFF technical notes for Photoshop)
    else:
        return None
    scaled = samples * np.array([100 / 255, 1, 1], np.float32) - np.array([0, 128, 128], np.float32)
    return vips.from_array(np.asarray(scaled, np.float32), "lab")


def unpacked(data: bytes, facts: Facts) -> NDArray[np.uint16]:
    """Samples of an odd number of bits.

    Args:
        data: the whole file.
        facts: what `described` says of it.

    Returns:
        (H, W, C) uint16, brought to 16 bits.

    Raises:
        ValueError: some are missing.
    """
    block = exif.Block(facts.order, {exif.MAIN: facts.folder})
    places, sizes = (_numbers(block, facts.folder.get(tag)) for tag in (273, 279))
    per_row = facts.width * facts.samples
    row_bytes = (per_row * facts.bits + 7) // 8
    raw = b""
    for offset, size in zip(places, sizes, strict=False):
        strip = data[offset : offset + size]
        if len(strip) < size:
            raise ValueError("cut short")
        try:
            raw += strip if facts.compression == 1 else zlib.decompressobj().decompress(strip, 1 << 28)
        except zlib.error:
            raise ValueError("broken") from None
    if len(raw) < row_bytes * facts.height or not facts.width or not facts.height:
        raise ValueError("cut short")
    most = 2**facts.bits - 1
    result = np.empty((facts.height, per_row), np.uint16)
    weights = 1 << np.arange(facts.bits - 1, -1, -1, dtype=np.uint32)
    for y in range(facts.height):
        row = np.frombuffer(raw, np.uint8, row_bytes, y * row_bytes)
        bits = np.unpackbits(row)[: per_row * facts.bits].reshape(per_row, facts.bits)
        values = bits.astype(np.uint32) @ weights
        result[y] = (values * 65535 + most // 2) // most
    if facts.photometric == 0:
        result = 65535 - result
    return result.reshape(facts.height, facts.width, facts.samples)
