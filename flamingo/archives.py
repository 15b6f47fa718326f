"""Zip archives as people have them: names in old encodings and with backslashes, names that lead out of the archive,
and what cannot be unpacked."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["Member", "leads_out", "members", "readable_name", "told_apart"]

_UTF8 = 0x800
_LOCKED = 1
_UNICODE_PATH = 0x7075  # of the Info-ZIP extra fields (APPNOTE 4.6.9)
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")

_SIGNS = r"[!-/0-9:-@\[-`{-~ ]*"

LOCKED = "locked with a password"
LEADS_OUT = "refused: its name leads out of the archive"
NESTED = "an archive inside the archive, which is not unpacked"


@dataclass(frozen=True)
class Member:
    """A file in an archive. name: its path in it, as a person reads it, with slashes, no two alike; refused: why it
    is not unpacked, or ""."""

    info: zipfile.ZipInfo
    name: str
    refused: str = ""


def members(archive: zipfile.ZipFile) -> list[Member]:
    """The files in it, in order, without folders."""
    listed: list[Member] = []
    used_names: set[str] = set()
    for info in archive.infolist():
        name = readable_name(info)
        if info.is_dir() or name.endswith("/"):
            continue
        refused = ""
        if leads_out(name):
            refused = LEADS_OUT
        elif info.flag_bits & _LOCKED:
            refused = LOCKED
        elif name.lower().endswith(_ARCHIVES):
            refused = NESTED
        else:
            name = told_apart(name.removeprefix("./"), used_names)
            used_names.add(name.casefold())
        listed.append(Member(info, name, refused))
    return listed


def leads_out(name: str) -> bool:
    """Whether a path is absolute, or goes up and out of where it begins."""
    depth = 0
    for part in name.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return True
    return name.startswith("/") or bool(re.match(r"[A-Za-z]:", name))


def readable_name(info: zipfile.ZipInfo) -> str:
    """The path of a member, decoded as what it most likely is, with slashes.

    The format knows two encodings, UTF-8 with a flag and code page 437 without; archives hold UTF-8 without the flag
    and the code page of whatever system packed them as well.
    """
    name = info.orig_filename.split("\0", 1)[0]
    if not info.flag_bits & _UTF8:
        raw = name.encode("cp437", "replace")
        name = _unicode_path(info.extra, raw) or _decoded(raw)
    return name.replace("\\", "/")


def _unicode_path(extra: bytes, raw: bytes) -> str:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + size]
        if kind == _UNICODE_PATH and len(body) > 5 and body[0] == 1:
            if struct.unpack_from("<I", body, 1)[0] != zlib.crc32(raw):
                return ""  # it belongs to another name
            return body[5:].decode("utf-8", "replace")
        at += 4 + size
    return ""


def _decoded(raw: bytes) -> str:
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        japanese = raw.decode("cp932")
    except UnicodeDecodeError:
        japanese = ""
    if japanese and _reads_as_japanese(japanese):
        return japanese
    old = raw.decode("cp437")
    # Code page 437 has frames, Greek and signs where the others have letters.
    if not any(_is_no_letter(char) for char in old):
        return old
    # Russian and Chinese, where whole words come out of it.
    for codec, word in (("cp866", "[\u0400-\u04ff]+"), ("gbk", "[\u4e00-\u9fff]{2,}")):
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        if re.fullmatch(rf"(?:{_SIGNS}(?:{word}|[A-Za-z]+)(?![^\W\d_]))+{_SIGNS}", text):
            return text
    return raw.decode("cp1252", "replace")


def _reads_as_japanese(text: str) -> bool:
    """Whether kana or Chinese characters stand in it in groups, or fill a name. One alone between Latin letters is
    what an accented letter of another code page looks like."""
    if any("\ue000" <= char <= "\uf8ff" for char in text):
        return False
    if re.search("[\u3041-\u30fe\u4e00-\u9fff]{2}", text):
        return True
    stem = PurePosixPath(text.replace("\\", "/")).stem
    return bool(re.search("[\u3041-\u30fe\u4e00-\u9fff]", stem)) and not re.search("[A-Za-z]", stem)


def _is_no_letter(char: str) -> bool:
    return (
        "\u0370" <= char <= "\u03ff"
        or "\u2200" <= char <= "\u25a0"
        or char in "½¼¬⌐²°·"
        or (unicodedata.category(char) == "Cc")
    )


def told_apart(name: str, used_names: Collection[str]) -> str:
    """The name, or one with a number where it is taken: a.jpg, a (2).jpg."""
    path = PurePosixPath(name)
    number, free = 1, name
    while free.casefold() in used_names:
        number += 1
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return free
