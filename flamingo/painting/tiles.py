"""How a picture is cut into overlapping tiles: as few pixels twice as possible, and no tile larger than allowed.

The painter's convolutions see `HALO` pixels far. A tile that overlaps its neighbour by twice that much is, up to the
middle of the overlap, exactly what the whole picture would be; so tiles are cut there and simply laid side by side.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

HALO = 72
"""How far the painters see: the sum over the convolutions of half the kernel times dilation times stride (70 pixels
for fine, 60 for fast), rounded up to the stride of the network."""

LARGEST = {"fine": 600_000, "fast": 1_200_000}
"""Pixels of each painter's largest tile: of fast's the same memory holds twice as many. More would take more memory,
less would paint more pixels twice."""

_HUGE, _OF_HUGE = 20_000_000, 2 / 3  # where the picture itself takes most of the memory there is

STRIDE = 4
LEAST = 32


@dataclass(frozen=True)
class Span:
    """A tile along one side: it is painted from `start` to `stop`, and kept from `keep_start` to `keep_stop`."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def kept(self) -> slice:
        """What is kept, counted within the tile."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


def padded(side: int) -> int:
    """The side that the network is given: it halves twice, and its widest convolution reaches 32 pixels."""
    return max(LEAST, -(-side // STRIDE) * STRIDE)


@functools.lru_cache(maxsize=64)
def grid(height: int, width: int, largest: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The rows and columns of tiles of a picture, all of one size, of which each has at most `largest` pixels (more
    only if the overlaps alone have more; a third less where the picture is huge)."""
    if height * width > _HUGE:
        largest = round(largest * _OF_HUGE)
    best: tuple[int, int, int] | None = None
    tall, wide = padded(height), padded(width)
    for rows in range(1, _most(tall) + 1):
        side = _side(tall, rows)
        # The fewest columns that keep the tiles small enough paint the least twice.
        for columns in range(1, _most(wide) + 1):
            if side * _side(wide, columns) <= largest:
                cost = rows * side * columns * _side(wide, columns)
                if best is None or cost < best[0]:
                    best = cost, rows, columns
                break
    rows, columns = (best[1], best[2]) if best else (_most(tall), _most(wide))
    return _spans(height, rows), _spans(width, columns)


def _most(side: int) -> int:
    """More tiles than this along a side would have less than a halo of their own."""
    return max(1, side // HALO)


def _side(side: int, count: int) -> int:
    """How long each of `count` tiles is, so that together they cover `side` with their overlaps."""
    return side if count == 1 else padded(-(-(side + 2 * HALO * (count - 1)) // count))


def _spans(side: int, count: int) -> tuple[Span, ...]:
    length = _side(padded(side), count)
    starts = [min(i * (length - 2 * HALO), padded(side) - length) for i in range(count)]
    cuts = [0, *(start + HALO for start in starts[1:]), side]
    return tuple(
        Span(start, start + length, cuts[i], cuts[i + 1]) for i, start in enumerate(starts) if cuts[i] < cuts[i + 1]
    )
