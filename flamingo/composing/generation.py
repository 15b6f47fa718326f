"""One piece as it grows: the events so far, what may come next, and what is likelier to.

What may come is the grammar of events.py, and at the end a cadence: the second half of the bar before the last stands
on the dominant, the last bar is one long chord on the tonic. What is likelier leans, by fractions of a nat, to the
key and to what a mood asks for (flamingo/mood/cues.py): high or low, close together or far apart. Where the mode
turns, the bar before leans to the dominant, the one chord that major and minor share, and what still sounds is let go
at the line.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import (
    BAR_LINE,
    DURATIONS,
    LOWEST,
    PARTS,
    PITCHES,
    VELOCITIES,
    WHERES,
    Grammar,
    shift_of,
    unspell,
)
from flamingo.composing.instruments import Player
from flamingo.composing.leaning import MIDDLE, lean_to, lean_to_chord, lean_to_share, lean_to_symbol
from flamingo.composing.mood import DISSONANT, Scale
from flamingo.composing.phrases import Return
from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.plan import Plan
from flamingo.composing.reach import HAND, in_hand, reachable
from flamingo.composing.scales import moved
from flamingo.composing.sections import Section

Array = NDArray[Any]
Event = tuple[int, int, int, int, int]

_LINE: Event = (BAR_LINE, -1, -1, -1, -1)
_MOST_IN_A_BAR = 144  # events; more is a machine gone wild
_DOMINANT = (2, 5, 7, 11)
_DURATIONS = np.array(DURATIONS)
_ENOUGH = 24  # notes of a bar after which the third of a cadence is no longer waited for
_WAITING = 5  # in the bar before the last, until its dominant is there: a network that waits piles up notes
_CLASH = np.isin(np.arange(12), DISSONANT)
# How much colour and consonance (nats, as in the bridge's table) are added for each whole unit by which the valence
# heard so far is short of what was asked, from this many bars on.
_FOLLOW = 2.0
_SOON = 3
_MOST = 1.0  # nats of colour at all
_AGAINST = 0.1  # nats of colour that may speak against the mode of the section, lest the key be lost
_TURN = 1.0  # nats by which pitches of the dominant are preferred in the half bar before the mode turns
_MOST_A_SECOND = 20.0  # notes: of bars that people play (piano-midi.de) one in ten has more
_CALM = 12.0  # nats a quarter note for each e-fold beyond
_BALANCE, _BALANCED = 0.8, 4  # nats for each e-fold by which a part has had less than its share, of so many bars
_PACED = 2  # bars over which notes a second are counted
_STEER = 1.2  # nats a quarter note that are added for each e-fold by which they are too few
_MAKE_UP = 0.6  # and for what has been missed so far
_WITHIN = 3.0  # and against what the bar has too many of already, for each bar's worth of notes
_LIKE_ASKED = 0.25  # share by which the notes of a bar may be off what was asked, where it is to return
_PUSHED = 14.0  # nats a quarter note at most
_THIRD = 4.0  # nats for the third of that chord until it is there
_BREATH = 1.0  # nats against every attack in the second half of a bar in which a phrase rests


@dataclass
class Drawn:
    """One piece as it grows. prompted: notes that were not drawn but given as a prompt; returned: notes of a theme
    that returned; scale: what it is heard by as it grows (None: it is not); short: by how much the
    valence heard so far is below what was asked; push: nats a quarter note against going on to a later attack, where
    a number of notes a second was asked; heard: notes of each bar that is done; loops: whether the last two of these
    bars are the same, though no theme returned there; parts: how many parts there are to deal notes out to, 0 where
    the network tells none apart (then a pianist plays); rewritten: the piece after bars of it were composed anew
    (variation.py); ranges: of each part, (PITCHES,) True inside it; lines_alone: whether nobody plays with hands;
    most: notes that all can strike together; low: the MIDI pitch below which the bass of a cadence lies;
    rests: of each bar, the cadence in which a phrase rests there."""

    plan: Plan
    random: np.random.Generator
    rows: list[Event] = field(default_factory=list)
    bar: int = -1
    in_bar: int = 0
    lines: list[int] = field(default_factory=list)
    scale: Scale | None = None
    short: float = 0.0
    push: float = 0.0
    heard: list[int] = field(default_factory=list)
    loops: bool = False
    retries: int = 0
    prompted: int = 0
    returned: int = 0
    redraws: int = 0
    parts: int = 0
    rewritten: Piece | None = None
    grammar: Grammar = field(init=False)
    players: tuple[Player, ...] = field(init=False)
    ranges: list[Array] = field(init=False)
    lines_alone: bool = field(init=False)
    most: int = field(init=False)
    low: int = field(init=False)
    rests: list[Literal["half", "authentic"] | None] = field(init=False)
    finished: bool = False

    def __post_init__(self) -> None:
        self.grammar = Grammar(self.plan.metre.units, tonic=self.plan.key.tonic)
        self.players = self.plan.instrumentation.players
        midi = np.arange(PITCHES) + LOWEST + shift_of(self.plan.key.tonic)
        self.ranges = [(midi >= player.lowest) & (midi <= player.highest) for player in self.players]
        self.lines_alone = all(player.line for player in self.players)
        self.most = sum(player.capacity for player in self.players)
        self.low = max(MIDDLE, self.players[-1].lowest + 12)
        # Asked for at every note.
        self.rests = [self.plan.rest(bar) for bar in range(self.plan.bars + 1)]

    @property
    def events(self) -> Array:
        return np.array(self.rows, np.int16).reshape(-1, len(_LINE))

    @property
    def notes(self) -> int:
        """Notes drawn."""
        return sum(row[1] >= 0 for row in self.rows) - self.prompted - self.returned

    def piece(self) -> Piece:
        if self.rewritten is not None:
            return self.rewritten
        plan = self.plan
        programs = plan.instrumentation.programs if self.parts else (0,)
        unspelled = unspell(
            self.events, [plan.metre] * plan.bars, plan.key, programs=programs,
            lines=plan.instrumentation.lines, tempos=plan.tempos,
        )  # fmt: skip
        return _let_end(self._let_rest(_let_turn(unspelled, plan)), plan)

    def _let_rest(self, piece: Piece) -> Piece:
        """Where a phrase rests, what is held from before and is foreign to the chord of the cadence is let go."""
        notes, units = piece.notes.copy(), self.plan.metre.units
        for bar in range(1, self.plan.bars - 2):
            places = [0, self.middle()] if self.rests[bar] == "authentic" else [0]
            for place in places if self.rests[bar] else []:
                chord = self._rests_on(bar, place) or (0,)
                line = bar * units + place
                degree = (notes["pitch"].astype(int) - self.plan.key_at(bar).tonic) % 12
                foreign = ~np.isin(degree, chord) | ((notes["pitch"] < self.low) & (degree != chord[0]))
                held = (notes["start"] < line) & foreign
                notes["duration"][held] = np.minimum(notes["duration"][held], line - notes["start"][held])
        return replace(piece, notes=notes)

    def excerpts(self) -> list[Piece]:
        """The piece cut where its mode turns, each part with its own key: one part where it never does. Of one
        that goes to other keys only what is at home is kept: with cadences there it is heard in them."""
        plan, piece = self.plan, self.piece()
        edges = [0, *(bar for bar in range(1, plan.bars) if plan.home_at(bar) != plan.home_at(bar - 1)), plan.bars]
        if len(edges) > 2:
            return [replace(piece.excerpt(a, b), key=plan.home_at(a)) for a, b in pairwise(edges)]
        if plan.away:
            home = np.array([plan.key_at(bar) == plan.key for bar in range(plan.bars)])
            piece = replace(piece, notes=piece.notes[home[piece.bar_of(piece.notes["start"])]])
        return [piece]

    @property
    def shift(self) -> int:
        """By how many semitones the key of the bar that is being drawn lies above the tonic of the piece, -5 to 6.
        Rows hold pitches relative to that tonic; the network hears all of them relative to the key of this bar."""
        return shift_of((self.plan.key_at(max(self.bar, 0)).tonic - self.plan.key.tonic) % 12)

    # ------------------------------------------------------------------ what is likelier to come
    def lean(self, name: str, where: int) -> Array | float:
        """Nats added to the choices of a number, by key and mood. where: the place that was chosen, for a pitch."""
        plan, bar = self.plan, max(self.bar, 0)
        section = plan.sections[plan.section(bar)]
        if name == "pitch":
            cadence = plan.bars - bar <= 2  # it has pitches of its own
            asks, more = section.asks, _FOLLOW * self.short
            key = plan.key_at(bar)
            if cadence:
                nats = lean_to(plan.key.tonic, key, 0.0, 0.0)
            else:
                colour = asks.colour + more
                colour = min(max(colour, -_MOST), _MOST)
                colour = min(colour, _AGAINST) if key.minor else max(colour, -_AGAINST)
                nats = lean_to(plan.key.tonic, key, asks.register, round(colour, 2))
                nats = nats - (asks.consonance + more) * self._clashes(where)
                given, chord = plan.chord_at(bar, where), self._rests_on(bar, where)
                if given is not None:
                    nats = nats + lean_to_symbol(plan.key.tonic, given, where % plan.metre.beat == 0)
                elif chord is not None:
                    nats = nats + lean_to_chord(plan.key.tonic, key.tonic, chord)
                    third, turn = self._third_of(chord), self._turn(bar)
                    if not self._struck_since(third, turn if where >= turn else 0):
                        nats = nats + _THIRD * ((np.arange(PITCHES) + LOWEST) % 12 == third)
            after = plan.turns(bar)
            if after is not None and after.minor != section.minor and where >= self.middle():
                nats = nats + _TURN * np.isin((np.arange(PITCHES) + LOWEST) % 12, _DOMINANT)
            return nats
        if name == "part":
            return self._balance()
        push = section.asks.density - self._frantic() if plan.density is None else self.push - _WITHIN * self._ahead()
        if name == "where" and bar + 1 < plan.bars:
            there = np.minimum(np.arange(WHERES), plan.metre.units)  # the bar line is where the bar ends
            breathes = self.rests[bar] is not None and plan.density is None
            if push or breathes:
                late = (there > self.middle()) & (there < plan.metre.units)
                return -push / UNITS * (there - max(self.grammar.position, 0)) - _BREATH * (breathes & late)
        return 0.0

    def _frantic(self) -> float:
        """Nats a quarter note for going on to a later attack, where the last bar had more notes than people play."""
        if not self.heard:
            return 0.0
        section = self.plan.sections[self.plan.section(max(self.bar, 0))]
        seconds = self.plan.metre.units / UNITS * 60 / section.bpm
        return _CALM * max(0.0, float(np.log(max(self.heard[-1], 1) / seconds / _MOST_A_SECOND)))

    def _balance(self) -> Array | float:
        """(PARTS,) nats for who strikes next, where there are lines: those that have had less than their share of the
        last bars. In songs a voice is silent for whole strophes, and who asks for a flute wants to hear it."""
        if all(not player.line for player in self.players) or not self.parts:
            return 0.0
        since = self.lines[max(0, len(self.lines) - _BALANCED)] if self.lines else 0
        parts = [row[4] for row in self.rows[since:] if row[1] >= 0]
        shares = np.zeros(PARTS)
        shares[: len(self.players)] = self.plan.instrumentation.shares
        return lean_to_share(shares, parts, _BALANCE)

    def _rests_on(self, bar: int, where: int) -> tuple[int, ...] | None:
        """Semitones above the tonic of the chord that a cadence inside the piece asks for at a place, its root first;
        None where none does."""
        plan, late = self.plan, where >= self._turn(bar)
        here = self.rests[bar]
        if here == "half":
            return (7, 11, 2)
        if here == "authentic":
            # Where the bar before comes back as it was, the dominant has its place in this one.
            if not late and plan.returning(bar - 1) is not None:
                return (7, 11, 2, 5)
            return (0, 3 if plan.key_at(bar).minor else 4, 7)
        if self.rests[bar + 1] == "authentic" and late and plan.returning(bar) is None:
            return (7, 11, 2, 5)
        return None

    def unlike(self) -> float:
        """How far the valence that is heard is from what was asked, in the section where it is furthest; 0 where
        nothing was asked."""
        if not any(map(self._hears, self.plan.sections)):
            return 0.0
        piece = self.piece()
        return max(abs(self._missing(section, piece, section.first + section.bars)) for section in self.plan.sections)

    def _listen(self) -> None:
        """Hear how pleasant the section has been so far, and by how much that is short of what was asked."""
        section = self.plan.sections[self.plan.section(self.bar)]
        soon = self.bar - section.first < _SOON or self.bar + 1 >= self.plan.bars
        self.short = 0.0 if soon or not self._hears(section) else self._missing(section, self.piece(), self.bar)

    def _pace(self) -> None:
        """At the end of a bar: push for more notes or for fewer, where a number a second was asked."""
        self.heard.append(self.in_bar)
        if self.plan.density is None:
            return
        notes_per_bar = self._notes_a_bar(self.plan.density)
        last = self.heard[-_PACED:]
        short = np.log(notes_per_bar / max(sum(last) / len(last), 0.5))
        # What has been missed in all is made up for, besides, over some bars.
        missed = np.clip((notes_per_bar * len(self.heard) - sum(self.heard)) / (_PACED * 2 * notes_per_bar), -1, 1)
        self.push = float(np.clip(self.push + _STEER * short + _MAKE_UP * missed, -_PUSHED, _PUSHED))

    def _notes_a_bar(self, density: float) -> float:
        """Notes in the bar that is being drawn at so many notes a second."""
        plan = self.plan
        bpm = plan.sections[plan.section(max(self.bar, 0))].bpm
        return max(density * plan.metre.units / UNITS * 60 / bpm, 0.5)

    def _ahead(self) -> float:
        """By how much the bar that is being drawn has more notes than are wanted up to its last place, in bars' worth
        of notes; below zero for fewer."""
        if self.plan.density is None:
            return 0.0
        notes_per_bar = self._notes_a_bar(self.plan.density)
        until = notes_per_bar * max(self.grammar.position, 0) / self.plan.metre.units
        return float(np.clip((self.in_bar - until) / notes_per_bar, -1, 2))

    def _hears(self, section: Section) -> bool:
        return self.scale is not None and section.valence is not None

    def _missing(self, section: Section, piece: Piece, until: int) -> float:
        if self.scale is None or section.valence is None:
            return 0.0
        heard, _ = self.scale.of(piece.excerpt(section.first, until))
        return min(max(section.valence - heard, -1.0), 1.0)

    def _clashes(self, where: int) -> Array:
        """(PITCHES,) 1 where a pitch makes a second, tritone or seventh with a note drawn at the same place."""
        clashes = np.zeros(PITCHES)
        for position, pitch, *_ in reversed(self.rows[len(self.rows) - self.in_bar :]):
            if position != where:
                break
            clashes[_CLASH[(np.arange(PITCHES) - pitch) % 12]] = 1.0
        return clashes

    # ------------------------------------------------------------------ what may come
    def wheres(self) -> Array:
        if self.bar < 0:
            only = np.zeros(WHERES, bool)
            only[BAR_LINE] = True
            return only
        left = self.plan.bars - self.bar
        units = self.plan.metre.units
        full = self.in_bar >= _MOST_IN_A_BAR
        if left == 1:
            least = min(3, self.most)
            allowed = self.grammar.wheres(line=self.in_bar >= least)
            allowed[1:units] = False
            reached = self._asked(0) if self.in_bar >= least else self._in_reach(0)
            if self.in_bar >= 7 or not allowed[0] or not reached.any():
                allowed[:] = False
                allowed[BAR_LINE] = True
            return allowed
        # A bar in which nothing is struck is a network that has lost its way, but where few notes were asked for.
        sparse = self.plan.density is not None and self.bar > 0 and self.lines[-1] - self.lines[-2] > 1
        allowed = self.grammar.wheres(line=self.in_bar > 0 or sparse)
        # The place of the second half at which the chord of a cadence must come.
        due = self.middle() if left == 2 else self._turn(self.bar)
        waits = (left == 2 or self._turns_at_middle()) and self._half_empty(due)
        if self.in_bar and (
            self._together() >= (min(_WAITING, self.most) if waits else self.most)
            or not self._asked(self.grammar.position).any()
        ):
            allowed[self.grammar.position] = False
        if waits:
            # The dominant must come at the middle of this bar, or where there is still room for it.
            allowed[due + 1 :] = False
            if self.grammar.position == due:  # cannot be: then the half would not be empty
                allowed[BAR_LINE] = True
        if full:
            only = np.zeros(WHERES, bool)
            only[due if waits else BAR_LINE] = True
            return only
        if self.in_bar == 0 and self.plan.density is None and self.rests[self.bar] is not None:
            allowed[1:] = False  # a phrase comes to rest on the beat
        elif self._lacks_third() and allowed[:BAR_LINE].any():
            allowed[BAR_LINE] = False
        return allowed

    def _lacks_third(self) -> bool:
        """Whether the chord on which a phrase rests in this bar has no third so far, and may still get one."""
        if self.plan.density is not None or self.plan.chords or self.in_bar > _ENOUGH:
            return False
        turn = self._turn(self.bar) if self._turns_at_middle() else 0
        chord = self._rests_on(self.bar, turn) if self.rests[self.bar] else None
        return chord is not None and not self._struck_since(self._third_of(chord), turn)

    def _third_of(self, chord: tuple[int, ...]) -> int:
        """The pitch class of a chord's third above the tonic of the piece."""
        return (self.plan.key_at(self.bar).tonic + chord[1] - self.plan.key.tonic) % 12

    def _turn(self, bar: int) -> int:
        """The place in a bar at which the chord of a cadence inside the piece begins, where it is not the first beat:
        the middle, and in three beats before a rest the second."""
        if self.rests[bar] is not None:
            return self.middle()
        beat = self.plan.metre.beat
        return beat * (self.plan.metre.units // beat // 2)

    def _turns_at_middle(self) -> bool:
        """Whether a cadence inside the piece asks for another chord in the second half of this bar."""
        if self.plan.density is not None or self.plan.chords or self.plan.bars - self.bar <= 2:
            return False
        late = self._rests_on(self.bar, self._turn(self.bar))
        return late is not None and late != self._rests_on(self.bar, 0)

    def which_parts(self, where: int) -> Array:
        """(parts,) True for those that may strike something at a place: a hand with a finger left, or a line that
        rests, and a pitch."""
        parts = range(self.parts)
        asked = np.array([self._asked(where, part).any() for part in parts])
        return asked if asked.any() else np.array([self._in_reach(where, part).any() for part in parts])

    def pitches(self, where: int, part: int = -1) -> Array:
        """(PITCHES,) True for those that may be struck at a place, by a part where one is given; where no pitch of a
        cadence is left, any that hands can reach."""
        asked = self._asked(where, part)
        return asked if asked.any() else self._in_reach(where, part)

    def _in_reach(self, where: int, part: int = -1) -> Array:
        """(PITCHES,) those of the grammar that the players can strike with what is there already."""
        allowed = self.grammar.pitches(where)
        if not self.parts:
            return allowed & reachable(self._struck()) if where == self.grammar.position else allowed
        if part < 0:
            return np.asarray(np.any([self._in_reach(where, each) for each in range(self.parts)], axis=0))
        allowed &= self.ranges[part]
        if where != self.grammar.position:
            return allowed
        struck = self._struck(part)
        if self.players[part].line:
            return np.zeros(PITCHES, bool) if struck else allowed
        return allowed & in_hand(struck)

    def _asked(self, where: int, part: int = -1) -> Array:
        """(PITCHES,) those within reach that a cadence leaves; perhaps none."""
        if part < 0 and self.parts:
            return np.asarray(np.any([self._asked(where, each) for each in range(self.parts)], axis=0))
        allowed = self._in_reach(where, part)
        classes = (np.arange(PITCHES) + LOWEST) % 12
        left = self.plan.bars - self.bar
        midi = np.arange(PITCHES) + LOWEST + shift_of(self.plan.key.tonic)
        if left == 1:
            third = 3 if self.plan.key.minor else 4
            allowed = allowed & np.isin(classes, (0, third, 7))
            if self.in_bar == 0:
                allowed &= (classes == 0) & (midi < self.low)
                if self.lines_alone and 0 <= part < len(self.players) - 1:
                    allowed[:] = False  # the lowest line has the bass
            elif self.in_bar >= 2 and not self._struck_since(third, 0) and np.any(allowed & (classes == third)):
                allowed = allowed & (classes == third)
        elif left == 2 and where >= self.middle():
            allowed = allowed & np.isin(classes, _DOMINANT)
            if self._half_empty(self.middle()):
                allowed &= (classes == 7) & (midi < self.low + 5)
        elif not self.plan.chords:
            allowed = allowed & self._of_cadence(where, part)
        return allowed

    def _of_cadence(self, where: int, part: int) -> Array:
        """(PITCHES,) what the chord of a cadence inside the piece leaves: its root first, and in the bass; on beats
        its notes alone."""
        chord = self._rests_on(self.bar, where)
        if chord is None:
            return np.ones(PITCHES, bool)
        key = self.plan.key_at(self.bar).tonic
        degree = (np.arange(PITCHES) + LOWEST + self.plan.key.tonic - key) % 12
        low = np.arange(PITCHES) + LOWEST + shift_of(self.plan.key.tonic) < self.low
        allowed = np.asarray(~low | (degree == chord[0]))
        if where % self.plan.metre.beat == 0:
            allowed &= np.isin(degree, chord)
        turn = self._turn(self.bar)
        if self.in_bar == 0 or (where >= turn and self._half_empty(turn) and self._turns_at_middle()):
            lowest_line = not self.lines_alone or part in (-1, len(self.players) - 1)
            allowed &= low & (degree == chord[0]) & lowest_line
        elif self.in_bar >= 2 and self._lacks_third():
            third = allowed & (degree == chord[1])
            late = where >= turn or not self._turns_at_middle()
            allowed = third if late and (third & self._in_reach(where, part)).any() else allowed
        return allowed

    def durations(self) -> Array:
        if self.plan.bars - self.bar == 1:
            return np.asarray(min(self.plan.metre.units, DURATIONS[-1]) * 0.75 <= _DURATIONS)
        return np.ones(len(DURATIONS), bool)

    def velocities(self) -> Array:
        allowed = np.arange(VELOCITIES) >= 1
        if self.plan.bars - self.bar == 1:
            # The last chord is one chord, as loud as what led to it.
            before = [row[3] for row in self.rows[-self.in_bar - 24 :] if row[3] >= 0]
            if before:
                allowed &= np.abs(np.arange(VELOCITIES) - int(np.median(before))) <= 1
        return allowed

    def middle(self) -> int:
        """The place where the second half of a bar begins."""
        units, beat = self.plan.metre.units, self.plan.metre.beat
        beats = units // beat
        return int(beat * (beats - beats // 2)) if beats > 1 else 0

    def _struck(self, part: int = -1) -> tuple[int, ...]:
        """The pitches where the last note is, from low to high; of one part where it is given."""
        here = self.rows[len(self.rows) - self.in_bar :]
        return tuple(row[1] for row in here if row[0] == self.grammar.position and part in (-1, row[4]))

    def _together(self) -> int:
        """How many notes there are where the last one is."""
        return len(self._struck())

    def _struck_since(self, pitch_class: int, place: int) -> bool:
        """Whether a pitch class, above the tonic of the piece, has been struck in this bar since a place."""
        here = self.rows[len(self.rows) - self.in_bar :]
        return any(row[0] >= place and (row[1] + LOWEST) % 12 == pitch_class for row in here)

    def _half_empty(self, since: int) -> bool:
        """Whether nothing has been struck in this bar since a place."""
        return not any(row[1] >= 0 and row[0] >= since for row in self.rows[len(self.rows) - self.in_bar :])

    # ------------------------------------------------------------------ what came
    def recalled(self) -> Event | None:
        """What comes next where the theme returns: the same as the first time. None where it is to be drawn."""
        origin = self.plan.returning(self.bar) if self.bar >= 0 else None
        if origin is None or not self._of_asked_density(origin.bar):
            return None
        then = self._moved(origin)
        if then is None:
            return None
        now = self.rows[len(self.rows) - self.in_bar :]
        if now != then[: len(now)]:  # somebody gave these bars
            return None
        return then[len(now)] if len(now) < len(then) else _LINE

    def _of_asked_density(self, bar: int) -> bool:
        """Whether an earlier bar has about as many notes as were asked for, if any number was."""
        if self.plan.density is None:
            return True
        return abs(self.heard[bar] / self._notes_a_bar(self.plan.density) - 1) < _LIKE_ASKED

    def _moved(self, origin: Return) -> list[Event] | None:
        """Events of an earlier bar in the key of this one, or as its sequence; None where the keyboard, or a hand,
        ends before that."""
        then = self.rows[self.lines[origin.bar] + 1 : self.lines[origin.bar + 1]]
        here, there, steps = self.plan.key_at(origin.bar), self.plan.key_at(self.bar), origin.steps
        if here == there and not steps:
            return then
        playable = np.flatnonzero(self.grammar.pitches(-1))
        home = LOWEST + self.plan.key.tonic  # rows hold pitches relative to the tonic of the piece
        pitches = [row[1] + home for row in then]
        if here.minor == there.minor and not steps:
            by = shift_of((there.tonic - here.tonic) % 12)
            pitches = [pitch + by for pitch in pitches]
        else:
            pitches = [moved(pitch, here, there, steps) for pitch in pitches]
        for octave in (0, -12, 12):
            rows = [
                (row[0], pitch - home + octave, row[2], row[3], row[4])
                for row, pitch in zip(then, pitches, strict=True)
            ]
            if all(playable[0] <= row[1] <= playable[-1] for row in rows):
                rows = _in_order(rows)
                return rows if self._playable(rows) else None
        return None

    def _playable(self, rows: list[Event]) -> bool:
        """Whether all notes are in the ranges of their players, and what each hand strikes together lies within a
        tenth; a raised note may move by more than its chord."""
        struck: dict[tuple[int, int], list[int]] = {}
        for where, pitch, _, _, part in rows:
            if part >= 0 and self.parts and not self.ranges[part][pitch]:
                return False
            struck.setdefault((where, part), []).append(pitch)
        return all(part < 0 or max(pitches) - min(pitches) <= HAND for (_, part), pitches in struck.items())

    def take(self, row: Event) -> None:
        if row[0] == BAR_LINE:
            if self.bar + 1 == self.plan.bars:
                self.finished = True
                return
            if self.bar >= 0:
                self._pace()
                self.loops = self._looped()
            self.lines.append(len(self.rows))
            self.bar += 1
            self.in_bar = 0
            self.grammar.bar(self.plan.metre.units)
            self._listen()
        else:
            self.in_bar += 1
            self.grammar.take(row[0], row[1])
        self.rows.append(row)

    def _looped(self) -> bool:
        """Whether the bar that ends here strikes what the one before it struck."""
        if self.bar < 1 or self.plan.theme(self.bar) is not None:
            return False
        last, before = self.rows[self.lines[-1] + 1 :], self.rows[self.lines[-2] + 1 : self.lines[-1]]
        return [row[:2] for row in last] == [row[:2] for row in before]

    def back_to(self, bar: int) -> None:
        """Forget everything from the line of `bar` on."""
        del self.rows[self.lines[bar] :]
        del self.lines[bar:], self.heard[bar:]
        self.bar, self.finished = bar - 1, False
        self.in_bar = 0 if not self.lines else len(self.rows) - self.lines[-1] - 1
        self.grammar.bar(self.plan.metre.units)
        if self.in_bar:
            self.grammar.take(self.rows[-1][0], self.rows[-1][1])


def _in_order(rows: list[Event]) -> list[Event]:
    """Rows from low to high at each place, without one that is struck twice."""
    kept: dict[tuple[int, int], Event] = {}
    for row in rows:
        kept.setdefault((row[0], row[1]), row)
    return sorted(kept.values(), key=lambda row: row[:2])


def _let_turn(piece: Piece, plan: Plan) -> Piece:
    """Where the mode turns nothing is held over the bar line: a major third in minor would sound like a mistake."""
    notes = piece.notes.copy()
    for bar in range(1, plan.bars):
        if plan.home_at(bar) != plan.home_at(bar - 1):
            line = bar * plan.metre.units
            before = notes["start"] < line
            notes["duration"][before] = np.minimum(notes["duration"][before], line - notes["start"][before])
    return replace(piece, notes=notes)


def _let_end(piece: Piece, plan: Plan) -> Piece:
    """The last chord sounds alone and to the end: what was held into it is let go, and its notes end together, a
    moment before the time is up, so that their sound can die away within it."""
    units = plan.metre.units
    last = (plan.bars - 1) * units
    middle = last - units + Drawn(plan, np.random.default_rng(0)).middle()
    notes = piece.notes.copy()
    before = notes["start"] < last
    notes["duration"][before] = np.minimum(notes["duration"][before], last - notes["start"][before])
    outside = (notes["start"] < middle) & ~np.isin((notes["pitch"].astype(int) - plan.key.tonic) % 12, _DOMINANT)
    notes["duration"][outside] = np.minimum(notes["duration"][outside], middle - notes["start"][outside])
    notes["duration"][~before] = max(1, round(units * 0.97))
    return Piece.build(
        notes, piece.bars, piece.key, tempos=piece.tempos, programs=piece.programs, persona=piece.persona
    )
