"""Which files of several collections hold the same work, so that what is tested is learned from nowhere.

Beethoven's sonatas stand in three collections under three names, a song stands in one as a score and in another as
MIDI. Two files belong together where a catalogue number says so, where both carry the same number of a public
library, or where they have a good part of their melody in common: the skylines (flamingo.composing.originality) of
both, in passages of eight steps. Whatever belongs together is on one side of the split; and of training pieces that
are the same music twice, one stays.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.originality import skyline
from flamingo.composing.piece import Piece
from flamingo.train.corpus.sources import MIDI, Source

__all__ = ["duplicates", "grams", "groups", "split"]

Array = NDArray[Any]

GRAM = 8
"""Steps in a passage that is looked for in other pieces."""
_LEAST = 24  # different passages that a piece must have before its melody says whose it is
_SHARED, _SAME = 0.35, 0.75  # share of the shorter one's passages: the same work; the same music
_USUAL = 12  # a passage that stands in more pieces than that is nobody's
_TEST, _VALID = 0.03, 0.015  # shares of a collection's notes

_CATALOGUE = re.compile(
    r"(?<![^\W\d_])(opus|op|bwv|kv|woo|hob|wab|cg|rv|hwv|sz|wq|(?<!in )[kd](?=\.? ?\d))[ ._]*(?:posth[. ]*)?"
    r"((?:[ivxl]+ ?[: ] ?)?\d+[a-z]?)(?!\w)",
    re.I,
)
_LIBRARY_NUMBER = re.compile(r"\b((?:lc|sq)\d{5,})\b", re.I)


def grams(piece: Piece) -> Array:
    """The different passages of GRAM steps of a piece's highest line, as numbers, sorted."""
    steps = skyline(piece).steps.astype(np.uint64)
    if len(steps) < GRAM:
        return np.zeros(0, np.uint64)
    found = np.zeros(len(steps) - GRAM + 1, np.uint64)
    for i in range(GRAM):
        found = (found * np.uint64(1_000_003)) ^ steps[i : len(steps) - GRAM + 1 + i]
    return np.unique(found)


def groups(sources: Sequence[Source], passages: Sequence[Array]) -> tuple[list[int], list[tuple[int, int, float]]]:
    """Which sources are the same work.

    Args:
        sources: the files.
        passages: `grams` of each.

    Returns:
        The group of each, and pairs of sources with the share of the shorter one's passages that both have, where
        that is enough to be the same work.
    """
    parent = list(range(len(sources)))

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, source in enumerate(sources):
        for name in _names(source):
            parent[top(i)] = top(first.setdefault(name, i))
    alike = _alike(passages)
    for a, b, _ in alike:
        parent[top(a)] = top(b)
    return [top(i) for i in range(len(sources))], alike


def _names(source: Source) -> list[tuple[str, str]]:
    """What a source may be known by: its composer and work, catalogue numbers, numbers of libraries."""
    text = source.title.replace("_", " ")
    names = [("work", source.work)]
    for kind, number in _CATALOGUE.findall(text):
        names.append((source.composer, {"opus": "op", "kv": "k"}.get(kind.lower(), kind.lower()) + _plain(number)))
    return names + [("library", number.lower()) for number in _LIBRARY_NUMBER.findall(f"{text} {source.file.stem}")]


def _plain(number: str) -> str:
    return re.sub(r"[: ]+", ":", number.lower())


def _alike(passages: Sequence[Array]) -> list[tuple[int, int, float]]:
    usable = [i for i, rows in enumerate(passages) if len(rows) >= _LEAST]
    if not usable:
        return []
    keys = np.concatenate([passages[i] for i in usable])
    owner = np.concatenate([np.full(len(passages[i]), i, np.int64) for i in usable])
    order = np.argsort(keys, kind="stable")
    keys, owner = keys[order], owner[order]
    edges = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for begin, size in zip(edges.tolist(), np.diff(np.append(edges, len(keys))).tolist(), strict=True):
        if 2 <= size <= _USUAL:
            mine = owner[begin : begin + size].tolist()
            for x in range(size):
                for y in range(x + 1, size):
                    shared[mine[x], mine[y]] += 1
    pairs = []
    for (a, b), count in shared.items():
        share = count / min(len(passages[a]), len(passages[b]))
        if share >= _SHARED:
            pairs.append((a, b, share))
    return pairs


def split(sources: Sequence[Source], group: Sequence[int], notes: Sequence[int]) -> list[Source]:
    """The sources with the side of the split that each is on.

    Sources that have a side other than training already (the MIDI files of earlier composers) keep it, and so does
    what belongs to them; of every other collection some works are held out, in an order that depends on their names
    alone.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(group):
        members[number].append(i)
    side: dict[int, str] = {}
    whole: dict[str, int] = defaultdict(int)
    held: dict[tuple[str, str], int] = defaultdict(int)
    for i, source in enumerate(sources):
        whole[source.collection] += notes[i]
    known = {number: {sources[i].split for i in inside} for number, inside in members.items()}
    for number, inside in members.items():
        side[number] = next((name for name in ("test", "valid") if name in known[number]), "train")
        for i in inside:
            held[sources[i].collection, side[number]] += notes[i]
    for number in sorted(members, key=lambda n: _digest(sources[min(members[n])])):
        mine = members[number]
        collections = {sources[i].collection for i in mine}
        if side[number] != "train" or len(collections) > 1 or any(_has_a_side(sources[i]) for i in mine):
            continue
        collection = collections.pop()
        size = sum(notes[i] for i in mine)
        for name, share in (("test", _TEST), ("valid", _VALID)):
            missing = share * whole[collection] - held[collection, name]
            if missing > 0 and size <= missing + 0.01 * whole[collection]:
                side[number] = name
                held[collection, name] += size
                break
    return [replace(source, split=side[number]) for source, number in zip(sources, group, strict=True)]


def _has_a_side(source: Source) -> bool:
    """Whether its collection was split before, by flamingo.train.corpus.sources.find."""
    return source.file.suffix.lower() in MIDI


def _digest(source: Source) -> bytes:
    return hashlib.sha256(f"{source.collection}/{source.work}/{source.title}".encode()).digest()


def duplicates(
    sources: Sequence[Source],
    alike: Sequence[tuple[int, int, float]],
    notes: Sequence[int],
    played: Sequence[bool],
    gone: Set[int] = frozenset(),
) -> set[int]:
    """Sources to leave out of training, for another one is the same music.

    Args:
        sources: the files, on their sides of the split.
        alike: pairs and the share that they have in common, from `groups`.
        notes: of each.
        played: whether each is a performance: these are never left out.
        gone: those that are left out already.

    Returns:
        Of each pair the one with fewer notes.
    """
    out = set(gone)

    def worth(i: int) -> tuple[bool, int]:
        return played[i], notes[i]

    for a, b, share in alike:
        if share < _SAME or a in out or b in out:
            continue
        worse = min(a, b, key=worth)
        if sources[worse].split == "train" and not worth(worse)[0]:
            out.add(worse)
    return out
