"""The grain that a photo is given before it is painted: what strokes in a plain sky begin from.

Where a photo is the same all over, a network that sees it and nothing else has nothing to set a stroke on: it leaves
the place plain, or fills it with echoes of the nearest edge. A little noise there is enough (Ulyanov et al. 2016,
"Texture Networks", began from noise alone). It is the same at the same place of every picture, so that tiles join,
frames do not flicker and a picture is painted twice alike; and the painter takes the less of it, the less it paints.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

DEVIATION = 0.03
"""Of the noise, where a photo goes from 0 to 1. docs/LAB.md, 31."""
_SIDE = 521  # after so many pixels it is repeated: a prime, so that no pattern of the picture goes along with it


def grain(top: int, left: int, height: int, width: int) -> NDArray[np.float32]:
    """(3, height, width) float32, mean 0: that of the rows from `top` and the columns from `left` of any picture."""
    noise, block = np.empty((3, height, width), np.float32), _block()
    for here, there in _pieces(top, height):
        for across, beside in _pieces(left, width):
            noise[:, here, across] = block[:, there, beside]
    return noise


def _pieces(start: int, length: int) -> Iterator[tuple[slice, slice]]:
    """What of a side comes from where in the block."""
    at = 0
    while at < length:
        begin = (start + at) % _SIDE
        some = min(_SIDE - begin, length - at)
        yield slice(at, at + some), slice(begin, begin + some)
        at += some


@functools.cache
def _block() -> NDArray[np.float32]:
    # RandomState: of NumPy's generators the one whose numbers are promised never to change.
    noise = np.random.RandomState(2021).standard_normal((3, _SIDE, _SIDE))
    return (noise * DEVIATION).astype(np.float32)
