"""A film that is only planned, and a storyboard whose photos come with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.errors import BadInput, BadRequest, WouldOverwrite
from flamingo.filming import planning
from flamingo.filming.api import FilmResult, film
from flamingo.filming.storyboard import Brought, FilmLook, Music, Shot, Storyboard, among, load
from tests.conftest import needs_models
from tests.filming.albums import album, clicks, frames, photo

SMALL: dict[str, Any] = {"model": "fast", "style": "udnie", "resolution": 64, "fps": 12}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> FilmResult:
    """Three photos, planned to clicks at 120 a minute."""
    folder = tmp_path_factory.mktemp("plan")
    told: list[str] = []
    [found] = film(
        [album(folder / "album")], **SMALL, music=clicks(folder / "clicks.wav"), seconds=5, captions="name",
        output=folder / "summer.storyboard.json", on_progress=lambda done, many, what: told.append(what),
    )  # fmt: skip
    assert told[-1] == "done" and not any(what.startswith(("painting", "frame")) for what in told)
    return found


# -- the plan alone ------------------------------------------------------------------------------------------


@needs_models
def test_a_plan_is_the_storyboard_and_nothing_else(planned: FilmResult) -> None:
    assert planned.file is not None and planned.beside == ()
    assert {path.name for path in planned.file.parent.iterdir()} == {
        "album",
        "clicks.wav",
        "summer.storyboard.json",
    }
    board = load(planned.file)
    assert [shot.photo for shot in board.shots] == ["album/coffee.jpg", "album/chelsea.jpg", "album/astronaut.jpg"]
    assert board.music.file == "clicks.wav"
    assert [shot.caption for shot in board.shots] == ["coffee", "chelsea", "astronaut"]


@needs_models
def test_a_plan_says_where_the_beats_are_and_cuts_on_them(planned: FilmResult) -> None:
    assert planned.beats and set(planned.bars) <= set(planned.beats)
    assert all(min(abs(shot.start - beat) for beat in planned.beats) < 0.01 for shot in planned.storyboard.shots[1:])
    told = planned.as_dict()
    assert (told["beats"], told["bars"]) == (list(planned.beats), list(planned.bars))


@needs_models
def test_many_photos_get_music_with_a_beat_for_each(tmp_path: Path) -> None:
    """In 12 s; by itself the piece would have 14 beats of 0.57 s, too few for 14 photos that end before the last."""
    for i in range(14):
        photo(tmp_path / f"{i:02d}.jpg", ("astronaut", "coffee", "rocket")[i % 3], (96, 64 + 4 * i))
    options = SMALL | {"seed": 0, "keep_all": True, "seconds": 12.0}
    [found] = film([tmp_path], **options, output=tmp_path / "plan.json")
    changes = [shot.start for shot in found.storyboard.shots[1:]]
    assert len(changes) == 13
    assert max(min(abs(change - beat) for beat in found.beats) for change in changes) < 0.01


@needs_models
def test_a_plan_replaces_nothing_unless_told(planned: FilmResult, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(WouldOverwrite):
        film([album(tmp_path / "album")], **SMALL, seconds=4, output=tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text() == "mine"


@needs_models
def test_a_film_and_a_plan_are_made_at_once(planned: FilmResult, tmp_path: Path) -> None:
    assert planned.file is not None
    outputs = (tmp_path / "film.mp4", tmp_path / "plan.json")
    [made] = film(storyboard=planned.file, output=outputs)
    assert made.files == outputs
    beside = {"film.poster.jpg", "film.sheet.jpg", "film.storyboard.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "plan.json"} | beside
    assert load(outputs[1]) == load(tmp_path / "film.storyboard.json")


# -- a storyboard with its photos ----------------------------------------------------------------------------


@needs_models
def test_a_storyboard_is_rendered_with_photos_that_lie_elsewhere(planned: FilmResult, tmp_path: Path) -> None:
    assert planned.file is not None
    board = shutil.copyfile(planned.file, tmp_path / "board.json")
    photos = [Path(shutil.copy(path, tmp_path)) for path in sorted((planned.file.parent / "album").iterdir())]
    song = Path(shutil.copy(planned.file.parent / "clicks.wav", tmp_path))
    [made] = film(photos, storyboard=board, music=song, output=tmp_path / "film.mp4")
    assert made.file is not None
    assert abs(len(frames(made.file)[0]) / 12 - 5) <= 1 / 12
    assert [shot.photo for shot in load(tmp_path / "film.storyboard.json").shots] == [
        "coffee.jpg",
        "chelsea.jpg",
        "astronaut.jpg",
    ]


@needs_models
def test_what_is_missing_is_named(planned: FilmResult, tmp_path: Path) -> None:
    assert planned.file is not None
    photos = planned.file.parent / "album"
    song = planned.file.parent / "clicks.wav"
    with pytest.raises(BadInput, match=r"summer\.storyboard\.json: the photo coffee\.jpg is not among the files"):
        film([photos / "chelsea.jpg"], storyboard=planned.file, music=song, output=tmp_path / "film.mp4")
    with pytest.raises(BadInput, match=r"the music clicks\.wav is not among"):
        film([photos], storyboard=planned.file, output=tmp_path / "film.mp4")
    with pytest.raises(BadInput, match=r"the photo coffee\.jpg is not among"):
        film(storyboard=planned.file, music=song, output=tmp_path / "film.mp4")
    other = photo(tmp_path / "coffee.jpg", "rocket")
    with pytest.raises(BadInput, match=r"coffee\.jpg could be any of 2 files"):
        film([photos, other], storyboard=planned.file, music=song, output=tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["coffee.jpg"]


@needs_models
def test_a_wish_beside_a_storyboard_is_refused_files_are_not(planned: FilmResult, tmp_path: Path) -> None:
    assert planned.file is not None
    with pytest.raises(BadRequest, match="the storyboard says that itself"):
        film([planned.file.parent / "album"], storyboard=planned.file, seconds=9, output=tmp_path / "film.mp4")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=2, max_size=5, unique=True), st.sampled_from(["", "/etc/", "../", "C:\\x\\"]))
def test_whatever_a_storyboard_names_it_gets_what_was_brought(names: list[str], folder: str) -> None:
    shots = tuple(Shot(folder + name, i, i + 1) for i, name in enumerate(names))
    board = Storyboard(shots, music=Music("/etc/song.mp3"), manner=FilmLook(paintings=("../monet.jpg",)))
    brought = Brought(tuple(f"here/{name}" for name in names), ("monet.jpg",), (), ("song.mp3",))
    found = among(board, brought, "board.json")
    assert [shot.photo for shot in found.shots] == list(brought.photos)
    assert (found.music.file, found.manner.paintings) == ("song.mp3", ("monet.jpg",))
    with pytest.raises(BadInput, match="is not among"):
        among(board, replace(brought, photos=brought.photos[1:]), "board.json")


def test_a_storyboard_can_be_called_otherwise_in_messages(tmp_path: Path) -> None:
    (tmp_path / "upload-7").write_text(json.dumps({"shots": []}))
    with pytest.raises(BadInput, match=r"^mine\.json: shots"):
        load(tmp_path / "upload-7", "mine.json")


def test_music_for_a_storyboard_that_has_its_own_is_refused() -> None:
    board = Storyboard((Shot("a.jpg", 0, 1), Shot("b.jpg", 1, 2)))
    with pytest.raises(BadInput, match="its music is composed"):
        among(board, Brought(("a.jpg", "b.jpg"), music=("song.mp3",)), "board.json")


@pytest.mark.parametrize("name", ["song.m4a", "song.mid", "song.kar", "song.musicxml"])
def test_any_music_that_is_read_is_music_for_a_film(name: str, tmp_path: Path) -> None:
    from flamingo.filming import score
    from flamingo.filming.cache import Work
    from flamingo.filming.storyboard import Music
    from tests.composing.reading.test_midi_reading import patterns
    from tests.composing.reading.test_musicxml_values import note
    from tests.composing.reading.test_musicxml_values import score as written
    from tests.composing.reading.test_recordings import voice_memo

    file = tmp_path / name
    if file.suffix == ".m4a":
        voice_memo(file)
    elif file.suffix == ".musicxml":
        file.write_text(written(*[note("CDEF"[i], 24) for i in range(4)]))
    else:
        file.write_bytes(patterns(60, 72, form=1))
    made = score.made(Music(file=str(file)), None, Work(tmp_path / "film.mp4"), lambda share, what: None, 60.0)
    assert made.samples.shape == (round(made.seconds * score.RATE), 2)
    assert np.abs(made.samples).max() > 0.05
    if file.suffix != ".m4a":
        assert made.beats[:4].tolist() == pytest.approx([0, 0.5, 1.0, 1.5])
        assert any("played by Flamingo's own instruments" in note for note in made.notes)


@needs_models
@pytest.mark.parametrize("pace", [1, 1.7])
def test_a_pace_is_kept_by_every_photo(pace: float, tmp_path: Path) -> None:
    [found] = film([album(tmp_path / "album")], **SMALL, pace=pace * 4 / 3, output=tmp_path / "p.storyboard.json")
    lasts = [shot.end - shot.start for shot in found.storyboard.shots]
    assert lasts == pytest.approx([pace * 4 / 3] * 3, abs=1 / SMALL["fps"])


@needs_models
def test_a_pace_is_kept_to_own_music_too(tmp_path: Path) -> None:
    """Whose beats, at 120 a minute, are no multiple of it."""
    [found] = film(
        [album(tmp_path / "album")], **SMALL, pace=1.4, music=clicks(tmp_path / "clicks.wav"),
        output=tmp_path / "p.storyboard.json",
    )  # fmt: skip
    assert [shot.end - shot.start for shot in found.storyboard.shots] == pytest.approx([1.4] * 3, abs=0.09)


def test_an_exciting_photo_is_shown_shorter_than_a_calm_one() -> None:
    moods = [SimpleNamespace(mood=(0.0, arousal)) for arousal in (-1.0, 0.0, 1.0)]
    calm, plain, exciting = planning.weights(moods, SimpleNamespace(pace=None))  # type: ignore[arg-type]
    assert (calm, plain, exciting) == pytest.approx((1.35, 1.0, 0.65))
    assert planning.weights(moods, SimpleNamespace(pace=2.0)) == [1.0] * 3  # type: ignore[arg-type]
