"""Films as jobs: what comes of one, what it calls its photos, and that it goes on where it was stopped."""

from __future__ import annotations

import io
import json
from pathlib import Path

import av
import pytest
from PIL import Image

from flamingo import verbs
from flamingo.jobs import Input, Job, Jobs, Settings
from flamingo.jobs.partial import PartialResults
from tests.conftest import needs_models
from tests.filming.albums import album, clicks
from tests.jobs.helpers import outcome, until

SMALL = {"model": "fast", "style": "udnie", "resolution": 64, "fps": 8}


@pytest.fixture
def inputs(jobs: Jobs, tmp_path: Path) -> dict[str, list[Input]]:
    """Two photos of one name, and music."""
    photos = [jobs.store.put([path.read_bytes()]) for path in sorted(album(tmp_path / "album", 2).iterdir())]
    music = jobs.store.put([clicks(tmp_path / "clicks.wav", 42).read_bytes()])
    return {"photos": [Input(p.sha256, "Insel ä.jpg") for p in photos], "music": [Input(music.sha256, "song.wav")]}


def plain(job: Job) -> str:
    told = json.dumps(job.as_dict(), allow_nan=False, ensure_ascii=False)
    assert "/in/" not in told and "/work/slot" not in told, told
    return told


def test_what_a_film_calls_by_name_is_told_its_name() -> None:
    film, paint = (verbs.known({})[name] for name in ("film", "paint"))
    assert film.named == {"painting", "mask"} and film.called == {*film.inputs} >= {"photos", "music", "storyboard"}
    assert paint.called == paint.named and film.resumes and paint.resumes
    assert "json" in film.schema()["properties"]["format"]["items"]["enum"]


@needs_models
def test_a_film_comes_with_what_lies_beside_it(jobs: Jobs, inputs: dict[str, list[Input]]) -> None:
    photos = [Input(each.sha256, f"{i}.jpg") for i, each in enumerate(inputs["photos"])]
    wish = SMALL | {"seconds": 4, "order": "name", "captions": "name"}
    job = outcome(jobs, jobs.submit("film", wish, {**inputs, "photos": photos}))
    assert job.error is None, plain(job)
    assert [(r.name, r.media_type) for r in job.results] == [
        ("film.mp4", "video/mp4"),
        ("film.poster.jpg", "image/jpeg"),
        ("film.sheet.jpg", "image/jpeg"),
        ("film.storyboard.json", "application/json"),
    ]
    film, *beside = job.results
    assert film.recipe["shots"] and film.about["bars"] and "beside" not in film.about
    assert all((each.recipe, each.about, each.notes) == ({}, {}, ()) for each in beside)
    board = json.loads(jobs.store.path(beside[-1].sha256).read_text())
    assert [shot["photo"] for shot in board["shots"]] == ["0.jpg", "1.jpg"]
    assert [shot["caption"] for shot in board["shots"]] == ["0", "1"]
    assert board["music"]["file"] == "song.wav"

    # Its own storyboard is rendered again, with the photos under the names that it has.
    board["shots"][0]["caption"] = "Edited"
    edited = Input(jobs.store.put([json.dumps(board).encode()]).sha256, "edited.json")
    again = outcome(
        jobs, jobs.submit("film", {"format": ["webm"]}, {**inputs, "photos": photos, "storyboard": [edited]})
    )
    assert again.error is None, plain(again)
    assert again.results[0].name == "film.webm" and again.results[0].sidecar
    assert again.results[0].about["shots"][0]["caption"] == "Edited"
    other = [Input(photos[0].sha256, "0.jpg"), Input(photos[1].sha256, "2.jpg")]
    refused = outcome(jobs, jobs.submit("film", {}, {**inputs, "photos": other, "storyboard": [edited]}))
    assert refused.error is not None and str(refused.error).startswith("edited.json: the photo 1.jpg is not among")
    assert plain(refused)


@needs_models
def test_a_plan_is_one_file(jobs: Jobs, inputs: dict[str, list[Input]]) -> None:
    job = outcome(jobs, jobs.submit("film", SMALL | {"format": ["json"], "seconds": 4}, inputs))
    assert job.error is None, plain(job)
    (result,) = job.results
    assert (result.name, result.media_type) == ("film.json", "application/json")
    assert result.about["beats"] and plain(job)
    named = json.loads(jobs.store.path(result.sha256).read_text())["shots"]
    assert [shot["photo"] for shot in named] == ["Insel ä.jpg"] * 2


@needs_models
def test_a_film_that_was_cancelled_goes_on_where_it_was(jobs: Jobs, inputs: dict[str, list[Input]]) -> None:
    job = jobs.submit("film", SMALL | {"seconds": 40, "fps": 30, "motion": 0}, inputs)
    work = jobs.settings.data / "work"
    until(lambda: len(list(work.glob("**/.film.mp4.part/painting-*.jpg"))) >= 2)  # so the first of them is whole
    jobs.cancel(job.id)
    kept = jobs.settings.data / "unfinished" / job.id
    first, *others = sorted(until(lambda: list(kept.glob(".film.mp4.part/painting-*.jpg"))))
    with Image.open(first) as opened:
        size = opened.size
    first.chmod(0o600)
    Image.new("RGB", size, "red").save(first)  # it can be told from what is painted anew
    for other in others:
        other.unlink()
    for piece in kept.glob(".film.mp4.part/frames-*"):
        piece.unlink()
    over = outcome(jobs, jobs.retry(job.id))
    assert over.error is None, plain(over)
    assert not kept.exists()
    with jobs.store.open(over.results[0].sha256) as file, av.open(io.BytesIO(file.read())) as opened:
        assert isinstance(opened, av.container.InputContainer)
        frame = next(opened.decode(video=0)).to_ndarray(format="rgb24")
    assert frame[..., 0].mean() > 200 and frame[..., 1:].mean() < 60


def test_half_done_work_is_given_once_and_only_what_is_hidden(settings: Settings, tmp_path: Path) -> None:
    unfinished = PartialResults(settings)
    settings.data.mkdir()
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / ".part").write_text(name)
        (folder / "film.mp4").write_text("nobody was told of it")
        unfinished.keep("job", folder)
        assert not folder.exists()
    assert unfinished.give("job", tmp_path / "next")
    assert [path.name for path in (tmp_path / "next").iterdir()] == [".part"]
    assert (tmp_path / "next" / ".part").read_text() == "second"
    assert not unfinished.give("job", tmp_path / "other")
    unfinished.keep("job", tmp_path / "next")
    unfinished.tidy()
    assert unfinished.give("job", tmp_path / "third")
    unfinished.keep("job", tmp_path / "third")
    unfinished.tidy(older=-1)
    assert not unfinished.give("job", tmp_path / "fourth")
    unfinished.keep("job", tmp_path / "nowhere")
