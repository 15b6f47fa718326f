"""The beats of music that the user brings, as far as they can be heard: our own estimate, and how sure it is.

Libraries that do this better need far more than all of Flamingo (numba, or a deep-learning framework). This is the
method of Ellis 2007, "Beat tracking by dynamic programming": how much begins at each moment, the period at which that
repeats, and the sequence of beats that meets the most of it while keeping near the period. The last two steps are
those by which recordings are written down as notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.reading.recordings import _BEAT_RATE, _period, _track
from flamingo.composing.reading.sound_blocks import sound_blocks
from flamingo.errors import UnreadableMusic, show

__all__ = ["RATE", "Beats", "heard", "sound_of"]

RATE = 48_000
"""Samples a second of everything that is heard in a film."""

Samples = NDArray[np.float32]

_KINDS = "mp3,wav,w64,flac,ogg,aac,aiff,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_HOP = RATE // 100
_WINDOW = 2048
_BANDS = 24
_SURE, _HARDLY = 3.0, 1.8  # how much more begins on the beats than on the average moment


@dataclass(frozen=True)
class Beats:
    """times: seconds; first: which of the first four of them begins a bar; clear: how much more begins on the beats
    than on the average moment."""

    times: NDArray[Any]
    first: int
    clear: float

    @property
    def sentence(self) -> str:
        """How sure it is, for people."""
        gaps = np.diff(self.times)
        tempo = f"{60 / float(np.median(gaps)):.0f} beats a minute" if len(gaps) else "no beats"
        if self.clear >= _SURE:
            return f"the music was heard to have {tempo}, clearly"
        sure = "fairly sure" if self.clear >= _HARDLY else "far from sure: cuts may miss its beat"
        return f"the music was heard to have {tempo}; that is {sure}"


def sound_of(file: Path, longest: float) -> Samples:
    """The first `longest` seconds of a sound file, or of a film's sound: float32 (samples, 2) at 48,000 Hz. Raises
    UnreadableMusic."""
    name = show(file)
    if not file.is_file():
        raise UnreadableMusic(name, "there is no such file", "check the name")
    parts: list[NDArray[Any]] = []
    count, most = 0, round(longest * RATE)
    for block, _ in sound_blocks(file, name, rate=RATE, layout="stereo", kinds=_KINDS):
        parts.append(block)
        count += block.shape[1]
        if count >= most:
            break
    if count < RATE:
        raise UnreadableMusic(name, "it holds less than a second of sound", "give another file")
    return np.ascontiguousarray(np.concatenate(parts, axis=1)[:, :most].T)


def heard(samples: Samples) -> Beats:
    """The beats of (n, 2) samples at 48,000 Hz. Silence has none."""
    rises, low = _rises(samples.mean(axis=1))
    if not rises.any():
        return Beats(np.zeros(0), 0, 0.0)
    curve = rises / max(float(rises.std()), 1e-9)
    places = _track(curve, _period(curve))
    at = np.clip(np.round(places).astype(int), 0, len(curve) - 1)
    # What begins may lie a hundredth of a second beside the beat.
    near = np.stack([curve[np.clip(at + d, 0, len(curve) - 1)] for d in (-1, 0, 1)]).max(axis=0)
    clear = float(near.mean() / max(float(curve.mean()), 1e-9))
    # Bars of four begin where the most begins, low notes above all.
    accents = [float((rises + 2 * low)[at[first::4]].mean()) if len(at[first::4]) else 0.0 for first in range(4)]
    return Beats(places / _BEAT_RATE, int(np.argmax(accents)), clear)


def _rises(mono: Samples) -> tuple[Samples, Samples]:
    """How much begins at each hundredth of a second: the sum over bands of what each has become louder, in
    logarithms; and the same of the lowest bands alone."""
    window = np.hanning(_WINDOW).astype(np.float32)
    edges = np.unique(np.round(np.geomspace(2, _WINDOW // 4, _BANDS + 1)).astype(int))
    padded = np.pad(mono, (_WINDOW // 2, _WINDOW))
    many = len(mono) // _HOP
    levels = np.empty((many, len(edges) - 1), np.float32)
    for first in range(0, many, 1000):
        starts = np.arange(first, min(first + 1000, many)) * _HOP
        frames = padded[starts[:, None] + np.arange(_WINDOW)] * window
        power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
        levels[first : first + len(starts)] = np.log1p(np.add.reduceat(power, edges[:-1], axis=1) * 10)
    rise = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0)
    smooth = np.array([0.25, 0.5, 0.25], np.float32)
    return tuple(np.convolve(part.sum(axis=1), smooth, "same") for part in (rise, rise[:, :4]))  # type: ignore[return-value]
