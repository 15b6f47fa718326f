"""The plain border that many pictures of paintings have: the wall, the scanner's lid, a museum's passe-partout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

_PLAIN = 8 / 255  # how far the colours of a border's line may be from each other
_LEAST = 0.01  # of the side: a narrower border is none
_KEPT = 0.4  # of the picture must be left; of less, what looks like a border is most of a drawing


def without_border(painting: Pixels) -> tuple[slice, slice]:
    """The rows and columns of a painting (H, W, 3) between lines of one colour at two opposite sides; all of them
    where there are none."""
    rows = _inner(painting)
    columns = _inner(painting.transpose(1, 0, 2))
    inner = painting[rows, columns]
    height, width = painting.shape[:2]
    if inner.shape[0] * inner.shape[1] < _KEPT * height * width:
        return slice(0, height), slice(0, width)
    return rows, columns


def _inner(painting: Pixels) -> slice:
    """The lines between two borders of the same colour."""
    height = len(painting)
    first = painting[0].mean(axis=0)
    middle = np.median(painting, axis=1)
    near = np.abs(middle - first).max(axis=1) < _PLAIN
    spread = np.quantile(np.abs(painting - middle[:, None]).max(axis=2), 0.99, axis=1)
    plain = near & (spread < _PLAIN)
    if plain.all() or not (plain[0] and plain[-1]):
        return slice(0, height)
    top, bottom = int(np.argmin(plain)), height - int(np.argmin(plain[::-1]))
    if min(top, height - bottom) < max(1, _LEAST * height):
        return slice(0, height)
    return slice(top, bottom)
