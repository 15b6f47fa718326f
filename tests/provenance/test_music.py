"""Music with credentials: sound and scores are signed inside; MIDI, Ogg and MusicXML say so, and have a sidecar."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import mido
import numpy as np
import pytest
import soundfile
from PIL import Image

from flamingo.composing.writing import KINDS, check, to_bytes, write
from flamingo.errors import WouldOverwrite
from flamingo.provenance import Origin, verify
from tests.composing import pieces

BESIDE = {".mid", ".midi", ".ogg", ".musicxml"}
SHORT = pieces.piece([pieces.note(0, 24, 60)], bars=1, bpm=200.0, title="Short")
COMPOSED = Origin("compose", {"persona": {"bach": 1.0}, "seed": 3, "key": "C♯ <&> minor"})


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_of_file_says_what_made_it_and_is_whole(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"piece{suffix}"
    assert write(SHORT, file, origin=COMPOSED) == ()
    verdict = verify(file)
    assert verdict.whole and verdict.own and verdict.verb == "compose"
    assert verdict.recipe == COMPOSED.recipe and verdict.inputs == ()
    assert verdict.source_type.endswith("/trainedAlgorithmicMedia")
    assert verdict.found == ("sidecar" if suffix in BESIDE else "file")
    beside = {file, tmp_path / f"piece{suffix}.json"} if suffix in BESIDE else {file}
    assert set(tmp_path.iterdir()) == beside


@pytest.mark.parametrize("suffix", sorted(BESIDE))
def test_without_its_sidecar_the_words_remain_and_prove_nothing(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"piece{suffix}"
    write(SHORT, file, origin=COMPOSED)
    (tmp_path / f"piece{suffix}.json").unlink()
    verdict = verify(file)
    assert verdict.state == "unsigned" and verdict.recipe == COMPOSED.recipe


@pytest.mark.parametrize("suffix", sorted(BESIDE))
def test_a_changed_file_is_not_the_one_its_sidecar_is_about(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"piece{suffix}"
    write(SHORT, file, origin=COMPOSED)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    verdict = verify(file)
    assert verdict.state == "changed" and "other bytes" in verdict.sentences[0]


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".ogg"])
def test_sound_with_credentials_sounds_the_same(suffix: str, tmp_path: Path) -> None:
    write(SHORT, tmp_path / f"a{suffix}", origin=COMPOSED)
    signed, _ = soundfile.read(tmp_path / f"a{suffix}")
    plain, _ = soundfile.read(BytesIO(to_bytes(SHORT, suffix)))
    assert np.array_equal(signed, plain)
    with soundfile.SoundFile(tmp_path / f"a{suffix}") as file:
        assert file.title == "Short"


def test_midi_has_a_text_event_more_and_is_else_the_same(tmp_path: Path) -> None:
    write(SHORT, tmp_path / "a.mid", origin=COMPOSED)
    signed = mido.MidiFile(tmp_path / "a.mid", charset="utf-8")
    plain = mido.MidiFile(file=BytesIO(to_bytes(SHORT, "mid")), charset="utf-8")
    first = list(signed.tracks[0])
    assert [e.type for e in first[:2]] == ["track_name", "text"]
    text = first.pop(1).text
    assert json.loads(text.removeprefix("Made by Flamingo: "))["recipe"] == COMPOSED.recipe
    assert [first, *map(list, signed.tracks[1:])] == list(map(list, plain.tracks))


def test_musicxml_has_a_miscellaneous_field(tmp_path: Path) -> None:
    write(SHORT, tmp_path / "a.musicxml", origin=COMPOSED)
    root = ET.parse(tmp_path / "a.musicxml").getroot()
    (field,) = root.findall("identification/miscellaneous/miscellaneous-field")
    assert field.get("name") == "flamingo" and "C\\u266f" in str(field.text)
    assert [child.tag for child in root.find("identification") or ()][-1] == "miscellaneous", (
        "its place in the schema"
    )


@pytest.mark.parametrize("view", ["roll", "score"])
def test_pictures_of_music_have_the_source_type_in_xmp(view: str, tmp_path: Path) -> None:
    write(SHORT, tmp_path / "a.png", view=view, origin=COMPOSED)  # type: ignore[arg-type]
    with Image.open(tmp_path / "a.png") as opened:
        assert b"digitalsourcetype/trainedAlgorithmicMedia" in opened.info["xmp"]


def test_a_sidecar_that_is_there_is_found_out_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "a.mid.json").write_text("mine")
    check(tmp_path / "a.mid")
    with pytest.raises(WouldOverwrite, match=r"a\.mid\.json"):
        check(tmp_path / "a.mid", credited=True)
    with pytest.raises(WouldOverwrite, match=r"a\.mid\.json"):
        write(SHORT, tmp_path / "a.mid", origin=COMPOSED)
    assert (tmp_path / "a.mid.json").read_text() == "mine" and not (tmp_path / "a.mid").exists()


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".svg", ".png"])
def test_credentials_can_be_left_out(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_CREDENTIALS", "off")
    write(SHORT, tmp_path / f"a{suffix}", origin=COMPOSED)
    assert list(tmp_path.iterdir()) == [tmp_path / f"a{suffix}"]
    assert verify(tmp_path / f"a{suffix}").state == "nothing"


def test_music_that_goes_on_from_a_file_is_a_change_of_it(tmp_path: Path) -> None:
    write(SHORT, tmp_path / "a.svg", origin=Origin("compose", {}, ("cd" * 32,)))
    verdict = verify(tmp_path / "a.svg")
    assert verdict.inputs == (f"sha256:{'cd' * 32}",)
    assert verdict.source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
