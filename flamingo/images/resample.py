"""Pictures made smaller and larger a strip or a window at a time, so that no more of them need be in memory.

Smaller is an area average, larger is Catmull-Rom's cubic (Keys 1981) or a straight line between neighbours. All of
them agree on where things are: pixel i of n covers [i / n, (i + 1) / n] of the side.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


class Shrinker:
    """An area average of a picture that comes in strips from top to bottom.

    `add` every strip in order; then `result` is there. The sizes may have any ratio, as long as the result is not
    larger.

    Args:
        size: (H, W, C) of the picture.
        height: rows of the result, H at most.
        width: columns of the result, W at most.
    """

    def __init__(self, size: tuple[int, int, int], height: int, width: int) -> None:
        self._rows, self._columns, bands = size
        self._lines_done = 0
        self._height, self._width = height, width
        self._sum = np.zeros((height, width, bands), np.float32)

    def add(self, strip: Pixels) -> None:
        """Take the next rows.

        Args:
            strip: (n, W, C), of any type of number.
        """
        edges = np.arange(self._lines_done, self._lines_done + len(strip) + 1) * (self._height / self._rows)
        narrow = _averaged(np.asarray(strip, np.float32), self._width)
        for i, row in enumerate(narrow):
            top, bottom = edges[i], edges[i + 1]
            first, last = int(top), min(int(bottom), self._height - 1)
            if first == last:
                self._sum[first] += row * np.float32(bottom - top)
            else:  # a row is at most as high as a row of the result, so it falls on two of them
                self._sum[first] += row * np.float32(last - top)
                self._sum[last] += row * np.float32(bottom - last)
        self._lines_done += len(strip)

    @property
    def result(self) -> Pixels:
        """(height, width, C) float32, once all strips are there."""
        return self._sum


def shrunk(array: Pixels, height: int, width: int) -> Pixels:
    """A picture made smaller by area average.

    Args:
        array: (H, W, C) float32.
        height: rows of the result, H at most.
        width: columns of the result, W at most.

    Returns:
        (height, width, C) float32; the same array if it has that size.

    Example:
        >>> import numpy as np
        >>> shrunk(np.array([[[0.0], [1.0]], [[1.0], [1.0]]], np.float32), 1, 1).tolist()
        [[[0.75]]]
    """
    if array.shape[:2] == (height, width):
        return array
    shrinker = Shrinker((array.shape[0], array.shape[1], array.shape[2]), height, width)
    for top in range(0, len(array), _ROWS):
        shrinker.add(array[top : top + _ROWS])
    return shrinker.result


_ROWS = 256


def _averaged(strip: Pixels, width: int) -> Pixels:
    """(n, W, C) averaged along its rows to (n, width, C): the sums up to each edge less those to the one before."""
    columns = strip.shape[1]
    if columns == width:
        return strip
    sums = np.zeros((len(strip), columns + 1, strip.shape[2]), np.float64)
    np.cumsum(strip, axis=1, out=sums[:, 1:])
    edges = np.linspace(0, columns, width + 1)
    left = np.minimum(edges.astype(np.intp), columns - 1)
    part = (edges - left)[None, :, None]
    at = sums[:, left] * (1 - part) + sums[:, left + 1] * part
    return np.asarray(np.diff(at, axis=1) * (width / columns), np.float32)


Kind = Literal["linear", "cubic"]


def window(
    array: NDArray[np.floating], size: tuple[int, int], top: int, left: int, height: int, width: int, kind: Kind
) -> Pixels:
    """A window of an enlarged picture, without enlarging all of it.

    Args:
        array: (h, w, C) of floats.
        size: (H, W) that it is enlarged to.
        top: first row of the window in the enlarged picture.
        left: first column of it.
        height: rows of the window.
        width: columns of the window.
        kind: how it is enlarged.

    Returns:
        (height, width, C) float32.
    """
    rows, row_weights = _taps(array.shape[0], size[0], top, height, kind)
    columns, column_weights = _taps(array.shape[1], size[1], left, width, kind)
    first = int(columns.min())
    part = array[:, first : int(columns.max()) + 1]
    tall = _mixed(part, rows, row_weights[..., None, None], axis=0)
    return _mixed(tall, columns - first, column_weights[None, ..., None], axis=1)


def _mixed(array: NDArray[np.floating], places: NDArray[np.intp], weights: Pixels, axis: int) -> Pixels:
    """Sum over taps: the lines `places[:, tap]` of `array` along `axis`, each times its weight."""
    total: Pixels | None = None
    for tap in range(places.shape[1]):
        weight = weights[:, tap] if axis == 0 else weights[:, :, tap]
        part = np.take(array, places[:, tap], axis=axis).astype(np.float32, copy=False) * weight
        total = part if total is None else total + part
    assert total is not None
    return total


def _taps(small: int, large: int, start: int, count: int, kind: Kind) -> tuple[NDArray[np.intp], Pixels]:
    """Which lines of the small side make each line of the window, and by how much: (count, taps) each."""
    positions = (np.arange(start, start + count) + 0.5) * (small / large) - 0.5
    base = np.floor(positions).astype(np.intp)
    t = (positions - base)[:, None]
    if kind == "linear":
        offsets, weights = np.array([0, 1]), np.concatenate([1 - t, t], axis=1)
    else:
        offsets = np.array([-1, 0, 1, 2])
        weights = np.concatenate(
            [
                ((2 - t) * t - 1) * t / 2,
                ((3 * t - 5) * t * t + 2) / 2,
                ((4 - 3 * t) * t + 1) * t / 2,
                (t - 1) * t * t / 2,
            ],
            axis=1,
        )
    return np.clip(base[:, None] + offsets, 0, small - 1), np.asarray(weights, np.float32)
