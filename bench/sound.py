"""How the piano sounds: brightness by loudness, clicks, noise, width, tail, and how fast it is played.

    python bench/sound.py [--soundfont FILE] [--json FILE]

The sampled piano stands beside the piano of the General MIDI SoundFont that comes with Flamingo (or of --soundfont).
The piece whose playing is timed is the same chorale of broken chords for both; one thread, the best of three.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _report import Report
from numpy.typing import NDArray

from flamingo.composing.options import SoundOptions
from flamingo.composing.piece import BAR, NOTE, PEDAL, TEMPO, Key, Piece
from flamingo.composing.writing import sound

RATE = 44_100
VELOCITIES = (30, 64, 110)
KEYS = (36, 48, 60, 72, 84)


def struck(rows: list[tuple[int, int, int, int]], *, bars: int = 4, pedals: bool = False, bpm: float = 60) -> Piece:
    """A piece of (start, duration, pitch, velocity), in units of 24 to a quarter."""
    starts = np.arange(bars) * 96
    return Piece.build(
        np.array([(*row, 0, 0.0) for row in rows], NOTE),
        np.array([(s, 4, 4) for s in starts], BAR),
        Key(0),
        tempos=np.array([(0, bpm)], TEMPO),
        pedals=np.array([(s, s + 90) for s in starts] if pedals else [], PEDAL),
    )


def broken_chords(bars: int) -> Piece:
    """Sixteenths over held basses, with pedal: 18 notes a bar."""
    roots = (48, 45, 41, 43)
    rows = []
    for bar in range(bars):
        root = roots[bar % 4]
        rows += [(bar * 96, 96, root - 12, 70), (bar * 96, 96, root, 60)]
        for i in range(16):
            rows.append((bar * 96 + 6 * i, 6, root + (12, 16, 19, 24)[i % 4], 50 + 3 * (i % 8)))
    return struck(rows, bars=bars, pedals=True, bpm=96)


def centroid(samples: NDArray[np.float32]) -> float:
    power = (np.abs(np.fft.rfft(samples * np.hanning(len(samples))[:, None], axis=0)) ** 2).sum(axis=1)
    return float((power * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / power.sum())


def decibels(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10((samples.astype(float) ** 2).mean() + 1e-20))


def figures(how: SoundOptions) -> dict[str, float]:
    found: dict[str, float] = {}
    rising = 0
    for key in KEYS:
        middles = []
        for velocity in VELOCITIES:
            # A rest and a loud chord after it, so that all are brought to a like loudness.
            made = struck([(0, 48, key, velocity), (192, 24, 60, 100), (192, 24, 64, 100)])
            middles.append(centroid(sound.render(made, how, rate=RATE)[: 2 * RATE]))
        rising += all(a < b for a, b in pairwise(middles))
        if key == 60:
            found |= {f"centroid of middle C at {v}, Hz": m for v, m in zip(VELOCITIES, middles, strict=True)}
    found["keys of five that grow brighter"] = rising
    short = sound.render(struck([(0, 12, 60, 100)], bars=1), how, rate=RATE)
    found["sounds after the key is up, s"] = len(short) / RATE - 0.5
    found["last ten samples, dB"] = 20 * np.log10(float(np.abs(short[-10:]).max()) + 1e-12)
    held = sound.render(struck([(0, 384, 60, 80)]), how, rate=RATE)
    found["held for 4 s, then to now, dB"] = decibels(held[RATE * 3 : RATE * 4]) - decibels(held[:RATE])
    # A click is a step that neighbouring steps do not prepare: the second difference against its own usual size.
    inside = np.abs(np.diff(held[RATE // 2 : RATE * 7 // 2].mean(axis=1), 2))
    found["largest step against the usual one"] = float(inside.max() / np.sqrt((inside**2).mean()))
    made = broken_chords(24)
    both = sound.render(made, how, rate=RATE)
    found["likeness of left and right"] = float(np.corrcoef(both.T)[0, 1])
    level = sound.describe_loudness(both, RATE)
    found |= {"loudness, LUFS": level["lufs"], "peak, dBFS": level["peak_dbfs"]}
    best = min(_timed(made, how) for _ in range(3))
    found["times real time, one thread"] = float(made.seconds()) / best
    return found


def _timed(made: Piece, how: SoundOptions) -> float:
    begun = time.perf_counter()
    sound.render(made, how, rate=RATE)
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soundfont", type=Path, help="SoundFont beside ours (default: the built-in one)")
    parser.add_argument("--json", type=Path, help="file for all figures")
    choices = parser.parse_args()
    report = Report(choices.json)
    font = choices.soundfont or sound.check_soundfont(None)
    ways = {
        "samples": SoundOptions(),
        "samples, dry": SoundOptions(room=0),
        font.stem: SoundOptions(soundfont=font, room=0),
    }
    report.heading("The piano")
    found = {name: figures(how) for name, how in ways.items()}
    report.figures["sound"] = found
    rows = [[what, *(f"{found[name][what]:.2f}" for name in ways)] for what in found["samples"]]
    report.table(["figure", *ways], rows)
    ours = found["samples"]
    brighter = ours["keys of five that grow brighter"]
    report.goal("a key is brighter the harder it is struck", "5 of 5 keys", f"{brighter:g}", brighter == 5)
    speed = ours["times real time, one thread"]
    report.goal("real-time factor on one thread", ">= 20", f"{speed:.0f}", speed >= 20)
    report.verdicts()
    report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
