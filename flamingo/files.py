"""Files on disk: whether a name may be written to, writing that leaves the old file or the whole new one, and the
hash that a recipe knows a file by."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from flamingo.errors import DiskFull, FlamingoError, NoSuchFolder, OutputError, WouldOverwrite, show

__all__ = ["check_target", "flush_folder", "output_error", "put", "sha256"]


def sha256(file: Path) -> str:
    """The sha256 of a file's content, in hexadecimal: what recipes and credentials know it by. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def check_target(path: Path, *, overwrite: bool = False, never: Collection[Path] = ()) -> None:
    """Raise the OutputError that writing to `path` would meet, as far as that can be told beforehand.

    overwrite: whether a file that is there may be replaced.
    never: files that must not be replaced even then, under whatever name (links included): the inputs.
    """
    name = show(path)
    try:
        if path.is_dir():
            raise OutputError(name, "it is a folder", "give the name of a file")
        if not path.parent.is_dir():
            raise NoSuchFolder(name, f"there is no folder '{path.parent}'", "make it first")
        for other in never:
            if _same(path, Path(other)):
                raise WouldOverwrite(name, "it is one of the inputs", "choose another name")
        if os.path.lexists(path) and not overwrite:
            raise WouldOverwrite(name, "it exists already", "choose another name or allow overwriting")
    except (OSError, ValueError) as error:
        raise output_error(error, name) from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(name, "the folder may not be written to", "choose another folder")


def put(data: bytes, path: Path, overwrite: bool) -> None:
    """Write under a temporary name in the same folder, then rename: readers see the old file or the new.

    Raises an OutputError: WouldOverwrite if something is there and `overwrite` is False, DiskFull, or plain.
    """
    name = show(path)
    # Short, since the real name may be as long as a name can be; hidden, since it may outlive a kill.
    temporary = path.parent / f".flamingo-{secrets.token_hex(6)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not overwrite and os.path.lexists(path):  # it has come into being since
            raise WouldOverwrite(name, "it exists already", "choose another name or allow overwriting")
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise output_error(error, name) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _same(first: Path, second: Path) -> bool:
    if first.absolute() == second.absolute():
        return True
    try:
        return first.samefile(second)
    except OSError:  # one of them does not exist, so they are not the same
        return False


def output_error(error: Exception, name: str) -> FlamingoError:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(name, "the disk is full", "free some space or choose another folder")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(name, "the folder may not be written to", "choose another folder")
    if number == errno.ENAMETOOLONG:
        return OutputError(name, "the name is too long", "choose a shorter one")
    why = getattr(error, "strerror", None) or "it cannot be written"
    return OutputError(name, why.lower(), "choose another place")


def flush_folder(folder: Path) -> None:
    """Put the names in a folder on the disk too: a rename outlives a power cut only then. Not every system lets a
    folder be opened for that, and there it does nothing."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
