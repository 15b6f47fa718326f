"""How much memory a photo takes that is rebuilt from patches, asked before: refuse rather than die."""

from __future__ import annotations

from pathlib import Path

import psutil

from flamingo.errors import ImageTooLarge

# Measured by bench/large.py, with a quarter added.
_BASE = 350_000_000  # compiled code, and paintings of usual size at every level
_WHOLE, _BYTES_WHOLE = 1_600_000, 320  # pixels that are matched at once at most, and bytes of each
_BYTES_STREAMED, _BYTES_IN_ARRAYS = 16, 48  # of each pixel beside that


def needed(height: int, width: int, *, streamed: bool) -> int:
    """Bytes that `flamingo.painting.patches.synthesis.synthesise` takes at most, with the photo and the result."""
    pixels = height * width
    return _BASE + min(pixels, _WHOLE) * _BYTES_WHOLE + pixels * (_BYTES_STREAMED if streamed else _BYTES_IN_ARRAYS)


def check(photo: Path, height: int, width: int, *, streamed: bool) -> None:
    """Raise ImageTooLarge if this machine has not the memory free."""
    free, take = psutil.virtual_memory().available, needed(height, width, streamed=streamed)
    if take > free:
        fits = int(max(height, width) * (free / take) ** 0.5 * 0.95)
        why = f"{width} x {height} pixels take {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free"
        raise ImageTooLarge(str(photo), f"painting {why}", f"add --size {fits} to paint it smaller")
