"""The key that signs: made once, kept to its owner, replaceable by one's own, and never replaced in silence."""

from __future__ import annotations

import getpass
import multiprocessing
import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

import flamingo
from flamingo.errors import BadRequest, OutputError
from flamingo.images import Picture, write
from flamingo.provenance import Origin, identity, ready, verify
from tests.provenance.keys import certificate, keep, load


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a key."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_key_is_made_at_first_use_and_stays(empty_home: Path) -> None:
    assert identity.present() is None
    first = identity.load()
    assert identity.load() == first == identity.present()
    assert first.algorithm == "es256" and not first.chosen
    assert not [f for f in identity.folder().parent.iterdir() if f != identity.folder()]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_read_the_key(empty_home: Path) -> None:
    identity.load()
    assert stat.S_IMODE(identity.folder().stat().st_mode) == 0o700
    assert stat.S_IMODE((identity.folder() / "key.pem").stat().st_mode) == 0o600


def test_its_certificates_tell_nothing_about_the_user(empty_home: Path) -> None:
    chain = b"".join(identity.load().chain)
    names = getpass.getuser(), socket.gethostname(), Path.home().name
    for personal in (name for name in names if len(name) > 3):
        assert personal.encode() not in chain


def test_processes_that_start_at_once_end_up_with_one_key(empty_home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=load, args=(barrier, results)) for _ in range(3)]
    for process in processes:
        process.start()
    keys = {results.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert keys == {identity.load().key}
    assert [f.name for f in identity.folder().parent.iterdir()] == ["identity"], "the losers leave nothing behind"


KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_users_own_key_signs_files_and_sidecars(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin
) -> None:
    root, key = ec.generate_private_key(ec.SECP256R1()), KEYS[algorithm]()
    chain = certificate(key, "Ada", "Authority", root), certificate(root, "Authority", "Authority", root)
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(keep(tmp_path / "ada", key, *chain)))
    assert identity.load().algorithm == algorithm and identity.load().chosen
    ready()
    for name in ("a.png", "a.bmp"):
        assert write(picture, tmp_path / name, origin=origin) == ()
        verdict = verify(tmp_path / name)
        assert (verdict.state, verdict.own, verdict.signer) == ("whole", True, "Ada")


def test_a_key_in_its_older_form_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    folder = keep(tmp_path / "ada", key, certificate(key, "Ada", "Ada", key))
    from cryptography.hazmat.primitives.serialization import NoEncryption

    older = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "key.pem").write_bytes(older)
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(folder))
    write(picture, tmp_path / "a.png", origin=origin)
    assert verify(tmp_path / "a.png").own


def _spoil(folder: Path, how: str) -> None:
    key, root = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    if how == "no key":
        (folder / "key.pem").write_text("this is not a key")
    elif how == "no certificates":
        (folder / "chain.pem").write_text("these are no certificates")
    elif how == "missing":
        (folder / "chain.pem").unlink()
    elif how == "another's":
        keep(folder, key, (folder / "chain.pem").read_bytes())
    elif how == "alone":
        keep(folder, key, certificate(key, "Ada", "Authority", root))
    elif how == "expired":
        keep(folder, key, certificate(key, "Ada", "Ada", key, days=1))
    elif how == "useless":
        keep(folder, key, certificate(key, "Ada", "Ada", key, usage=False))
    elif how == "weak":
        weak = rsa.generate_private_key(65537, 1024)
        keep(folder, weak, certificate(weak, "Ada", "Ada", weak))
    elif how == "locked":
        locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        (folder / "key.pem").write_bytes(locked)


BROKEN = {
    "no key": "no private key",
    "no certificates": "no certificates",
    "missing": "chain.pem cannot be read",
    "another's": "is not that of key.pem",
    "alone": "lacks the certificate of the issuer",
    "expired": "and not now",
    "useless": "could not be added",
    "weak": "of a kind",
    "locked": "password",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_key_that_cannot_be_used_is_refused_in_one_line(
    how: str, someone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil(someone, how)
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(someone))
    with pytest.raises(BadRequest, match=BROKEN[how]) as caught:
        ready()
    assert "\n" not in str(caught.value) and caught.value.hint


def test_a_broken_key_stops_painting_before_it_begins(
    someone: Path, monkeypatch: pytest.MonkeyPatch, photos: Path, tmp_path: Path
) -> None:
    _spoil(someone, "no key")
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(someone))
    with pytest.raises(BadRequest, match="no private key"):
        flamingo.paint([photos / "chelsea.jpg"], model="fast", output=tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_key_made_here_that_broke_is_not_replaced(empty_home: Path) -> None:
    identity.load()
    (identity.folder() / "key.pem").write_text("")
    with pytest.raises(BadRequest, match="remove that folder"):
        identity.load()


def test_a_named_folder_without_a_key_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_IDENTITY", str(tmp_path / "nothing"))
    with pytest.raises(BadRequest, match="cannot be read"):
        identity.load()
    assert not (tmp_path / "nothing").exists()


def test_where_no_key_can_be_kept_results_are_written_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Picture, origin: Origin
) -> None:
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    ready()
    with pytest.raises(OutputError):
        identity.load()
    (note,) = write(picture, tmp_path / "a.png", origin=origin)
    assert note.startswith("without a signature") and "FLAMINGO_IDENTITY" in note
    assert verify(tmp_path / "a.png").state == "unsigned", "the source type in XMP needs no key"


def test_looking_at_a_file_makes_no_key(empty_home: Path, photos: Path) -> None:
    verify(photos / "chelsea.jpg")
    assert not os.path.lexists(empty_home)
