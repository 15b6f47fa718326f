"""From the bytes of a file to sRGB samples and what else is worth keeping. Runs in the guarded helper.

Everything here meets hostile data. Nothing is decoded before the header has passed the limits.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flamingo.errors import FlamingoError, ImageTooLarge, UnreadableImage, UnsupportedImage
from flamingo.images import colour, exif, vips
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
    """Decode a picture. `announce(pixels, memory)` is called once the header has passed the limits.

    Raises UnreadableImage, ImageTooLarge or UnsupportedImage.
    """
    limits.check_file(name, len(data))
    kind = sniff(data, name)
    try:
        if kind == "bmp":
            return _decode_bmp(data, name, limits, announce)
        return _decode_vips(data, kind, name, limits, keep_gps, announce)
    except vips.Error as error:
        raise _why(str(error), data, kind, name) from None
    except MemoryError:
        raise _no_memory(name) from None


def _decode_vips(
    data: bytes,
    kind: str,
    name: str,
    limits: Limits,
    keep_gps: bool,
    announce: Callable[[int, int], None],
) -> Decoded:
    image, notes = _pixels(data, kind, name, limits, announce)
    notes += _first_of_many(data, kind, image)
    raw_exif = exif.of_tiff(data) if kind == "tiff" else vips.metadata(image, "exif-data")
    profile = vips.metadata(image, "icc-profile-data")
    profile = None if profile is None else bytes(profile)
    image = image.autorot()
    samples, alpha, depth, grey, more = _samples(image, profile is not None, name)
    notes += more
    # What is left in the header (resolution, captions) is not ours to convert, and costs on every copy.
    rgb, icc, more = colour.to_srgb(samples, profile)
    notes += more
    if alpha is not None:
        rgb = rgb.bandjoin(_matching(alpha, rgb))
    return Decoded(rgb, depth, grey, icc, exif.cleaned(raw_exif, keep_gps=keep_gps), kind, tuple(notes))


def _pixels(
    data: bytes, kind: str, name: str, limits: Limits, announce: Callable[[int, int], None]
) -> tuple[vips.Image, list[str]]:
    """The decoded picture in memory. First nothing may be wrong; then only what does not harm the pixels."""

    def attempt(fail_on: str) -> vips.Image:
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
        if any(sign in str(error).lower() for sign in _PARTLY_INVENTED):
            raise
    return attempt("error"), ["the file has small faults; the picture may show them"]


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


def _first_of_many(data: bytes, kind: str, image: vips.Image) -> list[str]:
    if kind == "png":
        count, what = _apng_frames(data), "frames"
    elif kind == "jpeg":
        count, what = _mpo_pictures(data), "pictures in the file"
    else:
        pages = vips.metadata(image, "n-pages")
        count, what = int(pages or 1), "pages" if kind == "tiff" else "frames"
    return [f"used the first of {count} {what}"] if count > 1 else []


def _apng_frames(data: bytes) -> int:
    """How many frames an animated PNG says it has: the acTL chunk, which comes before the pixels."""
    place = 8
    while place + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"acTL" and size == 8:
            return int(struct.unpack_from(">I", data, place + 8)[0])
        if kind in (b"IDAT", b"IEND"):
            break
        place += 12 + size
    return 1


def _mpo_pictures(data: bytes) -> int:
    """How many pictures a JPEG holds; phones add depth maps and second views."""
    if b"MPF\0" not in data[:262_144]:
        return 1
    try:
        with PIL.Image.open(BytesIO(data), formats=["JPEG"]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # a broken index says nothing about the main picture
        return 1


def _decode_bmp(data: bytes, name: str, limits: Limits, announce: Callable[[int, int], None]) -> Decoded:
    damaged = UnreadableImage(name, "the file is damaged or cut short", "export it again from its source")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own size warning; our limits stand instead
        try:
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
    return Decoded(vips.from_array(array, "srgb"), 8, grey, None, None, "bmp", ())


def _why(text: str, data: bytes, kind: str, name: str) -> FlamingoError:
    """What a libvips message means to a person."""
    low = text.lower()
    if "out of memory" in low or "failed to allocate" in low or "cumulated memory" in low:
        return _no_memory(name)
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
