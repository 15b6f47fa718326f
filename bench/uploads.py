"""Sends odd and damaged files to a studio, and counts what comes of each.

    python bench/uploads.py FOLDER                 1,200 pictures (those of the folder, and damaged copies) and 600
                                                   damaged MIDI files, to a server of its own
    python bench/uploads.py FOLDER --pictures 60 --music 30
    python bench/uploads.py FOLDER --json uploads.json

Each must be answered within 5 s, with a status below 500; afterwards the same workers must be there, and the server
must take a sound photo. Anything else makes the exit status 1. Nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
from _report import Report
from _studio import ROOT, studio
from bad_images import mutated, own_set

SECONDS = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    report.say(f"{os.cpu_count()} cores, load over 1, 5 and 15 minutes at the start {load}; seed {asked.seed}")
    with (
        tempfile.TemporaryDirectory(prefix="flamingo-uploads-") as folder,
        studio(Path(folder)) as (url, process),
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        before = http.get("/api/health").json()["workers"]
        send(report, http, "pictures", list(pictures(asked.folder, asked.pictures, asked.seed)))
        send(report, http, "MIDI files", list(music(asked.music, asked.seed)))
        photo = (ROOT / "docs" / "photos" / "chelsea.jpg").read_bytes()
        sound = http.post("/api/files", files={"file": photo}).status_code == 201
        after = http.get("/api/health").json()["workers"]
        whole = sound and before == after and process.poll() is None
        report.goal("server and workers afterwards", "all there", f"{after} of {before} workers", whole)
    report.verdicts()
    report.save()
    return 0 if all(goal.met for goal in report.goals) else 1


def send(report: Report, http: httpx.Client, what: str, files: Sequence[tuple[str, bytes]]) -> None:
    """All of them, one after another."""
    statuses: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    times, wrong = [], []
    with report.progress() as progress:
        for name, data in progress.track(files, description=what):
            begun = time.perf_counter()
            try:
                answer = http.post("/api/files", files={"file": (name, data)})
                status, text = answer.status_code, answer.text
            except httpx.HTTPError as error:
                status, text = 599, str(error)
            times.append(time.perf_counter() - begun)
            statuses[status] += 1
            if 400 <= status < 500:
                reasons[answer.json()["why"][:80]] += 1
            if status >= 500 or times[-1] > SECONDS:
                wrong.append(f"{name}: status {status} after {times[-1]:.1f} s: {text[:200]}")
    report.heading(f"{len(files):,} {what}")
    report.table(["status", "files"], [[str(status), str(count)] for status, count in sorted(statuses.items())])
    report.table(["why not", "files"], [[why, str(count)] for why, count in reasons.most_common(12)])
    slow = sorted(times)
    report.say(
        f"answered after {statistics.median(times) * 1000:.0f} ms (median), "
        f"{slow[int(0.95 * len(slow))] * 1000:.0f} ms (95 in 100), {slow[-1] * 1000:.0f} ms (slowest)"
    )
    for line in wrong[:20]:
        report.say(line)
    report.figures[what] = {
        "statuses": dict(statuses),
        "seconds": {"median": statistics.median(times), "most": slow[-1]},
    }
    report.goal(
        f"{what}, each answered", "within 5 s, below 500", f"{len(wrong)} not, slowest {slow[-1]:.2f} s", not wrong
    )
    report.save()


def pictures(folder: Path, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """The files of the folder and some of our own, then damaged copies of them in turn."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as own:
        own_set(Path(own))
        found = [
            (path.name, path.read_bytes())
            for place in (folder, Path(own))
            for path in sorted(place.rglob("*"))
            if path.is_file()
        ]
    yield from found[:count]
    small = [each for each in found if len(each[1]) < 3_000_000]
    for i in range(count - len(found)):
        name, data = small[i % len(small)]
        yield f"{i}-{name}", mutated(data, dice)


def music(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damaged MIDI files."""
    dice = random.Random(seed)
    for i in range(count):
        yield f"{i}.mid", mutated_midi(dice)


def mutated_midi(dice: random.Random | None) -> bytes:
    """A short piece as a MIDI file: four bars of 4/4, 8 s, with tempo, program, pedal; damaged if there are dice."""
    events = [
        (0, b"\xff\x51\x03\x07\xa1\x20"),
        (0, b"\xff\x58\x04\x04\x02\x18\x08"),
        (0, b"\xc0\x00"),
        (0, b"\xb0\x40\x7f"),
    ]
    for i in range(16):
        pitch = 60 + i * 5 % 13
        events += [(0, bytes((0x90, pitch, 80))), (480, bytes((0x80, pitch, 0)))]
    track = b"".join(_variable(delay) + event for delay, event in [*events, (0, b"\xff\x2f\x00")])
    whole = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track
    return whole if dice is None else whole[:4] + mutated(whole[4:], dice)


def _variable(number: int) -> bytes:
    found = [number & 127]
    while number := number >> 7:
        found.append(number & 127 | 128)
    return bytes(reversed(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Send odd and damaged files to a studio.")
    add = parser.add_argument
    add("folder", type=Path, help="folder of odd pictures")
    add("--pictures", type=int, default=1200, help="how many in all (default: %(default)s)")
    add("--music", type=int, default=600, help="how many MIDI files (default: %(default)s)")
    add("--seed", type=int, default=1)
    add("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
