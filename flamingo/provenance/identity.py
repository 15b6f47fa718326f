"""The key that signs: made at first use and kept on this machine, or the user's own.

`FLAMINGO_IDENTITY` names a folder with the user's own key.pem (unencrypted; EC, RSA or Ed25519) and chain.pem (the
certificate of that key first, then those of its issuers).
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flamingo import settings
from flamingo.errors import BadRequest, FlamingoError, OutputError, show
from flamingo.folders import user_data
from flamingo.private import private_folder
from flamingo.provenance import authority

__all__ = ["Identity", "folder", "load", "present"]

_KEY, _CHAIN = "key.pem", "chain.pem"


@dataclass(frozen=True, repr=False)
class Identity:
    """A key that can be signed with, and the certificates that go with it.

    key: the private key, PKCS #8 in PEM. chain: DER of the certificates, the signer's first. algorithm: the name of
    the signature scheme in C2PA, such as es256. chosen: whether the user named it with FLAMINGO_IDENTITY.
    """

    key: bytes
    chain: tuple[bytes, ...]
    algorithm: str
    serial: int
    chosen: bool

    @property
    def shown(self) -> tuple[bytes, ...]:
        """The certificates that go into a file: without the root, as C2PA has it."""
        return self.chain[:-1] if len(self.chain) > 1 and _is_root(self.chain[-1]) else self.chain


def folder() -> Path:
    """Where key and certificates lie: the folder named by FLAMINGO_IDENTITY, or one with the user's own data."""
    return user_data("identity", settings.IDENTITY)


def present() -> Identity | None:
    """The identity if there is one already, for looking at files: none is made for that.

    Returns:
        The identity, or None.

    Raises:
        BadRequest: the one that is there cannot be used.
    """
    where = folder()
    try:
        there = settings.IDENTITY.is_set() or where.exists()
    except OSError:  # a home that may not be looked into has no key for us
        there = False
    return _read(where) if there else None


def load() -> Identity:
    """The identity to sign with; it is made if there is none.

    Returns:
        The identity, the user's own if FLAMINGO_IDENTITY names one.

    Raises:
        BadRequest: the one that is there cannot be used.
        OutputError: none can be made here.
    """
    existing = present()
    if existing is not None:
        return existing
    where = folder()
    try:
        _make(where)
    except OSError as error:
        why = (error.strerror or "it cannot be made").lower()
        raise OutputError(
            show(where), f"no key for signing can be kept there ({why})", "name a folder with FLAMINGO_IDENTITY"
        ) from None
    return _read(where)


def _make(where: Path) -> None:
    """Make both files in a folder of another name, then rename it: another process sees all or nothing of it."""
    key, chain = authority.issue()
    private_folder(where.parent)
    aside = where.with_name(f".{where.name}-{secrets.token_hex(6)}.tmp")
    try:
        aside.mkdir(mode=0o700)
        for name, content in ((_KEY, key), (_CHAIN, chain)):
            with os.fdopen(os.open(aside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        with suppress(FileExistsError):
            _move(aside, where)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _move(aside: Path, where: Path) -> None:
    """Rename a folder; FileExistsError if another process was first, which systems report in several ways."""
    try:
        aside.rename(where)
    except OSError:
        if (where / _CHAIN).exists():
            raise FileExistsError(str(where)) from None
        raise


def _read(where: Path) -> Identity:
    """The identity in a folder. Raises BadRequest: a key that someone relies on is not replaced in silence."""
    chosen = settings.IDENTITY.is_set()
    hint = (
        "mend what FLAMINGO_IDENTITY names, or unset it"
        if chosen
        else "remove that folder and a new key will be made"
    )

    def refusal(why: str) -> FlamingoError:
        return BadRequest(f"the signing key in {show(where)}", why, hint)

    try:
        private, certificates = (where / _KEY).read_bytes(), (where / _CHAIN).read_bytes()
    except OSError as error:
        missing = Path(str(error.filename)).name
        raise refusal(f"{missing} cannot be read ({(error.strerror or 'no reason given').lower()})") from None
    return _understood(private, certificates, chosen, refusal)


def _understood(private: bytes, certificates: bytes, chosen: bool, refusal: Any) -> Identity:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    try:
        key = load_pem_private_key(private, None)
    except TypeError:
        raise refusal(f"{_KEY} is protected by a password, which cannot be asked for here") from None
    except Exception:  # the library has many kinds for the many ways in which bytes are no key
        raise refusal(f"{_KEY} holds no private key in PEM") from None
    algorithm = _algorithm(key)
    if algorithm is None:
        raise refusal(f"{_KEY} is of a kind that C2PA has no signature for (use EC, RSA from 2048 bits, or Ed25519)")
    try:
        chain = x509.load_pem_x509_certificates(certificates)
    except ValueError:
        raise refusal(f"{_CHAIN} holds no certificates in PEM") from None
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise refusal(f"the first certificate in {_CHAIN} is not that of {_KEY}")
    if len(chain) == 1 and leaf.issuer != leaf.subject:
        raise refusal(f"{_CHAIN} lacks the certificate of the issuer ({leaf.issuer.rfc4514_string()})")
    if not leaf.not_valid_before_utc <= datetime.now(UTC) <= leaf.not_valid_after_utc:
        raise refusal(f"its certificate is good from {leaf.not_valid_before_utc:%Y-%m-%d} to "
                      f"{leaf.not_valid_after_utc:%Y-%m-%d}, and not now")  # fmt: skip
    ders = tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)
    return Identity(authority.pkcs8(key), ders, algorithm, leaf.serial_number, chosen)


def _algorithm(key: Any) -> str | None:
    """The signature scheme of C2PA (specification, section 13.2) for a private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256" if key.key_size >= 2048 else None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(key.curve.name)
    return None


def _is_root(der: bytes) -> bool:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    return certificate.issuer == certificate.subject
