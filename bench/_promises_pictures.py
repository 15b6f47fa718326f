"""Cases of `promises.py`: pictures, metadata, albums and names as people have them.

Each makes its own input in an empty folder and looks at what comes out. They are run by
`python bench/promises.py --kind pictures --kind metadata --kind albums --kind names`.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo import errors, images
from flamingo.filming import album, photos
from flamingo.filming.cache import Work
from flamingo.filming.photos import Photo

Check = Callable[[Path], bool]
Array = NDArray[Any]

__all__ = ["cases"]

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# -- inputs --------------------------------------------------------------------------------------------------


def smooth(height: int = 64, width: int = 96) -> Image.Image:
    """A picture that lossy formats keep, and of which every turn looks different."""
    y, x = np.mgrid[0:height, 0:width]
    parts = [x * 255 / width, y * 255 / height, 255 - x * 255 / width]
    return Image.fromarray(np.stack(parts, axis=-1).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def heic(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, **{"quality": 95, "chroma": 444, **options})
    return out.getvalue()


def coded(data: bytes, primaries: int, transfer: int) -> bytes:
    """A HEIF file whose colour box has other numbers."""
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(image: Image.Image, *chunks: bytes, after: bool = False) -> bytes:
    """A PNG with more chunks before its pixels, or after them."""
    data = saved(image, "PNG")
    at = data.index(b"IEND") - 4 if after else 33
    return data[:at] + b"".join(chunks) + data[at:]


def turned_block(orientation: int = 6) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def raw_profile(block: bytes) -> bytes:
    """EXIF as ImageMagick 6 writes it into the text of a PNG."""
    digits = (b"Exif\0\0" + block).hex()
    rows = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    return f"\nexif\n{len(digits) // 2:8d}\n{rows}\n".encode()


def texts(order: str = "<", exif: dict[int, bytes] | None = None, **main: bytes) -> bytes:
    """A block of EXIF whose texts are these bytes: described, artist, ...; exif: those of the second directory."""
    tags = {"described": 0x010E, "artist": 0x013B, "rights": 0x8298, "make": 0x010F, "model": 0x0110, "title": 0x9C9B}

    def folder(entries: dict[int, tuple[int, bytes]], at: int, place: int | None) -> bytes:
        rows, values = b"", b""
        count = len(entries) + (place is not None)
        end = at + 2 + 12 * count + 4
        for tag, (kind, value) in sorted(entries.items()):
            held = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", end + len(values))
            values += b"" if len(value) <= 4 else value + b"\0" * (len(value) % 2)
            rows += struct.pack(f"{order}HHI", tag, kind, len(value)) + held
        if place is not None:
            rows += struct.pack(f"{order}HHII", 0x8769, 4, 1, end + len(values))
        return struct.pack(f"{order}H", count) + rows + bytes(4) + values

    first = {
        tags[name]: (1 if name == "title" else 2, text + (b"" if name == "title" else b"\0"))
        for name, text in main.items()
    }
    body = folder(first, 8, 0 if exif else None)
    if exif:
        inner = {
            tag: (7 if tag == 0x9286 else 2, text if tag == 0x9286 else text + b"\0") for tag, text in exif.items()
        }
        # The last 12-byte entry of the first directory holds the place of the second, which follows.
        body += folder(inner, 8 + len(body), None)
    return b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8) + body


def bmp(bits: int, masks: tuple[int, ...], size: int, pixels: bytes, side: int = 16) -> bytes:
    """A BMP of `side` rows and columns with masks and a header of this size."""
    method = 3 if masks else 0
    info = struct.pack("<IiiHHIIiiII", size, side, side, 1, bits, method, len(pixels), 2835, 2835, 0, 0)
    fields = struct.pack(f"<{len(masks)}I", *masks)
    info = (info + fields).ljust(max(size, 40 + len(fields)), b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(pixels), 0, 0, 14 + len(info)) + info + pixels


def tiff(array: Array, photometric: int | None, **tags: tuple[int, list[int]]) -> bytes:
    """An uncompressed TIFF of an (H, W, C) array; photometric None: without that tag; tags: t123=(type, values)."""
    height, width, channels = array.shape
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    entries: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8 * array.dtype.itemsize] * channels),
        259: (3, [1]),
        262: (3, [photometric or 0]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(data)]),
        **{int(name[1:]): value for name, value in tags.items()},
    }
    if photometric is None:
        del entries[262]
    data += b"\0" * (len(data) % 2)
    end = 8 + len(data) + 2 + 12 * len(entries) + 4
    rows = later = b""
    for tag, (kind, values) in sorted(entries.items()):
        body = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(body) > 4:
            body, later = struct.pack("<I", end + len(later)), later + body
        rows += struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0")
    return (
        b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(entries)) + rows + bytes(4) + later
    )


def twelve_bits(values: Array) -> bytes:
    """A grey TIFF of 12 bits a sample, two of which share three bytes."""
    rows = b""
    for row in values:
        digits = "".join(format(int(value), "012b") for value in row)
        rows += int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(-(-len(digits) // 8), "big")
    height, width = values.shape
    shape = np.frombuffer(rows, np.uint8).reshape(height, -1, 1)
    return tiff(shape, 1, t256=(4, [width]), t258=(3, [12]), t277=(3, [1]))


def zipped(path: Path, *members: tuple[bytes, bytes]) -> Path:
    """A zip archive whose members have these raw names, without the flag of UTF-8. Names have different lengths or
    contents; two may be alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, (name, data) in enumerate(members):
            archive.writestr(zipfile.ZipInfo(chr(97 + i) * len(name)), data)
    data = out.getvalue()
    for i, (name, _) in enumerate(members):
        place = (chr(97 + i) * len(name)).encode()
        for head, skip in ((b"PK\3\4", 30), (b"PK\1\2", 46)):
            at = -1
            while (at := data.find(head, at + 1)) >= 0:
                if data[at + skip : at + skip + len(name)] == place:
                    data = data[: at + skip] + name + data[at + skip + len(name) :]
    path.write_bytes(data)
    return path


# -- what comes out ------------------------------------------------------------------------------------------


def read(folder: Path, name: str, data: bytes) -> images.Picture:
    file = folder / name
    file.write_bytes(data)
    return images.read(file)


def refusal(folder: Path, name: str, data: bytes) -> str:
    """What is said of a file that is refused, or ""."""
    try:
        read(folder, name, data)
    except errors.BadInput as error:
        return str(error)
    return ""


def near(picture: images.Picture, wanted: Image.Image, most: float = 0.03) -> bool:
    there = np.asarray(wanted.convert("RGB"), np.float32) / 255
    return picture.rgb.shape == there.shape and float(np.abs(picture.rgb - there).mean()) < most


def colour(picture: images.Picture) -> list[int]:
    middle = picture.rgb[picture.height // 2, picture.width // 2]
    return [round(float(level) * 255) for level in middle]


def is_colour(picture: images.Picture, wanted: tuple[int, int, int], most: int = 4) -> bool:
    return all(abs(a - b) <= most for a, b in zip(colour(picture), wanted, strict=True))


def said(picture: images.Picture, *words: str) -> bool:
    return any(all(word in note for word in words) for note in picture.notes)


def seen(folder: Path, name: str, when: str = "", exif: Image.Exif | None = None, shade: int = 0) -> Photo:
    """A photo of an album, from a JPEG made on the spot. when: DateTimeOriginal."""
    block = Image.Exif() if exif is None else exif
    if when:
        block.get_ifd(0x8769)[0x9003] = when
    file = folder / f"{name}.jpg"
    image = smooth() if shade == 0 else Image.new("RGB", (96, 64), (shade, shade, 255 - shade))
    image.save(file, quality=92, exif=block)
    taken, says = photos._dated(images.read(file).exif)
    return Photo(name, str(file), "", name, 96, 64, taken, says, (0, 0), "", 1.0, 0, "00" * 192, "")


def order(*found: Photo) -> list[str]:
    return [photo.name for photo in album.ordered(found, "time")[0]]


def stamped(**values: str) -> Image.Exif:
    """A block with dates: original, offset, offset_all, parts, digitised, changed."""
    block = Image.Exif()
    tags = {"original": 0x9003, "offset": 0x9011, "offset_all": 0x9010, "parts": 0x9291, "digitised": 0x9004}
    inner = block.get_ifd(0x8769)
    for name, value in values.items():
        if name == "changed":
            block[0x0132] = value
        else:
            inner[tags[name]] = value
    return block


def found_in(folder: Path, *paths: Path) -> tuple[list[str], list[str]]:
    """The names of the album's photos, and the notes."""
    work = Work(folder / "film.mp4")
    work.open()
    try:
        given, notes = album.found(list(paths), work)
        return [each.name for each in given], notes
    finally:
        work.drop()


def painted(*photos_: Path, output: Path, **how: Any) -> list[flamingo.PaintResult]:
    return flamingo.paint(list(photos_), style="udnie", model="fast", size=32, output=output, **how)


def remarks(results: list[flamingo.PaintResult]) -> str:
    return "\n".join(line for each in results for line in (*each.notes, str(each.error or "")))


# -- the cases -----------------------------------------------------------------------------------------------


def cases() -> Iterator[tuple[str, str, Check]]:
    """(kind, what it is, check): the check is given an empty folder, and says whether the right thing came out."""
    yield from (("pictures", what, check) for what, check in _pictures())
    yield from (("metadata", what, check) for what, check in _metadata())
    yield from (("albums", what, check) for what, check in _albums())
    yield from (("names", what, check) for what, check in _names())


def _pictures() -> Iterator[tuple[str, Check]]:
    for kind, encode in (("HEIC", heic), ("AVIF", lambda image, **o: saved(image, "AVIF", quality=95, **o))):
        end = kind.lower()

        def upright(folder: Path, encode: Any = encode, end: str = end) -> bool:
            for turn, how in _TURNS.items():
                block = Image.Exif()
                block[0x0112] = turn
                picture = read(folder, f"{turn}.{end}", encode(smooth(), exif=block.tobytes()))
                if not near(picture, smooth().transpose(how)) or picture.notes:
                    return False
            return True

        yield f"{kind}: turned once, whatever its EXIF and its own properties say", upright
        yield (
            f"{kind}: by its content, under another name",
            lambda folder, e=encode: near(read(folder, "a.jpg", e(smooth())), smooth()),
        )

        def wide(folder: Path, encode: Any = encode, end: str = end) -> bool:
            profile = saved_profile()
            picture = read(
                folder, f"p3.{end}", encode(Image.new("RGB", (64, 64), (200, 100, 50)), icc_profile=profile)
            )
            return is_colour(picture, (215, 93, 31)) and picture.icc == profile

        yield f"{kind}: a profile of Display P3 is converted, and kept for the result", wide

        def clear(folder: Path, encode: Any = encode, end: str = end) -> bool:
            image = smooth()
            levels = Image.linear_gradient("L").resize(image.size)
            image.putalpha(levels)
            picture = read(folder, f"a.{end}", encode(image))
            there = np.asarray(levels, np.float32) / 255
            return picture.alpha is not None and float(np.abs(picture.alpha - there).mean()) < 0.02

        yield f"{kind}: transparency is kept", clear
        yield (
            f"{kind}: cut short, it is refused in one line",
            lambda folder, e=encode, end=end: (
                "cut short" in refusal(folder, f"cut.{end}", e(smooth())[: len(e(smooth())) * 2 // 3])
            ),
        )
        yield (
            f"{kind}: becomes a JPEG where nothing else is asked for",
            lambda folder, e=encode, end=end: _written(folder, f"IMG_1.{end.upper()}", e(smooth())) == ["IMG_1.jpg"],
        )
    yield (
        "HEIC: Display P3 told by numbers alone",
        lambda folder: is_colour(
            read(folder, "a.heic", coded(heic(Image.new("RGB", (64, 64), (200, 100, 50))), 12, 13)), (215, 93, 31)
        ),
    )
    yield (
        "HEIC: HDR (PQ and HLG) is brought into range, and said",
        lambda folder: all(
            said(read(folder, "a.heic", coded(heic(smooth()), 9, transfer)), "HDR", name)
            for transfer, name in ((16, "PQ"), (18, "HLG"))
        ),
    )
    yield "HEIC: 10 and 12 bits are kept as 16, white stays white", _deep_heic
    yield "AVIF: 10 bits are kept as 16, white stays white", _deep_avif
    yield "HEIC: of several pictures the main one is used, and said", _several_in_heic
    yield (
        "AVIF: of an animation the still is used, and said",
        lambda folder: said(
            read(folder, "a.avif", saved(smooth(), "AVIF", save_all=True, append_images=[smooth().rotate(180)])),
            "still",
        ),
    )
    yield (
        "JPEG without its end marker, baseline and progressive",
        lambda folder: all(
            said(found := read(folder, "a.jpg", saved(smooth(), "JPEG", progressive=how)[:-2]), "end")
            and near(found, smooth())
            for how in (False, True)
        ),
    )
    yield (
        "JPEG cut in its pixels is refused",
        lambda folder: all(
            "cut short" in refusal(folder, "a.jpg", saved(smooth(240, 320), "JPEG", progressive=how)[:-part])
            for how in (False, True)
            for part in (40, 400)
        ),
    )
    yield "progressive JPEG cut exactly between two scans is refused", _cut_between_scans
    yield "JPEG with a film in it (motion photo): the film is named", _motion_photo
    yield "JPEG with an HDR gain map: the map is named", _gain_map
    for header, bits, masks in (
        ("V4", 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        ("V5", 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        ("V3", 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        ("plain", 32, ()),
    ):
        size = {"V3": 56, "V4": 108, "V5": 124, "plain": 40}[header]
        yield (
            f"BMP of {bits} bits, {header} header, alpha 0 everywhere: opaque",
            lambda folder, bits=bits, masks=masks, size=size: _bmp_opaque(
                folder, bmp(bits, masks, size, bytes([40, 90, 200, 0]) * 256)
            ),
        )
    yield (
        "BMP of 16 bits with masks 5-6-5",
        lambda folder: is_colour(
            read(folder, "a.bmp", bmp(16, (0xF800, 0x7E0, 0x1F), 40, struct.pack("<H", 0xFC00) * 256)), (255, 130, 0)
        ),
    )
    yield (
        "BMP whose alpha is used keeps it",
        lambda folder: (
            read(
                folder,
                "a.bmp",
                bmp(
                    32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), 108, (bytes([9, 9, 9, 0]) + bytes([9, 9, 9, 255])) * 128
                ),
            ).alpha
            is not None
        ),
    )
    yield (
        "TIFF of Lab with 8 bits",
        lambda folder: is_colour(
            read(folder, "a.tif", saved(Image.new("LAB", (32, 32), (137, 208, 195)), "TIFF")), (255, 0, 0), 40
        ),
    )
    yield (
        "TIFF of ICCLab is no RGB",
        lambda folder: is_colour(
            read(folder, "a.tif", tiff(np.full((8, 8, 3), (255, 128, 128), np.uint8), 9)), (255, 255, 255)
        ),
    )
    yield (
        "TIFF of 12 bits a sample",
        lambda folder: abs(colour(read(folder, "a.tif", twelve_bits(np.full((8, 8), 2048))))[0] - 128) <= 1,
    )
    yield (
        "TIFF that does not say what its samples mean",
        lambda folder: said(read(folder, "a.tif", tiff(np.full((8, 8, 3), 77, np.uint8), None)), "RGB"),
    )
    yield (
        "TIFF of camera samples is not supported, and not damaged",
        lambda folder: (
            "not supported" in (why := refusal(folder, "a.tif", tiff(np.zeros((8, 8, 1), np.uint16), 32845)))
            and "damaged" not in why
        ),
    )
    yield (
        "camera raw in a TIFF's clothes is not read as its preview",
        lambda folder: (
            "raw" in refusal(folder, "a.dng", tiff(np.zeros((8, 8, 3), np.uint8), 2, t50706=(4, [0x01040000])))
        ),
    )
    yield "Adobe RGB told by DCF alone", lambda folder: _adobe(folder, 65535, "R03")
    yield "Adobe RGB told by ColorSpace 2", lambda folder: _adobe(folder, 2, None)
    yield (
        "PNG: cICP of Display P3",
        lambda folder: is_colour(
            read(
                folder,
                "a.png",
                png_with(Image.new("RGB", (8, 8), (200, 100, 50)), chunk(b"cICP", bytes([12, 13, 0, 1]))),
            ),
            (215, 93, 31),
        ),
    )
    yield (
        "PNG: cICP of HDR (PQ) is said",
        lambda folder: said(read(folder, "a.png", png_with(smooth(), chunk(b"cICP", bytes([9, 16, 0, 1])))), "HDR"),
    )
    yield (
        "PNG: gAMA 1.8 of old Macs",
        lambda folder: is_colour(
            read(
                folder,
                "a.png",
                png_with(Image.new("RGB", (8, 8), (128, 128, 128)), chunk(b"gAMA", struct.pack(">I", 55556))),
            ),
            (147, 147, 147),
            3,
        ),
    )
    yield (
        "PNG: gAMA and cHRM of sRGB change nothing",
        lambda folder: (
            (
                found := read(
                    folder,
                    "a.png",
                    png_with(
                        smooth(),
                        chunk(b"gAMA", struct.pack(">I", 45455)),
                        chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
                    ),
                )
            ).icc
            is None
            and near(found, smooth(), 1e-6)
        ),
    )


def saved_profile() -> bytes:
    """A profile of Display P3, from its own definition."""
    from flamingo.images.cicp import told_by_numbers

    colours = told_by_numbers(12, 13).colours
    assert colours is not None
    return colours.icc


def _written(folder: Path, name: str, data: bytes) -> list[str]:
    (folder / name).write_bytes(data)
    return [target.name for _, target in images.plan_outputs([folder / name], folder / "out")]


def _deep_heic(folder: Path) -> bool:
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None, :, None], 64, 0).repeat(3, 2)
    before = pillow_heif.options.SAVE_HDR_TO_12_BIT
    try:
        for twelve in (False, True):
            pillow_heif.options.SAVE_HDR_TO_12_BIT = twelve
            out = io.BytesIO()
            made = pillow_heif.from_bytes(mode="RGB;16", size=(64, 64), data=ramp.tobytes())
            made.save(out, quality=-1, chroma=444, matrix_coefficients=0)
            if not _is_ramp(read(folder, f"{twelve}.heic", out.getvalue()), ramp):
                return False
    finally:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = before
    return True


def _deep_avif(folder: Path) -> bool:
    import pyvips

    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None, :, None], 64, 0).repeat(3, 2)
    image = pyvips.Image.new_from_memory(ramp.tobytes(), 64, 64, 3, "ushort").copy(interpretation="rgb16")
    data = bytes(image.heifsave_buffer(compression="av1", bitdepth=10, lossless=True))
    return _is_ramp(read(folder, "a.avif", data), ramp)


def _is_ramp(picture: images.Picture, ramp: Array) -> bool:
    off = float(np.abs(picture.rgb - ramp / 65535).max())
    return picture.depth == 16 and off < 1e-3 and float(picture.rgb.max()) == 1.0


def _several_in_heic(folder: Path) -> bool:
    out = io.BytesIO()
    several = pillow_heif.from_pillow(smooth())
    several.add_from_pillow(smooth().rotate(180))
    several.save(out, quality=90)
    return said(read(folder, "a.heic", out.getvalue()), "main one of 2")


def _cut_between_scans(folder: Path) -> bool:
    data = saved(smooth(240, 320), "JPEG", progressive=True)
    starts = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]
    tables = data.rindex(b"\xff\xc4", 0, starts[-1])
    cuts = (starts[1], starts[2], starts[-1], tables)
    return len(starts) > 3 and all("cut short" in refusal(folder, "a.jpg", data[:cut]) for cut in cuts)


def _motion_photo(folder: Path) -> bool:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description GCamera:MotionPhoto="1"/></x:xmpmeta>'
    data = saved(smooth(), "JPEG", xmp=xmp) + b"\0\0\0\x18ftypmp42" + bytes(400)
    return said(read(folder, "MVIMG_1.jpg", data), "film")


def _gain_map(folder: Path) -> bool:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description hdrgm:Version="1.0"/></x:xmpmeta>'
    return said(read(folder, "a.jpg", saved(smooth(), "JPEG", xmp=xmp)), "gain map")


def _bmp_opaque(folder: Path, data: bytes) -> bool:
    picture = read(folder, "a.bmp", data)
    return picture.alpha is None and is_colour(picture, (200, 90, 40), 0)


def _adobe(folder: Path, space: int, index: str | None) -> bool:
    block = Image.Exif()
    inner = block.get_ifd(0x8769)
    inner[0xA001] = space
    if index:
        inner[0xA005] = {1: index, 2: b"0100"}
    picture = read(folder, "a.jpg", saved(Image.new("RGB", (64, 48), (60, 200, 60)), "JPEG", exif=block, quality=97))
    return colour(picture)[0] < 5 and picture.icc is not None and b"Adobe RGB" in picture.icc


def _metadata() -> Iterator[tuple[str, Check]]:
    words = {
        "described": "京都の夏 — été".encode(),
        "artist": "Jürgen Müller".encode(),
        "rights": "© 2024 Jürgen".encode(),
    }
    for order_ in ("<", ">"):
        for suffix in (".jpg", ".png", ".webp", ".tif"):

            def kept(folder: Path, order_: str = order_, suffix: str = suffix) -> bool:
                picture = read(folder, "in.jpg", saved(smooth(), "JPEG", exif=texts(order_, **words)))
                images.write(picture, folder / f"out{suffix}")
                raw = (folder / f"out{suffix}").read_bytes()
                again = images.read(folder / f"out{suffix}").exif or b""
                return all(text in raw and text in again for text in words.values())

            name = {"<": "little", ">": "big"}[order_]
            yield f"UTF-8 in EXIF ({name}-endian) to {suffix}", kept

    def user_comment(folder: Path) -> bool:
        for order_, codec in (("<", "utf-16-le"), (">", "utf-16-be")):
            block = texts(order_, {0x9286: b"UNICODE\0" + "Käse 京都".encode(codec)}, artist=b"A")
            picture = read(folder, "a.jpg", saved(smooth(), "JPEG", exif=block))
            images.write(picture, folder / "a.tif", overwrite=True)
            if photos._dated(images.read(folder / "a.tif").exif)[1] != "Käse 京都":
                return False
        return True

    yield "a comment in UTF-16 through a change of byte order", user_comment

    def windows(folder: Path) -> bool:
        title = "Übersicht 京都\0".encode("utf-16-le")
        picture = read(folder, "a.jpg", saved(smooth(), "JPEG", exif=texts(title=title)))
        return photos._dated(picture.exif)[1] == "Übersicht 京都"

    yield "the title that Windows writes", windows
    yield (
        "a text in Windows-1252 keeps its bytes",
        lambda folder: (
            b"M\xfcller"
            in (read(folder, "a.jpg", saved(smooth(), "JPEG", exif=texts(artist=b"M\xfcller"))).exif or b"")
        ),
    )

    def heic_texts(folder: Path) -> bool:
        picture = read(folder, "a.heic", heic(smooth(), exif=texts(**words)))
        images.write(picture, folder / "a.jpg")
        return all(text in (folder / "a.jpg").read_bytes() for text in words.values())

    yield "UTF-8 in the EXIF of a HEIC", heic_texts
    for after in (False, True):
        yield (
            f"PNG: eXIf {'after' if after else 'before'} the pixels turns it",
            lambda folder, after=after: near(
                read(folder, "a.png", png_with(smooth(), chunk(b"eXIf", turned_block()), after=after)),
                smooth().transpose(_TURNS[6]),
                1e-6,
            ),
        )
    for kind in (b"tEXt", b"zTXt", b"iTXt"):
        for after in (False, True):

            def old(folder: Path, kind: bytes = kind, after: bool = after) -> bool:
                text = raw_profile(turned_block(8))
                body = {b"tEXt": b"\0" + text, b"zTXt": b"\0\0" + zlib.compress(text), b"iTXt": b"\0\0\0\0\0" + text}[
                    kind
                ]
                data = png_with(smooth(), chunk(kind, b"Raw profile type exif" + body), after=after)
                return near(read(folder, "a.png", data), smooth().transpose(_TURNS[8]), 1e-6)

            yield f"PNG: ImageMagick's profile in {kind.decode()} {'after' if after else 'before'} the pixels", old
    yield "the place is dropped from a HEIC, and kept if asked for", _place
    for text in (
        "OLYMPUS DIGITAL CAMERA",
        "SONY DSC",
        "Created with GIMP",
        "DCIM\\100MEDIA\\DJI_0001.JPG",
        "IMG_2041",
    ):
        yield f"{text!r} is no caption", lambda folder, text=text: _caption(folder, text.encode()) == ""
    yield (
        "what a person wrote is a caption",
        lambda folder: _caption(folder, "Anna, été 2024 — 京都".encode()) == "Anna, été 2024 — 京都",
    )
    yield "maker and model are no caption", lambda folder: _caption(folder, b"FooCam X100", b"FooCam", b"X100") == ""


def _caption(folder: Path, text: bytes, make: bytes = b"", model: bytes = b"") -> str:
    more = {name: value for name, value in (("make", make), ("model", model)) if value}
    data = saved(smooth(), "JPEG", exif=texts(described=text, **more))
    return photos._dated(read(folder, "a.jpg", data).exif)[1]


def _place(folder: Path) -> bool:
    block = Image.Exif()
    block[0x010F] = "Camera"
    place = block.get_ifd(0x8825)
    place[1], place[2] = "N", (48.0, 12.0, 30.0)
    block[0x8825] = place
    (folder / "a.heic").write_bytes(heic(smooth(), exif=block.tobytes()))
    plain, whole = Image.Exif(), Image.Exif()
    plain.load(images.read(folder / "a.heic").exif or b"")
    whole.load(images.read(folder / "a.heic", keep_gps=True).exif or b"")
    return not dict(plain.get_ifd(0x8825)) and whole.get_ifd(0x8825)[1] == "N"


def _albums() -> Iterator[tuple[str, Check]]:
    yield (
        "photos of several time zones",
        lambda f: (
            order(
                seen(f, "la", exif=stamped(original="2024:05:01 20:00:00", offset="-08:00")),
                seen(f, "tokyo", exif=stamped(original="2024:05:02 08:00:00", offset="+09:00")),
                seen(f, "london", exif=stamped(original="2024:05:02 00:30:00", offset="+00:00")),
            )
            == ["tokyo", "london", "la"]
        ),
    )
    yield (
        "the offset of another tag of the same block",
        lambda f: (
            order(
                seen(f, "late", exif=stamped(original="2024:05:01 20:00:00", offset_all="-08:00")),
                seen(f, "soon", exif=stamped(original="2024:05:02 00:30:00", offset="+00:00")),
            )
            == ["soon", "late"]
        ),
    )
    yield (
        "a photo without offset goes by its neighbours",
        lambda f: (
            order(
                seen(f, "b", exif=stamped(original="2024:05:02 10:00:00", offset="+09:00")),
                seen(f, "c", "2024:05:02 11:00:00"),
                seen(f, "d", exif=stamped(original="2024:05:02 12:00:00", offset="+09:00")),
                seen(f, "a", exif=stamped(original="2024:05:02 00:30:00", offset="+00:00")),
            )
            == ["a", "b", "c", "d"]
        ),
    )
    for form in (
        "2021-12-01 10:00:00",
        "2021/12/01 10:00:00",
        "2021-12-01T10:00:00",
        "2021-12-01T10:00:00Z",
        "2021:12:01",
    ):
        yield (
            f"a date written {form}",
            lambda f, form=form: (
                order(
                    seen(f, "dec", form), seen(f, "mar", "2021:03:01 10:00:00"), seen(f, "jun", "2021:06:01 10:00:00")
                )
                == ["mar", "jun", "dec"]
            ),
        )
    yield (
        "a zone written into the date",
        lambda f: (
            order(seen(f, "late", "2024-05-01T20:00:00-08:00"), seen(f, "soon", "2024-05-02T08:00:00+0900"))
            == ["soon", "late"]
        ),
    )
    yield (
        "parts of a second, of any number of digits",
        lambda f: (
            order(
                seen(f, "a", exif=stamped(original="2021:03:01 10:00:00", parts="9")),
                seen(f, "m", exif=stamped(original="2021:03:01 10:00:00", parts="50")),
                seen(f, "z", exif=stamped(original="2021:03:01 10:00:00", parts="100")),
            )
            == ["z", "m", "a"]
        ),
    )
    yield (
        "a clock that was never set is no date",
        lambda f: (
            order(
                seen(f, "none", "0000:00:00 00:00:00"),
                seen(f, "also", "    :  :     :  :  "),
                seen(f, "real", "2021:03:01 10:00:00"),
            )[0]
            == "real"
        ),
    )
    yield (
        "a scan goes by the date of its scanning where it has no other",
        lambda f: (
            order(seen(f, "b", exif=stamped(digitised="2022:01:01 10:00:00")), seen(f, "a", "2021:03:01 10:00:00"))
            == ["a", "b"]
        ),
    )
    yield (
        "the same view years later is no duplicate",
        lambda f: (
            len(album.sifted([seen(f, "a", "2019:07:01 10:00:00"), seen(f, "b", "2024:07:01 10:00:00")])[0]) == 2
        ),
    )
    yield (
        "shots of one moment still are duplicates",
        lambda f: (
            len(album.sifted([seen(f, "a", "2024:07:01 10:00:00"), seen(f, "b", "2024:07:01 10:00:02")])[0]) == 1
        ),
    )
    yield (
        "one moment told in two time zones is one moment",
        lambda f: (
            len(
                album.sifted(
                    [
                        seen(f, "a", exif=stamped(original="2024:07:01 10:00:00", offset="+02:00")),
                        seen(f, "b", exif=stamped(original="2024:07:01 08:00:01", offset="+00:00")),
                    ]
                )[0]
            )
            == 1
        ),
    )

    def thumbs(folder: Path) -> bool:
        shots = folder / "shots"
        places = (
            "@eaDir/a.jpg",
            ".thumbnails",
            ".@__thumb",
            "__MACOSX",
            "iPod Photo Cache",
            "#recycle",
            "$RECYCLE.BIN",
        )
        for place in places:
            (shots / place).mkdir(parents=True)
            smooth().save(shots / place / "SYNOPHOTO_THUMB_XL.jpg")
        smooth().save(shots / "a.jpg")
        (shots / "._a.jpg").write_bytes(b"\0\5\x16\7")
        (shots / "Thumbs.db").write_bytes(b"x")
        (shots / ".DS_Store").write_bytes(b"x")
        names, notes = found_in(folder, shots)
        return names == [str(shots / "a.jpg")] and notes == []

    yield "thumbnails of network drives and systems are passed over", thumbs

    def named(folder: Path) -> bool:
        shots = folder / "shots"
        shots.mkdir()
        smooth().save(shots / "a.jpg")
        for name in ("clip.mts", "clip.mov", "notes.txt", "song.mp3", "LICENSE"):
            (shots / name).write_bytes(b"x")
        names, notes = found_in(folder, shots)
        told = "\n".join(notes)
        return len(names) == 1 and all(
            name in told for name in ("clip.mts", "clip.mov", "notes.txt", "song.mp3", "LICENSE")
        )

    yield "all else that lies in a folder is named", named

    def live(folder: Path) -> bool:
        shots = folder / "shots"
        shots.mkdir()
        (shots / "IMG_1.HEIC").write_bytes(heic(smooth()))
        (shots / "IMG_1.MOV").write_bytes(b"\0\0\0\x14ftypqt  " + bytes(40))
        names, notes = found_in(folder, shots)
        return names == [str(shots / "IMG_1.HEIC")] and any("IMG_1.MOV" in n and "Live Photo" in n for n in notes)

    yield "Live Photo: the still is used, the film is named", live


def _names() -> Iterator[tuple[str, Check]]:
    photo = saved(smooth(), "JPEG")
    for what, raw, wanted in (
        ("backslashes", b"trip\\day 1\\a.jpg", "trip/day 1/a.jpg"),
        ("Shift-JIS", "夏休み/海の写真.jpg".encode("cp932"), "夏休み/海の写真.jpg"),
        ("Shift-JIS with a backslash as second byte", "表示.jpg".encode("cp932"), "表示.jpg"),
        ("UTF-8 without the flag", "京都/été.jpg".encode(), "京都/été.jpg"),
        ("code page 437", "Köln/größe.jpg".encode("cp437"), "Köln/größe.jpg"),
        ("Windows-1252", "São Paulo.jpg".encode("cp1252"), "São Paulo.jpg"),
        ("Russian of DOS", "Привет мир.jpg".encode("cp866"), "Привет мир.jpg"),
    ):
        yield (
            f"zip: a name with {what}",
            lambda f, raw=raw, wanted=wanted: (
                found_in(f, zipped(f / "z.zip", (raw, photo)))[0] == [f"{f / 'z.zip'}/{wanted}"]
            ),
        )
    for what, raw in (
        ("..", b"../../evil.jpg"),
        ("an absolute name", b"/etc/evil.jpg"),
        ("a drive", b"C:\\evil.jpg"),
    ):

        def refused(folder: Path, raw: bytes = raw) -> bool:
            names, notes = found_in(folder, zipped(folder / "z.zip", (raw, photo), (b"good.jpg", photo)))
            return names == [f"{folder / 'z.zip'}/good.jpg"] and any(
                "evil.jpg" in n and "refused" in n for n in notes
            )

        yield f"zip: {what} is refused aloud", refused

    def twins(folder: Path) -> bool:
        other = saved(smooth().rotate(180), "JPEG")
        names, _ = found_in(folder, zipped(folder / "z.zip", (b"a.jpg", photo), (b"a.jpg", other)))
        return len(names) == len(set(names)) == 2

    yield "zip: two members of one name are told apart", twins

    def nested(folder: Path) -> bool:
        inner = zipped(folder / "i.zip", (b"b.jpg", photo)).read_bytes()
        names, notes = found_in(
            folder, zipped(folder / "z.zip", (b"a.jpg", photo), (b"inner.zip", inner), (b"x.txt", b""))
        )
        told = "\n".join(notes)
        return len(names) == 1 and "inner.zip" in told and "x.txt" in told

    yield "zip: archives in it and other files are named", nested

    def itself(folder: Path) -> bool:
        place = folder / "self"
        place.mkdir()
        smooth().save(place / "base.jpg")
        (place / "IMG_1.HEIC").write_bytes(heic(smooth()))
        for _ in range(2):
            results = painted(place, output=place, overwrite=True)
            if sorted(each.photo.name for each in results) != ["IMG_1.HEIC", "base.jpg"]:
                return False
        names = sorted(path.name for path in place.iterdir())
        return names == ["IMG_1.HEIC", "IMG_1.jpg", "base-jpg.jpg", "base.jpg"] and "base-jpg.jpg" in remarks(results)

    yield "a folder painted into itself does not paint its own results", itself

    def again(folder: Path) -> bool:
        (folder / "in").mkdir()
        smooth().save(folder / "in" / "a.jpg")
        painted(folder / "in", output=folder / "once")
        return [each.photo.name for each in painted(folder / "once", output=folder / "twice")] == ["a.jpg"]

    yield "results that are painted elsewhere are painted", again

    def nested_results(folder: Path) -> bool:
        smooth().save(folder / "a.jpg")
        painted(folder, output=folder / "painted" / "one")
        results = painted(folder, output=folder / "painted" / "two")
        return [each.photo.name for each in results] == ["a.jpg"] and "one/a.jpg" in remarks(results).replace(
            "\\", "/"
        )

    yield "results of another style in a folder below are not painted either", nested_results

    def phone(folder: Path) -> bool:
        place = folder / "phone"
        place.mkdir()
        smooth().save(place / "IMG_2.JPG", "JPEG")
        (place / "IMG_1.HEIC").write_bytes(heic(smooth()))
        (place / "IMG_1.MOV").write_bytes(b"\0\0\0\x14ftypqt  " + bytes(40))
        (place / "IMG_3.CR3").write_bytes(b"\0\0\0\x18ftypcrx " + bytes(40))
        (place / "notes.txt").write_text("x")
        results = painted(place, output=folder / "out")
        told = remarks(results)
        return sum(each.error is None for each in results) == 2 and all(
            name in told for name in ("IMG_1.MOV", "IMG_3.CR3", "notes.txt")
        )

    yield "a phone's folder: painted, and all else named", phone

    def felt(folder: Path) -> bool:
        smooth().save(folder / "a.jpg")
        (folder / "clip.mp4").write_bytes(b"x")
        results = flamingo.feel([folder])
        return any("clip.mp4" in note for each in results for note in each.notes)

    yield "feel: a film in the folder is named", felt
