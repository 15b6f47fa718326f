"""What a folder holds: pictures, and what is left out of it and why. Files of systems and of other programs' caches
are passed over; anything else that is not read is named."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from flamingo.errors import show
from flamingo.images.formats import FILM_SUFFIXES, PICTURES_NOT_READ, READ_SUFFIXES

__all__ = [
    "LeftOut",
    "Sorted",
    "is_system",
    "marked",
    "named_as_result",
    "noted",
    "sentences",
    "sorted_names",
    "walked",
]

# Folders that network drives, systems and programs make for themselves: Synology (@eaDir), QNAP (.@__thumb,
# @Recycle), Linux desktops (.thumbnails), macOS archives (__MACOSX), iTunes and Windows.
_SYSTEM_FOLDERS = frozenset(
    {
        *("@eadir", "@recycle", "@recently-snapshot", "@snapshot", "#recycle", "#snapshot", "#sharesnap"),
        *("__macosx", "ipod photo cache", "$recycle.bin", "recycler", "system volume information", "lost+found"),
        *("thumbnails.thumbdb", "_gsdata_", "lightroom previews.lrdata"),
    }
)
_SYSTEM_FILES = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r", "iconcache.db"),
        *("zbthumbnail.info", "sindex.dat", "albumartsmall.jpg", "nomedia", "synoindex_media_info"),
    }
)
_ENDS = 1 << 20

NO_PICTURE = "no picture"
FILM = "a film"
MOVING_HALF = "the moving half of a Live Photo, of which the still is used"
EARLIER = "a result of an earlier run"
RESULTS = "the folder for the results"
LINK = "a link to a folder, which is not followed"
CLOSED = "a folder that may not be opened"

_LIVE_STILLS = (".heic", ".heif", ".jpg", ".jpeg")


def is_system(parts: Iterable[str]) -> bool:
    """Whether a path is hidden or lies among what systems keep for themselves.

    Args:
        parts: the path's parts.

    Example:
        >>> is_system(["trip", "@eaDir", "cat.jpg"]), is_system(["trip", "cat.jpg"])
        (True, False)
    """
    names = [part.casefold() for part in parts if part not in ("", ".", "..")]
    if any(name.startswith(".") or name in _SYSTEM_FOLDERS for name in names):
        return True
    return bool(names) and (names[-1] in _SYSTEM_FILES or names[-1].startswith(("synophoto_thumb", "synofile_thumb")))


@dataclass(frozen=True)
class LeftOut:
    """A file that is not taken. name: as it is to be called; why: a phrase that says what it is."""

    name: str
    why: str


@dataclass(frozen=True)
class Sorted:
    """The names of files that lie in one folder: those to be taken, and the others."""

    accepted: list[str]
    left_out: list[LeftOut]


def sorted_names(names: Sequence[str], films: Collection[str] | None) -> Sorted:
    """Sort the names of one folder's files, which may be those in an archive.

    Pictures of a kind that is not read are taken, since reading them says why they fail; so are films of such a kind
    where films are taken.

    Args:
        names: the files' names.
        films: the suffixes of films that are taken as well, None where only pictures are.

    Returns:
        The names to be taken, and the others with the reason.
    """
    accepted, left_out = [], []
    stems: dict[str, set[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        stems.setdefault(path.stem.casefold(), set()).add(path.suffix.lower())
    for name in names:
        path = PurePosixPath(name)
        suffix = path.suffix.lower()
        if suffix in (*FILM_SUFFIXES, *(films or ())) and suffix not in READ_SUFFIXES:
            if _is_moving_half(suffix, stems[path.stem.casefold()]):
                left_out.append(LeftOut(name, MOVING_HALF))
            elif films is None:
                left_out.append(LeftOut(name, FILM))
            else:
                accepted.append(name)
        elif suffix in READ_SUFFIXES or suffix in PICTURES_NOT_READ:
            accepted.append(name)
        else:
            left_out.append(LeftOut(name, NO_PICTURE))
    return Sorted(accepted, left_out)


def _is_moving_half(suffix: str, together: set[str]) -> bool:
    """Whether a film of this suffix is half of a Live Photo: phones write IMG_1.HEIC or IMG_1.JPG beside IMG_1.MOV,
    and export IMG_1.HEIC beside IMG_1.MP4."""
    if suffix in (".mov", ".qt"):
        return any(still in together for still in _LIVE_STILLS)
    return suffix in (".mp4", ".m4v") and bool({".heic", ".heif"} & together)


def walked(
    folder: Path, films: Collection[str] | None, output: Path | None = None
) -> Iterator[tuple[Path, LeftOut | None]]:
    """The files in a folder at any depth, sorted by folder and name.

    Results are no inputs: a folder `output` inside the given one is not gone into, and where it is the given one, or
    inside it, what says that it was made here is left out.

    Args:
        folder: where to look.
        films: the suffixes of films that are taken as well, None where only pictures are.
        output: the folder of the results, or None.

    Yields:
        Each file, with None if it is taken, else why not. So are folders that are not gone into: links, and those
        that may not be opened.
    """
    results = output.resolve() if output is not None else None
    into_itself = results is not None and results == folder.resolve()
    holds_results = results is not None and folder.resolve() in results.parents
    closed: list[Path] = []
    for here, inside, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        entered = []
        for name in sorted(name for name in inside if not is_system([name])):
            path = Path(here) / name
            if path.is_symlink():
                yield path, LeftOut(str(path.relative_to(folder)), LINK)
            elif not into_itself and path.resolve() == results:
                if any(path.iterdir()):
                    yield path, LeftOut(str(path.relative_to(folder)), RESULTS)
            else:
                entered.append(name)
        inside[:] = entered
        names = sorted(name for name in files if not is_system([name]) and not _is_credential(Path(here), name))
        order = sorted_names(names, films)
        refused = {excluded.name: excluded for excluded in order.left_out}
        for name in names:
            path = Path(here) / name
            left_out = refused.get(name)
            earlier = left_out is None and (
                (into_itself and is_earlier_result(path, names)) or (holds_results and marked(path))
            )
            if earlier:
                left_out = LeftOut(name, EARLIER)
            yield path, None if left_out is None else LeftOut(str(path.relative_to(folder)), left_out.why)
    for path in closed:
        yield path, LeftOut(str(path.relative_to(folder)) if path != folder else str(folder), CLOSED)


def _is_credential(folder: Path, name: str) -> bool:
    """Whether it is the file of credentials that lies beside a result of ours."""
    if not name.endswith(".json"):
        return False
    try:
        with (folder / name).open("rb") as file:
            return b"`flamingo verify` checks it" in file.read(4096)
    except OSError:
        return False


def is_earlier_result(path: Path, names: Collection[str]) -> bool:
    """Whether a file was made here: it says so, or is called as a result that had to give way to its photo is.

    Args:
        path: the file.
        names: of the files in its folder.
    """
    return marked(path) or named_as_result(path.name, names)


def named_as_result(name: str, names: Collection[str]) -> bool:
    """Whether there is the photo of which a file would be the result.

    Args:
        name: the file's.
        names: of the files in its folder.

    Example:
        >>> named_as_result("a-jpg.jpg", {"a.jpg", "a-jpg.jpg"}), named_as_result("b.jpg", {"a.jpg", "b.jpg"})
        (True, False)
    """
    stem = PurePosixPath(name).stem
    head, _, tail = stem.rpartition("-")
    if tail.isdigit():
        stem, (head, _, tail) = head, head.rpartition("-")
    return bool(head and tail) and any(
        PurePosixPath(other).stem == head and PurePosixPath(other).suffix.lower() == f".{tail.lower()}"
        for other in names
    )


def marked(path: Path) -> bool:
    """Whether a file says that it was made by Flamingo: in its XMP, its Content Credentials, or a file beside it.

    Args:
        path: the file. One that cannot be read says nothing.
    """
    from flamingo.provenance.origin import SOFTWARE

    try:
        with path.open("rb") as file:
            data = file.read(_ENDS)
            size = file.seek(0, os.SEEK_END)
            if size > _ENDS:
                file.seek(max(_ENDS, size - _ENDS))
                data += file.read()
    except OSError:
        return False
    name = SOFTWARE.encode()
    if b'CreatorTool="' + name + b" " in data or (b"c2pa" in data and name in data):
        return True
    return _is_credential(path.parent, f"{path.name}.json")


Result = TypeVar("Result", bound=Any)


def noted(results: list[Result], texts: Sequence[str]) -> list[Result]:
    """Results of a verb with more sentences.

    Args:
        results: dataclasses with `error` and `notes`.
        texts: the sentences, which go to the first result that has no error; where all have one, they go into the
            words of the first.

    Returns:
        The results in their order.
    """
    if not texts or not results:
        return results
    index = next((i for i, result in enumerate(results) if result.error is None), None)
    if index is not None:
        first = results[index]
        more = replace(first, notes=(*first.notes, *texts))
        return [*results[:index], more, *results[index + 1 :]]
    error = results[0].error
    worded = type(error)(error.what, error.why, "; ".join(part for part in (error.hint, *texts) if part))
    return [replace(results[0], error=worded, notes=(*results[0].notes, *texts)), *results[1:]]


def sentences(left_out: Iterable[LeftOut]) -> list[str]:
    """What was left out, for people.

    Args:
        left_out: the files.

    Returns:
        A sentence for each reason, with all names.
    """
    by_reason: dict[str, list[str]] = {}
    for excluded in left_out:
        by_reason.setdefault(excluded.why, []).append(show(excluded.name))
    texts = []
    for why, names in by_reason.items():
        if len(names) == 1:
            texts.append(f"left out: {names[0]} is {why}")
        else:
            texts.append(f"left out: {len(names)} files, each {why}: {', '.join(names)}")
    return texts
