"""EXIF: what is read from it, what is kept of it, and how it gets into a TIFF file.

Kept are the facts a person would want under the picture: when, with which camera and lens, by whom, and what they
wrote about it. Dropped are the place (unless asked for), the thumbnail (it shows the photo, not the painting), the
orientation (it is applied) and the maker's private notes (they hold serial numbers and break when moved).

Values stay the bytes that they are. The standard (CIPA DC-008) asks for ASCII in tags of type 2, and most programs
write UTF-8 into them, so nothing here decodes a value in order to copy it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Block", "cleaned", "parsed", "with_exif"]

MAIN, EXIF, GPS, INTEROP = 0, 0x8769, 0x8825, 0xA005
"""The directories of a block: the first one, and the tags that point to the others."""

_ORIENTATION, _COLOUR_SPACE = 0x0112, 0xA001
_MAKER_NOTE = 0x927C
_USER_COMMENT = 0x9286
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
"""Bytes that change places together when the byte order changes; types that are not listed are single bytes."""

_MOST_ENTRIES = 4000
_LONGEST_VALUE = 16_000
_LONGEST_BLOCK = 60_000  # a JPEG segment holds 65,533 bytes

_KEPT_MAIN = frozenset(
    {
        0x010E,  # ImageDescription
        0x010F,  # Make
        0x0110,  # Model
        0x0132,  # DateTime
        0x013B,  # Artist
        0x8298,  # Copyright
        0x9C9B,  # XPTitle: these five of Windows hold UTF-16
        0x9C9C,  # XPComment
        0x9C9D,  # XPAuthor
        0x9C9E,  # XPKeywords
        0x9C9F,  # XPSubject
    }
)
_KEPT_EXIF = frozenset(
    {
        0x829A,  # ExposureTime
        0x829D,  # FNumber
        0x8822,  # ExposureProgram
        0x8827,  # PhotographicSensitivity
        0x9003,  # DateTimeOriginal
        0x9004,  # DateTimeDigitized
        0x9010,  # OffsetTime
        0x9011,  # OffsetTimeOriginal
        0x9012,  # OffsetTimeDigitized
        0x9201,  # ShutterSpeedValue
        0x9202,  # ApertureValue
        0x9204,  # ExposureBiasValue
        0x9205,  # MaxApertureValue
        0x9206,  # SubjectDistance
        0x9207,  # MeteringMode
        0x9208,  # LightSource
        0x9209,  # Flash
        0x920A,  # FocalLength
        _USER_COMMENT,
        0x9290,  # SubSecTime
        0x9291,  # SubSecTimeOriginal
        0x9292,  # SubSecTimeDigitized
        0xA402,  # ExposureMode
        0xA403,  # WhiteBalance
        0xA405,  # FocalLengthIn35mmFilm
        0xA432,  # LensSpecification
        0xA433,  # LensMake
        0xA434,  # LensModel
    }
)
_GPS_TAGS = frozenset(range(0x20))


@dataclass(frozen=True)
class Entry:
    """One value. kind: its type in TIFF; count: how many there are; data: their bytes, in the order of the block."""

    kind: int
    count: int
    data: bytes


@dataclass(frozen=True)
class Block:
    """A block of EXIF, taken apart. order: "<" or ">", its byte order; folders: the entries of each directory."""

    order: str
    folders: Mapping[int, Mapping[int, Entry]] = field(default_factory=dict)

    def entry(self, folder: int, tag: int) -> Entry | None:
        """An entry of a directory.

        Args:
            folder: the directory, by the tag that points to it; 0 for the first.
            tag: the entry's number in TIFF.

        Returns:
            The entry, or None.
        """
        return self.folders.get(folder, {}).get(tag)

    def text(self, folder: int, tag: int) -> str:
        """A text: UTF-8 where it is that, UTF-16 in the tags that hold it, else Windows-1252.

        Args:
            folder: the directory.
            tag: the entry's number in TIFF.

        Returns:
            The text without blanks and zeros around it; "" if it is missing.
        """
        entry = self.entry(folder, tag)
        if entry is None or entry.kind not in (1, 2, 7):
            return ""
        if 0x9C9B <= tag <= 0x9C9F:
            return entry.data[: len(entry.data) & ~1].decode("utf-16-le", "replace").strip("\0 \r\n\t")
        data = entry.data
        if tag == _USER_COMMENT:
            head, data = data[:8], data[8:]
            if head == b"UNICODE\0":
                return _utf16(data, self.order).strip("\0 \r\n\t")
        data = data.split(b"\0", 1)[0] if entry.kind == 2 else data
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
        return text.strip("\0 \r\n\t")

    def number(self, folder: int, tag: int) -> int | None:
        """The first whole number of an entry.

        Args:
            folder: the directory.
            tag: the entry's number in TIFF.

        Returns:
            The number, or None.
        """
        entry = self.entry(folder, tag)
        form = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i"}.get(entry.kind) if entry else None
        if entry is None or form is None or not entry.count:
            return None
        return int(struct.unpack_from(f"{self.order}{form}", entry.data)[0])

    @property
    def orientation(self) -> int:
        """1 to 8; 1 where it is missing or anything else."""
        orientation = self.number(MAIN, _ORIENTATION) or 1
        return orientation if 1 <= orientation <= 8 else 1

    @property
    def adobe_rgb(self) -> bool:
        """Whether its colours are Adobe RGB: as DCF says it (ColorSpace 65535, InteroperabilityIndex R03; CIPA
        DC-009, 3.2), or with the value 2 that is in no standard and is written nevertheless."""
        space = self.number(EXIF, _COLOUR_SPACE)
        return space == 2 or (space in (0xFFFF, None) and self.text(INTEROP, 1).upper().startswith("R03"))

    def encoded(self, order: str | None = None) -> bytes:
        """The block, beginning `Exif\\0\\0`."""
        order = order or self.order
        entries, values = self.packed(order, 8)
        at = 8 + len(values)
        directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
        mark = b"II*\0" if order == "<" else b"MM\0*"
        return b"Exif\0\0" + mark + struct.pack(f"{order}I", at) + values + directory + bytes(4)

    def packed(self, order: str, base: int) -> tuple[dict[int, bytes], bytes]:
        """The entries of the first directory, 12 bytes each, by tag, and what they point to, which lies at `base`."""
        values = b""
        main = dict(self.folders.get(MAIN, {}))
        for folder in (EXIF, GPS):
            if inner := self.folders.get(folder):
                entries, values = _directory(inner, self.order, order, base, values)
                main[folder] = Entry(4, 1, struct.pack(f"{self.order}I", base + len(values)))
                values += struct.pack(f"{order}H", len(entries))
                values += b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
                values += b"\0" * (len(values) % 2)
        return _directory(main, self.order, order, base, values)


def _directory(
    folder: Mapping[int, Entry], old: str, new: str, base: int, values: bytes
) -> tuple[dict[int, bytes], bytes]:
    entries = {}
    for tag, entry in folder.items():
        data = _reordered(tag, entry, old, new)
        head = struct.pack(f"{new}HHI", tag, entry.kind, entry.count)
        if len(data) <= 4:
            entries[tag] = head + data.ljust(4, b"\0")
        else:
            entries[tag] = head + struct.pack(f"{new}I", base + len(values))
            values += data + b"\0" * (len(data) % 2)
    return entries, values


def _reordered(tag: int, entry: Entry, old: str, new: str) -> bytes:
    """The bytes of a value in another byte order."""
    if old == new:
        return entry.data
    if tag == _USER_COMMENT and entry.data[:8] == b"UNICODE\0" and entry.data[8:10] not in (b"\xff\xfe", b"\xfe\xff"):
        text = _utf16(entry.data[8:], old)
        return b"UNICODE\0" + text.encode("utf-16-le" if new == "<" else "utf-16-be", "surrogatepass")
    unit = _UNITS.get(entry.kind, 1)
    data = entry.data
    return b"".join(data[i : i + unit][::-1] for i in range(0, len(data), unit)) if unit > 1 else data


def _utf16(data: bytes, order: str) -> str:
    """UTF-16 in the order that its mark says, else in the block's, unless it reads better the other way."""
    data = data[: len(data) & ~1]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    names = ("utf-16-le", "utf-16-be") if order == "<" else ("utf-16-be", "utf-16-le")
    first, second = (data.decode(name, "replace") for name in names)
    return second if _oddness(second) < _oddness(first) else first


def _oddness(text: str) -> int:
    """How many characters are none that people write: of ASCII text in the wrong order, nearly all of them."""
    return sum(char != "\0" and (ord(char) & 0xFF == 0 or char == "\ufffd") for char in text)


def parsed(raw: bytes | None) -> Block | None:
    r"""Take a block of EXIF apart.

    Args:
        raw: the block with or without `Exif\0\0` before it, or a whole TIFF file, also a large one (BigTIFF).

    Returns:
        Its parts; None if it is none. What points beyond its end is left out.
    """
    if not raw:
        return None
    base = 6 if raw[:6] == b"Exif\0\0" else 0
    order = {b"II": "<", b"MM": ">"}.get(bytes(raw[base : base + 2]))
    try:
        (magic,) = struct.unpack_from(f"{order}H", raw, base + 2) if order else (0,)
        if order is None or magic not in (42, 43):
            return None
        big = magic == 43
        (start,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", raw, base + (8 if big else 4))
        main = read_entries(raw, base, start, order, big)
    except struct.error:
        return None
    block = Block(order, {MAIN: main})
    folders: dict[int, Mapping[int, Entry]] = {MAIN: main}
    for folder, parent in ((EXIF, MAIN), (GPS, MAIN), (INTEROP, EXIF)):
        offset = _pointer(Block(order, folders), parent, folder)
        if offset is not None:
            try:
                folders[folder] = read_entries(raw, base, offset, order, big)
            except struct.error:
                continue
    return Block(block.order, folders)


def _pointer(block: Block, parent: int, tag: int) -> int | None:
    entry = block.entry(parent, tag)
    form = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(entry.kind) if entry else None
    return int(struct.unpack_from(f"{block.order}{form}", entry.data)[0]) if entry and form and entry.count else None


def read_entries(raw: bytes, base: int, start: int, order: str, big: bool) -> dict[int, Entry]:
    """The entries of a directory (IFD) by their tags. Raises struct.error where it is cut short."""
    if base + start >= len(raw):  # also numbers that no place in memory has
        raise struct.error
    (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", raw, base + start)
    at = base + start + (8 if big else 2)
    length, room, form = (20, 8, "HHQ") if big else (12, 4, "HHI")
    entries: dict[int, Entry] = {}
    for i in range(min(count, _MOST_ENTRIES)):
        offset = at + i * length
        if offset + length > len(raw):
            break
        tag, kind, many = struct.unpack_from(f"{order}{form}", raw, offset)
        size = _SIZES.get(kind, 0) * many
        if not size or size > 1 << 20 or tag in entries or tag == _MAKER_NOTE:
            continue
        where = offset + length - room
        if size > room:
            where = base + int(struct.unpack_from(f"{order}{'Q' if big else 'I'}", raw, where)[0])
        if where + size <= len(raw):
            entries[tag] = Entry(kind, many, bytes(raw[where : where + size]))
    return entries


def cleaned(raw: bytes | None, *, keep_gps: bool) -> bytes | None:
    r"""The part of an EXIF block that is kept.

    Args:
        raw: an EXIF block or a TIFF file, or None.
        keep_gps: whether the place is kept.

    Returns:
        A block that begins `Exif\0\0`; None if nothing is left or it is broken.
    """
    block = parsed(raw)
    if block is None:
        return None
    tags_by_folder = {MAIN: _KEPT_MAIN, EXIF: _KEPT_EXIF, GPS: _GPS_TAGS if keep_gps else frozenset()}
    folders = {folder: _selected(block.folders.get(folder, {}), tags) for folder, tags in tags_by_folder.items()}
    while any(folders.values()):
        result = Block(block.order, folders).encoded()
        if len(result) <= _LONGEST_BLOCK:
            return result
        _, folder, tag = max((len(e.data), f, t) for f, entries in folders.items() for t, e in entries.items())
        del folders[folder][tag]
    return None


def _selected(source: Mapping[int, Entry], tags: frozenset[int]) -> dict[int, Entry]:
    # Types above 13 are those of BigTIFF, which a usual block cannot hold.
    return {
        tag: source[tag]
        for tag in sorted(tags & set(source))
        if len(source[tag].data) <= _LONGEST_VALUE and source[tag].kind <= 13
    }


def with_exif(tiff: bytes, block: bytes) -> bytes:
    r"""A TIFF file with an EXIF block, which libvips drops.

    The block's values are appended, and a new first directory, the old entries and the new ones together, takes the
    place of the old one.

    Args:
        tiff: a file as just written by us: little endian, not big.
        block: the block, beginning `Exif\0\0`.

    Returns:
        The whole file.
    """
    exif_block = parsed(block)
    if tiff[:4] != b"II*\0" or exif_block is None:
        return tiff
    tiff += b"\0" * (len(tiff) % 2)
    new, values = exif_block.packed("<", len(tiff))
    (start,) = struct.unpack_from("<I", tiff, 4)
    entries = {**new, **_raw_entries(tiff, start)}
    body = tiff + values + b"\0" * (len(values) % 2)
    directory = b"".join(entries[tag] for tag in sorted(entries))
    return body[:4] + struct.pack("<I", len(body)) + body[8:] + struct.pack("<H", len(entries)) + directory + bytes(4)


def with_tags(tiff: bytes, tags: Mapping[int, int]) -> bytes:
    """A classic TIFF file with more entries in its first directory, which is written anew at its end.

    Args:
        tiff: the file.
        tags: 16-bit numbers by their tags.

    Returns:
        The whole file.

    Raises:
        struct.error: it is no TIFF file.
    """
    order = "<" if tiff[:2] == b"II" else ">"
    if tiff[2:4] not in (b"*\0", b"\0*"):
        raise struct.error
    tiff += b"\0" * (len(tiff) % 2)
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    entries = _raw_entries(tiff, start, order)
    entries |= {tag: struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in tags.items()}
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    return tiff[:4] + struct.pack(f"{order}I", len(tiff)) + tiff[8:] + directory + bytes(4)


def _raw_entries(data: bytes, start: int, order: str = "<") -> dict[int, bytes]:
    """The entries of the directory at `start`, 12 bytes each, by tag."""
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries: Any = (data[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count))
    return {int.from_bytes(entry[:2], "little" if order == "<" else "big"): entry for entry in entries}
