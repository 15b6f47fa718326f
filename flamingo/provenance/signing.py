"""Giving a finished result its credentials, in whatever way its kind of file allows.

A kind that C2PA knows is signed inside; the others (BMP, Ogg, MIDI, MusicXML) get a signed sidecar. A result that
cannot be signed is written all the same, and the reason is told in a note: a painting must not be lost for want of a
signature. `FLAMINGO_CREDENTIALS=off` leaves all of it out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from flamingo import files, settings
from flamingo.errors import BadRequest, FlamingoError, show
from flamingo.provenance import identity, manifest, sidecar, xmp
from flamingo.provenance.origin import Origin

__all__ = ["Credited", "check", "credit", "put", "ready", "wanted", "xmp_packet"]

# One pixel as GIF, written out: the trial of a key must not depend on any library for pictures.
_SMALLEST = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")


@dataclass(frozen=True)
class Credited:
    """The bytes of a file with its credentials; those of its sidecar, where it needs one; what must be told."""

    data: bytes
    sidecar: bytes | None = None
    notes: tuple[str, ...] = ()


def wanted(origin: Origin | None) -> Origin | None:
    """The origin that is to be told.

    Args:
        origin: what made a result, or None.

    Returns:
        The same, or None where FLAMINGO_CREDENTIALS is off.

    Raises:
        BadRequest: FLAMINGO_CREDENTIALS is neither on nor off.
    """
    return origin if settings.CREDENTIALS.value() else None


def xmp_packet(origin: Origin | None) -> bytes | None:
    """The XMP packet that goes into a picture, or None where nothing shall be said."""
    origin = wanted(origin)
    return None if origin is None else xmp.packet(origin)


def ready() -> None:
    """Raise BadRequest if results shall be signed with a key that cannot be used; for verbs, before the work.

    That no key can be kept here is no reason to refuse the work: each result says so in its notes.
    """
    if not settings.CREDENTIALS.value() or identity.present() is None:
        return
    try:
        # A certificate can be refused for many a detail, which only the library that signs knows all of.
        manifest.sign(BytesIO(_SMALLEST), BytesIO(), "gif", Origin("try"))
    except BadRequest:
        raise
    except FlamingoError as error:
        raise BadRequest(f"the signing key in {show(identity.folder())}", error.why, "use another one") from None


def check(path: Path, *, overwrite: bool = False, never: Collection[Path] = ()) -> None:
    """Check that the sidecar of a result can be written. Kinds that need none have none.

    Args:
        path: the result.
        overwrite: whether a sidecar that is there may be replaced.
        never: files that must not be replaced.

    Raises:
        OutputError: it cannot be written.
    """
    if settings.CREDENTIALS.value() and _kind(path.suffix) not in manifest.TYPES:
        files.check_target(sidecar.of(path), overwrite=overwrite, never=never)


def credit(data: bytes, kind: str, origin: Origin | None) -> Credited:
    """A file with credentials. It never fails for a signature: what stood in its way is in the notes.

    Args:
        data: the whole file.
        kind: its format or suffix, such as png or .mp3.
        origin: what made it, or None for no credentials.

    Returns:
        The bytes of the file, those of its sidecar where it needs one, and notes.

    Raises:
        BadRequest: FLAMINGO_CREDENTIALS is neither on nor off.
    """
    origin = wanted(origin)
    if origin is None:
        return Credited(data)
    try:
        if _kind(kind) not in manifest.TYPES:
            return Credited(data, sidecar.make(hashlib.sha256(data).hexdigest(), origin))
        signed = BytesIO()
        manifest.sign(BytesIO(data), signed, _kind(kind), origin)
    except FlamingoError as error:
        return Credited(data, notes=(f"without a signature: {error}",))
    return Credited(signed.getvalue())


def put(data: bytes, path: Path, origin: Origin | None, *, overwrite: bool) -> tuple[str, ...]:
    """Write a finished result with its credentials, and its sidecar where it needs one.

    Args:
        data: the whole file.
        path: where it goes.
        origin: what made it, or None for no credentials.
        overwrite: whether a file that is there may be replaced.

    Returns:
        Notes, sentences for people.

    Raises:
        OutputError: the result itself cannot be written.
    """
    credited = credit(data, path.suffix, origin)
    files.put(credited.data, path, overwrite)
    if credited.sidecar is None:
        return credited.notes
    beside = sidecar.of(path)
    try:
        files.put(credited.sidecar, beside, overwrite)
    except FlamingoError as error:
        return (*credited.notes, f"without its sidecar: {error}")
    return credited.notes


def _kind(name: str) -> str:
    kind = name.lower().removeprefix(".")
    return {"jpg": "jpeg", "tif": "tiff"}.get(kind, kind)
