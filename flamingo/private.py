"""What is the user's own is readable by the user alone: folders 0700, files 0600, those of earlier versions too.

On systems without such modes (Windows) a user's data folder is private as it is, and nothing is done.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from flamingo.errors import DiskFull, OutputError

__all__ = ["make_private", "private_file", "private_folder", "write_private"]


def private_folder(folder: Path) -> Path:
    """Make the folder, for its owner alone, with those above it that are missing; tighten the one that is there.

    Raises OSError if it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    make_private(folder)
    return folder


def private_file(file: Path) -> Path:
    """Make the file, empty, for its owner alone, or tighten the one that is there, and what SQLite has beside it,
    which takes its modes from it. Raises OSError if it cannot be made."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    make_private(file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm", "-journal")))
    return file


def make_private(*paths: Path) -> None:
    """Take from everybody but the owner what the modes of these files and folders allow. What is not there, or
    belongs to somebody else, stays as it is."""
    if os.name != "posix":
        return
    for path in paths:
        with suppress(OSError):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if not path.is_symlink() and mode & 0o077:
                path.chmod(mode & 0o700)


def write_private(file: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all. Raises OutputError, or DiskFull."""
    aside = file.with_name(f".{file.name}-{secrets.token_hex(6)}.tmp")
    try:
        private_folder(file.parent)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        aside.replace(file)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(file.name, "the disk is full", "free some space") from None
        why = (error.strerror or "it cannot be written").lower()
        raise OutputError(file.name, f"it cannot be kept in its folder ({why})", "see to the folder") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
