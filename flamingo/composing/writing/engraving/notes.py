"""The notes of a piece on their way to paper, and the places in time where they can be written.

Onsets move by 2 units at most, and only where neither plain values nor triplets reach; notes that are crushed into
the next one become its grace notes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from flamingo.composing.piece import UNITS

EIGHTH = UNITS // 2


@dataclass(eq=False)
class Note:
    """One note of the piece on its way to paper."""

    index: int
    start: int
    end: int
    pitch: int
    shown: bool = False  # whether its accidental is printed


@dataclass(eq=False)
class Chord:
    """Notes on one stem, or after cutting, a piece of that."""

    start: int
    end: int
    notes: list[Note]
    graces: list[list[Note]] = field(default_factory=list)
    staccato: bool = False

    @property
    def mean(self) -> float:
        return sum(note.pitch for note in self.notes) / len(self.notes)


def grid_of(start: int) -> int:
    """3 for places that only plain values reach, 4 for triplets, 0 where both do."""
    offset = start % EIGHTH
    return 0 if offset == 0 else 3 if offset % 3 == 0 else 4


def tidy(notes: list[Note], edges: Sequence[int]) -> dict[int, list[list[Note]]]:
    """Move onsets to places that can be written, in place, and take grace notes out of the list.

    Multiples of 3 (plain values) and of 4 (triplets) can; multiples of 2 can in a run of them. Returns for each onset
    the grace notes before it, first to last; those are no longer in `notes`.
    """
    onsets: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        onsets[note.start].append(note)
    cells: dict[int, list[int]] = defaultdict(list)
    for start in onsets:
        cells[start // EIGHTH].append(start % EIGHTH)
    quick = {c for c, at in cells.items() if len(at) >= 4 and all(p % 2 == 0 for p in at) and {2, 10} & set(at)}
    graces: dict[int, list[list[Note]]] = {}
    waiting: list[list[Note]] = []
    order = sorted(onsets)
    for i, start in enumerate(order):
        group = onsets[start]
        gap = order[i + 1] - start if i + 1 < len(order) else 99
        offset = start % EIGHTH
        short = all(n.end - n.start <= 6 for n in group) and len(group) <= 2
        plain = offset % 3 == 0 or offset % 4 == 0 or start // EIGHTH in quick
        if short and gap <= 3 and (not plain or (gap <= 2 and start // EIGHTH not in quick)) and len(waiting) < 6:
            waiting.append(group)
            continue
        if waiting:
            graces[start] = waiting
            waiting = []
        if plain:
            continue
        base = start - offset
        at = cells[start // EIGHTH]
        by_three = any(p % 4 == 0 and p for p in at) and not any(p % 3 == 0 and p for p in at)
        grid = (0, 4, 8, 12) if by_three else (0, 3, 6, 9, 12)
        free = [g for g in grid if base + g not in onsets or abs(offset - g) == 1]
        target = base + min(free or grid, key=lambda g: (abs(offset - g), g))
        if start in graces:
            graces[target] = graces.get(target, []) + graces.pop(start)
        for note in group:
            note.start = min(target, edges[-1] - 3)
            note.end = max(note.end, note.start + 2)
    gone = {id(note) for groups in graces.values() for group in groups for note in group}
    notes[:] = [note for note in notes if id(note) not in gone]
    return graces
