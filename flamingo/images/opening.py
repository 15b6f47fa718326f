"""A picture of any size, held as its size allows: the one question of everything that reads photos."""

from __future__ import annotations

from pathlib import Path

from flamingo.errors import ImageTooLarge
from flamingo.images import streaming
from flamingo.images.limits import Limits
from flamingo.images.picture import Picture
from flamingo.images.reading import read

WHOLE = 16_000_000
"""Pixels up to which a picture is held in floats; more are held as the samples that they are."""


def open(path: Path | str, *, keep_gps: bool = False) -> Picture | streaming.Canvas:
    """Read a picture: in floats, or, if it is very large, as a canvas that is worked on strip by strip.

    A file is decoded once: what it is too large for is known from its header.

    Args:
        path: as for `flamingo.images.read`.
        keep_gps: as for `flamingo.images.read`.

    Returns:
        A `Picture` of at most `WHOLE` pixels, or a `flamingo.images.streaming.Canvas`.

    Raises:
        UnreadableImage, UnsupportedImage: as `flamingo.images.read`.
        ImageTooLarge: it is larger than anything that is read here.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> grey = images.Picture(np.full((40, 60, 3), 0.5, np.float32))
        >>> images.write(grey, folder / "grey.png")
        ()
        >>> work = images.open(folder / "grey.png")
        >>> type(work).__name__, work.width
        ('Picture', 60)
    """
    try:
        return read(path, keep_gps=keep_gps, limits=Limits(pixels=WHOLE))
    except ImageTooLarge:
        return streaming.read(path, keep_gps=keep_gps)
