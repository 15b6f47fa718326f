"""A piece as a standard MIDI file: everything a player needs, on a clock of 480 ticks to a quarter note.

The first track conducts (title, persona, metres, key, tempos); then comes one track for each part, on a channel of
its own. A key of a piano cannot be struck while it is down, so a note ends at the latest where the same pitch of the
same part begins again, and of two such notes that begin together one is left, the longer and louder of the two.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.writing.engraving.names import track_names
from flamingo.errors import BadRequest

__all__ = ["TICKS", "to_midi"]

TICKS = 480
"""Ticks of the file in a quarter note."""

_PER_UNIT = TICKS // UNITS
_DRUMS = 9  # the channel on which programs are drum kits
_CHANNELS = [channel for channel in range(16) if channel != _DRUMS]
_SLOWEST = 2**24 - 1  # microseconds in a quarter note that the format can hold
_FOOT = 0.04  # seconds that a foot needs: synthesizers miss a pedal that is lifted and pressed in one instant
_LET_RING = frozenset([*range(16), 46])  # pianos, bells and mallets, harp: what a sustain pedal is built for

# By the number of sharps, from -6 to 6.
_MAJOR = ("Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#")
_MINOR = ("Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m")

# What comes first within a tick: keys go up before the foot does, and the foot goes down before new keys do.
_NOTE_OFF, _PEDAL_UP, _PEDAL_DOWN, _NOTE_ON = range(4)


def to_midi(piece: Piece, *, tail: float = 0.0, volume: int | None = None) -> bytes:
    """The bytes of a MIDI file (type 1). The same piece gives the same bytes.

    tail: seconds that the file goes on after its last event and its last bar, for synthesizers that stop with it.
    volume: 0 to 127, the volume (controller 7) of every part; None leaves it to the player, as files usually do.

    Places that a `shift` moves off the grid go to the nearest tick, about a thousandth of a second. Raises
    BadRequest if there are more than 15 parts, which the format has no channels for.
    """
    import mido

    if len(piece.programs) > len(_CHANNELS):
        raise BadRequest(
            f"{len(piece.programs)} parts", f"a MIDI file holds at most {len(_CHANNELS)}", "leave some out"
        )
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    names = track_names(piece.programs)
    parts = [_part(piece, part, names[part], volume) for part in range(len(piece.programs))]
    last = max([piece.length * _PER_UNIT, *(tick for events in parts for tick, _, _ in events)])
    if tail > 0:
        last = int(np.ceil(_ticks(piece, _seconds(piece, np.array([last])) + tail)[0]))
    _fill(file, _conductor(piece), last)
    for events in parts:
        _fill(file, events, last)
    buffer = BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


_Event = tuple[int, int, Any]  # tick, what comes first within a tick, message


def _conductor(piece: Piece) -> list[_Event]:
    from mido import MetaMessage

    events: list[_Event] = []
    if piece.title:
        events.append((0, 0, MetaMessage("track_name", name=_clean(piece.title))))
    if piece.persona:
        events.append((0, 1, MetaMessage("text", text=_clean(piece.persona))))
    before = None
    for number, bar in enumerate(piece.bars):
        metre = piece.metre(number)
        if metre != before:
            signature = MetaMessage(
                "time_signature",
                numerator=metre.numerator,
                denominator=metre.denominator,
                clocks_per_click=metre.beat * 24 // UNITS,
            )
            events.append((int(bar["start"]) * _PER_UNIT, 2, signature))
        before = metre
    names = _MINOR if piece.key.minor else _MAJOR
    events.append((0, 3, MetaMessage("key_signature", key=names[piece.key.fifths + 6])))
    for start, bpm in piece.tempos.tolist() or [(0, 120.0)]:
        quarter = int(np.clip(round(60e6 / bpm), 1, _SLOWEST))
        events.append((start * _PER_UNIT, 4, MetaMessage("set_tempo", tempo=quarter)))
    return events


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: a title taken from a file name may carry stray surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _part(piece: Piece, part: int, name: str, volume: int | None) -> list[_Event]:
    from mido import Message, MetaMessage

    channel, program = _CHANNELS[part], piece.programs[part]
    events: list[_Event] = [
        (0, -3, MetaMessage("track_name", name=name)),
        (0, -2, Message("program_change", channel=channel, program=program)),
    ]
    if volume is not None:
        events.append((0, -1, Message("control_change", channel=channel, control=7, value=volume)))
    if program in _LET_RING or _LET_RING.isdisjoint(piece.programs):
        for down, up in _pedals(piece):
            events.append((down, _PEDAL_DOWN, Message("control_change", channel=channel, control=64, value=127)))
            events.append((up, _PEDAL_UP, Message("control_change", channel=channel, control=64, value=0)))
    for start, end, pitch, velocity in _keys(piece, part):
        events.append((start, _NOTE_ON, Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((end, _NOTE_OFF, Message("note_off", channel=channel, note=pitch, velocity=64)))
    return events


def _keys(piece: Piece, part: int) -> list[list[int]]:
    """[start tick, end tick, pitch, velocity] of each note of a part; those of one pitch do not overlap."""
    chosen = piece.notes["part"] == part
    notes = piece.notes[chosen]
    starts, ends = notes["start"].astype(np.int64) * _PER_UNIT, notes["duration"].astype(np.int64) * _PER_UNIT
    ends += starts
    moved = notes["shift"] != 0  # the others stay exact, whatever rounding the seconds bring
    if moved.any():
        begin, end = (time[chosen][moved] for time in piece.played)
        starts[moved], ends[moved] = np.rint(_ticks(piece, begin)), np.rint(_ticks(piece, end))
    ends = np.maximum(ends, starts + 1)
    presses: list[list[int]] = []
    down: dict[int, list[int]] = {}
    columns = (starts, ends, notes["pitch"], np.clip(notes["velocity"], 1, 127))
    for note in sorted(zip(*(column.tolist() for column in columns), strict=True)):
        start, end, pitch, velocity = note
        before = down.get(pitch)
        if before is not None and before[0] == start:
            before[1], before[3] = max(before[1], end), max(before[3], velocity)
            continue
        if before is not None:
            before[1] = min(before[1], start)
        down[pitch] = [start, end, pitch, velocity]
        presses.append(down[pitch])
    return presses


def _pedals(piece: Piece) -> list[tuple[int, int]]:
    """Ticks at which the pedal goes down and up; a foot that comes up stays up for a moment."""
    presses: list[tuple[int, int]] = []
    for start, end in sorted(piece.pedals.tolist()):
        down, up = start * _PER_UNIT, end * _PER_UNIT
        if presses and down < presses[-1][1]:  # these overlap: the pedal stays down
            presses[-1] = (presses[-1][0], max(presses[-1][1], up))
            continue
        if presses:
            free = _seconds(piece, np.array([presses[-1][1]])) + _FOOT
            earliest = int(np.ceil(_ticks(piece, free)[0]))
            down = min(max(down, earliest), (down + up) // 2)
        if up > down:
            presses.append((down, up))
    return presses


def _seconds(piece: Piece, ticks: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(piece.seconds(ticks / _PER_UNIT), np.float64)


def _ticks(piece: Piece, seconds: NDArray[Any]) -> NDArray[np.float64]:
    """The place of a time: the tempo map read backwards, with fractions of a tick."""
    tempos = piece.tempos if len(piece.tempos) else [{"start": 0, "bpm": 120.0}]
    starts = np.array([int(tempo["start"]) for tempo in tempos])
    rate = np.array([float(tempo["bpm"]) for tempo in tempos]) / 60 * TICKS
    times = np.asarray(piece.seconds(starts), np.float64)
    which = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, None)
    return np.asarray(starts[which] * _PER_UNIT + (seconds - times[which]) * rate[which])


def _fill(file: Any, events: list[_Event], end: int) -> None:
    """Put a track into the file: its events in order, and the end of the track at a tick."""
    from mido import MetaMessage

    track = file.add_track()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=max(end - now, 0)))
