"""A piece as sound: played by a synthesizer from a SoundFont, brought to one loudness, and packed as a sound file.

    samples = render(piece)
    data = encode(samples, 44100, "mp3", {"title": piece.title})

Loudness is that of ITU-R BS.1770, in LUFS. Every piece comes out at -16, the usual for music that is streamed, with
no peak above -1 dB of full scale; a limiter that looks ahead holds down what would go higher.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Piece
from flamingo.composing.writing.midi import to_midi
from flamingo.errors import BadInput, BadRequest, FlamingoError, MissingExtra, show

__all__ = ["CEILING", "LOUDNESS", "check_soundfont", "describe_loudness", "encode", "render"]

Samples = NDArray[np.float32]
Kind = Literal["wav", "mp3", "ogg", "flac"]

LOUDNESS = -16.0
"""LUFS at which every piece comes out."""

CEILING = -1.0
"""dB of full scale that no peak goes above."""

_LONGEST_TAIL = 4.0  # seconds that are waited for the sound to die away
_FADE = 0.04  # seconds of fade when it has, so that nothing clicks
_LONG_FADE = 1.0  # and when it has not
_INAUDIBLE = 1e-3  # -60 dB of the loudest moment
_REACH = 0.05  # seconds that the limiter looks ahead and back: longer than a wave of the lowest note of a piano
_MOST_LIMITED = 12.0  # dB; a piece that would need more stays softer
_BLOCK = 0.4  # seconds over which loudness is measured
_VOLUMES = (127, 90, 64, 45)  # loud first, since the synthesizer has 16 bits; each next one is 6 dB softer
_SOFTEST = 10  # the velocity below which the synthesizer leaves notes out
_PIECE = 4096  # frames to a write: libvorbis overflows its stack on long ones (xiph/vorbis#99)

_HINT = "use a .sf2 file, or leave it out for the built-in sounds"
_ENCODINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "wav": ("WAV", "PCM_16", {}),
    "flac": ("FLAC", "PCM_16", {}),
    # From 0, the best, to 1: LAME's V2, about 190 kbit/s for full music, and Vorbis' quality 6.
    "mp3": ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "VARIABLE", "compression_level": 0.2}),
    "ogg": ("OGG", "VORBIS", {"compression_level": 0.4}),
}


def render(piece: Piece, *, soundfont: Path | None = None, rate: int = 44100) -> Samples:
    """The sound of a piece, float32 (samples, 2) within [-1, 1], from its beginning until the last note has rung out.

    soundfont: a SoundFont 2 file (.sf2); None is the General MIDI set that comes with the package.
    rate: samples a second.

    Loudness is -16 LUFS where at most 12 dB of limiting reach it. Without notes a piece is silence as long as its
    bars. Raises BadInput if the SoundFont cannot be used, MissingExtra if the built-in one is not installed.
    """
    font = _font(soundfont)
    if not len(piece.notes):
        return np.zeros((max(1, round(float(piece.seconds()) * rate)), 2), np.float32)
    samples, own_rate = _synthesized(piece, font, soundfont)
    samples = _rung_out(samples, own_rate, float(piece.played[1].max()))
    return levelled(_resampled(samples, own_rate, rate), rate)


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


def describe_loudness(samples: NDArray[Any], rate: int) -> dict[str, float]:
    """`lufs` (integrated loudness), `peak_dbfs` (between the samples too) and `seconds` of (n, channels) samples.

    Silence has -inf for the first two. What is shorter than 0.4 s, a block of the measure, counts as one block.
    """
    peak = float(_peaks(np.asarray(samples, np.float32)).max(initial=0.0))
    return {"lufs": _lufs(samples, rate), "peak_dbfs": _decibels(peak), "seconds": len(samples) / rate}


# The SoundFont ----------------------------------------------------------


def check_soundfont(path: Path | None) -> Path:
    """The SoundFont to use: the one given, or the built-in one for None.

    Raises BadInput if the file is missing or no SoundFont 2, MissingExtra if the built-in one is not installed.
    """
    if path is None:
        # The package is only looked up: importing it would take most of a second for the sake of one file in it.
        spec = importlib.util.find_spec("pretty_midi")
        path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else None
        if path is None or not path.is_file():
            raise MissingExtra(
                "sound",
                "needs the SoundFont in pretty_midi, which is not there",
                "pip install pretty_midi",
            )
        return path
    name = show(path)
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "it cannot be read").lower()
        raise BadInput(name, why, _HINT) from None
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise BadInput(name, "it is no SoundFont", _HINT)
    return path


def _font(path: Path | None) -> bytes:
    checked = check_soundfont(path)
    stat = checked.stat()
    return _read(checked, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int, size: int) -> bytes:
    """The bytes of a file, kept until another one, or another version of it, is asked for."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(show(path), (error.strerror or "it cannot be read").lower(), _HINT) from None


# From notes to samples ----------------------------------------------------------


def _synthesized(piece: Piece, font: bytes, path: Path | None) -> tuple[Samples, int]:
    """What the synthesizer plays, float32 (samples, 2), unclipped, and its rate; it goes on past the last note."""
    import soundfile

    notes = piece.notes.copy()
    notes["velocity"] = np.maximum(notes["velocity"], _SOFTEST)
    for volume in _VOLUMES:
        midi = to_midi(replace(piece, notes=notes), tail=_LONGEST_TAIL + 0.5, volume=volume)
        samples, rate = soundfile.read(BytesIO(_wave(font, midi, path)), dtype="float32", always_2d=True)
        if np.abs(samples).max(initial=0.0) < 0.999:
            break
    return np.asarray(samples, np.float32), int(rate)


def _wave(font: bytes, midi: bytes, path: Path | None) -> bytes:
    import midirenderer

    try:
        return bytes(midirenderer.render_wave_from(font, midi))
    except BaseException as error:
        # What is damaged deep inside a SoundFont ends in a Rust panic, which is a BaseException of its own kind.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = str(error).removeprefix("SoundFont error: ") or type(error).__name__
        raise _unusable(path, reason) from None


def _unusable(path: Path | None, reason: str) -> FlamingoError:
    name = "the built-in SoundFont" if path is None else show(path)
    return BadInput(name, f"it cannot be played ({reason})", _HINT if path else "reinstall pretty_midi")


def _rung_out(samples: Samples, rate: int, last: float) -> Samples:
    """Cut where the sound has died away after `last` (seconds at which the last note is let go), and faded there."""
    loud = np.abs(samples).max(axis=1)
    audible = np.flatnonzero(loud > _INAUDIBLE * loud.max(initial=0.0))
    end = max(int(audible[-1]) + 1 if len(audible) else 0, math.ceil(last * rate)) + round(_FADE * rate)
    longest = min(len(samples), round((last + _LONGEST_TAIL) * rate))
    fade = _FADE if end <= longest else _LONG_FADE
    trimmed = samples[: min(end, longest)].copy()
    count = min(len(trimmed), round(fade * rate))
    curve = np.cos(np.linspace(0, np.pi / 2, count)) ** 2
    trimmed[len(trimmed) - count :] *= curve[:, None].astype(np.float32)
    return trimmed


def _resampled(samples: Samples, rate: int, new_rate: int) -> Samples:
    if rate == new_rate:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, new_rate)
    # The window keeps what folds back 90 dB down; the default one would let -50 dB through.
    return np.asarray(
        resample_poly(samples, new_rate // common, rate // common, axis=0, window=("kaiser", 9.0)), np.float32
    )


# Loudness ----------------------------------------------------------


def levelled(samples: Samples, rate: int) -> Samples:
    """At the loudness wanted, or as near to it as the limiter may take it."""
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0:
        return samples
    samples = samples * np.float32(0.5 / loudest)  # the measure takes what is very soft for silence
    measured = _lufs(samples, rate)
    if not math.isfinite(measured):
        return samples
    ceiling = 10 ** (CEILING / 20)
    plain = 10 ** ((LOUDNESS - measured) / 20)
    if plain <= ceiling:  # the highest sample is 6 dB lower, and no wave between samples that far above it
        return np.asarray(samples * np.float32(plain), np.float32)
    peaks = _peaks(samples)
    highest = float(peaks.max())
    most = CEILING - _decibels(highest) + _MOST_LIMITED
    gain = min(LOUDNESS - measured, most)
    result = samples
    for _ in range(6):  # limiting takes loudness away, so the gain is raised by what is missing
        factor = 10 ** (gain / 20)
        if highest * factor <= ceiling:
            return np.asarray(samples * np.float32(factor), np.float32)
        curve = factor * _reduction(peaks * np.float32(factor), ceiling, rate)
        result = np.asarray(samples * curve[:, None], np.float32)
        missing = LOUDNESS - _lufs(result, rate)
        if abs(missing) < 0.1 or gain >= most:
            break
        gain = min(gain + missing, most)
    return result


def _reduction(peaks: Samples, ceiling: float, rate: int) -> Samples:
    """Factors (n,) that keep peaks (n,) at or under the ceiling, and that change more slowly than any wave.

    Each is an average of the factors needed nearby, each the smallest needed around its own place. The averages
    reach as far as the minima do, so that none is greater than what is needed in its place.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    reach = max(2, round(_REACH * rate) // 2 * 2)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks.astype(np.float64), 1e-9))
    least = minimum_filter1d(needed, 2 * reach + 1, mode="nearest")
    for _ in range(2):  # an average of averages has no corners
        least = uniform_filter1d(least, reach + 1, mode="nearest")
    return np.asarray(np.minimum(least, 1.0), np.float32)


def _peaks(samples: Samples) -> Samples:
    """The largest magnitude (n,) at each sample and at three places between it and the next, over the channels."""
    from scipy.signal import firwin

    peaks: Samples = np.asarray(np.abs(samples).max(axis=1, initial=0.0), np.float32)
    taps = (4 * firwin(4 * 12 + 1, 1 / 4, window=("kaiser", 6.0))).astype(np.float32)
    if not len(samples):
        return peaks
    for channel in samples.T:
        wave = np.ascontiguousarray(channel)
        for phase in (1, 2, 3):
            between = np.convolve(wave, taps[phase::4])[6 : 6 + len(wave)]  # the filter is 6 samples late
            np.maximum(peaks[: len(between)], np.abs(between), out=peaks[: len(between)])
    return peaks


def _lufs(samples: NDArray[Any], rate: int) -> float:
    import pyloudnorm

    if not len(samples) or not np.any(samples):
        return -math.inf
    # A sound shorter than a block is one block: filled up with silence it would count as softer than it is.
    block = min(_BLOCK, len(samples) / rate)
    with np.errstate(divide="ignore"):
        return float(pyloudnorm.Meter(rate, block_size=block).integrated_loudness(np.asarray(samples, np.float64)))


def _decibels(value: float) -> float:
    return 20 * math.log10(value) if value > 0 else -math.inf
