"""A user's own music as the beginning of a piece: on even bars, accompanied where it is bare, as a prompt of events,
and in the piece as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, reading
from flamingo.composing.filling import fill
from flamingo.composing.instruments import Instrumentation, by_height, within
from flamingo.composing.model import Composer
from flamingo.composing.options import SamplingOptions
from flamingo.composing.parts import part_of_notes
from flamingo.composing.piece import BAR, Metre, Piece
from flamingo.composing.plan import Plan
from flamingo.errors import BadRequest

__all__ = ["accompanied", "arranged", "melody_of", "metre_of", "prompt_of", "with_melody"]

Array = NDArray[Any]


def metre_of(text: str) -> Metre:
    """A time signature that can be composed in. Raises BadRequest."""
    metre = Metre.parse(text)
    if not 24 <= metre.units <= events.PLACES:
        raise BadRequest(f"metre {text!r}", "a bar lasts from one to six quarter notes", "try 4/4, 3/4, 2/4 or 6/8")
    return metre


def melody_of(file: Path, metre: Metre | None, *, hum: bool = False) -> tuple[Piece, tuple[str, ...]]:
    """The user's music on even bars, of `metre` or of the metre that most of its bars have, and what was left out.
    hum: whether it is a recording of one voice."""
    piece, remarks = _without_silence(reading.read(file, line=hum))
    metres = [str(piece.metre(b)) for b in range(len(piece.bars))]
    chosen = metre or Metre.parse(max(sorted(set(metres)), key=metres.count))
    if chosen.units > events.PLACES:
        raise BadRequest(f"metre {chosen}", "such long bars cannot be composed", "give --metre with shorter ones")
    # A first bar that is shorter than the rest is a pickup: it comes at the end of a whole bar.
    pickup = len(piece.bars) > 1 and piece.metre(0).units < piece.metre(1).units
    lead = (chosen.units - piece.metre(0).units) % chosen.units if pickup else 0
    notes = piece.notes.copy()
    notes["start"] += lead
    tempos = piece.tempos.copy()
    tempos["start"][1:] += lead
    count = int(notes["start"].max()) // chosen.units + 1
    bars = np.array([(i * chosen.units, chosen.numerator, chosen.denominator) for i in range(count)], BAR)
    return replace(piece, notes=notes, bars=bars, tempos=tempos), remarks


def _without_silence(piece: Piece) -> tuple[Piece, tuple[str, ...]]:
    """The piece from the bar of its first note on: what is gone on from does not begin with empty bars."""
    starts = piece.bars["start"]
    empty = int(np.searchsorted(starts, int(piece.notes["start"].min()), side="right")) - 1
    if empty < 1:
        return piece, ()
    first = int(starts[empty])
    notes, bars, pedals = piece.notes.copy(), piece.bars[empty:].copy(), piece.pedals[piece.pedals["start"] >= first]
    tempos = piece.tempos[max(0, int(np.searchsorted(piece.tempos["start"], first, side="right")) - 1) :].copy()
    pedals = pedals.copy()
    for moved, fields in ((notes, ("start",)), (bars, ("start",)), (pedals, ("start", "end")), (tempos, ("start",))):
        for name in fields:
            moved[name] = np.maximum(moved[name].astype(np.int64) - first, 0)
    many = "an empty bar before its first note is" if empty == 1 else f"{empty} empty bars before its first note are"
    return replace(piece, notes=notes, bars=bars, pedals=pedals, tempos=tempos), (f"{many} left out",)


def accompanied(
    model: Composer,
    melody: Piece,
    instrumentation: Instrumentation,
    personas: Mapping[str, float],
    seed: Any,
    sampling: SamplingOptions,
) -> tuple[Piece, int]:
    """The user's music dealt out to those who play, with an accompaniment in those bars in which one note sounds at a
    time, and how many these are; none for a line alone, or from a composer that cannot fill in."""
    bare = _bare_bars(melody)
    others = tuple(range(1, len(instrumentation.players)))
    piece = arranged(melody, instrumentation)
    if not bare.any() or not others or not (model.planned and model.parts):
        return piece, 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bare.astype(int), [0]))))
    for first, last in edges.reshape(-1, 2).tolist():
        piece = fill(
            model, piece, first, last, redo=others, personas=personas, seed=(*seed, first), sampling=sampling
        )
    return piece, int(bare.sum())


def arranged(piece: Piece, instrumentation: Instrumentation) -> Piece:
    """A user's music dealt out to those who play: part by part where it has as many parts, else by height; a line
    that is alone in its bar goes to the first, however low it is; and what is out of reach moves by octaves."""
    players = len(instrumentation.players)
    notes = piece.notes.copy()
    if len(piece.programs) == players > 2:
        part = notes["part"]
    elif players == 2 and instrumentation.hands:
        part = np.minimum(part_of_notes(piece), 1)
    else:
        part = by_height(notes, players)
    notes["part"] = np.where(_bare_bars(piece)[piece.bar_of(notes["start"])], 0, part)
    return within(replace(piece, notes=notes, programs=instrumentation.programs), instrumentation.ranges)


def _bare_bars(piece: Piece) -> Array:
    """(bars,) True where notes sound, and never two at once."""
    notes = piece.notes
    start = notes["start"].astype(np.int64)
    # The last moment of a note may lie over the first of the next: a line is played so.
    end = start + np.maximum(notes["duration"].astype(np.int64) * 3 // 4, 1)
    covered = np.maximum.accumulate(np.concatenate(([0], end)))[:-1]
    bar = piece.bar_of(start)
    count = len(piece.bars)
    together = np.bincount(bar, start < covered, count)[:count] > 0
    return (np.bincount(bar, minlength=count)[:count] > 0) & ~together


def prompt_of(melody: Piece, plan: Plan) -> Array:
    """The user's music, dealt out to those who play, as the events that the new piece begins with."""
    return events.relative(events.spell(melody, melody.notes["part"]).events, plan.key.tonic)


def with_melody(piece: Piece, melody: Piece) -> Piece:
    """The user's own notes in place of their spelling, which rounds durations and loudness."""
    begin = int(melody.length)
    mine = melody.notes.copy()
    mine["part"] = mine["part"] if len(piece.programs) > 1 else 0
    mine["shift"] = 0
    continuation = piece.notes[piece.notes["start"] >= begin]
    return Piece.build(
        events.release_before_repeat(np.concatenate((mine, continuation))), piece.bars, piece.key,
        tempos=piece.tempos, programs=piece.programs,
    )  # fmt: skip
