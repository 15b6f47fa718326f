"""What a clip is: its size, its rate, how it is turned, its colours, its sound; found out without decoding it all."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import PIL.Image
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from flamingo.errors import ImageTooLarge, UnreadableVideo, show
from flamingo.video.kinds import ANIMATED, Clip, Limits, Look
from flamingo.video.opening import Broken, opened

__all__ = ["probe"]

_USUAL = Limits()


def probe(path: Path, limits: Limits = _USUAL) -> Clip:
    """What a film or an animated picture says of itself, and its first frame.

    Args:
        path: the file.
        limits: pixels of a frame, and frames, that are allowed.

    Returns:
        The clip as it is seen.

    Raises:
        UnreadableVideo: it is missing, damaged or of a kind that is not read.
        ImageTooLarge: its frames are larger than `limits`.
    """
    path = Path(path)
    clip = _animation(path) if path.suffix.lower() in ANIMATED else _film(path)
    name, most = show(path), limits.animated_frames if clip.animated else limits.frames
    if clip.width * clip.height > limits.pixels:
        size = f"{clip.width} x {clip.height} pixels a frame"
        raise ImageTooLarge(name, f"{size} are more than {limits.pixels / 1e6:g} million", "make it smaller first")
    if clip.frames > most:
        raise ImageTooLarge(name, f"{clip.frames} frames are more than {most}", "cut it into parts")
    return clip


def _film(path: Path) -> Clip:
    name = show(path)
    with opened(path) as container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            raise UnreadableVideo(name, "there is no picture in it", "give a clip that has one")
        stream = streams[0]
        if stream.codec_context is None:
            raise UnreadableVideo(name, "its codec is not known here", "convert it to H.264 first")
        first = _first(container, stream)
        if first is None:
            raise UnreadableVideo(name, "no frame of it can be decoded", "export it again from its source")
        if stream.width * stream.height <= 0 or stream.time_base is None:
            raise UnreadableVideo(name, "it does not say its size", "export it again from its source")
        turn, mirrored = _turned(first)
        width, height = (first.height, first.width) if turn in (90, 270) else (first.width, first.height)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        frames, seconds, rate = _length(path, container, stream, rate)
        notes = [f"{len(streams) - 1} more picture tracks are left out"] if len(streams) > 1 else []
        look = _look(first, stream, turned=turn in (90, 270))
        if look.transfer in (16, 18):
            notes.append("it is a film of high dynamic range: painted with 8 bits in its own colours")
        elif first.format.components[0].bits > 8:
            notes.append("more than 8 bits a colour: painted with 8")
        if first.interlaced_frame:
            notes.append("it is interlaced: painted as it is, lines and all")
        if any(part.is_alpha for part in first.format.components) or stream.metadata.get("alpha_mode") == "1":
            notes.append("its transparency is left out: films are painted opaque")
        sounds = tuple(codec_name(s) for s in container.streams.audio)
        kind = str(container.format.name)
    return Clip(
        path, width, height, rate, Fraction(stream.time_base), frames, seconds, kind, turn, mirrored, look, sounds,
        notes=tuple(notes),
    )  # fmt: skip


def codec_name(stream: Any) -> str:
    """The name of a stream's codec, not that of the library that decodes it; "unknown" if none can."""
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context else "unknown"


def _is_cover(stream: Any) -> bool:
    """A still picture of the album, and no film."""
    return bool(int(stream.disposition) & 0x400)


def _first(container: Any, stream: VideoStream) -> VideoFrame | None:
    try:
        for packet in container.demux(stream):
            try:
                frames: list[Any] = packet.decode()
            except Broken:
                continue
            if frames:
                frame: VideoFrame = frames[0]
                return frame
    except Broken:
        pass
    return None


_TOLERANCE = 0.5  # seconds by which what a container says of its length may be beyond its last packet


def _length(path: Path, container: Any, stream: VideoStream, rate: Fraction) -> tuple[int, float, Fraction]:
    """Frames, seconds and frames a second of the picture stream.

    Matroska and WebM say how long the whole file is, sound included, and not how long its picture is: the packets
    tell that. Where they all end before the length that the file says, it was cut short, and what it says is taken.
    """
    # A file may claim any rate; more than a frame each millisecond is a claim, and not a film.
    kind = str(container.format.name)
    if stream.duration and stream.time_base and stream.frames and kind not in _GUESSES:
        seconds = float(stream.duration * stream.time_base)
        if "mp4" in kind and (ends := _shown_until(path, stream.index, stream.duration)) > seconds:
            return stream.frames, ends, Fraction(stream.frames / ends).limit_denominator(1001)
        # AVI counts the frames that were dropped, which are shown as the one before for longer.
        frames = (_packets(path, stream.index)[0] if kind == "avi" else 0) or stream.frames
        return frames, seconds, rate
    declared = container.duration / 1_000_000 if container.duration else 0.0
    count, picture, everything = _packets(path, stream.index)
    if not count or everything < declared - _TOLERANCE:
        return stream.frames or math.ceil(declared * min(float(rate), 1000.0)), declared, rate
    if count == 1:
        return 1, picture or float(1 / rate), rate
    measured = Fraction(count / picture).limit_denominator(1001) if picture > 0 else rate
    # What the stream says of its rate is more exact than what the rounded times give, where the two agree.
    return count, picture, rate if abs(float(measured / rate) - 1) < 0.02 else measured


_GUESSES = ("mpeg", "mpegts", "matroska,webm")
"""Containers that do not say how long a stream is, or of which that is guessed from the first and last pages, or
from the whole file's length."""


def _shown_until(path: Path, index: int, duration: int) -> float:
    """The second, from the picture's beginning, until which an MP4 shows its last frame, from its last packets.

    The file adds up the times at which frames are decoded. Where the rate varies and frames are stored in
    another order than they are shown, the last gap between shown frames can be missing from it.
    """
    last, lasts = 0.0, 0.0
    with opened(path) as container:
        stream = container.streams[index]
        begins = stream.start_time or 0
        try:
            container.seek(begins + duration, stream=stream)
            for packet in container.demux(stream):
                if packet.pts is not None and packet.time_base is not None:
                    last = max(last, float((packet.pts - begins) * packet.time_base))
                    # Durations are differences of decoding times too; only the last of them is what was meant.
                    lasts = float((packet.duration or 0) * packet.time_base)
        except Broken:
            pass
    return last + lasts


def _packets(path: Path, index: int) -> tuple[int, float, float]:
    """Of a film: the picture's packets, the seconds from its first to the end of its last, and the second at which
    the last packet of any stream ends."""
    count, begins, ends, everything = 0, math.inf, 0.0, 0.0
    times: list[float] = []
    with opened(path) as container:
        try:
            for packet in container.demux():
                if packet.pts is None or packet.time_base is None or not packet.size:
                    continue
                begun = float(packet.pts * packet.time_base)
                ended = begun + float((packet.duration or 0) * packet.time_base)
                everything = max(everything, ended)
                if packet.stream_index == index:
                    count += 1
                    times.append(begun)
                    begins, ends = min(begins, begun), max(ends, ended)
        except Broken:
            pass
    if count > 1 and ends <= max(times):  # the last one does not say for how long it is shown
        ends = max(times) + (max(times) - begins) / (count - 1)
    return count, max(0.0, ends - begins) if count else 0.0, max(everything, ends)


def _turned(frame: VideoFrame) -> tuple[int, bool]:
    """How the display matrix turns the stored frame: degrees to the right, and whether it mirrors it before."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 0, False
    a, b, _, c, d = memoryview(bytes(data)).cast("i")[:5]
    # x' = a x + c y, y' = b x + d y; mirrored ones are what is left when the mirror is taken out first.
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90, mirrored


def _look(frame: VideoFrame, stream: VideoStream, *, turned: bool) -> Look:
    context = stream.codec_context
    matrix, primaries, transfer = (int(v) for v in (context.colorspace, context.color_primaries, context.color_trc))
    if matrix in (0, 2, 3):  # RGB, or not said: as players decide, by the size
        matrix = 1 if frame.height > 576 or frame.width >= 1280 else 6
    full = int(context.color_range) == 2 or frame.format.name.startswith("yuvj")
    aspect = stream.sample_aspect_ratio or Fraction(1)
    aspect = aspect if aspect > 0 else Fraction(1)
    return Look(matrix, primaries, transfer, full, 1 / aspect if turned else aspect)


def _counted(image: PIL.Image.Image) -> int:
    """How many frames can be found, up to where the file is damaged."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # Pillow raises many kinds for files that anyone may have made
        count = 0
        with suppress(Exception):
            while True:
                image.seek(count)
                count += 1
        image.seek(0)
        return count


def _lasts(image: PIL.Image.Image, frames: int) -> int:
    """Milliseconds that all frames of a moving picture are shown; a frame that does not say, 100, as browsers do."""
    total = 0
    with suppress(Exception):  # of a damaged one, what can be found
        for i in range(frames):
            image.seek(i)
            if image.format == "WEBP":  # which tells only once the frame is decoded
                image.load()
            total += max(0, int(image.info.get("duration") or 0)) or 100
        image.seek(0)
    return total or 100 * frames


def _animation(path: Path) -> Clip:
    name = show(path)
    try:
        with PIL.Image.open(path, formats=("GIF", "WEBP")) as image:
            frames = _counted(image)
            loop = image.info.get("loop")
            kind = str(image.format).lower()
            alpha = (kind == "webp" and image.mode == "RGBA") or "transparency" in image.info
            if kind == "gif":  # None: said to be played once; in the file, the number is of repetitions
                loop = 1 if loop is None else (0 if loop == 0 else int(loop) + 1)
            width, height = image.size
            lasts = _lasts(image, frames)
            rate = Fraction(1000 * frames, max(1, lasts))
    except FileNotFoundError:
        raise UnreadableVideo(name, "there is no such file", "check the name") from None
    except Exception:  # Pillow raises many kinds for files that anyone may have made
        raise UnreadableVideo(name, "it is damaged, or no moving picture", "export it again") from None
    return Clip(
        path,
        width,
        height,
        rate,
        Fraction(1, 1000),
        frames,
        lasts / 1000,
        kind,
        loop=int(loop or 0),
        alpha=alpha,
    )
