"""A finished film or animation comes to its place: signed, whole, and under its name only then.

The same as `flamingo.provenance.put`, for files that need not fit into memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flamingo import files, provenance
from flamingo.errors import FlamingoError, OutputError, WouldOverwrite, show
from flamingo.files import sha256
from flamingo.provenance import manifest, sidecar
from flamingo.video.opening import Broken

__all__ = ["delivered"]

Notes = tuple[str, ...]


def delivered(
    write: Callable[[Path], Notes],
    path_for: Callable[[str], Path],
    target: Path,
    *,
    overwrite: bool,
    origin: provenance.Origin | None,
) -> Notes:
    """Have a file written, sign it and put it into its place.

    Args:
        write: writes the file to where it is told, and gives notes.
        path_for: gives where a file of that name may lie meanwhile, on the target's own file system.
        target: the file.
        overwrite: whether one that is there may be replaced.
        origin: what made it, or None for no credentials.

    Returns:
        Notes, those of `write` first.

    Raises:
        OutputError: it cannot be put there.
    """
    name, suffix = show(target), target.suffix.lower()
    try:
        whole = path_for(f"whole{suffix}")
        notes = write(whole)
        whole, beside, credit_notes = _credited(whole, path_for(f"signed{suffix}"), origin)
        with whole.open("rb+") as file:
            os.fsync(file.fileno())
        if not overwrite and os.path.lexists(target):  # it has come into being since
            raise WouldOverwrite(name, "it exists already", "choose another name or allow overwriting")
        whole.replace(target)
    except OutputError as error:  # a person knows the result, and not its parts
        raise type(error)(name, error.why, error.hint) from None
    except (OSError, *Broken) as error:
        raise files.output_error(error, name) from None
    notes += credit_notes
    if beside is not None:
        try:
            files.put(beside, sidecar.of(target), overwrite)
        except OutputError as error:
            notes += (f"without its sidecar: {error}",)
    return notes


def _credited(whole: Path, signed: Path, origin: provenance.Origin | None) -> tuple[Path, bytes | None, Notes]:
    """The file with credentials, its sidecar if its kind can hold none, and notes."""
    wished = provenance.wanted(origin)
    if wished is None:
        return whole, None, ()
    kind = whole.suffix.removeprefix(".")
    try:
        if kind not in manifest.TYPES:
            return whole, sidecar.make(sha256(whole), wished), ()
        with whole.open("rb") as source, signed.open("wb+") as target:
            provenance.sign(source, target, kind, wished)
    except FlamingoError as error:
        return whole, None, (f"without a signature: {error}",)
    return signed, None, ()
