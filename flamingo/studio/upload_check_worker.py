"""The process that looks at files nobody has vouched for. Started by `upload_check`.

Whatever a file does to a decoder, it does it here: this process has little time and memory, and is ended and started
again. A request (see `flamingo.processes`) has `task` and what that needs, the response `result`. Files are passed by
their paths.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from flamingo import archives, errors
from flamingo.errors import BadInput, FlamingoError, UnreadableMusic
from flamingo.images import folders, vips
from flamingo.images.decode import decode
from flamingo.images.formats import FILM_SUFFIXES
from flamingo.images.limits import Limits
from flamingo.processes import error_message
from flamingo.processes.child import Call, Response, limit, serve
from flamingo.studio.filetypes import HEAD, Content, content_of
from flamingo.studio.gps import without_place

_MUSIC_MEMORY = 2 << 30
_LISTEN = 2.0  # seconds of work after which the rest of a recording is taken on trust
_BLOCK = 1 << 17
_REFUSED = {
    archives.LOCKED: ("it is locked with a password", "pack it without one"),
    archives.LEADS_OUT: ("its name leads out of the zip, so it was refused", "pack it again under a plain name"),
    archives.NESTED: ("it is an archive inside the zip, which is not unpacked", "unpack it, and send its files"),
}
_NO_PLACE = "the place where it was taken was removed from its metadata"


def _answer(call: Call) -> Response:
    request = call.header
    try:
        _allow(0, request)
        return {"result": _TASKS[request["task"]](request)}, ()
    except FlamingoError as error:
        return error_message(error), ()
    except MemoryError:
        why = "it needs more memory than its size explains"
        return error_message(errors.ImageTooLarge(request["name"], why, "use another file")), ()
    except Exception:  # not foreseen, and still no reason to stop: this file cannot be read
        hint = "export it again from its source"
        return error_message(BadInput(request["name"], "the file is damaged", hint)), ()


def _look(request: dict[str, Any]) -> dict[str, Any]:
    """Decode a file to its end. A picture's place is taken out, and its thumbnail made."""
    path, name = Path(request["path"]), request["name"]
    with path.open("rb") as file:
        content = content_of(file.read(HEAD), name)
    report: dict[str, Any] = {"kind": content.kind, "media_type": content.media_type, "suffixes": content.suffixes}
    report |= {"width": None, "height": None, "seconds": None, "notes": [], "cleaned": False}
    look = {"picture": _picture, "film": _film, "storyboard": _storyboard}.get(content.kind, _music)
    return report | look(path, name, content, request)


def _picture(path: Path, name: str, content: Content, request: dict[str, Any]) -> dict[str, Any]:
    data = path.read_bytes()
    image = _decoded(data, name, request)
    notes = list(image.notes)
    if request.get("thumbnail"):
        _draw(image.image, int(request["size"]), Path(request["thumbnail"]))
    cleaned = without_place(data, content.media_type.removeprefix("image/"))
    if cleaned is not None:
        Path(request["cleaned"]).write_bytes(cleaned)
        notes.append(_NO_PLACE)
    height, width, _ = image.shape
    return {"width": width, "height": height, "notes": notes, "cleaned": cleaned is not None}


def _film(path: Path, name: str, content: Content, request: dict[str, Any]) -> dict[str, Any]:
    """What a film says of itself, and its first frame; all of it is decoded only when it is painted."""
    from flamingo import video

    _allow(_MUSIC_MEMORY, request)
    try:
        clip = video.probe(path, video.Limits(pixels=request["pixels"]))
    except FlamingoError as error:
        raise type(error)(name, error.why, error.hint) from None  # where it lies here is nobody's concern
    notes = list(clip.notes)
    return {"width": clip.width, "height": clip.height, "seconds": round(clip.seconds, 3), "notes": notes}


def _storyboard(path: Path, name: str, content: Content, request: dict[str, Any]) -> dict[str, Any]:
    """All of it, as the films' own reader checks it."""
    from flamingo.filming.storyboard import load

    _allow(_MUSIC_MEMORY, request)
    return {"seconds": round(load(path, name).seconds, 3)}


def _thumbnail(request: dict[str, Any]) -> dict[str, Any]:
    image = _decoded(Path(request["path"]).read_bytes(), request["name"], request)
    _draw(image.image, int(request["size"]), Path(request["thumbnail"]))
    return {}


def _decoded(data: bytes, name: str, request: dict[str, Any]) -> Any:
    limits = Limits(pixels=request["pixels"], seconds=request["seconds"])
    return decode(data, name, limits, announce=lambda pixels, memory: _allow(memory, request))


def _draw(image: vips.Image, size: int, target: Path) -> None:
    small = image.thumbnail_image(size, height=size, size="down", no_rotate=True)
    if small.format != "uchar":
        small = small.colourspace("srgb").cast("uchar")
    target.write_bytes(vips.save(small, "webp", {"Q": 80, "keep": "none"}))


def _music(path: Path, name: str, content: Content, request: dict[str, Any]) -> dict[str, Any]:
    _allow(_MUSIC_MEMORY, request)
    if content.kind == "soundfont":
        return _soundfont(path, name)
    if content.kind == "sound":
        return _sound(path, name, content)
    from flamingo.composing.reading import from_bytes

    piece = from_bytes(path.read_bytes(), f"{name or 'music'}{content.suffixes[0]}")
    return {"seconds": round(float(piece.seconds()), 3)}


def _sound(path: Path, name: str, content: Content) -> dict[str, Any]:
    """Decode a recording, as far as a few seconds of work go."""
    import soundfile

    if content.media_type in ("audio/mp4", "audio/aac"):
        from flamingo.composing.reading.recordings import sound_seconds

        with path.open("rb") as opened:
            return {"seconds": round(sound_seconds(opened, name or f"the file{content.suffixes[0]}"), 3)}
    damaged = UnreadableMusic(name, "it is not a whole recording of a known kind", "export it again")
    until, notes = time.process_time() + _LISTEN, []
    try:
        with soundfile.SoundFile(path) as sound:
            if not sound.frames or not 0 < sound.samplerate <= 768_000:
                raise damaged
            heard = 0
            while block := len(sound.read(_BLOCK // sound.channels, dtype="float32")):
                heard += block
                if time.process_time() > until:
                    notes.append(f"only its first {heard // sound.samplerate} seconds were checked")
                    break
            frames = sound.frames if notes else heard
            if not frames:
                raise damaged
            return {"seconds": round(frames / sound.samplerate, 3), "notes": notes}
    except (soundfile.SoundFileError, OSError, ValueError, TypeError):
        raise damaged from None


def _soundfont(path: Path, name: str) -> dict[str, Any]:
    """A SoundFont 2 (specification 2.04, section 4) has three lists, of which the last names its presets."""
    damaged = BadInput(name, "it is not a whole SoundFont", "copy it again from its source")
    with path.open("rb") as file:
        end, lists, at = path.stat().st_size, [], 12
        while at + 12 <= end:
            file.seek(at)
            mark = file.read(12)
            size = int.from_bytes(mark[4:8], "little")
            if mark[:4] != b"LIST" or at + 8 + size > end:
                raise damaged
            lists.append(mark[8:12])
            at += 8 + size + size % 2
    if lists != [b"INFO", b"sdta", b"pdta"]:
        raise damaged
    return {}


def _verify(request: dict[str, Any]) -> dict[str, Any]:
    from flamingo.provenance import verify

    _allow(_MUSIC_MEMORY, request)
    beside = Path(request["sidecar"]) if request.get("sidecar") else Path(request["path"]).with_name("none.json")
    verdict = verify(Path(request["path"]), beside=beside)
    return {**verdict.as_dict(), "notes": list(verdict.notes), "file": request["name"]}


def _unpack(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The files in a zip, under numbers of ours in a folder of ours. What a header says of a size is not believed."""
    path, folder = Path(request["path"]), Path(request["folder"])
    _allow(_MUSIC_MEMORY, request)
    damaged = BadInput(request["name"], "it is not a whole zip file", "pack it again")
    try:
        packed = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise damaged from None
    with packed:
        inside = [
            member for member in archives.members(packed) if not folders.is_system(PurePosixPath(member.name).parts)
        ]
        if len(inside) > request["files"]:
            why = f"it holds {len(inside):,} files, more than {request['files']:,}"
            raise errors.ImageTooLarge(request["name"], why, "send them in several parts")
        room = min(request["ratio"] * path.stat().st_size, request["bytes_unpacked"])
        entries = []
        halves = _moving_halves([member.name for member in inside])
        for number, member in enumerate(inside):
            entry: dict[str, Any] = {"name": member.name, "path": None}
            try:
                if member.name in halves:
                    why = "it is the moving half of a Live Photo, of which the still is used"
                    raise BadInput(member.name, why, "to paint it as a film, send it by itself")
                room -= _extract(packed, member, folder / str(number), request["file_bytes"], room)
                entry["path"] = str(folder / str(number))
            except BadInput as error:
                entry["error"], entry["parts"] = type(error).__name__, [error.what, error.why, error.hint]
            except Exception:  # a damaged archive makes zipfile and the unpackers raise nearly anything
                entry["error"], entry["parts"] = (
                    "BadInput",
                    [member.name, "it is damaged in the zip", "pack it again"],
                )
            entries.append(entry)
    return entries


def _moving_halves(names: list[str]) -> set[str]:
    by_folder: dict[str, list[str]] = {}
    for name in names:
        by_folder.setdefault(str(PurePosixPath(name).parent), []).append(name)
    sorted_ = (folders.sorted_names(inside, FILM_SUFFIXES) for inside in by_folder.values())
    return {excluded.name for order in sorted_ for excluded in order.left_out if excluded.why == folders.MOVING_HALF}


def _extract(packed: zipfile.ZipFile, member: archives.Member, target: Path, most: int, room: int) -> int:
    if member.refused:
        raise BadInput(member.name, *_REFUSED[member.refused])
    written = 0
    with packed.open(member.info) as source, target.open("xb") as sink:
        while piece := source.read(1 << 18):
            written += len(piece)
            if written > room:
                why = "unpacked it is far larger than packed, as a trap would be"
                raise errors.ImageTooLarge(member.name, why, "send the files one by one")
            if written > most:
                why = f"it has more than {most / 1e6:g} MB"
                raise errors.ImageTooLarge(member.name, why, "use a smaller file")
            sink.write(piece)
    return written


_TASKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "look": _look,
    "thumbnail": _thumbnail,
    "verify": _verify,
    "unpack": _unpack,
}


def _allow(memory: int, request: dict[str, Any]) -> None:
    limit(memory, request["seconds"] + 1)  # the studio's side ends it earlier, and says why


if __name__ == "__main__":
    with suppress(OSError, AttributeError):
        os.nice(5)  # pages come first
    serve(_answer)
