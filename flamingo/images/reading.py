"""Pictures in: from a file or from bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import ImageTooLarge, UnreadableImage, UnsupportedImage, show
from flamingo.images import guard
from flamingo.images.decode import decode
from flamingo.images.limits import Limits
from flamingo.images.picture import Picture
from flamingo.processes.host import CannotStart

__all__ = ["from_bytes", "read"]

_USUAL = Limits()


def read(path: Path | str, *, limits: Limits = _USUAL, keep_gps: bool = False, trusted: bool = False) -> Picture:
    """Read a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF file, told by its content and not by its name.

    The picture is upright and in sRGB. Decoding happens in a helper process, so a hostile file can do no harm.

    Args:
        path: the file.
        limits: what the picture may ask for, checked against its header before it is decoded.
        keep_gps: whether the place where a photo was taken stays in its EXIF block.
        trusted: decode in this process; for files that ship with the package.

    Returns:
        The picture. What had to be left out or changed stands in its `notes`.

    Raises:
        UnreadableImage: the file is missing, damaged, cut short or too slow to decode.
        ImageTooLarge: it is larger than `limits`, as its header says.
        UnsupportedImage: it is of a kind that is not read.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> grey = images.Picture(np.full((40, 60, 3), 0.5, np.float32))
        >>> images.write(grey, folder / "grey.png")
        ()
        >>> picture = images.read(folder / "grey.png")
        >>> picture.rgb.shape, picture.rgb.dtype, picture.format
        ((40, 60, 3), dtype('float32'), 'png')
    """
    path = Path(path)
    name = readable(path, limits)
    if not trusted:
        try:
            return _picture(name, *guard.read_guarded(path, b"", name, limits, keep_gps, guard.floats))
        except CannotStart:
            pass
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(name, _reason(error), "check its permissions") from None
    return _here(data, name, limits, keep_gps)


def readable(path: Path, limits: Limits) -> str:
    """What to call the file in messages, after checking that it is one that may be read.

    Args:
        path: the file.
        limits: of which `bytes` is checked.

    Returns:
        Its name, fit to be printed in one line.

    Raises:
        UnreadableImage: it is missing, a folder, or may not be read.
        UnsupportedImage: it is no regular file.
        ImageTooLarge: it has more bytes than `limits` allow.
    """
    name = show(path)
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        raise UnreadableImage(name, why, "check the name") from None
    if stat.S_ISDIR(state.st_mode):
        raise UnreadableImage(name, "it is a folder, not a picture", "name the files in it")
    if not stat.S_ISREG(state.st_mode):  # reading a pipe or a terminal could wait for ever
        raise UnsupportedImage(name, "it is not a regular file", "save the picture to a file first")
    limits.check_file(name, state.st_size)
    if not os.access(path, os.R_OK):
        raise UnreadableImage(name, "it may not be read", "check its permissions")
    return name


def from_bytes(
    data: bytes,
    *,
    name: str = "the upload",
    limits: Limits = _USUAL,
    keep_gps: bool = False,
    trusted: bool = False,
) -> Picture:
    """The same as `read`, from the bytes of a file.

    Args:
        data: the whole file.
        name: what messages call it.
        limits: as for `read`.
        keep_gps: as for `read`.
        trusted: as for `read`.

    Returns:
        The picture, as `read` gives it.

    Raises:
        UnreadableImage: the data is damaged, cut short or too slow to decode.
        ImageTooLarge: the picture is larger than `limits`.
        UnsupportedImage: it is of a kind that is not read.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> red = np.zeros((8, 12, 3), np.float32)
        >>> red[..., 0] = 1
        >>> data, notes = images.to_bytes(images.Picture(red), "png")
        >>> again = images.from_bytes(data, name="red.png")
        >>> again.width, again.height, again.rgb[0, 0].tolist()
        (12, 8, [1.0, 0.0, 0.0])
    """
    name = show(name)
    limits.check_file(name, len(data))
    if not trusted:
        try:
            return _picture(name, *guard.read_guarded(None, data, name, limits, keep_gps, guard.floats))
        except CannotStart:
            pass
    return _here(data, name, limits, keep_gps)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "it cannot be opened").lower()


def _here(data: bytes, name: str, limits: Limits, keep_gps: bool) -> Picture:
    result = decode(data, name, limits, keep_gps=keep_gps)
    samples = np.empty(result.shape, np.float32)
    row = 0
    for strip in result.strips():
        np.divide(
            strip,
            np.float32(np.iinfo(strip.dtype).max),
            out=samples[row : row + len(strip)],
            dtype=np.float32,
        )
        row += len(strip)
    description = {
        "depth": result.depth,
        "grey": result.grey,
        "icc": result.icc,
        "exif": result.exif,
        "format": result.format,
        "notes": result.notes,
    }
    return _picture(name, samples, description)


def _picture(name: str, samples: NDArray[np.float32], description: dict[str, Any]) -> Picture:
    alpha = None
    try:
        if samples.shape[2] == 4:
            alpha = np.ascontiguousarray(samples[..., 3])
            samples = np.ascontiguousarray(samples[..., :3])
    except MemoryError:
        raise ImageTooLarge(name, "there is not enough memory", "make it smaller first") from None
    return Picture(
        rgb=samples,
        alpha=alpha,
        depth=16 if description["depth"] == 16 else 8,
        grey=bool(description["grey"]),
        icc=description["icc"],
        exif=description["exif"],
        format=str(description["format"]),
        notes=tuple(str(note) for note in description["notes"]),
    )
