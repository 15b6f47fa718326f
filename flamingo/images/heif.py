"""HEIC and AVIF: what the boxes of a file say, and its main picture.

Both are HEIF files (ISO/IEC 23008-12): items, such as pictures, parts of pictures, masks and metadata, that are
described by boxes. The boxes are read here, before anything is decoded, so that the limits hold and what is left out
can be named. HEVC pictures are decoded by libheif with libde265 (package pi-heif), AV1 pictures by libvips.

A HEIF file says by its own properties (irot, imir) how it is turned, and the decoders apply them. The orientation in
its EXIF block tells how the camera was held and is not applied again (ISO/IEC 23000-22, 7.3.6.5).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import FlamingoError, ImageTooLarge, UnreadableImage, UnsupportedImage
from flamingo.images import cicp, vips
from flamingo.images.limits import Limits

__all__ = ["Described", "Pixels", "decoded", "described", "exif_places"]

_HEVC = frozenset({b"hvc1", b"hev1", b"lhv1"})
_AV1 = frozenset({b"av01"})
_OTHERS = {
    b"avc1": "H.264",
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"vvc1": "H.266",
    b"evc1": "MPEG-5 EVC",
    b"unci": "uncompressed",
}
_DERIVED = frozenset({b"grid", b"iden", b"iovl", b"tmap"})
_CODED = _HEVC | _AV1 | frozenset(_OTHERS)
_MOST_ITEMS = 20_000
_MOST_DEEP = 8

_ALPHA = ("urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:mpegb:cicp:systems:auxiliary:alpha")
_DEPTH = ("urn:mpeg:hevc:2015:auxid:2", "urn:mpeg:mpegb:cicp:systems:auxiliary:depth")


@dataclass
class _Boxes:
    """The meta box: kinds: the type of each item; refs: (type, from, to); properties of each item, in order; places:
    where its bytes lie in the file, or inside: in the data of this box, which begins at `data`."""

    primary: int | None = None
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    refs: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    properties: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    inside: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    data: int = 0


@dataclass(frozen=True)
class Described:
    """What the boxes say of the main picture. width, height: as it is coded; codec: hevc or av1; bits: of a sample;
    channels: with alpha; turned: whether a property turns or mirrors it."""

    width: int
    height: int
    codec: str
    bits: int
    channels: int
    turned: bool
    premultiplied: bool
    codes: cicp.ColourCodes
    notes: tuple[str, ...]

    @property
    def format(self) -> str:
        """heic or avif."""
        return "avif" if self.codec == "av1" else "heic"


@dataclass(frozen=True)
class Pixels:
    """The decoded picture, upright: samples of 8 or 16 bits, colours and alpha; icc and exif as they are in it."""

    image: vips.Image
    icc: bytes | None
    exif: bytes | None


def described(data: bytes, name: str) -> Described:
    """Read the boxes of a HEIF file.

    Args:
        data: the whole file.
        name: what messages call it.

    Returns:
        What they say of the main picture.

    Raises:
        UnreadableImage: the file is damaged.
        UnsupportedImage: its picture is of a kind that is not read.
    """
    damaged = UnreadableImage(name, "the file is damaged", "export it again from its source")
    try:
        boxes, tracks = _read(data)
        if boxes is None or boxes.primary is None:
            if tracks:
                why = "it holds a sequence of pictures and no still one"
                raise UnsupportedImage(name, why, "export a still picture as JPEG or PNG")
            raise damaged
        _check_extents(boxes, data, name)
        return _described(boxes, tracks, name)
    except (struct.error, IndexError, ValueError, RecursionError):
        raise damaged from None


def exif_places(data: bytes) -> list[int]:
    """Where the TIFF structures of the EXIF blocks begin in a HEIF file. Nothing for what is none, or is damaged."""
    try:
        boxes, _ = _read(data)
    except (struct.error, IndexError, ValueError):
        return []
    offsets = []
    for item, kind in boxes.kinds.items() if boxes else ():
        if kind == b"Exif" and boxes:
            places = boxes.places.get(item) or [
                (start + boxes.data, size) for start, size in boxes.inside.get(item, [])
            ]
            for start, _ in places[:1]:
                offsets.append(start + 4 + int.from_bytes(data[start : start + 4], "big"))
    return offsets


def _described(boxes: _Boxes, tracks: int, name: str) -> Described:
    main = boxes.primary
    assert main is not None
    codecs = _codecs(boxes, main)
    if not codecs:
        raise UnsupportedImage(name, "its main item is no picture that can be read", "save it as JPEG or PNG")
    if not (codecs <= _HEVC or codecs <= _AV1):
        others = ", ".join(sorted(_OTHERS.get(codec, codec.decode("latin-1")) for codec in codecs - _HEVC - _AV1))
        why = f"its pictures are coded as {others or 'a mix of kinds'}, which is not supported"
        raise UnsupportedImage(name, why, "save it as JPEG or PNG")
    properties = dict(boxes.properties.get(main, []))
    parts = [part for kind, start, to in boxes.refs if kind == b"dimg" and start == main for part in to]
    inherited = dict(boxes.properties.get(parts[0], [])) if parts else {}
    size = properties.get(b"ispe")
    if size is None:
        raise UnreadableImage(name, "it does not say how large its picture is", "export it again from its source")
    width, height = struct.unpack_from(">II", size, 4)
    bits, colours = _depth({**inherited, **properties})
    aux = _auxiliaries(boxes, main)
    numbers, icc = _colour([*boxes.properties.get(parts[0], [])] if parts else [], boxes.properties.get(main, []))
    codes = cicp.told_by_numbers(*numbers) if numbers and not icc else cicp.SRGB
    alpha = any(address in _ALPHA for address in aux)
    return Described(
        width,
        height,
        "av1" if codecs <= _AV1 else "hevc",
        bits,
        (3 if colours >= 3 else 1) + alpha,
        b"irot" in properties or b"imir" in properties,
        any(kind == b"prem" and start == main for kind, start, _ in boxes.refs),
        codes,
        _left_out(boxes, main, aux, tracks),
    )


def _codecs(boxes: _Boxes, item: int, deep: int = 0) -> set[bytes]:
    kind = boxes.kinds.get(item, b"")
    if kind in _CODED:
        return {kind}
    if kind not in _DERIVED or deep > _MOST_DEEP:
        return set()
    parts = [to for relation, start, to in boxes.refs if relation == b"dimg" and start == item]
    return set().union(*(_codecs(boxes, part, deep + 1) for to in parts for part in to))


def _depth(properties: dict[bytes, bytes]) -> tuple[int, int]:
    """Bits of a sample and channels, without alpha."""
    if (pixi := properties.get(b"pixi")) and len(pixi) > 5:
        count = pixi[4]
        return max(pixi[5 : 5 + count], default=8), count
    if (av1 := properties.get(b"av1C")) and len(av1) > 2:
        high, twelve, grey = av1[2] & 0x40, av1[2] & 0x20, av1[2] & 0x10
        return (12 if high and twelve else 10 if high else 8), 1 if grey else 3
    if (hevc := properties.get(b"hvcC")) and len(hevc) > 17:
        return max((hevc[17] & 7) + 8, 8), 1 if hevc[16] & 3 == 0 else 3
    return 8, 3


def _colour(*places: list[tuple[bytes, bytes]]) -> tuple[tuple[int, int] | None, bool]:
    """(primaries, transfer), and whether there is an ICC profile; the last place that says something counts."""
    numbers, icc = None, False
    for properties in places:
        for kind, body in properties:
            if kind != b"colr":
                continue
            if body[:4] == b"nclx" and len(body) >= 8:
                numbers = struct.unpack_from(">HH", body, 4)
            elif body[:4] in (b"prof", b"rICC"):
                icc = True
    return numbers, icc


def _auxiliaries(boxes: _Boxes, main: int) -> list[str]:
    """What the auxiliary pictures of the main one are, as addresses."""
    addresses = []
    for kind, start, to in boxes.refs:
        if kind == b"auxl" and main in to:
            body = dict(boxes.properties.get(start, [])).get(b"auxC", b"\0\0\0\0unknown")
            addresses.append(body[4:].split(b"\0", 1)[0].decode("latin-1").lower())
    return addresses


def _left_out(boxes: _Boxes, main: int, aux: list[str], tracks: int) -> tuple[str, ...]:
    notes = []
    maps = [address for address in aux if address not in _ALPHA]
    depth = sum(address in _DEPTH for address in maps)
    gain = sum("gainmap" in address for address in maps) + (b"tmap" in boxes.kinds.values())
    if depth:
        notes.append("its depth map was left out")
    if gain:
        notes.append("its HDR gain map was left out: the picture is the one for usual screens")
    if len(maps) - depth - sum("gainmap" in address for address in maps) > 0:
        notes.append("masks and other pictures that belong to it were left out")
    attached = {start for kind, start, _ in boxes.refs if kind in (b"auxl", b"thmb")}
    parts = {part for kind, _, to in boxes.refs if kind == b"dimg" for part in to}
    masks = {start for start in attached if boxes.kinds.get(start) == b"grid"}
    pictures = {
        item
        for item, kind in boxes.kinds.items()
        if kind in _CODED | (_DERIVED - {b"tmap"}) and item not in attached | parts | masks | boxes.hidden
    } | {main}
    if len(pictures) > 1:
        notes.append(f"used the main one of {len(pictures)} pictures in the file")
    if tracks:
        notes.append("used its still picture: the sequence of pictures in the file was left out")
    return tuple(notes)


# -- boxes ---------------------------------------------------------------------------------------------------


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: type, and where the body begins and ends."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield kind, at + head, min(at + size, end)
        at += size


def _read(data: bytes) -> tuple[_Boxes | None, int]:
    """The boxes of the file's pictures, and how many tracks of sequences it has."""
    boxes, tracks = None, 0
    for kind, start, end in _walk(data, 0, len(data)):
        if kind == b"meta" and boxes is None:
            boxes = _meta(data, start + 4, end)
        elif kind == b"moov":
            tracks += sum(inner == b"trak" for inner, _, _ in _walk(data, start, end))
    return boxes, tracks


def _meta(data: bytes, start: int, end: int) -> _Boxes:
    boxes = _Boxes()
    for kind, a, b in _walk(data, start, end):
        if kind == b"pitm":
            (boxes.primary,) = struct.unpack_from(">H" if data[a] == 0 else ">I", data, a + 4)
        elif kind == b"iinf":
            _items(data, a, b, boxes)
        elif kind == b"iref":
            _references(data, a, b, boxes)
        elif kind == b"iprp":
            _properties(data, a, b, boxes)
        elif kind == b"iloc":
            _places(data, a, boxes)
        elif kind == b"idat":
            boxes.data = a
    return boxes


def _items(data: bytes, start: int, end: int, boxes: _Boxes) -> None:
    at = start + (6 if data[start] == 0 else 8)
    for kind, a, _ in _walk(data, at, end):
        version = data[a]
        if kind != b"infe" or version < 2 or len(boxes.kinds) >= _MOST_ITEMS:
            continue
        form = ">H" if version == 2 else ">I"
        (item,) = struct.unpack_from(form, data, a + 4)
        offset = a + 4 + struct.calcsize(form) + 2
        boxes.kinds[item] = bytes(data[offset : offset + 4])
        if data[a + 3] & 1:
            boxes.hidden.add(item)


def _references(data: bytes, start: int, end: int, boxes: _Boxes) -> None:
    form = "H" if data[start] == 0 else "I"
    for kind, a, _ in _walk(data, start + 4, end):
        item, count = struct.unpack_from(f">{form}H", data, a)
        offset = a + struct.calcsize(f">{form}H")
        boxes.refs.append((kind, item, struct.unpack_from(f">{count}{form}", data, offset)))


def _properties(data: bytes, start: int, end: int, boxes: _Boxes) -> None:
    properties: list[tuple[bytes, bytes]] = []
    for kind, a, b in _walk(data, start, end):
        if kind == b"ipco":
            properties = [(inner, bytes(data[c : min(d, c + 64)])) for inner, c, d in _walk(data, a, b)]
        elif kind == b"ipma":
            version, flags = data[a], data[a + 3]
            (count,) = struct.unpack_from(">I", data, a + 4)
            at = a + 8
            for _ in range(min(count, _MOST_ITEMS)):
                form = ">HB" if version < 1 else ">IB"
                item, many = struct.unpack_from(form, data, at)
                at += struct.calcsize(form)
                wide = flags & 1
                numbers = struct.unpack_from(f">{many}{'H' if wide else 'B'}", data, at)
                at += many * (2 if wide else 1)
                mask = 0x7FFF if wide else 0x7F
                own = [properties[(n & mask) - 1] for n in numbers if 0 < n & mask <= len(properties)]
                boxes.properties.setdefault(item, []).extend(own)


def _places(data: bytes, start: int, boxes: _Boxes) -> None:
    version = data[start]
    sizes = struct.unpack_from(">H", data, start + 4)[0]
    offset, length, base, index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0
    at = start + 6
    (count,) = struct.unpack_from(">H" if version < 2 else ">I", data, at)
    at += 2 if version < 2 else 4

    def number(width: int) -> int:
        nonlocal at
        value = int.from_bytes(data[at : at + width], "big")
        at += width
        return value

    for _ in range(min(count, _MOST_ITEMS)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        origin = number(base)
        extents = []
        for _ in range(number(2)):
            if at >= len(data):
                raise IndexError(at)
            number(index)
            extents.append((origin + number(offset), number(length)))
        if method == 0:
            boxes.places[item] = extents
        elif method == 1:  # counted from the data of the meta box
            boxes.inside[item] = extents


def _check_extents(boxes: _Boxes, data: bytes, name: str) -> None:
    for item, extents in boxes.places.items():
        if boxes.kinds.get(item) in _CODED and any(start + size > len(data) for start, size in extents):
            raise UnreadableImage(name, "the file is cut short", "export it again from its source")


# -- pixels --------------------------------------------------------------------------------------------------


def decoded(data: bytes, facts: Described, name: str, limits: Limits, announce: Callable[[int, int], None]) -> Pixels:
    """Decode the main picture, once its size has passed the limits.

    Args:
        data: the whole file.
        facts: what `described` says of it.
        name: what messages call it.
        limits: what it may ask for.
        announce: called as (pixels, bytes of memory to expect) before it is decoded.

    Returns:
        The picture, upright.

    Raises:
        UnreadableImage: it is damaged.
        ImageTooLarge: it asks for more than `limits`.
        UnsupportedImage: it is of a kind that is not read.
        vips.Error: libvips cannot work on it.
    """
    sample = 1 if facts.bits <= 8 else 2
    limits.check_size(name, facts.width, facts.height, facts.channels, sample)
    # A codec holds its own planes, and the tiles of a grid, beside the picture that it gives.
    memory = limits.memory_for(facts.width, facts.height, 4, 2 * sample)
    announce(facts.width * facts.height, memory)
    pixels = _av1(data, facts) if facts.codec == "av1" else _hevc(data, facts, name)
    image = pixels.image
    if image.width * image.height > facts.width * facts.height:
        why = "its picture is larger than it says"
        raise UnreadableImage(name, why, "export it again from its source")
    bands = image.bands
    if facts.premultiplied and bands in (2, 4):
        image = image.unpremultiply(max_alpha=255 if sample == 1 else 65535).rint()
        image = image.cast("uchar" if sample == 1 else "ushort").copy_memory()
    return Pixels(image, pixels.icc, pixels.exif)


def _av1(data: bytes, facts: Described) -> Pixels:
    image = vips.load("heif", data, "error").copy_memory()
    icc, block = vips.metadata(image, "icc-profile-data"), vips.metadata(image, "exif-data")
    if facts.bits > 8 and image.format == "ushort":
        # libvips shifts them to 16 bits, which leaves white a little grey.
        samples = _scaled(vips.to_array(image) >> (16 - facts.bits), facts.bits)
        image = vips.from_array(samples, _space(image.bands, 16))
    return Pixels(image, None if icc is None else bytes(icc), None if block is None else bytes(block))


def _hevc(data: bytes, facts: Described, name: str) -> Pixels:
    pi_heif = _library()
    try:
        heif_file = pi_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        picture = heif_file[heif_file.primary_index]
        raw = picture.data
    except FlamingoError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # pi-heif raises ValueError, RuntimeError, EOFError and others
        raise _why(str(error), name) from None
    width, height = picture.size
    mode, _, bits = str(picture.mode).partition(";")
    bands = len(mode)
    deep = int(bits or 8) > 8
    samples = np.frombuffer(raw, np.uint16 if deep else np.uint8).reshape(height, width, bands)
    if deep:
        samples = _scaled(samples, int(bits))
    image = vips.from_array(samples, _space(bands, 16 if deep else 8)).copy_memory()
    icc = picture.info.get("icc_profile")
    block = picture.info.get("exif")
    return Pixels(image, bytes(icc) if icc else None, bytes(block) if block else None)


@cache
def _library() -> Any:
    import pi_heif

    # What is not asked for need not be decoded or described.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    return pi_heif


def _scaled(samples: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Samples of 9 to 16 bits, brought to 16 so that white stays white."""
    if bits >= 16:
        return np.asarray(samples, np.uint16)
    most = 2**bits - 1
    table = ((np.arange(most + 1, dtype=np.uint32) * 65535 + most // 2) // most).astype(np.uint16)
    return np.asarray(table[np.minimum(samples, most)], np.uint16)


def _space(bands: int, bits: int) -> str:
    if bands <= 2:
        return "grey16" if bits == 16 else "b-w"
    return "rgb16" if bits == 16 else "srgb"


def _why(text: str, name: str) -> FlamingoError:
    low = text.lower()
    if "memory" in low or "security limit" in low or "exceeds" in low:
        return ImageTooLarge(name, "decoding it needs more memory than its size explains", "use another file")
    if "unsupported" in low or "not supported" in low or "not implemented" in low:
        return UnsupportedImage(name, "it uses a rare kind of HEIC that is not supported", "save it as PNG or JPEG")
    return UnreadableImage(name, "the file is damaged", "export it again from its source")
