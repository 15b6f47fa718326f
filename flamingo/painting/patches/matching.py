"""Matches between the patches of a picture and those of an atlas: found by PatchMatch, turned into pixels by voting.

PatchMatch: Barnes, Shechtman, Finkelstein and Goldman 2009. Matching and voting by turns: Kwatra et al. 2005, Wexler,
Shechtman and Irani 2007. A price on patches that are used often, so that all of the painting is used: Jamriska et al.
2015, Fiser et al. 2016 (StyLit).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.painting.patches import kernels
from flamingo.painting.patches.atlas import Atlas

Pixels = NDArray[np.float32]
Index = NDArray[np.int32] | NDArray[np.int16]

_BAND = 32
_USAGE = 0.0006  # the price, a pixel of a patch, of a patch that is used as often as all others
_WINDOW = 1.2  # standard deviation of how much a place in a patch counts when patches vote
_SHARP = 1.0  # patches of this many times the mean cost count 1 / e
_ROBUST = np.float32(0.002)  # squared distance in Oklab from the first mean at which a vote counts a quarter
_LEAST = np.float32(1e-4)


@dataclass(frozen=True, eq=False)
class Matches:
    """The first row and column, in an atlas, of the patch around each pixel: (H, W) int32 each, or int16 where
    they are kept to begin with."""

    rows: Index
    columns: Index


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be matched, with a margin of half a patch on each side.

    Attributes:
        features: (H, W, 6) float32.
        hold: (H, W) float32, how much features count next to pixels.
        prices: (H, W, K) or (1, 1, K) float32: what a patch of each source costs at each place.
    """

    features: Pixels
    hold: Pixels
    prices: Pixels


@dataclass(frozen=True)
class Search:
    """How matches are searched for.

    Attributes:
        sweeps: passes over the picture.
        radius: pixels around the best match within which random ones are tried first.
        tries: random ones, each half as far away.
    """

    sweeps: int = 2
    radius: int = 24
    tries: int = 5


class Matcher:
    """Matches one window of a picture with an atlas.

    Args:
        atlas: what patches are taken from.
        target: of (H, W) pixels.
        matches: to begin with; changed in place.
        patch: side of a patch, odd.
        usage: (h, w) float32, how often each patch of the atlas is used elsewhere in the picture.
        fair: how often each would be used if all were used alike.
        first: the first row that may change; matches above it are those of another window.
        pool: what bands run on.
        rng: of all that is random.
    """

    def __init__(
        self, atlas: Atlas, target: Target, matches: Matches, *, patch: int, usage: Pixels | None, fair: float,
        first: int, pool: Executor, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._atlas, self._target, self._matches, self._patch = atlas, target, matches, patch
        self._first, self._pool, self._rng = first, pool, rng
        self._elsewhere = usage
        self._price = np.float32(_USAGE * patch * patch / max(fair, 1e-9))
        self._features = self._padded(target.features)
        self._source_features = _flat(atlas.features)
        self.cost = np.zeros(matches.rows.shape, np.float32)
        """(H, W) float32, of the matches as they are."""

    def search(self, picture: Pixels | None, how: Search, colours: Pixels | None = None) -> None:
        """Improve the matches.

        Args:
            picture: (H, W, 3) in Oklab, as it is now; None to look at features alone.
            how: how far, and how often.
            colours: the atlas's pixels that are compared, if not its own.
        """
        source = _flat(self._atlas.colours if colours is None else colours)
        if picture is None:
            pixels, source = np.zeros((len(self._features), self._width * kernels.COLOURS), np.float32), 0 * source
        else:
            pixels = self._padded(picture)
        target = self._target
        arrays: tuple[Any, ...] = (
            pixels, self._features, target.hold, source, self._source_features, self._atlas.label,
            self._matches.rows, self._matches.columns, self.cost,
        )  # fmt: skip
        usage = self._usage()
        more = self._price, target.prices, self._patch
        self._bands(0, lambda top, bottom, _: kernels.measure(*arrays, usage, *more, top, bottom), first=0)
        for i in range(how.sweeps):
            before, seeds = usage, self._rng.integers(1, 2**32, len(self.cost) // _BAND + 2, dtype=np.uint32)

            def sweep(
                top: int, bottom: int, band: int, i: int = i, before: Pixels = before, seeds: Any = seeds
            ) -> None:
                # Its own copy: what a band uses up meanwhile, the others learn after the sweep.
                kernels.sweep(
                    *arrays, before.copy(), *more, top, bottom, i % 2 == 0, how.radius, how.tries, seeds[band]
                )

            self._bands(i % 2, sweep)
            usage = self._usage()

    def voted(self, *, sharp: bool = True) -> Pixels:
        """The picture (H, W, 3) in Oklab that the matches make. sharp: good matches count more, and what is far from
        the others less."""
        patch, matches = self._patch, self._matches
        places = np.arange(patch) - patch // 2
        window = np.exp(-(places[:, None] ** 2 + places[None] ** 2) / (2 * _WINDOW**2)).astype(np.float32)
        if sharp:
            weight = np.exp(-_SHARP * self.cost / max(float(self.cost.mean()), 1e-9)).astype(np.float32) + _LEAST
        else:
            weight = np.ones_like(self.cost)
        picture = np.empty((*weight.shape, 3), np.float32)
        colours, robust = np.ascontiguousarray(self._atlas.colours), _ROBUST if sharp else np.float32(0)
        self._bands(
            0,
            lambda top, bottom, _: kernels.vote(
                colours, matches.rows, matches.columns, weight, window, picture, robust, top, bottom
            ),
            first=0,
        )
        return picture

    @property
    def _width(self) -> int:
        width: int = self._matches.rows.shape[1]
        return width + self._patch - 1

    def _padded(self, picture: Pixels) -> Pixels:
        edge = self._patch // 2
        return _flat(np.pad(picture, ((edge, edge), (edge, edge), (0, 0)), "symmetric"))

    def _usage(self) -> Pixels:
        own = counted(self._matches, self._atlas.label.shape, self._first)
        return own if self._elsewhere is None else own + self._elsewhere

    def _bands(self, shift: int, call: Callable[[int, int, int], object], first: int | None = None) -> None:
        """Call for bands of rows, side by side. shift: 1 for other bands than with 0, so that what one knows comes
        to the next."""
        first, height = self._first if first is None else first, len(self.cost)
        edges = [first, *range(first + (_BAND // 2 if shift else _BAND), height, _BAND), height]
        bands = [(top, bottom, i) for i, (top, bottom) in enumerate(itertools.pairwise(edges))]
        for _ in self._pool.map(lambda band: call(*band), (band for band in bands if band[1] > band[0])):
            pass


def counted(matches: Matches, shape: tuple[int, ...], first: int = 0) -> Pixels:
    """How often each patch of an atlas of that shape is used, in the rows from `first` on; float32."""
    height, width = shape
    flat = matches.rows[first:].astype(np.int64) * width + matches.columns[first:]
    return np.bincount(flat.ravel(), minlength=height * width).astype(np.float32).reshape(height, width)


def _flat(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture, np.float32).reshape(len(picture), -1)
