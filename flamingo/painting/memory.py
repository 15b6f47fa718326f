"""How much memory a picture will take to paint, asked before it is painted: refuse rather than die."""

from __future__ import annotations

from pathlib import Path

import psutil

from flamingo.errors import ImageTooLarge
from flamingo.painting import tiles
from flamingo.painting.options import Model

# Peak bytes a pixel beyond an idle process, measured by bench/paint.py at 2048 px (both runtimes, the larger),
# with a quarter added.
_BYTES_PER_PIXEL: dict[Model, int] = {"fine": 860, "fast": 430}

# Beside the tile: photo, result and their smaller versions, by bench/large.py, with a quarter added.
_BYTES_STREAMED, _BYTES_IN_ARRAYS = 12, 40
_BASE = 150_000_000  # the statistics' network, which is kept beside that for the tiles


def needed_in_tiles(height: int, width: int, model: Model, *, streamed: bool) -> int:
    """Bytes that `Painter.paint_map` takes at most, or, streamed, `paint_strips` together with an 8-bit
    `flamingo.images.streaming.Canvas`."""
    pixels = height * width
    bytes_per_pixel = _BYTES_STREAMED if streamed else _BYTES_IN_ARRAYS
    return _BASE + min(pixels, tiles.LARGEST[model]) * _BYTES_PER_PIXEL[model] + pixels * bytes_per_pixel


def check(photo: Path, height: int, width: int, model: Model, *, streamed: bool = False) -> None:
    """Raise ImageTooLarge if this machine has not the memory free that painting the photo takes."""
    check_free(photo, height, width, needed_in_tiles(height, width, model, streamed=streamed))


def check_free(photo: Path, height: int, width: int, take: int) -> None:
    """Raise ImageTooLarge if this machine has not `take` bytes free, which painting the photo takes."""
    free = psutil.virtual_memory().available
    if take > free:
        fits = int(max(height, width) * (free / take) ** 0.5 * 0.95)
        raise ImageTooLarge(
            str(photo),
            f"painting {width} x {height} pixels takes {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            f"add --size {fits} to paint it smaller",
        )
