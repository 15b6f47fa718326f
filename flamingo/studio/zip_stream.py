"""A zip of files that is sent while it is packed, so that it needs room nowhere."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

__all__ = ["packed"]

_PIECE = 1 << 18


class _Pipe:
    """What is written waits to be taken. It cannot seek, so zipfile writes sizes after each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self._at += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def packed(files: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """A zip of files, each a name for it and where it lies, piece by piece. They are stored as they are: pictures and
    sound do not get smaller. Of equal names the later ones are numbered."""
    pipe, taken = _Pipe(), set[str]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, path in files:
            with path.open("rb") as source, archive.open(_free(name, taken), "w", force_zip64=True) as sink:
                while piece := source.read(_PIECE):
                    sink.write(piece)
                    yield pipe.take()
    yield pipe.take()


def _free(name: str, taken: set[str]) -> str:
    name = name.replace("/", "_").replace("\\", "_").lstrip(".") or "file"
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{stem}-{number}{suffix}"
    taken.add(found.lower())
    return found
