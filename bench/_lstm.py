"""Music as the first systems made it: an LSTM that sees its last 100 events and always takes the likeliest next one.

It is begun with 100 events of a real work, as they were, and what is kept is what comes after. For every event the
network is run over its whole window again, as they did. That it may only choose what can be played (the grammar of
flamingo/composing/events.py) is more help than they had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from _compose_pool import note
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.piece import TEMPO, Metre, Piece
from flamingo.train.composing.loop import CHECKPOINT, load_composer
from flamingo.train.composing.networks import ComposerNet

WINDOW = 100
_MOST_IN_A_BAR = 96  # a bar that never ends is closed, or one piece would take all day


def load(run: Path) -> ComposerNet:
    """The averaged network of a training run, or of a checkpoint file."""
    return load_composer(run / CHECKPOINT if run.is_dir() else run)[0]


@dataclass
class _Going:
    """One piece as it grows: the window that was given, and what came after its last bar line."""

    seed: Piece
    key_tonic: int
    metre: Metre
    rows: list[list[int]]
    grammar: events.Grammar
    made: list[list[int]] = field(default_factory=list)
    bars: int = 0
    in_bar: int = 0


def _begin(piece: Piece) -> _Going | None:
    """The first 100 events of a piece and on to the end of their bar; None for a piece that is shorter, or whose
    metre changes there."""
    spelled = events.spell(piece)
    rows = events.relative(spelled.events, piece.key.tonic)
    lines = np.flatnonzero(rows[:, 0] == events.BAR_LINE)
    after = lines[lines >= WINDOW]
    if not len(after):
        return None
    bar = int(np.searchsorted(lines, after[0]))
    _, numerator, denominator = spelled.bars[bar].tolist()
    metre = Metre(numerator, denominator)
    # The line that begins the first new bar is given, so that it knows where it is.
    given = rows[: after[0] + 1].tolist()
    return _Going(piece, piece.key.tonic, metre, given, events.Grammar(metre.units, tonic=piece.key.tonic))


@torch.inference_mode()
def compose(net: ComposerNet, seeds: Sequence[Piece], bars: int, *, most: int = 12) -> list[Piece]:
    """`bars` bars after the beginnings of up to `most` pieces, all at once; in their keys, metres and tempos."""
    going = [one for one in map(_begin, seeds) if one is not None][:most]
    for one in going:
        one.made.append([events.BAR_LINE, -1, -1, -1])
        one.bars = 1
    left = list(going)
    steps = 0
    while left:
        window = torch.tensor([one.rows[-WINDOW:] for one in left])
        state = net.states(window, None)[:, -1]
        for one, row in zip(left, _likeliest(net, state, left), strict=True):
            _take(one, row)
        left = [one for one in left if one.bars <= bars]
        steps += 1
        if steps % 100 == 0:
            note(f"LSTM: {steps} events, {len(left)} of {len(going)} pieces going on")
    return [_piece(one, bars) for one in going]


def _likeliest(net: ComposerNet, state: torch.Tensor, going: Sequence[_Going]) -> list[list[int]]:
    """The next event of each: where, then pitch, duration and velocity under what is chosen before."""
    where = _argmax(net.to_where(state), [_wheres(one) for one in going])
    state = state + net.where(where)
    line = where == events.BAR_LINE
    pitches = [one.grammar.pitches(int(w)) for one, w in zip(going, where, strict=True)]
    pitch = _argmax(net.to_pitch(state), pitches)
    state = state + net.pitch(pitch) + net.octaveless((pitch + events.LOWEST) % 12)
    duration = net.to_duration(state).argmax(-1)
    velocity = net.to_velocity(state + net.duration(duration)).argmax(-1)
    rows = torch.stack((where, pitch, duration, velocity), 1)
    rows[line, 1:] = -1
    return [list(map(int, row)) for row in rows.tolist()]


def _argmax(logits: torch.Tensor, masks: Sequence[NDArray[np.bool_]]) -> torch.Tensor:
    allowed = torch.from_numpy(np.stack(masks))
    return logits.masked_fill(~allowed, -torch.inf).argmax(-1)


def _wheres(one: _Going) -> NDArray[np.bool_]:
    if one.in_bar < _MOST_IN_A_BAR:
        return one.grammar.wheres()
    only = np.zeros(events.WHERES, bool)
    only[events.BAR_LINE] = True
    return only


def _take(one: _Going, row: list[int]) -> None:
    one.rows.append(row)
    if row[0] == events.BAR_LINE:
        one.bars += 1
        one.in_bar = 0
        one.grammar.bar(one.metre.units)
    else:
        one.in_bar += 1
        one.grammar.take(row[0], row[1])
    one.made.append(row)


def _piece(one: _Going, bars: int) -> Piece:
    lines = [i for i, row in enumerate(one.made) if row[0] == events.BAR_LINE]
    rows = np.array(one.made[: lines[bars]], np.int16)
    tempos = np.array([(0, one.seed.bpm)], TEMPO)
    return events.unspell(rows, [one.metre] * bars, one.seed.key, tempos=tempos)
