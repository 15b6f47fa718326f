"""A zip of files that is sent while it is packed, so that it needs room nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from zipstream import ZipStream

__all__ = ["packed"]


def packed(files: Sequence[tuple[str, Path]]) -> ZipStream:
    """A zip of files, each a name for it and where it lies: to be iterated once; its `len` is known before that. They
    are stored as they are: pictures and sound do not get smaller. Of equal names the later ones are numbered.

    Raises FileNotFoundError for a file that is not there. One that is gone, or of another size, when its turn comes
    raises an error on the way, so that the zip is seen to be cut short.
    """
    stream, used_names = ZipStream(sized=True), set[str]()
    for name, path in files:
        stream.add_path(path, _free(name, used_names), recurse=False)
    return stream


def _free(name: str, used_names: set[str]) -> str:
    name = name.replace("/", "_").replace("\\", "_").lstrip(".") or "file"
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    candidate, number = name, 1
    while candidate.lower() in used_names:
        number += 1
        candidate = f"{stem}-{number}{suffix}"
    used_names.add(candidate.lower())
    return candidate
