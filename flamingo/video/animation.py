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

    parts: frames (n, H, W, 3 or 4) in order, all of one size, such as files mapped into memory: they are read as they
    are encoded. milliseconds: how long each frame is shown; loop: how many times all is played, 0 for ever. Raises
    OSError for a full disk, OutputError for what the format cannot hold.
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
    """How long each frame is shown, in milliseconds, so that no rounding adds up: GIF counts in hundredths.

    times: when each frame is shown, in seconds; lasts: how long the last of them is.
    """
    step = 10 if kind == "gif" else 1
    at = [round(t * 1000 / step) for t in (*times, times[-1] + lasts)]
    return [max(1, after - before) * step for before, after in itertools.pairwise(at)]
