"""Whether a piece is copied: the longest passage that it shares with the music a model learned from.

What is compared is the **skyline**, the highest note of each onset, as steps: how many semitones it rises or falls
by, and how much later it comes. So a copy is found in any key, however it is played, and over any chords. Where only
the accompaniment strikes, its note is in the skyline: a tune over another accompaniment is found in pieces, or not.
Onsets are first brought to thirty-second notes and triplets of sixteenths, since a rolled chord is no new rhythm.

A run of one repeated note, a scale, a trill or an arpeggio over and over belongs to nobody. Therefore a passage is
not as long as the notes in it but as its **counted** notes: a note counts only if the step to it, together with the
step before, has not been in the passage already. Twenty repeated notes count 3, a scale over three octaves about 5,
a melody that does not repeat itself counts whole. The count never shrinks when a passage grows, so that the longest
passage can be found exactly.

People share passages too. So the index keeps how long the longest one is for pieces that people wrote, by the number
of onsets, and a piece is called original if no more is shared than by 95 % of those.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Piece
from flamingo.errors import ModelCorrupt, ModelMissing, show
from flamingo.files import put

Array = NDArray[Any]

WIDEST, LATEST = 24, 192
"""A step is cut to two octaves, and to eight quarter notes: 49 * 192 of them."""
SEED = 4
"""Steps that a shared passage has at least: one of fewer than five notes, all counted, says nothing."""
LENGTHS = (32, 64, 128, 256, 512, 1024)
"""Onsets for which the human null is measured; in between it is interpolated."""

_FORMAT = "flamingo-originality-1"
_END, _QUERY_END = 0xFFFF, 0xFFFE  # after every piece of the corpus, and after the query: equal to no step
_PAIRS = 2_000_000  # candidates looked at in one go, which bounds the memory
# Where in an eighth note, in units, an onset goes: thirty-seconds and triplets of sixteenths.
_GRID = np.array([0, 0, 3, 3, 4, 6, 6, 6, 8, 9, 9, 12])


@dataclass(frozen=True)
class Copy:
    """A passage that a piece shares with one of the corpus. All zero and "" if there is none that counts 5."""

    length: int = 0
    """Counted notes: repeated figures count once."""
    notes: int = 0
    """All notes of it, in the skyline."""
    bars: tuple[int, int] = (0, 0)
    """Where in the piece: its first bar, counted from 0, and the bar after its last."""
    title: str = ""
    """Of the piece in the corpus."""
    position: tuple[int, int] = (0, 0)
    """Where it is there: the first bar, counted from 0, and the bar after the last."""


@dataclass(frozen=True)
class Originality:
    """What `Index.report` says of a piece."""

    longest: Copy
    onsets: int
    """Onsets of the piece, on which depends what is usual."""
    null_median: float
    """Counted notes that half of the human pieces of so many onsets share at least."""
    null_p95: float
    """Counted notes above which only 5 % of them are."""
    original: bool
    """Whether the longest passage is not above that."""
    sentence: str
    """All of it in one line for people."""

    @property
    def title(self) -> str:
        return self.longest.title


@dataclass(frozen=True)
class Skyline:
    """The highest notes of a piece, one for every onset."""

    steps: Array
    """(n - 1,) uint16: from each to the next, `(semitones + 24) * 192 + units - 1`, both cut to their limits."""
    bars: Array
    """(n,) int: the bar, counted from 0, of each."""


def skyline(piece: Piece) -> Skyline:
    """The fingerprint of a piece of n onsets."""
    notes, edges = piece.notes, piece.edges
    if not len(notes):
        return Skyline(np.zeros(0, np.uint16), np.zeros(0, np.int64))
    bar = np.clip(piece.bar_of(notes["start"]), 0, len(edges) - 2)
    # From the bar line, not from the beginning: an excerpt must have the steps of the whole.
    inside = notes["start"] - edges[bar]
    start = edges[bar] + inside // 12 * 12 + _GRID[inside % 12]
    order = np.lexsort((notes["pitch"], start))
    start, pitch, bar = start[order], notes["pitch"][order].astype(np.int64), bar[order]
    top = np.flatnonzero(np.append(start[1:] > start[:-1], True))
    start, pitch, bar = start[top], pitch[top], bar[top]
    rise = np.clip(np.diff(pitch), -WIDEST, WIDEST) + WIDEST
    later = np.clip(np.diff(start), 1, LATEST) - 1
    return Skyline((rise * LATEST + later).astype(np.uint16), bar)


def counted(steps: Array) -> int:
    """Counted notes of a passage: 2 more than the different pairs of neighbouring steps in it."""
    if len(steps) < 2:
        return len(steps) + 1
    wide = steps.astype(np.uint32)
    return len(np.unique(wide[:-1] << 16 | wide[1:])) + 2


@dataclass(frozen=True, eq=False)
class Index:
    """The skylines of a corpus, in which passages are looked for."""

    titles: tuple[str, ...]
    steps: Array
    """(s,) uint16: the steps of all pieces, and 0xFFFF after each piece."""
    offsets: Array
    """(p + 1,) int64: where in `steps` each piece begins, and the end."""
    bars: Array
    """(s,) uint16: for each step the bar of the note it starts from; at the end of a piece, of its last note."""
    quantiles: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Onsets to (median, 95th percentile) of the counted notes that human pieces share with other works."""

    # ------------------------------------------------------------------ files
    def save(self, path: Path) -> None:
        """One safetensors file: the arrays packed by zlib, titles and quantiles as JSON in the metadata. Raises an
        OutputError."""
        put(self.content(), path, overwrite=True)

    def content(self) -> bytes:
        """What `save` writes."""
        from safetensors.numpy import save

        # Bars hardly ever change from one step to the next: their differences pack to almost nothing.
        packed = {
            "steps": _pack(self.steps.astype("<u2")),
            "bars": _pack(np.diff(self.bars.astype(np.int32), prepend=0).astype("<i4")),
            "offsets": self.offsets.astype(np.int64),
        }
        more = {
            "format": _FORMAT,
            "titles": json.dumps(self.titles, ensure_ascii=False),
            "null": json.dumps({str(k): v for k, v in sorted(self.quantiles.items())}),
        }
        return save(packed, more)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ModelMissing or ModelCorrupt."""
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            raise ModelMissing(show(path), "the file is not there", "install Flamingo again")
        try:
            with safe_open(path, "numpy") as file:
                more = file.metadata() or {}
                if more.get("format") != _FORMAT:
                    raise ValueError("it is of another format")
                steps = np.frombuffer(zlib.decompress(file.get_tensor("steps").tobytes()), "<u2").astype(np.uint16)
                change = np.frombuffer(zlib.decompress(file.get_tensor("bars").tobytes()), "<i4")
                offsets = file.get_tensor("offsets").astype(np.int64)
                titles = tuple(str(t) for t in json.loads(more["titles"]))
                null = {int(k): (float(a), float(b)) for k, (a, b) in json.loads(more["null"]).items()}
            if len(change) != len(steps) or len(offsets) != len(titles) + 1 or offsets[-1] != len(steps):
                raise ValueError("its parts are not of one length")
        except (SafetensorError, zlib.error, ValueError, KeyError, TypeError, OSError) as error:
            raise ModelCorrupt(show(path), f"it cannot be read ({error})", "install Flamingo again") from None
        return cls(titles, steps, offsets, change.cumsum().astype(np.uint16), null)

    # ------------------------------------------------------------------ looking
    @cached_property
    def _seeds(self) -> tuple[Array, Array, Array]:
        """Every run of SEED steps in the corpus: the different ones as numbers, in order; then, for each place, which
        of them is there and which step comes before it, as one number, in order; and these places. Made on first use,
        in some 0.2 s."""
        runs, which = np.unique(_keys(self.steps), return_inverse=True)
        before = np.append(np.uint16(_END), self.steps)[: len(which)]
        ordered = which.astype(np.int64) << 16 | before
        places = np.argsort(ordered, kind="stable")
        return runs, ordered[places], places

    def longest(self, piece: Piece, *, exclude: Collection[str] = ()) -> Copy:
        """The shared passage that counts most notes, of several the one with most notes; exact.

        `exclude`: titles of pieces that are not looked at. Time grows with how usual the steps of the piece are: 400
        onsets in a corpus of half a million take some 0.01 s, at worst 0.1 s.
        """
        melody = skyline(piece)
        best = self._best(melody.steps, exclude)
        if best is None:
            return Copy()
        count, length, i, j = best
        which = int(np.searchsorted(self.offsets, j, side="right")) - 1
        return Copy(
            count,
            length + 1,
            (int(melody.bars[i]), int(melody.bars[i + length]) + 1),
            self.titles[which],
            (int(self.bars[j]), int(self.bars[j + length]) + 1),
        )

    def _best(self, query: Array, exclude: Collection[str]) -> tuple[int, int, int, int] | None:
        """(counted notes, steps, place in the query, place in the corpus), or None."""
        if len(query) < SEED or len(self.steps) < SEED:
            return None
        allowed = self._allowed(exclude)
        padded = np.append(query, np.uint16(_QUERY_END))
        best: tuple[int, int, int, int] | None = None
        for i, j in self._candidates(query, allowed):
            length = self._extend(padded, i, j)
            # A passage that is in the corpus many times is the same in the query: it is counted once.
            _, once = np.unique(length * len(padded) + i, return_index=True)
            for k in once[::-1]:  # longest first: none counts more notes than it has, so that most are never counted
                size, begin = int(length[k]), int(i[k])
                if best is not None and size + 1 < best[0]:
                    break
                count = counted(query[begin : begin + size])
                if best is None or (count, size) > best[:2]:
                    best = (count, size, begin, int(j[k]))
        return best if best is not None and best[0] > SEED else None

    def _allowed(self, exclude: Collection[str]) -> Array | None:
        """(s,) bool, or None where every piece is looked at."""
        banned = set(exclude)
        if not banned:
            return None
        keep = np.array([title not in banned for title in self.titles], bool)
        return np.repeat(keep, np.diff(self.offsets))

    def _candidates(self, query: Array, allowed: Array | None) -> Iterator[tuple[Array, Array]]:
        """Places in query and corpus at which SEED equal steps begin, but for those before which the steps are equal
        too: their passage begins further left, and counts no less."""
        runs, ordered, places = self._seeds
        query_keys = _keys(query)
        which = np.searchsorted(runs, query_keys)
        here = np.flatnonzero((which < len(runs)) & (runs[np.minimum(which, len(runs) - 1)] == query_keys))
        base = which[here].astype(np.int64) << 16
        before = np.append(np.uint16(_QUERY_END), query)[here]
        # Two stretches for each place: all that have a smaller step before them, and all that have a larger one.
        first = np.searchsorted(ordered, np.stack((base, (base | before) + 1), 1).ravel())
        last = np.searchsorted(ordered, np.stack((base | before, base + (1 << 16)), 1).ravel())
        starts, count = np.repeat(here, 2), last - first
        begin = 0
        while begin < len(count):
            end = begin + max(1, int(np.searchsorted(count[begin:].cumsum(), _PAIRS, side="right")))
            n = count[begin:end]
            i = np.repeat(starts[begin:end], n)
            j = places[np.arange(len(i)) + np.repeat(first[begin:end] - (n.cumsum() - n), n)]
            if allowed is not None:
                i, j = i[allowed[j]], j[allowed[j]]
            if len(i):
                yield i, j
            begin = end

    def _extend(self, padded: Array, i: Array, j: Array) -> Array:
        """How many steps are equal from each pair of places on. The ends differ from everything and stop it."""
        length = np.full(len(i), SEED)
        alive = np.arange(len(i))
        size = SEED
        while len(alive):
            alive = alive[padded[i[alive] + size] == self.steps[j[alive] + size]]
            size += 1
            length[alive] = size
        return length

    # ------------------------------------------------------------------ what people do
    def with_null(
        self,
        human: Iterable[tuple[Piece, Collection[str]]],
        *,
        lengths: Collection[int] = LENGTHS,
        excerpts: int = 4,
    ) -> Index:
        """This index with quantiles of the longest passage that excerpts of human pieces share with it.

        `human`: pieces, each with the titles here that are of its own work and not looked at. Of each piece, up to
        `excerpts` excerpts of every length, evenly spread and not overlapping, are looked for; a length for which
        there are fewer than 20 in all is left out.
        """
        counts_by_length: dict[int, list[int]] = {length: [] for length in lengths}
        for piece, own in human:
            steps = skyline(piece).steps
            onsets = len(steps) + 1
            for length in lengths:
                count = min(excerpts, onsets // length)
                spare = onsets - count * length
                for k in range(count):
                    begin = k * length + spare * (k + 1) // (count + 1)
                    best = self._best(steps[begin : begin + length - 1], own)
                    counts_by_length[length].append(best[0] if best else 0)
        null = {
            length: (float(np.median(counts)), float(np.percentile(counts, 95)))
            for length, counts in counts_by_length.items()
            if len(counts) >= 20
        }
        return replace(self, quantiles=null)

    def null(self, onsets: int) -> tuple[float, float]:
        """(median, 95th percentile) of the counted notes that a human piece of so many onsets shares with other
        works; interpolated over the logarithm of the onsets, and beyond the lengths measured those of the nearest.
        (0.0, inf) if nothing was measured, so that nothing is called a copy without grounds."""
        if not self.quantiles:
            return 0.0, float("inf")
        lengths = sorted(self.quantiles)
        at, places = np.log(max(onsets, 1)), np.log(lengths)
        median, high = (float(np.interp(at, places, [self.quantiles[n][q] for n in lengths])) for q in (0, 1))
        return median, high

    def report(self, piece: Piece, *, exclude: Collection[str] = ()) -> Originality:
        """The longest shared passage beside what is usual among people."""
        longest = self.longest(piece, exclude=exclude)
        onsets = len(skyline(piece).bars)
        median, high = self.null(onsets)
        original = longest.length <= high
        return Originality(
            longest, onsets, median, high, original, _sentence(longest, median, high, original, bool(self.quantiles))
        )


def build(pieces: Iterable[tuple[str, Piece]]) -> Index:
    """An index of pieces by their titles. A title may be given to several; all of them are meant then."""
    titles, steps, bars, offsets = [], [], [], [0]
    for title, piece in pieces:
        melody = skyline(piece)
        if not len(melody.bars):
            continue
        titles.append(title)
        steps.append(np.append(melody.steps, np.uint16(_END)))
        bars.append(np.minimum(melody.bars, 0xFFFF).astype(np.uint16))
        offsets.append(offsets[-1] + len(melody.bars))
    empty = [np.zeros(0, np.uint16)]
    return Index(tuple(titles), np.concatenate(steps or empty), np.array(offsets), np.concatenate(bars or empty))


def _sentence(longest: Copy, median: float, high: float, original: bool, measured: bool) -> str:
    if not longest.length:
        return "It shares no passage of five notes or more with the music that the model learned from."
    first, last = longest.position[0] + 1, longest.position[1]
    where = f"bar {first}" if last <= first else f"bars {first} to {last}"
    once = ", repeated figures counted once," if longest.notes > longest.length else ""
    sentence = (
        f"Its longest passage{once} that is also in the music the model learned from has {longest.length} notes"
    )
    sentence += f" ({longest.title}, {where})" if longest.title else ""
    if not measured:
        return sentence + "."
    usual = f"half of the pieces by people share {median:.0f} or more, and one in twenty more than {high:.0f}"
    return f"{sentence}: {usual}." if original else f"{sentence}, more than is usual: {usual}."


def _keys(steps: Array) -> Array:
    """(n - SEED + 1,) uint64: each run of SEED steps as one number."""
    if len(steps) < SEED:
        return np.zeros(0, np.uint64)
    keys = np.zeros(len(steps) - SEED + 1, np.uint64)
    for k in range(SEED):
        keys = keys << np.uint64(16) | steps[k : len(steps) - SEED + 1 + k].astype(np.uint64)
    return keys


def _pack(values: Array) -> Array:
    return np.frombuffer(zlib.compress(values.tobytes(), 9), np.uint8)
