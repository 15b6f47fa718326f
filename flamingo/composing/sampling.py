"""From a plan to notes: events drawn one after the other, inside the grammar, several pieces at once.

Each number of an event is drawn from the network's distribution, cut to what can be played (see events.py) and
sharpened: temperature, top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024), and classifier-free guidance towards
what was asked (Ho and Salimans 2022). The last two bars are a planned cadence: the second half of the bar
before the last stands on the dominant, the last bar is one long chord on the tonic. What the network chooses there is
drawn again until a cadence detector accepts it. And a piece that has strayed from its key is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import (
    BAR_LINE,
    DURATIONS,
    LOWEST,
    PITCHES,
    VELOCITIES,
    WHERES,
    Grammar,
    shift_of,
    unspell,
)
from flamingo.composing.model import CONTEXT, Cache, Composer, one_thread
from flamingo.composing.piece import Piece
from flamingo.composing.plan import Plan
from flamingo.composing.tonality import ending, keeps_key, profile
from flamingo.errors import FlamingoError

Array = NDArray[Any]

NAMES = ("where", "pitch", "duration", "velocity")
_MOST_IN_A_BAR = 144  # events; more is a machine gone wild
_TRIES = 12
_KEY_TRIES = 5
_DOMINANT = (2, 5, 7, 11)
_DURATIONS = np.array(DURATIONS)
# How much, in nats for one spread of the profile, pitches of the key are preferred, so that a piece stays in the key
# that was asked for: without it a third of the minor pieces came out in major (bench/compose.py --only length).
_KEY = 0.25
_MIDDLE = 54  # MIDI pitch below which the bass of a cadence lies


@dataclass(frozen=True)
class Dice:
    """How events are drawn. temperature > 0 (0 takes the likeliest); guidance 1 is none."""

    temperature: float = 1.0
    top_p: float = 0.99
    min_p: float = 0.005
    guidance: float = 1.5


@dataclass
class Drawn:
    """One piece as it grows. told: nats of the drawn events under what was told; untold: without persona and mood,
    and in the other mode; given: notes that were not drawn but given."""

    plan: Plan
    random: np.random.Generator
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    told: float = 0.0
    untold: float = 0.0
    bar: int = -1
    in_bar: int = 0
    lines: list[int] = field(default_factory=list)
    nats_at: list[tuple[float, float]] = field(default_factory=list)
    mark: tuple[float, float] = (0.0, 0.0)  # the nats before the event that is being drawn
    retries: int = 0
    given: int = 0
    redraws: int = 0
    grammar: Grammar = field(init=False)
    lean: Array = field(init=False)
    done: bool = False

    def __post_init__(self) -> None:
        self.grammar = Grammar(self.plan.metre.units, tonic=self.plan.key.tonic)
        self.lean = _KEY * profile(self.plan.key.minor)[(np.arange(PITCHES) + LOWEST) % 12]

    @property
    def events(self) -> Array:
        return np.array(self.rows, np.int16).reshape(-1, 4)

    @property
    def notes(self) -> int:
        """Notes drawn."""
        return sum(row[1] >= 0 for row in self.rows) - self.given

    def piece(self) -> Piece:
        plan = self.plan
        made = unspell(self.events, [plan.metre] * plan.bars, plan.key, tempos=plan.tempos)
        return _let_end(made, plan)

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
            allowed = self.grammar.wheres(line=self.in_bar >= 3)
            allowed[1:units] = False
            if self.in_bar >= 7 or not allowed[0]:
                allowed[:] = False
                allowed[BAR_LINE] = True
            return allowed
        # Silence is music, but two silent bars running are a network that has lost its way.
        quiet = self.in_bar == 0 and (self.bar == 0 or self.lines[-1] - self.lines[-2] == 1)
        allowed = self.grammar.wheres(line=not quiet)
        if left == 2 and self._half_empty():
            # The dominant must come at the middle of this bar, or where there is still room for it.
            middle = self._middle()
            allowed[middle + 1 :] = False
            if self.grammar.place == middle:  # cannot be: then the half would not be empty
                allowed[BAR_LINE] = True
        if full:
            only = np.zeros(WHERES, bool)
            only[self._middle() if left == 2 and self._half_empty() else BAR_LINE] = True
            return only
        return allowed

    def pitches(self, where: int) -> Array:
        allowed = self.grammar.pitches(where)
        classes = (np.arange(PITCHES) + LOWEST) % 12
        left = self.plan.bars - self.bar
        midi = np.arange(PITCHES) + LOWEST + shift_of(self.plan.key.tonic)
        before = allowed
        if left == 1:
            third = 3 if self.plan.key.minor else 4
            allowed = allowed & np.isin(classes, (0, third, 7))
            if self.in_bar == 0:
                allowed &= (classes == 0) & (midi < _MIDDLE)
            elif self.in_bar >= 2 and not self._has_third(third):
                allowed = allowed & (classes == third) if np.any(allowed & (classes == third)) else allowed
        elif left == 2 and where >= self._middle():
            allowed = allowed & np.isin(classes, _DOMINANT)
            if self._half_empty():
                allowed &= (classes == 7) & (midi < _MIDDLE + 5)
        return allowed if allowed.any() else before

    def _has_third(self, third: int) -> bool:
        return any(row[1] >= 0 and (row[1] + LOWEST) % 12 == third for row in self.rows[-self.in_bar :])

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

    def _middle(self) -> int:
        units, beat = self.plan.metre.units, self.plan.metre.beat
        beats = units // beat
        return int(beat * (beats - beats // 2)) if beats > 1 else 0

    def _half_empty(self) -> bool:
        middle = self._middle()
        return not any(row[1] >= 0 and row[0] >= middle for row in self.rows[len(self.rows) - self.in_bar :])

    # ------------------------------------------------------------------ what came
    def take(self, row: tuple[int, int, int, int]) -> None:
        if row[0] == BAR_LINE:
            if self.bar + 1 == self.plan.bars:
                self.done = True
                return
            self.lines.append(len(self.rows))
            self.nats_at.append(self.mark)
            self.bar += 1
            self.in_bar = 0
            self.grammar.bar(self.plan.metre.units)
        else:
            self.in_bar += 1
            self.grammar.take(row[0], row[1])
        self.rows.append(row)

    def back_to(self, bar: int) -> None:
        """Forget everything from the line of `bar` on."""
        self.told, self.untold = self.nats_at[bar]
        del self.rows[self.lines[bar] :]
        del self.lines[bar:], self.nats_at[bar:]
        self.bar, self.done = bar - 1, False
        self.in_bar = 0 if not self.lines else len(self.rows) - self.lines[-1] - 1
        self.grammar.bar(self.plan.metre.units)
        if self.in_bar:
            self.grammar.take(self.rows[-1][0], self.rows[-1][1])


def _let_end(piece: Piece, plan: Plan) -> Piece:
    """The last chord sounds alone and to the end: what was held into it is let go, and its notes end together, a
    moment before the time is up, so that their sound can die away within it."""
    units = plan.metre.units
    last = (plan.bars - 1) * units
    middle = last - units + Drawn(plan, np.random.default_rng(0))._middle()
    notes = piece.notes.copy()
    before = notes["start"] < last
    notes["duration"][before] = np.minimum(notes["duration"][before], last - notes["start"][before])
    outside = (notes["start"] < middle) & ~np.isin((notes["pitch"].astype(int) - plan.key.tonic) % 12, _DOMINANT)
    notes["duration"][outside] = np.minimum(notes["duration"][outside], middle - notes["start"][outside])
    notes["duration"][~before] = max(1, round(units * 0.97))
    return Piece.build(
        notes, piece.bars, piece.key, tempos=piece.tempos, programs=piece.programs, persona=piece.persona
    )


def draw(
    model: Composer,
    plans: Sequence[Plan],
    seeds: Sequence[Any],
    dice: Dice,
    *,
    prompts: Sequence[Array] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Drawn]:
    """Draw a piece for every plan, all at once. seeds: what numpy.random.default_rng takes, one a piece; a piece's
    draws depend on its own seed alone, whatever company it is drawn in. prompts: relative events that pieces begin
    with, bar lines included. A piece that a key finder takes to be in another key than its own is drawn again, up to
    five times; what a user gave keeps whatever key it is in. on_progress: called as (bars done, bars in all)."""
    pieces = [Drawn(plan, np.random.default_rng(seed)) for plan, seed in zip(plans, seeds, strict=True)]
    for piece, prompt in zip(pieces, prompts or [], strict=False):
        for where, pitch, duration, velocity in prompt.tolist():
            piece.take((where, pitch, duration, velocity))
            piece.given += pitch >= 0
    with one_thread():
        _run(model, pieces, dice, on_progress)
        for piece in pieces:
            _accept(model, piece, dice)
        for _ in range(_KEY_TRIES):
            astray = [i for i, piece in enumerate(pieces) if not piece.given and keeps_key(piece.piece()) <= 0]
            again = [Drawn(pieces[i].plan, pieces[i].random) for i in astray]
            _run(model, again, dice, None)
            for i, piece in zip(astray, again, strict=True):
                _accept(model, piece, dice)
                piece.redraws = pieces[i].redraws + 1
                if keeps_key(piece.piece()) > keeps_key(pieces[i].piece()):
                    pieces[i] = piece
                else:
                    pieces[i].redraws += 1
    return pieces


def _accept(model: Composer, piece: Drawn, dice: Dice) -> None:
    """Draw the last two bars again until they are a cadence."""
    while not ending(piece.piece()).cadence:
        if piece.retries == _TRIES:
            _write_cadence(piece)
            return
        piece.retries += 1
        piece.back_to(max(0, piece.plan.bars - 2))
        _run(model, [piece], dice, None)


def _write_cadence(piece: Drawn) -> None:
    """The plainest end there is, dominant seventh and tonic, for the rare piece that will not find its own."""
    piece.back_to(max(0, piece.plan.bars - 2))
    units, tonic = piece.plan.metre.units, piece.plan.key.tonic
    loud = int(np.median([row[3] for row in piece.rows if row[3] >= 0] or [7]))
    shift = LOWEST + shift_of(tonic)
    third = 3 if piece.plan.key.minor else 4
    half = piece._middle()
    for begin, length, chord in ((half, units - half, (43, 53, 59, 62)), (0, units, (36, 48, 48 + third + 12, 67))):
        piece.take((BAR_LINE, -1, -1, -1))
        duration = int(np.abs(_DURATIONS - length).argmin())
        for pitch in chord:
            piece.take((begin, pitch + shift_of(tonic) - shift, duration, loud))
    piece.take((BAR_LINE, -1, -1, -1))


def _run(model: Composer, pieces: list[Drawn], dice: Dice, on_progress: Callable[[int, int], None] | None) -> None:
    going = [p for p in pieces if not p.done]
    everything = sum(p.plan.bars for p in pieces)
    told = {id(p): _Told(model, p.plan) for p in going}
    cache, state = _restart(model, going, told)
    while going:
        b = len(going)
        chosen = np.full((b, 4), -1, np.int64)
        for piece in going:
            piece.mark = (piece.told, piece.untold)
        asked = np.ones(b, bool)
        logits = model.logits("where", state)
        for column, name in enumerate(NAMES):
            if column:
                logits = model.logits(name, state)
            masks = [_mask(p, name, chosen[i]) if asked[i] else None for i, p in enumerate(going)]
            for i, piece in enumerate(going):
                mask = masks[i]
                if mask is None:
                    continue
                lean = piece.lean if name == "pitch" else 0.0
                choice, with_told, without = _choose(logits[i], logits[b + i], mask, piece.random, dice, lean)
                chosen[i, column] = choice
                piece.told += with_told
                piece.untold += without
            if column == 0:
                asked = chosen[:, 0] != BAR_LINE
            if column < 3:
                both = np.concatenate((chosen[:, column], chosen[:, column]))
                added = model.add(state, name, np.maximum(both, 0))
                state = np.where(np.concatenate((asked, asked))[:, None], added, state)
        finished = []
        for i, piece in enumerate(going):
            bar = piece.bar
            piece.take(tuple(int(x) for x in chosen[i]))  # type: ignore[arg-type]
            if piece.done:
                finished.append(i)
            elif piece.bar != bar and on_progress:
                on_progress(sum(p.bar + 1 for p in pieces), everything)
        if finished:
            stay = [i for i in range(b) if i not in finished]
            going = [going[i] for i in stay]
            chosen = chosen[stay]
            cache.keep([*stay, *(b + i for i in stay)])
            if not going:
                break
        if cache.length >= CONTEXT:
            cache, state = _restart(model, going, told)
            continue
        rows = np.concatenate((chosen, chosen))[:, None]
        conditions = np.stack([told[id(p)].bar(p.bar, bare) for bare in (False, True) for p in going])[:, None]
        state = model.forward(model.embed(rows) + conditions, cache)[:, 0]


class _Told:
    """The conditions of a plan's bars as vectors, made when first needed."""

    def __init__(self, model: Composer, plan: Plan) -> None:
        self.model, self.plan = model, plan
        self.made: dict[tuple[int, bool], Array] = {}

    def bar(self, bar: int, bare: bool) -> Array:
        """Of one bar; `bare`: without persona and mood and in the other mode: what guidance leads away from."""
        found = self.made.get((bar, bare))
        if found is None:
            told = self.plan.told(max(bar, 0))
            if bare:
                told = replace(told, personas={}, valence=None, arousal=None, minor=not told.minor)
            found = self.made[bar, bare] = self.model.told(told)
        return found


def _restart(model: Composer, going: list[Drawn], told: dict[int, _Told]) -> tuple[Cache, Array]:
    """A fresh cache that has heard the last half context of every piece, and the state after it. All pieces must be
    equally far for their rows to stand side by side; where they are not, the shorter ones hear less."""
    cache = Cache(model, 2 * len(going))
    for piece in going:
        if not piece.rows:
            piece.take((BAR_LINE, -1, -1, -1))
    length = min([CONTEXT // 2, *(len(p.rows) for p in going)])
    if not going:
        return cache, np.zeros((0, model.width), np.float32)
    rows, conditions = [], []
    for bare in (False, True):
        for piece in going:
            tail = piece.events[-length:]
            # The bar of an event is the number of lines up to it.
            bars = (
                np.searchsorted(piece.lines, np.arange(len(piece.rows) - length, len(piece.rows)), side="right") - 1
            )
            rows.append(tail)
            conditions.append(np.stack([told[id(piece)].bar(int(bar), bare) for bar in bars]))
    x = model.embed(np.stack(rows)) + np.stack(conditions)
    return cache, model.forward(x, cache)[:, -1]


def _mask(piece: Drawn, name: str, chosen: Array) -> Array:
    if name == "where":
        return piece.wheres()
    if name == "pitch":
        return piece.pitches(int(chosen[0]))
    if name == "duration":
        return piece.durations()
    return piece.velocities()


def _choose(
    told: Array, untold: Array, mask: Array, random: np.random.Generator, dice: Dice, lean: Array | float = 0.0
) -> tuple[int, float, float]:
    """A choice among what the mask allows, and its nats with and without what was told (before any sharpening)."""
    where = np.flatnonzero(mask)
    if not len(where):
        raise FlamingoError("composing", "nothing can follow", "this is a fault in Flamingo: report the command")
    a, b = told[where].astype(np.float64), untold[where].astype(np.float64)
    a, b = a - _logsumexp(a), b - _logsumexp(b)
    mixed = b + dice.guidance * (a - b) + (lean[where] if isinstance(lean, np.ndarray) else lean)
    uniform = random.random()
    if dice.temperature <= 0:
        pick = int(mixed.argmax())
    else:
        p = np.exp((mixed - mixed.max()) / dice.temperature)
        p /= p.sum()
        order = np.argsort(-p, kind="stable")
        kept = p[order]
        inside = np.cumsum(kept) - kept < dice.top_p
        inside &= kept >= dice.min_p * kept[0]
        kept = np.where(inside, kept, 0)
        total = np.cumsum(kept / kept.sum())
        pick = int(order[min(int(np.searchsorted(total, uniform, side="right")), int(inside.sum()) - 1)])
    return int(where[pick]), -float(a[pick]), -float(b[pick])


def _logsumexp(x: Array) -> float:
    top = float(x.max())
    return top + float(np.log(np.exp(x - top).sum()))
