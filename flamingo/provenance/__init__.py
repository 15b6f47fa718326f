"""Where a result comes from: said, signed, and checked again.

    origin = Origin("paint", recipe, inputs=(sha256_of_the_photo,))
    notes = put(encoded, Path("painted.jpg"), origin, overwrite=False)     # written with Content Credentials
    verdict = verify("painted.jpg")                                        # verdict.whole, verdict.sentences

Results carry Content Credentials (C2PA) signed with a key made on this machine or the user's own, pictures the IPTC
digital source type in XMP besides, and files that can hold no signature a signed sidecar.
"""

from flamingo.provenance.manifest import sign
from flamingo.provenance.origin import Origin
from flamingo.provenance.signing import Credited, check, credit, put, ready, wanted, xmp_packet
from flamingo.provenance.verdict import Verdict, verify

__all__ = [
    "Credited",
    "Origin",
    "Verdict",
    "check",
    "credit",
    "put",
    "ready",
    "sign",
    "verify",
    "wanted",
    "xmp_packet",
]
