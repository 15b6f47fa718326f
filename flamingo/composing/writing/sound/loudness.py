"""Loudness as ITU-R BS.1770 measures it, in LUFS, and how a piece is brought to one.

No peak goes above -1 dB of full scale; a limiter that looks ahead holds down what would go higher.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

LOUDNESS = -16.0
"""LUFS at which a piece comes out where nothing else is asked for, the usual for music that is streamed."""

CEILING = -1.0
"""dB of full scale that no peak goes above."""

_REACH = 0.05  # seconds that the limiter looks ahead and back: longer than a wave of the lowest note of a piano
_MOST_LIMITED = 12.0  # dB; a piece that would need more stays softer
_BLOCK = 0.4  # seconds over which loudness is measured


def describe_loudness(samples: NDArray[Any], rate: int) -> dict[str, float]:
    """`lufs` (integrated loudness), `peak_dbfs` (between the samples too) and `seconds` of (n, channels) samples.

    Silence has -inf for the first two. What is shorter than 0.4 s, a block of the measure, counts as one block.
    """
    peak = float(_peaks(np.asarray(samples, np.float32)).max(initial=0.0))
    return {"lufs": _lufs(samples, rate), "peak_dbfs": _decibels(peak), "seconds": len(samples) / rate}


def levelled(samples: Samples, rate: int, loudness: float = LOUDNESS) -> Samples:
    """Samples (n, channels) at a loudness in LUFS, or as near to it as the limiter may take them."""
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0:
        return samples
    samples = samples * np.float32(0.5 / loudest)  # the measure takes what is very soft for silence
    measured = _lufs(samples, rate)
    if not math.isfinite(measured):
        return samples
    ceiling = 10 ** (CEILING / 20)
    plain = 10 ** ((loudness - measured) / 20)
    if plain <= ceiling:  # the highest sample is 6 dB lower, and no wave between samples that far above it
        return np.asarray(samples * np.float32(plain), np.float32)
    peaks = _peaks(samples)
    highest = float(peaks.max())
    most = CEILING - _decibels(highest) + _MOST_LIMITED
    gain = min(loudness - measured, most)
    result = samples
    for _ in range(6):  # limiting takes loudness away, so the gain is raised by what is missing
        factor = 10 ** (gain / 20)
        if highest * factor <= ceiling:
            return np.asarray(samples * np.float32(factor), np.float32)
        curve = factor * _reduction(peaks * np.float32(factor), ceiling, rate)
        result = np.asarray(samples * curve[:, None], np.float32)
        missing = loudness - _lufs(result, rate)
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
