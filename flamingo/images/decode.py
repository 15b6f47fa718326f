"""From the bytes of a file to sRGB samples and what else is worth keeping. Runs in the guarded helper.

Everything here meets hostile data. Nothing is decoded before the header has passed the limits.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flamingo.errors import FlamingoError, ImageTooLarge, UnreadableImage, UnsupportedImage
from flamingo.images import bmps, cicp, colour, exif, heif, jpegs, pngs, tiffs, vips
from flamingo.images.formats import sniff
from flamingo.images.limits import Limits

__all__ = ["Decoded", "decode"]

_STRIP_BYTES = 8 << 20

# A codec calls these warnings, but the picture is then partly invented (grey, smeared, shifted).
_PARTLY_INVENTED = (
    "premature end",
    "unexpected end",
    "bad huffman",
    "bad code word",
    "read error",
    "bad seek",
    "not enough data",
    "truncated",
    "corrupt jpeg data: bad",
    "inconsistent progression",
    "invalid frame data",
    "fill ",
)
_NO_CODEC = ("not configured", "not supported", "unsupported", "not implemented", "requested compression")


@dataclass(frozen=True)
class Decoded:
    """A picture of uint8 or uint16 sRGB samples (3 bands, or 4 with alpha), computed strip by strip."""

    image: vips.Image
    depth: int
    grey: bool
    icc: bytes | None
    exif: bytes | None
    format: str
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, bands."""
        return self.image.height, self.image.width, self.image.bands

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8 or uint16."""
        return np.dtype(np.uint8 if self.image.format == "uchar" else np.uint16)

    def strips(self) -> Iterator[NDArray[Any]]:
        """The samples from top to bottom, some rows at a time, so that no second copy is needed."""
        height, width, bands = self.shape
        rows = max(1, _STRIP_BYTES // (width * bands * self.dtype.itemsize))
        for top in range(0, height, rows):
            yield vips.to_array(self.image.crop(0, top, width, min(rows, height - top)))


def decode(
    data: bytes,
    name: str,
    limits: Limits,
    *,
    keep_gps: bool = False,
    announce: Callable[[int, int], None] = lambda _pixels, _need: None,
) -> Decoded:
    """Decode a picture.

    Args:
        data: the whole file.
        name: what messages call it.
        limits: what it may ask for.
        keep_gps: whether the place stays in its EXIF block.
        announce: called as (pixels, bytes of memory to expect) once the header has passed the limits.

    Returns:
        The picture, whose samples are computed strip by strip.

    Raises:
        UnreadableImage: it is damaged or cut short.
        ImageTooLarge: its header asks for more than `limits`.
        UnsupportedImage: it is of a kind that is not read.
    """
    limits.check_file(name, len(data))
    kind = sniff(data, name)
    try:
        if kind == "bmp":
            return _decode_bmp(data, name, limits, announce)
        source = _opened(data, kind, name, limits, announce)
        return _finished(source, name, keep_gps)
    except vips.Error as error:
        raise _why(str(error), data, kind, name) from None
    except MemoryError:
        raise _no_memory(name) from None


@dataclass(frozen=True)
class _Source:
    """A decoded file as it is stored. turn: the orientation to apply, as EXIF numbers it; codes: what its own words
    say of its colours, where it has no profile, or before that (first)."""

    image: vips.Image
    kind: str
    exif: bytes | None
    icc: bytes | None
    turn: int = 1
    codes: cicp.ColourCodes = cicp.SRGB
    first: bool = False
    notes: tuple[str, ...] = ()


def _finished(source: _Source, name: str, keep_gps: bool) -> Decoded:
    """Upright and in sRGB."""
    notes = list(source.notes)
    block = exif.parsed(source.exif)
    profile = source.icc
    codes = source.codes
    if source.first and (codes.colours or codes.notes):
        profile = None
    elif profile is None and not codes.colours and block is not None and block.adobe_rgb and source.kind != "png":
        codes = cicp.ColourCodes(cicp.ADOBE_RGB)
    image = source.image
    if source.turn != 1:
        image = image.copy()
        image.set_type(vips.INTEGER, "orientation", source.turn)
        image = image.autorot()
    samples, alpha, depth, grey, more = _samples(image, profile is not None, name)
    notes += more
    keep = True
    if profile is None:
        notes += codes.notes
        if codes.colours is not None and samples.bands != 4:
            profile, keep = codes.colours.icc, codes.colours.keep
    # What is left in the header (resolution, captions) is not ours to convert, and costs on every copy.
    rgb, icc, more = colour.to_srgb(samples, profile, keep=keep)
    notes += more
    if alpha is not None:
        rgb = rgb.bandjoin(_matching(alpha, rgb))
    return Decoded(rgb, depth, grey, icc, exif.cleaned(source.exif, keep_gps=keep_gps), source.kind, tuple(notes))


def _opened(data: bytes, kind: str, name: str, limits: Limits, announce: Callable[[int, int], None]) -> _Source:
    if kind == "heif":
        facts = heif.described(data, name)
        pixels = heif.decoded(data, facts, name, limits, announce)
        heif_notes = facts.notes
        block = exif.parsed(pixels.exif)
        if block is not None and block.orientation != 1 and not facts.turned:
            heif_notes += (
                "its EXIF block asks for a turn that the picture itself does not have, so it was not turned",
            )
        return _Source(pixels.image, facts.format, pixels.exif, pixels.icc, 1, facts.codes, notes=heif_notes)
    if kind == "tiff":
        return _opened_tiff(data, name, limits, announce)
    image, notes = _pixels(data, kind, name, limits, announce)
    profile = vips.metadata(image, "icc-profile-data")
    source = _Source(image, kind, vips.metadata(image, "exif-data"), None if profile is None else bytes(profile))
    if kind == "png":
        chunks = pngs.described(data)
        frames = [f"used the first of {chunks.frames} frames"] if chunks.frames > 1 else []
        source = replace(source, exif=chunks.exif or source.exif, codes=chunks.codes)
        source = replace(source, first=chunks.numbers is not None, notes=(*notes, *frames))
    elif kind == "jpeg":
        source = replace(source, notes=(*notes, *jpegs.left_out(data)))
    else:
        source = replace(source, notes=(*notes, *_first_of_many(kind, image)))
    block = exif.parsed(source.exif)
    turn = vips.metadata(image, "orientation") or 1
    if block is not None and turn == 1:
        turn = block.orientation
    return replace(source, turn=int(turn))


def _opened_tiff(data: bytes, name: str, limits: Limits, announce: Callable[[int, int], None]) -> _Source:
    facts = tiffs.described(data)
    notes: list[str] = []
    if facts is not None:
        if facts.raw:
            why = "it is a camera raw file, of which only the camera's own preview could be read"
            raise UnsupportedImage(name, why, "develop it to JPEG, PNG or TIFF")
        if facts.photometric is None and facts.samples in (1, 3, 4):
            meant = 2 if facts.samples >= 3 else 1
            try:
                data = exif.with_tags(data, {262: meant})
            except struct.error:  # a BigTIFF, or a broken one
                pass
            else:
                facts = replace(facts, photometric=meant)
                notes.append(f"it does not say what its samples mean: taken as {'RGB' if meant == 2 else 'grey'}")
    if facts is not None and facts.packs_odd_bits:
        limits.check_size(name, facts.width, facts.height, facts.samples, 2)
        announce(facts.width * facts.height, limits.memory_for(facts.width, facts.height, 4, 4))
        try:
            samples = tiffs.unpacked(data, facts)
        except ValueError:
            raise UnreadableImage(name, "the file is cut short", "export it again from its source") from None
        image = vips.from_array(samples, "rgb16" if facts.samples == 3 else "grey16")
    else:
        if facts is not None and facts.photometric not in (None, 0, 1, 2, 3, 5, 6, 8, 9):
            raise _strange_tiff(facts, name)
        image, more = _tiff_pixels(data, facts, name, limits, announce)
        notes += more
        notes += _first_of_many("tiff", image)
    profile = vips.metadata(image, "icc-profile-data")
    block = exif.parsed(data)
    turn = vips.metadata(image, "orientation") or (block.orientation if block else 1)
    icc = None if profile is None or image.interpretation == "lab" else bytes(profile)
    return _Source(image, "tiff", data, icc, int(turn), notes=tuple(notes))


def _tiff_pixels(
    data: bytes,
    facts: tiffs.Facts | None,
    name: str,
    limits: Limits,
    announce: Callable[[int, int], None],
) -> tuple[vips.Image, list[str]]:
    if facts is not None and facts.photometric in (8, 9) and facts.bits in (8, 16):
        limits.check_size(name, facts.width, facts.height, 3, 4)
        announce(facts.width * facts.height, limits.memory_for(facts.width, facts.height, 4, 4))
        try:
            image = tiffs.lab(data, facts, lambda: _pixels(data, "tiff", name, limits, lambda *_: None)[0])
        except (OSError, ValueError, SyntaxError):
            raise UnreadableImage(name, "the file is damaged", "export it again from its source") from None
        if image is not None:
            return image, []
    return _pixels(data, "tiff", name, limits, announce)


def _strange_tiff(facts: tiffs.Facts, name: str) -> UnsupportedImage:
    why = f"this kind of TIFF is not supported: {facts.strange}"
    return UnsupportedImage(name, why, "save it with 8 or 16 bits per channel, as RGB or grey")


def _pixels(
    data: bytes, kind: str, name: str, limits: Limits, announce: Callable[[int, int], None]
) -> tuple[vips.Image, list[str]]:
    """The decoded picture in memory. First nothing may be wrong; then only what does not harm the pixels."""

    def attempt(fail_on: str, data: bytes = data) -> vips.Image:
        image = vips.load(kind, data, fail_on)
        sample = {"uchar": 1, "ushort": 2, "char": 1, "short": 2}.get(image.format, 4)
        limits.check_size(name, image.width, image.height, image.bands, sample)
        announce(
            image.width * image.height,
            limits.memory_for(image.width, image.height, image.bands, sample),
        )
        return image.copy_memory()

    try:
        return attempt("warning"), []
    except vips.Error as error:
        if kind == "jpeg" and _cut_short(str(error)):
            return _without_end(data, attempt, error)
        if any(sign in str(error).lower() for sign in _PARTLY_INVENTED):
            raise
    return attempt("error"), ["the file has small faults; the picture may show them"]


def _cut_short(text: str) -> bool:
    return any(sign in text.lower() for sign in ("premature end", "unexpected end", "read error"))


def _without_end(
    data: bytes, attempt: Callable[[str, bytes], vips.Image], error: Exception
) -> tuple[vips.Image, list[str]]:
    """A JPEG that lacks its end marker. With one put there, the decoder complains if anything else is missing, but
    for whole scans of a progressive picture. Raises the first error if something is."""
    ended = data.rstrip(b"\xff") + jpegs.END
    if not jpegs.all_scans(ended):
        raise error
    try:
        return attempt("warning", ended), ["the mark at its end is missing; all of the picture is there"]
    except vips.Error:
        raise error from None


def _samples(
    image: vips.Image, has_profile: bool, name: str
) -> tuple[vips.Image, vips.Image | None, int, bool, list[str]]:
    """Colour (1, 3 or 4 bands of 8 or 16 bits) and alpha apart; also the depth, whether grey, and notes."""
    notes: list[str] = []
    space, bands, form = image.interpretation, image.bands, image.format
    if space in ("lab", "labs", "labq", "xyz", "yxy", "lch", "cmc"):
        image = image.colourspace("rgb16")
        notes.append("converted from a device-independent colour space to sRGB")
        space, bands, form = image.interpretation, image.bands, image.format
    if form not in ("uchar", "ushort", "uint", "float", "double"):
        raise UnsupportedImage(name, f"its samples are of type {form}", "save it with 8 or 16 bits per channel")
    colours = 4 if space == "cmyk" else (1 if bands <= 2 else 3)
    if (bands > colours + 1 and space == "multiband") or bands < colours:
        raise UnsupportedImage(name, f"it has {bands} channels of unknown meaning", "save it as RGB or grey")
    if space == "multiband" and bands == 4:
        raise UnsupportedImage(name, "it has 4 channels of unknown meaning", "save it as RGB or grey")
    alpha = image[colours] if bands > colours else None
    if bands > colours + 1:
        notes.append(f"used its first {colours + 1} of {bands} channels")
    samples = image[0] if colours == 1 else image.extract_band(0, n=colours)
    if form == "uint":
        samples, alpha = (None if x is None else (x >> 16).cast("ushort") for x in (samples, alpha))
        notes.append("reduced from 32 bits per channel to 16")
    elif form in ("float", "double"):
        samples, alpha = _from_float(samples, alpha, has_profile, name)
        notes.append("reduced from floating point (taken as linear light, 0 to 1) to 16 bits per channel")
        if has_profile:
            notes[-1] = "reduced from floating point (0 to 1) to 16 bits per channel"
    deep = samples.format != "uchar"
    if colours == 1:
        samples = samples.copy(interpretation="grey16" if deep else "b-w")
    elif colours == 3:
        samples = samples.copy(interpretation="rgb16" if deep else "srgb")
    return samples, alpha, 16 if deep else 8, colours == 1, notes


def _from_float(
    samples: vips.Image, alpha: vips.Image | None, has_profile: bool, name: str
) -> tuple[vips.Image, vips.Image | None]:
    if not (samples == samples).min():
        raise UnreadableImage(name, "it holds values that are not numbers", "export it again from its source")
    peak = samples.abs().max()
    if peak > 16:
        raise UnsupportedImage(
            name,
            f"its floating-point values reach {peak:.4g} where 1 is white",
            "save it with 8 or 16 bits per channel",
        )
    samples = _clipped(samples)
    if not has_profile:
        # The sRGB curve. A floating-point file without a profile holds linear light by custom.
        low, high = samples * 12.92, samples ** (1 / 2.4) * 1.055 - 0.055
        samples = (samples <= 0.0031308).ifthenelse(low, high)
    samples = (samples * 65535 + 0.5).cast("ushort")
    if alpha is not None:
        alpha = (_clipped(alpha) * 65535 + 0.5).cast("ushort")
    return samples, alpha


def _clipped(image: vips.Image) -> vips.Image:
    image = (image > 0).ifthenelse(image, 0)
    return (image < 1).ifthenelse(image, 1)


def _matching(alpha: vips.Image, rgb: vips.Image) -> vips.Image:
    if alpha.format == rgb.format:
        return alpha
    return (alpha * 257).cast("ushort") if rgb.format == "ushort" else (alpha >> 8).cast("uchar")


def _first_of_many(kind: str, image: vips.Image) -> list[str]:
    count = int(vips.metadata(image, "n-pages") or 1)
    return [f"used the first of {count} {'pages' if kind == 'tiff' else 'frames'}"] if count > 1 else []


def _decode_bmp(data: bytes, name: str, limits: Limits, announce: Callable[[int, int], None]) -> Decoded:
    damaged = UnreadableImage(name, "the file is damaged or cut short", "export it again from its source")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own size warning; our limits stand instead
        try:
            facts = bmps.described(data)
            if facts is not None and facts.strange:
                why = f"this kind of BMP is not supported: {facts.strange}"
                raise UnsupportedImage(name, why, "save it as PNG or JPEG")
            if facts is not None and facts.masks is not None:
                limits.check_size(name, facts.width, facts.height, 4, 2)
                announce(facts.width * facts.height, limits.memory_for(facts.width, facts.height, 4, 4))
                array, grey = bmps.unpacked(data, facts), False
            else:
                with PIL.Image.open(BytesIO(data), formats=["BMP"]) as image:
                    channels = len(image.getbands())
                    limits.check_size(name, image.width, image.height, channels, 1)
                    announce(image.width * image.height, limits.memory_for(*image.size, 4, 1))
                    grey = image.mode in ("1", "L")
                    array = np.asarray(image.convert("RGBA" if image.mode == "RGBA" else "RGB"))
        except FlamingoError:
            raise
        except Exception:  # Pillow raises many kinds for damaged data: OSError, ValueError, SyntaxError, ...
            raise damaged from None
    # Windows leaves the fourth byte 0 in what it calls a picture with alpha, and shows it opaque.
    if array.shape[2] == 4 and not array[..., 3].any():
        array = np.ascontiguousarray(array[..., :3])
    return Decoded(vips.from_array(array, "srgb"), 8, grey, None, None, "bmp", ())


def _why(text: str, data: bytes, kind: str, name: str) -> FlamingoError:
    """What a libvips message means to a person."""
    low = text.lower()
    if "out of memory" in low or "failed to allocate" in low or "cumulated memory" in low:
        return _no_memory(name)
    if kind == "tiff" and (facts := tiffs.described(data)) is not None and facts.strange:
        return _strange_tiff(facts, name)
    if any(sign in low for sign in _NO_CODEC):
        return UnsupportedImage(
            name, f"it uses a rare kind of {kind.upper()} that is not supported", "save it as PNG or JPEG"
        )
    cut = (
        "premature end of jpeg" in low
        or "unexpected end" in low
        or ("read error" in low and not _complete(data, kind))
    )
    why = "the file is cut short" if cut else "the file is damaged"
    return UnreadableImage(name, why, "export it again from its source")


def _complete(data: bytes, kind: str) -> bool:
    return kind != "png" or b"IEND" in data[-64:]


def _no_memory(name: str) -> FlamingoError:
    return ImageTooLarge(name, "decoding it needs more memory than its size explains", "use another file")
