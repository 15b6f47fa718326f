"""Instruments from a SoundFont, played by a synthesizer."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Piece
from flamingo.composing.writing.midi import to_midi
from flamingo.errors import BadInput, FlamingoError, MissingExtra, show

Samples = NDArray[np.float32]

_VOLUMES = (127, 90, 64, 45)  # loud first, since the synthesizer has 16 bits; each next one is 6 dB softer
_TAIL = 4.5  # seconds that it plays on
_SOFTEST = 10  # the velocity below which the synthesizer leaves notes out
_HINT = "use a .sf2 file, or leave it out for the built-in sounds"


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


def play(piece: Piece, path: Path | None) -> tuple[Samples, int]:
    """A piece from a SoundFont (None: the built-in one), float32 (samples, 2), unclipped, and its rate; it goes on
    past the last note. Raises BadInput, MissingExtra."""
    import soundfile

    font = _font(path)

    notes = piece.notes.copy()
    notes["velocity"] = np.maximum(notes["velocity"], _SOFTEST)
    for volume in _VOLUMES:
        midi = to_midi(replace(piece, notes=notes), tail=_TAIL, volume=volume)
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
