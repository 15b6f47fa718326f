"""Which notes of a staff share a stem, and which of the staff's four voices each stem belongs to."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise, permutations
from typing import Any

from flamingo.composing.writing.engraving.notes import EIGHTH, Chord, Note, grid_of


def into_voices(notes: list[Note], edges: Sequence[int], most: int = 4) -> list[list[Chord]]:
    """Put the notes of a staff on up to `most` voices: 0 the upper, 1 the lower, 2 and 3 between them.

    A beam search over the onsets. It pays for each voice a bar needs, for notes cut short because their voice goes
    on, for unequal notes made one chord, for voices that cross or leap, and for triplets against plain values.
    """
    onsets: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        onsets[note.start].append(note)
    # A voice is (start, end, mean pitch, grid of its eighth) of its last chord. A path: cost, voices, used in this
    # bar, and the choices so far.
    idle = (-1, -1, 0.0, 0)
    paths: list[tuple[float, tuple[Any, ...], int, Any]] = [(0.0, (idle,) * most, 0, None)]
    bar = -1
    for start in sorted(onsets):
        here = bisect_right(edges, start) - 1
        if here != bar:
            bar = here
            fresh = []
            for cost, voices, _, chosen in paths:
                used = sum(1 << v for v, voice in enumerate(voices) if voice[1] > start + 2)
                fresh.append((cost, voices, used, chosen))
            paths = fresh
        best: dict[Any, tuple[float, tuple[Any, ...], int, Any]] = {}
        grid = grid_of(start)
        for way in _clusters(onsets[start]):
            chords = []
            spread = 0.0
            for members in way:
                ends = [n.end - start for n in members]
                length = sorted(ends)[len(ends) // 2]
                spread += sum(_worth(max(e, length), min(e, length)) for e in ends)
                pitches = [n.pitch for n in members]
                spread += 5.0 * (len(pitches) - len(set(pitches)))
                chords.append((start, start + length, sum(pitches) / len(pitches), members))
            for cost, voices, used, chosen in paths:
                reach = min(most, used.bit_length() + len(chords)) if used else len(chords)
                for places in permutations(range(max(reach, len(chords))), len(chords)):
                    total = cost + spread
                    now = list(voices)
                    mask = used
                    for voice_index, (s, e, mean, _) in zip(places, chords, strict=True):
                        was = voices[voice_index]
                        if was[1] > s:
                            if was[0] >= s:
                                total += 50
                            total += _worth(was[1] - was[0], s - was[0])
                        if not mask >> voice_index & 1:
                            total += (0.0, 1.6, 4.0, 7.0)[mask.bit_count()] + (
                                0.8 if voice_index and not mask else 0.0
                            )
                            mask |= 1 << voice_index
                        elif was[0] >= 0:
                            total += 0.03 * min(abs(mean - was[2]), 24)
                        same = was[0] >= 0 and was[0] // EIGHTH == s // EIGHTH
                        if same and was[3] and grid and was[3] != grid:
                            total += 4.0
                        now[voice_index] = (s, e, mean, grid or (was[3] if same else 0))
                    if mask & 3 == 3:
                        upper, lower = now[0], now[1]
                        if min(upper[1], lower[1]) > start and upper[2] <= lower[2]:
                            total += 1.2 + 0.08 * (lower[2] - upper[2])
                    key = (tuple((v[0], v[1], round(v[2])) if v[1] > start else 0 for v in now), mask)
                    if key not in best or best[key][0] > total:
                        best[key] = (total, tuple(now), mask, ((chords, places), chosen))
        paths = sorted(best.values(), key=lambda path: path[0])[:10]
    result: list[list[Chord]] = [[] for _ in range(most)]
    steps = paths[0][3]
    while steps is not None:
        (chords, places), steps = steps
        for voice_index, (s, e, _, members) in zip(places, chords, strict=True):
            result[voice_index].append(Chord(s, e, sorted(members, key=lambda n: n.pitch)))
    for voice in result:
        voice.reverse()
        for chord, then in pairwise(voice):
            chord.end = min(chord.end, then.start)
    return result


def _clusters(group: list[Note]) -> list[list[list[Note]]]:
    """Ways to see notes struck together: as one chord, or as two or three of different length."""
    ordered = sorted(group, key=lambda n: n.end)
    ways = [[ordered]]
    gaps = sorted(range(1, len(ordered)), key=lambda i: ordered[i - 1].end - ordered[i].end)
    gaps = [i for i in gaps if ordered[i].end - ordered[i - 1].end > 3]
    if gaps:
        ways.append([ordered[: gaps[0]], ordered[gaps[0] :]])
    if len(gaps) > 1:
        a, b = sorted(gaps[:2])
        ways.append([ordered[:a], ordered[a:b], ordered[b:]])
    if not gaps and len({n.pitch for n in group}) < len(group):  # the same key twice: two stems
        again = [n for i, n in enumerate(ordered) if any(m.pitch == n.pitch for m in ordered[:i])]
        ways.append([[n for n in ordered if n not in again], again])
    return ways


def _worth(long: int, short: int) -> float:
    """The cost of writing one length for another: nothing for legato that overlaps a little."""
    ratio = math.log2(max(long, 1) / max(short, 1))
    return 0.0 if long - short <= 2 else max(0.0, ratio - 0.32) * 2.6
