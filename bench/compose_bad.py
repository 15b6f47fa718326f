"""Asks `flamingo compose` for what cannot be had, and counts what comes of it.

    python bench/compose_bad.py                      everything below, through the command line
    python bench/compose_bad.py --only MIDI          only what has this in its name
    python bench/compose_bad.py --seconds 30         a shorter patience

Each must end with status 1 or 2, exactly one line on standard error, no traceback, within the time limit, and must
leave the folder as it was: nothing written, nothing half written, what was there unharmed. Some are asked for what
is merely odd, which may also succeed. Anything else makes the exit status 1. All files are made on the spot.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from _report import Report

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 60.0
"""Patience with each: reading is bounded, and nothing is composed before all is checked."""

WIDE = 110
"""Characters of what was said that the table shows."""


@dataclass(frozen=True)
class Case:
    """One request. says: what its one line must hold. odd: it may also succeed."""

    name: str
    options: tuple[str, ...]
    says: str = ""
    odd: bool = False
    output: str | None = "out.mid"


@dataclass(frozen=True)
class Outcome:
    """What came of it. wrong: what is wrong with that, or ""."""

    name: str
    status: int
    seconds: float
    line: str
    wrong: str


def judge(case: Case, status: int, stderr: str, seconds: float, limit: float, changed: Sequence[str]) -> str:
    """What is wrong with an answer, or "". changed: names that are new, gone or different in the folder."""
    lines = stderr.strip().splitlines()
    if seconds > limit:
        return f"took more than {limit:.0f} s"
    if "Traceback" in stderr:
        return "a traceback"
    if "fault in Flamingo" in stderr:
        return "an error that nobody thought of"
    if case.odd and status == 0:
        asked = (case.output, f"{case.output}.json")  # its credentials lie beside it
        return "" if all(name in asked for name in changed) else f"left {', '.join(changed)}"
    if status not in (1, 2):
        return "succeeded" if status == 0 else f"exit status {status}"
    if len(lines) != 1:
        return f"{len(lines)} lines"
    if changed:
        return f"left {', '.join(changed)}"
    if case.says.lower() not in lines[0].lower():
        return f"does not say {case.says!r}"
    return ""


# ---------------------------------------------------------------------- files
def _variable(number: int) -> bytes:
    found = [number & 127]
    while number := number >> 7:
        found.append(number & 127 | 128)
    return bytes(reversed(found))


def midi(track: bytes, division: int = 480) -> bytes:
    """A MIDI file of one track."""
    body = track + b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, division) + b"MTrk" + struct.pack(">I", len(body)) + body


def scale(bpm_field: int = 500_000) -> bytes:
    """A track: a tempo, in microseconds a quarter note, and 32 quarter notes."""
    track = b"\x00\xff\x51\x03" + bpm_field.to_bytes(3, "big")
    for step in range(32):
        pitch = 60 + (0, 2, 4, 5, 7, 9, 11, 12)[step % 8]
        track += b"\x00\x90" + bytes((pitch, 80)) + _variable(480) + b"\x80" + bytes((pitch, 0))
    return track


def make_files(folder: Path) -> None:
    """Every file that a case needs."""
    import soundfile

    good = midi(scale())
    (folder / "good.mid").write_bytes(good)
    (folder / "empty.mid").write_bytes(b"")
    (folder / "noise.mid").write_bytes(np.random.default_rng(0).bytes(4000))
    (folder / "cut.mid").write_bytes(good[: len(good) // 2])
    (folder / "head.mid").write_bytes(good[:14])
    (folder / "no-notes.mid").write_bytes(midi(b""))
    (folder / "no-ticks.mid").write_bytes(midi(scale(), 0))
    (folder / "tempo-0.mid").write_bytes(midi(scale(0)))
    (folder / "tempo-60-million.mid").write_bytes(midi(scale(1)))
    (folder / "tempo-4.mid").write_bytes(midi(scale(0xFFFFFF)))
    # Ten million events are more bytes than are read; four million are not, and are more notes than are read.
    pair = b"\x01\x90\x3c\x40\x01\x3c\x00"
    (folder / "10-million-events.mid").write_bytes(midi(pair * 5_000_000))
    (folder / "4-million-events.mid").write_bytes(midi(b"\x01\x90\x3c\x40" + b"\x01\x3c\x00\x01\x3c\x40" * 2_000_000))
    (folder / "text.musicxml").write_text("this is no score")
    (folder / "lies.mp3").write_bytes(b"this is no sound" * 100)
    soundfile.write(folder / "silent.wav", np.zeros(22050 * 10, np.float32), 22050)
    soundfile.write(folder / "silent.mp3", np.zeros(22050 * 10, np.float32), 22050)
    with soundfile.SoundFile(folder / "3-hours.mp3", "w", 8000, 1) as file:
        for _ in range(3 * 60):
            file.write(np.zeros(8000 * 60, np.float32))
    (folder / "lies.sf2").write_bytes(b"RIFF" + struct.pack("<I", 4) + b"sfbkLIST")
    (folder / "text.sf2").write_text("this is no SoundFont")
    (folder / "there.mid").write_bytes(good)
    (folder / "a-folder.mid").mkdir()
    (folder / "composed").write_text("this is no folder")
    (folder / "locked").mkdir()
    (folder / "locked").chmod(0o500)


def cases() -> list[Case]:
    """Everything that is asked."""
    found = [
        Case(f"{text} seconds", ("--seconds", text), "seconds")
        for text in ("0", "-5", "1", "36000", "nan", "inf", "long")
    ]
    found += [
        Case("unknown persona", ("-p", "betoven"), "beethoven"),
        Case("no persona", ("-p", ""), "persona"),
        Case("mix: weight is no number", ("-p", "beethoven=much"), "weight"),
        Case("mix: weight below 0", ("-p", "beethoven=-1,mozart=2"), "weight"),
        Case("mix: weights all 0", ("-p", "beethoven=0,mozart=0"), "weight"),
        Case("mix: weight nan", ("-p", "beethoven=nan"), "weight"),
        Case("mix: one unknown", ("-p", "beethoven=.5,mozzart=.5"), "mozart"),
        Case("unknown key", ("--key", "H minor"), "key"),
        Case("unknown mood", ("--mood", "hapy"), "happy"),
        Case("mood twice", ("--mood", "happy", "--valence", "0.5"), "mood"),
        Case("valence 2", ("--valence", "2"), "valence"),
        Case("arousal nan", ("--arousal", "nan"), "arousal"),
        Case("tempo 0", ("--tempo", "0"), "tempo"),
        Case("tempo 1000000", ("--tempo", "1000000"), "tempo"),
        Case("slow tempo in a short piece", ("--tempo", "30", "--seconds", "4"), "tempo"),
        Case("metre 0/4", ("--metre", "0/4"), "metre"),
        Case("metre 24/1", ("--metre", "24/1"), "metre"),
        Case("unknown instrument", ("--instrument", "pianoo"), "piano"),
        Case("seed below 0", ("--seed", "-1"), "seed"),
        Case("0 variations", ("--variations", "0"), "variations"),
        Case("unknown option", ("--loud",), "--loud"),
    ]
    for name, what in (
        ("missing.mid", ""),
        ("empty.mid", ""),
        ("noise.mid", ""),
        ("cut.mid", ""),
        ("head.mid", ""),
        ("no-notes.mid", "no notes"),
        ("no-ticks.mid", ""),
        ("10-million-events.mid", ""),
        ("4-million-events.mid", "notes"),
        ("text.musicxml", ""),
        ("lies.mp3", ""),
        ("silent.wav", ""),
        ("silent.mp3", ""),
        ("3-hours.mp3", "minutes"),
        ("a-folder.mid", "folder"),
        ("text.sf2", ""),
    ):
        found.append(Case(f"continue {name}", ("--continue", name, "--seconds", "60"), what or name))
    found += [
        Case(f"continue {name}", ("--continue", name, "--seconds", "20"), "lasts", odd=True)
        for name in ("tempo-0.mid", "tempo-60-million.mid", "tempo-4.mid")
    ]
    found += [
        Case("continue what is too long", ("--continue", "good.mid", "--seconds", "8"), "lasts"),
        Case("SoundFont is missing", ("--soundfont", "missing.sf2"), "missing.sf2", output="out.mp3"),
        Case("SoundFont is text", ("--soundfont", "text.sf2"), "SoundFont", output="out.mp3"),
        Case("SoundFont is cut short", ("--soundfont", "lies.sf2", "--seconds", "4"), "lies.sf2", output="out.mp3"),
        Case("output exists", (), "exists", output="there.mid"),
        Case("output is a folder", (), "folder", output="a-folder.mid"),
        Case("output in no folder", (), "no folder", output="nowhere/out.mid"),
        Case("output in a locked folder", (), "", output="locked/out.mid"),
        Case("default folder is a file", (), "composed", output=None),
        Case("output of unknown kind", (), "suffix", output="out.doc"),
        Case("output without a kind", (), "suffix", output="out"),
        Case("output is the input", ("--continue", "good.mid", "--overwrite"), "input", output="good.mid"),
        Case("output with a name too long", (), "", output="x" * 300 + ".mid"),
    ]
    return found


# ---------------------------------------------------------------------- running
def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in folder.rglob("*")
        if not p.is_dir() or not any(p.iterdir())
    }


def ask(case: Case, folder: Path, limit: float) -> Outcome:
    """Run one and judge it; what it has left is taken away."""
    before = _state(folder)
    command = [sys.executable, "-m", "flamingo", "compose", *case.options]
    command += ["-o", case.output] if case.output else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit, check=False
        )
        status, said = done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        status, said = -9, ""
    seconds = time.perf_counter() - begun
    after = _state(folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    for name in after.keys() - before.keys():
        (folder / name).unlink(missing_ok=True)
    line = (said.strip().splitlines() or [""])[-1]
    over = seconds if status != -9 else limit + 1
    return Outcome(case.name, status, seconds, line, judge(case, status, said, over, limit, changed))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name holds it")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="patience (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    asked = parser.parse_args(arguments)
    outcomes = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_files(folder)
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        for case in cases():
            if asked.only and asked.only.lower() not in case.name.lower():
                continue
            if root and "locked" in case.name:  # nothing is locked for root
                continue
            outcomes.append(ask(case, folder, asked.seconds))
            print(f"{case.name}: {outcomes[-1].wrong or 'fine'}", file=sys.stderr, flush=True)
        (folder / "locked").chmod(0o700)
    report = Report()
    report.table(
        ["asked", "status", "s", "verdict", "said".ljust(WIDE)],
        # Tables are set flush right, but a sentence reads from the left.
        [[o.name, str(o.status), f"{o.seconds:.1f}", o.wrong or "fine", o.line[:WIDE].ljust(WIDE)] for o in outcomes],
    )
    bad = [o for o in outcomes if o.wrong]
    print(f"{len(outcomes) - len(bad)} of {len(outcomes)} as they should be")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(o) for o in outcomes], indent=1) + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
