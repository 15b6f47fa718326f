"""Measures what credentials cost: bytes and time for each kind of file, and that no pixel and no sample changes.

    python bench/provenance.py [--json FILE] [--rounds N]

A photo of docs/photos in each format of pictures, and thirty seconds of music in each kind that is written. The key
is made in a temporary folder, so that this machine's own stays out of it. Times are medians of CPU time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from _report import Report

import flamingo
from flamingo import images, provenance
from flamingo.composing import writing
from flamingo.provenance import sidecar

ROOT = Path(__file__).resolve().parents[1]
PICTURES = (".jpg", ".png", ".webp", ".tif", ".bmp")
_PAINTED = provenance.Origin(
    "paint",
    {
        "photo_sha256": "0" * 64,
        "style": "starry-night",
        "strength": 0.8,
        "model": "fine",
        "model_version": "2026-11-21",
        "size": None,
        "quality": 92,
    },
    ("0" * 64,),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args(arguments)
    report = Report(asked.json)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        os.environ.pop("FLAMINGO_IDENTITY", None)
        os.environ.pop("FLAMINGO_CREDENTIALS", None)
        report.say(f"making a key: {_milliseconds(provenance.identity.load, 1)} ms of CPU time, once")
        rows = _pictures(Path(folder), asked.rounds) + _music(Path(folder), asked.rounds)
    report.table(
        ["kind", "file, KB", "more bytes", "sidecar, bytes", "adding, CPU ms", "verify, CPU ms", "content"], rows
    )
    report.figures["kinds"] = rows
    report.save()
    return 0


def _pictures(folder: Path, rounds: int) -> list[list[str]]:
    picture = images.read(ROOT / "docs" / "photos" / "astronaut.jpg")
    rows = []
    for suffix in PICTURES:
        plain, signed = folder / f"plain{suffix}", folder / f"signed{suffix}"
        images.write(picture, plain)
        images.write(picture, signed, origin=_PAINTED)
        same = np.array_equal(images.read(plain).rgb, images.read(signed).rgb)
        rows.append(_row(suffix, plain, signed, _PAINTED, same, rounds))
    return rows


def _music(folder: Path, rounds: int) -> list[list[str]]:
    (composed,) = flamingo.compose(persona="mozart", seconds=30, output=folder / "first.mid")
    origin = provenance.Origin("compose", {k: v for k, v in composed.recipe.items() if k != "soundfont"})
    rows = []
    for suffix in writing.KINDS:
        plain, signed = folder / f"piece{suffix}", folder / f"signed-piece{suffix}"
        writing.write(composed.piece, plain)
        writing.write(composed.piece, signed, origin=origin)
        rows.append(_row(suffix, plain, signed, origin, _sounds_the_same(plain, signed), rounds))
    return rows


def _sounds_the_same(plain: Path, signed: Path) -> bool | None:
    """Whether two sound files hold the same samples; None for other files."""
    import soundfile

    if plain.suffix not in (".wav", ".mp3", ".ogg", ".flac"):
        return None
    return np.array_equal(soundfile.read(plain)[0], soundfile.read(signed)[0])


def _row(
    suffix: str, plain: Path, signed: Path, origin: provenance.Origin, same: bool | None, rounds: int
) -> list[str]:
    data = plain.read_bytes()
    assert provenance.verify(signed).whole, suffix
    beside = sidecar.of(signed)
    return [
        suffix,
        f"{len(data) / 1000:,.0f}",
        f"{signed.stat().st_size - len(data):,}",
        f"{beside.stat().st_size:,}" if beside.exists() else "",
        _milliseconds(lambda: provenance.credit(data, suffix, origin), rounds),
        _milliseconds(lambda: provenance.verify(signed), rounds),
        {True: "the same", False: "CHANGED", None: ""}[same],
    ]


def _milliseconds(work: Callable[[], Any], rounds: int) -> str:
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return f"{statistics.median(times) * 1000:.1f}"


if __name__ == "__main__":
    sys.exit(main())
