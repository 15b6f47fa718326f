"""Frames of a film painted by means and variances that their shot holds, all of a frame or only boxes of it.

What a network normalises by is told, not measured in each frame (see `large`), so nothing in it looks further than
its convolutions: a box that is painted with some of its surroundings is what the whole frame would be there, and
joins what surrounds it without a seam.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.painting import large, pyramid, tiles
from flamingo.painting.boxes import Box
from flamingo.painting.mixing import mixed
from flamingo.painting.motion import Frame, Moved, floats
from flamingo.painting.networks import Networks, Statistics
from flamingo.painting.pyramid import Size
from flamingo.painting.regions import Regions

__all__ = ["Shot"]

Pixels = NDArray[np.float32]

REACH = 24
"""How many pixels around a box are painted with it at each size. The convolutions see further, by `tiles.HALO`, but
hardly anything there: 55 dB between a box and the same place of the whole frame with `fine`, 65 with `fast`."""

_STEP = 32  # sides of boxes are multiples of this, so that the network is prepared for few different ones
_MUCH = 0.7  # of the work of a whole frame, from which all of it is painted
_MANY = 24
_MEASURED = 4  # paintings from one measurement of means and variances to the next
_GLIDE = 0.2  # how far the means and variances go towards the last measurement with each painting


class Shot:
    """The painter of one shot after another, which begins with `begin`.

    networks, regions: as `large.Job` has them; strokes: as in `Painter.paint_map`.
    """

    def __init__(self, networks: Networks, regions: Regions, strokes: float | None) -> None:
        self.networks = networks
        self._regions = regions
        self._strokes = strokes
        self._fitted: dict[Size, Regions] = {}
        self._target: Statistics | None = None
        self.statistics: Statistics | None = None
        self._keys = 0
        self.work = 0.0
        """How many frames were painted, boxes counted by what they cost."""

    def begin(self, frame: Frame) -> Pixels:
        """The first frame of a shot, (H, W, 3) in [0, 1] or 8-bit, painted, float32 in [0, 1]."""
        self.statistics = self._target = None
        self._keys = 0
        return self.key(frame)

    def key(self, frame: Frame, moved: Moved | None = None) -> Pixels:
        """Another frame of the shot, painted; the means and variances follow it somewhat. moved: what of the last key
        is mixed into it."""
        photos = _Photos(frame, self._sizes(frame))
        first = self._settled(photos)
        painted = self._whole(photos, first)
        return painted if moved is None else mixed(painted, moved.painting, moved.share)

    def boxes(self, frame: Frame, mask: Pixels, around: Pixels | None = None) -> list[tuple[Box, Pixels]]:
        """What the frame shows where a mask (h, w) is above 0, painted: boxes that hold it, and their paintings. What
        is painted around it changes nothing."""
        photos = _Photos(frame, self._sizes(frame))
        boxes = _around(mask, photos.sizes, photos.size, self.networks.largest)
        if boxes is None:
            return [(Box(0, photos.size[0], 0, photos.size[1]), self._whole(photos, None))]
        return [(box, self._painted(photos, box, None)) for box in boxes]

    def state(self) -> dict[str, NDArray[Any]]:
        """All that paintings to come depend on, as arrays."""
        assert self.statistics is not None and self._target is not None
        arrays = {"keys": np.array(self._keys)}
        for name, statistics in (("now", self.statistics), ("target", self._target)):
            arrays |= {f"{name}_{part}": getattr(statistics, part) for part in _PARTS}
        return arrays

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from where `state` was asked for."""
        self._keys = int(state["keys"])
        self.statistics, self._target = (Statistics(*(state[f"{n}_{p}"] for p in _PARTS)) for n in ("now", "target"))

    def _sizes(self, frame: Frame) -> list[Size]:
        height, width = frame.shape[:2]
        return [(height, width)] if self._strokes is None else pyramid.sizes(height, width, self._strokes)

    def _settled(self, photos: _Photos) -> Pixels | None:
        """Bring means and variances up to a frame. If that has painted the smallest size already, the painting."""
        self._keys += 1
        if self._keys % _MEASURED == 1:
            thumbnail = photos.thumbnail()
            first, self._target = self.networks.measure(thumbnail, self._regions)
            if self.statistics is None:
                self.statistics = self._target
                same = self._regions.weights is None and thumbnail.shape[:2] == photos.sizes[0]
                return first if same else None
        assert self.statistics is not None and self._target is not None
        self.statistics = Statistics(
            self.statistics.means + (self._target.means - self.statistics.means) * np.float32(_GLIDE),
            self.statistics.variances + (self._target.variances - self.statistics.variances) * np.float32(_GLIDE),
            self._target.gates,
            self.statistics.colours + (self._target.colours - self.statistics.colours) * np.float32(_GLIDE),
        )
        return None

    def _whole(self, photos: _Photos, first: Pixels | None) -> Pixels:
        height, width = photos.size
        if all(h * w <= self.networks.largest for h, w in photos.sizes):
            return self._painted(photos, Box(0, height, 0, width), first)
        self.work += 1
        frame = floats(photos.frame)
        job = large.Job(lambda top, bottom: frame[top:bottom], photos.size, self._regions, self._strokes)
        return np.concatenate(list(large.strips(_FixedNormalisation(self, photos), job)))

    def _painted(self, photos: _Photos, box: Box, first: Pixels | None) -> Pixels:
        """A box of a frame. first: the smallest size, painted already."""
        assert self.statistics is not None
        windows = _windows(box, photos.sizes, photos.size)
        self.work += sum(math.prod(w.size) for w in windows) / sum(math.prod(s) for s in photos.sizes)
        below, before = first, Box(0, photos.sizes[0][0], 0, photos.sizes[0][1])
        for i, (size, window) in enumerate(zip(photos.sizes, windows, strict=True)):
            if i == 0 and first is not None:
                continue
            photo = photos.padded(i)[window.slices]
            weights, at = self._weights(size, window), (window.top, window.left)
            if below is None:
                below = self.networks.tile(photo, self._regions.vectors, weights, self.statistics, at)
            else:
                ratio = size[0] / photos.sizes[i - 1][0]
                below = _enlarged(below, before, photos.sizes[i - 1], window, size)
                share = large.PAINTING_SEEN * self.statistics.covered(weights)
                blended = photo + (np.clip(below, 0, 1) - photo) * share
                painted = self.networks.tile(blended, self._regions.vectors, weights, self.statistics, at)
                below = np.clip(below + pyramid.detail(painted, ratio), 0, 1)
            before = window
        assert below is not None
        if photos.sizes[-1] != photos.size:  # strokes finer than the pixels
            below = _resized(below[: photos.sizes[-1][0], : photos.sizes[-1][1]], photos.size)
            before = Box(0, photos.size[0], 0, photos.size[1])
        return np.clip(below[box.within(before)], 0, 1)

    def _weights(self, size: Size, window: Box) -> Pixels | None:
        if self._regions.weights is None:
            return None
        if size not in self._fitted:
            self._fitted[size] = self._regions.fitted(*size)
        return self._fitted[size].window(size, window.top, window.left, *window.size)


_PARTS = ("means", "variances", "gates", "colours")


class _Photos:
    """A frame at each of the sizes at which it is painted, made when they are asked for."""

    def __init__(self, frame: Frame, sizes: list[Size]) -> None:
        self.frame, self.sizes = frame, sizes
        self.size = frame.shape[0], frame.shape[1]
        self._padded_levels: dict[int, Pixels] = {}

    def padded(self, level: int) -> Pixels:
        """Of the level with that number, continued as in a mirror to sides that the network takes."""
        if level not in self._padded_levels:
            photo, (height, width) = _resized(self.frame, self.sizes[level]), self.sizes[level]
            more = 0, tiles.padded(height) - height, 0, tiles.padded(width) - width
            self._padded_levels[level] = np.asarray(cv2.copyMakeBorder(photo, *more, cv2.BORDER_REFLECT), np.float32)
        return self._padded_levels[level]

    def at(self, level: int) -> Pixels:
        height, width = self.sizes[level]
        return self.padded(level)[:height, :width]

    def thumbnail(self) -> Pixels:
        """At the size at which means and variances are measured."""
        height, width = self.sizes[0]
        scale = min(1.0, large.THUMBNAIL / max(height, width))
        to = max(1, round(height * scale)), max(1, round(width * scale))
        return self.at(0) if to == self.sizes[0] else _resized(self.frame, to)


class _FixedNormalisation(Networks):
    """The networks of a painter for one large frame, told by what to normalise."""

    def __init__(self, shot: Shot, photos: _Photos) -> None:
        self._shot, self._photos = shot, photos
        self.largest = shot.networks.largest

    def load(self, kind: str) -> Any:
        return self._shot.networks.load(kind)

    def measure(self, photo: Pixels, regions: Regions) -> tuple[Pixels, Statistics]:
        now = self._shot.statistics
        assert now is not None
        if regions.weights is not None or photo.shape[:2] != self._photos.sizes[0]:
            return photo, now
        height, width = photo.shape[:2]
        painted = self.tile(self._photos.padded(0), regions.vectors[:1], None, now)
        return np.clip(painted[:height, :width], 0, 1), now


def _around(mask: Pixels, sizes: Sequence[Size], size: Size, largest: int) -> list[Box] | None:
    """Boxes that hold all places of a frame where the mask is above 0, as cheap to paint as may be; None if the whole
    frame is cheaper, or a box has more than `largest` pixels."""
    many, _, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    if many - 1 > _MANY or sizes[-1] != size:
        return None
    down, across = size[0] / mask.shape[0], size[1] / mask.shape[1]
    boxes = [
        Box(
            max(0, math.floor((y - 1) * down)), min(size[0], math.ceil((y + h + 1) * down)),
            max(0, math.floor((x - 1) * across)), min(size[1], math.ceil((x + w + 1) * across)),
        )
        for x, y, w, h, _ in stats[1:].tolist()
    ]  # fmt: skip

    def cost(box: Box) -> int:
        return sum(math.prod(window.size) for window in _windows(box, sizes, size))

    while len(boxes) > 1:
        pairs = itertools.combinations(boxes, 2)
        first, second = min(pairs, key=lambda pair: cost(pair[0].with_(pair[1])) - cost(pair[0]) - cost(pair[1]))
        if cost(first.with_(second)) > cost(first) + cost(second):
            break
        boxes = [box for box in boxes if box not in (first, second)] + [first.with_(second)]
    if sum(map(cost, boxes)) > _MUCH * sum(h * w for h, w in sizes):
        return None
    large_one = any(math.prod(w.size) > largest for box in boxes for w in _windows(box, sizes, size))
    return None if large_one else boxes


def _windows(box: Box, sizes: Sequence[Size], size: Size) -> list[Box]:
    """What is painted at each size for a box of a frame."""
    windows: list[Box] = []
    above = size
    for level_size in reversed(sizes):
        down, across = level_size[0] / above[0], level_size[1] / above[1]
        top, bottom = _span(math.floor(box.top * down), math.ceil(box.bottom * down), level_size[0])
        left, right = _span(math.floor(box.left * across), math.ceil(box.right * across), level_size[1])
        box, above = Box(top, bottom, left, right), level_size
        windows.insert(0, box)
    return windows


def _span(start: int, stop: int, side: int) -> tuple[int, int]:
    """From where to where to paint along one side of a picture to have it from `start` to `stop`."""
    side = tiles.padded(side)
    start = max(0, start - REACH) // tiles.STRIDE * tiles.STRIDE
    length = min(side, -(-(stop + REACH - start) // _STEP) * _STEP)
    start = min(start, side - length)
    return start, start + length


def _enlarged(below: Pixels, held: Box, size: Size, window: Box, to: Size) -> Pixels:
    """A window of a picture at a larger size, of which `below` is the part `held` at a smaller one."""
    down, across = size[0] / to[0], size[1] / to[1]
    matrix = np.array(
        [
            [across, 0, (window.left + 0.5) * across - 0.5 - held.left],
            [0, down, (window.top + 0.5) * down - 0.5 - held.top],
        ]
    )
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    height, width = window.size
    return np.asarray(
        cv2.warpAffine(below, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _resized(frame: Frame, size: Size) -> Pixels:
    """A frame as floats, at another size."""
    height, width = size
    if frame.shape[:2] != size:
        how = cv2.INTER_AREA if width < frame.shape[1] else cv2.INTER_CUBIC
        return floats(cv2.resize(frame, (width, height), interpolation=how))  # type: ignore[arg-type]
    return floats(frame)
