"""What a folder looks like at each moment at which a process that changes it could be killed.

Python reports every operation on files before it is carried out (PEP 578). A process that is killed there leaves the
folder as it is at that moment, for the system carries on with what was written.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_watching: list[_Watch] = []


class _Watch:
    def __init__(self, folder: Path, into: Path) -> None:
        self.folder, self.into, self.moments = folder, into, list[Path]()

    def keep(self) -> None:
        here = self.into / f"{len(self.moments):04d}"
        if self.folder.exists():
            shutil.copytree(self.folder, here)
        else:
            here.mkdir(parents=True)
        self.moments.append(here)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"):
        return
    watch = _watching[-1]
    paths = [str(a) for a in arguments[:2] if isinstance(a, str | Path)]
    if not any(path.startswith(str(watch.folder)) for path in paths):
        return
    if event == "open" and isinstance(arguments[1], str) and not set(arguments[1]) & set("wax+"):
        return
    _watching.clear()  # copying opens files too
    try:
        watch.keep()
    finally:
        _watching.append(watch)


sys.addaudithook(_hook)


@contextmanager
def moments(folder: Path, into: Path) -> Iterator[list[Path]]:
    """Copies of `folder` below `into`: before each operation on it that changes files, and at the end."""
    watch = _Watch(folder, into)
    _watching.append(watch)
    try:
        yield watch.moments
    finally:
        _watching.clear()
        watch.keep()
