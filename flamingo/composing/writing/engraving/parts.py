"""One part with all that must be known before it is written: clefs, names of notes, and the signs of every bar."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from flamingo.composing.instruments import TWO_STAVES, players_of
from flamingo.composing.piece import Piece
from flamingo.composing.writing.engraving.hands import into_hands
from flamingo.composing.writing.engraving.marks import choose_clefs, clef_choices, loudness_marks
from flamingo.composing.writing.engraving.names import part_names
from flamingo.composing.writing.engraving.notes import Chord, Note, tidy
from flamingo.composing.writing.engraving.spelling import signature, spell
from flamingo.composing.writing.engraving.values import Sign, beam, hide_rests, settle, signs_of_bar
from flamingo.composing.writing.engraving.voices import into_voices


def parts_of_score(piece: Piece) -> list[Part]:
    """The parts of a score, from the top: two neighbours that are the hands of one keyboard or harp are one."""
    programs = [int(program) for program in piece.programs] or [0]
    players = players_of(programs)
    instruments = [programs[parts[0]] for parts in players]
    return [Part(piece, parts, *part_names(instruments, number)) for number, parts in enumerate(players)]


class Part:
    """One part, decided and ready to be written bar by bar.

    program, name, short: its instrument (General MIDI, from 0) and what that is called, in full and in short.
    key, bars: the key of the piece, and the metre of each bar.
    clefs: for each staff, that of each bar.
    dynamics: loudness marks by bar.
    spelling: letter, alteration and octave of each note of the piece.
    signs: for each bar and in it each staff, the signs of each voice that has some, with the voice's number.
    """

    def __init__(self, piece: Piece, parts: tuple[int, ...], name: str, short: str) -> None:
        """parts: those of the piece that it holds, one a staff; of one alone a keyboard's hands are found."""
        self.key = piece.key
        self.program = int(piece.programs[parts[0]]) if piece.programs else 0
        self.name, self.short = name, short
        self._edges = [int(e) for e in piece.edges]
        self.bars = [piece.metre(bar) for bar in range(len(piece.bars))]
        self.spelling = spell(piece)
        alone = len(piece.programs) <= 1  # whatever part its notes claim, there is no other
        staves = [self._notes(piece, None if alone else part) for part in parts]
        if alone and self.program in TWO_STAVES:
            staves = list(into_hands(staves[0]))
        of_hands: list[tuple[str, ...]] = [("treble", "bass"), ("bass", "treble")]
        choices = of_hands if len(staves) == 2 else [clef_choices(self.program, staves[0])]
        self.clefs = [choose_clefs(staff, which, self._edges) for staff, which in zip(staves, choices, strict=True)]
        self.dynamics = loudness_marks(piece, parts)
        voices = [self._decide(staff) for staff in staves]
        past: list[dict[tuple[str, int], int]] = [{} for _ in staves]
        self.signs: list[list[list[tuple[int, list[Sign]]]]] = []
        for bar in range(len(self.bars)):
            here = [self._bar(of_staff, bar) for of_staff in voices]
            past = [self._accidentals([s for _, s in staff], was) for staff, was in zip(here, past, strict=True)]
            self.signs.append(here)

    def _notes(self, piece: Piece, part: int | None) -> list[Note]:
        """The notes of a part, or all of them."""
        chosen = np.arange(len(piece.notes)) if part is None else np.flatnonzero(piece.notes["part"] == part)
        notes = []
        for i in chosen:
            row = piece.notes[i]
            start = min(int(row["start"]), self._edges[-1] - 1)
            notes.append(Note(int(i), start, max(start + 1, start + int(row["duration"])), int(row["pitch"])))
        return notes

    def _decide(self, notes: list[Note]) -> list[list[Chord]]:
        graces = tidy(notes, self._edges)
        most = 1 if _is_line(notes) else 4
        voices = into_voices(notes, self._edges, most) if notes else [[] for _ in range(4)]
        for voice in voices:
            settle(voice, self._edges, self.bars)
        for start, groups in graces.items():
            owners = [c for voice in voices for c in voice if c.start == start]
            mean = sum(n.pitch for g in groups for n in g) / sum(len(g) for g in groups)
            owner = min(owners, key=lambda c: abs(c.mean - mean))
            owner.graces = groups
        return voices

    def _bar(self, voices: list[list[Chord]], bar: int) -> list[tuple[int, list[Sign]]]:
        base, metre = self._edges[bar], self.bars[bar]
        here = []
        for v, voice in enumerate(voices):
            begin = bisect_left(voice, base + 1, key=lambda c: c.end)
            stop = bisect_left(voice, base + metre.units, key=lambda c: c.start)
            if begin < stop:
                here.append((v, signs_of_bar(voice[begin:stop], base, metre)))
        if not here:
            here = [(0, [Sign(0, metre.units, None, "", 0, None)])]
        hide_rests(here)
        for _, signs in here:
            beam(signs, metre)
        return here

    def _accidentals(self, voices: list[list[Sign]], past: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Mark the notes of a bar that need an accidental; `past` holds what the bar before left altered."""
        usual = signature(self.key)
        now: dict[tuple[str, int], int] = {}
        struck = sorted(
            (s for signs in voices for s in signs if s.chord is not None and s.first), key=lambda s: s.start
        )
        for sign in struck:
            assert sign.chord is not None
            for note in [n for g in sign.chord.graces for n in g] + sign.chord.notes:
                letter, alter, octave = self.spelling[note.index]
                pitch_name = (letter, octave)
                valid = now.get(pitch_name, usual[letter])
                reminder = pitch_name not in now and pitch_name in past and past[pitch_name] != alter
                note.shown = alter != valid or reminder
                now[pitch_name] = alter
        return {pitch_name: alter for pitch_name, alter in now.items() if alter != usual[pitch_name[0]]}


def _is_line(notes: list[Note]) -> bool:
    """Whether notes follow each other, as one voice does; a moment's overlap is legato."""
    ordered = sorted(notes, key=lambda note: note.start)
    return all(before.end - after.start <= 2 < after.start - before.start for before, after in pairwise(ordered))
