"""Keys and certificates of other people, and a process that asks for this machine's own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flamingo.provenance import authority, identity


def certificate(key: Any, name: str, issuer: str, by: Any, *, days: int = 365, usage: bool = True) -> bytes:
    """A certificate in PEM that `issuer` (whose key is `by`) gives to `name`, from two days ago for some days."""
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    end_entity = name != "Authority"
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(not end_entity, None), True)
        .add_extension(
            x509.KeyUsage(end_entity, False, False, False, False, not end_entity, not end_entity, False, False), True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False)
    )
    if end_entity and usage:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    digest = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return authority.pem(made.sign(by, digest))


def keep(folder: Path, key: Any, *chain: bytes) -> Path:
    """A folder with a user's own key and certificates."""
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_bytes(authority.pkcs8(key))
    (folder / "chain.pem").write_bytes(b"".join(chain))
    return folder


def load(barrier: Any, results: Any) -> None:
    """In a process of its own: wait for the others, then ask for the key."""
    barrier.wait()
    results.put(identity.load().key)
