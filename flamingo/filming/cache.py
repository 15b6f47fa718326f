"""The half-done work on a film: what each stage has finished, in a hidden folder beside it until it is there.

A file in it is named by a hash of all that made it, and is written whole or not at all. So whatever a new run needs
and finds there is right, whether the request is the same or another one about the same photos.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo import files
from flamingo.errors import FlamingoError, show

__all__ = ["Work"]

_MANNER = 2  # counted up when the same facts give another result, so that what older versions left is not taken


@dataclass(frozen=True)
class Work:
    """What is kept for the film `target`."""

    target: Path

    @property
    def folder(self) -> Path:
        """The hidden folder. Names of files have at most 255 bytes."""
        name = self.target.name.encode()[:200].decode(errors="ignore")
        return self.target.parent / f".{name}.part"

    def open(self) -> None:
        """Make the folder if it is not there. Raises an OutputError."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise files.output_error(error, show(self.target)) from None

    def place(self, kind: str, facts: Any, suffix: str) -> Path:
        """Where the file of this kind that is made from these facts (plain JSON values) lies, or will lie."""
        text = json.dumps([_MANNER, kind, facts], sort_keys=True, default=str)
        return self.folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:24]}{suffix}"

    def put(self, data: bytes, path: Path) -> None:
        """Keep a file. Raises an OutputError that names the film: a person knows it, and not its parts."""
        try:
            files.put(data, path, overwrite=True)
        except FlamingoError as error:
            raise type(error)(show(self.target), error.why, error.hint) from None

    def drop(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
