"""Takes out of a picture file where it was taken, and leaves every other byte of pixels as it is.

The place stands in the GPS directory of EXIF (CIPA DC-008, 4.6.6) and, in some files, in XMP as exif:GPS... The
directory is overwritten with zeros and its entry taken out of the list that names it; in XMP blanks take the words'
room. Nothing moves, so nothing is encoded again; a PNG's checksums are mended. Runs in the guarded process.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable

from flamingo.images.heif import exif_places

__all__ = ["without_place"]

_GPS, _EXIF, _SUB = 0x8825, 0x8769, 0x014A
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_FOLDERS, _MOST_ENTRIES, _LONGEST_VALUE = 64, 2000, 1024
_LONGEST_TEXT = 1 << 22

# No mark of a JPEG segment, and so no byte 0 or 255, lies within what is overwritten.
_ATTRIBUTE = re.compile(rb"""\s[A-Za-z][\w.-]*:GPS\w+\s*=\s*(?:"[^"<\x00\xff]{0,500}"|'[^'<\x00\xff]{0,500}')""")
_ELEMENT = re.compile(
    rb"<([A-Za-z][\w.-]*:GPS\w+)(?:\s[^<>\x00\xff]{0,500})?(?:/>|>[^\x00\xff]{0,2000}?</\1\s*>)", re.DOTALL
)
_RAW_PROFILES = (b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type xmp")


def without_place(data: bytes, kind: str) -> bytes | None:
    """The file without the place, or None if it holds none. kind: jpeg, png, webp, tiff, gif, bmp, heic or
    avif."""
    if kind == "png":
        return _png(data)
    changed = bytearray(data)
    ways: dict[str, Callable[[bytes], list[int]]] = {
        "jpeg": _in_jpeg,
        "webp": _in_webp,
        "heic": exif_places,
        "avif": exif_places,
        "tiff": lambda _: [0],
    }
    bases = ways[kind](data) if kind in ways else []
    overwritten = [_tiff(changed, base) for base in bases]
    return bytes(changed) if _xmp(changed) or any(overwritten) else None


def _in_jpeg(data: bytes) -> list[int]:
    """Where EXIF blocks begin, those of further pictures in the file too."""
    return [match.end() for match in re.finditer(rb"Exif\0\0(?=II\*\0|MM\0\*)", data)]


def _in_webp(data: bytes) -> list[int]:
    bases, at = [], 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"EXIF":
            bases.append(at + 8 + 6 * (data[at + 8 : at + 14] == b"Exif\0\0"))
        at += 8 + size + size % 2
    return bases


def _png(data: bytes) -> bytes | None:
    """Chunk by chunk. A compressed one cannot be overwritten, so it goes, if it holds a place; no pixel is in it."""
    chunks, changed, at = [data[:8]], False, 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):  # cut short, and no picture
            break
        name, body = data[at + 4 : at + 8], bytearray(data[at + 8 : at + 8 + size])
        chunk = data[at : at + 12 + size]
        at += 12 + size
        if name == b"eXIf" and _tiff(body, 0):
            chunk, changed = _chunk(name, body), True
        elif name in (b"iTXt", b"zTXt", b"tEXt"):
            if _hidden_place(bytes(name), bytes(body)):
                changed = True
                continue
            if name == b"iTXt" and _xmp(body):
                chunk, changed = _chunk(name, body), True
        chunks.append(chunk)
    return b"".join([*chunks, data[at:]]) if changed else None


def _chunk(name: bytes, body: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _hidden_place(name: bytes, body: bytes) -> bool:
    """Whether a text chunk holds a place where it cannot be overwritten: compressed, or in hexadecimal digits."""
    keyword, _, rest = body.partition(b"\0")
    if name == b"tEXt":
        text = rest
    elif name == b"zTXt":
        text = _unpacked(rest[1:])
    elif rest[:1] == b"\1":
        text = _unpacked(rest[2:].split(b"\0", 2)[-1])
    else:
        return False
    if keyword in _RAW_PROFILES:
        digits = b"".join(text.split()[2:])  # after the name and the length
        try:
            text = bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            return True  # nobody else can read it either
        start = text.find(b"Exif\0\0")
        if _tiff(bytearray(text), start + 6 if start >= 0 else 0):
            return True
    return b":GPS" in text


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _LONGEST_TEXT)
    except zlib.error:
        return b""


def _xmp(data: bytearray) -> bool:
    """Blank out the place in every packet of XMP; whether there was one."""
    changed, at = False, 0
    while (start := data.find(b"<rdf:RDF", at)) >= 0:
        end = data.find(b"</rdf:RDF>", start)
        at = end if end > 0 else len(data)
        for pattern in (_ATTRIBUTE, _ELEMENT):
            for match in pattern.finditer(bytes(data[start:at])):
                data[start + match.start() : start + match.end()] = b" " * len(match[0])
                changed = True
    return changed


def _tiff(data: bytearray, base: int) -> bool:
    """Blank out the GPS directory of the TIFF structure that begins at `base`; whether there was a place in it."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[base : base + 2]))
    if order is None:
        return False
    try:
        (magic,) = struct.unpack_from(f"{order}H", data, base + 2)
        big = magic == 43
        waiting = [struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, base + (8 if big else 4))[0]]
    except struct.error:
        return False
    visited: set[int] = set()
    changed = False
    while waiting and len(visited) < _MOST_FOLDERS:
        at = waiting.pop()
        if at in visited or at == 0:
            continue
        visited.add(at)
        try:
            folder = _Folder(data, base, at, order, big)
            changed |= folder.drop_place()
            waiting += folder.more()
        except (struct.error, IndexError):  # it points beyond the end: there is nothing to be read
            continue
    return changed


class _Folder:
    """One directory of a TIFF structure, classic or big."""

    def __init__(self, data: bytearray, base: int, at: int, order: str, big: bool) -> None:
        self._data, self._base, self._order = data, base, order
        self._offset, self._long = ("Q", 20) if big else ("I", 12)
        self._head = f"{order}HH{self._offset}"
        self._number = f"{order}{'Q' if big else 'H'}"
        self._start = base + at
        (self._count,) = struct.unpack_from(self._number, data, self._start)
        if self._count > _MOST_ENTRIES:
            raise IndexError(self._count)
        self._first = self._start + struct.calcsize(self._number)
        self._width = struct.calcsize(f"={self._offset}")
        self._end = self._first + self._count * self._long  # where the next directory's place stands
        if self._end + self._width > len(data):
            raise IndexError(self._end)

    def more(self) -> list[int]:
        """Where further directories are: the next one, and those that entries point to."""
        offsets = [struct.unpack_from(f"{self._order}{self._offset}", self._data, self._end)[0]]
        for at in range(self._first, self._end, self._long):
            tag, kind, count = struct.unpack_from(self._head, self._data, at)
            if tag in (_EXIF, _SUB) and kind in (4, 13, 18) and 0 < count <= _MOST_FOLDERS:
                size = count * _SIZES[kind]
                value = at + self._long - self._width
                if size > self._width:
                    value = self._base + self._value(at)
                form = f"{self._order}{count}{'Q' if kind == 18 else 'I'}"
                offsets += struct.unpack_from(form, self._data, value)
        return offsets

    def drop_place(self) -> bool:
        """Overwrite the GPS directory that this one names, and take its entry out; whether it held a place."""
        for at in range(self._first, self._end, self._long):
            (tag,) = struct.unpack_from(f"{self._order}H", self._data, at)
            if tag != _GPS:
                continue
            try:
                big = self._offset == "Q"
                held = _Folder(self._data, self._base, self._value(at), self._order, big).blank()
            except (struct.error, IndexError):
                held = False
            if held:
                rest = self._data[at + self._long : self._end + self._width]
                self._data[at : at + len(rest)] = rest
                self._data[at + len(rest) : self._end + self._width] = bytes(self._long)
                struct.pack_into(self._number, self._data, self._start, self._count - 1)
                self._count -= 1
                self._end -= self._long
            return held
        return False

    def _value(self, at: int) -> int:
        value = at + self._long - self._width
        return int(struct.unpack_from(f"{self._order}{self._offset}", self._data, value)[0])

    def blank(self) -> bool:
        """Zeros over all entries and what they point to; whether they say more than their version."""
        entries = [
            (at, *struct.unpack_from(self._head, self._data, at)) for at in range(self._first, self._end, self._long)
        ]
        if not any(tag for _, tag, _, _ in entries) or any(tag > 0xFF for _, tag, _, _ in entries):
            return False  # nothing but the version, or no GPS directory at all
        for at, _, kind, count in entries:
            size = count * _SIZES.get(kind, 1)
            start = self._base + self._value(at)
            if self._width < size <= _LONGEST_VALUE and start + size <= len(self._data):
                self._data[start : start + size] = bytes(size)
        self._data[self._start : self._end + self._width] = bytes(self._end + self._width - self._start)
        return True
