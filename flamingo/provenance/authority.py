"""A new key and the certificates that go with it.

C2PA wants a certificate that some authority has issued for signing (an end-entity certificate with an extended key
usage; C2PA specification, section 14.5). So an authority is made along with the key, issues this one certificate,
and its own key is forgotten at once: nobody can issue a second one. Nothing in the certificate tells who or where
the user is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509 import Certificate

__all__ = ["issue", "pem", "pkcs8"]

_YEARS = 20
"""How long a certificate made here is good for. There is no time stamp on what it signs, so that all of that counts
as out of date when the certificate is."""


def issue() -> tuple[bytes, bytes]:
    """A new key and its chain, in PEM: ES256, issued by an authority whose own key ends with this function."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Flamingo user"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    # A day in the past, since clocks are set back at times; to the day, since the hour is nobody's business.
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, signer = name("Flamingo, an authority made for one key"), name("Flamingo, a key made on first use")

    def certificate(subject: x509.Name, of: ec.EllipticCurvePrivateKey, years: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(issuer_name=authority, subject_name=subject, public_key=of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=365 * years))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        )

    issuer = (
        certificate(authority, root, _YEARS + 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(root, hashes.SHA256())
    )
    leaf = (
        certificate(signer, key, _YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        # The usage of C2PA's own (1.3.6.1.4.1.62558.2.1) is for authorities on its list; c2pa-python refuses it here.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(root, hashes.SHA256())
    )
    return pkcs8(key), pem(leaf) + pem(issuer)


def _usage(*, certificates: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def pkcs8(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def pem(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
