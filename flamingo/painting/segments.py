"""The half-done work on a clip: finished parts, kept in a hidden folder beside the result until all are there.

What is in it counts only for the very same request: everything that makes the clip is in a key, and the names of the
files begin with it. A part is written whole or not at all, and only `done.json` says that it counts.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import files
from flamingo.errors import FlamingoError, OutputError, show

__all__ = ["Parts"]

Arrays = Mapping[str, NDArray[Any]]


@dataclass
class Parts:
    """Parts of the result `target`. key: hexadecimal; None: of a request that cannot be told from another, which
    always begins anew. frames: how many are in the parts; facts: what else was noted with the last of them."""

    target: Path
    key: str | None
    files: list[Path] = field(default_factory=list)
    frames: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The hidden folder. Names of files have at most 255 bytes."""
        name = self.target.name.encode()[:200].decode(errors="ignore")
        return self.target.parent / f".{name}.part"

    def open(self) -> Arrays | None:
        """Begin, or go on where the same request stopped: then the state that was kept with its last part."""
        try:
            state = self._resumed()
            if state is None:
                self.drop()
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise files.output_error(error, show(self.target)) from None
        return state

    def _resumed(self) -> Arrays | None:
        try:
            record = json.loads((self.folder / "done.json").read_text(encoding="utf-8"))
            if self.key is None or record["key"] != self.key:
                return None
            parts = [self.folder / name for name in record["parts"]]
            if not parts or not all(part.is_file() for part in parts):
                return None
            buffer = io.BytesIO(self._state(len(parts)).read_bytes())
            with np.load(buffer, allow_pickle=False) as opened:
                state = dict(opened)
            self.files, self.frames, self.facts = parts, int(record["frames"]), dict(record["told"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return state

    def add(self, parts: Sequence[tuple[bytes, int]], state: Arrays, facts: dict[str, Any]) -> None:
        """Keep more parts, each with how many frames it has, so that work can go on after the last. Raises an
        OutputError."""
        added = [self.folder / f"{self._begin}-{len(self.files) + i:06d}" for i in range(len(parts))]
        for part, (data, _) in zip(added, parts, strict=True):
            self._put(data, part)
        before = self._state(len(self.files))
        buffer = io.BytesIO()
        np.savez(buffer, **state)  # type: ignore[arg-type]
        self._put(buffer.getvalue(), self._state(len(self.files) + len(added)))
        self.files += added
        self.frames += sum(frames for _, frames in parts)
        self.facts = facts
        record = {"key": self.key, "parts": [p.name for p in self.files], "frames": self.frames, "told": facts}
        self._put(json.dumps(record).encode(), self.folder / "done.json")
        with suppress(OSError):
            before.unlink()

    def place(self, name: str) -> Path:
        """Where a file of the last steps may lie. One that was left there is removed."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        return path

    def drop(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _begin(self) -> str:
        return (self.key or os.urandom(8).hex())[:16]

    def _state(self, number: int) -> Path:
        return self.folder / f"{self._begin if self.key else 'once'}-{number:06d}.npz"

    def _put(self, data: bytes, path: Path) -> None:
        try:
            files.put(data, path, overwrite=True)
        except FlamingoError as error:  # a person knows the result, and not its parts
            raise type(error)(show(self.target), error.why, error.hint) from None
        except MemoryError:
            raise OutputError(show(self.target), "there is not enough memory", "add --size") from None
