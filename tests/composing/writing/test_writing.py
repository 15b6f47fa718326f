"""Which file holds what, what is found out beforehand, and that nothing is left half written."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile
import symusic

from flamingo import errors
from flamingo.composing.options import SoundOptions
from flamingo.composing.writing import KINDS, check, sound, to_bytes, write
from tests.composing import pieces

SOUND = [".wav", ".mp3", ".ogg", ".flac"]


@pytest.mark.parametrize("suffix", SOUND)
def test_a_sound_file_holds_the_whole_piece(tmp_path: Path, suffix: str, rendered: object) -> None:
    path = tmp_path / f"out{suffix}"
    assert write(pieces.scale(title="Scale", persona="Ada"), path) == ()
    with soundfile.SoundFile(path) as file:
        assert file.samplerate == 44100 and file.channels == 2
        assert abs(file.frames - len(rendered)) < 44100 / 20  # type: ignore[arg-type]
        assert (file.title, file.artist) == ("Scale", "Flamingo (Ada)")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".MID"])
def test_a_midi_file_holds_the_notes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    assert write(pieces.scale(), path) == ()
    score: Any = symusic.Score(str(path))
    assert score.note_num() == 10


@pytest.mark.parametrize(
    ("kind", "start"),
    [("musicxml", (b"<?xml", b"\xef\xbb\xbf<?xml")), ("svg", (b"<?xml", b"<svg")), ("pdf", (b"%PDF",))],
)
def test_sheet_music_is_of_its_kind(kind: str, start: tuple[bytes, ...]) -> None:
    assert to_bytes(pieces.scale(), kind).startswith(start)


@pytest.mark.parametrize("view", ["roll", "score"])
def test_a_picture_is_a_roll_or_a_score(view: str) -> None:
    assert to_bytes(pieces.scale(), ".png", view=view).startswith(b"\x89PNG")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["mid", ".mid", "wav"])
def test_the_same_piece_gives_the_same_file(kind: str) -> None:
    assert to_bytes(pieces.scale(), kind) == to_bytes(pieces.scale(), kind)


def test_bytes_are_what_the_file_holds(tmp_path: Path) -> None:
    write(pieces.scale(), tmp_path / "out.mid")
    assert (tmp_path / "out.mid").read_bytes() == to_bytes(pieces.scale(), "mid")


# What is said ----------------------------------------------------------


def test_silence_is_said() -> None:
    assert "nothing to hear" in " ".join(write_notes(pieces.piece()))


def write_notes(piece: object, **more: object) -> tuple[str, ...]:
    from flamingo.composing.writing import files

    return files._rendered(piece, ".wav", SoundOptions(), "roll", **more)[1]  # type: ignore[arg-type]


def test_what_stays_soft_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "describe_loudness", lambda *_: {"lufs": -19.0, "peak_dbfs": -1.0, "seconds": 1.0})
    assert "-19.0 LUFS" in " ".join(write_notes(pieces.scale()))


def test_a_soundfont_that_is_not_needed_is_said(tmp_path: Path) -> None:
    notes = write(pieces.scale(), tmp_path / "out.mid", sound=SoundOptions(soundfont=tmp_path / "any.sf2"))
    assert len(notes) == 1 and "SoundFont" in notes[0]


# What is refused ----------------------------------------------------------


@pytest.mark.parametrize("name", ["out.gif", "out", "out.", "out.jpg"])
def test_an_unknown_suffix_is_refused_with_those_there_are(tmp_path: Path, name: str) -> None:
    for act in (lambda: check(tmp_path / name), lambda: write(pieces.scale(), tmp_path / name)):
        with pytest.raises(errors.BadRequest) as caught:
            act()
        assert all(kind in str(caught.value) for kind in KINDS)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_or_view_is_refused() -> None:
    with pytest.raises(errors.BadRequest, match="aiff"):
        to_bytes(pieces.scale(), "aiff")
    with pytest.raises(errors.BadRequest, match="upside"):
        to_bytes(pieces.scale(), "png", view="upside")  # type: ignore[arg-type]


def test_a_missing_folder_is_found_out_beforehand(tmp_path: Path) -> None:
    with pytest.raises(errors.NoSuchFolder):
        check(tmp_path / "gone" / "out.mid")


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "out.mid"
    target.write_bytes(b"precious")
    for act in (lambda: check(target), lambda: write(pieces.scale(), target)):
        with pytest.raises(errors.WouldOverwrite):
            act()
    assert target.read_bytes() == b"precious"
    write(pieces.scale(), target, overwrite=True)
    assert target.read_bytes().startswith(b"MThd")


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "in.mid"
    source.write_bytes(b"precious")
    with pytest.raises(errors.WouldOverwrite, match="input"):
        write(pieces.scale(), source, overwrite=True, never=[source])
    assert source.read_bytes() == b"precious"


def test_a_bad_soundfont_is_found_out_beforehand(tmp_path: Path) -> None:
    (tmp_path / "bad.sf2").write_bytes(b"no")
    with pytest.raises(errors.BadInput, match="no SoundFont"):
        check(tmp_path / "out.mp3", sound=SoundOptions(soundfont=tmp_path / "bad.sf2"))
    check(tmp_path / "out.mid", sound=SoundOptions(soundfont=tmp_path / "bad.sf2"))


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    for kind in KINDS:
        check(tmp_path / f"out{kind}")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.mid"
    target.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(errors.DiskFull):
        write(pieces.scale(), target, overwrite=True)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_fails_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.BadInput("the sound", "went wrong")

    monkeypatch.setattr(sound, "render", fail)
    with pytest.raises(errors.BadInput):
        write(pieces.scale(), tmp_path / "out.mp3")
    assert list(tmp_path.iterdir()) == []


def test_heavy_packages_wait_until_they_are_needed() -> None:
    code = (
        "import sys, flamingo, flamingo.composing.writing; "
        "import flamingo.composing.writing.sound, flamingo.composing.writing.midi; "
        "print([m for m in ('scipy', 'soundfile', 'pyloudnorm', 'midirenderer', 'mido', 'pretty_midi', 'symusic', "
        "'verovio', 'music21') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_kind_can_be_asked_for_in_memory() -> None:
    assert io.BytesIO(to_bytes(pieces.scale(), "FLAC")).read(4) == b"fLaC"
