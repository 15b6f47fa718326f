"""Recordings in: which notes are heard, where the beats are, and so a piece with bars, a key and the player's timing.

The notes are heard by the network of Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note
Transcription and Multipitch Estimation" (ICASSP 2022), which the package basic-pitch carries as an ONNX file. Only
that file is used: the package itself would bring TensorFlow. What the network says of every 11.6 ms (is there a note,
does one begin) is made into notes here, and beats are found by dynamic programming over their beginnings after Ellis,
"Beat Tracking by Dynamic Programming" (Journal of New Music Research 36, 2007).
"""

from __future__ import annotations

import importlib.metadata
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.key_estimation import find_key
from flamingo.composing.piece import BAR, NOTE, TEMPO, UNITS, Piece
from flamingo.composing.reading.sound_blocks import sound_blocks
from flamingo.errors import MissingExtra, MusicTooLarge, UnreadableMusic, UnsupportedMusic, show

__all__ = ["HEARD", "network_file", "sound_seconds", "transcribe"]

Array = NDArray[Any]
Progress = Callable[[float, float], None]

HEARD = np.dtype(
    [
        ("start", "f8"),  # seconds
        ("end", "f8"),
        ("pitch", "u1"),
        ("strength", "f4"),  # 0 to 1: how sure the network is of it
    ]
)
"""A note as it was heard, before there are beats."""

# Facts about the network.
_RATE = 22_050
_WINDOW = 43_844  # samples that it takes at once
_HOP = 256  # samples between its frames
_FRAMES = 172  # in a window
_MARGIN = 15  # frames at either end of a window that have heard too little around them
_STEP = _WINDOW - 2 * _MARGIN * _HOP
_LOWEST = 21  # MIDI number of the first of its 88 pitches
_INPUT = "serving_default_input_2:0"

# How its output is made into notes; chosen on renderings of piano pieces.
_ONSET = 0.5
_ATTACK = 0.5  # of sounding just after a beginning
_PLAIN = 1.45  # of beginning, sounding just after it, and its rise, together
_SOUNDING = 0.3
_GAP = 8  # frames below _SOUNDING that a note survives
_SHORTEST = 4  # frames
_CLEAR, _LONG = 0.5, 17  # of sounding without a beginning, and for how many frames
_LOUDNESS_RANGE = 40.0  # decibels from the loudest beginning down to velocity 25

# A voice, where one sounds.
_OVERTONES = (12, 19, 24, 28, 31)  # semitones
_WITH, _INSIDE = 0.3, 0.85  # of a note that sounds with a plainer one: with its overtone, and with any
_GLIDE = 0.09  # seconds that a note on the way lasts at most
_BREATH = 0.15  # seconds of silence after which a pitch begins anew
_DIP = 6.0  # decibels by which a voice fades between two notes of one pitch

_BEAT_RATE = 100.0  # Hz, of the curve in which beats are looked for
_USUAL_BPM = 110.0
_BPM_SPREAD = 0.8  # octaves
_TIGHTNESS = 400.0  # how dear a beat is that comes early or late

_BLOCK = 2**20  # samples read at once, of all channels together
_MOST_CHANNELS = 16


def network_file() -> Path:
    """The ONNX file inside the installed basic-pitch, which is not imported. Raises MissingExtra."""
    missing = MissingExtra.of("listening to recordings", "the network of basic-pitch", "recordings")
    try:
        distribution = importlib.metadata.distribution("basic-pitch")
    except importlib.metadata.PackageNotFoundError:
        raise missing from None
    file = Path(str(distribution.locate_file("basic_pitch/saved_models/icassp_2022/nmp.onnx")))
    if not file.is_file():
        raise missing
    return file


def transcribe(
    path: Path | str | IO[bytes],
    *,
    name: str = "",
    minutes: float = 30.0,
    on_progress: Progress | None = None,
    line: bool = False,
) -> Piece:
    """Listen to a recording and write down what was played, as an expressive piece in 4/4.

    Recordings are MP3, WAV, Ogg, Opus, FLAC, AIFF, M4A or AAC.

    path: a file, or a binary file object open for reading.
    name: what messages call it; the file's own name if empty.
    minutes: the longest recording that is listened to.
    on_progress: called with the seconds that have been heard, and all of them.
    line: whether it is one voice, hummed, whistled or sung: then one note sounds at a time.

    Raises UnreadableMusic (damaged, or no notes in it), MusicTooLarge, UnsupportedMusic or MissingExtra.
    """
    own = str(path) if isinstance(path, (str, os.PathLike)) else "the recording"
    name = show(name or own)
    network = network_file()
    heard, loudness = _listen(path, network, name, minutes, on_progress)
    if not len(heard):
        raise UnreadableMusic(name, "no notes were heard in it", "choose a recording of pitched instruments")
    heard = _one_voice(heard, loudness) if line else heard
    beats = _beats(heard)
    return _written(heard, _velocities(heard, loudness), beats, Path(own if own != "the recording" else name).stem)


# Sound ---------------------------------------------------------------------


def _samples(path: Path | str | IO[bytes], name: str, minutes: float) -> Iterator[tuple[Array, float]]:
    """Blocks of mono float32 samples at 22,050 Hz, each with the seconds that the whole recording says it has."""
    import soundfile
    from scipy.signal import resample_poly

    if _needs_av(path, name):
        yield from _samples_by_av(path, name, minutes)
        return

    damaged = UnreadableMusic(name, "it is not a whole recording of a known kind", "export it again")
    too_long = MusicTooLarge(name, f"it is longer than {minutes:g} minutes", "cut it into shorter files")
    try:
        with _silenced():
            opened = soundfile.SoundFile(path)
        with opened as sound:
            rate, channels, frames = int(sound.samplerate), int(sound.channels), int(sound.frames)
            if not 4_000 <= rate <= 768_000 or not 1 <= channels <= _MOST_CHANNELS:
                raise UnsupportedMusic(name, f"it has {channels} channels at {rate:,} Hz", "export it as stereo")
            if frames / rate > minutes * 60:
                raise too_long
            # A denominator of 2,000 at most keeps the filter short; the pitch is wrong by less than a cent then.
            ratio = Fraction(_RATE, rate).limit_denominator(2_000)
            up, down = ratio.numerator, ratio.denominator
            # Blocks overlap by more than the filter's reach, in whole periods of the ratio: no seam can be heard.
            edge = down * -(-(12 * max(up, down)) // (up * down))
            block = down * max(1, _BLOCK // channels // down)
            carried, at_start = np.zeros(0, np.float32), True
            samples_read = 0
            while True:
                with _silenced():
                    block_samples = sound.read(block, dtype="float32", always_2d=True).mean(axis=1)
                samples_read += len(block_samples)
                if samples_read / rate > minutes * 60:  # the header had not told the truth
                    raise too_long
                ended = len(block_samples) < block
                # Floats in a file may be anything; what is no number is silence.
                joined = np.concatenate((carried, np.clip(np.nan_to_num(block_samples, posinf=0, neginf=0), -4, 4)))
                out = joined if up == down else resample_poly(joined, up, down).astype(np.float32)
                left = 0 if at_start else edge * up // down
                keep = len(joined) - (0 if ended else edge)
                # The next block begins `edge` before what has been given out.
                yield out[left : len(out) if ended else keep * up // down], max(frames, samples_read) / rate
                if ended:
                    return
                carried, at_start = joined[keep - edge :], False
    except (OSError, ValueError, TypeError, MemoryError, RuntimeError):  # soundfile's own error is a RuntimeError
        raise damaged from None


def sound_seconds(recording: IO[bytes], name: str, minutes: float = 30.0) -> float:
    """How many seconds of sound can be decoded from an open M4A or AAC file, by its name. Raises UnreadableMusic, and
    MusicTooLarge beyond `minutes`."""
    return sum(len(samples) for samples, _ in _samples_by_av(recording, name, minutes)) / _RATE


_AV_SUFFIXES = (".m4a", ".aac")
"""What libsndfile does not read, AAC in MP4 or by itself: FFmpeg's libraries do."""


def _needs_av(path: Path | str | IO[bytes], name: str) -> bool:
    return Path(path if isinstance(path, (str, os.PathLike)) else name).suffix.lower() in _AV_SUFFIXES


def _samples_by_av(path: Path | str | IO[bytes], name: str, minutes: float) -> Iterator[tuple[Array, float]]:
    """The same as `_samples`, by FFmpeg's libraries."""
    samples_read = 0
    blocks = sound_blocks(path, name, rate=_RATE, layout="mono", kinds="aac,mov,mp4,m4a,3gp,3g2,mj2")
    for block, seconds in blocks:
        samples_read += block.shape[1]
        if samples_read > minutes * 60 * _RATE:
            raise MusicTooLarge(name, f"it is longer than {minutes:g} minutes", "cut it")
        yield block[0], max(seconds, samples_read / _RATE)
    if not samples_read:
        raise UnreadableMusic(name, "it is not a whole recording of a known kind", "export it again")


_silence = threading.Lock()


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing reaches the standard error meanwhile: the MP3 decoder writes there, past Python, what it dislikes."""
    with _silence:
        try:
            saved_stderr = os.dup(2)
        except OSError:  # there is none
            yield
            return
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 2)
            os.close(sink)
            yield
        finally:
            os.dup2(saved_stderr, 2)
            os.close(saved_stderr)


def _windows(blocks: Iterator[tuple[Array, float]]) -> Iterator[tuple[Array, float]]:
    """The network's windows, each overlapping the last by twice the margin, with silence before and after all."""
    waiting = np.zeros(_MARGIN * _HOP, np.float32)
    seconds = 0.0
    for samples, seconds in blocks:
        waiting = np.concatenate((waiting, samples))
        at = 0
        while len(waiting) - at >= _WINDOW:
            yield waiting[at : at + _WINDOW], seconds
            at += _STEP
        waiting = waiting[at:]
    while len(waiting) > _MARGIN * _HOP:
        yield np.pad(waiting[:_WINDOW], (0, max(0, _WINDOW - len(waiting)))), seconds
        waiting = waiting[_STEP:]


def _listen(
    path: Path | str | IO[bytes], network: Path, name: str, minutes: float, on_progress: Progress | None
) -> tuple[Array, Array]:
    """(n,) of HEARD, by start, and (2, f): seconds and loudness in decibels of every frame."""
    from flamingo.runtime import load

    inner = slice(_MARGIN, _FRAMES - _MARGIN)
    sounding, begins, times, levels = [], [], [], []
    hears = None
    for count, (window, seconds) in enumerate(_windows(_samples(path, name, minutes))):
        hears = hears or load(network)
        begin, sound, _ = hears.outputs(**{_INPUT: window[None, :, None]})
        sounding.append(sound[0, inner].astype(np.float16))
        begins.append(begin[0, inner].astype(np.float16))
        # A frame lies in the middle of what it hears; counted from the window's own start, which is not a whole
        # number of frames after that of the one before.
        frames = np.arange(_FRAMES)[inner]
        times.append((count * _STEP + (frames - _MARGIN) * _HOP) / _RATE)
        around = frames[:, None] * _HOP + np.arange(-_HOP, 3 * _HOP)
        power = np.mean(np.square(window[np.clip(around, 0, _WINDOW - 1)]), axis=1)
        levels.append(10 * np.log10(power + 1e-10))
        if on_progress:
            on_progress(min(float(times[-1][-1]), seconds), seconds)
    if not times:
        return np.zeros(0, HEARD), np.zeros((2, 0))
    if on_progress:
        on_progress(seconds, seconds)
    time = np.concatenate(times)
    return _notes(np.concatenate(begins), np.concatenate(sounding), time), np.stack((time, np.concatenate(levels)))


def _notes(begins: Array, sounding: Array, times: Array) -> Array:
    """Notes from (f, 88) of beginnings, (f, 88) of sounding, both 0 to 1, and (f,) seconds.

    A note begins at a peak of the beginnings that is borne out by what sounds after it: overtones have peaks, but
    sound faintly, and a string that is shaken again has peaks, but sounds no louder. It lasts until it has been below
    the threshold for some frames or the same pitch begins anew. What sounds clearly and long without a beginning, as
    a bowed note that swells may, is a note too.
    """
    notes: list[tuple[float, float, int, float]] = []
    for pitch in range(begins.shape[1]):
        onset, sound = begins[:, pitch].astype(np.float32), sounding[:, pitch].astype(np.float32)
        peaks = _peaks(onset, sound)
        on = sound >= _SOUNDING
        frames = np.arange(len(on))
        # For every frame, the last one up to it that sounds.
        last_on = np.maximum.accumulate(np.where(on, frames, -1))
        spans = []
        for peak, following in pairwise([*peaks.tolist(), len(on)]):
            silent = frames[peak:following] - np.maximum(last_on[peak:following], peak) > _GAP
            stop = peak + int(silent.argmax()) if silent.any() else following
            end = max(int(last_on[stop - 1]), peak) + 1
            if end - peak >= _SHORTEST:
                spans.append((peak, end))
        spans += _swells(sound, spans)
        for begin, end in spans:
            strength = float(sound[begin:end].mean())
            notes.append((times[begin], times[min(end, len(times) - 1)], _LOWEST + pitch, strength))
    return np.sort(np.array(notes, HEARD), order=("start", "pitch"))


def _peaks(onset: Array, sound: Array) -> Array:
    """Frames at which a note of one pitch begins."""
    padded = np.concatenate(([0.0], onset, [0.0]))
    peaks = np.flatnonzero((onset >= _ONSET) & (onset > padded[:-2]) & (onset >= padded[2:]))
    if not len(peaks):
        return peaks
    last = len(sound) - 1
    after = sound[np.minimum(peaks[:, None] + np.arange(1, 6), last)].mean(axis=1)
    before = sound[np.maximum(peaks[:, None] - np.arange(0, 5), 0)].min(axis=1)
    return np.asarray(peaks[(after >= _ATTACK) & (onset[peaks] + after + (after - before) >= _PLAIN)])


def _swells(sound: Array, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in which one pitch sounds clearly for long, outside those that are known."""
    clear = sound >= _CLEAR
    for begin, end in spans:
        clear[max(0, begin - _GAP) : end + _GAP] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([0], clear.astype(np.int8), [0]))))
    return [(int(b), int(e)) for b, e in edges.reshape(-1, 2) if e - b >= _LONG]


def _one_voice(heard: Array, loudness: Array) -> Array:
    """The notes of a voice. What sounds beside a plainer note is its overtone, or noise; what follows at the same
    pitch, without the voice having faded in between, is the same note, whose vibrato was heard as a beginning; and a
    short note on the way to its neighbour is a glide."""
    kept: list[Any] = []
    for note in heard[np.argsort(-heard["strength"] * (heard["end"] - heard["start"]), kind="stable")]:
        if not any(_beside(note, plainer) for plainer in kept):
            kept.append(note.copy())
    kept.sort(key=lambda note: float(note["start"]))
    line: list[Any] = []
    for note in kept:
        before = line[-1] if line else None
        if before is not None and before["pitch"] == note["pitch"] and not _faded(before, note, loudness):
            before["end"] = max(before["end"], note["end"])
            continue
        if before is not None:
            before["end"] = min(before["end"], note["start"])
            near = abs(int(before["pitch"]) - int(note["pitch"])) <= 2
            if near and before["end"] - before["start"] < _GLIDE and note["start"] - before["end"] < _GLIDE:
                line.pop()
                note["start"] = before["start"]
        line.append(note)
    return np.array([tuple(note) for note in line], HEARD)


def _beside(note: Any, plainer: Any) -> bool:
    """Whether a note sounds with a plainer one of which it is an overtone, or wholly inside it."""
    together = min(note["end"], plainer["end"]) - max(note["start"], plainer["start"])
    overtone = abs(int(note["pitch"]) - int(plainer["pitch"])) in _OVERTONES
    return bool(together > (_WITH if overtone else _INSIDE) * (note["end"] - note["start"]))


def _faded(before: Any, after: Any, loudness: Array) -> bool:
    """Whether a voice has faded between two notes of one pitch."""
    times, level = loudness
    if after["start"] - before["end"] > _BREATH:
        return True
    between = level[(times >= min(before["end"], after["start"]) - 0.06) & (times <= after["start"] + 0.03)]
    around = level[(times >= before["start"]) & (times <= after["end"])]
    return bool(len(between) and between.min() < np.median(around) - _DIP)


def _velocities(heard: Array, loudness: Array) -> Array:
    """(n,) 1 to 127: the loudness of the sound just after each note begins, against the loudest beginning, and a
    little of how plainly the note stands out in it."""
    frames = np.searchsorted(loudness[0], heard["start"] + 0.03)
    level = loudness[1][np.clip(frames, 0, loudness.shape[1] - 1)]
    below = np.clip(np.percentile(level, 98) - level, 0, _LOUDNESS_RANGE)
    plain = 20 * (heard["strength"] - np.median(heard["strength"]))
    return np.asarray(np.clip(np.round(105 - 80 * below / _LOUDNESS_RANGE + plain), 1, 127))


# Beats ---------------------------------------------------------------------


def _beats(heard: Array) -> Array:
    """(b,) seconds of the beats, from one at or before the first note to one after the last. At least two."""
    curve = _curve(heard)
    period = _period(curve)
    beats = _track(curve, period) / _BEAT_RATE
    usual = period / _BEAT_RATE
    first, last = float(heard["start"][0]), float(heard["start"][-1])
    before = usual * np.arange(max(0, int(np.ceil((beats[0] - first) / usual - 0.25))), 0, -1)
    after = usual * np.arange(1, 2 + max(0, int(np.ceil((last - beats[-1]) / usual))))
    return np.concatenate((beats[0] - before, beats, beats[-1] + after))


def _curve(heard: Array) -> Array:
    """How much begins at each hundredth of a second, smoothed, in multiples of its own spread."""
    size = int(heard["start"][-1] * _BEAT_RATE) + int(_BEAT_RATE)
    index = np.clip(np.round(heard["start"] * _BEAT_RATE).astype(int), 0, size - 1)
    # A low note marks the beat more than a high one.
    weight = heard["strength"] * np.where(heard["pitch"] < 55, 1.5, 1.0)
    curve = np.bincount(index, weight, size)
    # A chord of ten notes is an accent, but not ten.
    curve = np.sqrt(np.convolve(curve, np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2), "same"))
    return np.asarray(curve / max(float(curve.std()), 1e-9))


def _period(curve: Array) -> float:
    """Hundredths of a second in a beat: where the curve is likest itself, weighed by how usual the tempo is."""
    padded = np.zeros(1 << int(np.ceil(np.log2(2 * len(curve)))))
    padded[: len(curve)] = curve - curve.mean()
    likeness = np.fft.irfft(np.abs(np.fft.rfft(padded)) ** 2)[: len(curve)]
    slowest, fastest = 40.0, 220.0
    lags = np.arange(60 * _BEAT_RATE / fastest, 60 * _BEAT_RATE / slowest, 0.25)

    def at(lag: Array) -> Array:
        return np.interp(lag, np.arange(len(likeness)), likeness, right=0.0)

    # A beat is also made of halves, and makes up twos and fours.
    comb = at(lags) + 0.5 * at(2 * lags) + 0.25 * at(4 * lags) + 0.25 * at(lags / 2)
    prior = np.exp(-0.5 * (np.log2(60 * _BEAT_RATE / lags / _USUAL_BPM) / _BPM_SPREAD) ** 2)
    score = np.maximum(comb, 0) * prior
    return float(lags[score.argmax()]) if score.any() else 60 * _BEAT_RATE / _USUAL_BPM


def _track(curve: Array, period: float) -> Array:
    """Places of the beats in the curve: the sequence that meets the most of it while keeping near the period."""
    gaps = np.arange(max(1, round(period / 2)), round(period * 2) + 1)
    cost = -_TIGHTNESS * np.log(gaps / period) ** 2 / 4
    best = curve.copy()
    came = np.full(len(curve), -1)
    for frame in range(int(gaps[0]), len(curve)):
        usable = gaps[gaps <= frame]
        scores = best[frame - usable] + cost[: len(usable)]
        which = int(scores.argmax())
        if scores[which] > 0:
            best[frame] += scores[which]
            came[frame] = frame - usable[which]
    beats = [len(best) - 1 - int(best[-round(period) - 1 :][::-1].argmax())]
    while came[beats[-1]] >= 0:
        beats.append(int(came[beats[-1]]))
    return np.array(beats[::-1], np.float64)


# Notation ------------------------------------------------------------------


def _snapped(units: Array) -> Array:
    """The nearest sixteenth, or in beats that fit it far better the nearest triplet; what is near neither stays."""
    straight, triplet = (grid * np.round(units / grid) for grid in (6, 8))
    beat = np.floor((units + 2) / UNITS).astype(int)
    beat -= beat.min()
    off = [np.bincount(beat, np.abs(units - snapped)) for snapped in (straight, triplet)]
    chosen = np.where((off[1] < 0.5 * off[0] - 0.5)[beat], triplet, straight)
    return np.asarray(np.where(np.abs(units - chosen) <= 2.5, chosen, np.round(units)))


def _written(heard: Array, velocity: Array, beats: Array, title: str) -> Piece:
    """The piece: heard notes put on the grid of their beats."""
    numbers = np.arange(len(beats)) * float(UNITS)
    usual = float(np.median(np.diff(beats)))

    def units(seconds: Array) -> Array:
        inside = np.interp(seconds, beats, numbers)
        early, late = np.minimum(seconds - beats[0], 0), np.maximum(seconds - beats[-1], 0)
        return np.asarray(inside + (early + late) * UNITS / usual)

    start, end = _snapped(units(heard["start"])), units(heard["end"])
    # Four ways to lay bars of four beats: the one whose first beats are struck hardest, the bass above all.
    accent = velocity * np.where(heard["pitch"] < 55, 2.0, 1.0)
    on_beat = start % UNITS == 0
    phases = np.bincount((start[on_beat] // UNITS).astype(int) % 4, accent[on_beat], minlength=4)
    phase = int(phases.argmax())
    # The piece begins with the bar of the first note, which may lie before the first beat that was found.
    bar = 4 * UNITS
    origin = int(np.floor((start.min() - phase * UNITS) / bar)) * bar + phase * UNITS
    first = origin // UNITS
    earlier = beats[0] + usual * np.arange(min(first, 0), 0)
    beats = np.concatenate((earlier, beats[max(first, 0) :]))

    tempos = np.zeros(len(beats) - 1, TEMPO)
    tempos["start"] = np.arange(len(tempos)) * UNITS
    tempos["bpm"] = 60.0 / np.diff(beats)

    notes = np.zeros(len(heard), NOTE)
    notes["start"] = start - origin
    notes["duration"] = np.maximum(np.round((end - origin - notes["start"]) / 3) * 3, 3)
    notes["pitch"], notes["velocity"] = heard["pitch"], velocity
    # Snapping may put two of one pitch on one place: the plainer one stays.
    order = np.lexsort((-heard["strength"], notes["pitch"], notes["start"]))
    same = np.diff(notes["start"][order]) + np.diff(notes["pitch"][order].astype(int)) * 1_000_000 == 0
    retained = order[np.concatenate(([True], ~same))]
    notes, played = notes[retained], heard["start"][retained] - beats[0]

    bars = np.zeros(int(notes["start"].max()) // bar + 1, BAR)
    bars["start"] = np.arange(len(bars)) * bar
    bars["numerator"] = bars["denominator"] = 4
    piece = Piece.build(notes, bars, find_key(notes), tempos=tempos, title=title, expressive=True)
    notes["shift"] = played - piece.seconds(notes["start"])
    return Piece.build(notes, bars, piece.key, tempos=tempos, title=title, expressive=True)
