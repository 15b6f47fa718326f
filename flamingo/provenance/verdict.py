"""What is known of a file's origin, and what that proves.

`verify` looks, in this order, for credentials in the file, a signed sidecar beside it, and plain words in it (the
recipe's line, XMP). What it finds was written by anyone, so that it is shown as what someone said.
"""

from __future__ import annotations

import hashlib
import mimetypes
import mmap
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal

from flamingo.errors import BadInput, FlamingoError, show
from flamingo.provenance import identity, inscription, manifest, sentences, sidecar, xmp

__all__ = ["State", "Verdict", "verify"]

State = Literal["whole", "changed", "broken", "unsigned", "nothing"]
"""whole: signed, and not changed since. changed: signed, and changed since. broken: there are credentials that do not
hold or cannot be read. unsigned: words that anyone could have written. nothing: no word about its origin."""

_CHANGED = frozenset(
    {
        "assertion.dataHash.mismatch",
        "assertion.boxesHash.mismatch",
        "assertion.boxesHash.unknownBox",
        "assertion.bmffHash.mismatch",
        "assertion.collectionHash.mismatch",
    }
)
"""Codes of the C2PA specification (15.2) for a content that is not the one that was signed."""


_HEAD = 4096
_MARKS = (b"jumdc2pa", b"c2pa:manifest")
"""How a store of manifests begins, as bytes (JUMBF, ISO 19566-5) and in SVG."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a file.

    found: where the credentials or words are; faults: codes of the C2PA specification, or short words, for what does
    not hold; own: whether the key of this machine, or the one in FLAMINGO_IDENTITY, signed it. The rest is what the
    file says of itself: signer and issuer by the certificate, software, verb, when (ISO 8601, UTC, by the signer's
    clock), source_type (an IPTC term), inputs ("sha256:...") and the recipe.
    """

    file: Path
    state: State
    found: Literal["file", "sidecar", "words", ""] = ""
    faults: tuple[str, ...] = ()
    own: bool = False
    signer: str = ""
    issuer: str = ""
    software: str = ""
    verb: str = ""
    when: str = ""
    stamped: str = ""
    source_type: str = ""
    inputs: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is signed and has not changed since."""
        return self.state == "whole"

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in plain words, one line each, the most important first."""
        return sentences.of(self)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "file": str(self.file),
            "state": self.state,
            "whole": self.whole,
            "found": self.found,
            "faults": list(self.faults),
            "own": self.own,
            "signer": self.signer,
            "issuer": self.issuer,
            "software": self.software,
            "verb": self.verb,
            "when": self.when,
            "stamped": self.stamped,
            "source_type": self.source_type,
            "inputs": list(self.inputs),
            "recipe": self.recipe,
            "sentences": list(self.sentences),
        }


def verify(file: Path | str, *, beside: Path | None = None) -> Verdict:
    """What is known of a file, by its content and nothing else; no network is used.

    Args:
        file: any file.
        beside: its sidecar, if that is not NAME.json in the same folder.

    Returns:
        The verdict. What the file says of itself was written by anyone; only `faults`, `own` and `state` are ours.

    Raises:
        BadInput: the file cannot be read.

    Example:
        >>> from flamingo import verify
        >>> _ = (folder / "letter.txt").write_text("No word about where this comes from.")
        >>> verdict = verify(folder / "letter.txt")
        >>> verdict.state, verdict.whole, verdict.recipe
        ('nothing', False, {})
    """
    file = Path(file)
    notes: tuple[str, ...] = ()
    try:
        own = identity.present()
    except FlamingoError as error:
        own, notes = None, (f"Whether this machine signed it cannot be told: {error}.",)
    try:
        with file.open("rb") as opened:
            verdict = _verdict(file, opened, own, beside or sidecar.of(file))
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "it cannot be read").lower()
        raise BadInput(show(file), why, "name a file that is there") from None
    return replace(verdict, notes=notes)


def _verdict(file: Path, opened: BufferedReader, own: identity.Identity | None, beside: Path) -> Verdict:
    inside = manifest.read(opened, _media_type(file, opened), own)
    if inside is not None and not (inside.damage and not _has_marks(opened)):
        return _of_manifest(file, inside)
    signed = sidecar.read(beside, own)
    if signed is not None:
        opened.seek(0)
        return _of_sidecar(file, signed, hashlib.file_digest(opened, "sha256").hexdigest())
    return _of_words(file, opened)


def _media_type(file: Path, opened: BufferedReader) -> str:
    """What the name suggests: the library looks at the bytes itself, but does not know SVG by them."""
    head = opened.read(_HEAD)
    opened.seek(0)
    return "image/svg+xml" if b"<svg" in head else mimetypes.guess_type(file.name)[0] or ""


def _has_marks(opened: BufferedReader) -> bool:
    """Whether the bytes look as if there were credentials: a damaged file need not have had any."""
    try:
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(mark) >= 0 for mark in _MARKS)
    except ValueError:  # an empty file cannot be mapped
        return False


def _of_manifest(file: Path, credentials: manifest.Credentials) -> Verdict:
    if credentials.damage or credentials.elsewhere:
        why = (
            f"unreadable ({credentials.damage})"
            if credentials.damage
            else f"kept elsewhere ({credentials.elsewhere})"
        )
        return Verdict(file, "broken", "file", (why,))
    state: State = (
        "whole" if not credentials.faults else "changed" if set(credentials.faults) <= _CHANGED else "broken"
    )
    statement = credentials.statement or {}
    times = [str(action["when"]) for action in credentials.actions if action.get("when")]
    sources = [str(a["digitalSourceType"]) for a in credentials.actions if a.get("digitalSourceType")]
    return Verdict(
        file,
        state,
        "file",
        credentials.faults,
        own=credentials.own and state != "broken",
        signer=credentials.signer,
        issuer=credentials.issuer,
        software=credentials.software,
        verb=str(statement.get("verb", "")),
        when=max(times, default=""),
        stamped=credentials.stamped,
        source_type=sources[-1] if sources else "",
        inputs=credentials.inputs,
        recipe=statement.get("recipe", {}),
    )


def _of_sidecar(file: Path, signed: sidecar.Beside, sha256: str) -> Verdict:
    if not signed.sound:
        return Verdict(file, "broken", "sidecar", ("signature of the sidecar",))
    same = signed.statement.get("sha256") == sha256
    verdict = replace(
        _of_statement(file, signed.statement),
        found="sidecar",
        own=signed.own,
        signer=signed.signer,
        issuer=signed.issuer,
    )
    return replace(verdict, state="whole" if same else "changed", faults=() if same else ("sha256 in the sidecar",))


def _of_words(file: Path, opened: BufferedReader) -> Verdict:
    try:
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            statement, source_type = inscription.found(data), xmp.found(data)
    except ValueError:  # an empty file cannot be mapped
        return Verdict(file, "nothing")
    if statement:
        return replace(_of_statement(file, statement), state="unsigned", found="words")
    if source_type:
        return Verdict(file, "unsigned", "words", source_type=source_type)
    return Verdict(file, "nothing")


def _of_statement(file: Path, statement: dict[str, Any]) -> Verdict:
    """A statement as someone wrote it: any part may be missing or of another type."""
    inputs, recipe = statement.get("inputs"), statement.get("recipe")
    return Verdict(
        file,
        "nothing",
        software=f"{statement.get('software', '')} {statement.get('version', '')}".strip(),
        verb=str(statement.get("verb", "")),
        when=str(statement.get("when", "")),
        source_type=str(statement.get("digital_source_type", "")),
        inputs=tuple(map(str, inputs)) if isinstance(inputs, list) else (),
        recipe=recipe if isinstance(recipe, dict) else {},
    )
