"""What kind of file it is, by its first bytes and never by its name; and which kinds a browser may show."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from flamingo.errors import FlamingoError, UnsupportedImage
from flamingo.images.formats import FORMATS, READ_TITLES, sniff

__all__ = ["HEAD", "SHOWN", "TAKES_FILMS", "Content", "content_of", "film_of", "fitting_name"]

_SHOTS = re.compile(rb'"shots"\s*:\s*\[')

HEAD = 16_384
"""Bytes that tell what a file is."""

TAKES_FILMS = importlib.util.find_spec("av") is not None
"""Whether films are taken in: PyAV reads them."""

Kind = Literal["picture", "film", "music", "sound", "score", "soundfont", "storyboard"]


@dataclass(frozen=True)
class Content:
    """kind: what it is to a person; suffixes: what its name may end with, the usual one first."""

    kind: Kind
    media_type: str
    suffixes: tuple[str, ...]


_MIDI = Content("music", "audio/midi", (".mid", ".midi", ".kar", ".rmi"))
_WAV = Content("sound", "audio/wav", (".wav",))
_FLAC = Content("sound", "audio/flac", (".flac",))
_OGG = Content("sound", "audio/ogg", (".ogg", ".oga", ".opus"))
_AIFF = Content("sound", "audio/aiff", (".aiff", ".aif", ".aifc"))
_M4A = Content("sound", "audio/mp4", (".m4a",))
_AAC = Content("sound", "audio/aac", (".aac",))
_MP3 = Content("sound", "audio/mpeg", (".mp3",))
_SOUNDFONT = Content("soundfont", "audio/x-soundfont", (".sf2",))
_MUSICXML = Content("score", "application/vnd.recordare.musicxml+xml", (".musicxml", ".xml"))
_MXL = Content("score", "application/vnd.recordare.musicxml", (".mxl",))
_MEI = Content("score", "application/mei+xml", (".mei",))
_HUMDRUM = Content("score", "text/x-humdrum", (".krn",))
_ABC = Content("score", "text/vnd.abc", (".abc",))

_STORYBOARD = Content("storyboard", "application/json", (".json",))

_FILMS = {
    "mp4": Content("film", "video/mp4", (".mp4", ".m4v")),
    "mov": Content("film", "video/quicktime", (".mov",)),
    "webm": Content("film", "video/webm", (".webm",)),
    "matroska": Content("film", "video/x-matroska", (".mkv",)),
}
_MP4_BRANDS = (b"iso", b"mp4", b"avc", b"M4V", b"MSN", b"msn", b"das", b"3gp", b"3g2", b"mmp", b"f4v")

SHOWN = frozenset(
    {
        *(film.media_type for film in _FILMS.values()),
        *("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"),
        *("audio/midi", "audio/wav", "audio/x-wav", "audio/flac", "audio/ogg", "audio/mpeg"),
        *("audio/mp4", "audio/aac"),
        *("text/plain", "application/json", "application/pdf", "image/svg+xml"),
    }
)
"""Types that are shown in the browser; anything else is saved. SVG and PDF only behind a sandbox."""


def content_of(head: bytes, name: str) -> Content:
    """What a file is that begins so. Raises UnsupportedImage, saying what it seems to be, or UnreadableImage."""
    content = _music(head) or _storyboard(head)
    if content is not None:
        return content
    if head[4:8] == b"ftyp" and (head[8:11] in (b"M4A", b"M4B") or PurePath(name).suffix.lower() in (".m4a", ".m4b")):
        return _M4A  # by its brand, or an MP4 that is called so: recorders write both
    film = film_of(head)
    if film is not None and TAKES_FILMS:
        return film
    if film is not None:
        raise UnsupportedImage(
            name, "it is a film, which cannot be read without PyAV", "install av, or use a picture"
        )
    try:
        form = sniff(head, name)
    except UnsupportedImage as error:
        kinds = "MIDI, MusicXML, MEI, Humdrum, ABC, MP3, WAV, Ogg, FLAC, AIFF, M4A, AAC, SF2 or a storyboard"
        hint = f"use {READ_TITLES}, {kinds}"
        raise UnsupportedImage(
            name, error.why.replace("not a picture that", "which is not a kind that"), hint
        ) from None
    if form == "heif":
        form = "avif" if b"av01" in head or head[8:12] in (b"avif", b"avis") else "heic"
    return Content("picture", f"image/{form}", FORMATS[form])


def film_of(head: bytes) -> Content | None:
    """The kind of film that begins so: MP4 and QuickTime by their first box (ISO 14496-12, 4.3), Matroska and WebM by
    the type that their EBML header gives (RFC 8794, 11.2.4)."""
    if head[4:8] == b"ftyp":
        if head[8:12] == b"qt  ":
            return _FILMS["mov"]
        return _FILMS["mp4"] if head[8:11] in _MP4_BRANDS else None
    if head[4:8] in (b"moov", b"wide") or (head[4:8] == b"mdat" and head[:3] == b"\0\0\0"):  # before there was ftyp
        return _FILMS["mov"]
    if head[:4] == b"\x1aE\xdf\xa3":
        kind = re.search(rb"\x42\x82[\x80-\xff](webm|matroska)", head[:128])
        return _FILMS[kind[1].decode()] if kind else None
    return None


def fitting_name(name: str, head: bytes) -> str:
    """The name with a suffix that tells what is in the file, since verbs know music by it."""
    try:
        suffixes = content_of(head, name).suffixes
    except FlamingoError:
        return name
    return name if PurePath(name).suffix.lower() in suffixes else (name or "file") + suffixes[0]


def _music(head: bytes) -> Content | None:
    if head[:4] == b"RIFF":
        return {b"RMID": _MIDI, b"WAVE": _WAV, b"sfbk": _SOUNDFONT}.get(head[8:12])
    for mark, content in ((b"MThd", _MIDI), (b"fLaC", _FLAC), (b"OggS", _OGG), (b"ID3", _MP3)):
        if head.startswith(mark):
            return content
    if head.startswith(b"PK\3\4") and (b"META-INF/container.xml" in head or b"recordare.musicxml" in head):
        return _MXL
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if _is_adts_frame(head):
        return _AAC
    return _MP3 if _is_mp3_frame(head) else _score(head)


def _storyboard(head: bytes) -> Content | None:
    """A JSON object with a list of shots; whether it is a whole storyboard, its own reader says."""
    return _STORYBOARD if re.match(rb"(?:\xef\xbb\xbf)?\s*\{", head) and _SHOTS.search(head) else None


def _is_adts_frame(head: bytes) -> bool:
    """The header of a frame of AAC by itself (ISO 13818-7, 6.2): the sync word, layer 0, and a rate that exists."""
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 and (head[2] >> 2 & 0x0F) < 13


def _is_mp3_frame(head: bytes) -> bool:
    """The header of a frame of MPEG audio (ISO 11172-3, 2.4.1.3) with no value that is forbidden."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x18 != 0x08
        and head[1] & 0x06 == 0x02  # layer III
        and head[2] & 0xF0 not in (0x00, 0xF0)
        and head[2] & 0x0C != 0x0C
    )


def _score(head: bytes) -> Content | None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head[: len(head) & ~1].decode("utf-16", "replace")
    elif b"\0" in head[:64]:
        return None
    else:
        text = head.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] == "<":
        if re.search(r"<(?:score-partwise|score-timewise)[\s>]|<!DOCTYPE score-", text):
            return _MUSICXML
        return _MEI if re.search(r"<(?:\w+:)?mei[\s>]", text) else None
    if re.search(r"(?m)^\*\*\w+", text) and text.lstrip()[:1] in "*!":
        return _HUMDRUM
    return _ABC if re.search(r"(?m)^X:\s*\d", text) and re.search(r"(?m)^K:", text) else None
