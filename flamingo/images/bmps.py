"""BMP files whose pixels are 16 or 32 bits with masks of their own (Windows GDI, BITMAPV2INFOHEADER to V5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Facts", "described", "unpacked"]

_FIELDS, _JPEG, _PNG, _ALPHA_FIELDS = 3, 4, 5, 6
_STRANGE = {_JPEG: "it holds a JPEG", _PNG: "it holds a PNG"}


@dataclass(frozen=True)
class Facts:
    """height: positive; upside: whether rows go from the top down; masks: of red, green, blue and alpha, or None
    where the pixels have none; start: where the pixels begin; strange: what is not supported about it, or ""."""

    width: int
    height: int
    upside: bool
    bits: int
    masks: tuple[int, int, int, int] | None
    start: int
    strange: str = ""


def described(data: bytes) -> Facts | None:
    """The headers of a BMP file.

    Args:
        data: the whole file.

    Returns:
        What they say; None if it is an old or an incomplete one.

    Raises:
        struct.error: it ends within its headers.
    """
    (size,) = struct.unpack_from("<I", data, 14)
    if size < 40:
        return None
    (start,) = struct.unpack_from("<I", data, 10)
    width, height, _, bits, method = struct.unpack_from("<iiHHI", data, 18)
    masks = None
    if method in (_FIELDS, _ALPHA_FIELDS) and bits in (16, 32) and size != 64:
        count = 4 if size >= 56 or method == _ALPHA_FIELDS else 3
        mask_words = struct.unpack_from(f"<{count}I", data, 54)
        masks = (*mask_words[:3], mask_words[3] if count == 4 else 0)
        sound = all(masks[:3]) and all(_continuous(mask) for mask in masks)
        if not sound or sum(masks) != masks[0] | masks[1] | masks[2] | masks[3]:
            return Facts(width, abs(height), height < 0, bits, None, start, "its colour masks make no sense")
    return Facts(width, abs(height), height < 0, bits, masks, start, _STRANGE.get(method, ""))


def _continuous(mask: int) -> bool:
    low = mask & -mask
    return mask == 0 or (mask // low + 1) & (mask // low) == 0


def unpacked(data: bytes, facts: Facts) -> NDArray[np.uint8]:
    """The pixels of a BMP file.

    Args:
        data: the whole file.
        facts: what `described` says of it.

    Returns:
        (H, W, 3 or 4) uint8.

    Raises:
        ValueError: some are missing.
    """
    assert facts.masks is not None
    stride = (facts.width * facts.bits // 8 + 3) // 4 * 4
    if facts.width <= 0 or not facts.height or len(data) < facts.start + stride * facts.height:
        raise ValueError("cut short")
    rows = np.frombuffer(data, np.uint8, stride * facts.height, facts.start).reshape(facts.height, stride)
    kind = "<u2" if facts.bits == 16 else "<u4"
    pixels = np.ascontiguousarray(rows[:, : facts.width * facts.bits // 8]).view(kind)
    if not facts.upside:
        pixels = pixels[::-1]
    bands = [_band(pixels, mask) for mask in (facts.masks if facts.masks[3] else facts.masks[:3])]
    return np.stack(bands, axis=-1)


def _band(pixels: NDArray[np.generic], mask: int) -> NDArray[np.uint8]:
    low = mask & -mask
    most = mask // low
    values = (pixels.astype(np.uint32) & np.uint32(mask)) // np.uint32(low)
    return np.asarray((values.astype(np.uint64) * 255 + most // 2) // most, np.uint8)
