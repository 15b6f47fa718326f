"""From a piece to what is heard of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.options import SoundOptions
from flamingo.composing.piece import Piece
from flamingo.composing.writing.sound import piano, room, soundfonts
from flamingo.composing.writing.sound.loudness import levelled

Samples = NDArray[np.float32]

_LONGEST_TAIL = 4.0  # seconds that are waited for the sound to die away
_FADE = 0.04  # seconds of fade when it has, so that nothing clicks
_LONG_FADE = 1.0  # and when it has not
_INAUDIBLE = 1e-3  # -60 dB of the loudest moment
_PIANO = 0.5  # the sampled piano beside the SoundFont: as loud as its flute and a little softer than its violin


def render(piece: Piece, how: SoundOptions | None = None, *, rate: int = 44100) -> Samples:
    """The sound of a piece, float32 (samples, 2) within [-1, 1], from its beginning until the last note has rung out.

    Args:
        piece: the piece.
        how: SoundFont, room, width and loudness. Without a SoundFont a piano is played from samples of a grand piano,
            and other instruments from the General MIDI set that comes with the package.
        rate: samples a second.

    The loudness asked for is reached where at most 12 dB of limiting reach it. Without notes a piece is silence as
    long as its bars. Raises BadInput if the SoundFont cannot be used, MissingExtra if the built-in one is needed and
    not installed.
    """
    how = how or SoundOptions()
    if not len(piece.notes):
        return np.zeros((max(1, round(float(piece.seconds()) * rate)), 2), np.float32)
    samples, own_rate = _played(piece, how)
    samples = room.in_room(room.as_wide(samples, how.width), own_rate, how.room)
    samples = _rung_out(samples, own_rate, float(piece.played[1].max()))
    return levelled(_resampled(samples, own_rate, rate), rate, how.loudness)


def _played(piece: Piece, how: SoundOptions) -> tuple[Samples, int]:
    """All parts together, dry, float32 (samples, 2), and their rate."""
    own = np.array([part for part, program in enumerate(piece.programs) if program in piano.PROGRAMS])
    if how.soundfont is not None or not np.isin(piece.notes["part"], own).any():
        return soundfonts.play(piece, how.soundfont)
    samples, rate = piano.play(piece, own)
    others = ~np.isin(piece.notes["part"], own)
    if not others.any():
        return samples, rate
    rest, its_rate = soundfonts.play(replace(piece, notes=piece.notes[others]), None)
    rest = _resampled(rest, its_rate, rate)
    both = np.zeros((max(len(samples), len(rest)), 2), np.float32)
    both[: len(samples)] += np.float32(_PIANO) * samples
    both[: len(rest)] += rest
    return both, rate


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
