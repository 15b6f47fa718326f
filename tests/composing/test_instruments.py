"""Who plays: instruments are named, keep to their ranges, and are composed for as what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing.events import ENSEMBLES
from flamingo.composing.instruments import (
    GROUPS,
    INSTRUMENTS,
    PIANO,
    instrumentation_of,
    instruments_of,
    played_by,
    players_of,
    within,
)
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest
from tests.composing import pieces

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


def pitches(piece: Piece, part: int) -> set[int]:
    return set(piece.notes["pitch"][piece.notes["part"] == part].tolist())


def test_the_first_has_the_melody_and_the_last_the_bass() -> None:
    for names in (["flute", "piano"], ["violin", "viola", "cello"], ["violin", "violin", "viola", "cello"]):
        played = played_by(pieces.chords(), names)
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
    assert pitches(played_by(pieces.chords(), names), 0) == {72}


def test_four_play_a_voice_each() -> None:
    played = played_by(pieces.chords(), ["piano"] * 4)
    assert [pitches(played, part) for part in range(4)] == [{72}, {64}, {57}, {48}]


def test_a_lone_note_goes_to_whom_it_is_near() -> None:
    piece = pieces.piece([pieces.note(0, 24, 76), pieces.note(24, 24, 40)])
    assert played_by(piece, ["violin", "cello"]).notes["part"].tolist() == [0, 1]


def test_notes_that_fall_together_are_one_and_the_longer_one_stays() -> None:
    piece = pieces.piece([pieces.note(0, 24, 40), pieces.note(0, 96, 64)])
    assert played_by(piece, ["flute"]).notes[["duration", "pitch"]].tolist() == [(96, 64)]


# -- for whom it is composed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "ensemble", "lines", "hands"),
    [
        ("piano", "piano", 0, 2),
        ("harp", "piano", 0, 2),
        ("flute,piano", "voice", 1, 2),
        ("piano-trio", "voice", 2, 2),
        ("violin", "strings", 1, 0),
        ("string-quartet", "strings", 4, 0),
        ("flute,cello", "chamber", 2, 0),
        ("woodwind-quartet", "chamber", 4, 0),
    ],
)
def test_lines_and_hands_are_composed_for_as_what_they_are(names: str, ensemble: str, lines: int, hands: int) -> None:
    found = instrumentation_of(instruments_of(names))
    assert found is not None
    assert ENSEMBLES[found.ensemble] == ensemble
    assert [player.line for player in found.players] == [True] * lines + [False] * hands


@pytest.mark.parametrize("names", ["guitar", "strings", "piano,flute", "flute,guitar", "piano,piano"])
def test_others_play_what_was_composed_for_a_piano(names: str) -> None:
    assert instrumentation_of(instruments_of(names)) is None


def test_a_piano_is_two_hands_of_one_player() -> None:
    assert instrumentation_of(["piano"]) == PIANO
    assert players_of(PIANO.programs) == [(0, 1)]


@pytest.mark.parametrize(
    ("programs", "players"),
    [
        ((0,), [(0,)]),
        ((73, 0, 0), [(0,), (1, 2)]),
        ((0, 0, 0, 0), [(0, 1), (2, 3)]),
        ((40, 40, 41, 42), [(0,), (1,), (2,), (3,)]),
        ((46, 46), [(0, 1)]),
        ((0, 0, 0), [(0, 1), (2,)]),
    ],
)
def test_two_neighbours_on_a_keyboard_or_harp_are_its_hands(
    programs: tuple[int, ...], players: list[tuple[int, ...]]
) -> None:
    assert players_of(programs) == players


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_a_name_for_its_instruments(name: str) -> None:
    assert instruments_of(name.replace("-", " ")) == list(GROUPS[name])


def test_a_part_that_leaves_its_range_comes_back_by_octaves_and_the_others_stay() -> None:
    piece = pieces.piece([pieces.note(0, 24, 40), pieces.note(0, 24, 64, part=1)], programs=(73, 0))
    assert within(piece, [(60, 96), (21, 108)]).notes["pitch"].tolist() == [64, 64]
