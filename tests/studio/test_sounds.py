"""Music is taken alike by command, page and film: what the studio takes in is what the command line reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flamingo.composing.reading import KINDS
from tests.composing.reading.test_midi_reading import patterns
from tests.composing.reading.test_recordings import voice_memo
from tests.studio.serving import Served


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        (".m4a", "audio/mp4"),
        (".aac", "audio/aac"),
        (".aiff", "audio/aiff"),
        (".opus", "audio/ogg"),
        (".wav", "audio/wav"),
    ],
)
def test_a_recording_is_taken_in(suffix: str, media_type: str, served: Served, tmp_path: Path) -> None:
    told = served.upload(voice_memo(tmp_path / f"memo{suffix}").read_bytes(), f"memo{suffix}")
    assert (told["kind"], told["media_type"], told["name"]) == ("sound", media_type, f"memo{suffix}")
    assert told["seconds"] == pytest.approx(4, abs=0.4)


def test_a_voice_memo_in_a_plain_mp4_is_a_recording_by_its_name(served: Served, tmp_path: Path) -> None:
    memo = voice_memo(tmp_path / "memo.mp4")
    assert served.upload(memo.read_bytes(), "memo.m4a")["kind"] == "sound"


@pytest.mark.parametrize("name", ["song.kar", "song.rmi", "song.mid"])
def test_midi_keeps_its_name_whatever_it_is_called(name: str, served: Served) -> None:
    told = served.upload(patterns(60, 72, form=1), name)
    assert (told["kind"], told["name"]) == ("music", name)


def test_the_pages_offer_all_that_is_read(served: Served) -> None:
    for page, field in (("film", "music-file"), ("compose", "begin-file")):
        found = re.search(rf'id="{field}"[^>]*accept="([^"]*)"', served.http.get(f"/{page}").text)
        assert found is not None
        assert set(found[1].split(",")) == set(KINDS)
