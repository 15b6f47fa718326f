"""How large the strokes are: at which sizes a picture is painted, and what each of them gives to the result.

The network paints strokes of so many pixels, whatever the size of the photo; on a large photo they would be a fine
grain. So the picture is painted at a small working size first, which decides colours, shapes and strokes, and then at
larger and larger ones, from each of which only the detail is taken that the size below cannot hold: a Laplacian
pyramid (Burt and Adelson 1983), each level of which is another painting. Thus a picture of 4000 pixels looks, from
the distance at which it looks like one of 500, like the one of 500, and is sharp from near.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest

Pixels = NDArray[np.float32]
Size = tuple[int, int]

WORKING = 512
"""The longest side at which strokes of size 1 are as the painter makes them. Smaller pictures are painted as they
are."""

SMALLEST, LARGEST = 0.25, 4.0

_STEP = 2.2  # from one size to the next at most: much more, and the strokes between two sizes would be missing
_SAME = 1.02  # sizes closer than this are one


def sizes(height: int, width: int, stroke: float) -> list[Size]:
    """The sizes (height, width) at which to paint, from the one with the large strokes to the picture's own.

    A single size is not always the picture's own: strokes finer than its pixels are painted larger, then shrunk.
    """
    longest = max(height, width)
    scale = min(longest, WORKING) / stroke / longest
    if 1 / _SAME < scale < _SAME:
        return [(height, width)]
    if scale > 1:
        return [_scaled(height, width, scale)]
    steps = math.ceil(math.log(1 / scale) / math.log(_STEP) - 1e-9)
    return [_scaled(height, width, scale ** (1 - i / steps)) for i in range(steps)] + [(height, width)]


def checked(stroke: float) -> float:
    """The stroke itself. Raises BadRequest if it is out of range."""
    if not SMALLEST <= stroke <= LARGEST:  # also refuses NaN
        raise BadRequest(f"stroke {stroke}", f"it is not between {SMALLEST} and {LARGEST:g}", "1 is the usual size")
    return stroke


def _scaled(height: int, width: int, scale: float) -> Size:
    return max(1, round(height * scale)), max(1, round(width * scale))


def detail(painting: Pixels, ratio: float) -> Pixels:
    """What a painting (H, W, 3) has that one `ratio` times smaller cannot hold."""
    import cv2  # takes a while to load, which most commands need not wait for

    sigma = BLUR * ratio
    side = 2 * int(4 * sigma + 0.5) + 1
    soft = cv2.GaussianBlur(painting, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(painting - soft, np.float32)


BLUR = 0.45
