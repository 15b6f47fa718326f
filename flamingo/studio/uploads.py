"""What comes in: looked at to its end in a process of its own, freed of its place, and then kept."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePath
from typing import Any

from flamingo import archives
from flamingo.errors import BadInput, FlamingoError
from flamingo.jobs.job import plain_name
from flamingo.studio.address import at
from flamingo.studio.problems import TooLarge
from flamingo.studio.schemas import AlbumOut, FailureOut, FileOut
from flamingo.studio.state import Studio

__all__ = ["THUMBNAIL", "admit", "unpacked"]

THUMBNAIL = 320
"""Pixels of the longest side of a thumbnail that nobody asked for in another size."""

_SCORE_SECONDS = 20.0
_UNPACK_SECONDS = 120.0


def admit(studio: Studio, path: Path, name: str) -> FileOut:
    """Keep a file, if it is one that can be used. Raises a BadInput that says why not, or DiskFull. The file at
    `path` is as it was."""
    limits = studio.settings.limits
    name = plain_name(name)
    shown = name or "the file"
    size = path.stat().st_size
    if size == 0:
        raise BadInput(shown, "the file is empty", "copy it again from its source")
    if size > limits.file_bytes:
        raise TooLarge(
            shown, f"it has more than {limits.file_bytes / 1e6:g} MB", "use a smaller file", limits.file_bytes
        )
    folder = Path(tempfile.mkdtemp(dir=studio.incoming))
    try:
        cleaned, small = folder / "cleaned", folder / "small"
        report: dict[str, Any] = studio.inspection.ask(
            "look",
            shown,
            limits.decode_seconds,
            path=str(path),
            pixels=limits.pixels,
            size=THUMBNAIL,
            thumbnail=str(small),
            cleaned=str(cleaned),
        )
        source = cleaned if report["cleaned"] else path
        with source.open("rb") as file:
            stored = studio.store.put(file)
        if small.is_file():
            small.replace(studio.thumbnails.place(stored.sha256, THUMBNAIL))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    suffixes = report["suffixes"]
    if PurePath(name).suffix.lower() not in suffixes:
        name = (name or report["kind"]) + suffixes[0]
    url = at(f"/api/files/{stored.sha256}")
    return FileOut(
        sha256=stored.sha256,
        name=name,
        size=stored.size,
        media_type=report["media_type"],
        kind=report["kind"],
        width=report["width"],
        height=report["height"],
        seconds=report["seconds"],
        notes=report["notes"],
        url=url,
        thumbnail=f"{url}/thumbnail" if report["kind"] == "picture" else None,
    )


def unpacked(studio: Studio, path: Path, name: str) -> list[dict[str, Any]]:
    """The files of an album, beside it: name, and path or else error and parts. Raises a BadInput."""
    limits = studio.settings.limits
    folder = path.with_name("unpacked")
    folder.mkdir()
    members: list[dict[str, Any]] = studio.inspection.ask(
        "unpack",
        plain_name(name) or "the album",
        _UNPACK_SECONDS,
        path=str(path),
        folder=str(folder),
        files=limits.files,
        file_bytes=limits.file_bytes,
        ratio=limits.ratio,
        bytes_unpacked=2 * limits.album_bytes,
    )
    used_names: set[str] = set()
    for member in members:  # folders do not count here, so that files of one name meet
        if member["path"] is not None:
            member["name"] = archives.told_apart(plain_name(member["name"]) or "a file", used_names)
            used_names.add(member["name"].casefold())
    return members


def admit_all(studio: Studio, members: list[dict[str, Any]]) -> AlbumOut:
    """Keep those that can be used, and say of the others why not."""
    album = AlbumOut(files=[], failures=[])
    for member in members:
        name = plain_name(member["name"]) or "a file"
        if member["path"] is None:
            _, why, hint = member["parts"]
            album.failures.append(FailureOut(name=name, kind=member["error"], what=name, why=why, hint=hint))
            continue
        path = Path(member["path"])
        try:
            album.files.append(admit(studio, path, member["name"]))
        except BadInput as error:
            album.failures.append(failure(name, error))
        finally:
            path.unlink(missing_ok=True)
    return album


def failure(name: str, error: FlamingoError) -> FailureOut:
    """An error as part of an answer."""
    return FailureOut(name=name, kind=type(error).__name__, what=error.what, why=error.why, hint=error.hint)
