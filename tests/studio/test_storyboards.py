"""Storyboards over the API: taken in when they are whole, rendered with the photos that come with them, and never a
way to any other file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flamingo.client import Client
from flamingo.errors import BadInput
from tests.conftest import needs_models
from tests.filming.albums import album, clicks
from tests.studio.serving import Served
from tests.studio.test_api import problem

SMALL: dict[str, Any] = {"model": "fast", "style": "udnie", "resolution": 64, "fps": 8}


def board(*photos: str, **more: Any) -> dict[str, Any]:
    shots = [{"photo": name, "start": 2.0 * i, "end": 2.0 * i + 2} for i, name in enumerate(photos)]
    return {"shots": shots, "resolution": 64, "fps": 8, **more}


def sent(served: Served, told: dict[str, Any], name: str = "mine.json") -> dict[str, str]:
    file = served.upload(json.dumps(told).encode(), name)
    return {"sha256": file["sha256"], "name": file["name"]}


def test_a_storyboard_is_known_by_its_content(served: Served) -> None:
    told = served.upload(json.dumps(board("a.jpg", "b.jpg")).encode(), "holidays")
    assert (told["kind"], told["media_type"], told["name"]) == ("storyboard", "application/json", "holidays.json")
    assert (told["seconds"], told["thumbnail"]) == (4.0, None)
    assert served.http.get(told["url"]).json() == board("a.jpg", "b.jpg")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (board("a.jpg"), "shots"),
        (board("a.jpg", "b.jpg", fps=0), "fps"),
        (board("a.jpg", "b.jpg", secret=1), "secret"),
        (
            {"shots": [{"photo": "a", "start": 0, "end": 1}, {"photo": "b", "start": 2, "end": 3}]},
            "shot 0 ends at 1 s",
        ),
    ],
)
def test_what_is_wrong_in_it_is_one_line(served: Served, told: dict[str, Any], why: str) -> None:
    answer = served.http.post("/api/files", files={"file": ("mine.json", json.dumps(told).encode())})
    refused = problem(answer, 422)
    assert refused["what"] == "mine.json" and why in refused["why"]


def test_a_storyboard_without_end_is_refused(served: Served) -> None:
    huge = b'{"shots": [' + b" " * (9 << 20) + b"]}"
    refused = problem(served.http.post("/api/files", files={"file": ("mine.json", huge)}), 422)
    assert "too large" in refused["why"]
    text = served.http.post("/api/files", files={"file": ("mine.json", b'{"hello": []}')})
    assert text.status_code == 415


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (board("a.jpg", "/etc/passwd"), "the photo passwd is not among"),
        (board("a.jpg", "../../b.jpg", music={"file": "/etc/song.mp3"}), "the music song.mp3 is not among"),
        (board("a.jpg", "b.jpg", manner={"paintings": ["/etc/monet.jpg"]}), "the painting monet.jpg is not among"),
        (board("a.jpg", "b.jpg", music={"persona": "nobody"}), "nobody"),
    ],
)
def test_a_storyboard_is_no_way_to_other_files(
    served: Served, cat_jpeg: bytes, told: dict[str, Any], says: str
) -> None:
    cat = served.upload(cat_jpeg)["sha256"]
    photos = [{"sha256": cat, "name": name} for name in ("a.jpg", "b.jpg")]
    answer = served.http.post("/api/film", json={"photos": photos, "storyboard": [sent(served, told)]})
    assert says in problem(answer, 422)["detail"]


def test_nor_are_the_styles_in_it_or_one_without_photos(served: Served, cat_jpeg: bytes) -> None:
    cat = served.upload(cat_jpeg)["sha256"]
    told = board("a.jpg", "b.jpg")
    told["shots"][1]["style"] = ["/etc/monet.jpg"]
    photos = [{"sha256": cat, "name": name} for name in ("a.jpg", "b.jpg")]
    answer = served.http.post("/api/film", json={"photos": photos, "storyboard": [sent(served, told)]})
    told_of = problem(answer, 422)["detail"]
    assert "monet.jpg" in told_of and "/etc" not in told_of
    answer = served.http.post("/api/film", json={"storyboard": [sent(served, board("a.jpg", "b.jpg"))]})
    assert "photos did not come with it" in problem(answer, 422)["why"]


@needs_models
def test_a_plan_is_edited_and_rendered_from_afar(served: Served, tmp_path: Path) -> None:
    photos = sorted(album(tmp_path / "album", 2).iterdir())
    song = clicks(tmp_path / "song.wav", 5)
    with Client(served.url) as client:
        plan = client.film(*photos, music=song, seconds=4, format=["json"], **SMALL).wait()
        (file,) = plan.download(tmp_path)
        told = json.loads(file.read_text())
        told["shots"][0]["caption"] = "Edited"
        file.write_text(json.dumps(told))
        film = client.film(*photos, storyboard=file, music=song).wait()
        assert film.results[0].about["shots"][0]["caption"] == "Edited"
        names = {path.name for path in film.download(tmp_path / "film")}
        assert names == {"film.mp4", "film.poster.jpg", "film.sheet.jpg", "film.storyboard.json"}
        with pytest.raises(BadInput, match="is not among"):
            client.film(photos[0], storyboard=file, music=song)
    address = f"/api/jobs/{film.id}/results/0"
    part = served.http.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, len(part.content)) == (206, 100)
    assert part.content == served.http.get(address).content[100:200]
    assert part.headers["content-type"] == "video/mp4"
    poster = served.http.get(f"/api/jobs/{film.id}/results/1/thumbnail")
    assert poster.headers["content-type"] == "image/webp"
