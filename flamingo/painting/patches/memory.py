"""How much memory a photo takes that is rebuilt from patches."""

from __future__ import annotations

from flamingo.painting.patches.synthesis import WHOLE

# By `bench/large.py --method patches` at 2, 12 and 100 megapixels (780, 1,120 and 1,550 MB), rounded up.
_BASE = 350_000_000  # compiled code, and paintings of usual size at every level
_BYTES_WHOLE = 320  # of each pixel that is matched at once
_BYTES_STREAMED, _BYTES_IN_ARRAYS = 8, 48  # of each pixel beside that


_BYTES_OF_FRAMES = 96  # of each pixel: matches at all levels, before and now, and the moved painting


def needed_for_frame(height: int, width: int) -> int:
    """Bytes that `flamingo.painting.patches.shot.Shot` takes at most for frames of this size."""
    return needed(height, width, streamed=False) + height * width * _BYTES_OF_FRAMES


def needed(height: int, width: int, *, streamed: bool) -> int:
    """Bytes that `flamingo.painting.patches.synthesis.synthesise` takes at most, with the photo and the result."""
    pixels = height * width
    return _BASE + min(pixels, WHOLE) * _BYTES_WHOLE + pixels * (_BYTES_STREAMED if streamed else _BYTES_IN_ARRAYS)
