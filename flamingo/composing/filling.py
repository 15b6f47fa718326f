"""Bars composed anew between bars that stay, or some parts of them beside the others.

    fill(model, piece, 8, 12)                    bars 9 to 12, all parts
    fill(model, piece, 0, 32, redo=(1,))         the left hand of 32 bars, to a right hand that is given

The network hears what comes after, then what comes before, then the parts that are given in the bars between, and
goes on with these bars: so it has learned (flamingo/train/composing/windows.py, `arranged`). What is not asked for
anew stays as it is, to the unit. What comes is inside the grammar of events.py: hands that span a tenth and have five
fingers, one note at a time for an instrument that has one voice, inside the range that it has in the piece, something
in every bar.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.chords import Progression, chord_at
from flamingo.composing.events import BAR_LINE, DURATIONS, LOWEST, PARTS, PITCHES, VELOCITIES, Grammar, shift_of
from flamingo.composing.instruments import RANGES, TWO_STAVES
from flamingo.composing.key_estimation import find_key
from flamingo.composing.leaning import lean_to, lean_to_share, lean_to_symbol
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Bar, Cache, Composer, one_thread
from flamingo.composing.options import SamplingOptions
from flamingo.composing.parts import KEYBOARDS, ORGANS, ensemble_of, part_of_notes, parts_of
from flamingo.composing.piece import NOTE, UNITS, Piece
from flamingo.composing.reach import in_hand
from flamingo.composing.sampling import choose
from flamingo.errors import BadRequest

__all__ = ["fill"]

Array = NDArray[Any]

_PLAIN, _LATER, _GIVEN, _FILL = range(len(events.ROLES))
_HEARD = 0.6  # of the context at most for what is there already
_GIVEN_SHARE = 0.5  # of that, for parts that are given
_MOST_IN_A_BAR = 96  # events; more is a machine gone wild
_NEAR = 8  # bars on either side from which the key, and the share of each part, are taken
_ENOUGH = 24  # notes that say a key
_BALANCE = 1.0  # nats for each e-fold by which a part has had less than its share
_BEYOND = 3  # semitones by which an instrument may leave the range that it has in the piece


def fill(
    model: Composer,
    piece: Piece,
    first: int,
    last: int,
    *,
    redo: Collection[int] | None = None,
    personas: Mapping[str, float] | None = None,
    seed: Any = 0,
    sampling: SamplingOptions | None = None,
    textures: Mapping[int, int] | None = None,
    chords: Progression = (),
) -> Piece:
    """Compose bars of a piece anew.

    Args:
        model: a composer that has learned to fill in.
        piece: the music.
        first, last: the bars, counted from 0, the last not included.
        redo: the parts that are composed, as flamingo.composing.parts has them (0 and 1 are the hands of a piano);
            None for all. The others are given.
        personas: weights by name, which sum to 1; None or empty tells none.
        seed: what numpy.random.default_rng takes.
        sampling: how daring it is; guidance is not used.
        textures: how bars are accompanied, indices of texture.TEXTURES; others are left to the composer.
        chords: those that the bars are composed over, from the first of them on, again and again.

    Returns:
        The piece with these bars; all else is as it was.

    Raises:
        BadRequest: the bars or the parts are not there, or are too long; or the composer cannot fill in.
    """
    bars = len(piece.bars)
    if not model.planned or not model.parts:
        raise BadRequest("filling in", "this composer has not learned it", "train one: flamingo train compose")
    if not 0 <= first < last <= bars:
        raise BadRequest(f"bars {first + 1} to {last}", f"the piece has bars 1 to {bars}", "choose among these")
    if any(piece.metre(bar).units > events.PLACES for bar in range(bars)):
        raise BadRequest("filling in", "a bar lasts at most six quarter notes", "write longer ones as several")
    part = part_of_notes(piece)
    there = parts_of(piece)
    anew = (sorted(set(part.tolist())) or [0]) if redo is None else sorted(set(redo))
    if not anew or not set(anew) <= set(there):
        names = ", ".join(map(str, there))
        raise BadRequest(f"parts {', '.join(map(str, anew))}", f"the piece has parts {names}", "choose among these")
    random = np.random.default_rng(seed)
    filler = _Filler(
        model, piece, part, tuple(anew), dict(personas or {}), random, first, last, textures or {}, chords
    )
    with one_thread():
        at = first
        while at < last:
            at = filler.go_on(at, replace(sampling or SamplingOptions(), guidance=1.0))
    return filler.finished()


_Note = tuple[int, int, int, int, int]
"""Start in units, duration, MIDI pitch, velocity, part; or the five numbers of an event."""


@dataclass
class _Filler:
    """A piece on its way: bars `first` to `last` are composed anew, in the parts `anew`; `new` are their notes.
    textures: of bars that are to be accompanied in some way."""

    model: Composer
    piece: Piece
    part: Array
    anew: tuple[int, ...]
    personas: dict[str, float]
    random: np.random.Generator
    first: int
    last: int
    textures: Mapping[int, int] = field(default_factory=dict)
    chords: Progression = ()
    new: list[_Note] = field(default_factory=list)
    beside: list[tuple[int, int, int, int]] = field(default_factory=list)
    """What sounds in the bar that is composed and stays: from and to, in units of the bar, MIDI pitch, part."""

    def __post_init__(self) -> None:
        notes = self.piece.notes
        self.ensemble = ensemble_of(self.piece)
        self.edges = self.piece.edges
        self.tonic = self.piece.key.tonic
        self.loud = int(np.median(notes["velocity"])) if len(notes) else 72
        self.paced = self.piece.expressive or len(self.piece.tempos) > 0
        near = max(0, self.first - _NEAR), min(len(self.piece.bars), self.last + _NEAR)
        around = (notes["start"] >= self.edges[near[0]]) & (notes["start"] < self.edges[near[1]])
        inside = (notes["start"] >= self.edges[self.first]) & (notes["start"] < self.edges[self.last])
        heard = around & ~(inside & np.isin(self.part, self.anew))
        # The key around the bars; and which share of the notes around them each part has.
        self.key = find_key(notes[heard]) if heard.sum() >= _ENOUGH else self.piece.key
        counts = np.bincount(self.part[around & ~inside], minlength=PARTS) * np.isin(np.arange(PARTS), self.anew)
        total = counts.sum()
        self.share = counts / total if total else np.isin(np.arange(PARTS), self.anew) / len(self.anew)
        # Of each part: which of the piece's it is, whether it strikes one note at a time, and its range.
        self.staff, self.single, self.range = {}, {}, {}
        for each in range(PARTS):
            mine = notes[self.part == each]
            # A part that is silent so far is the staff of its number, as hands and lines are numbered from the top.
            silent = each if each < len(self.piece.programs) else 0
            staff = int(np.bincount(mine["part"]).argmax()) if len(mine) else silent
            self.staff[each] = staff
            program = self.piece.programs[staff] if staff < len(self.piece.programs) else 0
            self.single[each] = program not in KEYBOARDS and program not in ORGANS and program not in TWO_STAVES
            own = RANGES.get(program, (21, 108))
            low, high = (int(mine["pitch"].min()), int(mine["pitch"].max())) if len(mine) else own
            self.range[each] = (low - _BEYOND, high + _BEYOND) if self.single[each] else (21, 108)

    # ------------------------------------------------------------------ what is heard
    def _rows(self, bar: int, parts: Collection[int] | None = None) -> list[_Note]:
        """The events of a bar as it is now, its line first; of some parts alone where they are named."""
        begin, end = int(self.edges[bar]), int(self.edges[bar + 1])
        notes = self.piece.notes
        chosen = np.flatnonzero((notes["start"] >= begin) & (notes["start"] < end))
        if self.first <= bar < self.last:
            chosen = chosen[~np.isin(self.part[chosen], self.anew)]
        sounding = [
            (int(n["start"]), int(n["duration"]), int(n["pitch"]), int(n["velocity"]), int(p))
            for n, p in zip(notes[chosen], self.part[chosen], strict=True)
        ]
        sounding += [note for note in self.new if begin <= note[0] < end]
        rows = [(BAR_LINE, -1, -1, -1, -1)]
        for start, duration, pitch, velocity, part in sorted(sounding, key=lambda n: (n[0], n[2], n[4])):
            if parts is None or part in parts:
                relative = pitch - shift_of(self.tonic) - LOWEST
                if 0 <= relative < PITCHES:
                    length = int(events.duration_index(np.array([duration]))[0])
                    rows.append((start - begin, relative, length, velocity // 8, part))
        return rows

    def _told(self, bar: int, role: int, begin: int, until: int) -> Array:
        """What is told of a bar, as a vector."""
        left = until - bar if role >= _GIVEN else len(self.piece.bars) - bar
        edges = self.edges
        lasts = float(np.diff(self.piece.seconds(edges[bar : bar + 2]))[0])
        bpm = (edges[bar + 1] - edges[bar]) / UNITS / max(lasts, 1e-3) * 60 if self.paced else None
        metre = events.metre_index(self.piece.metre(bar))
        told = Bar(
            self.personas, None, None, max(left, 1), bpm, metre, self.piece.key.minor,
            self.ensemble, bar == begin, texture=self.textures.get(bar) if role == _FILL else None, number=bar,
            role=role,
        )  # fmt: skip
        return self.model.condition_vector(told, plain=True)

    def _context(self, at: int, until: int) -> tuple[Array, Array, int]:
        """Events and conditions that the network hears before bar `at`, and the first bar among them."""
        room = int(self.model.context * _HEARD)
        given = [part for part in range(PARTS) if part not in self.anew]
        beside = [self._rows(bar, given) for bar in range(at, until)]
        beside = beside if any(len(rows) > 1 for rows in beside) else []
        room -= sum(map(len, beside))
        before: list[int] = []
        after: list[int] = []
        sizes = {bar: len(self._rows(bar)) for bar in range(max(0, at - 40), min(len(self.piece.bars), until + 40))}
        low, high = at - 1, until
        goes_on = until == self.last  # what follows bars that are still to be filled is not heard yet
        while room > 0 and (low in sizes or (goes_on and high in sizes)):
            if low in sizes:
                room -= sizes[low]
                before.insert(0, low)
                low -= 1
            if goes_on and high in sizes and room > 0:
                room -= sizes[high]
                after.append(high)
                high += 1
        begin = before[0] if before else at
        rows: list[_Note] = []
        told: list[Array] = []
        for bars, role in ((after, _LATER), (before, _PLAIN)):
            for bar in bars:
                mine = self._rows(bar)
                rows += mine
                told += [self._told(bar, role, begin, until)] * len(mine)
        for bar, mine in zip(range(at, until), beside, strict=False):
            rows += mine
            told += [self._told(bar, _GIVEN, begin, until)] * len(mine)
        d = self.model.width
        return np.array(rows, np.int64).reshape(-1, len(NUMBERS_OF_A_NOTE)), np.array(told).reshape(-1, d), begin

    # ------------------------------------------------------------------ what comes
    def go_on(self, at: int, sampling: SamplingOptions) -> int:
        """Compose from bar `at` on, as far as one context reaches; the bar where the next one begins."""
        until = self.last
        given = [part for part in range(PARTS) if part not in self.anew]
        most = self.model.context * _HEARD * _GIVEN_SHARE
        while until > at + 1 and sum(len(self._rows(bar, given)) for bar in range(at, until)) > most:
            until -= 1
        rows, told, begin = self._context(at, until)
        cache = Cache(self.model, 1)
        heard = self.model.context - 2 * _MOST_IN_A_BAR  # a bar may have more events than fit
        rows, told = rows[-heard:], told[-heard:]
        if len(rows):
            self.model.forward((self.model.embed(rows) + told)[None], cache)
        for bar in range(at, until):
            if cache.length > self.model.context - 2 * _MOST_IN_A_BAR and bar > at:
                return bar
            self._bar(bar, self._told(bar, _FILL, begin, until), cache, sampling)
        return until

    def _bar(self, bar: int, told: Array, cache: Cache, sampling: SamplingOptions) -> None:
        units = int(self.edges[bar + 1] - self.edges[bar])
        grammar = Grammar(units, tonic=self.tonic)
        grammar.bar(units)
        given = {(row[0], row[1]) for row in self._rows(bar)[1:]}
        self.beside = self._sounding(bar)
        here: list[_Note] = []
        start = int(self.edges[bar])
        row = np.array([[BAR_LINE, -1, -1, -1, -1]])
        while True:
            state = self.model.forward((self.model.embed(row) + told)[None], cache)[:, 0]
            if len(here) >= _MOST_IN_A_BAR or cache.length >= self.model.context - 1:
                break
            chosen = np.full(len(NUMBERS_OF_A_NOTE), -1, np.int64)
            for name in self.model.order:
                mask = self._mask(name, chosen, grammar, here, given)
                logits = self.model.logits(name, state)[0]
                column = NUMBERS_OF_A_NOTE.index(name)
                lean: Array | float = 0.0
                if name == "pitch":
                    lean = self._lean(bar, int(chosen[0]))
                elif name == "part":
                    lean = self._balance(start, here)
                chosen[column] = choose(logits, mask, self.random, sampling, lean)
                if name == "where" and chosen[0] == BAR_LINE:
                    break
                if name != self.model.order[-1]:
                    state = self.model.add(state, name, chosen[column : column + 1])
            if chosen[0] == BAR_LINE:
                break
            where, pitch, duration, velocity, part = chosen.tolist()
            grammar.take(where, pitch)
            here.append((where, pitch, duration, velocity, part))
            row = chosen[None]
        for where, pitch, duration, velocity, part in here:
            loud = velocity * 8 + 4 if self.piece.expressive else self.loud
            self.new.append((start + where, DURATIONS[duration], events.midi_pitch(pitch, self.tonic), loud, part))

    def _lean(self, bar: int, where: int) -> Array | float:
        """Nats for pitches at a place, by the chord that was given for it, or else by the key around."""
        if not self.chords:
            return lean_to(self.tonic, self.key, 0.0, 0.0)
        metre = self.piece.metre(bar)
        chord = chord_at(self.chords, bar - self.first, where / metre.units)
        return lean_to_symbol(self.tonic, chord, where % metre.beat == 0)

    def _balance(self, start: int, here: list[_Note]) -> Array:
        """(PARTS,) nats for who strikes next, where several parts are composed: those that have had less than their
        share of the notes around. A network that has heard little drops one hand for bars."""
        if len(self.anew) == 1:
            return np.zeros(PARTS)
        since = start - 2 * (int(self.edges[1]) - int(self.edges[0]))
        late = [note[4] for note in self.new if note[0] >= since] + [note[4] for note in here]
        return lean_to_share(self.share, late, _BALANCE)

    def _mask(
        self,
        name: str,
        chosen: Array,
        grammar: Grammar,
        here: list[_Note],
        given: set[tuple[int, int]],
    ) -> Array:
        if name == "where":
            allowed = grammar.wheres(line=bool(here or given))
            at = grammar.position
            if here and not any(self._pitches(part, at, grammar, here, given).any() for part in self.anew):
                allowed[at] = False
            return allowed
        if name == "part":
            allowed = np.zeros(PARTS, bool)
            for part in self.anew:
                allowed[part] = self._pitches(part, int(chosen[0]), grammar, here, given).any()
            return allowed
        if name == "pitch":
            return self._pitches(int(chosen[4]), int(chosen[0]), grammar, here, given)
        return np.ones(len(DURATIONS), bool) if name == "duration" else np.arange(VELOCITIES) >= 1

    def _pitches(
        self,
        part: int,
        where: int,
        grammar: Grammar,
        here: list[_Note],
        given: set[tuple[int, int]],
    ) -> Array:
        """(PITCHES,) what a part may strike at a place."""
        allowed = grammar.pitches(where)
        midi = np.arange(PITCHES) + LOWEST + shift_of(self.tonic)
        low, high = self.range[part]
        allowed &= (midi >= low) & (midi <= high)
        struck = [row[1] for row in here if row[0] == where and row[4] == part]
        allowed &= np.zeros(PITCHES, bool) if struck and self.single[part] else in_hand(tuple(struck))
        taken = [pitch for place, pitch in given if place == where]
        allowed[taken] = False
        if self.ensemble == 0 and len(self.anew) == 1 and part < 2:
            other = [pitch for a, b, pitch, whose in self.beside if a <= where < b and whose != part]
            if other:  # hands that cross are for those who ask for it
                apart = allowed & (midi > min(other) if part == 0 else midi < max(other))
                allowed = apart if apart.any() else allowed
        return allowed

    def _sounding(self, bar: int) -> list[tuple[int, int, int, int]]:
        begin, end = int(self.edges[bar]), int(self.edges[bar + 1])
        notes = self.piece.notes
        lasts = notes["start"] + notes["duration"]
        there = (notes["start"] < end) & (lasts > begin) & ~np.isin(self.part, self.anew)
        rows = zip(notes[there], lasts[there], self.part[there], strict=True)
        return [
            (int(n["start"]) - begin, int(until) - begin, int(n["pitch"]), int(whose)) for n, until, whose in rows
        ]

    # ------------------------------------------------------------------ the end
    def finished(self) -> Piece:
        """The piece with what was composed."""
        notes, begin, end = self.piece.notes, int(self.edges[self.first]), int(self.edges[self.last])
        stay = ~((notes["start"] >= begin) & (notes["start"] < end) & np.isin(self.part, self.anew))
        made = []
        for part in self.anew:
            mine = sorted(note for note in self.new if note[4] == part)
            starts = sorted({note[0] for note in mine})
            following = dict(zip(starts, [*starts[1:], end], strict=False))
            for start, duration, pitch, velocity, _ in mine:
                # One voice lets go before it goes on; nothing rings on into bars that stay.
                most = following[start] - start if self.single[part] else end - start
                made.append((start, max(min(duration, most), 1), pitch, velocity, self.staff[part], 0.0))
        fresh = events.release_before_repeat(np.array(made, NOTE))
        return replace(
            self.piece, notes=np.sort(np.concatenate((notes[stay], fresh)), order=("start", "pitch", "part"))
        )
