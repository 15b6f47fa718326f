"""What a film that was made must show, found by decoding the file: length, cuts, sync, frames, loudness, last note.

Frames go by one after another, at a small size, so that memory holds none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
from numpy.typing import NDArray

_BLACK = 8.0  # mean of a frame's samples, 0 to 255, below which it is black
_SAME = (
    0.02  # mean difference of samples below which a frame is shown twice; motion of a hundredth of a pixel is more
)
_LOUDNESS = -16.0


@dataclass(frozen=True)
class Check:
    """Something that was promised, what was found, and whether that is it."""

    what: str
    promised: str
    found: str
    met: bool


def checks(file: Path, shots: list[dict[str, Any]], beats: list[float], seconds: float, fps: int) -> list[Check]:
    """All of them. shots: with `start`, `fade` and `transition`; beats: of the music; seconds: of the score."""
    changes, darkest, times = _frames(file)
    samples, rate, begins = _sound(file)
    frame, lasts = 1 / fps, len(times) / fps
    cuts = [shot["start"] for shot in shots[1:] if shot["transition"] == "cut"]
    seen = [_change(changes, at, fps) for at in cuts]
    late = max((abs(found / fps - at) for found, at in zip(seen, cuts, strict=True)), default=0.0)
    off = max((float(np.abs(np.array(beats) - found / fps).min()) for found in seen), default=0.0)
    ends = begins + len(samples) / rate
    apart = max(abs(begins - times[0]), abs(ends - lasts))
    loudness = float(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(float)))
    note, last = _last_note(samples, rate), shots[-1]["start"]
    still = int((changes < _SAME).sum())
    return [
        Check("length", "within a frame of the score's", f"{lasts - seconds:+.3f} s", abs(lasts - seconds) <= frame),
        Check("cuts", "within a frame of where they are meant", f"{late:.3f} s, {len(cuts)} cuts", late <= frame),
        Check("cuts on beats", "within a frame of a beat", f"{off:.3f} s", off <= frame + 1e-6),
        Check("sound and picture", "begin and end within a frame", f"{apart:.3f} s apart", apart <= frame),
        Check("black frames", "none", f"the darkest has a mean of {darkest:.0f}", darkest > _BLACK),
        Check("repeated frames", "none", str(still), still == 0),
        Check("loudness", f"{_LOUDNESS:g} LUFS +- 1", f"{loudness:.1f} LUFS", abs(loudness - _LOUDNESS) <= 1),
        Check("last note", "in the last shot", f"{note - last:+.2f} s after its beginning", note >= last - frame),
    ]


def _frames(file: Path) -> tuple[NDArray[np.float64], float, list[float]]:
    """How much each frame differs from the one before, the mean of the darkest, and when each is shown."""
    changes, times, darkest = [], [], 255.0
    before: Any = None
    with av.open(str(file)) as opened:
        stream = opened.streams.video[0]
        stream.thread_type = "AUTO"
        for decoded in opened.decode(stream):
            times.append(float(decoded.time or 0.0))
            now = decoded.to_ndarray(format="gray").astype(np.int16)
            darkest = min(darkest, float(now.mean()))
            if before is not None:
                changes.append(float(np.abs(now - before).mean()))
            before = now
    return np.array(changes), darkest, times


def _change(changes: NDArray[np.float64], at: float, fps: int) -> int:
    """The first frame of the new shot, looked for around the time."""
    first = max(0, round(at * fps) - 4)
    return first + int(changes[first : round(at * fps) + 4].argmax()) + 1


def _sound(file: Path) -> tuple[NDArray[np.float32], int, float]:
    """The sound as a player plays it, (n, 2), samples a second, and when it begins."""
    with av.open(str(file)) as opened:
        found: list[Any] = list(opened.decode(audio=0))
    parts = [each.to_ndarray() for each in found]
    planes = [p if p.shape[0] > 1 else p.reshape(-1, 2).T for p in parts]
    return np.concatenate(planes, axis=1).T.astype(np.float32), found[0].sample_rate, float(found[0].time)


def _last_note(samples: NDArray[np.float32], rate: int) -> float:
    """When the last sudden rise of the level is, in seconds."""
    step = rate // 50
    loud = np.abs(samples).max(axis=1)
    level = np.array([loud[i : i + step].max() for i in range(0, len(loud) - step, step)])
    rises = np.flatnonzero(level[1:] > 1.6 * level[:-1] + 0.02)
    return float((rises[-1] + 2) * step / rate) if len(rises) else 0.0
