"""The album: which files it holds, out of folders and zip archives too, in which order, and which of them are shown.

What is left out is said: photos that cannot be read, the same photo twice, all but the sharpest of several shots of
one moment, and blurred shots.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import archives, files, images
from flamingo.errors import BadInput, BadRequest, show
from flamingo.filming import moments
from flamingo.filming.cache import Work
from flamingo.filming.options import Order
from flamingo.filming.photos import Photo
from flamingo.images import folders

__all__ = ["Given", "Order", "found", "given_as", "ordered", "sifted"]

_MOST_MEMBERS = 5_000
_MOST_BYTES = 16 * 2**30  # that an archive may hold, unpacked
_ALIKE = 6  # of the 64 bits of two prints that may differ in shots of one moment
_NEAR = 0.045  # mean difference of two thumbnails of one moment, colours from 0 to 1
_ONE_MOMENT = timedelta(minutes=10)  # within which shots that look alike are shots of one moment
# Sharpness (see photos.sharpness) below which a photo is blurred: our demo photos have 0.4 to 1.2, the same blurred
# by half a hundredth of their longer side 0.008 to 0.022, and by one hundredth 0.001 to 0.005.
_BLURRED = 0.006


@dataclass(frozen=True)
class Given:
    """A file of the album. file: where it can be read; name: what the storyboard calls it, which for one inside an
    archive is the archive's name and its own: album.zip/beach.jpg."""

    file: Path
    name: str


def found(paths: Sequence[Path], work: Work, never: Collection[Path] = ()) -> tuple[list[Given], list[str]]:
    """The photos that files, folders and archives stand for, each once, and notes that name what is left out.

    never: files that are none, such as the pictures that an earlier run made. Raises BadInput for an archive that
    cannot be unpacked, BadRequest where nothing is found.
    """
    album: dict[str, Given] = {}
    notes: list[str] = []
    hidden = {str(path.absolute()) for path in never}
    for path in paths:
        if path.suffix.lower() == ".zip" and path.is_file():
            inside, more = _unpacked(path, work)
            notes += more
        elif path.is_dir():
            inside, more = _in_folder(path, hidden)
            notes += more
        else:
            inside = [Given(path, str(path))]
        album |= {key: photo for photo in inside if (key := str(photo.file.absolute())) not in hidden}
    if not album:
        where = ", ".join(show(path) for path in paths[:3])
        raise BadRequest(where, "there are no photos in it", f"look for {', '.join(sorted(images.READ_SUFFIXES))}")
    return list(album.values()), notes


def given_as(name: str, folder: Path, work: Work) -> Given:
    """The photo that a storyboard in this folder names. One that is not there shows when it is read."""
    path = Path(name) if Path(name).is_absolute() else folder / name
    for parent in path.parents:
        if parent.suffix.lower() == ".zip" and parent.is_file():
            inside, _ = _unpacked(parent, work)
            inner = path.relative_to(parent).as_posix()
            match = [photo for photo in inside if photo.name == f"{parent}/{inner}"]
            return match[0] if match else Given(path, name)
    return Given(path, name)


def _in_folder(folder: Path, hidden: Collection[str]) -> tuple[list[Given], list[str]]:
    photos, left_out = [], []
    for file, why in folders.walked(folder, None):
        if str(file.absolute()) in hidden:
            continue
        if why is None:
            photos.append(Given(file, str(file)))
        else:
            left_out.append(why)
    return photos, folders.sentences(left_out)


# -- archives ------------------------------------------------------------------------------------------------


def _unpacked(archive: Path, work: Work) -> tuple[list[Given], list[str]]:
    """The photos in an archive, unpacked under names of our own, so that no path in it leads anywhere; and notes that
    name what else is in it."""
    name = show(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            members, left_out = _photos_among(archives.members(opened))
            size = sum(member.info.file_size for member in members)
            if len(members) > _MOST_MEMBERS or size > _MOST_BYTES:
                why = f"it holds {len(members)} photos of {size / 2**30:.1f} GiB together"
                raise BadInput(name, why, "unpack it, and name what you want to see")
            folder = work.place("zip", files.sha256(archive), "")
            folder.mkdir(exist_ok=True)
            album = []
            for number, member in enumerate(members):
                target = folder / f"{number:05d}{PurePosixPath(member.name).suffix.lower()}"
                if not (target.is_file() and target.stat().st_size == member.info.file_size):
                    _unpack(opened, member.info, target)
                album.append(Given(target, f"{archive}/{member.name}"))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise BadInput(name, "it is damaged, or no zip archive", "pack it again") from None
    except OSError as error:
        raise files.output_error(error, show(work.target)) from None
    return album, folders.sentences(left_out)


def _photos_among(members: Sequence[archives.Member]) -> tuple[list[archives.Member], list[folders.LeftOut]]:
    photos: list[archives.Member] = []
    left_out: list[folders.LeftOut] = []
    by_folder: dict[str, list[archives.Member]] = {}
    for member in members:
        if member.refused:
            left_out.append(folders.LeftOut(member.name, member.refused))
        elif not folders.is_system(PurePosixPath(member.name).parts):
            by_folder.setdefault(str(PurePosixPath(member.name).parent), []).append(member)
    taken_names = set()
    for inside in by_folder.values():
        order = folders.sorted_names([member.name for member in inside], None)
        taken_names |= set(order.accepted)
        left_out += order.left_out
    photos = [member for member in members if not member.refused and member.name in taken_names]
    return photos, left_out


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """One member; zipfile ends it at the size that the archive says, and checks its sum."""
    partly = target.with_suffix(".tmp")
    with opened.open(member) as source, partly.open("wb") as file:
        shutil.copyfileobj(source, file, 2**20)
    partly.replace(target)


# -- order ---------------------------------------------------------------------------------------------------


def ordered(photos: Sequence[Photo], order: Order) -> tuple[list[Photo], list[str]]:
    """The photos in their order, and notes.

    time: when they were taken (see `moments`), those that do not say so at the end, by name. mood: from the calmest,
    always on to the one that feels nearest to the last.
    """
    if order == "given":
        return list(photos), []
    by_name = sorted(photos, key=lambda photo: [_natural(part) for part in Path(photo.name).parts])
    if order == "name":
        return by_name, []
    if order == "mood":
        return _through_moods(by_name), []
    without = [photo for photo in by_name if not photo.taken]
    notes = []
    if len(without) == len(by_name):
        notes = ["no photo says when it was taken: they are in the order of their names"]
    elif without:
        notes = [f"{len(without)} photos do not say when they were taken: they come last, by name"]
        if len(without) == 1:
            notes = [f"{without[0].called} does not say when it was taken: it comes last"]
    dated = [photo for photo in by_name if photo.taken]
    return [dated[i] for i in moments.in_order([photo.taken for photo in dated])] + without, notes


def _natural(text: str) -> list[tuple[int, str]]:
    """So that IMG_9 comes before IMG_10."""
    parts: list[tuple[int, str]] = []
    number = ""
    for char in f"{text.casefold()}\0":
        if char.isascii() and char.isdigit():
            number += char
            continue
        if number:
            parts.append((int(number), ""))
            number = ""
        parts.append((-1, char))
    return parts


def _through_moods(photos: list[Photo]) -> list[Photo]:
    left = list(photos)
    path = [min(left, key=lambda photo: photo.mood[1])]
    left.remove(path[0])
    while left:
        here = path[-1].mood
        path.append(min(left, key=lambda p: (p.mood[0] - here[0]) ** 2 + (p.mood[1] - here[1]) ** 2))
        left.remove(path[-1])
    return path


# -- what is left out ----------------------------------------------------------------------------------------


def sifted(photos: Sequence[Photo]) -> tuple[list[Photo], list[str]]:
    """Those that are worth showing, in order, and a note for each that is not. Of shots of one moment the sharpest
    stays, in the place of the first."""
    retained: list[Photo] = []
    notes: list[str] = []
    for photo in photos:
        twin = next(
            (i for i, other in enumerate(retained) if other.sha256 == photo.sha256 or _alike(other, photo)), None
        )
        if twin is None:
            retained.append(photo)
            continue
        other = retained[twin]
        if other.sha256 == photo.sha256:
            notes.append(f"left out: {photo.called} is the same file as {other.called}")
            continue
        better, worse = (photo, other) if photo.sharpness > other.sharpness else (other, photo)
        retained[twin] = better
        notes.append(f"left out: {worse.called} shows the same as {better.called}, less sharply")
    blurred = [photo for photo in retained if photo.sharpness < _BLURRED]
    notes += [f"left out: {photo.called} is blurred" for photo in blurred]
    return [photo for photo in retained if photo not in blurred], notes


def _alike(first: Photo, second: Photo) -> bool:
    """Whether two photos show the same and were taken near each other in time, where both say when."""
    between = moments.apart(first.taken, second.taken)
    if between is not None and between > _ONE_MOMENT:
        return False
    if (first.print ^ second.print).bit_count() > _ALIKE:
        return False
    # Prints of skies and walls are alike by chance, so colours must be as well.
    return float(np.abs(_thumbnail(first) - _thumbnail(second)).mean()) < _NEAR


def _thumbnail(photo: Photo) -> NDArray[Any]:
    return np.frombuffer(bytes.fromhex(photo.thumbnail), np.uint8).astype(np.float32) / 255
