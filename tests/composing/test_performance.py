"""Who plays and how: instruments keep to their ranges, a player's freedom to its bounds, a pedal to its harmony."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.performance import INSTRUMENTS, humanised, instruments_of, louder, pedalled, played_by
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest
from tests.composing import pieces, tiny

some = settings(max_examples=40, deadline=None, derandomize=True)

# -- names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("piano", ["piano"]),
        (" Flute , CELLO", ["flute", "cello"]),
        ("music box", ["music-box"]),
        ("violin,violin,viola,cello", ["violin", "violin", "viola", "cello"]),
    ],
)
def test_instruments_are_named_melody_first(text: str, names: list[str]) -> None:
    assert instruments_of(text) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pianu", "did you mean 'piano'"),
        ("zzz", "choose from piano"),
        ("", "one to four"),
        ("piano,piano,piano,piano,piano", "one to four"),
        ("flute,xxxxx\ny", "not known"),
    ],
)
def test_unknown_ones_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        instruments_of(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_instrument_has_a_whole_octave_at_least(name: str) -> None:
    instrument = INSTRUMENTS[name]
    assert 0 <= instrument.program <= 127
    assert 0 <= instrument.lowest <= instrument.highest - 11 < 128


# -- who plays -----------------------------------------------------------------------------------------------


@some
@given(pieces.any_piece(), st.lists(st.sampled_from(sorted(INSTRUMENTS)), min_size=1, max_size=4))
def test_no_note_is_outside_its_instrument_and_each_keeps_its_name(piece: Piece, names: list[str]) -> None:
    played = played_by(piece, names)
    assert played.programs == tuple(INSTRUMENTS[name].program for name in names)
    for part, name in enumerate(names):
        pitch = played.notes["pitch"][played.notes["part"] == part]
        assert ((pitch >= INSTRUMENTS[name].lowest) & (pitch <= INSTRUMENTS[name].highest)).all()
    assert {(n["start"], n["pitch"] % 12) for n in played.notes} == {
        (n["start"], n["pitch"] % 12) for n in piece.notes
    }
    keys = played.notes[["start", "pitch", "part"]].tolist()
    assert len(set(keys)) == len(keys), "no key is struck twice at once"
    assert keys == sorted(keys)
    assert float(played.seconds()) == float(piece.seconds())


def test_a_piano_plays_what_is_written_for_it() -> None:
    piece = pieces.scale()
    assert np.array_equal(played_by(piece, ["piano"]).notes, piece.notes)


def chords() -> Piece:
    """Four voices: bass, tenor, alto, soprano."""
    return pieces.piece([pieces.note(24 * i, 24, p) for i in range(4) for p in (48, 57, 64, 72)], bars=1)


def pitches(piece: Piece, part: int) -> set[int]:
    return set(piece.notes["pitch"][piece.notes["part"] == part].tolist())


def test_the_first_has_the_melody_and_the_last_the_bass() -> None:
    for names in (["flute", "piano"], ["violin", "viola", "cello"], ["violin", "violin", "viola", "cello"]):
        played = played_by(chords(), names)
        assert 72 in pitches(played, 0)
        assert 48 in pitches(played, len(names) - 1)


@pytest.mark.parametrize(
    "names",
    [
        ["flute", "piano"],
        ["flute", "piano", "cello"],
        ["violin", "flute", "viola", "cello"],
    ],
)
def test_the_melody_is_one_voice(names: list[str]) -> None:
    """A flute plays no chords: what is between melody and bass belongs to the others."""
    assert pitches(played_by(chords(), names), 0) == {72}


def test_four_play_a_voice_each() -> None:
    played = played_by(chords(), ["piano"] * 4)
    assert [pitches(played, part) for part in range(4)] == [{72}, {64}, {57}, {48}]


def test_a_lone_note_goes_to_whom_it_is_near() -> None:
    piece = pieces.piece([pieces.note(0, 24, 76), pieces.note(24, 24, 40)])
    assert played_by(piece, ["violin", "cello"]).notes["part"].tolist() == [0, 1]


def test_notes_that_fall_together_are_one_and_the_longer_one_stays() -> None:
    piece = pieces.piece([pieces.note(0, 24, 40), pieces.note(0, 96, 64)])
    assert played_by(piece, ["flute"]).notes[["duration", "pitch"]].tolist() == [(96, 64)]


# -- a player's freedom --------------------------------------------------------------------------------------


def test_no_freedom_is_no_change() -> None:
    piece = pieces.scale()
    assert humanised(piece, 0, np.random.default_rng(0)) is piece
    assert humanised(pieces.piece(), 1, np.random.default_rng(0)).notes.size == 0


@some
@given(pieces.any_piece(), st.floats(0.01, 1), st.integers(0, 100))
def test_a_player_leaves_the_score_and_the_length(piece: Piece, amount: float, seed: int) -> None:
    free = humanised(piece, amount, np.random.default_rng(seed))
    for name in ("start", "duration", "pitch", "part"):
        assert np.array_equal(free.notes[name], piece.notes[name])
    assert float(free.seconds()) == float(piece.seconds())
    assert ((free.notes["velocity"] >= 8) & (free.notes["velocity"] <= 124)).all()
    assert np.isfinite(free.notes["shift"]).all()
    assert (free.notes["shift"][free.notes["start"] == free.notes["start"][0]] >= 0).all(), (
        "nothing before the beginning"
    )
    again = humanised(piece, amount, np.random.default_rng(seed))
    assert np.array_equal(again.notes, free.notes)


@pytest.mark.parametrize("attacks", [2, 3, 5, 8])
def test_a_few_notes_stray_no_further_than_many(attacks: int) -> None:
    piece = pieces.piece([pieces.note(12 * i, 12, 60 + i) for i in range(attacks)])
    for seed in range(40):
        free = humanised(piece, 1.0, np.random.default_rng(seed))
        assert np.abs(free.notes["shift"]).max() < 0.07
        assert np.abs(free.notes["velocity"].astype(int) - piece.notes["velocity"]).max() < 36


def test_half_freedom_strays_by_some_milliseconds_and_steps() -> None:
    piece = tiny.study("C major", 40)
    free = humanised(piece, 0.5, np.random.default_rng(0))
    assert 0.004 < free.notes["shift"].std() < 0.012
    assert 1 < (free.notes["velocity"].astype(int) - piece.notes["velocity"]).std() < 5


def test_more_freedom_strays_further() -> None:
    piece = tiny.study("C major", 20)
    spread = [humanised(piece, a, np.random.default_rng(0)).notes["shift"].std() for a in (0.1, 0.4, 1.0)]
    assert spread == sorted(spread)


def test_the_melody_comes_ahead_of_its_chord_and_above_it() -> None:
    free = humanised(chords(), 1.0, np.random.default_rng(0))
    top = free.notes["pitch"] == 72
    assert free.notes["shift"][top].mean() < free.notes["shift"][~top].mean()
    assert free.notes["velocity"][top].mean() > free.notes["velocity"][~top].mean()


@pytest.mark.parametrize("steps", [-200.0, -10.5, 0.0, 3, *(-3, 200)])
def test_louder_moves_all_and_stays_in_range(steps: float) -> None:
    found = louder(pieces.scale(), steps).notes["velocity"].astype(float)
    assert np.array_equal(found, np.clip(np.round(pieces.scale().notes["velocity"] + float(steps)), 8, 124))


# -- the pedal -----------------------------------------------------------------------------------------------


def arpeggio(bars: int = 4) -> Piece:
    chord = ((48, 52, 55, 60), (43, 47, 50, 55))
    notes = [pieces.note(96 * b + 12 * i, 12, chord[b % 2][i % 4]) for b in range(bars) for i in range(8)]
    return pieces.piece(notes, bars=bars)


def test_a_broken_chord_is_pedalled() -> None:
    assert len(pedalled(arpeggio()).pedals) == 8


def test_a_scale_is_not() -> None:
    steps = (60, 62, 64, 65, 67, 69, 71, 72)
    assert not len(pedalled(pieces.piece([pieces.note(6 * i, 6, steps[i % 8]) for i in range(32)])).pedals)


def test_a_pedal_that_is_there_stays() -> None:
    piece = pieces.scale(pedals=[(0, 24)])
    assert pedalled(piece) is piece


@some
@given(pieces.any_piece())
def test_a_pedal_never_goes_over_a_bar_line_nor_over_the_next(piece: Piece) -> None:
    pedals = pedalled(piece).pedals
    assert (pedals["end"] > pedals["start"]).all()
    assert np.array_equal(piece.bar_of(pedals["start"]), piece.bar_of(pedals["end"]))
    assert (pedals["start"][1:] > pedals["end"][:-1]).all()


@some
@given(pieces.any_piece())
def test_under_a_pedal_there_are_four_pitch_classes_at_most(piece: Piece) -> None:
    for start, end in pedalled(piece).pedals.tolist():
        under = piece.notes[(piece.notes["start"] >= start) & (piece.notes["start"] < end)]
        assert len(set((under["pitch"] % 12).tolist())) <= 4
