"""`flamingo.film`: an album in, a film out; checked on the file itself, by decoding it. With the fast painter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
import pytest

import flamingo
from flamingo.errors import BadInput, BadRequest, UnreadableMusic, WouldOverwrite
from flamingo.filming.api import FilmResult, film
from tests.conftest import needs_models
from tests.filming.albums import album, clicks, frames, photo, sound

pytestmark = needs_models

FPS = 12
SMALL: dict[str, Any] = {"model": "fast", "style": "udnie", "resolution": 64, "fps": FPS}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FilmResult:
    """Three photos to music that was composed for them."""
    folder = tmp_path_factory.mktemp("film")
    [found] = film(
        [album(folder / "album")], **SMALL, persona="schubert", seconds=8, motion=1, title="Summer", captions="date",
        seed=3, output=folder / "film.mp4",
    )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def seen(made: FilmResult) -> tuple[np.ndarray[Any, Any], list[float]]:
    assert made.file is not None
    return frames(made.file)


# -- what it must show, on the file itself -------------------------------------------------------------------


def test_the_film_is_as_long_as_its_score(made: FilmResult, seen: tuple[np.ndarray[Any, Any], list[float]]) -> None:
    assert made.error is None
    pictures, times = seen
    assert abs(len(pictures) / FPS - 8.0) <= 1 / FPS
    assert np.allclose(times, np.arange(len(times)) / FPS, atol=1e-3)
    assert pictures.shape[1:] == (64, 114, 3)


def test_sound_and_picture_begin_and_end_together(made: FilmResult) -> None:
    assert made.file is not None
    samples, rate, begins = sound(made.file)
    assert abs(begins) < 1 / FPS
    assert abs(begins + len(samples) / rate - 8.0) <= 1 / FPS


def test_no_frame_is_black_and_none_is_shown_twice(seen: tuple[np.ndarray[Any, Any], list[float]]) -> None:
    pictures = seen[0].astype(int)
    assert pictures.mean(axis=(1, 2, 3)).min() > 8
    assert np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3)).min() > 0.05


def test_every_cut_is_within_a_frame_of_its_beat(
    made: FilmResult, seen: tuple[np.ndarray[Any, Any], list[float]]
) -> None:
    change = np.abs(np.diff(seen[0].astype(int), axis=0)).mean(axis=(1, 2, 3))
    cuts = [shot for shot in made.storyboard.shots[1:] if shot.transition == "cut"]
    for shot in cuts:
        near = slice(max(0, round(shot.start * FPS) - 3), round(shot.start * FPS) + 2)
        found = near.start + int(change[near].argmax()) + 1
        assert abs(found / FPS - shot.start) <= 1 / FPS
    assert not [note for note in made.notes if "on no beat" in note]


def test_the_last_note_is_struck_in_the_last_shot(made: FilmResult) -> None:
    assert made.file is not None
    samples, rate, _ = sound(made.file)
    # What begins to sound from one twenty-fifth of a second to the next, over all frequencies: a chord is heard there
    # even where what was struck before still sounds as loud.
    step = rate // 25
    mono = samples.astype(float).mean(axis=1)
    parts = mono[: len(mono) // step * step].reshape(-1, step) * np.hanning(step)
    heard = np.abs(np.fft.rfft(parts, axis=1))
    begins = np.maximum(heard[1:] - heard[:-1], 0).sum(axis=1)
    struck = np.flatnonzero(begins > 0.2 * begins.max()) + 1
    assert made.storyboard.shots[-1].start <= (struck[-1] + 1) * step / rate


def test_it_is_as_loud_as_all_that_is_streamed(made: FilmResult) -> None:
    assert made.file is not None
    samples, rate, _ = sound(made.file)
    assert abs(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(float)) + 16) <= 1


def test_colours_chapters_and_title_stand_in_the_file(made: FilmResult) -> None:
    assert made.file is not None
    with av.open(str(made.file)) as opened:
        context: Any = opened.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        assert (int(context.colorspace), int(context.color_primaries), int(context.color_trc)) == (1, 1, 1)
        assert int(context.color_range) == 1
        assert opened.metadata["title"] == "Summer"
        chapters = opened.chapters()
    starts = [float(c["start"] * (c["time_base"] or 0)) for c in chapters]
    assert starts == pytest.approx([shot.start for shot in made.storyboard.shots], abs=2e-3)


def test_what_is_beside_it(made: FilmResult) -> None:
    assert made.file is not None
    names = {path.name for path in made.file.parent.iterdir() if path.name != "album"}
    assert names == {"film.mp4", "film.poster.jpg", "film.sheet.jpg", "film.storyboard.json"}, "nothing half done"
    verdict = flamingo.verify(made.file)
    assert verdict.whole, verdict.sentences


def test_photos_come_as_they_were_taken(made: FilmResult) -> None:
    assert [Path(shot.photo).stem for shot in made.storyboard.shots] == ["coffee", "chelsea", "astronaut"]
    assert [shot.caption for shot in made.storyboard.shots] == ["2026-07-18", "2026-07-19", "2026-07-20"]


# -- a film to the user's own music --------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Any]:
    """Arguments for the smallest film: two photos, to clicks at 120 a minute."""
    album(tmp_path / "album", 2)
    music = clicks(tmp_path / "clicks.wav", 5.0)
    return {"photos": [tmp_path / "album"], **SMALL, "music": music, "seconds": 4, "output": tmp_path / "film.mp4"}


def test_changes_fall_on_the_beats_of_the_users_music(small: dict[str, Any]) -> None:
    [found] = film(**small)
    starts = [shot.start for shot in found.storyboard.shots[1:]]
    assert all(abs((start - 0.25) / 0.5 - round((start - 0.25) / 0.5)) * 0.5 <= 1 / FPS for start in starts)
    assert any("120 beats a minute" in note for note in found.notes)


def test_a_storyboard_that_was_edited_is_rendered_again(small: dict[str, Any], tmp_path: Path) -> None:
    film(**small)
    file = tmp_path / "film.storyboard.json"
    board = json.loads(file.read_text())
    board["title"] = "Later"
    board["shots"][0]["end"] = board["shots"][1]["start"] = 3.0
    board["shots"][0] |= {"style": [], "caption": "as it was", "transition": "cut"}
    board["shots"][1] |= {"transition": "cut", "fade": 0.0}
    file.write_text(json.dumps(board))
    [second] = film(storyboard=file, output=tmp_path / "again.webm")
    assert second.file is not None
    pictures, _ = frames(second.file)
    assert len(pictures) == 48
    change = np.abs(np.diff(pictures.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert int(change[8:].argmax()) + 8 + 1 == 36
    assert (tmp_path / "again.storyboard.json").is_file()
    assert any("on no beat" in note for note in second.notes)
    assert [s.style for s in second.storyboard.shots] == [(), ("udnie",)]
    with pytest.raises(BadRequest, match="the storyboard says that itself"):
        film(storyboard=file, persona="bach", output=tmp_path / "third.mp4")
    with av.open(str(second.file)) as opened:
        assert [s.codec_context.codec.canonical_name for s in opened.streams] == ["vp9", "opus"]


def test_a_run_that_was_stopped_goes_on_where_it_was(small: dict[str, Any], tmp_path: Path) -> None:
    told: list[str] = []

    def stop(done: int, many: int, what: str) -> None:
        told.append(what)
        if what.startswith("frame 9 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film(**small, on_progress=stop)
    assert not (tmp_path / "film.mp4").exists()
    kept = tmp_path / ".film.mp4.part"
    paintings = {path.name: path.stat().st_mtime_ns for path in kept.glob("painting-*.jpg")}
    assert len(paintings) == 2
    again: list[tuple[int, int, str]] = []
    [found] = film(**small, on_progress=lambda *progress: again.append(progress))
    assert found.file is not None
    assert any(what.startswith("painting") for what in told)
    assert not any(what.startswith("painting") for _, _, what in again), "nothing is painted twice"
    assert not kept.exists()
    shares = [done for done, _, _ in again]
    assert shares == sorted(shares)
    assert again[-1] == (1000, 1000, "done")


def test_the_painting_grows_out_of_the_photo(small: dict[str, Any], tmp_path: Path) -> None:
    [plain] = film(**{**small, "strength": 0, "motion": 0, "output": tmp_path / "plain.mp4"})
    [grown] = film(**{**small, "grow": True, "motion": 0, "output": tmp_path / "grown.mp4"})
    assert plain.file is not None and grown.file is not None
    difference = np.abs(frames(plain.file)[0].astype(int) - frames(grown.file)[0]).mean(axis=(1, 2, 3))
    last = round(grown.storyboard.shots[1].start * FPS) - 4
    assert difference[0] < 4 < difference[last]


def test_the_painting_is_wiped_over_the_photo(small: dict[str, Any], tmp_path: Path) -> None:
    [wiped] = film(**{**small, "wipe": True, "motion": 0, "output": tmp_path / "wiped.mp4"})
    assert wiped.file is not None
    pictures = frames(wiped.file)[0].astype(int)
    begins, ends = 0, round(wiped.storyboard.shots[1].start * FPS) - 4
    half = np.abs(pictures[ends // 3] - pictures[begins]).mean(axis=(0, 2))
    assert half[:10].mean() > 3 * half[-10:].mean(), "the left is painted first"


# -- bad input -----------------------------------------------------------------------------------------------


def test_an_empty_folder_one_photo_and_none_that_can_be_read(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match="no photos in it"):
        film([tmp_path / "empty"], **SMALL, output=out)
    with pytest.raises(BadRequest, match="one photo: too few"):
        film([photo(tmp_path / "one.jpg")], **SMALL, output=out)
    broken = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in broken:
        path.write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(BadInput, match="none of the 2 can be read"):
        film(broken, **SMALL, output=out)
    with pytest.raises(BadRequest, match="no photos were given"):
        film(output=out)
    assert not (tmp_path / ".film.mp4.part").exists()


def test_broken_music_is_refused_before_any_work(small: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "noise.mp3").write_bytes(b"not music at all" * 99)
    with pytest.raises(UnreadableMusic):
        film(**{**small, "music": tmp_path / "noise.mp3"})
    with pytest.raises(UnreadableMusic, match="no such file"):
        film(**{**small, "music": tmp_path / "nowhere.mp3"})


def test_what_is_there_stays_unless_told(small: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "film.sheet.jpg").write_bytes(b"mine")
    with pytest.raises(WouldOverwrite):
        film(**small)
    assert (tmp_path / "film.sheet.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"style": "starry-nigt"}, "did you mean starry-night"),
        ({"output": Path("film.avi")}, "cannot be written"),
        ({"pace": 1, "seconds": 30}, "give --seconds or --pace"),
        ({"grow": True, "wipe": True}, "leave one of the two out"),
        ({"music": None, "persona": "nobody"}, "is not known"),
        ({"mood": "calm"}, "has its own"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(small: dict[str, Any], more: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest, match=why) as refused:
        film(**{**small, **more})
    assert "\n" not in str(refused.value)


def test_a_full_disk_leaves_no_film(small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flamingo import files
    from flamingo.errors import DiskFull

    real = files.put

    def full(data: bytes, path: Path, overwrite: bool) -> None:
        if path.suffix == ".nut":
            raise DiskFull(str(path), "the disk is full", "free some space or choose another folder")
        real(data, path, overwrite)

    monkeypatch.setattr(files, "put", full)
    with pytest.raises(DiskFull, match=r"film\.mp4"):
        film(**small)
    assert not (tmp_path / "film.mp4").exists()
    monkeypatch.undo()
    [found] = film(**small)
    assert found.file is not None


def test_a_zip_is_an_album(small: dict[str, Any], tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "album"))
    [found] = film(**{**small, "photos": [packed], "strength": 0})
    assert {Path(shot.photo).name for shot in found.storyboard.shots} == {"astronaut.jpg", "chelsea.jpg"}
    [again] = film(storyboard=tmp_path / "film.storyboard.json", output=tmp_path / "again.mp4")
    assert again.file is not None
