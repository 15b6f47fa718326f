"""Small clips made on the spot, for the tests of everything that reads or writes one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RATE = 25
STEPS = 100  # of the time base in a frame


def picture(i: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Frame `i` of a smooth scene that moves: (H, W, 3)."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float64)
    waves = [0.5 + 0.4 * np.sin((x + 2 * i) / (9 + 3 * c) + (y + c * i) / (13 - 2 * c)) for c in range(3)]
    return np.asarray(np.stack(waves, axis=2) * 255, np.uint8)


def film(
    path: Path,
    frames: int = 12,
    size: tuple[int, int] = (48, 64),
    *,
    sounds: tuple[str, ...] = ("aac",),
    codec: str = "libx264",
    times: list[int] | None = None,
    turn: int = 0,
    mirror: bool = False,
    pixels: str = "yuv420p",
    matrix: int = 5,
    full: bool = False,
    **settings: Any,
) -> Path:
    """A film with the scene above. times: of each frame, in hundredths of a frame."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=RATE, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], pixels
        stream.codec_context.time_base = Fraction(1, RATE * STEPS)
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        if turn or mirror:
            stream.set_display_rotation(turn, hflip=mirror)
        tracks: list[Any] = [out.add_stream(sound, rate=48_000) for sound in sounds]
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(i, size), "rgb24").reformat(
                format=pixels, src_color_range=2, dst_color_range=2 if full else 1, dst_colorspace=matrix
            )
            frame.pts, frame.time_base = (times[i] if times else i * STEPS), Fraction(1, RATE * STEPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for number, track in enumerate(tracks):
            for piece in _tone(frames / RATE, 220 * (number + 1), track):
                out.mux(track.encode(piece))
            out.mux(track.encode(None))
    return path


def _tone(seconds: float, pitch: float, track: Any) -> list[Any]:
    t = np.arange(round(seconds * 48_000)) / 48_000
    wave = np.tile(0.3 * np.sin(2 * np.pi * pitch * t), (2, 1)).astype(np.float32)
    whole = av.AudioFrame.from_ndarray(wave, "fltp", "stereo")
    whole.rate, whole.pts, whole.time_base = 48_000, 0, Fraction(1, 48_000)
    context = track.codec_context
    resampler = av.AudioResampler(context.format.name, "stereo", 48_000, context.frame_size or None)
    return [*resampler.resample(whole), *resampler.resample(None)]


def animation(path: Path, frames: int = 6, loop: int | None = 0, size: tuple[int, int] = (40, 56)) -> Path:
    """A GIF or WebP with a transparent hole that moves, frames of 40, 50, 60 ... milliseconds."""
    pictures = []
    for i in range(frames):
        alpha = np.full((*size, 1), 255, np.uint8)
        alpha[8:20, 4 + 5 * i : 16 + 5 * i] = 0
        pictures.append(Image.fromarray(np.concatenate([picture(i, size), alpha], axis=2)))
    extra: dict[str, Any] = {} if loop is None else {"loop": loop}
    extra |= {"disposal": 2} if path.suffix == ".gif" else {"lossless": True}
    lasts = [40 + 10 * i for i in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=lasts, **extra)
    return path


def packets(path: Path, number: int = 0) -> list[tuple[bytes, float]]:
    """The packets of a sound track, with their times in seconds."""
    with av.open(str(path)) as opened:
        demuxed = opened.demux(audio=number)
        return [(bytes(p), float((p.pts or 0) * (p.time_base or 0))) for p in demuxed if p.dts is not None]


def samples(path: Path, number: int = 0) -> NDArray[Any]:
    """The decoded samples of a sound track."""
    with av.open(str(path)) as opened:
        return np.concatenate([frame.to_ndarray() for frame in opened.decode(audio=number)], axis=1)
