"""Which kind of picture a file is, by its first bytes and never by its name; and which suffix writes what."""

from __future__ import annotations

from pathlib import PurePath

from flamingo.errors import BadRequest, UnreadableImage, UnsupportedImage, show

__all__ = [
    "FILMS_READ",
    "FILM_NOT_READ",
    "FILM_SUFFIXES",
    "FORMATS",
    "PICTURES_NOT_READ",
    "READ_SUFFIXES",
    "READ_TITLES",
    "WRITE_SUFFIXES",
    "format_of_suffix",
    "sniff",
    "written_suffix",
]

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
    ".heic": ".jpg",
    ".heif": ".jpg",
    ".heics": ".jpg",
    ".hif": ".jpg",
    ".avif": ".jpg",
    ".avifs": ".jpg",
}

READ_SUFFIXES = frozenset(WRITE_SUFFIXES) | frozenset(_READ_ONLY)
"""The suffixes by which pictures are picked out of a folder."""

FORMATS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "png": (".png", ".apng"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "gif": (".gif",),
    "bmp": (".bmp", ".dib"),
    "heic": (".heic", ".heif", ".hif", ".heics"),
    "avif": (".avif", ".avifs"),
}
"""The formats that are read, and how names of such files end, the usual way first."""

READ_TITLES = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF"
"""The formats that are read, in words."""

PICTURES_NOT_READ = frozenset(
    {
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef"),
        *(".srw", ".3fr", ".iiq", ".x3f", ".rwl", ".kdc", ".mrw", ".erf", ".dcr", ".mos", ".mef", ".gpr"),
        *(".jxl", ".jp2", ".j2k", ".jpx", ".jpf", ".psd", ".psb", ".xcf", ".svg", ".svgz", ".exr", ".hdr", ".tga"),
        *(".ico", ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".qoi", ".wdp", ".jxr", ".insp"),
    }
)
"""The suffixes of pictures that are not read. In a folder they are tried, so that each is named with its reason."""

FILMS_READ = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".3g2", ".mts", ".m2ts", ".mpg", ".mpeg"),
    }
)
"""The suffixes of films that are read."""

FILM_SUFFIXES = FILMS_READ | frozenset(
    {
        *(".qt", ".m2t", ".ts", ".trp", ".tp", ".mpe", ".m1v", ".m2v", ".mp2v", ".vob", ".evo", ".wmv", ".asf"),
        *(".flv", ".f4v", ".swf", ".ogv", ".ogm", ".ogx", ".rm", ".rmvb", ".dv", ".dif", ".mxf", ".gxf", ".divx"),
        *(".xvid", ".amv", ".nut", ".wtv", ".dvr-ms", ".y4m", ".ivf", ".264", ".h264", ".265", ".h265", ".hevc"),
        *(".mj2", ".mjpg", ".mjpeg", ".insv", ".lrv", ".mod", ".tod", ".m4p", ".bik", ".mng"),
    }
)
"""The suffixes of films of any kind. Those that are not read are named as what they are, wherever they turn up."""

FILM_NOT_READ = "it is a film of a kind that is not read", "convert it to MP4"
"""Why such a film is refused, and what to do about it."""

_LARGEST_GUESS = 256

# The brands of HEIF files (ISO/IEC 23008-12, annex B to L; the AVIF specification, 8): of single pictures and of
# sequences, coded as HEVC, AV1 or in another way.
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"miaf"}
    | {b"heif", b"avif", b"avis", b"avci", b"avcs", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"vvic", b"vvis", b"evbi"}
)

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

# Films, by their first bytes: ASF, Flash, RealMedia, MXF, DV, MPEG program streams and elementary streams.
_FILM_MARKS = (
    *(b"\x30\x26\xb2\x75", b"FLV\x01", b".RMF", b"\x06\x0e\x2b\x34\x02\x05\x01\x01", b"\x1f\x07\x00"),
    *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"YUV4MPEG2 ", b"DKIF", b"\x1a\x45\xdf\xa3"),
)


def sniff(data: bytes | memoryview, name: str) -> str:
    r"""The format of a file, from its first bytes.

    Args:
        data: the beginning of the file, or all of it.
        name: what messages call it.

    Returns:
        jpeg, png, webp, tiff, gif, bmp or heif (HEIC and AVIF).

    Raises:
        UnreadableImage: the file is empty.
        UnsupportedImage: it is anything else.

    Example:
        >>> sniff(b"\xff\xd8\xff\xe0" + bytes(20), "cat")
        'jpeg'
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
    if _is_heif(head):
        return "heif"
    suffix = PurePath(name).suffix.lower()
    guess = _guess(head)
    if guess in (_OTHER, _VIDEO) and suffix in FILM_SUFFIXES:
        if suffix not in FILMS_READ:
            raise UnsupportedImage(name, *FILM_NOT_READ)
        guess = _VIDEO
    raise UnsupportedImage(name, f"it is {guess}, not a picture that can be read", f"use {READ_TITLES}")


def _is_heif(head: bytes) -> bool:
    """Whether the first box names a brand of HEIF, and no film: films may name them among others."""
    if head[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(head[:4], "big"), len(head))
    others = {head[i : i + 4] for i in range(16, size, 4)}
    return head[8:12] in _HEIF_BRANDS or bool(head[8:12] in (b"MiHB", b"MiPr", b"1pic") and others & _HEIF_BRANDS)


_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _guess(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return {b"crx ": "a camera raw file", b"jxl ": "a JPEG XL file"}.get(head[8:12], _VIDEO)
    for magic, title in _STRANGERS:
        if head.lower().startswith(magic.lower()):
            return f"{title} file" if title != "a web page" else title
    if head.startswith(_FILM_MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return _VIDEO
    if len(head) > 192 and (head[0] == head[188] == 0x47 or head[4] == head[196] == 0x47):  # MPEG transport streams
        return _VIDEO
    return _OTHER


_VIDEO, _OTHER = "a film", "some other file"


def format_of_suffix(path: PurePath | str) -> str:
    """The format that `write` would use for a name.

    Args:
        path: the name, of which the suffix counts.

    Returns:
        jpeg, png, webp, tiff or bmp.

    Raises:
        BadRequest: the suffix is none of a format that is written.

    Example:
        >>> format_of_suffix("holiday/cat.JPG")
        'jpeg'
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        why = f"pictures cannot be written as '{suffix}'" if suffix else "the name has no suffix that says the format"
        raise BadRequest(show(str(path)), why, f"use {', '.join(WRITE_SUFFIXES)}")
    return WRITE_SUFFIXES[suffix]


def written_suffix(path: PurePath) -> str:
    """The suffix for the result of an input.

    Args:
        path: the input's name.

    Returns:
        Its own suffix if that can be written, else a near one.
    """
    suffix = path.suffix.lower()
    return suffix if suffix in WRITE_SUFFIXES else _READ_ONLY.get(suffix, ".png")
