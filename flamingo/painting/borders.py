"""What many pictures of paintings have around the painting: the wall, the scanner's lid, a museum's passe-partout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

_PLAIN = 8 / 255  # how far the colours of a border's line may be from each other
_LEAST = 0.01  # of the side: a narrower border is none
_KEPT = 0.4  # of the picture must be left; of less, what looks like a border is most of a drawing
_EDGE = 0.04  # of the side: how deep a narrow border is looked for, which may be uneven, and at one side alone
_ALIKE = 0.08  # how far colours of a narrow border may be from its median
_MOST, _FEW = 0.75, 0.25  # of an outer line that is alike, and of a line that is not of the border any more


def without_border(painting: Pixels) -> tuple[slice, slice]:
    """The rows and columns of a painting (H, W, 3) without the lines of one colour at two opposite sides, and
    without narrow borders at any side; all of them where there are none."""
    rows, columns = _inner(painting), _inner(painting.transpose(1, 0, 2))
    inner = painting[rows, columns]
    height, width = painting.shape[:2]
    if inner.shape[0] * inner.shape[1] < _KEPT * height * width:
        rows, columns = slice(0, height), slice(0, width)
        inner = painting
    top, bottom = _edges(inner)
    left, right = _edges(inner.transpose(1, 0, 2))
    return (
        slice(rows.start + top, rows.stop - bottom),
        slice(columns.start + left, columns.stop - right),
    )


def _edges(painting: Pixels) -> tuple[int, int]:
    """How many lines at the top and at the bottom are a narrow border: of about one colour, which is hardly seen in
    the lines that follow."""
    deep = int(_EDGE * len(painting))
    counts = []
    for lines in (painting[:deep], painting[: -deep - 1 : -1]):
        count = 0
        if deep > 2:
            border = np.median(lines[0], axis=0)
            alike = (np.abs(lines - border).max(axis=2) < _ALIKE).mean(axis=1)
            after = np.flatnonzero(alike < _FEW)
            if alike[0] > _MOST and len(after):
                count = min(int(after[0]) + 2, deep)  # what lies between was sampled from both
        counts.append(count)
    return counts[0], counts[1]


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
