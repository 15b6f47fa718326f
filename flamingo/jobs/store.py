"""The files of all jobs, each once, under the sha256 of its content.

    stored = store.put(stream)            # Stored(sha256, size); the same content is kept once
    with store.open(stored.sha256) as file: ...
    store.sweep(used)                     # what no job refers to goes

Content is written under a temporary name, flushed to the disk and renamed, so a file that is there is whole. It is
never changed afterwards.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from flamingo.errors import DiskFull, OutputError
from flamingo.files import flush_folder
from flamingo.jobs.errors import NoSuchFile, QuotaExceeded
from flamingo.jobs.locks import alone
from flamingo.private import private_folder

__all__ = ["GRACE", "Store", "Stored", "Writer"]

GRACE = 3 * 86400.0
"""Seconds after its last use that a file no job refers to is left alone: a page or a draft may still show it."""

_BROKEN_OFF = 3600.0  # seconds without a byte after which an upload is not expected to go on
_RENEWED_EVERY = 3600.0  # seconds in which one use of a file is as good as many

_CHUNK = 1 << 20
_ROOM_EVERY = 16 << 20  # bytes between two looks at the room that is left
_COUNT_EVERY = 60.0


@dataclass(frozen=True)
class Stored:
    """A file in the store: the sha256 of its content, in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


class Writer:
    """Content on its way into the store; `stored` says what became of it once the block of `receive` is left."""

    def __init__(self, file: IO[bytes], make_room: Callable[[int], None]) -> None:
        self._file = file
        self._make_room = make_room
        self._looked = 0
        self._digest = hashlib.sha256()
        self.size = 0
        self.stored: Stored | None = None

    def write(self, data: bytes) -> None:
        """Add some bytes. Raises DiskFull or QuotaExceeded as soon as they do not fit."""
        if self.size == 0 or self.size + len(data) - self._looked > _ROOM_EVERY:
            self._make_room(self.size + len(data))
            self._looked = self.size
        with _in_words():
            self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def seal(self) -> Stored:
        """All bytes are there and on the disk."""
        self._make_room(self.size)
        with _in_words():
            self._file.flush()
            os.fsync(self._file.fileno())
        return Stored(self._digest.hexdigest(), self.size)


class Store:
    """Content-addressed files below `folder`, which is made if need be, readable by its owner alone.

    quota: bytes that all of them may take, or None; reserve: bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, *, quota: int | None = None, reserve: int = 128 << 20) -> None:
        self.folder = folder
        self.quota = quota
        self.reserve = reserve
        self._incoming = folder / "incoming"
        with _in_words():
            private_folder(folder)
            private_folder(self._incoming)
        self._lock = folder / "lock"
        self._count_lock = threading.Lock()
        self._used = 0
        self._counted = -_COUNT_EVERY

    def put(self, stream: BinaryIO | IO[bytes] | Iterable[bytes]) -> Stored:
        """Keep what `stream` (a binary file, or pieces of bytes) holds. Raises DiskFull or QuotaExceeded."""
        read = getattr(stream, "read", None)
        pieces: Iterable[bytes] = iter(lambda: read(_CHUNK), b"") if read else stream
        with self.receive() as writer:
            for piece in pieces:
                writer.write(piece)
        assert writer.stored is not None
        return writer.stored

    @contextmanager
    def receive(self) -> Iterator[Writer]:
        """For content that comes in pieces, such as an upload: `write` them; an exception forgets them all."""
        temporary = self._incoming / secrets.token_hex(8)
        with _in_words():
            file = temporary.open("xb", buffering=0)
        try:
            with file:
                writer = Writer(file, self._make_room)
                yield writer
                stored = writer.seal()
            with _in_words():
                temporary.chmod(0o400)
                self._settle(temporary, stored)
            writer.stored = stored
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file is. Raises NoSuchFile."""
        path = self._path(sha256)
        if not path.is_file():
            raise NoSuchFile("this file", "it is not kept here any more", "send it again")
        return path

    def exists(self, sha256: str) -> bool:
        """Whether the file is here."""
        try:
            return bool(self.path(sha256))
        except NoSuchFile:
            return False

    def open(self, sha256: str) -> BinaryIO:
        """The file, to be read. Raises NoSuchFile."""
        return self.path(sha256).open("rb")

    def size(self, sha256: str) -> int:
        """Bytes of one file. Raises NoSuchFile."""
        return self.path(sha256).stat().st_size

    def touch(self, sha256: str) -> None:
        """Keep the file from being swept for the next while, for a job is about to refer to it. Raises NoSuchFile."""
        with alone(self._lock):
            os.utime(self.path(sha256))

    def renew(self, sha256: str) -> None:
        """As `touch`, for every time that the file is looked at: it costs nothing if that was lately. Raises
        NoSuchFile."""
        try:
            recently = self.path(sha256).stat().st_mtime > time.time() - _RENEWED_EVERY
        except FileNotFoundError:  # swept in this moment
            recently = False
        if not recently:
            self.touch(sha256)

    def used(self) -> int:
        """Bytes that all files take together; counted anew every minute, since other processes write too."""
        with self._count_lock:
            if time.monotonic() - self._counted > _COUNT_EVERY:
                self._used = sum(_size(file) for file in self._files())
                self._counted = time.monotonic()
            return self._used

    def sweep(self, used: Collection[str], *, grace: float = GRACE) -> list[str]:
        """Delete every file that is not among `used` and older than `grace` seconds; their hashes. Also what
        uploads that broke off have left."""
        before, broken_off = time.time() - grace, time.time() - min(grace, _BROKEN_OFF)
        for file in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < broken_off:
                    file.unlink()
        return [f.name for f in self._files() if f.name not in used and self._delete_if_older(f, before)]

    def delete(self, sha256: str, *, unused_since: float) -> bool:
        """Delete one file that no job refers to, unless somebody has put or touched it after `unused_since` (seconds
        since the epoch); whether it is gone."""
        return self._delete_if_older(self._path(sha256), unused_since)

    def _delete_if_older(self, file: Path, before: float) -> bool:
        with alone(self._lock):
            try:
                if file.stat().st_mtime > before:
                    return False
                size = file.stat().st_size
                file.unlink()
            except FileNotFoundError:
                return False
        with self._count_lock:
            self._used -= size
        return True

    def _settle(self, temporary: Path, stored: Stored) -> None:
        path = self._path(stored.sha256)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with alone(self._lock):
            # A file of another size has been damaged since; the new one takes its place.
            if path.is_file() and path.stat().st_size == stored.size:
                os.utime(path)
                return
            temporary.replace(path)
        flush_folder(path.parent)
        with self._count_lock:
            self._used += stored.size

    def _make_room(self, size: int) -> None:
        if self.quota is not None and self.used() + size > self.quota:
            raise QuotaExceeded(
                f"{size >> 20} MiB more",
                f"all jobs may keep {self.quota >> 20} MiB and keep {self.used() >> 20}",
                "delete some jobs, and empty the bin",
            )
        # What was written so far is no longer among the free bytes, so only the reserve must be left.
        free = shutil.disk_usage(self.folder).free
        if free < self.reserve:
            raise DiskFull(
                "the store of files",
                f"only {free >> 20} MiB are free and {self.reserve >> 20} must stay so",
                "free some space, or delete some jobs and empty the bin",
            )

    def _path(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise NoSuchFile("this file", "what names it is no SHA-256", "give 64 hexadecimal digits")
        return self.folder / sha256[:2] / sha256

    def _files(self) -> Iterator[Path]:
        for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
            yield from folder.iterdir()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # swept in this moment
        return 0


@contextmanager
def _in_words() -> Iterator[None]:
    """What the system says about our own files, as an OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space, or delete some jobs and empty the bin"
            raise DiskFull("the store of files", "the disk is full", hint) from None
        why = (error.strerror or "its files cannot be written").lower()
        raise OutputError("the store of files", why, "see to its data folder") from None
