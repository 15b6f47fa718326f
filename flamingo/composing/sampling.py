"""From a plan to notes: events drawn one after the other, inside the grammar, several pieces at once.

Each number of an event is drawn from the network's distribution, cut to what can be played (see events.py) and
sharpened: temperature, top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024), and classifier-free guidance towards
what was asked (Ho and Salimans 2022). The last two bars are a planned cadence: the second half of the bar
before the last stands on the dominant, the last bar is one long chord on the tonic. What the network chooses there is
drawn again until a cadence detector accepts it. And a piece that has strayed from its key is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.events import BAR_LINE, DURATIONS, LOWEST, PARTS, PITCHES
from flamingo.composing.generation import Drawn
from flamingo.composing.key_estimation import ending, keeps_key
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Cache, Composer, one_thread
from flamingo.composing.options import SamplingOptions
from flamingo.composing.plan import Plan
from flamingo.errors import FlamingoError

__all__ = ["Drawn", "choose", "draw", "mask_of"]

Array = NDArray[Any]

_TRIES = 12
_KEY_TRIES = 5
_MOOD_TRIES = 2
_AWAY_TRIES = 3  # after which a piece that has lost its key stays at home
_CLEARLY = 0.08  # how much better, in correlation, a piece must fit its own key than any other
# The temperature of pitches, beside that of other numbers, once a bar has been played twice running: without it a
# sure network plays it for ever. Otherwise pitches are as daring as the rest (docs/LAB.md, 60).
_LOOPING = 1.35
_UNLIKE = 0.3  # how far the valence heard may be from what was asked
_DURATIONS = np.array(DURATIONS)


def draw(
    model: Composer,
    plans: Sequence[Plan],
    seeds: Sequence[Any],
    sampling: SamplingOptions,
    *,
    prompts: Sequence[Array] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Drawn]:
    """Draw a piece for every plan, all at once. seeds: what numpy.random.default_rng takes, one a piece; a piece's
    draws depend on its own seed alone, whatever company it is drawn in. prompts: relative events that pieces begin
    with, bar lines included. A piece that a key finder takes to be in another key than its own is drawn again, up to
    five times, the last two without going to other keys (where the mode turns, each part of one mode is looked at for
    itself), one that is much more or less
    pleasant than was asked up to twice; what a user gave keeps whatever key it is in. on_progress: called as (bars
    done, bars in all)."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    pieces = [
        Drawn(plan, random, scale=model.scale, parts=len(plan.instrumentation.players) if model.parts else 0)
        for plan, random in zip(plans, generators, strict=True)
    ]
    for piece, prompt in zip(pieces, prompts or [], strict=False):
        for where, pitch, duration, velocity, part in prompt.tolist():
            piece.take((where, pitch, duration, velocity, part))
            piece.prompted += pitch >= 0
    with one_thread():
        _run(model, pieces, sampling, on_progress)
        for piece in pieces:
            _accept(model, piece, sampling)
        astray = [i for i, piece in enumerate(pieces) if not piece.prompted]
        for attempt in range(_KEY_TRIES):
            astray = [i for i in astray if _astray(pieces[i], attempt)]  # what was not astray once never is
            if not astray:
                break
            again = [_afresh(pieces[i], model, attempt) for i in astray]
            _run(model, again, sampling, None)
            for i, piece in zip(astray, again, strict=True):
                _accept(model, piece, sampling)
                redraws = pieces[i].redraws + 1
                pieces[i] = min(pieces[i], piece, key=_worth)
                pieces[i].redraws = redraws
    return pieces


def _afresh(piece: Drawn, model: Composer, attempt: int) -> Drawn:
    plan = piece.plan if attempt < _AWAY_TRIES else replace(piece.plan, away=())
    return Drawn(plan, piece.random, scale=model.scale, parts=piece.parts)


def _astray(piece: Drawn, attempt: int) -> bool:
    return _keeps_keys(piece) <= _CLEARLY or (attempt < _MOOD_TRIES and piece.unlike() > _UNLIKE)


def _worth(piece: Drawn) -> tuple[bool, float]:
    """Less is better: a piece in its own key above all, then one in its mood; or the one that keeps its key best."""
    keeps = _keeps_keys(piece)
    return keeps <= _CLEARLY, piece.unlike() if keeps > _CLEARLY else -keeps


def _keeps_keys(piece: Drawn) -> float:
    """How well the part of a piece that keeps its key worst keeps it: see `keeps_key`."""
    return min(keeps_key(part) for part in piece.excerpts())


def _accept(model: Composer, piece: Drawn, sampling: SamplingOptions) -> None:
    """Draw the last two bars again until they are a cadence."""
    while not ending(piece.piece(), line=piece.most == 1).cadence:
        if piece.retries == _TRIES:
            _write_cadence(piece)
            return
        piece.retries += 1
        piece.back_to(max(0, piece.plan.bars - 2))
        _run(model, [piece], sampling, None)


def _write_cadence(piece: Drawn) -> None:
    """The plainest end there is, dominant seventh and tonic, for the rare piece that will not find its own."""
    piece.back_to(max(0, piece.plan.bars - 2))
    units = piece.plan.metre.units
    loud = int(np.median([row[3] for row in piece.rows if row[3] >= 0] or [7]))
    third = 3 if piece.plan.key.minor else 4
    half, players = piece.middle(), piece.players
    if piece.lines_alone:
        up = range(len(players) - 1, -1, -1)
        dominant = list(zip(up, (7, 11, 2, 5), strict=False))
        tonic = list(zip(up, (0, third, 7, 0), strict=False))
    else:
        left, right = len(players) - 1, len(players) - 2
        dominant = [(left, 7), (left, 5), (right, 11), (right, 2)]
        tonic = [(left, 0), (left, 0), (right, third), (right, 7)]
        tonic += [(line, 0) for line in range(len(players) - 3, -1, -1)]
    before_last = [(half, units - half, dominant)]
    if len(dominant) == 1:  # a line alone goes from the dominant to the note that leads
        middle = half + (units - half) // 2
        before_last = [(half, middle - half, dominant), (middle, units - middle, [(0, 11)])]
    for chords in (before_last, [(0, units, tonic)]):
        piece.take((BAR_LINE, -1, -1, -1, -1))
        for begin, length, chord in chords:
            duration = int(np.abs(_DURATIONS - length).argmin())
            lowest = 0
            for part, above in chord:
                classes = np.flatnonzero(piece.ranges[part] & ((np.arange(PITCHES) + LOWEST) % 12 == above))
                classes = classes[classes >= max(lowest, _bottom(piece, part, above))]
                if len(classes):
                    piece.take((begin, int(classes[0]), duration, loud, part))
                    lowest = int(classes[0]) + 1
    piece.take((BAR_LINE, -1, -1, -1, -1))


def _bottom(piece: Drawn, part: int, above: int) -> int:
    """From which relative pitch on a part has its note of a written cadence: a pianist's bass lies between the second
    and the third C of the keyboard."""
    if piece.players[part].line:
        return 0
    left = part == len(piece.players) - 1
    midi = (43 if above == 7 else 36) if left else 59
    return midi - LOWEST


def _run(
    model: Composer, pieces: list[Drawn], sampling: SamplingOptions, on_progress: Callable[[int, int], None] | None
) -> None:
    going = [p for p in pieces if not p.finished]
    looping = replace(sampling, temperature=sampling.temperature * _LOOPING)
    everything = sum(p.plan.bars for p in pieces)
    conditions_by_piece = {id(p): _Conditions(model, p.plan) for p in going}
    streams = _streams(model, sampling)
    cache, state = _restart(model, going, conditions_by_piece, streams)
    while going:
        b = len(going)
        chosen = np.full((b, len(NUMBERS_OF_A_NOTE)), -1, np.int64)
        sounding = np.ones(b, bool)
        recalled = [p.recalled() for p in going]
        shifts = [p.shift for p in going]
        for name in model.order:
            column = NUMBERS_OF_A_NOTE.index(name)
            logits = dict(zip(streams, model.logits(name, state).reshape(len(streams), b, -1), strict=True))
            told = logits["plain" if name == "part" and "plain" in streams else "told"]
            masks = [mask_of(p, name, chosen[i]) if sounding[i] else None for i, p in enumerate(going)]
            for i, piece in enumerate(going):
                mask, again = masks[i], recalled[i]
                if again is not None:
                    chosen[i, column] = again[column] - (shifts[i] if name == "pitch" and again[1] >= 0 else 0)
                if mask is None or again is not None:
                    continue
                lean = piece.lean(name, int(chosen[i, 0]))
                if name == "pitch":
                    mask, lean = _seen_from(mask, shifts[i]), _seen_from(np.asarray(lean), shifts[i])
                drawing = looping if name == "pitch" and piece.loops else sampling
                untold = logits["untold"][i] if "untold" in streams else None
                chosen[i, column] = choose(told[i], mask, piece.random, drawing, lean, untold)
            if name == "where":
                sounding = chosen[:, 0] != BAR_LINE
            if name != model.order[-1]:
                every = np.tile(chosen[:, column], len(streams))
                added = model.add(state, name, np.maximum(every, 0))
                state = np.where(np.tile(sounding, len(streams))[:, None], added, state)
        finished = []
        for i, piece in enumerate(going):
            bar = piece.bar
            piece.returned += recalled[i] is not None and chosen[i, 1] >= 0
            where, pitch, duration, velocity, part = chosen[i].tolist()
            piece.take((where, pitch + shifts[i] if pitch >= 0 else pitch, duration, velocity, part))
            if piece.finished:
                finished.append(i)
            elif piece.bar != bar and on_progress:
                on_progress(sum(p.bar + 1 for p in pieces), everything)
        if finished:
            stay = [i for i in range(b) if i not in finished]
            going = [going[i] for i in stay]
            shifts = [shifts[i] for i in stay]
            chosen = chosen[stay]
            cache.keep([stream * b + i for stream in range(len(streams)) for i in stay])
            if not going:
                break
        if cache.length >= model.context:
            cache, state = _restart(model, going, conditions_by_piece, streams)
            continue
        for i, piece in enumerate(going):
            if piece.shift != shifts[i]:
                places = [stream * len(going) + i for stream in range(len(streams))]
                cache.put(places, _heard(model, [piece], conditions_by_piece, streams, cache.length, before=1)[0])
        rows = np.tile(chosen, (len(streams), 1))[:, None]
        conditions = np.stack(
            [conditions_by_piece[id(p)].bar(p.bar, p.bar, stream) for stream in streams for p in going]
        )[:, None]
        state = model.forward(model.embed(rows) + conditions, cache)[:, 0]


Stream = Literal["told", "plain", "untold"]
"""One of the networks, so to speak, that listen side by side: it is told persona, mood and mode with emphasis; as it
was in training; or without persona and mood and in the other mode, which guidance leads away from."""


def _streams(model: Composer, sampling: SamplingOptions) -> tuple[Stream, ...]:
    """The streams that are listened to. Parts are dealt out by the plain one: emphasis on the persona loses the left
    hand (docs/LAB.md, 58)."""
    streams: list[Stream] = ["told"]
    if model.parts:
        streams.append("plain")
    if sampling.guidance != 1:
        streams.append("untold")
    return tuple(streams)


class _Conditions:
    """The conditions of a plan's bars as vectors, made when first needed."""

    def __init__(self, model: Composer, plan: Plan) -> None:
        self.model, self.plan = model, plan
        self._vectors: dict[tuple[int, bool, Stream], Array] = {}

    def bar(self, bar: int, now: int, stream: Stream) -> Array:
        """Of one bar, as it is told while bar `now` is drawn: an excerpt has one mode, as in training."""
        minor = self.plan.key_at(max(now, 0)).minor
        vector = self._vectors.get((bar, minor, stream))
        if vector is None:
            condition = self.plan.conditions(max(bar, 0), minor)
            if stream == "untold":
                condition = replace(condition, personas={}, valence=None, arousal=None, minor=not condition.minor)
            vector = self.model.condition_vector(condition, plain=stream == "plain")
            self._vectors[bar, minor, stream] = vector
        return vector


def _restart(
    model: Composer,
    going: list[Drawn],
    conditions_by_piece: dict[int, _Conditions],
    streams: Sequence[Stream],
) -> tuple[Cache, Array]:
    """A fresh cache that has heard the last half context of every piece, and the state after it. All pieces must be
    equally far for their rows to stand side by side; where they are not, the shorter ones hear less."""
    for piece in going:
        if not piece.rows:
            piece.take((BAR_LINE, -1, -1, -1, -1))
    if not going:
        return Cache(model, 0), np.zeros((0, model.width), np.float32)
    length = min([model.context // 2, *(len(p.rows) for p in going)])
    return _heard(model, going, conditions_by_piece, streams, length)


def _heard(
    model: Composer,
    going: list[Drawn],
    conditions_by_piece: dict[int, _Conditions],
    streams: Sequence[Stream],
    length: int,
    before: int = 0,
) -> tuple[Cache, Array]:
    """A fresh cache that has heard `length` events of every piece, in the key that each is in now, one row for each
    piece of each stream, and the state after them. before: last events that are left out."""
    cache = Cache(model, len(streams) * len(going))
    rows, conditions = [], []
    for stream in streams:
        for piece in going:
            end = len(piece.rows) - before
            heard = piece.events[end - length : end].astype(np.int64)
            # The bar of an event is the number of lines up to it.
            bars = np.searchsorted(piece.lines, np.arange(end - length, end), side="right") - 1
            rows.append(_transposed(heard, -piece.shift))
            conditions.append(
                np.stack([conditions_by_piece[id(piece)].bar(int(bar), piece.bar, stream) for bar in bars])
            )
    x = model.embed(np.stack(rows)) + np.stack(conditions)
    return cache, model.forward(x, cache)[:, -1]


def _transposed(rows: Array, by: int) -> Array:
    """(n, 5) relative events with their pitches so many semitones higher; what leaves the range comes in again by an
    octave."""
    pitch = rows[:, 1] + by
    pitch = np.where(pitch < 0, pitch + 12, np.where(pitch >= PITCHES, pitch - 12, pitch))
    transposed = rows.copy()
    transposed[:, 1] = np.where(rows[:, 1] < 0, -1, pitch)
    return transposed


def _seen_from(values: Array, shift: int) -> Array:
    """(PITCHES,) values of pitches relative to the tonic of a piece, as values of pitches relative to a key that lies
    so many semitones above it; zero, or False, beyond the range."""
    if not shift or not values.ndim:
        return values
    shifted = np.zeros_like(values)
    if shift > 0:
        shifted[:-shift] = values[shift:]
    else:
        shifted[-shift:] = values[:shift]
    return shifted


def mask_of(piece: Drawn, name: str, chosen: Array) -> Array:
    if name == "where":
        return piece.wheres()
    if name == "part":
        allowed = np.zeros(PARTS, bool)
        allowed[: piece.parts] = piece.which_parts(int(chosen[0]))
        return allowed
    if name == "pitch":
        return piece.pitches(int(chosen[0]), int(chosen[4]) if piece.parts else -1)
    if name == "duration":
        return piece.durations()
    return piece.velocities()


def choose(
    told: Array,
    mask: Array,
    random: np.random.Generator,
    sampling: SamplingOptions,
    lean: Array | float = 0.0,
    untold: Array | None = None,
) -> int:
    """A choice among what a mask allows.

    Args:
        told: (n,) logits.
        mask: (n,) bool, at least one True.
        random: the dice, thrown once.
        sampling: how daring it is.
        lean: nats added to each.
        untold: (n,) logits without what was told, which guidance leads away from.
    """
    where = np.flatnonzero(mask)
    if not len(where):
        raise FlamingoError("composing", "nothing can follow", "this is a fault in Flamingo: report the command")
    mixed = _log_softmax(told[where])
    if untold is not None:
        without = _log_softmax(untold[where])
        mixed = without + sampling.guidance * (mixed - without)
    mixed = mixed + (lean[where] if isinstance(lean, np.ndarray) else lean)
    uniform = random.random()
    if sampling.temperature <= 0:
        return int(where[int(mixed.argmax())])
    p = np.exp((mixed - mixed.max()) / sampling.temperature)
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    probabilities = p[order]
    inside = np.cumsum(probabilities) - probabilities < sampling.top_p
    inside &= probabilities >= sampling.min_p * probabilities[0]
    probabilities = np.where(inside, probabilities, 0)
    total = np.cumsum(probabilities / probabilities.sum())
    return int(where[int(order[min(int(np.searchsorted(total, uniform, side="right")), int(inside.sum()) - 1)])])


def _log_softmax(x: Array) -> Array:
    x = x.astype(np.float64)
    top = float(x.max())
    return np.asarray(x - (top + float(np.log(np.exp(x - top).sum()))))
