"""Animated GIF and WebP out, with durations, loop count and transparency."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from flamingo.errors import OutputError, show
from flamingo.images import vips

__all__ = ["times_kept", "write_animation"]


def write_animation(
    parts: Sequence[NDArray[np.uint8]], target: Path, *, milliseconds: Sequence[int], loop: int, quality: int
) -> None:
    """Write an animated GIF or WebP file.

    Args:
        parts: frames (n, H, W, 3 or 4) uint8 in order, all of one size, such as files mapped into memory: they are
        read as
            they are encoded.
        target: the file; its suffix names the format.
        milliseconds: how long each frame is shown.
        loop: how many times all is played, 0 for ever.
        quality: 1 to 100, for WebP.

    Raises:
        OSError: the disk is full, or the file cannot be written.
        OutputError: the format cannot hold it.
    """
    # One below another, as libvips takes the pages of a picture.
    pages = [vips.from_array(frame, "srgb") for part in parts for frame in part]
    image = (pyvips.Image.arrayjoin(pages, across=1) if len(pages) > 1 else pages[0]).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", parts[0].shape[1])
    image.set_type(pyvips.GValue.array_int_type, "delay", list(milliseconds))
    image.set_type(pyvips.GValue.gint_type, "loop", loop)
    kind = target.suffix.lower()
    options: dict[str, Any] = (
        # Dithering would be another grain in each frame.
        {"dither": 0.0, "effort": 7} if kind == ".gif" else {"Q": quality, "lossless": quality == 100, "effort": 3}
    )
    try:
        (image.gifsave if kind == ".gif" else image.webpsave)(str(target), **options)
    except vips.Error as error:
        if "space" in str(error).lower():  # the library tells errors as text alone
            raise OSError(errno.ENOSPC, "no space left") from None
        raise OutputError(show(target), "it could not be encoded", "try .mp4") from None


def times_kept(kind: str, times: Sequence[float], lasts: float) -> list[int]:
    """How long each frame is shown, so that no rounding adds up: GIF counts in hundredths.

    Args:
        kind: gif or webp.
        times: when each frame is shown, in seconds.
        lasts: how long the last of them is, in seconds.

    Returns:
        Milliseconds of each frame.

    Example:
        >>> times_kept("gif", [0, 0.033, 0.067], 0.033)
        [30, 40, 30]
    """
    step = 10 if kind == "gif" else 1
    at = [round(t * 1000 / step) for t in (*times, times[-1] + lasts)]
    return [max(1, after - before) * step for before, after in itertools.pairwise(at)]
