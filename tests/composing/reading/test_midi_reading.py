"""What becomes of a MIDI file: its notes on the grid, its bars, and one line where it is no music."""

from __future__ import annotations

import io
import struct
import time

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo import errors
from flamingo.composing.piece import Metre, Piece
from flamingo.composing.reading.midi import from_midi

NOTE = b"\0\x90\x40\x40\x60\x80\x40\0"  # middle E for 96 ticks


def midi(*tracks: bytes, division: int = 96) -> bytes:
    """A MIDI file of tracks given as their events."""
    head = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division)
    ended = [track + b"\0\xff\x2f\0" for track in tracks]
    return head + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in ended)


def tune(*messages: mido.Message | mido.MetaMessage) -> bytes:
    """A MIDI file of one track, 480 ticks to a quarter."""
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack(messages))
    held = io.BytesIO()
    file.save(file=held)
    return held.getvalue()


def note(pitch: int, ticks: int, wait: int = 0, velocity: int = 64, channel: int = 0) -> list[mido.Message]:
    return [
        mido.Message("note_on", note=pitch, velocity=velocity, time=wait, channel=channel),
        mido.Message("note_off", note=pitch, time=ticks, channel=channel),
    ]


def sane(piece: Piece) -> None:
    """What holds of every piece, whatever it was read from."""
    lengths = [Metre(int(bar["numerator"]), int(bar["denominator"])).units for bar in piece.bars]
    assert piece.bars["start"][0] == 0 and (np.diff(piece.edges) == lengths).all()
    assert len(piece.notes) and (piece.notes["duration"] >= 1).all()
    assert piece.notes["start"].min() >= 0 and piece.notes["start"].max() < piece.length
    assert np.isfinite(piece.notes["shift"]).all() and np.isfinite(piece.seconds()) and piece.tempos["start"][0] == 0
    assert (piece.notes["part"] < len(piece.programs)).all()


def test_notes_lie_on_the_grid_of_24_to_a_quarter() -> None:
    piece = from_midi(tune(*note(60, 480), *note(64, 240), *note(67, 160), *note(72, 80)))
    assert piece.notes["start"].tolist() == [0, 24, 36, 44]
    assert piece.notes["duration"].tolist() == [24, 12, 8, 4]
    assert not piece.notes["shift"].any()


def test_what_is_off_the_grid_is_kept_as_seconds() -> None:
    piece = from_midi(tune(*note(60, 480, wait=489)))
    assert piece.notes["start"].tolist() == [24]
    assert piece.notes["shift"][0] == pytest.approx(9 / 480 * 0.5)
    assert piece.played[0][0] == pytest.approx(489 / 480 * 0.5)


def test_bars_follow_the_time_signatures() -> None:
    piece = from_midi(
        tune(
            mido.MetaMessage("time_signature", numerator=3, denominator=4),
            *note(60, 480 * 3),
            mido.MetaMessage("time_signature", numerator=6, denominator=8),
            *note(60, 480 * 4),
        )
    )
    assert [str(piece.metre(bar)) for bar in range(2)] == ["3/4", "6/8"]
    sane(piece)


@pytest.mark.parametrize("ticks", [1, 20, 50, 100, 475, 480 * 100 + 20])
def test_a_metre_that_changes_inside_a_bar_leaves_no_gap(ticks: int) -> None:
    change = mido.MetaMessage("time_signature", numerator=5, denominator=8, time=ticks)
    whole = mido.MetaMessage("time_signature", numerator=64, denominator=1)
    sane(from_midi(tune(whole, change, *note(60, 480), *note(60, 480))))


def test_known_bar_lines_overrule_the_time_signature() -> None:
    data = tune(mido.MetaMessage("time_signature", numerator=3, denominator=4), *note(60, 480), *note(62, 1440))
    piece = from_midi(data, bar_lines=[0, 24, 96])
    assert piece.edges.tolist() == [0, 24, 96] and str(piece.metre(0)) == "1/4" and str(piece.metre(1)) == "3/4"
    sane(from_midi(data, bar_lines=[-5, 7, 10**12]))


def test_drums_are_left_out() -> None:
    piece = from_midi(tune(*note(36, 480, channel=9), *note(60, 480)))
    assert piece.notes["pitch"].tolist() == [60]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a MIDI file"),
        (midi(NOTE)[:20], "not a whole MIDI file"),
        (midi(NOTE)[:-9], "not a whole MIDI file"),
        (midi(b""), "no notes"),
        (midi(NOTE, division=0), "ticks a quarter note are zero"),
        (midi(NOTE, division=0xE728), "film frames"),
        (midi(b"\0\x90\x40\x40"), "no notes"),  # never let go
        (midi(b"\0\x99\x24\x40\x60\x89\x24\0"), "only drums"),
        (midi(b"\xff\xff\xff\x7f\x90\x40\x40\0\x80\x40\0" * 12), "out of all order|bars"),
    ],
)
def test_what_is_no_music_is_refused_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(errors.BadInput, match=why) as caught:
        from_midi(data, "a\nb.mid")
    assert len(str(caught.value).splitlines()) == 1


def test_a_hanging_note_does_not_spoil_the_others() -> None:
    piece = from_midi(midi(b"\0\x90\x50\x40" + NOTE))
    assert piece.notes["pitch"].tolist() == [0x40]


def test_note_lengths_are_made_sane() -> None:
    none, hours = midi(b"\0\x90\x40\x40\0\x80\x40\0"), midi(b"\0\x90\x40\x40\xff\xff\xff\x7f\x80\x40\0", division=1)
    assert from_midi(none).notes["duration"].tolist() == [1]
    assert from_midi(hours).notes["duration"][0] == 256 * 24


@pytest.mark.parametrize(("mspq", "bpm"), [(b"\0\0\0", 1200), (b"\xff\xff\xff", 4), (b"\x07\xa1\x20", 120)])
def test_absurd_tempos_are_brought_inside(mspq: bytes, bpm: float) -> None:
    piece = from_midi(midi(b"\0\xff\x51\3" + mspq + NOTE))
    assert piece.tempos["bpm"].tolist() == pytest.approx([bpm])


def test_thousands_of_tempos_are_a_piece() -> None:
    changes = b"".join(b"\x04\xff\x51\3" + bytes([i % 250, i % 7, 9]) for i in range(5000))
    piece = from_midi(midi(changes + NOTE))
    sane(piece)
    assert len(piece.tempos) > 4000 and (np.diff(piece.tempos["start"]) > 0).all()


@pytest.mark.parametrize(
    "tracks",
    [
        [b"\0\x90\x40\x40" + b"\0\x40\0\0\x40\x40" * 2_500_000],  # five million events
        [b"\0\x90\x40\x40" + b"\0\x40\0\0\x40\x40" * 5_000_000],  # ten million, in more bytes than are read
        [b""] * 65_535,
        [b"".join(b"\0" + bytes([0xC0, p]) + NOTE for p in range(128)) * 200],
        [b"\x60\xff\x58\4\4\2\0\0" * 100_000 + NOTE],  # a metre for every quarter note
        [b"\0\xff\x58\4\1\5\0\0" + b"\xff\xff\x7f" + NOTE[1:]],
        [b"\0\xb0\x40\x7f\1\x40\0" + b"\1\x40\x7f\1\x40\0" * 400_000],  # nothing but the pedal
    ],
    ids=["events", "bytes", "tracks", "programs", "metres", "bars", "pedal"],
)
def test_too_much_of_anything_ends_soon_and_in_one_line(tracks: list[bytes]) -> None:
    data = midi(*tracks)
    begun = time.process_time()
    with pytest.raises(errors.BadInput) as caught:
        from_midi(data)
    assert time.process_time() - begun < 5
    assert len(str(caught.value).splitlines()) == 1


WHOLE = tune(
    mido.MetaMessage("set_tempo", tempo=400_000),
    mido.MetaMessage("key_signature", key="Eb"),
    mido.Message("control_change", control=64, value=127),
    *[message for pitch in (60, 63, 67, 72) for message in note(pitch, 240, velocity=pitch)],
    mido.MetaMessage("time_signature", numerator=3, denominator=4, time=7),
    *note(60, 960),
)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(14, len(WHOLE) - 1), junk=st.binary(max_size=6), cut=st.integers(0, 6), fix=st.booleans())
def test_a_damaged_file_gives_a_piece_or_one_line(place: int, junk: bytes, cut: int, fix: bool) -> None:
    data = WHOLE[:place] + junk + WHOLE[place + cut :]
    if fix:  # so that the damage is not found by the length alone
        data = data[:18] + struct.pack(">I", max(len(data) - 22, 0)) + data[22:]
    try:
        piece = from_midi(data)
    except errors.BadInput as error:
        assert len(str(error).splitlines()) == 1
    else:
        sane(piece)


@given(data=st.binary(max_size=200))
def test_any_bytes_after_a_header_give_a_piece_or_one_line(data: bytes) -> None:
    try:
        sane(from_midi(midi(data)))
    except errors.BadInput as error:
        assert len(str(error).splitlines()) == 1


def patterns(*bases: int, form: int = 2) -> bytes:
    """Each base begins a pattern of four quarters, in a track of its own."""
    file = mido.MidiFile(type=form, ticks_per_beat=96)
    for base in bases:
        track = mido.MidiTrack()
        file.tracks.append(track)
        for i in range(4):
            track.append(mido.Message("note_on", note=base + i, velocity=80, time=0))
            track.append(mido.Message("note_off", note=base + i, time=96))
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def test_patterns_of_format_2_are_read_one_after_another() -> None:
    piece = from_midi(patterns(60, 72, 48), "x.mid")
    assert piece.notes["pitch"].tolist() == [60, 61, 62, 63, 72, 73, 74, 75, 48, 49, 50, 51]
    assert piece.notes["start"].tolist() == [24 * i for i in range(12)]
    together = from_midi(patterns(60, 72, form=1), "x.mid")
    assert int(together.notes["start"].max()) == 72


@pytest.mark.parametrize("missing", [1, 2, 4, 5, 7, 9])
def test_a_last_track_that_is_cut_short_is_read_as_far_as_it_goes(missing: int) -> None:
    whole = patterns(60, 72, form=1)
    piece = from_midi(whole[:-missing], "x.mid")
    assert piece.notes["pitch"].tolist()[:3] == [60, 72, 61]
    assert len(piece.notes) in (7, 8)


def test_a_header_may_be_longer_than_usual() -> None:
    whole = patterns(60, form=1)
    longer = whole[:4] + (8).to_bytes(4, "big") + whole[8:14] + b"\0\0" + whole[14:]
    assert from_midi(longer, "x.mid").notes["pitch"].tolist() == [60, 61, 62, 63]


def test_no_message_speaks_the_librarys_language() -> None:
    for data in (patterns(60)[:24], patterns(60, form=1)[:24], b"MThd" + b"\0" * 40):
        with pytest.raises(errors.BadInput) as caught:
            from_midi(data, "x.mid")
        assert "MiniMidi" not in str(caught.value) and "iostream" not in str(caught.value)
