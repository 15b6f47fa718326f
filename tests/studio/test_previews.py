"""Pictures at once: previews, the camera, and the notes that a piano roll shows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import flamingo
from flamingo import weights
from flamingo.painting import encoder
from flamingo.studio.api.live import SIZES, Pace
from tests.studio.serving import Served

pytestmark = pytest.mark.skipif(
    not {"painter-fast", "painter-fine", "composer"} <= set(weights.models()),
    reason="the trained models are not in flamingo/weights",
)


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        opened.load()
        assert opened.format == "JPEG"
        return opened.size


# -- previews ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo(served: Served, cat_jpeg: bytes) -> dict[str, str]:
    told = served.upload(cat_jpeg)
    return {"sha256": told["sha256"], "name": "cat.jpg"}


def test_a_preview_is_the_photo_painted_small(served: Served, photo: dict[str, str]) -> None:
    assert served.http.post("/api/preview?model=fast").status_code == 204
    seen = {}
    for strength in (0.0, 1.0):
        body = {"photos": [photo], "style": "udnie", "strength": strength, "model": "fast", "longest": 96}
        answer = served.http.post("/api/preview/paint", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/jpeg"
        assert size_of(answer.content) == (96, 64)
        seen[strength] = answer.content
    assert seen[0.0] != seen[1.0]


def test_a_preview_is_never_larger_than_the_photo(served: Served, photo: dict[str, str]) -> None:
    body = {"photos": [photo], "model": "fast", "longest": 640}
    assert size_of(served.http.post("/api/preview/paint", json=body).content) == (150, 100)


def test_a_preview_is_by_the_effort_and_takes_the_parts_that_are_matched(
    served: Served, photo: dict[str, str]
) -> None:
    masks = []
    for name, box in (("photo.png", (0, 0, 30, 40)), ("painting.png", (0, 0, 60, 12))):
        mask = Image.new("L", (60, 40))
        mask.paste(255, box)
        written = io.BytesIO()
        mask.save(written, "PNG")
        masks.append({"sha256": served.upload(written.getvalue(), name)["sha256"], "name": name})
    wishes: list[dict[str, Any]] = [
        {"effort": "quick"},
        {"effort": "true"},
        {"effort": "true", "mask": masks, "match": ["photo.png:painting.png"]},
        {"method": "patches"},
    ]
    quick, true, matched, patches = (
        served.http.post("/api/preview/paint", json={"photos": [photo], "style": "scream", "longest": 64, **wish})
        for wish in wishes
    )
    assert {answer.status_code for answer in (quick, true, matched, patches)} == {200}, matched.text[:200]
    assert true.content == patches.content
    assert len({quick.content, true.content, matched.content}) == 3


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"style": "stary-night"}, 422, "did you mean starry-night?"),
        ({"strength": 2}, 422, "less than or equal to 1"),
        ({"longest": 5000}, 422, "less than or equal to 640"),
        ({"photos": []}, 422, "at least 1"),
        ({"photos": [{"sha256": "0" * 64}]}, 404, "send it again"),
        ({"brush": 3}, 422, "not permitted"),
        ({"effort": "quick", "method": "patches"}, 422, "it is the method painter, not patches"),
    ],
    ids=str,
)
def test_what_cannot_be_previewed_is_told(
    change: dict[str, Any], status: int, said: str, served: Served, photo: dict[str, str]
) -> None:
    answer = served.http.post("/api/preview/paint", json={"photos": [photo], "model": "fast", **change})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


# -- notes ---------------------------------------------------------------------------------------------------


def test_the_notes_of_a_piece_are_those_of_its_file(served: Served) -> None:
    job = served.outcome(served.ask("compose", seconds=6, seed=5, format=["mid", "png"]))
    midi, picture = job["results"]
    told = served.http.get(f"{midi['url']}/notes").json()
    (same,) = flamingo.compose(seconds=6, seed=5, output=Path(served.studio.settings.jobs.data) / "again.mid")
    assert told["key"] == str(same.piece.key)
    assert len(told["notes"]) == len(same.piece.notes)
    assert told["seconds"] == pytest.approx(6, abs=0.01)
    assert told["bars"][0] == 0
    assert told["bars"][-1] == pytest.approx(6, abs=0.01)
    assert told["notes"] == sorted(told["notes"])
    assert all(start >= 0 and lasts > 0 and 0 <= pitch < 128 for start, lasts, pitch, _, _ in told["notes"])
    assert served.http.get(f"{picture['url']}/notes").status_code == 415
    assert served.http.get(f"{job['url']}/results/9/notes").status_code == 404


# -- the camera ----------------------------------------------------------------------------------------------


def camera(served: Served, query: str = "", **how: Any) -> ClientConnection:
    address = served.url.replace("http", "ws") + "/api/live" + query
    socket: ClientConnection = connect(address, open_timeout=60, **how)
    return socket


def painted(socket: ClientConnection) -> tuple[bytes, list[dict[str, Any]]]:
    """The next painted frame, and what was said before it."""
    said: list[dict[str, Any]] = []
    while True:
        message = socket.recv(timeout=120)
        if isinstance(message, bytes):
            return message, said
        said.append(json.loads(message))


def test_frames_go_back_painted_and_the_pace_is_told(served: Served, cat_jpeg: bytes) -> None:
    with camera(served, "?style=udnie") as socket:
        socket.send(cat_jpeg)
        first, _ = painted(socket)
        assert size_of(first) == (150, 100)
        said = json.loads(socket.recv(timeout=60))
        assert said["longest"] in SIZES
        assert said["fps"] > 0
        socket.send(json.dumps({"style": "the-kiss"}))
        socket.send(cat_jpeg)
        assert painted(socket)[0] != first


def test_a_mix_and_ones_own_painting_are_painted_live(served: Served, cat_jpeg: bytes) -> None:
    told = served.upload(cat_jpeg)
    own = {"sha256": told["sha256"], "name": "cat.jpg"}
    with camera(served) as socket:
        seen = []
        for wish in ({"style": ["udnie"]}, {"style": ["udnie=.3", "the-kiss=.7"]}):
            socket.send(json.dumps(wish))
            socket.send(cat_jpeg)
            seen.append(painted(socket)[0])
        assert seen[0] != seen[1]
        socket.send(json.dumps({"style": ["cat.jpg"], "painting": [own]}))
        if encoder.known("fast"):
            socket.send(cat_jpeg)
            assert painted(socket)[0] not in seen
        else:
            while "why" not in (said := json.loads(socket.recv(timeout=60))):
                pass
            assert "named styles alone" in said["why"]
        socket.send(json.dumps({"style": ["cat.jpg"], "painting": [{"sha256": "0" * 64, "name": "cat.jpg"}]}))
        while "why" not in (said := json.loads(socket.recv(timeout=60))):
            pass
        assert said["what"]


def test_a_frame_or_a_wish_that_is_none_is_told_and_the_next_is_painted(served: Served, cat_jpeg: bytes) -> None:
    with camera(served) as socket:
        for wrong in (b"no picture", "no wish", json.dumps({"style": "nobody"}), json.dumps({"strength": 7}), "[1]"):
            socket.send(wrong)
            assert json.loads(socket.recv(timeout=120))["why"]
        socket.send(cat_jpeg)
        assert size_of(painted(socket)[0]) == (150, 100)


def test_a_frame_that_is_too_large_ends_the_camera(served: Served) -> None:
    with camera(served) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.send(bytes(500_000))
        socket.recv(timeout=60)
    assert "400,000 bytes" in str(closed.value)


def test_a_page_elsewhere_gets_no_camera(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        camera(served, origin="http://elsewhere.example").close()
    assert refused.value.response.status_code == 403


def test_a_third_camera_is_asked_to_wait(served: Served) -> None:
    with camera(served) as first, camera(served) as second:
        for socket in (first, second):
            socket.send("?")  # answered, so both are being attended to
            socket.recv(timeout=60)
        with camera(served) as third, pytest.raises(ConnectionClosed, match="end one of them"):
            third.recv(timeout=60)


@given(st.floats(0.001, 3.0))
def test_the_size_follows_the_time_that_a_frame_takes(seconds_of_a_megapixel: float) -> None:
    """Whatever the machine: ten frames a second in the end, at a size above which there might be fewer."""
    pace = Pace()

    def lasts(longest: int) -> float:
        return seconds_of_a_megapixel * longest * longest / 1e6

    for _ in range(600):
        pace.took(lasts(pace.longest))
    if pace.longest > SIZES[0]:
        assert lasts(pace.longest) <= 0.1
    if pace.longest < SIZES[-1]:
        assert lasts(SIZES[SIZES.index(pace.longest) + 1]) > 0.06
