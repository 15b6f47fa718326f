"""Music in: from a MIDI file, a score (MusicXML, Humdrum, ABC, MEI) or a recording, told apart by the name's ending.

Scores are read by Verovio, which plays them as MIDI. It is a large C++ program made for friendly files and some bytes
make it crash, so it works in a helper process of limited time and memory, and whatever it prints stays there. Two
things that a MIDI file cannot say are asked of it besides: where the bar lines are (after a pickup they are not where
the time signature would put them), and the title.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.reading import musicxml
from flamingo.composing.reading.midi import MAX_BYTES, from_midi
from flamingo.errors import MusicTooLarge, UnreadableMusic, UnsupportedMusic, show
from flamingo.processes import module_environment

__all__ = ["KINDS", "MAX_SCORE_BYTES", "folder", "from_bytes", "read", "score_text"]

KINDS: dict[str, str] = {
    ".mid": "midi",
    ".midi": "midi",
    ".kar": "midi",
    ".rmi": "midi",
    ".musicxml": "musicxml",
    ".xml": "musicxml",
    ".mxl": "mxl",
    ".krn": "humdrum",
    ".abc": "abc",
    ".mei": "mei",
    ".mp3": "sound",
    ".wav": "sound",
    ".ogg": "sound",
    ".oga": "sound",
    ".opus": "sound",
    ".flac": "sound",
    ".aif": "sound",
    ".aiff": "sound",
    ".m4a": "sound",
    ".aac": "sound",
}
"""What is in a file, by its ending in lower case: the one list of the music that is read."""

MAX_SCORE_BYTES = 32 * 2**20
"""Bytes of text in a score, unpacked. A symphony in MusicXML has about 20 MB."""
_MAX_SOUND_BYTES = 4 * 2**30
_TITLE_WITHIN = 2**20  # characters
_SECONDS = 60
_MEMORY = 6 * 2**30

Progress = Callable[[float, float], None]


def read(
    path: Path | str,
    *,
    minutes: float = 30.0,
    on_progress: Progress | None = None,
    by_track: bool = False,
    line: bool = False,
) -> Piece:
    """Read the music in a file whose kind is one of `KINDS`.

    minutes: the longest recording that is listened to; other kinds have limits of their own.
    by_track: every track, or staff, is a part; else what has the same program is one.
    on_progress: called with the seconds of a recording that have been heard, and all of them.
    line: whether a recording is one voice, hummed, whistled or sung.

    Raises UnreadableMusic (missing, damaged, without notes), MusicTooLarge, UnsupportedMusic, or MissingExtra where a
    recording needs a package that is not installed.
    """
    path = Path(path)
    name = show(path)
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        raise UnreadableMusic(name, why, "check the name") from None
    if stat.S_ISDIR(state.st_mode):
        raise UnreadableMusic(name, "it is a folder, not a piece of music", "name the files in it")
    if not stat.S_ISREG(state.st_mode):  # reading a pipe or a terminal could wait for ever
        raise UnsupportedMusic(name, "it is not a regular file", "save the music to a file first")
    kind = _kind(path.name, name)
    _check_size(state.st_size, kind, name)
    if not os.access(path, os.R_OK):
        raise UnreadableMusic(name, "it may not be read", "check its permissions")
    if kind == "sound":
        from flamingo.composing.reading.recordings import transcribe

        return transcribe(path, minutes=minutes, on_progress=on_progress, line=line)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMusic(name, _reason(error), "check its permissions") from None
    return _parsed(data, kind, name, path.stem, by_track)


def from_bytes(
    data: bytes, name: str, *, minutes: float = 30.0, on_progress: Progress | None = None, by_track: bool = False
) -> Piece:
    """The same as `read`, from the bytes of a file. `name` tells the kind by its ending, and messages use it."""
    shown = show(name)
    kind = _kind(name, shown)
    _check_size(len(data), kind, shown)
    if kind == "sound":
        from flamingo.composing.reading.recordings import transcribe

        return transcribe(io.BytesIO(data), name=name, minutes=minutes, on_progress=on_progress)
    return _parsed(data, kind, shown, Path(name).stem, by_track)


def folder(path: Path | str) -> list[Path]:
    """The files of the known `KINDS` in a folder and the folders in it, sorted. What is hidden is left out, as are
    links to folders. Raises UnreadableMusic where the folder is missing or may not be read."""
    path = Path(path)
    try:
        if not path.is_dir():
            why = "it is not a folder" if path.exists() else "there is no such folder"
            raise UnreadableMusic(show(path), why, "check the name")
        if not os.access(path, os.R_OK | os.X_OK):
            raise UnreadableMusic(show(path), "it may not be read", "check its permissions")
    except (OSError, ValueError) as error:
        raise UnreadableMusic(show(path), _reason(error), "check the name") from None
    paths = []
    for root, folders, files in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(".")]
        paths += [Path(root, f) for f in files if not f.startswith(".") and Path(f).suffix.lower() in KINDS]
    return sorted(f for f in paths if f.is_file())


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "it cannot be opened").lower()


def _kind(file: str, name: str) -> str:
    kind = KINDS.get(Path(file).suffix.lower())
    if kind is None:
        raise UnsupportedMusic(name, "this kind of file is not read as music", f"use one of {', '.join(KINDS)}")
    return kind


def _check_size(size: int, kind: str, name: str) -> None:
    limit = {"midi": MAX_BYTES, "sound": _MAX_SOUND_BYTES}.get(kind, MAX_SCORE_BYTES)
    if size > limit:
        raise MusicTooLarge(name, f"it has {size / 2**20:,.0f} MiB; {limit >> 20:,} are read at most", "cut it")
    if size == 0:
        raise UnreadableMusic(name, "the file is empty", "export it again")


def _parsed(data: bytes, kind: str, name: str, stem: str, by_track: bool) -> Piece:
    if kind == "midi":
        return from_midi(data, name, title=stem, by_track=by_track)
    text, kind = _prepared(data, kind, name)
    answer = _engraved(text, kind, name)
    lines = [round(float(quarter) * UNITS) for quarter in answer["bars"]]
    title = _title(text, kind) or stem
    piece = from_midi(answer["midi"], name, title=title, bar_lines=lines, by_track=by_track)
    return replace(piece, expressive=False)


def score_text(path: Path) -> tuple[str, str, str, str]:
    """The text of a score as verovio reads it, its kind, what messages call it, and its title. Raises
    UnreadableMusic, MusicTooLarge or UnsupportedMusic."""
    name = show(path)
    kind = _kind(path.name, name)
    if kind in ("midi", "sound"):
        raise UnsupportedMusic(name, "it is not a score", "use MusicXML, Humdrum, ABC or MEI")
    try:
        _check_size(path.stat().st_size, kind, name)
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMusic(name, _reason(error), "check the name and its permissions") from None
    text, kind = _prepared(data, kind, name)
    return text, kind, name, _title(text, kind) or path.stem


def _prepared(data: bytes, kind: str, name: str) -> tuple[str, str]:
    """The text of a score, made explicit where it must be, and its kind."""
    if kind == "mxl":
        data, kind = _unpacked(data, name), "musicxml"
    text = _text(data, name)
    if kind in ("musicxml", "mei"):
        text, kind = _checked_xml(text, name)
    return (musicxml.completed(text) if kind == "musicxml" else text), kind


# Text --------------------------------------------------------------------


def _unpacked(data: bytes, name: str) -> bytes:
    """The score in a compressed MusicXML file, whose container names it. Nothing is unpacked beyond the limit."""
    damaged = UnreadableMusic(name, "it is not a whole compressed MusicXML file", "export it again")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = packed.namelist()
            inside = [n for n in names if n.lower().endswith((".xml", ".musicxml")) and not n.startswith("META-INF")]
            if "META-INF/container.xml" in names:
                with packed.open("META-INF/container.xml") as file:
                    container = file.read(2**16).decode("utf-8", "replace")
                declared = [html.unescape(n) for n in re.findall(r"full-path\s*=\s*[\"']([^\"']+)[\"']", container)]
                inside = [n for n in declared if n in names] or inside
            if not inside:
                raise damaged
            with packed.open(inside[0]) as file:
                text = file.read(MAX_SCORE_BYTES + 1)
    except Exception:  # a damaged archive makes zipfile and the unpackers raise nearly anything
        raise damaged from None
    if len(text) > MAX_SCORE_BYTES:
        raise MusicTooLarge(name, f"unpacked it has more than {MAX_SCORE_BYTES >> 20} MiB", "cut it")
    return text


def _text(data: bytes, name: str) -> str:
    """The text of a score in the encoding that its first bytes tell, else UTF-8, else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif data[:2] == b"<\0":
        encodings = ["utf-16-le"]
    elif data[:2] == b"\0<":
        encodings = ["utf-16-be"]
    else:
        encodings = ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        break
    raise UnreadableMusic(name, "it is not text, as a score of this kind is", "export it again")


def _checked_xml(text: str, name: str) -> tuple[str, str]:
    """The XML without its declaration (the encoding it names is no longer true), and what it holds: musicxml or mei.

    An entity can be declared to stand for millions of others. No score needs one, so a file with any is refused.
    """
    if "<!ENTITY" in text:
        raise UnsupportedMusic(name, "it declares XML entities, which are not read", "export it again")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)
    try:  # Verovio makes what it can of half a file, and says nothing
        expat.ParserCreate().Parse(text, True)
    except expat.ExpatError as error:
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise UnreadableMusic(name, f"it is not whole XML ({where})", "export it again") from None
    if re.search(r"<(?:score-partwise|score-timewise)[\s>]", text):
        return text, "musicxml"
    if re.search(r"<(?:\w+:)?mei[\s>]", text):
        return text, "mei"
    raise UnreadableMusic(name, "it holds neither MusicXML nor MEI", "export it again")


def _title(text: str, kind: str) -> str:
    """The title that a score gives itself, or ""."""
    patterns = {
        "musicxml": (r"<work-title[^<>]*>([^<]+)<", r"<movement-title[^<>]*>([^<]+)<"),
        "mei": (r"<title\b[^<>]*>([^<]+)<",),
        "abc": (r"(?m)^T:[ \t]*(.+)$",),
        "humdrum": (r"(?m)^!!!OTL[^:\n]*:[ \t]*(.+)$",),
    }
    for pattern in patterns[kind]:
        match = re.search(pattern, text[:_TITLE_WITHIN])
        if match and match[1].strip():
            return " ".join(html.unescape(match[1]).split())[:200]
    return ""


def _engraved(text: str, kind: str, name: str) -> dict[str, Any]:
    """What Verovio makes of a score: "midi", bytes, and "bars", the quarter notes at which its bars begin and
    the last one ends."""
    helper = Path(__file__).with_name("score_helper.py")
    command = [sys.executable, "-P", "-W", "ignore", str(helper), kind, str(_MEMORY), str(_SECONDS)]
    try:
        completed = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=module_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MusicTooLarge(name, f"it takes more than {_SECONDS} seconds to read", "cut it") from None
    except OSError:
        raise UnreadableMusic(name, "no helper process can be started to read it", "free some memory") from None
    try:
        header, midi = completed.stdout.split(b"\n", 1)
        answer = json.loads(header)
    except ValueError:
        answer, midi = {"error": "it makes the reader of scores fail"}, b""
    if "error" in answer:
        raise UnreadableMusic(name, str(answer["error"]), "export it again")
    return {"midi": midi, "bars": answer["bars"]}
