"""Music in folders named by moods teaches the composer what is called so; a persona that is ready says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flamingo.cli import run
from flamingo.composing import personas
from flamingo.composing.writing import write
from flamingo.errors import BadRequest
from flamingo.mood.valence_arousal import WORDS
from flamingo.train.composing.music import load_music
from flamingo.train.composing.windows import excerpt
from flamingo.train.corpus import sources
from tests.composing import tiny


@pytest.fixture(scope="module")
def moods(few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Angry and calm music: MIDI files, a score, a recording; and a folder that is named by no mood."""
    folder = tmp_path_factory.mktemp("moods")
    files = sorted(few_works.rglob("*.mid"))
    for word, chosen in (("Angry", files[:2]), ("calm", files[2:4]), ("holidays", files[4:5])):
        (folder / word).mkdir()
        for file in chosen:
            shutil.copyfile(file, folder / word / file.name)
    write(tiny.study("C major", 100, 1), folder / "calm" / "score.musicxml")
    return folder


def test_each_piece_is_told_the_place_of_its_folders_word(moods: Path, few_works: Path) -> None:
    found = sources.find_moods(moods)
    assert {s.mood for s in found} == {"angry", "calm"} and len(found) == 5
    music = load_music((str(few_works),), None, str(moods))
    told = [song for song in music.songs["train"] if song.mood_point is not None]
    assert len(told) == 5 and len(music.songs["train"]) > 5
    for song in told:
        rows = excerpt(song, 0, len(song.first) - 1, song.key, faster=1.2, louder=1)
        assert song.mood_point in (WORDS["angry"], WORDS["calm"])
        assert np.allclose(rows["valence"], song.mood_point[0]) and np.allclose(rows["arousal"], song.mood_point[1])
    plain = next(song for song in music.songs["train"] if song.mood_point is None)
    assert len(set(excerpt(plain, 0, len(plain.first) - 1, plain.key)["valence"].tolist())) > 1


@pytest.mark.parametrize("with_music", [True, False])
def test_the_command_learns_from_them(moods: Path, few_works: Path, tmp_path: Path, with_music: bool) -> None:
    music = ["--music", str(few_works)] if with_music else []
    assert run([
        "train", "compose", "--model", "debug", *music, "--moods", str(moods), "--out", str(tmp_path / "run"),
        "--budget", "90s", "--steps", "1", "--length", "64", "--batch", "2", "--device", "cpu", "--precision", "f32",
    ]) == 0  # fmt: skip


def test_a_folder_without_moods_is_refused(tmp_path: Path, few_works: Path) -> None:
    with pytest.raises(BadRequest, match="named by a mood"):
        sources.find_moods(few_works)
    with pytest.raises(BadRequest, match="no such folder"):
        sources.find_moods(tmp_path / "nowhere")


def test_a_persona_that_is_ready_says_so_and_how_to_use_it(
    moods: Path, few_works: Path, composer_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    fresh_caches: None, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from flamingo.train.composing import export

    export.release(composer_run(), tmp_path / "weights", [few_works])
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.delenv("FLAMINGO_PERSONAS", raising=False)
    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path / "data"))
    assert run([
        "train", "compose", "--model", "debug", "--persona", "my-band", "--music", str(few_works),
        "--moods", str(moods),
        "--out", str(tmp_path / "run"), "--budget", "90s", "--steps", "1", "--length", "64", "--batch", "2",
        "--device", "cpu", "--precision", "f32",
    ]) == 0  # fmt: skip
    captured = capsys.readouterr()
    assert captured.out.strip().splitlines()[-1] == "flamingo compose --persona my-band"
    assert "my-band is ready" in " ".join(captured.err.split())
    assert personas.own() == ["my-band"]
    assert (tmp_path / "data" / "personas" / "my-band.safetensors").is_file(), "FLAMINGO_DATA moves personas too"
    command = captured.out.strip().splitlines()[-1].split()[1:]
    assert run([*command, "--seconds", "6", "-o", str(tmp_path / "x.mid")]) == 0
