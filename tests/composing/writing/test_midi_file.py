"""What a MIDI file holds: read back, it is the same music."""

from __future__ import annotations

from io import BytesIO

import mido
import numpy as np
import pytest
import symusic
from hypothesis import given, settings

from flamingo import errors
from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.writing.midi import TICKS, to_midi
from tests.composing import pieces
from tests.composing.pieces import note, piece

PER_UNIT = TICKS // UNITS


def opened(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=BytesIO(data), charset="utf-8")


def notes_of(data: bytes) -> list[list[tuple[int, int, int, int]]]:
    """(tick, ticks, pitch, velocity) of each note, by track, as another library reads them."""
    score = symusic.Score.from_midi(data)
    return [sorted((n.time, n.duration, n.pitch, n.velocity) for n in track.notes) for track in score.tracks]


def controls(data: bytes, number: int) -> list[tuple[int, int, int]]:
    """(track, tick, value) of each message of a controller."""
    found = []
    for index, track in enumerate(opened(data).tracks):
        now = 0
        for message in track:
            now += message.time
            if message.type == "control_change" and message.control == number:
                found.append((index, now, message.value))
    return found


@given(made=pieces.any_piece())
@settings(max_examples=60, deadline=None)
def test_read_back_it_is_the_same_music(made: Piece) -> None:
    data = to_midi(made)
    score = symusic.Score.from_midi(data)
    expected = [
        sorted(
            (int(n["start"]) * PER_UNIT, int(n["duration"]) * PER_UNIT, int(n["pitch"]), int(n["velocity"]))
            for n in made.notes[made.notes["part"] == part]
        )
        for part in range(len(made.programs))
    ]
    assert score.ticks_per_quarter == TICKS
    assert notes_of(data) == [part for part in expected if part]
    assert [(s.key, s.tonality) for s in score.key_signatures] == [(made.key.fifths, int(made.key.minor))]
    assert [t.time for t in score.tempos] == (made.tempos["start"] * PER_UNIT).tolist()
    assert np.allclose([t.qpm for t in score.tempos], made.tempos["bpm"], rtol=1e-5)
    changes = [(s.time, s.numerator, s.denominator) for s in score.time_signatures]
    for number, bar in enumerate(made.bars):
        metre = made.metre(number)
        in_force = [change[1:] for change in changes if change[0] <= bar["start"] * PER_UNIT][-1]
        assert in_force == (metre.numerator, metre.denominator)


@given(made=pieces.any_piece(shifted=True))
@settings(max_examples=60, deadline=None)
def test_a_player_off_the_grid_is_heard_to_the_tick(made: Piece) -> None:
    score = symusic.Score.from_midi(to_midi(made)).to("second")
    heard = sorted((n.pitch, n.velocity, n.start, n.end) for track in score.tracks for n in track.notes)
    wanted = sorted(zip(made.notes["pitch"], made.notes["velocity"], *made.played, strict=True))
    tick = 60 / float(made.tempos["bpm"].min()) / TICKS
    for (pitch, _, start, end), (right_pitch, _, right_start, right_end) in zip(heard, wanted, strict=True):
        assert pitch == right_pitch
        assert abs(start - right_start) <= tick and abs(end - right_end) <= 2 * tick


@pytest.mark.parametrize("key", pieces.KEYS)
def test_the_key_signature_knows_its_mode(key: str) -> None:
    found = [m for track in opened(to_midi(piece(key=key))).tracks for m in track if m.type == "key_signature"]
    assert len(found) == 1
    assert found[0].key.endswith("m") is key.endswith("minor")


def test_every_change_of_metre_is_written_where_it_happens() -> None:
    made = piece(metres=["4/4", "4/4", "6/8", "3/4", "3/4"])
    found = symusic.Score.from_midi(to_midi(made)).time_signatures
    assert [(s.time, s.numerator, s.denominator) for s in found] == [
        (0, 4, 4),
        (2 * 4 * TICKS, 6, 8),
        (11 * TICKS, 3, 4),
    ]


def test_the_file_is_as_long_as_the_bars() -> None:
    assert opened(to_midi(piece([note(0, 24, 60)], bars=4, bpm=60))).length == pytest.approx(16)


def test_a_tail_is_added_in_seconds_whatever_the_tempo() -> None:
    made = piece([note(0, 24, 60)], tempos=[(0, 60), (96, 30)])
    assert opened(to_midi(made, tail=3)).length == pytest.approx(4 + 8 + 3, abs=0.01)


def test_each_part_has_a_track_a_channel_and_its_program() -> None:
    made = piece([note(0, 24, 60, part=part) for part in range(12)], programs=tuple(range(20, 32)))
    tracks = opened(to_midi(made)).tracks
    programs = [m for track in tracks for m in track if m.type == "program_change"]
    assert len(tracks) == 13
    assert [m.program for m in programs] == list(range(20, 32))
    assert len({m.channel for m in programs}) == 12
    assert 9 not in {m.channel for m in programs}  # the channel of the drums


def test_more_parts_than_channels_are_refused_in_one_line() -> None:
    with pytest.raises(errors.BadRequest, match="15"):
        to_midi(piece(programs=(0,) * 16))


def test_title_and_persona_are_text_in_any_script() -> None:
    first = opened(to_midi(piece(title="Blåbær ♯ 音楽", persona="Ada"))).tracks[0]
    assert [m.name for m in first if m.type == "track_name"] == ["Blåbær ♯ 音楽"]
    assert [m.text for m in first if m.type == "text"] == ["Ada"]


def test_a_title_from_an_undecodable_file_name_is_no_obstacle() -> None:
    assert to_midi(piece(title="b\udcffd"))


def test_the_pedal_goes_down_and_up() -> None:
    data = to_midi(piece([note(0, 24, 60)], pedals=[(0, 48), (96, 192)]))
    assert controls(data, 64) == [(1, 0, 127), (1, 48 * 20, 0), (1, 96 * 20, 127), (1, 192 * 20, 0)]


def test_a_pedal_that_is_changed_comes_up_for_a_moment() -> None:
    data = to_midi(piece([note(0, 24, 60)], bpm=60, pedals=[(0, 96), (96, 192)]))
    _, up, down, _ = controls(data, 64)
    assert up[1:] == (96 * 20, 0)
    assert down[2] == 127 and 0.02 <= (down[1] - up[1]) / TICKS <= 0.1


def test_pedals_that_overlap_are_one() -> None:
    data = to_midi(piece([note(0, 24, 60)], pedals=[(0, 50), (40, 96)]))
    assert controls(data, 64) == [(1, 0, 127), (1, 96 * 20, 0)]


def test_beside_a_piano_strings_have_no_pedal() -> None:
    made = piece([note(0, 24, 60), note(0, 24, 72, part=1)], programs=(0, 48), pedals=[(0, 48)])
    assert {track for track, _, _ in controls(to_midi(made), 64)} == {1}


def test_a_key_that_is_struck_again_was_let_go() -> None:
    data = to_midi(piece([note(0, 48, 60, 50), note(24, 24, 60, 90)]))
    assert notes_of(data) == [[(0, 480, 60, 50), (480, 480, 60, 90)]]


def test_a_key_that_is_struck_twice_at_once_is_struck_once() -> None:
    data = to_midi(piece([note(0, 12, 60, 90), note(0, 48, 60, 50)]))
    assert notes_of(data) == [[(0, 960, 60, 90)]]


def test_a_note_before_the_beginning_starts_there() -> None:
    assert notes_of(to_midi(piece([note(0, 24, 60, shift=-0.5)])))[0][0][0] == 0


def test_no_volume_is_set_unless_asked_for() -> None:
    assert controls(to_midi(pieces.scale()), 7) == []
    assert controls(to_midi(pieces.scale(), volume=90), 7) == [(1, 0, 90)]


def test_the_same_piece_gives_the_same_bytes() -> None:
    assert to_midi(pieces.scale()) == to_midi(pieces.scale())


@pytest.mark.parametrize("bpm", [1.0, 3.0, 1e6])
def test_tempos_the_format_cannot_hold_are_brought_inside(bpm: float) -> None:
    assert symusic.Score.from_midi(to_midi(piece([note(0, 24, 60)], bpm=bpm))).tempos[0].mspq > 0


def test_an_empty_piece_is_a_file_of_silence() -> None:
    assert opened(to_midi(piece(bars=2, bpm=120))).length == pytest.approx(4)
