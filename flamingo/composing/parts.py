"""Who plays a piece, and which part each note belongs to, as the composer is told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import ENSEMBLES, PARTS
from flamingo.composing.piece import Piece
from flamingo.composing.writing.engraving.hands import into_hands
from flamingo.composing.writing.engraving.notes import Note

__all__ = ["KEYBOARDS", "ORGANS", "ensemble_of", "part_of_notes", "parts_of"]

Array = NDArray[Any]

KEYBOARDS = range(8)
ORGANS = range(16, 24)
_STRINGS = frozenset((*range(40, 46), *range(48, 52)))
_VOICES = frozenset((52, 53, 54, 85, 91))
_RECORDER = 74  # verovio's instrument for a staff that is called tenor
_LARGEST = 8  # parts of a group that is not an orchestra
# The parts of an orchestra: flutes and oboes; clarinets and bassoons; brass and all else; timpani; then the strings.
_HIGH_WINDS, _LOW_WINDS, _BRASS, _TIMPANI = range(4)
_VIOLINS = (4, 5)
_LOW_STRINGS = {41: 6, 42: 7, 43: 7}


def ensemble_of(piece: Piece) -> int:
    """Who plays, an index of flamingo.composing.events.ENSEMBLES."""
    programs = piece.programs
    keyboards = sum(p in KEYBOARDS for p in programs)
    others = len(programs) - keyboards
    if not others:
        return ENSEMBLES.index("piano")
    if len(programs) > _LARGEST:
        return ENSEMBLES.index("orchestra")
    if all(p in ORGANS for p in programs):
        return ENSEMBLES.index("organ")
    if keyboards:
        return ENSEMBLES.index("voice" if others <= 2 else "chamber")
    if all(p in _STRINGS for p in programs) and len(programs) <= 5:
        return ENSEMBLES.index("strings")
    if any(p in _VOICES for p in programs) and all(p in _VOICES or p == _RECORDER for p in programs):
        return ENSEMBLES.index("choir")
    return ENSEMBLES.index("chamber")


def part_of_notes(piece: Piece) -> Array:
    """(n,) int8: the part of each note, 0 to PARTS - 1: the staves from the top of the page; the hands of a piano
    alone; the families of an orchestra. A piano alone on one staff is dealt out to two hands."""
    staff = piece.notes["part"].astype(np.int8)
    ensemble = ENSEMBLES[ensemble_of(piece)]
    if ensemble == "piano":
        staves = len(piece.programs)
        if staves == 1:
            return _hands(piece)
        # Of three staves the lower two are the left hand's; four are two players.
        return staff if staves == 4 else np.minimum(staff, 1).astype(np.int8)
    if ensemble == "orchestra":
        return _families(piece.programs)[staff]
    return np.minimum(staff, PARTS - 1).astype(np.int8)


def parts_of(piece: Piece) -> list[int]:
    """The parts that a piece has, silent ones too: a piano always has two hands."""
    there = set(part_of_notes(piece).tolist()) or {0}
    ensemble = ENSEMBLES[ensemble_of(piece)]
    if ensemble == "piano":
        return sorted(there | {0, 1})
    return sorted(there | (set() if ensemble == "orchestra" else set(range(min(len(piece.programs), PARTS)))))


def _families(programs: tuple[int, ...]) -> Array:
    """(parts,) int8: the family of each part of an orchestra."""
    found = []
    violins = 0
    for program in programs:
        if program in (72, 73, 68, 69, 74, 75):
            found.append(_HIGH_WINDS)
        elif program in (70, 71):
            found.append(_LOW_WINDS)
        elif program == 47:
            found.append(_TIMPANI)
        elif program == 40 or program in range(48, 52):
            found.append(_VIOLINS[min(violins, 1)])
            violins += 1
        else:
            found.append(_LOW_STRINGS.get(program, _BRASS))
    return np.array(found, np.int8)


def _hands(piece: Piece) -> Array:
    """(n,) int8: 0 for what the right hand plays, 1 for the left."""
    notes = [
        Note(i, int(n["start"]), int(n["start"]) + int(n["duration"]), int(n["pitch"]))
        for i, n in enumerate(piece.notes)
    ]
    found = np.zeros(len(notes), np.int8)
    found[[note.index for note in into_hands(notes)[1]]] = 1
    return found
