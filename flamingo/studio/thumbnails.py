"""Small pictures of pictures, made once for each size and kept in a folder that may be emptied at any time."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from flamingo.images.formats import FORMATS
from flamingo.jobs import Store
from flamingo.studio.upload_check import Inspection

__all__ = ["PICTURES", "Thumbnails"]

PICTURES = frozenset(f"image/{kind}" for kind in FORMATS)
"""Media types of which thumbnails are made."""

_SIZES = (64, 96, 128, 192, 256, 320, 480, 640, 960, 1280)
_PIXELS = 120_000_000  # results may be larger than what is taken in
_SECONDS = 20.0
_KEPT = 512 << 20


class Thumbnails:
    """WebP files in `folder` of the pictures in `store`. For any thread."""

    def __init__(self, folder: Path, store: Store, inspection: Inspection) -> None:
        self._folder = folder
        self._store = store
        self._inspection = inspection
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def place(self, sha256: str, size: int) -> Path:
        """Where the thumbnail is, or would be: of the next size that is made."""
        thumbnail_size = next((offered for offered in _SIZES if offered >= size), _SIZES[-1])
        digits = sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else "none"
        return self._folder / f"{digits}-{thumbnail_size}.webp"

    def find(self, sha256: str, size: int) -> Path | None:
        """The thumbnail, if it is made already and its picture is still there. Raises NoSuchFile if it is not."""
        self._store.renew(sha256)
        path = self.place(sha256, size)
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def make(self, sha256: str, size: int, name: str = "") -> Path:
        """The thumbnail, made now unless somebody was faster. Raises NoSuchFile, or a BadInput for what is no
        picture."""
        path = self.place(sha256, size)
        if path.is_file():
            return path
        temporary = self.temporary()
        try:
            self._inspection.ask(
                "thumbnail",
                name or "this file",
                _SECONDS,
                path=str(self._store.path(sha256)),
                thumbnail=str(temporary),
                size=int(path.stem.rpartition("-")[2]),
                pixels=_PIXELS,
            )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    def temporary(self) -> Path:
        """A name for one that is being made."""
        return self._folder / f"{secrets.token_hex(8)}.tmp"

    def tidy(self) -> None:
        """Forget those whose pictures are gone, those left half made, and the oldest where there are too many."""
        left, size = [], 0
        for file in self._folder.iterdir():
            with suppress(OSError):
                state = file.stat()
                stale = file.suffix == ".tmp" and state.st_mtime < time.time() - 3600
                if stale or (file.suffix == ".webp" and not self._store.exists(file.name[:64])):
                    file.unlink()
                else:
                    left.append((state.st_mtime, state.st_size, file))
                    size += state.st_size
        for _, bytes_, file in sorted(left):
            if size <= _KEPT:
                break
            with suppress(OSError):
                file.unlink()
            size -= bytes_
