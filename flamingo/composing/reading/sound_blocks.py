"""Sound out of any file that FFmpeg's libraries read: blocks of samples at one rate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import UnreadableMusic

__all__ = ["sound_blocks"]


def sound_blocks(
    source: Path | str | IO[bytes], name: str, *, rate: int, layout: Literal["mono", "stereo"], kinds: str
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """The first sound track as blocks of float32 (channels, n) in [-4, 4] at `rate`, each with the seconds that the
    file says it has (0 where it does not say).

    source: a file, or a binary file object open for reading; name: what messages call it. kinds: the demuxers that
    may open it, as FFmpeg names them: no playlist is among them, so nothing that a file points to is opened. A
    damaged packet costs its own sound, and a file that breaks off ends there. Raises UnreadableMusic for a file
    without sound, and where it cannot be opened at all.
    """
    import av
    import av.error
    import av.logging

    broken = (av.error.FFmpegError, ValueError, IndexError, EOFError)
    av.logging.set_level(None)
    options = {"format_whitelist": kinds}
    opens: Any = source
    if isinstance(source, (str, os.PathLike)):
        options["protocol_whitelist"] = "file"
        opens = f"file:{Path(source).absolute()}"
    decoded = False
    try:
        with av.open(opens, container_options=options, metadata_errors="replace") as opened:
            if not opened.streams.audio:
                raise UnreadableMusic(name, "there is no sound in it", "give another file")
            seconds = opened.duration / 1_000_000 if opened.duration else 0.0
            resampler = av.AudioResampler("fltp", layout, rate)
            for packet in opened.demux(audio=0):
                try:
                    frames = packet.decode()
                except (av.error.FFmpegError, ValueError):
                    continue
                for frame in frames:
                    for part in resampler.resample(frame):
                        decoded = True
                        yield np.clip(np.nan_to_num(part.to_ndarray()), -4, 4).astype(np.float32), seconds
    except broken:
        if not decoded:
            raise UnreadableMusic(
                name, "it is no music file that can be read", "give MP3, WAV, FLAC, Ogg or M4A"
            ) from None
