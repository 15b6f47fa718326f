"""`compose --edit`: what is asked for is composed anew, what is not stays to the tick, and it says so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from flamingo.composing import editing
from flamingo.composing.chords import chord_at, progression
from flamingo.composing.options import ComposeOptions
from flamingo.composing.personas import Cast
from flamingo.composing.piece import Piece
from flamingo.composing.result import ComposeResult
from flamingo.composing.writing import to_bytes
from flamingo.errors import BadInput, BadRequest
from tests.composing import pieces, tiny
from tests.composing.test_filling import quartet, study

CAST = Cast(tiny.composer(whole=True), {}, "test", ())


def edit(folder: Path, piece: Piece, name: str = "out.mid", **options: Any) -> ComposeResult:
    source = folder / "in.mid"
    source.write_bytes(to_bytes(piece, "mid"))
    asked = ComposeOptions(edit=source, output=folder / name, **options)
    editing.check(asked)
    [result] = editing.edited(asked, CAST, [[folder / name]], [source])
    return result


def messages(file: Path, before: int, after: int, track: int | None = None) -> list[tuple[int, int, str]]:
    """Absolute tick, track and text of what is played outside [before, after)."""
    midi = mido.MidiFile(file=io.BytesIO(file.read_bytes()))
    found = []
    for number, events in enumerate(midi.tracks):
        tick = 0
        for message in events:
            tick += message.time
            if message.type.startswith("note") and (track is None or number == track) and not before <= tick < after:
                found.append((tick, number, str(message.copy(time=0))))
    return sorted(found)


@pytest.mark.parametrize("bars", ["5-8", "1", "12", "2-3,9"])
def test_bars_that_are_not_named_are_the_same_to_the_tick(tmp_path: Path, bars: str) -> None:
    result = edit(tmp_path, study(), bars=bars, seed=3)
    assert result.error is None and result.files == (tmp_path / "out.mid",)
    stretches = editing.spans(bars, 12)
    for first, last in zip([0, *(b for _, b in stretches)], [*(a for a, _ in stretches), 12], strict=True):
        begin, end = first * 4 * 480, last * 4 * 480
        kept = [
            [m for m in messages(tmp_path / name, -2, -1) if begin < m[0] < end] for name in ("in.mid", "out.mid")
        ]
        assert kept[0] == kept[1]
    assert not np.array_equal(result.piece.notes, study().notes)


def test_a_note_before_a_change_of_tempo_stays_where_it_is(tmp_path: Path) -> None:
    """It is early, and so still played at the tempo before."""
    notes = [pieces.note(24 * i, 24, 60 + i % 5, shift=-0.005) for i in range(1, 32)]
    played = pieces.piece(notes, bars=8, tempos=[(24 * i, 60 + 13 * (i % 7)) for i in range(32)])
    edit(tmp_path, played, bars="8")
    struck = [
        [m for m in messages(tmp_path / name, -2, -1) if m[0] < 7 * 4 * 480 - 50 and "note_on" in m[2]]
        for name in ("in.mid", "out.mid")
    ]
    assert struck[0] == struck[1]


def test_a_hand_is_composed_beside_the_other(tmp_path: Path) -> None:
    edit(tmp_path, study(), bars="3-6", part="left")
    assert messages(tmp_path / "in.mid", -2, -1, 1) == messages(tmp_path / "out.mid", -2, -1, 1)
    left = [messages(tmp_path / name, -2, -1, 2) for name in ("in.mid", "out.mid")]
    assert left[0] != left[1]


def test_it_says_what_it_did(tmp_path: Path) -> None:
    notes = edit(tmp_path, study(), bars="3-6, 9", part="left").notes
    assert notes[0].startswith("bars 3 to 6 and bar 9 composed anew, left: ")


def test_a_tune_is_given_an_accompaniment(tmp_path: Path) -> None:
    tune = pieces.piece([pieces.note(24 * i, 24, 67 + i % 8) for i in range(32)], bars=8)
    result = edit(tmp_path, tune, part="accompaniment")
    assert set(result.piece.bar_of(result.piece.notes["start"]).tolist()) == set(range(8))
    assert len(result.piece.notes) > len(tune.notes)


def test_a_tune_is_given_to_a_line_and_accompanied_by_the_others(tmp_path: Path) -> None:
    tune = pieces.piece([pieces.note(24 * i, 24, 67 + i % 8) for i in range(32)], bars=8)
    result = edit(tmp_path, tune, part="accompaniment", instrument="string-quartet")
    assert result.piece.programs == (40, 40, 41, 42)
    notes = result.piece.notes
    assert notes["pitch"][notes["part"] == 0].tolist() == tune.notes["pitch"].tolist()
    assert set(notes["part"].tolist()) > {0}


def test_an_instrument_that_has_no_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="lines"):
        edit(tmp_path, study(), instrument="guitar")


def test_every_kind_of_file_can_be_written(tmp_path: Path) -> None:
    for name in ("out.mid", "out.musicxml", "out.png"):
        assert edit(tmp_path, study(4), name, bars="2").files == (tmp_path / name,)


def test_variations_differ(tmp_path: Path) -> None:
    source = tmp_path / "in.mid"
    source.write_bytes(to_bytes(study(), "mid"))
    asked = ComposeOptions(edit=source, bars="2-5", variations=2)
    one, two = editing.edited(asked, CAST, [[tmp_path / "1.mid"], [tmp_path / "2.mid"]], [source])
    assert not np.array_equal(one.piece.notes, two.piece.notes)


def test_the_recipe_names_the_music_by_its_fingerprint(tmp_path: Path) -> None:
    recipe = edit(tmp_path, study(), bars="2").recipe
    assert len(recipe["edit"]) == 64 and recipe["bars"] == "2" and "seconds" not in recipe


def test_pitch_and_speed_act_on_the_finished_piece(tmp_path: Path) -> None:
    plain = edit(tmp_path, study(), bars="2", seed=1).piece
    moved = edit(tmp_path, study(), bars="2", seed=1, pitch=2, speed=2.0).piece
    assert (moved.notes["pitch"].astype(int) - plain.notes["pitch"] == 2).all()
    assert float(moved.seconds()) == pytest.approx(float(plain.seconds()) / 2)


def test_drums_that_are_left_out_are_said(tmp_path: Path) -> None:
    midi = mido.MidiFile(file=io.BytesIO(to_bytes(study(), "mid")))
    beat = [mido.Message(kind, channel=9, note=36, time=120) for kind in ("note_on", "note_off")]
    midi.tracks.append(mido.MidiTrack(beat))
    midi.save(tmp_path / "in.mid")
    asked = ComposeOptions(edit=tmp_path / "in.mid", output=tmp_path / "out.mid", bars="2")
    [result] = editing.edited(asked, CAST, [[tmp_path / "out.mid"]], [])
    assert "its drums are left out" in result.notes


# What bars and parts are ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, [(0, 20)]), ("9-12", [(8, 12)]), ("3", [(2, 3)]), ("1-4,9", [(0, 4), (8, 9)]), (" 5 - 6 ", [(4, 6)]),
        ("4-6,5-9", [(3, 9)]), ("10,1", [(0, 1), (9, 10)]), ("1-20", [(0, 20)]),
    ],
)  # fmt: skip
def test_bars_are_numbered_from_one(text: str | None, found: list[tuple[int, int]]) -> None:
    assert editing.spans(text, 20) == found


@pytest.mark.parametrize("text", ["", "0", "0-3", "7-5", "a", "1-", "-3", "1,,2", "1.5", "bars 3"])
def test_what_names_no_bars_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match="write 9-12"):
        editing.spans(text, 20)


@pytest.mark.parametrize("text", ["21", "19-22", "99999"])
def test_bars_past_the_end_are_refused_with_how_many_there_are(text: str) -> None:
    with pytest.raises(BadRequest, match="has 20 bars"):
        editing.spans(text, 20)


@pytest.mark.parametrize(
    ("text", "of_piano", "of_quartet"),
    [("melody", (0,), (0,)), ("accompaniment", (1,), (1, 2, 3)), ("2", (1,), (1,)), ("1,2", (0, 1), (0, 1))],
)
def test_parts_have_names_and_numbers(text: str, of_piano: tuple[int, ...], of_quartet: tuple[int, ...]) -> None:
    assert editing.parts_named(text, study()) == of_piano
    assert editing.parts_named(text, quartet()) == of_quartet


@pytest.mark.parametrize(
    ("text", "piece", "why"),
    [
        ("left", quartet(), "only a piano has hands"),
        ("5", quartet(), "has parts 1, 2, 3, 4"),
        ("0", study(), "has parts 1, 2"),
        ("tenor", study(), "use melody, accompaniment, right, left"),
        ("", study(), "use melody, accompaniment, right, left"),
        ("accompaniment", pieces.piece([pieces.note(0, 24, 60)], programs=(40,)), "has one part"),
    ],
)
def test_parts_that_are_not_there_are_refused(text: str, piece: Piece, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        editing.parts_named(text, piece)


# What is refused ----------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"seconds": 20.0}, {"key": "C minor"}, {"mood": "sad"}, {"best": 4}, {"modulate": False}, {"humanise": 0.9}],
)
def test_options_that_would_change_nothing_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="does not go with --edit"):
        edit(tmp_path, study(), **options)


@pytest.mark.parametrize("options", [{"bars": "1-4"}, {"part": "left"}])
def test_bars_and_parts_go_with_edit_alone(options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="add --edit FILE"):
        editing.check(ComposeOptions(**options))


def test_music_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "in.mid").write_bytes(b"MThd nothing")
    asked = ComposeOptions(edit=tmp_path / "in.mid", output=tmp_path / "out.mid")
    with pytest.raises(BadInput, match=r"in\.mid"):
        editing.edited(asked, CAST, [[tmp_path / "out.mid"]], [])
    assert not (tmp_path / "out.mid").exists()


def test_a_bar_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    long = pieces.piece([pieces.note(0, 24, 60), pieces.note(192, 24, 62)], metre="8/4", bars=2)
    with pytest.raises(BadRequest, match="at most six quarter notes"):
        edit(tmp_path, long, bars="2")


def test_a_metre_that_changes_is_kept(tmp_path: Path) -> None:
    mixed = pieces.piece(
        [pieces.note(12 * i, 12, 60 + i % 5) for i in range(26)], metres=["4/4", "3/4", "6/8", "3/4"]
    )
    after = edit(tmp_path, mixed, bars="2-3").piece
    assert after.edges.tolist() == mixed.edges.tolist()
    assert set(after.bar_of(after.notes["start"]).tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("bars", [None, "5-12"])
def test_a_tune_is_harmonised_with_the_chords_that_are_given(tmp_path: Path, bars: str | None) -> None:
    """By a network that has learned nothing, so that it is the chords and not what it knows."""

    def share(**asked: Any) -> float:
        result = edit(tmp_path, study(), part="left", bars=bars, overwrite=True, seed=1, **asked)
        notes = result.piece.notes
        chords, first = progression("C F | G7"), 0 if bars is None else 4
        left = notes[(notes["part"] == 1) & (notes["start"] >= 96 * first)]
        found = []
        for start, pitch in left[["start", "pitch"]].tolist():
            chord = chord_at(chords, start // 96 - first, start % 96 / 96)
            found.append(pitch % 12 in chord.classes)
        return float(np.mean(found))

    assert share(chords="C F | G7") > 0.6 > share()


def test_chords_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="chord 'X'"):
        edit(tmp_path, study(), chords="C X")
