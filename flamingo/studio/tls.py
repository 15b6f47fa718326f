"""A certificate for the studio: its own, made and renewed here, or the user's.

Browsers give a camera, and let a page be installed, only over https or on the machine itself, so a household needs
one. Nobody signs certificates for names inside a house: the studio signs its own, and each device asks once whether
it is trusted. Its fingerprint is printed, to be compared with what the device shows.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flamingo.errors import BadRequest, show
from flamingo.private import write_private

__all__ = ["Certificate", "given", "own"]

_LASTS = datetime.timedelta(days=397)  # Apple's devices take none that lasts longer than 825, browsers 398
_RENEWED = datetime.timedelta(days=30)
_SLACK = datetime.timedelta(days=1)  # clocks of other devices may be behind


@dataclass(frozen=True)
class Certificate:
    """Where certificate (with its chain) and key lie, as PEM; fingerprint: the SHA-256 of the certificate, as
    browsers show it; own: whether it was made here."""

    chain: Path
    key: Path
    fingerprint: str
    own: bool


def own(folder: Path, names: Iterable[str]) -> Certificate:
    """The studio's own certificate for these names and addresses, kept in the folder for its owner alone. It is made
    if there is none, if the one there misses a name, or ends within 30 days; the key stays the same.

    Raises OutputError if it cannot be kept there.
    """
    chain, key_file = folder / "tls-certificate.pem", folder / "tls-key.pem"
    alternatives = _alternatives(names)
    key = _key(key_file)
    if key is not None and (stored := _usable_certificate(chain, key, alternatives)) is not None:
        return Certificate(chain, key_file, _fingerprint(stored), True)
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(key_file, key.private_bytes(*form))
    certificate = _self_signed(key, alternatives)
    write_private(chain, certificate.public_bytes(serialization.Encoding.PEM))
    return Certificate(chain, key_file, _fingerprint(certificate), True)


def given(chain: Path, key: Path) -> Certificate:
    """The user's own certificate and key, PEM files. Raises BadRequest if they cannot be used together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=lambda: b"")
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    except FileNotFoundError as error:
        missing = chain if not chain.exists() else key
        raise BadRequest(show(missing), "there is no such file", "name a PEM file") from error
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = "certificate and key are no PEM files that belong together, or the key has a password"
        hint = "name the chain and its key, without password"
        raise BadRequest(f"{show(chain)} and {show(key)}", why, hint) from error
    return Certificate(chain, key, _fingerprint(certificate), False)


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    by_name: dict[str, x509.GeneralName] = {}
    for name in names:
        try:
            by_name[name] = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            if name.isascii() and 0 < len(name) < 254:
                by_name[name] = x509.DNSName(name)
    return [by_name[name] for name in sorted(by_name)]


def _key(file: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _usable_certificate(
    chain: Path, key: ec.EllipticCurvePrivateKey, alternatives: list[x509.GeneralName]
) -> x509.Certificate | None:
    """The certificate that is there, if it can still be used."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return None
    now = datetime.datetime.now(datetime.UTC)
    fits = certificate.public_key() == key.public_key() and set(alternatives) <= set(names)
    lasts = certificate.not_valid_before_utc <= now and now + _RENEWED < certificate.not_valid_after_utc
    return certificate if fits and lasts else None


def _self_signed(key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Flamingo studio")])
    now = datetime.datetime.now(datetime.UTC)
    usage = {
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False),
        **dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False),
        "digital_signature": True,
    }
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now - _SLACK + _LASTS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
