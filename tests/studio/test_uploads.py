"""What may be sent to the studio, and what becomes of it."""

from __future__ import annotations

import hashlib
import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bad_images
import numpy as np
import pillow_heif
import psutil
import pytest
from PIL import Image
from uploads import mutated_midi

from flamingo.images.exif import with_exif
from tests.studio.serving import Served

ROOT = Path(__file__).resolve().parents[2]


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind, **options)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_photo_is_kept_under_the_hash_of_its_content_and_can_be_had_again(served: Served, cat_jpeg: bytes) -> None:
    told = served.upload(cat_jpeg)
    assert told["sha256"] == hashlib.sha256(cat_jpeg).hexdigest()
    assert (told["kind"], told["media_type"]) == ("picture", "image/jpeg")
    assert (told["width"], told["height"], told["size"]) == (150, 100, len(cat_jpeg))
    answer = served.http.get(told["url"])
    assert answer.content == cat_jpeg
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline")


def test_what_a_file_is_is_told_by_its_content_and_not_by_its_name(served: Served) -> None:
    told = served.upload(picture(), "holiday.txt")
    assert (told["media_type"], told["name"]) == ("image/png", "holiday.txt.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_every_kind_of_picture_gets_a_thumbnail(served: Served, kind: str) -> None:
    told = served.upload(picture(kind, (200, 100)), "it")
    answer = served.http.get(told["thumbnail"], params={"size": 64})
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(answer.content)) as small:
        assert small.size == (64, 32)


def test_a_thumbnail_is_upright(served: Served) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    told = served.upload(picture("JPEG", (200, 100), exif=exif))
    assert (told["width"], told["height"]) == (100, 200)
    with Image.open(io.BytesIO(served.http.get(told["thumbnail"]).content)) as small:
        assert small.size == (100, 200)


@pytest.mark.parametrize(
    ("file", "kind", "media_type"),
    [
        ("docs/sounds/chopin.mp3", "sound", "audio/mpeg"),
        ("flamingo/weights/cards/feel.md", None, None),
    ],
)
def test_music_is_taken_and_text_is_not(served: Served, file: str, kind: str | None, media_type: str | None) -> None:
    answer = served.http.post("/api/files", files={"file": (ROOT / file).read_bytes()})
    if kind is None:
        assert answer.status_code == 415
        assert "JPEG" in answer.json()["hint"]
        return
    told = answer.json()
    assert (told["kind"], told["media_type"]) == (kind, media_type)
    assert told["seconds"] > 5


def test_midi_says_how_long_it_lasts(served: Served) -> None:
    told = served.upload(mutated_midi(None), "tune")
    assert (told["kind"], told["name"]) == ("music", "tune.mid")
    assert told["seconds"] == pytest.approx(8.0)


@pytest.mark.parametrize("limits", [{"file_bytes": 2000}], ids=["2 kB"])
def test_a_file_that_is_too_large_is_refused_with_the_limit(own: Callable[..., Any], limits: dict[str, int]) -> None:
    with own(**limits) as served:
        answer = served.http.post("/api/files", files={"file": ("big.bin", bytes(2_000_000))})
        assert answer.status_code == 413
        assert answer.json()["limit"] == 2000
        told = served.http.post("/api/files", files={"file": picture()})
        assert told.status_code == 201, "and the next one is taken"


def test_a_length_that_lies_changes_nothing(own: Callable[..., Any]) -> None:
    def endless() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(1000)

    with own(file_bytes=50_000) as served:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        assert served.http.post("/api/files", content=endless(), headers=headers).status_code == 413


def test_too_many_pixels_are_refused_from_the_header(own: Callable[..., Any]) -> None:
    with own(pixels=1000) as served:
        answer = served.http.post("/api/files", files={"file": picture(size=(50, 50))})
        assert answer.status_code == 413
        assert "megapixels" in answer.json()["why"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=b", 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc', "multipart/form-data; boundary=b", 422),
        (
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nabc\r\n--b--',
            "multipart/form-data; boundary=b",
            422,
        ),
        (b"--b--nonsense", "multipart/form-data; boundary=b", 422),
        (b"{}", "application/json", 415),
        (b"", "", 415),
    ],
)
def test_a_broken_form_is_told_so(served: Served, body: bytes, kind: str, status: int) -> None:
    answer = served.http.post("/api/files", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hint"]


def test_nothing_is_left_of_what_was_refused(served: Served) -> None:
    before = set(served.studio.store.folder.rglob("*"))
    served.http.post("/api/files", files={"file": b"\xff\xd8\xff\xe0 no picture"})
    assert set(served.studio.store.folder.rglob("*")) == before
    assert not list(served.studio.incoming.iterdir())


def test_a_name_is_never_a_path(served: Served) -> None:
    told = served.upload(picture(), "../../../etc/pass\u202ewd.png")
    assert told["name"] == "pass\\u202ewd.png"


@pytest.mark.parametrize("damage", range(30))
def test_a_damaged_file_is_answered_whatever_is_wrong_with_it(served: Served, damage: int, cat_jpeg: bytes) -> None:
    dice = random.Random(damage)
    data = bad_images.mutated(cat_jpeg, dice) if damage % 3 else mutated_midi(dice)
    answer = served.http.post("/api/files", files={"file": data})
    assert answer.status_code in (201, 413, 415, 422)
    if answer.is_error:
        assert {"what", "why", "hint"} <= set(answer.json())


def test_a_file_that_takes_too_long_costs_one_process_and_no_more(own: Callable[..., Any]) -> None:
    with own(decode_seconds=0.4) as served:
        before = served.studio.inspection.pids
        answer = served.http.post("/api/files", files={"file": bad_images.slow_jpeg()})
        assert answer.status_code in (413, 422)
        if answer.status_code == 422:
            assert "too long" in answer.json()["why"]
            assert served.studio.inspection.pids != before
        assert served.http.post("/api/files", files={"file": picture()}).status_code == 201


def test_a_process_that_was_ended_while_it_waited_costs_no_upload(served: Served) -> None:
    for pid in served.studio.inspection.pids:
        psutil.Process(pid).kill()
    while served.studio.inspection.pids:
        time.sleep(0.05)
    for _ in range(2):
        assert served.http.post("/api/files", files={"file": picture()}).status_code == 201


# Albums ------------------------------------------------------------------------------------------------------


def test_an_album_says_what_became_of_each_file(served: Served, cat_jpeg: bytes) -> None:
    files = {
        "album/cat.jpg": cat_jpeg,
        "album/deep/red.png": picture(),
        "album/notes.txt": b"hello",
        "__MACOSX/._cat.jpg": b"x",
        "../../out.png": picture(size=(3, 3)),
    }
    answer = served.http.post("/api/albums", files={"file": ("album.zip", zipped(files))})
    assert answer.status_code == 201
    told = answer.json()
    assert [each["name"] for each in told["files"]] == ["cat.jpg", "red.png"]
    assert {each["name"]: each["why"] for each in told["failures"]} == {
        "notes.txt": "it is some other file, which is not a kind that can be read",
        "out.png": "its name leads out of the zip, so it was refused",
    }
    assert all(each["hint"] for each in told["failures"])


def test_an_album_names_locked_members_and_archives_in_it_and_the_films_of_live_photos(served: Served) -> None:
    files = {
        "IMG_1.HEIC": heic(),
        "IMG_1.MOV": b"\0\0\0\x14ftypqt  " + bytes(40),
        "inner.zip": zipped({"a.png": picture()}),
        "a/x.png": picture(),
        "b/x.png": picture(size=(5, 5)),
    }
    told = served.http.post("/api/albums", files={"file": ("album.zip", zipped(files))}).json()
    assert [each["name"] for each in told["files"]] == ["IMG_1.HEIC", "x.png", "x (2).png"]
    why = {each["name"]: each["why"] for each in told["failures"]}
    assert "moving half" in why["IMG_1.MOV"]
    assert "archive" in why["inner.zip"]


def heic(**options: Any) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (96, 64), (200, 60, 40))).save(out, quality=90, **options)
    return out.getvalue()


def test_a_heic_is_taken_shown_and_loses_its_place(served: Served) -> None:
    block = Image.Exif()
    block[0x010F] = "Camera & Sons"
    place = block.get_ifd(0x8825)
    place[1], place[2] = "N", (48.0, 12.0, 30.0)
    block[0x8825] = place
    told = served.http.post("/api/files", files={"file": ("IMG_1.HEIC", heic(exif=block.tobytes()))}).json()
    assert (told["kind"], told["media_type"], told["width"], told["height"]) == ("picture", "image/heic", 96, 64)
    assert told["name"] == "IMG_1.HEIC"
    assert any("place" in note for note in told["notes"])
    assert served.http.get(told["thumbnail"], params={"size": 64}).headers["content-type"] == "image/webp"
    kept = served.http.get(told["url"]).content
    with pillow_heif.open_heif(kept).to_pillow() as image:
        exif = image.getexif()
        assert exif[0x010F] == "Camera & Sons"
        assert not dict(exif.get_ifd(0x8825))


def test_a_bomb_is_not_unpacked(served: Served) -> None:
    answer = served.http.post("/api/albums", files={"file": zipped({"a.bmp": bytes(30_000_000)})})
    assert answer.status_code == 201
    (failed,) = answer.json()["failures"]
    assert "trap" in failed["why"]


def test_an_album_of_too_many_files_is_refused(own: Callable[..., Any]) -> None:
    with own(files=2) as served:
        answer = served.http.post("/api/albums", files={"file": zipped({f"{i}.png": picture() for i in range(3)})})
        assert answer.status_code == 413
        assert "more than 2" in answer.json()["why"]


def test_what_is_no_zip_is_told_so(served: Served) -> None:
    answer = served.http.post("/api/albums", files={"file": b"PK\3\4 nonsense"})
    assert answer.status_code == 422
    assert "zip" in answer.json()["why"]


# The place ---------------------------------------------------------------------------------------------------


def with_place(kind: str) -> bytes:
    """A picture that says where and when it was taken, in EXIF and (JPEG, PNG) in XMP."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x9003] = "2026:01:02 03:04:05"
    places = exif.get_ifd(0x8825)
    places[1], places[2] = "N", (51.0, 30.0, 12.3)
    places[3], places[4] = "W", (0.0, 7.0, 39.5)
    words = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="51,30.2N" exif:Flash="0">'
        b"<exif:GPSLongitude>0,7.6W</exif:GPSLongitude></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    noise = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"exif": exif}
    if kind in ("JPEG", "WEBP"):
        options["xmp"] = words
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", words.decode())
    if kind == "TIFF":  # Pillow would leave the place out
        Image.fromarray(noise).save(buffer, kind)
        return with_exif(buffer.getvalue(), exif.tobytes())
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_place_is_taken_out_and_no_pixel_changed(served: Served, kind: str) -> None:
    data = with_place(kind)
    with Image.open(io.BytesIO(data)) as before:
        assert before.getexif().get_ifd(0x8825), "the test is worth something"
    told = served.upload(data, "photo")
    assert any("place" in note for note in told["notes"])
    kept = served.http.get(told["url"]).content
    assert len(kept) == len(data)
    assert b"GPS" not in kept
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(kept)) as after:
        assert not after.getexif().get_ifd(0x8825)
        assert after.getexif()[0x010F] == "Maker"
        assert np.array_equal(np.asarray(before), np.asarray(after))


def test_a_photo_without_a_place_is_kept_as_it_is(served: Served) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    data = picture("JPEG", exif=exif)
    told = served.upload(data)
    assert not told["notes"]
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
