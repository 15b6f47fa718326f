"""What large pictures cost: peak memory and seconds at 2, 12, 48 and 100 megapixels, whether tiles leave seams, and
how far the tiled picture is from the untiled one at 12 megapixels.

    python bench/large.py [--megapixels N ...] [--model fast|fine] [--untiled MP] [--json FILE]
    python bench/large.py --method patches [--megapixels N ...] [--painting FILE]

Each size is painted in a process of its own that reads a JPEG file and writes a JPEG file, by strips. The memory is
the largest sum of the resident sets of this process and the helper that decodes, shared pages counted once; the
seconds are processor time, the one figure to trust on a busy machine, and wall time. The photo is a bundled one,
enlarged, with the grain of a sensor.

The untiled picture is painted by the same network in one piece: with the same means and variances, which the tiles
must match, and with its own, which shows what measuring them on a thumbnail changes. The seam ratio is the mean error
against it on the lines where tiles meet, over that on both sides of them, up to 24 pixels away.

With --method patches the photo is rebuilt from patches of a named style's painting, or of a file, instead.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
from _contestant import cpu_seconds
from _pictures import sized
from _report import Report
from PIL import Image

import flamingo
from flamingo.images import resample, streaming
from flamingo.painting import styles, tiles
from flamingo.painting.large import Job, strips
from flamingo.painting.painter import Painter
from flamingo.painting.regions import Regions

SIZES = {2: (2048, 1422), 12: (4243, 2828), 48: (8485, 5657), 100: (12_248, 8165)}
_LIMITS = {"painter": {2: 700e6, 100: 1.5e9}, "patches": {12: 1.5e9, 48: 1.5e9, 100: 1.5e9}}
_MOST_CPU = {"painter": {}, "patches": {12: 240.0}}  # seconds
_STYLE = "starry-night"
_SEAM, _FLOOR = 1.05, 1e-4


def photo(width: int, height: int, file: Path) -> Path:
    """A large JPEG file: a bundled photo enlarged in strips, with grain."""
    small = sized(1024, round(1024 * height / width))
    random = np.random.default_rng(0)
    canvas = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, 256):
        rows = min(256, height - top)
        strip = resample.window(small, (height, width), top, 0, rows, width, "cubic")
        strip += random.normal(0, 0.015, strip.shape).astype(np.float32)
        canvas[top : top + rows] = np.clip(strip, 0, 1) * 255 + 0.5
    Image.fromarray(canvas).save(file, quality=92)
    return file


class Watch(threading.Thread):
    """The largest memory of this process and its children together, looked at 20 times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.own, self._ended = 0, 0, threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.05):
            try:
                own = me.memory_info().rss
                children = sum(c.memory_full_info().uss for c in me.children(recursive=True))
            except psutil.Error:
                continue
            self.own, self.peak = max(self.own, own), max(self.peak, own + children)

    def finish(self) -> None:
        self._ended.set()
        self.join()


def turn(source: Path, target: Path, how: argparse.Namespace) -> dict[str, Any]:
    """Paint one file, in this process."""
    watch = Watch()
    watch.start()
    begun, cpu = time.perf_counter(), cpu_seconds()
    (by_patches if how.method == "patches" else by_painter)(source, target, how)
    found = {"wall_s": time.perf_counter() - begun, "cpu_s": cpu_seconds() - cpu}
    watch.finish()
    return {**found, "peak_mb": watch.peak / 1e6, "own_mb": watch.own / 1e6}


def by_patches(source: Path, target: Path, how: argparse.Namespace) -> None:
    styles = {"painting": how.painting} if how.painting else {"style": _STYLE}
    (result,) = flamingo.paint([source], output=target, method="patches", overwrite=True, **styles)
    if result.error is not None:
        raise result.error


def by_painter(source: Path, target: Path, how: argparse.Namespace) -> None:
    model = how.model
    painter, vector = Painter(model), styles.vector(_STYLE, 1.0, model)  # type: ignore[arg-type]
    canvas = streaming.read(source)
    painted = painter.paint_strips(canvas.rows, canvas.height, canvas.width, vector[None])
    canvas.paint_over(painted, behind=tiles.HALO)
    streaming.write(canvas, target)


def sizes(report: Report, asked: argparse.Namespace, folder: Path) -> None:
    report.heading("Memory and time, from JPEG file to JPEG file")
    rows = []
    for megapixels in asked.megapixels:
        width, height = SIZES[megapixels]
        source = photo(width, height, folder / f"{megapixels}.jpg")
        command = [sys.executable, __file__, "--turn", str(source), str(folder / "painted.jpg")]
        command += ["--model", asked.model, "--method", asked.method]
        command += ["--painting", str(asked.painting)] if asked.painting else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        (folder / "painted.jpg").unlink(missing_ok=True)
        if done.returncode:
            report.leave_out(f"{megapixels} MP: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
            continue
        found = json.loads(done.stdout.strip().splitlines()[-1])
        report.figures.setdefault("sizes", {})[str(megapixels)] = found
        values = (found["peak_mb"], found["own_mb"], found["cpu_s"], found["wall_s"])
        rows.append([f"{width} x {height}", *(f"{value:.0f}" for value in values)])
        report.say(f"{megapixels} MP: {found['peak_mb']:.0f} MB, {found['cpu_s']:.0f} CPU s")
        if limit := _LIMITS[asked.method].get(megapixels):
            met = found["peak_mb"] * 1e6 <= limit
            report.goal(f"memory at {megapixels} MP", f"<= {limit / 1e6:.0f} MB", f"{found['peak_mb']:.0f} MB", met)
        if seconds := _MOST_CPU[asked.method].get(megapixels):
            cpu = found["cpu_s"]
            report.goal(f"CPU seconds at {megapixels} MP", f"<= {seconds:.0f}", f"{cpu:.0f}", cpu <= seconds)
        report.save()
    report.table(["pixels", "peak MB", "without helper", "CPU s", "wall s"], rows)


def seams(report: Report, model: str, megapixels: float) -> None:
    """The tiled picture against the untiled one."""
    report.heading(f"Tiles against the untiled picture at {megapixels:g} megapixels")
    width = round(math.sqrt(megapixels * 1e6 * 1.5) / 4) * 4
    height = round(width / 1.5 / 4) * 4
    with tempfile.TemporaryDirectory() as folder:
        rgb = streaming.read(photo(width, height, Path(folder) / "photo.jpg"), trusted=True).rows(0, height)
    painter = Painter(model)  # type: ignore[arg-type]
    vector = styles.vector(_STYLE, 1.0, model)
    found: dict[str, float] = {}
    grid = tiles.grid
    for name, stroke in (("strokes of the picture's size", 1.0), ("strokes of the network's size", None)):
        job = Job(lambda top, bottom: rgb[top:bottom], (height, width), Regions(vector[None]), stroke)
        tiled = np.concatenate(list(strips(painter.networks, job)))
        with mock.patch.object(tiles, "grid", lambda height, width, _largest: grid(height, width, 1 << 40)):
            whole = np.concatenate(list(strips(painter.networks, job)))
        decibels, seam = psnr(tiled, whole), seam_ratio(tiled, whole, tiles.LARGEST[model])
        report.say(f"{name}: {decibels:.1f} dB, seam ratio {seam:.3f}")
        found |= {f"{name}, dB": decibels, f"{name}, seam": seam}
        report.goal(f"seam ratio, {name}", f"<= {_SEAM}", f"{seam:.3f}", seam <= _SEAM)
        if stroke is None:
            own = painter.paint_vector(rgb, vector)
            decibels = psnr(tiled, own)
            found["own statistics, dB"] = decibels
            report.say(f"against its own means and variances: {decibels:.1f} dB")
    report.figures["seams"] = found
    report.save()


def psnr(a: Any, b: Any) -> float:
    return float(-10 * np.log10(max(float(np.mean((a - b) ** 2)), 1e-12)))


def seam_ratio(tiled: Any, whole: Any, largest: int) -> float:
    error = np.abs(tiled - whole).mean(axis=2) + _FLOOR  # a 40th of a grey level: rounding has no seam
    rows, columns = tiles.grid(*error.shape, largest)
    masks = []
    for reach in (1, 24):
        near = np.zeros(error.shape, bool)
        for span in rows[1:]:
            near[span.keep_start - reach : span.keep_start + reach] = True
        for span in columns[1:]:
            near[:, span.keep_start - reach : span.keep_start + reach] = True
        masks.append(near)
    on, around = masks
    return float(error[on].mean() / error[around & ~on].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--megapixels", type=int, nargs="*", choices=list(SIZES), default=list(SIZES), help="sizes (default: all)")
    add("--model", default="fine", choices=("fast", "fine"))
    add("--method", default="painter", choices=("painter", "patches"))
    add("--painting", type=Path, metavar="FILE", help="to take patches from (default: that of a named style)")
    add("--untiled", type=float, default=12.0, metavar="MP", help="compare with the untiled picture (0: do not)")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--turn", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.turn:
        print(json.dumps(turn(*asked.turn, asked)))
        return
    report = Report(asked.json)
    with tempfile.TemporaryDirectory() as folder:
        sizes(report, asked, Path(folder))
    if asked.untiled and asked.method == "painter":
        seams(report, asked.model, asked.untiled)
    report.verdicts()
    report.save()


if __name__ == "__main__":
    main()
