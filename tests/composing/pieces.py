"""Small pieces for the tests: built in one line, and drawn at random for the properties that all pieces share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from flamingo.composing.piece import BAR, NOTE, PEDAL, TEMPO, Key, Metre, Piece


def note(
    start: int, duration: int, pitch: int, velocity: int = 80, part: int = 0, shift: float = 0.0
) -> tuple[float, ...]:
    """A note in the order of NOTE; start and duration in units, 24 to a quarter."""
    return start, duration, pitch, velocity, part, shift


def piece(
    notes: Sequence[tuple[float, ...]] = (),
    *,
    bars: int = 2,
    metre: str = "4/4",
    metres: Sequence[str] | None = None,
    key: str = "C major",
    bpm: float | None = None,
    tempos: Sequence[tuple[int, float]] = (),
    pedals: Sequence[tuple[int, int]] = (),
    **more: Any,
) -> Piece:
    """A piece with these notes. `metres` names that of every bar, else there are `bars` bars of `metre`."""
    lengths = [Metre.parse(text) for text in (metres or [metre] * bars)]
    starts = np.cumsum([0, *(length.units for length in lengths)])
    rows = [(int(s), m.numerator, m.denominator) for s, m in zip(starts, lengths, strict=False)]
    return Piece.build(
        np.array([tuple(n) for n in notes], NOTE),
        np.array(rows, BAR),
        Key.parse(key),
        tempos=np.array([(0, bpm)] if bpm else list(tempos), TEMPO),
        pedals=np.array(list(pedals), PEDAL),
        **more,
    )


def scale(**more: Any) -> Piece:
    """Two bars of a scale of C, eight quarter notes, over a bass."""
    pitches = (60, 62, 64, 65, 67, 69, 71, 72)
    notes = [note(24 * i, 24, pitch) for i, pitch in enumerate(pitches)]
    return piece([*notes, note(0, 96, 48, 60), note(96, 96, 43, 60)], **more)


def chords() -> Piece:
    """Four voices: bass, tenor, alto, soprano."""
    return piece([note(24 * i, 24, p) for i in range(4) for p in (48, 57, 64, 72)], bars=1)


KEYS = [f"{name} {mode}" for name in ("C", "D", "Eb", "F#", "G", "A", "Bb", "B") for mode in ("major", "minor")]
METRES = ["4/4", "3/4", "2/4", "6/8", "12/8", "3/2", "5/16"]


@st.composite
def any_piece(draw: st.DrawFn, shifted: bool = False) -> Piece:
    """Any piece of one to three parts in which no pitch of a part sounds twice at once."""
    metres = draw(st.lists(st.sampled_from(METRES), min_size=1, max_size=5))
    length = sum(Metre.parse(metre).units for metre in metres)
    programs = tuple(draw(st.lists(st.integers(0, 127), min_size=1, max_size=3)))
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, length - 1),
                st.integers(1, 100),
                st.integers(0, 127),
                st.integers(1, 127),
                st.integers(0, len(programs) - 1),
                st.floats(-0.0625, 0.0625, width=32) if shifted else st.just(0.0),
            ),
            min_size=1,
            max_size=25,
            # One note to a pitch and part: what happens when they meet is a matter of its own.
            unique_by=lambda row: (row[2], row[4]),
        )
    )
    places = sorted(draw(st.sets(st.integers(1, length - 1), max_size=3)))
    tempos = [(place, draw(st.floats(20, 300, width=32))) for place in (0, *places)]
    return piece(drawn, metres=metres, key=draw(st.sampled_from(KEYS)), tempos=tempos, programs=programs)
