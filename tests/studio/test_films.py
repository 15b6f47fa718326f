"""Films that come in: known by their content, whatever they are called."""

from __future__ import annotations

import io

import numpy as np
import pytest

from flamingo.studio.filetypes import HEAD, film_of
from tests.conftest import needs_models
from tests.studio.serving import Served
from tests.studio.test_api import problem

av = pytest.importorskip("av", reason="PyAV is not installed")

KINDS = {
    "mp4": ("libx264", "video/mp4", ".mp4"),
    "mov": ("libx264", "video/quicktime", ".mov"),
    "matroska": ("libx264", "video/x-matroska", ".mkv"),
    "webm": ("libvpx-vp9", "video/webm", ".webm"),
}


def film(kind: str, frames: int = 6) -> bytes:
    """A film of a grey that grows lighter, 64 x 48 pixels, 12 frames a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(KINDS[kind][0], rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(frames):
            grey = np.full((48, 64, 3), 40 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_is_known_by_its_content(kind: str) -> None:
    _, media_type, suffix = KINDS[kind]
    found = film_of(film(kind)[:HEAD])
    assert found is not None
    assert (found.kind, found.media_type, found.suffixes[0]) == ("film", media_type, suffix)


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
        b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42",
        b"\x1aE\xdf\xa3\x9fB\x82\x84nope",
        b"\x1aE\xdf\xa3",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"",
    ],
)
def test_what_begins_alike_is_no_film(head: bytes) -> None:
    assert film_of(head) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_is_taken_in(served: Served, kind: str) -> None:
    told = served.upload(film(kind), "holiday.jpg")
    _, media_type, suffix = KINDS[kind]
    assert (told["kind"], told["media_type"], told["name"]) == ("film", media_type, f"holiday.jpg{suffix}")
    assert (told["width"], told["height"], told["thumbnail"]) == (64, 48, None)
    assert told["seconds"] == pytest.approx(0.5, abs=0.1)
    whole = served.http.get(told["url"])
    assert (whole.headers["content-type"], whole.headers["content-disposition"][:6]) == (media_type, "inline")
    part = served.http.get(told["url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, len(part.content)) == (206, 10)


def test_a_film_that_is_cut_short_is_refused(served: Served) -> None:
    data = film("mp4")
    told = problem(served.http.post("/api/files", files={"file": ("cat.mp4", data[: len(data) // 3])}), 422)
    assert told["what"] == "cat.mp4"


@needs_models
@pytest.mark.parametrize(("kind", "wanted"), [("mp4", None), ("webm", None), ("mp4", "png")])
def test_a_film_is_painted_to_a_film(served: Served, kind: str, wanted: str | None) -> None:
    _, media_type, suffix = KINDS[kind]
    sent = served.upload(film(kind), f"holiday{suffix}")
    photos = [{"sha256": sent["sha256"], "name": sent["name"]}]
    job = served.outcome(served.ask("paint", photos=photos, style="udnie", model="fast", format=wanted))
    assert job["state"] == "done", job["error"]
    (result,) = job["results"]
    assert (result["name"], result["media_type"], result["thumbnail"]) == (f"holiday{suffix}", media_type, None)
    assert result["recipe"]["photo_sha256"] == sent["sha256"]
    shown = served.http.get(result["url"])
    assert shown.headers["content-disposition"].startswith("inline")
    with av.open(io.BytesIO(shown.content)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 6
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
