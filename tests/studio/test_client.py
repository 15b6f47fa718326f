"""The Python client, against a real studio."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flamingo
from flamingo.client import Client, JobFailed, NotReached, Refused
from flamingo.errors import BadRequest, UnreadableImage, UnsupportedImage, WouldOverwrite
from flamingo.jobs import NoSuchJob, WrongState
from tests.conftest import needs_models
from tests.studio.serving import Served


@pytest.fixture
def client(served: Served) -> Any:
    with Client(served.url) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path, cat_jpeg: bytes) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(cat_jpeg)
    return path


def test_the_package_has_it_and_is_imported_without_it() -> None:
    assert flamingo.Client is Client
    script = "import sys, flamingo, flamingo.cli; sys.exit('httpx' in sys.modules or 'fastapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


@needs_models
def test_a_photo_is_painted_far_away_and_comes_back(client: Client, photo: Path, tmp_path: Path) -> None:
    heard: list[Any] = []
    job = client.paint(photo, style="scream", model="fast", strength=0.5).wait(heard.append)
    assert job.state == "done"
    assert heard
    assert job.results[0].recipe["style"] == "scream"
    (file,) = job.download(tmp_path / "painted")
    assert file.name == "cat.jpg"
    assert flamingo.images.read(file).rgb.shape == (100, 150, 3)
    with pytest.raises(WouldOverwrite):
        job.download(tmp_path / "painted")
    assert client.verify(file)["state"] == "whole"
    assert client.paint(client.upload(photo), style="scream", model="fast", strength=0.5).id == job.id


def test_a_picture_is_judged_far_away(client: Client, photo: Path) -> None:
    job = client.judge(photo, photo=photo, style="scream").wait()
    assert [result.name for result in job.results] == ["cat.critique.jpg"]
    with pytest.raises(BadRequest, match="no style or painting"):
        client.judge(photo, photo=photo, style="no-such-style")


def test_what_has_no_room_for_credentials_comes_with_its_sidecar(client: Client, tmp_path: Path) -> None:
    job = client.compose(seconds=8, persona="mozart", format=["mid"]).wait()
    (piece,) = job.download(tmp_path)
    assert piece.with_name("piece.mid.json").is_file()
    assert client.verify(piece, piece.with_name("piece.mid.json"))["state"] == "whole"


def test_jobs_are_found_marked_and_thrown_away(client: Client) -> None:
    job = client.ask("count", {}, {"to": 21}).wait()
    job.mark(favourite=True, title="twenty-one")
    assert [each.id for each in client.jobs(search="twenty-one")] == [job.id]
    assert len(list(client.jobs(limit=3, state="done"))) <= 3
    job.delete()
    with pytest.raises(JobFailed):
        client.ask("refuse", {}, {}).wait()
    job.purge()
    with pytest.raises(NoSuchJob):
        client.job(job.id)


def test_a_job_is_cancelled_and_begun_again(client: Client) -> None:
    job = client.ask("count", {}, {"to": 900, "pause": 0.5}, fresh=True)
    with pytest.raises(TimeoutError):
        job.wait(seconds=0.1)
    job.cancel()
    with pytest.raises(JobFailed, match="cancelled"):
        job.wait()
    assert job.retry().active
    with pytest.raises(WrongState):
        job.retry()
    job.delete()


def test_errors_are_those_of_flamingo(client: Client, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="strength"):
        client.paint(photo, strength=7)
    with pytest.raises(NoSuchJob):
        client.job("../../jobs")
    text = tmp_path / "cat.png"
    text.write_text("no picture")
    with pytest.raises(UnsupportedImage, match=r"cat\.png"):
        client.paint(text)
    with pytest.raises(UnreadableImage, match="no such file"):
        client.upload(tmp_path / "none.jpg")
    with pytest.raises(NotReached, match="flamingo serve"), Client("http://127.0.0.1:9") as nowhere:
        nowhere.choices("styles")


def test_a_token_is_asked_for_and_given(own: Callable[..., Any]) -> None:
    with own(token="correct-horse") as served:
        with pytest.raises(Refused, match="token"), Client(served.url) as stranger:
            stranger.choices("moods")
        with Client(served.url, token="correct-horse") as friend:
            assert friend.choices("moods")
