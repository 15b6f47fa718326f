"""MIDI files in: notes put on the grid, bars and key found, the player's timing kept apart from the score.

A MIDI file may come from anywhere, so what it asks for is bounded before it is parsed. Mutated files did not crash
the parser, but 30 MB that change the instrument before every note made it take 15 GiB: it keeps a list for every
channel and program of every track. Chunks and program changes are therefore counted first, which costs milliseconds.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import find_key
from flamingo.composing.piece import BAR, NOTE, PEDAL, TEMPO, UNITS, Metre, Piece, seconds_at
from flamingo.errors import MusicTooLarge, UnreadableMusic, show

__all__ = ["MAX_BARS", "MAX_BYTES", "MAX_NOTES", "from_midi"]

Array = NDArray[Any]

MAX_BYTES = 16 * 2**20
MAX_NOTES = 500_000
MAX_BARS = 20_000
_MAX_TRACKS = 1_000
_MAX_PROGRAM_CHANGES = 20_000
_MAX_PROGRAMS = 16
_MAX_PARTS = 64
_LONGEST = 256 * UNITS  # of a note: longer than any pedal point, so what is longer is a key that was never let go
_SLOWEST, _FASTEST = 4.0, 1200.0  # quarter notes a minute; beyond these a tempo is an error, not a wish
_FINEST = 3  # units in a thirty-second note: bar lines lie on such places, so that every bar can be written
_FARTHEST = MAX_BARS * Metre(64, 1).units  # where the longest piece of the longest bars would end


def from_midi(
    data: bytes,
    name: str = "the MIDI file",
    *,
    title: str = "",
    bar_lines: Sequence[int] | None = None,
    by_track: bool = False,
) -> Piece:
    """Read a standard MIDI file. Raises UnreadableMusic or MusicTooLarge.

    The patterns of a file of format 2 are read one after another, as they are played. A last track that is cut short
    is read as far as it goes, and a header may be longer than usual.

    Drums are left out. Starts and durations go to the nearest unit; what a start was off the grid, in seconds, is
    kept as the note's `shift`. Tempos outside 4 to 1,200 quarters a minute are brought inside, notes longer than 256
    quarters are cut, a note that is never let go is left out.

    name: what messages call the file.
    bar_lines: units at which bars begin and the last one ends, where that is known better than from the time
        signatures (a pickup bar is only to be seen in a score).
    by_track: every track is a part, as the staves of a score are; else what has the same program is one.
    """
    import symusic

    name = show(name)
    data = _checked(data, name)
    (form,) = struct.unpack(">H", data[8:10])
    if form == 2:
        data = _in_sequence(data, name)
    try:
        score: Any = symusic.Score.from_midi(data)
    except MemoryError:
        raise MusicTooLarge(name, "there is not enough memory to read it", "cut it") from None
    except Exception:  # the library raises RuntimeError, ValueError and more
        raise UnreadableMusic(name, "it is not a whole MIDI file", "export it again") from None
    per_unit = score.ticks_per_quarter / UNITS
    if not per_unit > 0:
        raise UnreadableMusic(name, "its ticks a quarter note are zero", "export it again")
    tracks = [t for t in score.tracks if not t.is_drum and len(t.notes)]
    count = sum(len(t.notes) for t in tracks)
    if not count:
        drums = any(len(t.notes) for t in score.tracks)
        why = "it holds only drums, which have no pitches" if drums else "it holds no notes"
        raise UnreadableMusic(name, why, "choose a file with music in it")
    if count > MAX_NOTES:
        raise MusicTooLarge(name, f"it holds {count:,} notes; {MAX_NOTES:,} are read at most", "cut it")

    if by_track:
        programs = tuple(int(t.program) for t in tracks)[:_MAX_PARTS]
        parts = [min(i, _MAX_PARTS - 1) for i in range(len(tracks))]
    else:
        programs = tuple(dict.fromkeys(int(t.program) for t in tracks))[:_MAX_PROGRAMS]
        places = {program: index for index, program in enumerate(programs)}
        parts = [places.get(int(t.program), 0) for t in tracks]
    columns = []
    for track, number in zip(tracks, parts, strict=True):
        track_notes = track.notes.numpy()
        part = np.full(len(track_notes["time"]), number)
        columns.append(
            (track_notes["time"], track_notes["duration"], track_notes["pitch"], track_notes["velocity"], part)
        )
    ticks, length, pitch, velocity, part = (np.concatenate(c) for c in zip(*columns, strict=True))
    ticks, length = ticks.astype(np.float64), length.astype(np.float64)
    if ticks.min() < 0 or length.min() < 0:  # the parser counts ticks in 32 bits
        raise UnreadableMusic(name, "its notes lie out of all order in time", "export it again")
    last_start = float(ticks.max()) / per_unit
    if last_start >= _FARTHEST:
        raise MusicTooLarge(name, f"it has more than {MAX_BARS:,} bars", "cut it")

    tempos = _tempos(score.tempos.numpy(), per_unit, round(last_start) + _LONGEST)

    notes = np.zeros(count, NOTE)
    start = np.round(ticks / per_unit)
    notes["start"] = start
    notes["duration"] = np.clip(np.round((ticks + length) / per_unit) - start, 1, _LONGEST)
    notes["pitch"], notes["velocity"] = np.clip(pitch, 0, 127), np.clip(velocity, 1, 127)
    notes["part"] = part
    # Where the tempo changes at the start, what lies before it is played at the tempo before.
    notes["shift"] = seconds_at(ticks / per_unit, tempos) - seconds_at(start, tempos)
    notes = _without_doubles(notes, by_part=by_track)

    last = int(notes["start"].max())
    changes = _changes(score.time_signatures.numpy(), per_unit, last, name)
    return Piece.build(
        notes,
        _bars(changes, last, name) if bar_lines is None else _given_bars(bar_lines, changes, last, name),
        find_key(notes, _signature(score.key_signatures.numpy())),
        tempos=tempos,
        programs=programs or (0,),
        pedals=_pedals([t.pedals.numpy() for t in tracks], per_unit, last + _LONGEST),
        title=title,
        expressive=len(np.unique(notes["velocity"])) > 4 and len(tempos) > 8,
    )


def has_drums(data: bytes) -> bool:
    """Whether a MIDI file that can be read has drums, which `from_midi` leaves out."""
    import symusic

    try:
        score: Any = symusic.Score.from_midi(_checked(data, "the MIDI file"))
    except Exception:  # files that only `from_midi` can mend
        return False
    return any(track.is_drum and len(track.notes) for track in score.tracks)


def _checked(data: bytes, name: str) -> bytes:
    """The MIDI file inside `data`, once it is known to be no trap. Raises UnreadableMusic or MusicTooLarge."""
    if len(data) > MAX_BYTES:
        raise MusicTooLarge(name, f"it has {len(data) / 2**20:.0f} MiB; {MAX_BYTES >> 20} are read at most", "cut it")
    if not data:
        raise UnreadableMusic(name, "the file is empty", "export it again")
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":  # a MIDI file in an envelope, as old Windows programs wrote it
        data = data[max(data.find(b"MThd"), 0) :]
    if len(data) < 14 or data[:4] != b"MThd":
        raise UnreadableMusic(name, "it is not a MIDI file", "check what it is")
    (division,) = struct.unpack(">H", data[12:14])
    if division & 0x8000:
        raise UnreadableMusic(name, "its time is counted in film frames, not in beats", "export it with ticks a beat")
    if division == 0:
        raise UnreadableMusic(name, "its ticks a quarter note are zero", "export it again")
    octets = np.frombuffer(data, np.uint8)
    changes = int(np.count_nonzero((octets & 0xF0) == 0xC0))  # an upper bound: other bytes may look like one
    if data.count(b"MTrk") > _MAX_TRACKS:
        raise MusicTooLarge(name, f"it has more than {_MAX_TRACKS:,} tracks", "cut it")
    data = _mended(data, name)
    if changes > _MAX_PROGRAM_CHANGES:
        raise MusicTooLarge(name, f"it changes instruments more than {_MAX_PROGRAM_CHANGES:,} times", "cut it")
    return data


def _mended(data: bytes, name: str) -> bytes:
    """The file with a header of the usual length and a last track that is whole: what is beyond six bytes of the
    header is passed over, as the standard asks of readers, and a track that is cut short ends with its last event.
    Raises UnreadableMusic for a track without one."""
    (length,) = struct.unpack(">I", data[4:8])
    if length > 6:
        data = data[:4] + struct.pack(">I", 6) + data[8:14] + data[8 + length :]
    at = 14
    while at + 8 <= len(data):
        kind, (size,) = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])
        if at + 8 + size > len(data):
            if kind != b"MTrk":
                return data[:at]
            track = _whole_events(data[at + 8 :])
            if track == _END_OF_TRACK and data.count(b"MTrk") == 1:
                raise UnreadableMusic(name, "it is not a whole MIDI file", "export it again")
            return data[: at + 4] + struct.pack(">I", len(track)) + track
        at += 8 + size
    return data


_END_OF_TRACK = b"\0\xff\x2f\0"


def _whole_events(track: bytes) -> bytes:
    """The events of a track that is cut short, up to the last whole one, and an end. Bytes as in the standard's
    section on track chunks: a time of one to four bytes, then a status, which may be left out, and its data."""
    at = whole = 0
    status = 0
    while True:
        at = _after_number(track, at)
        if at < 0 or at >= len(track):
            break
        if track[at] & 0x80:
            status = track[at]
            at += 1
        if status == 0xFF:
            at += 1  # the kind of the meta event
        if status in (0xFF, 0xF0, 0xF7):
            begins, end = at, _after_number(track, at)
            if end < 0:
                break
            at = end + _number(track[begins:end])
        elif status >= 0x80:
            at += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
        else:
            break
        if at > len(track):
            break
        whole = at
    return track[:whole] + _END_OF_TRACK


def _after_number(data: bytes, at: int) -> int:
    """Where a number of variable length that begins at `at` ends; -1 where the data end before."""
    for end in range(at, min(at + 4, len(data))):
        if not data[end] & 0x80:
            return end + 1
    return -1


def _number(data: bytes) -> int:
    """The value of a number of variable length."""
    value = 0
    for octet in data:
        value = value << 7 | octet & 0x7F
    return value


def _in_sequence(data: bytes, name: str) -> bytes:
    """A file of format 2, whose tracks are patterns that are played one after another, as one of format 1."""
    import mido

    try:
        file = mido.MidiFile(file=io.BytesIO(data))
        passed = 0
        for track in file.tracks:
            lasts = sum(message.time for message in track)
            if track:
                track[0].time += passed
            passed += lasts
        file.type = 1
        written = io.BytesIO()
        file.save(file=written)
    except Exception:  # for what anyone may have written the library raises many kinds
        raise UnreadableMusic(name, "it is not a whole MIDI file", "export it again") from None
    return written.getvalue()


def _tempos(changes: Any, per_unit: float, end: int) -> Array:
    """(t,) of TEMPO, beginning at 0; of several tempos at one place, the last holds."""
    places = np.maximum(np.round(changes["time"] / per_unit), 0)
    bpm = np.clip(6e7 / np.maximum(changes["mspq"].astype(np.float64), 1.0), _SLOWEST, _FASTEST)
    inside = places <= end
    places = np.concatenate(([0.0], places[inside]))
    bpm = np.concatenate(([120.0], bpm[inside]))
    order = np.argsort(places, kind="stable")
    places, bpm = places[order], bpm[order]
    final = np.append(places[1:] != places[:-1], True)
    tempos = np.zeros(int(final.sum()), TEMPO)
    tempos["start"], tempos["bpm"] = places[final], bpm[final]
    return tempos


def _pedals(pedal_tracks: Sequence[Any], per_unit: float, end: int) -> Array:
    """(p,) of PEDAL, sorted, none of them empty."""
    begins = np.concatenate([g["time"] for g in pedal_tracks]).astype(np.float64)
    ends = begins + np.concatenate([g["duration"] for g in pedal_tracks])
    begins, ends = (np.clip(np.round(ticks / per_unit), 0, end) for ticks in (begins, ends))
    pedals = np.zeros(len(begins), PEDAL)
    pedals["start"], pedals["end"] = begins, ends
    return np.sort(pedals[pedals["end"] > pedals["start"]], order="start")


def _signature(signatures: Any) -> int | None:
    """Sharps (above zero) or flats of the last key signature, or None where there is none."""
    keys = signatures["key"][(signatures["key"] >= -7) & (signatures["key"] <= 7)]
    return int(keys[-1]) if len(keys) else None


def _changes(signatures: Any, per_unit: float, last: int, name: str) -> dict[int, Metre]:
    """Where the metre changes, from 0 up to the last note; 4/4 where nothing is said. Senseless ones are left out."""
    n, d = signatures["numerator"], signatures["denominator"]
    places = np.maximum(np.round(signatures["time"] / per_unit), 0)
    good = (n >= 1) & (n <= 64) & np.isin(d, (1, 2, 4, 8, 16, 32)) & (places <= last)
    if len(np.unique(places[good])) > MAX_BARS:
        raise MusicTooLarge(name, f"it has more than {MAX_BARS:,} bars", "cut it")
    # Every track may say the same again, so the last word of each place is taken from the end.
    _, newest = np.unique(places[good][::-1], return_index=True)
    chosen = np.flatnonzero(good)[::-1][newest]
    changes = {0: Metre(4, 4)}
    for i in chosen.tolist():
        position = _FINEST * round(float(places[i]) / _FINEST)
        changes[position] = Metre(int(n[i]), int(d[i]))
    return changes


def _bars(changes: dict[int, Metre], last: int, name: str) -> Array:
    """Every bar up to the last note. A change of metre inside a bar ends that bar early, as a short one."""
    bars: list[tuple[int, int, int]] = []
    places = sorted(changes)
    for position, following in zip(places, [*places[1:], None], strict=True):
        metre, at = changes[position], position
        stop = following if following is not None else max(last + 1, position + 1)
        if len(bars) + (stop - at) // metre.units > MAX_BARS:
            raise MusicTooLarge(name, f"it has more than {MAX_BARS:,} bars", "cut it")
        while at < stop:
            rest = stop - at
            if following is not None and rest < metre.units:
                bars += _short(at, rest)
                at = stop
            else:
                bars.append((at, metre.numerator, metre.denominator))
                at += metre.units
    return np.array(bars, BAR)


def _given_bars(lines: Sequence[int], changes: dict[int, Metre], last: int, name: str) -> Array:
    """The same from known bar lines. A bar that its metre does not fill gets another metre of the piece, if one does,
    or is a short (or a long) one."""
    places = sorted(changes)
    by_length = {metre.units: metre for _, metre in sorted(changes.items(), reverse=True)}
    edges = sorted({0, *(_FINEST * round(line / _FINEST) for line in lines if 0 < line < _FARTHEST)})
    # All up to the last note, and one line more: where its bar ends.
    edges = edges[: int(np.searchsorted(edges, last, side="right")) + 1]
    if len(edges) > MAX_BARS:
        raise MusicTooLarge(name, f"it has more than {MAX_BARS:,} bars", "cut it")

    def metre_at(position: int) -> Metre:
        return changes[places[int(np.searchsorted(places, position, side="right")) - 1]]

    bars: list[tuple[int, int, int]] = []
    for at, following in pairwise(edges):
        metre = metre_at(at)
        if metre.units != following - at:
            metre_that_fits = by_length.get(following - at)
            if metre_that_fits is None:
                bars += _short(at, following - at)
                continue
            metre = metre_that_fits
        bars.append((at, metre.numerator, metre.denominator))
    end = edges[-1]
    if last >= end:  # notes after the last line that is known, or no line at all
        rest = _bars({0: metre_at(end)}, last - end, name)
        bars += [(end + at, numerator, denominator) for at, numerator, denominator in rest.tolist()]
    return np.array(bars, BAR)


def _short(at: int, units: int) -> list[tuple[int, int, int]]:
    """Bars that fill just so many units from `at` on, a multiple of 3: one, or two where no one signature can."""
    for denominator in (4, 8, 16, 32):
        unit = 4 * UNITS // denominator
        if units % unit == 0 and units // unit <= 255:
            return [(at, units // unit, denominator)]
    quarters = min(units // UNITS, 255)
    return [(at, quarters, 4), *_short(at + quarters * UNITS, units - quarters * UNITS)]


def _without_doubles(notes: Array, *, by_part: bool) -> Array:
    """One note where several, of a part or of all, strike the same key at the same time: the longest stays."""
    part = notes["part"] if by_part else np.zeros(len(notes), np.uint8)
    order = np.lexsort((-notes["duration"], part, notes["pitch"], notes["start"]))
    notes, part = notes[order], part[order]
    same = (notes["start"][1:] == notes["start"][:-1]) & (notes["pitch"][1:] == notes["pitch"][:-1])
    same &= part[1:] == part[:-1]
    return notes[np.concatenate(([True], ~same))]
