"""Samples as sound files."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest

Kind = Literal["wav", "mp3", "ogg", "flac"]

_PIECE = 4096  # frames to a write: libvorbis overflows its stack on long ones (xiph/vorbis#99)
_ENCODINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "wav": ("WAV", "PCM_16", {}),
    "flac": ("FLAC", "PCM_16", {}),
    # From 0, the best, to 1: LAME's V2, about 190 kbit/s for full music, and Vorbis' quality 6.
    "mp3": ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "VARIABLE", "compression_level": 0.2}),
    "ogg": ("OGG", "VORBIS", {"compression_level": 0.4}),
}


def encode(samples: NDArray[Any], rate: int, kind: Kind, tags: dict[str, str] | None = None) -> bytes:
    """A sound file: WAV and FLAC of 16 bits, MP3 at about 190 kbit/s, Ogg Vorbis at quality 6.

    samples: float (n,) or (n, channels) in [-1, 1]; beyond it they are clipped.
    tags: title, artist, album, comment, date, genre, copyright or tracknumber; empty ones are left out.

    Raises BadRequest for another kind or tag, or a rate that the kind does not have.
    """
    import soundfile

    if kind not in _ENCODINGS:
        raise BadRequest(f"the kind '{kind}'", "is no sound file written here", f"use one of {', '.join(_ENCODINGS)}")
    tag_names = ("title", "artist", "album", "comment", "date", "genre", "copyright", "tracknumber")
    strange = sorted(set(tags or {}) - set(tag_names))
    if strange:
        raise BadRequest(f"the tag '{strange[0]}'", "is not written here", f"use {', '.join(tag_names)}")
    container, subtype, options = _ENCODINGS[kind]
    frames = np.clip(np.asarray(samples, np.float32), -1, 1)
    frames = frames.reshape(len(frames), -1)
    buffer = BytesIO()
    try:
        with soundfile.SoundFile(buffer, "w", rate, frames.shape[1], subtype, format=container, **options) as file:
            for name, value in (tags or {}).items():
                if value:
                    setattr(file, name, value.encode("utf-8", "replace").decode("utf-8"))
            for first in range(0, len(frames), _PIECE):
                file.write(frames[first : first + _PIECE])
    except soundfile.LibsndfileError:
        raise BadRequest(f"{rate} samples a second", f"cannot be written as {kind}", "44100 can") from None
    return buffer.getvalue()
