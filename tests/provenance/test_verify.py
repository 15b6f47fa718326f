"""`verify`: what is known of any file at all, in plain words, without ever failing because of what is in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flamingo
from flamingo.cli import run
from flamingo.errors import BadInput
from flamingo.images import Picture, to_bytes, write
from flamingo.provenance import Origin, credit, identity, put, sign, verify

safely = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_photo_without_a_word_is_told_so(photos: Path) -> None:
    verdict = flamingo.verify(photos / "chelsea.jpg")
    assert verdict.state == "nothing" and not verdict.whole
    assert "proves nothing either" in verdict.sentences[1]


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_another_persons_key_is_not_taken_for_ones_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin, someone: Path
) -> None:
    with monkeypatch.context() as as_ada:
        as_ada.setenv("FLAMINGO_IDENTITY", str(someone))
        write(picture, tmp_path / name, origin=origin)
    identity.load()
    verdict = verify(tmp_path / name)
    assert verdict.whole and not verdict.own and verdict.signer == "Ada"
    assert any("does not know" in s and "Ada" in s for s in verdict.sentences)
    assert "anyone can make a key" in verdict.sentences[-1]


def test_a_colleague_with_the_same_authority_is_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    from tests.provenance.keys import certificate, keep

    root = ec.generate_private_key(ec.SECP256R1())
    issuer = certificate(root, "Authority", "Authority", root)
    folders = []
    for name in ("Ada", "Ben"):
        key = ec.generate_private_key(ec.SECP256R1())
        folders.append(keep(tmp_path / name, key, certificate(key, name, "Authority", root), issuer))
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(folders[0]))
    write(picture, tmp_path / "a.png", origin=origin)
    assert verify(tmp_path / "a.png").own
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(folders[1]))
    assert not verify(tmp_path / "a.png").own


def test_the_sentences_say_what_it_proves_and_what_not(tmp_path: Path, picture: Picture, origin: Origin) -> None:
    write(picture, tmp_path / "a.png", origin=origin)
    text = " ".join(verify(tmp_path / "a.png").sentences)
    for said in ("has not changed", "key of this machine", "own clock", "starry-night", "abab", "does not prove who"):
        assert said in text


def test_a_broken_key_of_ones_own_does_not_keep_others_files_from_being_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin
) -> None:
    write(picture, tmp_path / "a.png", origin=origin)
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(tmp_path / "nothing"))
    verdict = verify(tmp_path / "a.png")
    assert verdict.whole and not verdict.own and "cannot be told" in verdict.sentences[-1]


# Sidecars ------------------------------------------------------------------------------------------------------


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    """A file with a sidecar."""
    put(b"notes", tmp_path / "a.mid", Origin("compose", {"seed": 1}), overwrite=False)
    return tmp_path / "a.mid"


def _sidecar(piece: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(piece.with_name("a.mid.json").read_text(encoding="utf-8"))
    return found


def _replace(piece: Path, content: Any) -> None:
    piece.with_name("a.mid.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_sidecar_may_be_laid_out_anew(piece: Path) -> None:
    _replace(piece, _sidecar(piece))
    assert verify(piece).whole


def test_a_sidecar_with_other_words_does_not_hold(piece: Path) -> None:
    content = _sidecar(piece)
    content["statement"]["recipe"]["seed"] = 2
    _replace(piece, content)
    verdict = verify(piece)
    assert verdict.state == "broken" and not verdict.recipe


def test_a_signature_over_something_else_does_not_hold(piece: Path) -> None:
    """A genuine signature, with its own payload inside, put beside a statement that its signer never made."""
    who = identity.load()
    header = {"x5c": [base64.b64encode(who.chain[0]).decode()]}
    content = _sidecar(piece)
    content["signature"] = jwt.PyJWS().encode(b"something else", who.key, "ES256", headers=header)
    _replace(piece, content)
    assert verify(piece).state == "broken"


def test_a_statement_signed_by_no_key_does_not_hold(piece: Path) -> None:
    content = _sidecar(piece)
    content["signature"] = jwt.PyJWS().encode(b"", None, "none")  # type: ignore[arg-type]
    _replace(piece, content)
    assert verify(piece).state == "broken"


def test_a_sidecar_can_lie_elsewhere(piece: Path, tmp_path: Path) -> None:
    moved = piece.with_name("a.mid.json").rename(tmp_path / "upload-17")
    assert verify(piece).state == "nothing"
    assert verify(piece, beside=moved).whole


@pytest.mark.parametrize("other", ["", "{}", "[1]", "no JSON", '{"statement": 1, "signature": ""}', "[" * 100_000])
def test_another_file_of_the_sidecars_name_is_passed_over(other: str, piece: Path) -> None:
    piece.with_name("a.mid.json").write_text(other)
    assert verify(piece).state == "nothing"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
KEYS = ["sha256", "inputs", "recipe", "software", "version", "verb", "when", "digital_source_type"]


@given(statement=st.dictionaries(st.sampled_from(KEYS), JSON), signature=st.text(max_size=40))
@safely
def test_any_sidecar_at_all_gets_a_verdict(statement: dict[str, Any], signature: str, tmp_path: Path) -> None:
    file = tmp_path / "a.mid"
    file.write_bytes(b"notes")
    _replace(file, {"statement": statement, "signature": signature})
    assert not verify(file).whole


@given(said=st.dictionaries(st.sampled_from(KEYS), JSON))
@safely
def test_any_words_at_all_are_shown_in_single_safe_lines(said: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"Made by Flamingo: " + json.dumps(said).encode())
    verdict = verify(file)
    assert verdict.state == ("unsigned" if said else "nothing")
    assert json.loads(json.dumps(verdict.as_dict()))["state"] == verdict.state
    for sentence in verdict.sentences:
        assert sentence.isprintable() or not any(ord(char) < 32 or ord(char) == 127 for char in sentence)


# Files of any kind ---------------------------------------------------------------------------------------------


@given(content=st.binary(max_size=300), name=st.sampled_from(["a", "a.jpg", "a.mid", "a.svg", "a.pdf", "a.mp4"]))
@safely
def test_any_bytes_get_a_verdict(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert verify(tmp_path / name).state == "nothing"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
@given(share=st.floats(0, 0.999))
@safely
def test_a_file_cut_short_is_never_whole(
    share: float, kind: str, tmp_path: Path, picture: Picture, origin: Origin
) -> None:
    signed = credit(to_bytes(picture, kind)[0], kind, origin).data
    file = tmp_path / f"a.{kind}"
    file.write_bytes(signed[: int(share * len(signed))])
    assert not verify(file).whole


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_name_does_not_decide(kind: str, tmp_path: Path, picture: Picture, origin: Origin) -> None:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="5" height="5"/></svg>'
    plain = drawing if kind == "svg" else to_bytes(picture, kind)[0]
    signed = credit(plain, kind, origin).data
    for name in (f"a.{kind}", "b.jpg", "c", "d.txt", "e.mp4"):
        (tmp_path / name).write_bytes(signed)
        assert verify(tmp_path / name).whole, name


@pytest.mark.parametrize("name", ["missing.jpg", "folder", "no\0name"])
def test_a_file_that_cannot_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput) as caught:
        verify(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_files_are_signed_from_stream_to_stream(tmp_path: Path, picture: Picture) -> None:
    """As a film is, which does not fit into memory; with several inputs, which a film has."""
    inputs = ("ab" * 32, "cd" * 32)
    (tmp_path / "plain.png").write_bytes(to_bytes(picture, "png")[0])
    with (tmp_path / "plain.png").open("rb") as source, (tmp_path / "film.png").open("w+b") as target:
        sign(source, target, "png", Origin("film", {"seconds": 60}, inputs))
    verdict = verify(tmp_path / "film.png")
    assert verdict.whole and verdict.verb == "film"
    assert verdict.inputs == tuple(f"sha256:{digest}" for digest in inputs)


# The command -----------------------------------------------------------------------------------------------------


def test_the_command_says_all_and_exits_0_if_all_are_whole(
    tmp_path: Path, picture: Picture, origin: Origin, capsys: pytest.CaptureFixture[str], photos: Path
) -> None:
    write(picture, tmp_path / "a.png", origin=origin)
    assert run(["verify", str(tmp_path / "a.png")]) == 0
    assert "whole" in capsys.readouterr().out
    assert run(["verify", str(tmp_path / "a.png"), str(photos / "chelsea.jpg")]) == 1
    told = capsys.readouterr().out
    assert "chelsea.jpg  nothing" in told and "a.png  whole" in told


def test_the_command_goes_on_after_a_file_that_is_not_there(
    tmp_path: Path, picture: Picture, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    write(picture, tmp_path / "a.png", origin=origin)
    assert run(["verify", str(tmp_path / "missing.png"), str(tmp_path / "a.png"), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert "no such file" in first["error"] and second["whole"] is True
    assert second["recipe"] == dict(origin.recipe)
