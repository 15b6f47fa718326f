"""Pictures too large to be held in floats: read into 8 or 16 bits a channel, worked on by rows, written from there.

A picture of 100 megapixels takes 1.2 GB as `Picture`; as `Canvas` it takes 300 MB, and what is painted over it takes
no more. The rules of docs/images.md hold as they do for `read` and `write`, with one exception: an 8-bit picture with
a colour profile of its own is held in 8 bits of sRGB, so that its profile costs some rounding, most near black.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flamingo import provenance
from flamingo.errors import BadPixels, OutputError, UnreadableImage
from flamingo.images import colour, exif, guard, resample, vips, writing
from flamingo.images.decode import decode
from flamingo.images.limits import Limits
from flamingo.images.picture import Picture
from flamingo.images.reading import readable
from flamingo.processes.host import CannotStart

__all__ = ["Canvas", "read", "write"]

_USUAL = Limits()
_ROWS = 256
_LARGE = 16_000_000


@dataclass(eq=False)
class Canvas:
    """A picture, upright, in sRGB, which changes as it is painted over.

    samples: (H, W, 3) uint8, or uint16 for a 16-bit source. alpha: (H, W) of the same type, or None. The others are
    as in `Picture`.
    """

    samples: NDArray[Any]
    alpha: NDArray[Any] | None
    depth: int
    icc: bytes | None
    exif: bytes | None
    format: str
    notes: tuple[str, ...]

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.samples.shape[1])

    @property
    def white(self) -> int:
        """The sample that means 1."""
        return int(np.iinfo(self.samples.dtype).max)

    def rows(self, top: int, bottom: int) -> NDArray[np.float32]:
        """Some rows as a painter sees them.

        Args:
            top: the first row.
            bottom: the one after the last.

        Returns:
            (bottom - top, W, 3) float32 in [0, 1].
        """
        return np.asarray(np.divide(self.samples[top:bottom], np.float32(self.white), dtype=np.float32))

    def shrunk(self, longest: int) -> Picture:
        """A smaller picture of it.

        Args:
            longest: pixels of its longer side, not more than it has.

        Returns:
            A `Picture`, by area average.
        """
        scale = longest / max(self.height, self.width)
        height, width = (max(1, round(side * scale)) for side in (self.height, self.width))
        colours = resample.Shrinker((self.height, self.width, 3), height, width)
        for top in range(0, self.height, _ROWS):
            colours.add(self.rows(top, min(top + _ROWS, self.height)))
        alpha = None
        if self.alpha is not None:
            opaque = resample.Shrinker((self.height, self.width, 1), height, width)
            for top in range(0, self.height, _ROWS):
                strip = self.alpha[top : top + _ROWS, :, None]
                opaque.add(np.asarray(strip / np.float32(self.white), np.float32))
            alpha = np.clip(opaque.result[..., 0], 0, 1)
        note = f"resized from {self.width} x {self.height} to {width} x {height}"
        rgb, depth = np.clip(colours.result, 0, 1), 16 if self.depth == 16 else 8
        notes = (*self.notes, note)
        return Picture(rgb, alpha, depth, False, self.icc, self.exif, self.format, notes)  # type: ignore[arg-type]

    def paint_over(self, strips: Iterable[NDArray[np.float32]], *, behind: int) -> None:
        """Replace all rows by strips, from top to bottom, as they come.

        Args:
            strips: (n, W, 3) float32 in [0, 1] each, which are all rows together. behind: so many rows above the end
            of the last strip stay as they were until the next has come: whoever makes the
                strips may still want to see the picture there.

        Raises:
            BadPixels: there is a NaN, an infinity, or another number of rows than the picture's.
        """
        waiting: list[NDArray[Any]] = []
        written = end = 0
        for strip in strips:
            waiting.append(self.integers(strip))
            end += len(strip)
            while waiting and written + len(waiting[0]) <= end - behind:
                first = waiting.pop(0)
                self.samples[written : written + len(first)] = first
                written += len(first)
            if waiting and (ready := end - behind - written) > 0:
                self.samples[written : written + ready] = waiting[0][:ready]
                waiting[0] = waiting[0][ready:]
                written += ready
        if end != self.height:
            raise BadPixels("the result", f"it has {end} rows of {self.height}", "report this with the input")
        for strip in waiting:
            self.samples[written : written + len(strip)] = strip
            written += len(strip)

    def integers(self, strip: NDArray[np.float32]) -> NDArray[Any]:
        return writing.integers(strip, 8 * self.samples.itemsize)


def read(path: Path | str, *, limits: Limits = _USUAL, keep_gps: bool = False, trusted: bool = False) -> Canvas:
    """The same as `flamingo.images.read`, in a quarter to a half of the memory.

    Args:
        path: as for `flamingo.images.read`.
        limits: as for `flamingo.images.read`.
        keep_gps: as for `flamingo.images.read`.
        trusted: as for `flamingo.images.read`.

    Returns:
        The picture as samples of 8 or 16 bits.

    Raises:
        UnreadableImage: the file is missing, damaged, cut short or too slow to decode.
        ImageTooLarge: it is larger than `limits`.
        UnsupportedImage: it is of a kind that is not read.
    """
    path = Path(path)
    name = readable(path, limits)
    if not trusted:
        try:
            return guard.read_guarded(path, b"", name, limits, keep_gps, _receive, again=False)
        except CannotStart:
            pass
    try:
        data = path.read_bytes()
    except OSError:
        raise UnreadableImage(name, "it may not be read", "check its permissions") from None
    decoded = decode(data, name, limits, keep_gps=keep_gps)
    strips = iter(decoded.strips())
    return _filled(decoded.shape, lambda _rows: next(strips), _facts(decoded))


def _facts(decoded: Any) -> dict[str, Any]:
    return {name: getattr(decoded, name) for name in ("depth", "icc", "exif", "format", "notes")}


def _receive(source: IO[bytes], answer: dict[str, Any]) -> Canvas:
    """As `guard.floats`, but the samples stay as they come."""
    height, width, bands = (int(side) for side in answer["shape"])
    dtype = np.dtype(np.uint8 if answer["itemsize"] == 1 else np.uint16)

    def following(rows: int) -> NDArray[Any]:
        strip = np.empty((rows, width, bands), dtype)
        guard.fill(source, strip.reshape(-1))
        return strip

    return _filled((height, width, bands), following, answer)


def _filled(shape: tuple[int, int, int], following: Callable[[int], NDArray[Any]], facts: dict[str, Any]) -> Canvas:
    """A canvas from strips: `following(n)` gives the next rows, n of them or as many as it likes."""
    height, width, bands = shape
    depth = 16 if facts["depth"] == 16 else 8
    dtype = np.uint16 if depth == 16 else np.uint8
    samples = np.empty((height, width, 3), dtype)
    alpha = np.empty((height, width), dtype) if bands == 4 else None
    row = 0
    while row < height:
        strip = following(min(_ROWS, height - row))
        if strip.dtype == np.uint16 and depth == 8:  # converted from a profile
            strip = ((strip.astype(np.uint32) + 128) // 257).astype(np.uint8)
        elif strip.dtype == np.uint8 and depth == 16:
            strip = strip.astype(np.uint16) * 257
        samples[row : row + len(strip)] = strip[..., :3]
        if alpha is not None:
            alpha[row : row + len(strip)] = strip[..., 3]
        row += len(strip)
    notes = tuple(str(note) for note in facts["notes"])
    return Canvas(samples, alpha, depth, facts["icc"], facts["exif"], str(facts["format"]), notes)


def write(
    canvas: Canvas,
    path: Path | str,
    *,
    quality: int = 92,
    overwrite: bool = False,
    never: Collection[Path] = (),
    origin: provenance.Origin | None = None,
) -> tuple[str, ...]:
    """The same as `flamingo.images.write`, for a canvas.

    Args:
        canvas: what to write. Where its transparency has to be laid on white, it is changed.
        path: as for `flamingo.images.write`.
        quality: as for `flamingo.images.write`.
        overwrite: as for `flamingo.images.write`.
        never: as for `flamingo.images.write`.
        origin: as for `flamingo.images.write`.

    Returns:
        Notes on what did not fit into the format.

    Raises:
        BadRequest: the suffix or the quality is none.
        OutputError: it cannot be written.
    """

    def encode(kind: str, name: str, xmp: bytes | None) -> tuple[bytes, tuple[str, ...]]:
        return _encoded(canvas, kind, quality, name, xmp)

    return writing.placed(encode, Path(path), overwrite=overwrite, never=never, origin=origin)


def _encoded(canvas: Canvas, kind: str, quality: int, name: str, xmp: bytes | None) -> tuple[bytes, tuple[str, ...]]:
    writing.check_fits(kind, quality, canvas.height, canvas.width, name)
    title = writing.TITLES[kind]
    notes: list[str] = []
    deep = canvas.depth == 16 and kind in writing.KEEPS_16_BITS
    if canvas.depth == 16 and not deep:
        notes.append(f"{title} holds 8 bits: 16-bit source reduced")
    alpha = canvas.alpha
    if alpha is not None and kind not in writing.KEEPS_ALPHA:
        if _lay_on_white(canvas):
            notes.append(f"{title} has no transparency: laid on white")
        alpha = None
    if kind == "bmp":
        if canvas.icc is not None:
            notes.append("BMP holds no colour profile: written as sRGB")
        return _bmp(canvas), tuple(notes)
    try:
        image = _coloured(canvas, deep)
        if alpha is not None:
            levels = vips.from_array(alpha[..., None], "grey16" if canvas.depth == 16 else "b-w")
            image = image.bandjoin(levels if deep or canvas.depth == 8 else _eight_bits(levels))
        image = vips.attach(image, "icc-profile-data", canvas.icc or vips.SRGB_PROFILE)
        if canvas.exif is not None:
            image = vips.attach(image, "exif-data", canvas.exif)
        if xmp is not None and kind != "png":
            image = vips.attach(image, "xmp-data", xmp)
        options = writing.save_options(kind, quality)
        if kind == "jpeg" and canvas.height * canvas.width > _LARGE:
            options["optimize_coding"] = False  # it holds the whole picture in 12 bytes a pixel to save a tenth
        data = vips.save(image, kind, options)
    except vips.Error:
        raise OutputError(name, f"it could not be encoded as {title}", "try PNG") from None
    if kind == "tiff" and canvas.exif is not None:
        data = exif.with_exif(data, canvas.exif)
    if kind == "png" and xmp is not None:
        data = provenance.xmp.into_png(data, xmp)
    return data, tuple(notes)


def _coloured(canvas: Canvas, deep: bool) -> vips.Image:
    """The samples as they are stored, computed as they are encoded."""
    image = vips.from_array(canvas.samples, "rgb16" if canvas.depth == 16 else "srgb")
    if canvas.icc is not None:
        wide = image if canvas.depth == 16 else (image * 257).cast("ushort").copy(interpretation="rgb16")
        image = colour.from_srgb(wide, canvas.icc, 16 if deep else 8)
    elif canvas.depth == 16 and not deep:
        image = _eight_bits(image)
    return image.copy(interpretation="rgb16" if deep else "srgb")


def _eight_bits(image: vips.Image) -> vips.Image:
    return (image / 257 + 0.5).cast("uchar")


def _lay_on_white(canvas: Canvas) -> bool:
    """Whether anything was transparent."""
    assert canvas.alpha is not None
    transparent = False
    for top in range(0, canvas.height, _ROWS):
        weight = canvas.alpha[top : top + _ROWS, :, None] / np.float32(canvas.white)
        if (weight < 1).any():
            transparent = True
            laid = np.asarray(canvas.rows(top, top + _ROWS) * weight + (1 - weight), np.float32)
            canvas.samples[top : top + _ROWS] = canvas.integers(laid)
    return transparent


def _bmp(canvas: Canvas) -> bytes:
    samples = canvas.samples
    if canvas.depth == 16:
        samples = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    buffer = BytesIO()
    PIL.Image.fromarray(samples).save(buffer, "BMP")
    return buffer.getvalue()
