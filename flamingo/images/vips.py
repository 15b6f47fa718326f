"""The one place that touches libvips: an untyped library behind a few typed functions.

libvips was chosen because one wheel reads and writes the formats we need at 8 and 16 bits, runs lcms at 16
bits, fails where it is told to fail (cut-short and damaged files), and needs about a third of the memory of
other readers, since it works in strips. It has no BMP reader; Pillow does that.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Warnings of the codecs end in the "pyvips" logger, which would print them on stderr for want of a handler.
# What a person must know is in `Picture.notes`.
_logger = logging.getLogger("pyvips")
_logger.addHandler(logging.NullHandler())
_logger.setLevel(logging.CRITICAL)

import pyvips  # noqa: E402

__all__ = [
    "INTEGER",
    "SRGB_PROFILE",
    "Error",
    "Image",
    "attach",
    "from_array",
    "load",
    "metadata",
    "save",
    "to_array",
]

Image = Any
"""A `pyvips.Image`: lazy, so nothing is computed before `to_array`, `save` or `copy_memory`."""

Error: type[Exception] = pyvips.Error

INTEGER: Any = pyvips.GValue.gint_type
"""The type of a metadata field that holds a number."""

# Results of operations would otherwise be kept for reuse, whole pictures of them.
pyvips.cache_set_max(0)
if hasattr(pyvips, "block_untrusted_set"):
    pyvips.block_untrusted_set(True)

SRGB_PROFILE: bytes = bytes(pyvips.Image.profile_load("srgb"))
"""A small sRGB profile, free of rights, that comes with libvips."""

_FORMATS = {np.dtype(np.uint8): "uchar", np.dtype(np.uint16): "ushort", np.dtype(np.float32): "float"}
_DTYPES: dict[str, Any] = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float64}


def load(kind: str, data: bytes, fail_on: str) -> Image:
    """Open (not yet decode) a picture. Pixels come top to bottom, once.

    Args:
        kind: jpeg, png, webp, tiff, gif or bmp.
        data: the whole file.
        fail_on: at which faults libvips gives up: none, truncated, error or warning.

    Raises:
        Error: it cannot be opened.
    """
    return getattr(pyvips.Image, f"{kind}load_buffer")(data, fail_on=fail_on, access="sequential")


def from_array(array: NDArray[Any], interpretation: str) -> Image:
    """A picture over an array, without copying it.

    Args:
        array: (H, W, C) of uint8, uint16 or float32.
        interpretation: what libvips takes the samples for, such as srgb or multiband.
    """
    array = np.ascontiguousarray(array)
    height, width, bands = array.shape
    image = pyvips.Image.new_from_memory(array, width, height, bands, _FORMATS[array.dtype])
    return image.copy(interpretation=interpretation)


def to_array(image: Image) -> NDArray[Any]:
    """The pixels as a read-only (H, W, C) array."""
    flat = np.frombuffer(image.write_to_memory(), dtype=_DTYPES[image.format])
    return flat.reshape(image.height, image.width, image.bands)


def metadata(image: Image, field: str) -> Any:
    """A metadata field, or None."""
    return image.get(field) if image.get_typeof(field) else None


def attach(image: Image, field: str, blob: bytes) -> Image:
    """A copy of `image` that carries `blob` as metadata."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, field, blob)
    return image


def save(image: Image, kind: str, options: dict[str, Any]) -> bytes:
    """Encode a picture.

    Args:
        image: what to encode.
        kind: jpeg, png, webp, tiff or bmp.
        options: of libvips' saver for that format.

    Returns:
        The bytes of the file.

    Raises:
        Error: libvips cannot.
    """
    return bytes(getattr(image, f"{kind}save_buffer")(**options))
