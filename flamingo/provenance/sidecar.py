"""Credentials beside a file that can hold none: piece.mid has piece.mid.json.

The sidecar is readable JSON: a statement (the sha256 of the file, what made it, when) and a signature over it by the
same key that signs inside other files. The signature is a JSON Web Signature with detached payload (RFC 7515,
appendix F; RFC 7797), its header holding the certificates (x5c). What is signed is the statement as JSON with sorted
keys and without spaces, in UTF-8, so that the file may be laid out in any way.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo.errors import FlamingoError
from flamingo.provenance import identity
from flamingo.provenance.origin import Origin, now, parsed

__all__ = ["Beside", "make", "of", "read"]

_ABOUT = "What made the file of this name, signed by who made it. `flamingo verify` checks it."
_ALGORITHMS = {
    "es256": "ES256",
    "es384": "ES384",
    "es512": "ES512",
    "ps256": "PS256",
    "ed25519": "EdDSA",
}
_MOST = 2**20


@dataclass(frozen=True)
class Beside:
    """What a sidecar says. sound: whether its signature holds; own: whether it is that of this machine."""

    sound: bool
    statement: dict[str, Any]
    own: bool = False
    signer: str = ""
    issuer: str = ""


def of(file: Path) -> Path:
    """The name of the sidecar of a file."""
    return file.with_name(f"{file.name}.json")


def make(sha256: str, origin: Origin) -> bytes:
    """The sidecar for a file.

    Args:
        sha256: of the file's bytes, in hexadecimal.
        origin: what made it.

    Returns:
        The bytes of the sidecar.

    Raises:
        BadRequest: the identity cannot be used.
        OutputError: there is none, and none can be made.
        FlamingoError: the library refuses to sign.
    """
    import jwt

    who = identity.load()
    statement = {"sha256": sha256, **origin.statement(now())}
    algorithm = _ALGORITHMS[who.algorithm]
    # No type: PyJWT would call it a JWT, which it is not.
    header: dict[str, Any] = {"typ": "", "x5c": [base64.b64encode(der).decode() for der in who.shown]}
    try:
        signature = jwt.PyJWS().encode(
            _signed(statement), who.key, algorithm, headers=header, is_payload_detached=True
        )
    except jwt.PyJWTError as error:
        raise FlamingoError("the sidecar", f"it could not be signed ({error})") from None
    content = {"about": _ABOUT, "statement": statement, "signature": signature}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read(file: Path, own: identity.Identity | None) -> Beside | None:
    """What a sidecar says.

    Args:
        file: the sidecar.
        own: who counts as this machine.

    Returns:
        What it says, or None if there is none, or something else has its name.
    """
    try:
        with file.open("rb") as opened:
            content = parsed(opened.read(_MOST))
    except (OSError, ValueError):
        return None
    statement, signature = content.get("statement"), content.get("signature")
    if not isinstance(statement, dict) or not isinstance(signature, str) or "sha256" not in statement:
        return None
    return _checked(statement, signature, own)


def _checked(statement: dict[str, Any], signature: str, own: identity.Identity | None) -> Beside:
    import jwt
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        leaf = base64.b64decode(jwt.get_unverified_header(signature)["x5c"][0], validate=True)
        certificate = x509.load_der_x509_certificate(leaf)
        public: Any = certificate.public_key()
        jwt.PyJWS().decode(
            signature, public, algorithms=list(_ALGORITHMS.values()), detached_payload=_signed(statement)
        )
        names = [
            str(attributes[0].value) if (attributes := certificate.subject.get_attributes_for_oid(oid)) else ""
            for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        ]
    except Exception:  # what anyone may have written can be wrong in any way, and all of them mean the same
        return Beside(False, statement)
    return Beside(True, statement, own is not None and leaf == own.chain[0], names[0], names[1])


def _signed(statement: dict[str, Any]) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
