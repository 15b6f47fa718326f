"""Content Credentials (C2PA) inside a file: written, and read as they stand. The one place that touches `c2pa`.

What is written, by the C2PA specification 2.x: a claim with the actions that made the result (18.12), an ingredient
for each input, told by its sha256 alone (18.13), and an assertion of our own with the recipe. No thumbnail, no title,
no time stamp: a stamp needs an authority on the network, and nothing here uses the network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

from flamingo.errors import FlamingoError, one_line
from flamingo.provenance import identity
from flamingo.provenance.origin import SOFTWARE, Origin, now, parsed, version

__all__ = ["LABEL", "TYPES", "Credentials", "read", "sign"]

LABEL = "art.flamingo.recipe"
"""The name of our own assertion."""

TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "mp4": "video/mp4",
}
"""The kinds of file that can hold credentials, and their media types."""

_SETTINGS = {
    "version": 1,
    # Beyond 16 MiB its scratch copies go to a file: by default they stay in memory up to 512.
    "core": {"backing_store_memory_threshold_in_mb": 16},
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
}
_UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Credentials:
    """The credentials in a file, and what the reference library says of them.

    faults: codes of the specification for what does not hold (15.2), without the one for a signer that is on no
    trust list; damage: why they could not be read at all, or "". elsewhere: where they are kept if not in the file.
    """

    faults: tuple[str, ...] = ()
    damage: str = ""
    elsewhere: str = ""
    own: bool = False
    signer: str = ""
    issuer: str = ""
    stamped: str = ""
    software: str = ""
    actions: tuple[dict[str, Any], ...] = ()
    inputs: tuple[str, ...] = ()
    statement: dict[str, Any] | None = None


def sign(source: BinaryIO, target: BinaryIO, kind: str, origin: Origin) -> None:
    """Copy a finished file with credentials added.

    Both streams are read and written in pieces, so that a film need not fit into memory.

    Args:
        source: the file, as a stream that can be read and wound back.
        target: an empty stream that can be written and read.
        kind: one of TYPES.
        origin: what made the file.

    Raises:
        BadRequest: the identity cannot be used.
        OutputError: there is none, and none can be made.
        FlamingoError: the library refuses to sign.
    """
    import c2pa

    who = identity.load()
    try:
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(who.algorithm, _chain(who.shown), who.key, None))
        with (
            signer,
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Builder(_definition(origin), context=context) as builder,
        ):
            builder.sign(signer, TYPES[kind], source, target)
    except c2pa.C2paError as error:
        raise FlamingoError("credentials", f"they could not be added ({_reason(error)})") from None


def _definition(origin: Origin) -> dict[str, Any]:
    """What the library makes a manifest of."""
    when, inputs = now(), [f"sha256:{digest}" for digest in origin.inputs]
    agent = {"name": SOFTWARE, "version": version()}
    statement = origin.statement()
    # As text: the library's reader turns lists of numbers into base64 and the last digit of some numbers.
    statement["recipe"] = json.dumps(statement["recipe"], ensure_ascii=False)
    return {
        "claim_version": 2,
        "claim_generator_info": [agent],
        "ingredients": [
            {"instance_id": name, "relationship": "parentOf" if len(inputs) == 1 else "componentOf"}
            for name in inputs
        ],
        "assertions": [
            {"label": "c2pa.actions.v2", "created": True, "data": {"actions": _actions(origin, inputs, when, agent)}},
            {"label": LABEL, "kind": "Json", "created": True, "data": statement},
        ],
    }


def _actions(origin: Origin, inputs: list[str], when: str, agent: dict[str, str]) -> list[dict[str, Any]]:
    """One input was opened and changed; several were placed into something new; none means something new."""
    common = {"when": when, "softwareAgent": agent, "digitalSourceType": origin.source_type}
    if len(inputs) == 1:
        opened = {"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": inputs}}
        return [opened, {"action": "c2pa.edited", **common}]
    placed = [{"action": "c2pa.placed", "when": when, "parameters": {"ingredientIds": [name]}} for name in inputs]
    return [{"action": "c2pa.created", **common}, *placed]


def read(source: BinaryIO, media_type: str, own: identity.Identity | None) -> Credentials | None:
    """The credentials in a file.

    Args:
        source: the file.
        media_type: what its name suggests, or ""; the bytes decide.
        own: who counts as this machine.

    Returns:
        What they say, or None if it has none or is of a kind that holds none.
    """
    import c2pa

    trust = {"trust": {"user_anchors": _chain(own.chain[-1:]).decode()}} if own else {}
    try:
        with (
            c2pa.Context.from_dict({**_SETTINGS, **trust}) as context,
            c2pa.Reader(media_type, source, context=context) as reader,
        ):
            return _credentials(parsed(reader.json()), own)
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
        return None
    except c2pa.C2paError.RemoteManifest as error:
        return Credentials(elsewhere=_reason(error))
    except c2pa.C2paError as error:
        return Credentials(damage=_reason(error))


def _credentials(store: dict[str, Any], own: identity.Identity | None) -> Credentials:
    active = store.get("manifests", {}).get(store.get("active_manifest"))
    if active is None:
        return Credentials(damage="none of the manifests is the active one")
    results = store.get("validation_results", {}).get("activeManifest", {})
    codes = [str(fault.get("code")) for fault in results.get("failure", [])]
    trusted = any(success.get("code") == "signingCredential.trusted" for success in results.get("success", []))
    signature = active.get("signature_info") or {}
    # Trusted alone would let in everyone to whom the same authority gave a certificate.
    same = own is not None and str(signature.get("cert_serial_number")) == str(own.serial)
    generator = (active.get("claim_generator_info") or [{}])[0]
    actions: list[dict[str, Any]] = []
    statement: dict[str, Any] | None = None
    for assertion in active.get("assertions", []):
        label, data = str(assertion.get("label")), assertion.get("data")
        if label.startswith("c2pa.actions") and isinstance(data, dict):
            actions += data.get("actions", [])
        elif label == LABEL and isinstance(data, dict):
            statement = {**data, "recipe": parsed(str(data.get("recipe")))}
    return Credentials(
        faults=tuple(dict.fromkeys(code for code in codes if code != _UNTRUSTED)),
        own=same and trusted,
        signer=str(signature.get("common_name") or ""),
        issuer=str(signature.get("issuer") or ""),
        stamped=str(signature.get("time") or ""),
        software=" ".join(str(generator[part]) for part in ("name", "version") if generator.get(part)),
        actions=tuple(actions),
        inputs=tuple(str(i["instance_id"]) for i in active.get("ingredients", []) if i.get("instance_id")),
        statement=statement,
    )


def _chain(ders: tuple[bytes, ...]) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders)


def _reason(error: Exception) -> str:
    return one_line(str(error).strip() or type(error).__name__)
