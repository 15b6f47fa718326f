"""Which kind of picture a file is, by its first bytes and never by its name; and which suffix writes what."""

from __future__ import annotations

from pathlib import PurePath

from flamingo.errors import BadRequest, UnreadableImage, UnsupportedImage, show

__all__ = ["READ_SUFFIXES", "WRITE_SUFFIXES", "format_of_suffix", "sniff", "written_suffix"]

WRITE_SUFFIXES = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".bmp": "bmp",
}
"""The suffixes that `write` takes, and the format of each."""

_READ_ONLY = {
    ".jpe": ".jpg",
    ".jfif": ".jpg",
    ".mpo": ".jpg",
    ".apng": ".png",
    ".dib": ".bmp",
    ".gif": ".png",  # a painting has more than the 256 colours of a GIF
}

READ_SUFFIXES = frozenset(WRITE_SUFFIXES) | frozenset(_READ_ONLY)
"""The suffixes by which pictures are picked out of a folder."""

_LARGEST_GUESS = 32

# Formats people do have, recognised only to say their name.
_STRANGERS = (
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML or SVG"),
    (b"gimp xcf", "a GIMP"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x76\x2f\x31\x01", "an OpenEXR"),
    (b"#?RADIANCE", "a Radiance"),
    (b"qoif", "a QOI"),
    (b"FUJIFILM", "a camera raw"),
    (b"PK\x03\x04", "a ZIP"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


def sniff(data: bytes | memoryview, name: str) -> str:
    """The format of a file, from its first bytes: jpeg, png, webp, tiff, gif or bmp.

    Raises UnreadableImage for an empty file and UnsupportedImage for anything else.
    """
    head = bytes(data[:_LARGEST_GUESS])
    if not head:
        raise UnreadableImage(name, "the file is empty", "copy it again from its source")
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    # "BM" alone is weak evidence, so the size of the information header must be a known one too.
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:
        return "bmp"
    raise UnsupportedImage(
        name, f"it is {_guess(head)}, not a picture that can be read", "use JPEG, PNG, WebP, TIFF, BMP or GIF"
    )


_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _guess(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"):
            return "a HEIC file"
        if brand in (b"avif", b"avis"):
            return "an AVIF file"
        return "a video"
    for magic, title in _STRANGERS:
        if head.lower().startswith(magic.lower()):
            return f"{title} file" if title != "a web page" else title
    return "some other file"


def format_of_suffix(path: PurePath | str) -> str:
    """The format that `write` would use for this name. Raises BadRequest for a suffix it does not know."""
    suffix = PurePath(path).suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        why = f"pictures cannot be written as '{suffix}'" if suffix else "the name has no suffix that says the format"
        raise BadRequest(show(str(path)), why, f"use {', '.join(WRITE_SUFFIXES)}")
    return WRITE_SUFFIXES[suffix]


def written_suffix(path: PurePath) -> str:
    """The suffix for the result of an input of this name: its own if that can be written, else a near one."""
    suffix = path.suffix.lower()
    return suffix if suffix in WRITE_SUFFIXES else _READ_ONLY.get(suffix, ".png")
