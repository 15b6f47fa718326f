"""The place in which music sounds: a short hall, the answer of a piano's strings, and how wide it is.

The hall is made of noise that dies away, high frequencies sooner, with a few early reflections (Moorer 1979, "About
this reverberation business"), and laid over the sound by convolution. It is always the same hall.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Array = NDArray[Any]

_LASTS = (1.5, 0.55)  # seconds in which low and high sounds die away by 60 dB
_BEFORE = 0.014  # seconds before the hall answers
_EARLY = 0.07  # seconds of single reflections
_WET = 0.9  # of the hall's energy to the sound's, with all of it
_LOW_CUT = 140.0  # Hz, below which a hall only booms
_STRINGS = 0.09  # how much all strings answer, against what is played
_STRINGS_LAST = 1.8  # seconds
_FOOT = 0.12  # seconds in which the dampers end the strings' answer


def in_room(samples: Samples, rate: int, amount: float) -> Samples:
    """Samples (n, 2) heard in the hall, longer by its length. amount: 0 is none, 1 is the last row."""
    if amount <= 0 or not len(samples):
        return samples
    from scipy.signal import oaconvolve

    answer = _hall(rate)
    wet = oaconvolve(samples, answer, axes=0)
    dry = np.zeros_like(wet)
    dry[: len(samples)] = samples
    return np.asarray(dry + np.float32(amount * _WET) * wet, np.float32)


def as_wide(samples: Samples, width: float) -> Samples:
    """Samples (n, 2) wider or narrower: 0 is one channel twice, 1 as they are, 2 twice as far apart."""
    if width == 1:
        return samples
    middle = samples.mean(axis=1, keepdims=True)
    return np.asarray(middle + np.float32(width) * (samples - middle), np.float32)


def resonance(samples: Samples, down: Array, up: Array, rate: int) -> Samples:
    """What all strings of a piano add to its sound (n, 2) while the pedal is down, from `down` to `up` seconds."""
    if not len(down):
        return np.zeros_like(samples)
    from scipy.signal import oaconvolve

    free = np.zeros(len(samples), np.float32)
    for begin, end in zip(down, up, strict=True):
        a, b = round(begin * rate), round(end * rate)
        free[a:b] = 1
        tail = np.exp(-np.arange(round(5 * _FOOT * rate), dtype=np.float32) / np.float32(_FOOT * rate))[
            : max(0, len(free) - b)
        ]
        free[b : b + len(tail)] = tail
    answer = oaconvolve(samples * free[:, None], _strings(rate), axes=0)[: len(samples)]
    return np.asarray(np.float32(_STRINGS) * answer * free[:, None], np.float32)


@lru_cache(maxsize=2)
def _hall(rate: int) -> Samples:
    random = np.random.default_rng(1979)
    tail = _dying_noise(random, rate, *_LASTS)
    early = round(_EARLY * rate)
    tail[:early] *= np.linspace(0, 1, early, dtype=np.float32)[:, None] ** 2
    for place in np.sort(random.uniform(0.004, _EARLY, 9)):
        tail[round(place * rate), int(random.integers(2))] += 0.09 * np.exp(-place / 0.05)
    tail = _without_lows(tail, rate)
    tail /= np.sqrt((tail**2).sum(axis=0, keepdims=True))
    return np.concatenate((np.zeros((round(_BEFORE * rate), 2), np.float32), tail)).astype(np.float32)


@lru_cache(maxsize=2)
def _strings(rate: int) -> Samples:
    """Strings begin to swing at once, and all of them differently."""
    answer = _without_lows(_dying_noise(np.random.default_rng(88), rate, _STRINGS_LAST, 0.35), rate)
    return np.asarray(answer / np.sqrt((answer**2).sum(axis=0, keepdims=True)), np.float32)


def _dying_noise(random: np.random.Generator, rate: int, low: float, high: float) -> Samples:
    """(n, 2) noise in bands of an octave, of which the lowest takes `low` seconds to fall by 60 dB, the highest
    `high`."""
    from scipy.signal import butter, sosfilt

    n = round(low * rate)
    time = np.arange(n) / rate
    edges = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
    edges = [edge for edge in edges if edge < 0.45 * rate]
    bounds = [None, *edges, None]
    total = np.zeros((n, 2))
    for band, (a, b) in enumerate(pairwise(bounds)):
        noise = random.normal(size=(n, 2))
        if a is None:
            shape = butter(2, b, "lowpass", fs=rate, output="sos")
        elif b is None:
            shape = butter(2, a, "highpass", fs=rate, output="sos")
        else:
            shape = butter(2, (a, b), "bandpass", fs=rate, output="sos")
        lasts = low * (high / low) ** (band / max(1, len(edges)))
        softer = 0.8**band  # air and walls take the highs
        total += softer * sosfilt(shape, noise, axis=0) * np.exp(-6.91 * time / lasts)[:, None]
    return np.asarray(total, np.float32)


def _without_lows(samples: Samples, rate: int) -> Samples:
    from scipy.signal import butter, sosfilt

    return np.asarray(sosfilt(butter(2, _LOW_CUT, "highpass", fs=rate, output="sos"), samples, axis=0), np.float32)
