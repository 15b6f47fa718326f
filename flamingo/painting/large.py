"""Paintings of any size in bounded memory: one size after another, each in tiles, the last one in strips.

A picture is painted at the sizes that `stroke.sizes` names. The smallest is painted whole and gives the means and
variances by which all others are normalised; these are cut into tiles. Below the last size, photo and painting are
held whole in 16-bit floats; of the last size there are only the strips that are being painted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flamingo.images import resample
from flamingo.painting import pyramid, tiles
from flamingo.painting.networks import Networks, Statistics
from flamingo.painting.pyramid import Size
from flamingo.painting.regions import Regions

Pixels = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called as (done, all), in pixels to be painted at all sizes together."""

PAINTING_SEEN = 0.5  # chosen by eye among 0, 1/2 and 1
_STRIP = 256
_SMALL = 4_000_000  # pixels of a picture of which 32-bit floats are held without a thought


class Rows(Protocol):
    """Where the photo comes from: the rows from top to bottom, (bottom - top, W, 3) float32 in [0, 1]."""

    def __call__(self, top: int, bottom: int, /) -> Pixels: ...


@dataclass(frozen=True)
class Job:
    """A picture to paint. size: (height, width); strokes: their size, or None for as many pixels as the network's."""

    rows: Rows
    size: Size
    regions: Regions
    strokes: float | None


def strips(networks: Networks, job: Job, on_progress: Progress | None = None) -> Iterator[Pixels]:
    """The painted picture, strip by strip from top to bottom, (n, W, 3) float32 in [0, 1] each."""
    sizes = [job.size] if job.strokes is None else pyramid.sizes(*job.size, job.strokes)
    photos = _photos(job, sizes)
    tell = _Teller(sizes, on_progress)
    thumbnail = _thumbnail(photos, job, sizes[0])
    below: NDArray[np.floating] | None = None
    first, statistics = networks.measure(thumbnail, job.regions)
    if job.regions.weights is None and thumbnail.shape[:2] == sizes[0]:  # this was the first painting already
        if sizes == [job.size]:
            yield first
            return
        below = first
        tell(sizes[0][0] * sizes[0][1])
    for i, size in enumerate(sizes):
        if below is not None and i == 0:
            continue
        ratio = size[0] / sizes[i - 1][0] if i else 1.0
        level = _Level(networks, photos[i], size, job.regions.fitted(*size), statistics, below, ratio, tell)
        if i == len(sizes) - 1 and size == job.size:
            yield from level.strips()
            return
        below = level.whole()
        photos[i] = _nothing
    assert below is not None
    yield resample.shrunk(below.astype(np.float32), *job.size)


def _nothing(_top: int, _bottom: int) -> Pixels:
    raise AssertionError("this size is painted already")


def _photos(job: Job, sizes: list[Size]) -> list[Rows]:
    """The photo at every size. The largest is read in strips; each of the others is made from the one above."""
    if sizes[-1] != job.size:  # strokes finer than pixels
        whole = job.rows(0, job.size[0])
        return [_rows_of(resample.window(whole, sizes[0], 0, 0, *sizes[0], "cubic"))]
    levels: list[Rows] = [job.rows]
    above = job.size
    for size in sizes[-2::-1]:
        levels.insert(0, _rows_of(_shrunk(levels[0], above, size)))
        above = size
    return levels


def _shrunk(rows: Rows, size: Size, to: Size) -> NDArray[np.floating]:
    shrinker = resample.Shrinker((*size, 3), *to)
    for top in range(0, size[0], _STRIP):
        shrinker.add(rows(top, min(top + _STRIP, size[0])))
    return _compact(shrinker.result)


def _compact(picture: Pixels) -> NDArray[np.floating]:
    return picture if picture.shape[0] * picture.shape[1] <= _SMALL else picture.astype(np.float16)


def _rows_of(array: NDArray[np.floating]) -> Rows:
    return lambda top, bottom: array[top:bottom].astype(np.float32)


def _thumbnail(photos: list[Rows], job: Job, size: Size) -> Pixels:
    """The photo at the size at which means and variances are measured."""
    scale = min(1.0, THUMBNAIL / max(size))
    to = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return photos[0](0, size[0]) if to == size else _shrunk(photos[0], size, to)


THUMBNAIL = pyramid.WORKING


class _Teller:
    """Says how much of all the work is done, in painted pixels."""

    def __init__(self, sizes: list[Size], on_progress: Progress | None) -> None:
        self._all = sum(h * w for h, w in sizes)
        self._done = 0
        self._tell = on_progress

    def __call__(self, pixels: int) -> None:
        self._done += pixels
        if self._tell:
            self._tell(min(self._done, self._all), self._all)


@dataclass
class _Level:
    """One size of the picture. below: the painting one size smaller, to which this one adds detail; or None."""

    networks: Networks
    rows: Rows
    size: Size
    regions: Regions
    statistics: Statistics
    below: NDArray[np.floating] | None
    ratio: float
    tell: _Teller

    def whole(self) -> NDArray[np.floating]:
        height, width = self.size
        kind = np.float32 if height * width <= _SMALL else np.float16
        picture = np.empty((height, width, 3), kind)
        top = 0
        for strip in self.strips():
            picture[top : top + len(strip)] = strip
            top += len(strip)
        return picture

    def strips(self) -> Iterator[Pixels]:
        rows, columns = tiles.grid(*self.size, self.networks.largest)
        for down in rows:
            photo = self._photo(down.start, down.stop)
            strip = np.empty((down.keep_stop - down.keep_start, self.size[1], 3), np.float32)
            for across in columns:
                strip[:, across.keep_start : across.keep_stop] = self._tile(photo, down, across)
            self.tell(strip.shape[0] * strip.shape[1])
            yield strip

    def _photo(self, top: int, bottom: int) -> Pixels:
        """Rows of the photo, continued as in a mirror to the size that the network takes."""
        height, width = self.size
        below, beside = max(0, bottom - height), tiles.padded(width) - width
        rows = self.rows(top, min(bottom, height))
        return np.pad(rows, ((0, below), (0, beside), (0, 0)), "symmetric") if below or beside else rows

    def _tile(self, photo: Pixels, down: tiles.Span, across: tiles.Span) -> Pixels:
        height, width = photo.shape[0], across.stop - across.start
        weights = None
        if self.regions.weights is not None:
            weights = self.regions.window(self.size, down.start, across.start, height, width)
        photo, at = photo[:, across.start : across.stop], (down.start, across.start)
        if self.below is None:
            painted = self.networks.tile(photo, self.regions.vectors, weights, self.statistics, at)
            return painted[down.kept, across.kept]
        below = resample.window(self.below, self.size, down.start, across.start, height, width, "cubic")
        # Of the photo alone, the network would make fine strokes where the photo has its edges; they would lie across
        # the coarse ones. Of the coarse painting alone, it would have nothing to be sharp about but that.
        blended = photo + (np.clip(below, 0, 1) - photo) * (PAINTING_SEEN * self.statistics.covered(weights))
        painted = self.networks.tile(blended, self.regions.vectors, weights, self.statistics, at)
        both = below + pyramid.detail(painted, self.ratio)
        return np.asarray(np.clip(both[down.kept, across.kept], 0, 1), np.float32)
