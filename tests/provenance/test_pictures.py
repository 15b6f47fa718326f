"""Pictures with credentials: the same pixels, and a signature that notices every change."""

from __future__ import annotations

import getpass
import io
import json
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import flamingo
from flamingo.errors import BadRequest, WouldOverwrite
from flamingo.images import Picture, read, to_bytes, write
from flamingo.provenance import Origin, credit, verify, xmp
from tests.conftest import needs_models
from tests.provenance.conftest import PHOTO, RECIPE

SUFFIXES = [".jpg", ".png", ".webp", ".tif", ".bmp"]
SIGNED = [suffix for suffix in SUFFIXES if suffix != ".bmp"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_picture_says_what_made_it_and_is_whole(
    suffix: str, tmp_path: Path, picture: Picture, origin: Origin
) -> None:
    file = tmp_path / f"a{suffix}"
    assert write(picture, file, origin=origin) == ()
    verdict = verify(file)
    assert verdict.whole and verdict.own
    assert verdict.verb == "paint" and verdict.software == f"Flamingo {flamingo.__version__}"
    assert verdict.recipe == RECIPE and verdict.inputs == (f"sha256:{PHOTO}",)
    assert verdict.source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert len(verdict.when) == len("2026-11-21T10:00:00Z")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("depth", [8, 16])
def test_pixels_profile_and_exif_are_the_same_with_and_without(
    suffix: str, depth: int, tmp_path: Path, picture: Picture, origin: Origin
) -> None:
    picture = Picture(rgb=picture.rgb, exif=picture.exif, depth=16 if depth == 16 else 8)
    plain, signed = tmp_path / f"plain{suffix}", tmp_path / f"signed{suffix}"
    write(picture, plain)
    write(picture, signed, origin=origin)
    one, other = read(plain), read(signed)
    assert np.array_equal(one.rgb, other.rgb) and one.depth == other.depth
    assert one.exif == other.exif and one.notes == other.notes
    with Image.open(plain) as a, Image.open(signed) as b:
        assert a.info.get("icc_profile") == b.info.get("icc_profile")
        assert np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("suffix", SIGNED)
def test_the_source_type_stands_in_xmp(suffix: str, tmp_path: Path, picture: Picture, origin: Origin) -> None:
    file = tmp_path / f"a{suffix}"
    write(picture, file, origin=origin)
    with Image.open(file) as opened:
        text = str(opened.getxmp())
    assert "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in text


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_changed_outside_the_credentials_is_noticed(
    kind: str, data: st.DataObject, tmp_path: Path, picture: Picture, origin: Origin
) -> None:
    plain = to_bytes(picture, kind)[0]
    signed = bytearray(credit(plain, kind, origin).data)
    begin = signed.index(b"jumdc2pa")
    # The store of credentials holds padding that nothing covers. It and its frame are some 4 KB.
    outside = [*range(begin - 40), *range(begin + 4200, len(signed))]
    place = data.draw(st.sampled_from(outside))
    signed[place] ^= 1 << data.draw(st.integers(0, 7))
    file = tmp_path / f"a.{kind}"
    file.write_bytes(signed)
    assert not verify(file).whole


def test_one_changed_pixel_is_called_a_change(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    file = tmp_path / "a.tif"
    write(picture, file, origin=origin)
    content = bytearray(file.read_bytes())
    content[40] ^= 1  # within the pixels, which come first in our TIFF
    file.write_bytes(content)
    verdict = verify(file)
    assert verdict.state == "changed" and verdict.own
    assert "changed after it was signed" in verdict.sentences[0]


def test_changed_words_are_noticed(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    file = tmp_path / "a.png"
    write(picture, file, origin=origin)
    content = file.read_bytes()
    assert content.count(b"starry-night") == 1
    file.write_bytes(content.replace(b"starry-night", b"great-wavesX"))
    verdict = verify(file)
    assert verdict.state == "broken" and not verdict.own


@pytest.mark.parametrize("suffix", SIGNED)
def test_saving_anew_loses_the_credentials_and_nothing_is_known(
    suffix: str, tmp_path: Path, picture: Picture, origin: Origin
) -> None:
    write(picture, tmp_path / f"a{suffix}", origin=origin)
    with Image.open(tmp_path / f"a{suffix}") as opened:
        Image.fromarray(np.asarray(opened)).save(tmp_path / f"again{suffix}")
    verdict = verify(tmp_path / f"again{suffix}")
    assert verdict.state == "nothing" and not verdict.recipe
    assert "Nothing is known" in verdict.sentences[0]


def test_xmp_that_survives_alone_is_words_without_proof(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    write(picture, tmp_path / "a.png", origin=origin)
    with Image.open(tmp_path / "a.png") as opened:
        packet = opened.info["xmp"]
        Image.fromarray(np.asarray(opened)).save(tmp_path / "again.jpg", xmp=packet)
    verdict = verify(tmp_path / "again.jpg")
    assert verdict.state == "unsigned" and not verdict.whole
    assert verdict.source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert "proves nothing" in verdict.sentences[-1]


def test_xmp_can_be_put_into_a_finished_png(origin: Origin, picture: Picture) -> None:
    plain = to_bytes(picture, "png")[0]
    tagged = xmp.into_png(plain, xmp.packet(origin))
    with Image.open(io.BytesIO(plain)) as a, Image.open(io.BytesIO(tagged)) as b:
        assert np.array_equal(np.asarray(a), np.asarray(b))
        assert b.info["xmp"] == xmp.packet(origin)


@needs_models
def test_a_painting_carries_its_recipe_and_nothing_personal(tmp_path: Path, photos: Path) -> None:
    folder = tmp_path / "holiday-of-Zoë-Quince"
    folder.mkdir()
    photo = folder / "passport-of-Zoë.jpg"
    with Image.open(photos / "chelsea.jpg") as opened:
        opened.resize((96, 64)).save(photo)
    (painted,) = flamingo.paint([photo], style="udnie", model="fast", strength=0.3, output=tmp_path / "out.png")
    assert painted.error is None and painted.file is not None
    verdict = verify(painted.file)
    assert verdict.whole and verdict.recipe == painted.recipe
    assert verdict.inputs == (f"sha256:{painted.recipe['photo_sha256']}",)
    content = painted.file.read_bytes()
    # Names of two or three letters occur in any random bytes.
    user = {name for name in (getpass.getuser(), socket.gethostname()) if len(name) > 4}
    for personal in {"Quince", "holiday", "passport", "out.png", str(tmp_path), str(Path.home())} | user:
        assert personal.encode() not in content.replace(b"\0", b""), personal


def test_the_sidecar_of_a_bmp_is_not_written_over(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    beside = tmp_path / "a.bmp.json"
    beside.write_text("mine")
    with pytest.raises(WouldOverwrite, match=r"a\.bmp\.json"):
        write(picture, tmp_path / "a.bmp", origin=origin)
    assert beside.read_text() == "mine" and not (tmp_path / "a.bmp").exists()
    write(picture, tmp_path / "a.bmp", origin=origin, overwrite=True)
    assert verify(tmp_path / "a.bmp").whole


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_credentials_can_be_left_out(
    suffix: str, tmp_path: Path, picture: Picture, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_CREDENTIALS", "off")
    write(picture, tmp_path / f"a{suffix}", origin=origin)
    write(picture, tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_switch_that_says_neither_is_refused(
    tmp_path: Path, picture: Picture, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_CREDENTIALS", "perhaps")
    with pytest.raises(BadRequest, match="neither on nor off"):
        write(picture, tmp_path / "a.png", origin=origin)
    assert not list(tmp_path.iterdir())


def test_other_readers_find_standard_actions(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    """As a reader that knows C2PA and not Flamingo sees it."""
    import c2pa

    write(picture, tmp_path / "a.jpg", origin=origin)
    with (tmp_path / "a.jpg").open("rb") as file, c2pa.Reader("image/jpeg", file) as reader:
        store = json.loads(reader.json())
        state = reader.get_validation_state()
    active = store["manifests"][store["active_manifest"]]
    (actions,) = [a["data"]["actions"] for a in active["assertions"] if a["label"] == "c2pa.actions.v2"]
    assert [a["action"] for a in actions] == ["c2pa.opened", "c2pa.edited"]
    assert active["ingredients"][0]["relationship"] == "parentOf"
    assert "thumbnail" not in json.dumps(store)
    assert state == "Valid", "sound, if by nobody on a trust list"
