"""Pictures out: encoded by the suffix of the name, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flamingo import provenance
from flamingo.errors import BadPixels, BadRequest, OutputError, show
from flamingo.files import check_target
from flamingo.images import colour, exif, vips
from flamingo.images.formats import format_of_suffix
from flamingo.images.picture import Picture, check_rgb

__all__ = ["to_bytes", "write"]

KEEPS_ALPHA = frozenset({"png", "webp", "tiff"})
KEEPS_16_BITS = frozenset({"png", "tiff"})
TITLES = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "tiff": "TIFF", "bmp": "BMP"}
_LONGEST_SIDES = {"jpeg": 65_500, "webp": 16_383}
_ROWS = 256


def write(
    picture: Picture,
    path: Path | str,
    *,
    quality: int = 92,
    overwrite: bool = False,
    never: Collection[Path] = (),
    origin: provenance.Origin | None = None,
) -> tuple[str, ...]:
    """Write a picture as JPEG, PNG, WebP, TIFF or BMP, by the suffix.

    The file appears under its name only when it is complete.

    Args:
        picture: what to write; its values may lie outside [0, 1] and are cut.
        path: the file. Its suffix names the format.
        quality: 1 to 100, for JPEG and WebP; WebP at 100 is lossless.
        overwrite: whether a file that is there may be replaced; the old one stays until the new one is complete.
        never: files that must not be replaced even then, under whatever name (links included): the inputs.
        origin: what made the picture; signed credentials then say so (in a sidecar for BMP), and XMP does (but for
            BMP).

    Returns:
        Notes on what did not fit into the format, sentences for people.

    Raises:
        BadRequest: the suffix or the quality is none.
        BadPixels: a value is NaN or infinite.
        WouldOverwrite: the file is there, and `overwrite` is not set or it is among `never`.
        NoSuchFolder: the folder is not there.
        DiskFull: there is no room for it.
        OutputError: anything else that keeps it from being written.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> picture = images.Picture(np.full((40, 60, 3), 0.25, np.float32))
        >>> images.write(picture, folder / "dark.jpg", quality=90)
        ()
        >>> images.write(picture, folder / "dark.jpg")
        Traceback (most recent call last):
        ...
        flamingo.errors.WouldOverwrite: ...
    """

    def encode(kind: str, name: str, xmp: bytes | None) -> tuple[bytes, tuple[str, ...]]:
        return _encoded(picture, kind, quality, name, xmp)

    return placed(encode, Path(path), overwrite=overwrite, never=never, origin=origin)


def placed(
    encode: Callable[[str, str, bytes | None], tuple[bytes, tuple[str, ...]]],
    path: Path,
    *,
    overwrite: bool,
    never: Collection[Path],
    origin: provenance.Origin | None,
) -> tuple[str, ...]:
    """Write what `encode` gives, after checking that it may be written.

    Args:
        encode: called as (kind, name, xmp) with the format, what messages call the file, and an XMP packet or None;
            gives the bytes of the file, and notes.
        path: the file.
        overwrite: whether a file that is there may be replaced.
        never: files that must not be replaced even then.
        origin: what made it, or None for no credentials.

    Returns:
        Notes, those of `encode` first.

    Raises:
        BadRequest: the suffix is none of a format that is written.
        OutputError: it cannot be written, as for `write`.
    """
    kind = format_of_suffix(path)
    check_target(path, overwrite=overwrite, never=never)
    if origin is not None:
        provenance.check(path, overwrite=overwrite, never=never)
    data, notes = encode(kind, show(path), provenance.xmp_packet(origin))
    return notes + provenance.put(data, path, origin, overwrite=overwrite)


def to_bytes(picture: Picture, kind: str, *, quality: int = 92) -> tuple[bytes, tuple[str, ...]]:
    r"""A picture encoded as a file.

    Args:
        picture: what to encode.
        kind: jpeg, png, webp, tiff or bmp.
        quality: 1 to 100, for JPEG and WebP.

    Returns:
        The bytes of the file, and notes on what did not fit into the format.

    Raises:
        BadRequest: the quality is none.
        BadPixels: a value is NaN or infinite.
        OutputError: the picture is too large for the format.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> data, notes = images.to_bytes(images.Picture(np.ones((4, 4, 3), np.float32)), "png")
        >>> data[:8], notes
        (b'\x89PNG\r\n\x1a\n', ())
    """
    if kind not in TITLES:
        raise BadRequest(f"the format '{kind}'", "cannot be written", f"use one of {', '.join(TITLES)}")
    return _encoded(picture, kind, quality, "the result")


def check_fits(kind: str, quality: int, height: int, width: int, name: str) -> None:
    """Check that a picture fits into a format.

    Args:
        kind: jpeg, png, webp, tiff or bmp.
        quality: 1 to 100.
        height: rows.
        width: columns.
        name: what messages call the file.

    Raises:
        BadRequest: there is no such quality.
        OutputError: the picture has more rows or columns than the format can hold.
    """
    if not 1 <= quality <= 100:
        raise BadRequest(f"a quality of {quality}", "is not between 1 and 100", "92 is a good one")
    limit = _LONGEST_SIDES.get(kind)
    if limit and max(height, width) > limit:
        why = f"{TITLES[kind]} holds at most {limit} pixels on a side"
        raise OutputError(name, why, "write PNG or TIFF, or make it smaller")


def _encoded(
    picture: Picture, kind: str, quality: int, name: str, xmp: bytes | None = None
) -> tuple[bytes, tuple[str, ...]]:
    check_rgb(picture.rgb)
    check_fits(kind, quality, picture.height, picture.width, name)
    notes: list[str] = []
    deep = picture.depth == 16 and kind in KEEPS_16_BITS
    if picture.depth == 16 and not deep:
        notes.append(f"{TITLES[kind]} holds 8 bits: 16-bit source reduced")
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is not None and kind not in KEEPS_ALPHA:
        if bool((alpha < 1).any()):
            notes.append(f"{TITLES[kind]} has no transparency: laid on white")
            weight = alpha[..., None]
            rgb = rgb * weight + (1 - weight)
        alpha = None
    converts = picture.icc is not None and kind != "bmp"
    if picture.icc is not None and kind == "bmp":
        notes.append("BMP holds no colour profile: written as sRGB")
    samples = integers(rgb, 16 if deep or converts else 8)
    if kind == "bmp":
        buffer = BytesIO()
        PIL.Image.fromarray(samples).save(buffer, "BMP")
        return buffer.getvalue(), tuple(notes)
    try:
        image = _tagged(samples, alpha, picture, deep, notes)
        if xmp is not None and kind != "png":
            image = vips.attach(image, "xmp-data", xmp)
        data = vips.save(image, kind, save_options(kind, quality))
    except vips.Error:
        raise OutputError(name, f"it could not be encoded as {TITLES[kind]}", "try PNG") from None
    if kind == "tiff" and picture.exif is not None:
        data = exif.with_exif(data, picture.exif)
    if kind == "png" and xmp is not None:  # libvips would write it compressed, in a chunk that few look for it in
        data = provenance.xmp.into_png(data, xmp)
    return data, tuple(notes)


def _tagged(
    samples: NDArray[Any], alpha: NDArray[np.float32] | None, picture: Picture, deep: bool, notes: list[str]
) -> vips.Image:
    """The samples in the colours they are stored in, with alpha, profile and EXIF attached."""
    profile = vips.SRGB_PROFILE
    image = vips.from_array(samples, "rgb16" if samples.dtype == np.uint16 else "srgb")
    if picture.icc is not None:
        try:
            image = colour.from_srgb(image, picture.icc, 16 if deep else 8).copy_memory()
            profile = picture.icc
        except vips.Error:
            notes.append("its colour profile could not be applied: written as sRGB")
            image = image if deep else (image / 257 + 0.5).cast("uchar")
        image = image.copy(interpretation="rgb16" if deep else "srgb")
    if alpha is not None:
        levels = integers(alpha[..., None], 16 if deep else 8)
        image = image.bandjoin(vips.from_array(levels, "grey16" if deep else "b-w"))
    image = vips.attach(image, "icc-profile-data", profile)
    return image if picture.exif is None else vips.attach(image, "exif-data", picture.exif)


def save_options(kind: str, quality: int) -> dict[str, Any]:
    """What libvips is told for a kind of file; quality: 1 to 100, where the kind has one."""
    if kind == "jpeg":
        return {"Q": quality, "optimize_coding": True}
    if kind == "webp":
        return {
            "Q": quality,
            "lossless": quality == 100,
            "exact": True,
            "smart_subsample": True,
        }
    if kind == "png":
        return {"compression": 6}
    return {"compression": "deflate", "predictor": "horizontal"}


def integers(array: NDArray[np.float32], depth: int) -> NDArray[Any]:
    """Round to 8 or 16 bits. Values outside [0, 1] are clipped: networks overshoot. NaN raises BadPixels."""
    white = np.float32(2**depth - 1)
    result = np.empty(array.shape, np.uint8 if depth == 8 else np.uint16)
    for top in range(0, len(array), _ROWS):
        part = array[top : top + _ROWS]
        if not np.isfinite(part).all():
            raise BadPixels(
                "the result",
                "some pixels are not numbers, so nothing was written",
                "report this with the input",
            )
        # Clipped before scaling: a finite but huge value would overflow.
        result[top : top + _ROWS] = np.rint(np.clip(part, 0, 1) * white)
    return result
