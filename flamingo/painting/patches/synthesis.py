"""A photo rebuilt from patches of paintings, from coarse to fine, whatever its size.

The coarse levels are held whole. Levels of more than `WHOLE` pixels are made strip by strip from top to bottom: each
strip begins with what the level below found there, and with the last rows of the strip above it, which do not change
any more. Where a painting has no more pixels, finer levels go on with the pixels that it has: its large forms are
there already, and its finest ones stay as sharp as they are.

A frame of a film is made in the same way, but begins at each level with the matches of an earlier frame, moved along
the flow, and is held to that frame's painting, moved likewise (see `Earlier`): so do Fiser et al. 2017,
"Example-based synthesis of stylized facial animations", and Jamriska et al. 2019, "Stylizing video by example".
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flamingo import settings
from flamingo.images import resample
from flamingo.images.faces import heads
from flamingo.painting.allocator import give_back_large_blocks
from flamingo.painting.colour import from_oklab, to_oklab
from flamingo.painting.large import Progress, Rows
from flamingo.painting.patches import features, transport
from flamingo.painting.patches.atlas import Atlas, Source, atlas
from flamingo.painting.patches.kernels import INVALID
from flamingo.painting.patches.matching import Matcher, Matches, Search, Target, counted
from flamingo.painting.patches.transport import ColourMap
from flamingo.painting.pyramid import Size

Pixels = NDArray[np.float32]
PATCH = 5
_COARSEST = 48  # pixels that the shorter sides of picture and paintings have at least, at the coarsest level
WHOLE = 1_600_000
"""Pixels of a level up to which it is held whole."""
_STRIP = 1_200_000  # pixels of the photo that are read at once to be made smaller
_WINDOW = 1_500_000  # pixels of a level that are matched at once where it is made in strips
_MUCH = 8_000_000  # pixels from which on memory is dearer than a twentieth of the time
_HALO = 24  # rows around a strip that are matched with it
_ROUNDS = 4, 3, 2  # of matching and voting, from the coarsest level on; the last number goes for all others
_ROUNDS_AGAIN = 4, 3, 1  # the same where there is an earlier frame to begin with
_KEEP = 12.0  # how much the difference from an earlier frame counts, next to that from the picture as it is
_TRUSTED = 0.3  # share from which on matches of an earlier frame are begun with
_EVERYWHERE = Search(sweeps=4, radius=0, tries=10)
_NEARBY = Search()
_FORMS, _FACES = 2.0, 6.0  # how much more the photo is held where it has forms, and where it has faces
# How much the photo's features count next to the painting's texture: at the coarsest and the finest level, for a
# fidelity of 0, 1/2 and 1.
_HOLD = np.log([[0.3, 0.7, 1.5], [0.02, 0.15, 1.0]])
_ABSENT = np.float32(1e9)
_BALANCE = 0.5  # by how many mean costs a source is dearer for each factor e by which it is used too much


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture, and what it is made of. share: (h, w) float32 in [0, 1], how much of each place it has,
    stretched over the picture; None for all of it."""

    sources: tuple[Source, ...]
    share: Pixels | None = None


@dataclass(frozen=True)
class PatchSettings:
    """How a photo is rebuilt.

    Attributes:
        fidelity: from 0, the paint runs, to 1, the photo's forms are kept.
        stroke: the size of the painting, next to that of the picture.
        seed: of all that is random.
    """

    fidelity: float = 0.5
    stroke: float = 1.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Earlier:
    """A frame's painting that another one is to go on from.

    Attributes:
        painting: (H, W, 3) float32 sRGB in [0, 1], moved to where its things are in the new frame.
        share: (h, w) float32 in [0, 1], how much it counts at each place, stretched over the frame.
        flow: (h, w, 2) float32, x before y: from each place to where it was, in pixels of (h, w).
        matches: of the earlier frame, not moved, by how many pixels of the frame are on the side of one of a level's;
            none where there is a painting alone.
    """

    painting: Pixels
    share: Pixels
    flow: Pixels
    matches: Mapping[int, Matches] = field(default_factory=dict)


@dataclass(eq=False)
class Shared:
    """What frames of one size have in common, filled in by the first that needs it.

    Attributes:
        atlases: by the length of the paintings' longest side.
        softened: their pixels, by that and by how much they are softened.
        rough: quantiles of the roughness of a frame at each level; parts of the frame are ranked by them too.
        excess: of the prices of sources, in mean costs, (K,).
    """

    atlases: dict[int, Atlas] = field(default_factory=dict)
    softened: dict[tuple[int, float], Pixels] = field(default_factory=dict)
    rough: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    excess: Pixels | None = None

    def atlas(self, sources: Sequence[Source], longest: float) -> Atlas:
        """The atlas of a level."""
        key = round(longest)
        if key not in self.atlases:
            self.atlases[key] = atlas(sources, longest, PATCH)
        return self.atlases[key]

    def soft(self, sources: Sequence[Source], longest: float, soften: float) -> Pixels:
        """Its pixels, softened."""
        key = round(longest), round(soften, 2)
        if key not in self.softened:
            self.softened[key] = atlas(sources, longest, PATCH, soften).colours
        return self.softened[key]


def synthesise(
    rows: Rows, size: Size, regions: Sequence[Region], how: PatchSettings, on_progress: Progress | None = None
) -> Iterator[Pixels]:
    """The picture, strip by strip from top to bottom, (n, W, 3) float32 sRGB in [0, 1].

    Args:
        rows: gives the photo's rows from top to bottom, (n, W, 3) float32 sRGB in [0, 1].
        size: (H, W) of the photo.
        regions: at least one; together they have at most 254 sources.
        how: fidelity, size of the strokes, and seed.
        on_progress: is told how much is done, in pixels to be matched at all levels together.
    """
    if _area(size) > _MUCH:
        give_back_large_blocks()
    with workers() as pool:
        yield from Synthesis(rows, size, regions, how, pool, on_progress).strips()


def workers() -> ThreadPoolExecutor:
    """What bands of a picture run on, as many at once as the settings say."""
    return ThreadPoolExecutor(settings.THREADS.value() or os.cpu_count() or 1)


@dataclass
class _Level:
    """One size of the picture. index: 0 for the coarsest; factor: pixels of the photo on the side of one of its."""

    index: int
    factor: int
    size: Size
    atlas: Atlas
    softened: Pixels | None  # the atlas's pixels, as soft as an enlarged picture
    scale: float  # of the paintings, next to the level below
    hold: float
    rough: NDArray[np.float64]  # quantiles of the photo's roughness here
    rounds: int
    usage: Pixels = field(init=False)

    def __post_init__(self) -> None:
        self.usage = np.zeros(self.atlas.label.shape, np.float32)


@dataclass(frozen=True, eq=False)
class _Below:
    """What a level leaves to the next: the matches, the picture (H, W, 3), and where its sources begin."""

    matches: Matches
    picture: NDArray[np.floating]
    tops: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Held:
    """What some rows of a level are held to. painting: (n, W, 3) in Oklab; share: (n, W, 1), how much of what pixels
    are compared with it is.

    The squared difference from a picture p, and k times that from a painting q, are (1 + k) times that from
    (p + k q) / (1 + k), and something that is the same for all patches. So the term that keeps a film steady costs
    nothing: patches are compared with the mean of both, and features count 1 / (1 + k) of what they do elsewhere.
    """

    painting: Pixels
    share: Pixels

    def drawn(self, picture: Pixels) -> Pixels:
        return picture + (self.painting - picture) * self.share


class Synthesis:
    """One picture on its way. Arguments are those of `synthesise`; pool: what bands run on.

    Attributes:
        maps: what moves the photo's colours in each region; None: `measured` from this very picture.
        corrections: what moves the result on in each region, and None where nothing does (see `_correct`); None:
            found on the way, and there after `strips`.
        matches: by how many pixels of the picture are on the side of one of a level's; there after `strips` where
            they are `kept`, for another picture to go on from: of a large one they take more memory than all else.
    """

    def __init__(
        self, rows: Rows, size: Size, regions: Sequence[Region], how: PatchSettings, pool: Executor,
        on_progress: Progress | None = None, shared: Shared | None = None, earlier: Earlier | None = None,
        kept: bool = False,
    ) -> None:  # fmt: skip
        self._shared, self._earlier, self._kept = shared or Shared(), earlier, kept
        self.maps: Sequence[ColourMap] | None = None
        self.corrections: Sequence[ColourMap | None] | None = None
        self.matches: dict[int, Matches] = {}
        self._rows, self._size, self._regions, self._how, self._pool = rows, size, regions, how, pool
        self._sources = [source for region in regions for source in region.sources]
        self._region_of = np.repeat(np.arange(len(regions)), [len(region.sources) for region in regions])
        self._count = _levels(size, self._sources, how.stroke)
        self._base = next(i for i in range(self._count) if _area(self._sized(2**i)) <= WHOLE or i == self._count - 1)
        self._thumbnail = to_oklab(self._shrunk(2**self._base))
        self._forms = _FORMS * features.forms(self._thumbnail) + _FACES * _faces(self._thumbnail)
        if self._shared.excess is None:
            self._shared.excess = np.zeros(len(self._sources), np.float32)
        self._excess = self._shared.excess
        self._tell = on_progress or (lambda *_: None)
        self._done = 0
        self._all = sum(self._rounds(i) * _area(self._sized(2 ** (self._count - 1 - i))) for i in range(self._count))

    def measured(self) -> list[ColourMap]:
        """The maps from this picture's colours to those of the paintings, one for each region."""
        return [colour_map(region, [self._thumbnail], self._how.seed) for region in self._regions]

    def strips(self) -> Iterator[Pixels]:
        """The picture, as `synthesise` gives it."""
        if self.maps is None:
            self.maps = self.measured()
        below: _Below | None = None
        longest = 0.0
        correct, nearest = self.corrections is None, [math.inf] * len(self._regions)
        self.corrections = self.corrections or [None] * len(self._regions)
        for i in range(self._count):
            factor = 2 ** (self._count - 1 - i)
            level, longest = self._level(i, factor, longest)
            height, width = level.size
            if factor == 1 and not self._kept:
                for _, picture in self._matched(level, below):
                    yield from_oklab(picture)
                return
            # Half as wide as the matches that are searched for, where that is enough.
            narrow = max(level.atlas.label.shape) <= np.iinfo(np.int16).max
            rows, columns = (np.empty((height, width), np.int16 if narrow else np.int32) for _ in range(2))
            if self._kept:
                self.matches[factor] = Matches(rows, columns)
            small, last = height * width <= WHOLE, factor == 1
            picture = np.empty((0 if last else height, width, 3), np.float32 if small else np.float16)
            top = 0
            for matches, strip in self._matched(level, below):
                bottom = top + len(strip)
                rows[top:bottom], columns[top:bottom] = matches.rows, matches.columns
                if last:
                    yield from_oklab(strip)
                else:
                    picture[top:bottom] = strip
                top = bottom
            if last:
                return
            below = _Below(Matches(rows, columns), picture, level.atlas.tops)
            if correct and small:
                nearest = self._correct(level, picture, nearest)

    def _correct(self, level: _Level, picture: Pixels, nearest: Sequence[float]) -> list[float]:
        """Learn from a level what the goal must be for the picture to have the paintings' colours.

        What patches make is flatter than what they are to be like: there may be none that is both as bright and of
        the right form. So the goal's colours are moved on as the picture's must be. Where that helped nothing, as for
        a photo of noise, it is given up. nearest: how far the picture's colours were from the paintings' at best, in
        each region; the same is returned.
        """
        assert self.corrections is not None
        corrections, distances = list(self.corrections), list(nearest)
        for r, region in enumerate(self._regions):
            have = _within(region, [picture])
            sources = [
                level.atlas.colours[level.atlas.label == i] for i in np.flatnonzero(self._region_of == r).tolist()
            ]
            wanted = _together(region, sources)
            distance = transport.apart(have, wanted)
            if distance > distances[r]:
                corrections[r], distances[r] = None, 0.0  # no other is nearer than that: it is not tried again
            elif distances[r] > 0:
                correction, before = transport.colour_map(have, wanted, self._how.seed), corrections[r]
                corrections[r] = correction if before is None else before.then(correction)
                distances[r] = distance
        self.corrections = corrections
        return distances

    def _sized(self, factor: int) -> Size:
        return -(-self._size[0] // factor), -(-self._size[1] // factor)

    def _rounds(self, index: int) -> int:
        # A level that is made in strips begins with a picture that is right but for its finest strokes.
        if index > self._count - 1 - self._base:
            return 1
        rounds = _ROUNDS if self._earlier is None else _ROUNDS_AGAIN
        return rounds[min(index, len(rounds) - 1)]

    def _level(self, index: int, factor: int, before: float) -> tuple[_Level, float]:
        """The level, and how long the paintings' longest side is to be there. before: at the level below."""
        requested = max(self._size) * self._how.stroke / factor
        limit = max(max(source.lab.shape[:2]) for source in self._sources)
        longest = min(requested, float(limit))
        scale = longest / before if before else 1.0
        entries = self._shared.atlas(self._sources, longest)
        softened = None
        if index and scale < 1.5:
            softened = self._shared.soft(self._sources, longest, 2 / scale)
        share = index / max(1, self._count - 1)
        coarse, fine = (np.interp(self._how.fidelity, [0, 0.5, 1], row) for row in _HOLD)
        hold = math.exp(coarse * (1 - share) + fine * share)
        if factor not in self._shared.rough:
            self._shared.rough[factor] = self._roughness(factor)
        rough, size = self._shared.rough[factor], self._sized(factor)
        return _Level(index, factor, size, entries, softened, scale, hold, rough, self._rounds(index)), longest

    def _roughness(self, factor: int) -> NDArray[np.float64]:
        """Quantiles of the photo's roughness at a level; of a large one, of three strips of it."""
        height, _ = self._sized(factor)
        if _area(self._sized(factor)) <= WHOLE:
            return features.quantiles(features.roughness(self._photo(factor, 0, height)))
        tops = [round(height * fraction) - 32 for fraction in (0.25, 0.5, 0.75)]
        return features.quantiles(
            np.concatenate([features.roughness(self._photo(factor, top, top + 64)).ravel() for top in tops])
        )

    def _matched(self, level: _Level, below: _Below | None) -> Iterator[tuple[Matches, Pixels]]:
        """Matches and pixels of a level, strip by strip."""
        height, width = level.size
        deep = height if height * width <= WHOLE else max(2 * _HALO, _WINDOW // width - 2 * _HALO)
        above: Matches | None = None
        for top in range(0, height, deep):
            bottom = min(top + deep, height)
            first, last = max(0, top - _HALO), min(height, bottom + _HALO)
            matches, picture = self._window(level, below, above, first, last, top - first)
            strip = slice(top - first, bottom - first)
            strip_matches = Matches(matches.rows[strip], matches.columns[strip])
            if deep < height:
                level.usage += counted(strip_matches, level.atlas.label.shape)
                after = slice(bottom - first - _HALO, bottom - first)
                above = Matches(matches.rows[after].copy(), matches.columns[after].copy())
            yield strip_matches, picture[strip]

    def _window(
        self, level: _Level, below: _Below | None, above: Matches | None, top: int, bottom: int, first: int
    ) -> tuple[Matches, Pixels]:
        """Rows of a level. above: matches of the first rows, which stay; first: how many these are."""
        # Windows know their place, so that the same picture has the same numbers whoever asks.
        rng = np.random.default_rng([self._how.seed, level.index, top])
        photo = self._wide(level.factor, top, bottom, level.size[0])
        goal, prices = self._goal(level, photo, top, bottom)
        margin = min(features.MARGIN, top), min(features.MARGIN, level.size[0] - bottom)
        inner = slice(margin[0], margin[0] + bottom - top)
        roughness = features.ranked(features.roughness(photo), level.rough, level.atlas.roughness)
        stack = features.features(goal, roughness)[inner]
        forms = resample.window(self._forms[..., None], level.size, top, 0, bottom - top, level.size[1], "linear")
        hold = (level.hold * (1 + forms[..., 0])).astype(np.float32)
        matches = self._begun(level, below, top, bottom, prices, rng)
        held = self._held(level, matches, top, bottom)
        if held is not None:
            hold *= 1 - held.share[..., 0]
        if above is not None:
            matches.rows[:first], matches.columns[:first] = above.rows[-first:], above.columns[-first:]
        valid = np.count_nonzero(level.atlas.label != INVALID)
        matcher = Matcher(
            level.atlas, Target(stack, hold, prices), matches, patch=PATCH, usage=level.usage if first else None,
            fair=level.size[0] * level.size[1] / valid, first=first, pool=self._pool, rng=rng,
        )  # fmt: skip
        picture = None if below is None else self._beginning(level, below, matcher, top, bottom)
        search = _EVERYWHERE if below is None else _NEARBY
        if below is None:
            search = Search(search.sweeps, max(level.atlas.label.shape), search.tries)
        if held is not None:
            picture = goal[inner] if picture is None else picture  # all that is known of what is new in the frame
            picture = np.where(held.share > _TRUSTED, held.painting, picture)
        # What comes from an earlier frame is as sharp as the painting, so it is compared with that.
        colours = level.softened if held is None else None
        fixed = prices.copy()
        for _ in range(level.rounds):
            prices[:] = fixed + self._excess * np.float32(matcher.cost.mean())
            matcher.search(picture if held is None or picture is None else held.drawn(picture), search, colours)
            if level.index <= self._count - 1 - self._base:
                self._balance(level, matches)
            picture, colours = matcher.voted(), None
            self._done += (bottom - top - first) * level.size[1]
            self._tell(min(self._done, self._all), self._all)
        assert picture is not None
        return matches, picture

    def _held(self, level: _Level, matches: Matches, top: int, bottom: int) -> _Held | None:
        """What rows of a level are held to of an earlier frame, whose matches are begun with where it is found."""
        earlier = self._earlier
        if earlier is None:
            return None
        height, width = level.size
        share = resample.window(earlier.share[..., None], level.size, top, 0, bottom - top, width, "linear")
        if (before := earlier.matches.get(level.factor)) is not None:
            flow = resample.window(earlier.flow, level.size, top, 0, bottom - top, width, "linear")
            flow *= np.array([width / earlier.flow.shape[1], height / earlier.flow.shape[0]], np.float32)
            y = np.clip(np.rint(np.arange(top, bottom)[:, None] + flow[..., 1]).astype(np.intp), 0, height - 1)
            x = np.clip(np.rint(np.arange(width)[None] + flow[..., 0]).astype(np.intp), 0, width - 1)
            trusted = share[..., 0] > _TRUSTED
            old_rows, old_columns = before.rows[y, x], before.columns[y, x]
            matches.rows[trusted], matches.columns[trusted] = old_rows[trusted], old_columns[trusted]
        rows = earlier.painting[top * level.factor : min(bottom * level.factor, self._size[0])]
        painting = to_oklab(rows if level.factor == 1 else _binned(rows, level.factor))
        return _Held(painting, _KEEP * share / (1 + _KEEP * share))

    def _beginning(self, level: _Level, below: _Below, matcher: Matcher, top: int, bottom: int) -> Pixels:
        """The picture that a level begins with: what the matches of the one below make of larger paintings, or, where
        these are no larger, what it made, enlarged."""
        if level.softened is None:
            return matcher.voted(sharp=False)
        height, width = level.size
        return resample.window(below.picture, (height, width), top, 0, bottom - top, width, "cubic")

    def _begun(
        self, level: _Level, below: _Below | None, top: int, bottom: int, prices: Pixels, rng: np.random.Generator
    ) -> Matches:
        height, width = bottom - top, level.size[1]
        label = level.atlas.label
        if below is None:
            weights = np.array([source.weight for source in self._sources]) * (prices < _ABSENT / 2)
            shares = np.cumsum(np.broadcast_to(weights, (height, width, len(self._sources))), axis=2)
            drawn = (rng.random((height, width, 1)) * shares[..., -1:] >= shares).sum(axis=2)
            flat = np.empty((height, width), np.int64)
            for k in range(len(self._sources)):
                chosen, where = drawn == k, np.flatnonzero(label == k)
                flat[chosen] = where[rng.integers(0, len(where), int(chosen.sum()))]
            rows, columns = np.divmod(flat, label.shape[1])
            return Matches(rows.astype(np.int32), columns.astype(np.int32))
        y, x = np.arange(top, bottom), np.arange(width)
        parent_y = np.minimum(y // 2, below.matches.rows.shape[0] - 1)
        parent_x = np.minimum(x // 2, below.matches.rows.shape[1] - 1)
        old_rows = below.matches.rows[parent_y][:, parent_x]
        old_columns = below.matches.columns[parent_y][:, parent_x]
        # Sources lie one above the other: rows are counted in their own source.
        old_tops, new_tops = np.array(below.tops), np.array(level.atlas.tops)
        source = np.searchsorted(old_tops, old_rows, side="right") - 1
        shapes = np.array([*level.atlas.tops[1:], label.shape[0]]) - new_tops
        edge = PATCH // 2
        rows = _grown(old_rows - old_tops[source], level.scale, edge) + (y % 2)[:, None]
        columns = _grown(old_columns, level.scale, edge) + (x % 2)[None]
        rows = np.clip(rows, 0, shapes[source] - PATCH) + new_tops[source]
        columns = np.clip(columns, 0, self._widths(label, new_tops)[source] - PATCH)
        matches = Matches(rows.astype(np.int32), columns.astype(np.int32))
        self._moved(label, matches, source, rng)
        return matches

    def _widths(self, label: NDArray[np.uint8], tops: NDArray[np.int64]) -> NDArray[np.int64]:
        """How wide each source is, in columns at which patches may begin."""
        ends = [*tops[1:], len(label)]
        return np.array(
            [
                PATCH + int(np.flatnonzero((label[top:end] != INVALID).any(axis=0)).max())
                for top, end in zip(tops, ends, strict=True)
            ]
        )

    def _moved(
        self, label: NDArray[np.uint8], matches: Matches, source: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        """Matches that fell out of their source's mask get another place in it."""
        out = label[matches.rows, matches.columns] == INVALID
        for k in np.unique(source[out]) if out.any() else ():
            chosen = out & (source == k)
            where = np.flatnonzero(label == k)
            flat = where[rng.integers(0, len(where), int(chosen.sum()))]
            matches.rows[chosen], matches.columns[chosen] = np.divmod(flat, label.shape[1])

    def _balance(self, level: _Level, matches: Matches) -> None:
        """Change what sources cost, so that each region is made of its sources in proportion."""
        labels = level.atlas.label[matches.rows, matches.columns]
        counts = np.bincount(labels.ravel(), minlength=len(self._sources))[: len(self._sources)] + 1.0
        weights = np.array([source.weight for source in self._sources])
        for r in range(len(self._regions)):
            own = self._region_of == r
            change = np.log((counts[own] / counts[own].sum()) / (weights[own] / weights[own].sum()))
            self._excess[own] += np.float32(_BALANCE) * np.clip(change, -1, 1).astype(np.float32)

    def _goal(self, level: _Level, photo: Pixels, top: int, bottom: int) -> tuple[Pixels, Pixels]:
        """The photo in the paintings' colours, with its margin, and the prices of sources (H, W, K) without it."""
        if all(region.share is None for region in self._regions):
            return self._moved_colours(0, photo), np.zeros((1, 1, len(self._sources)), np.float32)
        above, deep = min(features.MARGIN, top), len(photo)
        shares = np.stack([self._share(r, level.size, top - above, deep) for r in range(len(self._regions))], axis=2)
        goal = np.zeros_like(photo)
        for r in range(len(self._regions)):
            goal += shares[..., r : r + 1] * self._moved_colours(r, photo)
        total = shares.sum(axis=2, keepdims=True)
        goal = np.where(total > 1e-3, goal / np.maximum(total, 1e-3), photo)
        inner = shares[above : above + bottom - top]
        # What is hardly there is not there, unless it is the most that there is.
        most = inner.max(axis=2, keepdims=True)
        absent = np.where((inner >= 0.5 * most) | (inner > 0.25), np.float32(0), _ABSENT)
        return goal.astype(np.float32), np.ascontiguousarray(absent[..., self._region_of])

    def _moved_colours(self, region: int, photo: Pixels) -> Pixels:
        assert self.maps is not None
        moved, correction = self.maps[region](photo), self.corrections and self.corrections[region]
        return correction(moved) if correction else moved

    def _share(self, region: int, size: Size, top: int, deep: int) -> Pixels:
        share = self._regions[region].share
        if share is None:
            return np.ones((deep, size[1]), np.float32)
        return resample.window(share[..., None], size, top, 0, deep, size[1], "linear")[..., 0]

    def _photo(self, factor: int, top: int, bottom: int) -> Pixels:
        """Rows of the photo at a level, in Oklab."""
        base = 2**self._base
        if factor >= base:
            height, width = self._sized(factor)
            return features.resized(self._thumbnail, height, width)[top:bottom]
        if factor == 1:
            return to_oklab(self._rows(top, bottom))
        return to_oklab(_binned(self._rows(top * factor, min(bottom * factor, self._size[0])), factor))

    def _wide(self, factor: int, top: int, bottom: int, height: int) -> Pixels:
        """The same with the margin that features need, as far as there is one."""
        return self._photo(factor, max(0, top - features.MARGIN), min(height, bottom + features.MARGIN))

    def _shrunk(self, factor: int) -> Pixels:
        if factor == 1:
            return self._rows(0, self._size[0])
        deep = max(factor, _STRIP // self._size[1] // factor * factor)
        parts = [
            _binned(self._rows(top, min(top + deep, self._size[0])), factor) for top in range(0, self._size[0], deep)
        ]
        return np.concatenate(parts)


def colour_map(region: Region, pictures: Sequence[Pixels], seed: int) -> ColourMap:
    """The map from the colours of pictures (H, W, 3) in Oklab, where the region is, to those of its paintings."""
    sources = []
    for source in region.sources:
        colours = transport.sample(source.lab)
        if source.mask is not None:
            step = transport.step_of(source.lab)
            mask = source.mask[step // 2 :: step, step // 2 :: step].reshape(-1)
            colours = colours[mask >= 0.5 * float(mask.max())]
        sources.append(colours)
    return transport.colour_map(_within(region, pictures), _together(region, sources), seed)


def _within(region: Region, pictures: Sequence[Pixels]) -> Pixels:
    """Colours (n, 3) of pictures (H, W, 3) where the region is, or everywhere if it hardly is."""
    inside_region, everywhere = [], []
    for picture in pictures:
        colours = transport.sample(picture)
        everywhere.append(colours)
        if region.share is not None:
            height, width = picture.shape[:2]
            inside = resample.window(region.share[..., None], (height, width), 0, 0, height, width, "linear")
            step = transport.step_of(picture)
            inside_region.append(colours[inside[step // 2 :: step, step // 2 :: step, 0].reshape(-1) > 0.5])
    sampled = np.concatenate(everywhere)
    if inside_region and sum(map(len, inside_region)) > 64:
        sampled = np.concatenate(inside_region)
    if len(pictures) > 1 and len(sampled) > transport.SAMPLES:
        sampled = sampled[np.linspace(0, len(sampled) - 1, transport.SAMPLES).astype(np.intp)]
    return sampled


def _together(region: Region, sources: Sequence[Pixels]) -> Pixels:
    """Colours (n, 3) of a region's sources: so many of each as its weight says, whatever the paintings' sizes."""
    total = sum(source.weight for source in region.sources)
    parts = []
    for source, colours in zip(region.sources, sources, strict=True):
        count = max(1, round(transport.SAMPLES * source.weight / total))
        parts.append(colours[np.linspace(0, len(colours) - 1, count).astype(np.intp)])
    return np.concatenate(parts)


def _faces(lab: Pixels) -> Pixels:
    """Where a photo in Oklab has faces: (H, W), 1 in the middle of each and 0 outside of its head."""
    height, width = lab.shape[:2]
    y, x = (np.arange(height) + 0.5)[:, None] / height, (np.arange(width) + 0.5)[None] / width
    faces = np.zeros((height, width), np.float32)
    for left, top, right, bottom in heads(np.rint(from_oklab(lab) * 255).astype(np.uint8)):
        far = np.hypot((2 * x - left - right) / (right - left), (2 * y - top - bottom) / (bottom - top))
        faces = np.maximum(faces, np.clip(2 - 2 * far, 0, 1).astype(np.float32))
    return faces


def _levels(size: Size, sources: Sequence[Source], stroke: float) -> int:
    """How many sizes there are, the last one the picture's own."""
    shortest = float(min(size))
    for source in sources:
        height, width = source.lab.shape[:2]
        shortest = min(shortest, max(size) * stroke * min(height, width) / max(height, width))
    return 1 + max(0, int(math.log2(max(shortest / _COARSEST, 1))))


def _area(size: Size) -> int:
    return size[0] * size[1]


def _grown(places: NDArray[np.integer], scale: float, edge: int) -> NDArray[np.int64]:
    """Where patches begin whose middles were at a place of a painting that is `scale` times as large now."""
    return np.asarray(np.rint((places + edge) * scale).astype(np.int64) - edge)


def _binned(rows: Pixels, factor: int) -> Pixels:
    """Means of squares of pixels; what is missing at the edges is as the last pixels are."""
    height, width = rows.shape[:2]
    rows = np.pad(rows, ((0, -height % factor), (0, -width % factor), (0, 0)), "edge")
    return np.asarray(
        rows.reshape(rows.shape[0] // factor, factor, rows.shape[1] // factor, factor, 3).mean(axis=(1, 3)),
        np.float32,
    )
