"""Which hand plays which note of a piano part, and with that, on which of the two staves it stands."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from flamingo.composing.piece import UNITS
from flamingo.composing.writing.engraving.notes import EIGHTH, Note


def into_hands(notes: list[Note]) -> tuple[list[Note], list[Note]]:
    """The notes of the right and of the left hand.

    At each onset the notes are cut in two by height, and the best sequence of cuts is found by a beam search: a hand
    spans about an octave, counting what it still holds, does not leap without need, and the right one stays above
    middle C by preference.
    """
    onsets: dict[int, list[Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        onsets[note.start].append(note)
    # A path: cost; for each hand (left, right) where it was, since when, and what it holds; the cuts so far.
    first = ((48.0, -UNITS, ()), (72.0, -UNITS, ()))
    paths: list[tuple[float, Any, Any]] = [(0.0, first, None)]
    for start, group in onsets.items():
        best: dict[Any, tuple[float, Any, Any]] = {}
        for cost, hands, cuts in paths:
            held = [[(p, e) for p, e in hand[2] if e > start + 2] for hand in hands]
            for cut in range(len(group) + 1):
                total, after = cost, []
                for side, chosen in enumerate((group[:cut], group[cut:])):
                    centre, since, _ = hands[side]
                    pitches = [n.pitch for n in chosen]
                    if not pitches:
                        total += (0.3 + 1.0 * (start - since <= EIGHTH)) * (len(group) > 1)
                        after.append((centre, since, tuple(held[side])))
                        continue
                    mean = sum(pitches) / len(pitches)
                    span = pitches[-1] - pitches[0]
                    total += 1.5 * max(0, span - 12) + (20 if span > 16 else 0)
                    every = pitches + [p for p, _ in held[side]]
                    total += 1.4 * max(0, max(every) - min(every) - 14)
                    total += 0.6 * max(0, len(every) - 5)
                    near = math.exp(-(start - since) / UNITS)
                    total += (0.028 + 0.15 * near) * min(abs(mean - centre), 30)
                    wrong = [p - 60 if side == 0 else 60 - p for p in pitches]
                    total += 0.06 * sum(max(0, w + 2) for w in wrong) / len(wrong) ** 0.5
                    other = [p for p, _ in held[1 - side]]
                    if other:  # hands do not cross
                        total += 0.25 * max(0, pitches[-1] - min(other) if side == 0 else max(other) - pitches[0])
                    after.append((mean, start, tuple(held[side]) + tuple((n.pitch, n.end) for n in chosen)))
                key = (tuple(after[0][:2]), tuple(after[1][:2]), len(after[0][2]), len(after[1][2]))
                if key not in best or best[key][0] > total:
                    best[key] = (total, tuple(after), (cut, cuts))
        paths = sorted(best.values(), key=lambda path: path[0])[:20]
    cuts = paths[0][2]
    right: list[Note] = []
    left: list[Note] = []
    for group in reversed(onsets.values()):
        cut, cuts = cuts
        left += group[:cut]
        right += group[cut:]
    return right, left
