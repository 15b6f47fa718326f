"""A release of a model into a folder of models, as a transaction: whoever reads the folder finds it wholly as it was
or wholly as it is to be.

One's own personas and styles, of which several files belong together, are kept in the same way (`put_together`).

A release is made in the hidden folder `.release` inside the folder of models, hence on the same file system:

    .release/files/      the new files, under the names that they will have; cards/ among them
    .release/manifest    the manifest as it will be, in a folder that has one
    .release/journal     what is to be renamed and what removed; only once this file is there does the release count

Nothing outside of `.release` changes before the journal is there. After that, renaming alone is left to do, which
needs no room on the disk: the files one by one, then the manifest, then files that no model has any more are removed,
then the journal. If the process dies in between, the next one that reads the models, or releases one, finishes the
work. A release that died before its journal is removed by them.

The lock is advisory and vanishes with the process that holds it: `flock` on the folder itself, which leaves no file
behind, or on Windows a byte of a file beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flamingo.errors import ModelCorrupt, OutputError, show
from flamingo.files import flush_folder, output_error

STAGING = ".release"
_LOCK = ".release.lock"  # on Windows alone
_PATIENCE = 120.0  # seconds to wait for a release that is being renamed


class Staged:
    """The hidden folder of one release that is being made."""

    def __init__(self, where: Path) -> None:
        self.folder = where / STAGING
        self.files = self.folder / "files"
        self.manifest = self.folder / "manifest"
        self.journal = self.folder / "journal"


def recover(where: Path) -> None:
    """Finish a release that died after its journal was written, remove one that died before. Does nothing while
    another process is making one, except that it waits for one that is being renamed. Raises ModelCorrupt if this
    user may not write to the folder and a release must be finished."""
    staged = Staged(where)
    if not os.path.lexists(staged.folder):
        return
    counts = staged.journal.exists()
    try:
        with _lock(where, _PATIENCE if counts else 0.0) as held:
            if not held:
                return
            if staged.journal.exists():
                _finish(where, staged)
            else:
                shutil.rmtree(staged.folder, ignore_errors=True)
    except OSError as error:
        if counts:
            raise ModelCorrupt(
                show(where),
                f"writing there was interrupted and cannot be finished here ({error.strerror or error})",
                "run `flamingo doctor` as the user to whom this folder belongs",
            ) from error


@contextmanager
def releasing(where: Path) -> Iterator[Staged]:
    """Hold the lock of the folder `where`, which is made if it is not there, and give an empty staging folder. What
    is staged is discarded unless `commit` was called. Raises an OutputError."""
    if os.path.lexists(where) and not where.is_dir():
        raise OutputError(show(where), "it is no folder", "name a folder")
    new_folders = _missing(where)
    try:
        where.mkdir(parents=True, exist_ok=True)
        with _lock(where, _PATIENCE) as held:
            if not held:
                raise OutputError(
                    show(where), "another release is being made there", "wait for its end and try again"
                )
            staged = Staged(where)
            if staged.journal.exists():
                _finish(where, staged)
            shutil.rmtree(staged.folder, ignore_errors=True)
            staged.files.mkdir(parents=True)
            try:
                yield staged
            finally:
                if not staged.journal.exists():
                    shutil.rmtree(staged.folder, ignore_errors=True)
    except OSError as error:
        raise output_error(error, show(where)) from error
    finally:
        for folder in new_folders:
            with suppress(OSError):
                folder.rmdir()  # only if it is empty


def commit(
    where: Path, staged: Staged, manifest: Mapping[str, Any] | None, names: Sequence[str], gone: Sequence[str]
) -> None:
    """Put the staged files `names` into the folder `where` with the new manifest, if the folder has one, and remove
    the files `gone`.

    Raises OSError, after which nothing has changed; once the journal is written it is finished, by this process or
    by another.
    """
    if manifest is not None:
        _write(staged.manifest, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    for name in names:
        _to_disk(staged.files / name)
    _write(staged.folder / "journal.new", json.dumps({"files": list(names), "remove": list(gone)}))
    flush_folder(staged.files)
    (staged.folder / "journal.new").replace(staged.journal)
    flush_folder(staged.folder)
    _finish(where, staged)


def _finish(where: Path, staged: Staged) -> None:
    """Carry out a journal, as often as it takes: what is renamed already is not there any more."""
    plan = json.loads(staged.journal.read_text(encoding="utf-8"))
    for name in plan["files"]:
        (where / name).parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            (staged.files / name).replace(where / name)
    flush_folder(where)
    with suppress(FileNotFoundError):
        staged.manifest.replace(where / "manifest.json")
    for name in plan["remove"]:
        (where / name).unlink(missing_ok=True)
    flush_folder(where)
    staged.journal.unlink(missing_ok=True)
    shutil.rmtree(staged.folder, ignore_errors=True)


def put_together(where: Path, files: Mapping[str, bytes]) -> None:
    """Put several files, by name, into the folder `where`, in place of those that are there: all of them or none, as
    a release. Raises an OutputError, after which nothing has changed."""
    with releasing(where) as staged:
        for name, content in files.items():
            (staged.files / name).write_bytes(content)
        commit(where, staged, None, list(files), ())


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it that are not there yet, the innermost first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    return missing


def _write(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def _to_disk(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


@contextmanager
def _lock(where: Path, seconds: float) -> Iterator[bool]:
    """Try for so long to be the only one with this folder; whether it succeeded."""
    until = time.monotonic() + seconds
    handle = _take(where)
    while handle is None and time.monotonic() < until:
        time.sleep(0.05)
        handle = _take(where)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)
            if sys.platform == "win32":
                with suppress(OSError):
                    (where / _LOCK).unlink()


if sys.platform == "win32":

    def _take(where: Path) -> int | None:
        import msvcrt

        try:
            handle = os.open(where / _LOCK, os.O_RDWR | os.O_CREAT)
        except PermissionError:
            return None
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(handle)
            return None
        return handle

else:

    def _take(where: Path) -> int | None:
        import fcntl

        handle = os.open(where, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            pass  # a file system without locks: then two releases at once are the user's own affair
        return handle
