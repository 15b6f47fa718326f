"""The data of a plan: folders below one folder, or archives that are unpacked once beside the runs."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from flamingo.errors import BadRequest, show

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_TABLES = (".csv",)


class Data:
    """What lies in `folder`; archives in it are unpacked into `unpacked`."""

    def __init__(self, folder: Path, unpacked: Path) -> None:
        if not folder.is_dir():
            raise BadRequest(show(folder), "there is no such folder", "name the folder with the data with --data")
        self.folder, self.unpacked = folder, unpacked

    def find(self, pattern: str) -> list[Path]:
        """The files and folders that a pattern such as photos-a, photos-* or midi/* names, sorted; `photos-a` also
        names the content of photos-a.tar or photos-a.zip. Raises BadRequest if there are none."""
        parts = PurePosixPath(pattern).parts
        if not parts or PurePosixPath(pattern).is_absolute() or ".." in parts or Path(pattern).is_absolute():
            raise BadRequest(repr(pattern), "it leads out of --data", "name a folder inside it")
        first, rest = parts[0], "/".join(parts[1:])
        tops = {f.name: f for f in self.folder.iterdir() if not _stem(f) and fnmatchcase(f.name, first)}
        for archive in sorted(self.folder.iterdir()):
            name = _stem(archive)
            if name and name not in tops and fnmatchcase(name, first):
                tops[name] = self._unpack(archive, name)
        matches = [file for _, top in sorted(tops.items()) for file in (sorted(top.glob(rest)) if rest else [top])]
        if not matches:
            raise BadRequest(
                repr(pattern), f"there is none in {show(self.folder)}", "put it there, or change the recipe"
            )
        return matches

    def one(self, pattern: str) -> Path:
        """The same for what must be one."""
        matches = self.find(pattern)
        if len(matches) > 1:
            raise BadRequest(repr(pattern), f"it names {len(matches)} in {show(self.folder)}", "name one")
        return matches[0]

    def _unpack(self, archive: Path, name: str) -> Path:
        """Into a folder aside, which gets its name once it is whole; a file beside it says what it was made of."""
        target, marker, aside = self.unpacked / name, self.unpacked / f"{name}.unpacked", self.unpacked / f".{name}"
        stat = archive.stat()
        made_of = f"{archive.name} {stat.st_size} {stat.st_mtime_ns}"
        if target.is_dir() and marker.is_file() and marker.read_text(encoding="utf-8") == made_of:
            return target
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            _extract(archive, aside)
        except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise BadRequest(show(archive), f"it cannot be unpacked ({error})", "fetch it again") from error
        inside = aside / name if [f.name for f in aside.iterdir()] == [name] and (aside / name).is_dir() else aside
        shutil.rmtree(target, ignore_errors=True)
        inside.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
        marker.write_text(made_of, encoding="utf-8")
        return target


def _stem(file: Path) -> str:
    """The name of an archive without its suffix; nothing for other files, and for folders."""
    suffix = next((s for s in sorted(_ARCHIVES, key=len, reverse=True) if file.name.lower().endswith(s)), "")
    return file.name.removesuffix(file.name[-len(suffix) :]) if suffix and file.is_file() else ""


def _extract(archive: Path, folder: Path) -> None:
    if archive.suffix.lower() != ".zip":
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")  # refuses links, devices and names that lead out
        return
    with zipfile.ZipFile(archive) as zipped:
        for name in zipped.namelist():
            if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name:
                raise ValueError(f"{name!r} leads out of the folder")
        zipped.extractall(folder)


def few(folders: Sequence[Path], into: Path, count: int, *, spread: bool) -> list[Path]:
    """Copies of the folders with all their tables but only `count` other files each, for a rehearsal: the first
    ones, or ones spread over all."""
    targets = []
    for folder in folders:
        target = into / folder.parent.name / folder.name
        files = sorted(f for f in folder.rglob("*") if f.is_file())
        tables = [f for f in files if f.suffix.lower() in _TABLES]
        others = [f for f in files if f.suffix.lower() not in _TABLES]
        chosen = others[:: max(1, len(others) // count)] if spread else others
        for file in (*tables, *chosen[:count]):
            copy = target / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        targets.append(target)
    return targets
