"""What a film costs: seconds and memory by stage, and the same slideshow by moviepy beside it.

    python bench/film.py [--quick] [--photos N] [--seconds S] [--resolution LINES] [--megapixels M]
                         [--model fine fast] [--no-peer] [--json FILE]

50 photos of 12 megapixels, made by scaling our demo photos up and giving each other colours, become a 60 s film
of 1080 lines. Each run is a process of its own, whose largest resident memory is that of the kernel; that of each
stage is looked at twenty times a second. The film is decoded again to see whether it shows what was promised.
moviepy makes the same slideshow without painting or music: the same photos, seconds and size, each enlarged slowly;
it is installed into a folder of its own.

--quick: 4 photos of 0.3 megapixels, 6 s, 96 lines, no peer: it shows that this runs, and judges nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import psutil
from _film_checks import checks
from _report import Report

PHOTOS = Path(__file__).resolve().parents[1] / "docs" / "photos"
_MEMORY, _TOTAL = 1.5, 240.0  # GB and seconds that were promised
_LIMIT = 7200
_PEER = "moviepy==2.2.1"


def make_album(folder: Path, many: int, megapixels: float) -> None:
    """Different photos of that size, 3:2, every third upright."""
    sources = [cv2.imread(str(path)) for path in sorted(PHOTOS.glob("*.jpg"))]
    random = np.random.default_rng(0)
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    for i in range(many):
        size = (height, round(height * 1.5)) if i % 3 == 2 else (round(height * 1.5), height)
        picture: Any = cv2.resize(sources[i % len(sources)], size, interpolation=cv2.INTER_CUBIC)
        if i // len(sources) % 2:
            picture = picture[:, ::-1]
        # Grain and other colours, or they would count as blurred, and as shown already.
        grain = random.normal(0, 6, (*picture.shape[:2], 1)).astype(np.float32)
        picture = np.clip(picture * random.uniform(0.5, 1.0, 3).astype(np.float32) + grain, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:03d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


def our_film(folder: Path, seconds: float, resolution: int, model: str) -> dict[str, Any]:
    """In this process: what it took."""
    from flamingo.filming.api import film

    watch = Watch()
    begun = time.perf_counter()
    [made] = film(
        [folder], style="starry-night", model=model, seconds=seconds, resolution=resolution, keep_all=True,
        output=folder.parent / f"{model}.mp4",
    )  # fmt: skip
    took = time.perf_counter() - begun
    watch.end()
    board = made.storyboard
    assert made.file is not None
    shots = [{"start": shot.start, "transition": shot.transition} for shot in board.shots]
    found = checks(made.file, shots, list(made.beats), board.seconds, board.fps)
    return {
        "seconds": took,
        "stages": made.stages,
        "stages_gb": watch.most,
        "stages_cpu": watch.cpu,
        "lasts": board.seconds,
        "frames": board.frames,
        "megabytes": made.file.stat().st_size / 1e6,
        "shots": len(shots),
        "checks": [asdict(check) for check in found],
        "notes": list(made.notes),
        "gb": peak(),  # of making it, and not of looking at it
    }


class Watch:
    """Looks at the memory of this process and its children while a film is made. most: GB by stage; cpu: seconds."""

    def __init__(self) -> None:
        from flamingo.filming.progress import Stages

        self.most: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._stage, self._since, self._over = "", 0.0, threading.Event()
        begin = Stages.begin

        def begun(stages: Stages, stage: str) -> None:
            self._next(stage)
            begin(stages, stage)

        Stages.begin = begun  # type: ignore[method-assign]
        threading.Thread(target=self._look, daemon=True).start()

    def _next(self, stage: str) -> None:
        now = time.process_time()
        if self._stage:
            self.cpu[self._stage] = now - self._since
        self._stage, self._since = stage, now

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.05):
            held = 0
            for each in (me, *me.children(recursive=True)):
                with suppress(psutil.Error):
                    held += each.memory_info().rss
            if self._stage:
                self.most[self._stage] = max(self.most.get(self._stage, 0.0), held / 1e9)

    def end(self) -> None:
        self._next("")
        self._over.set()


def peak() -> float:
    """The largest resident memory of this process so far, and of its children, in GB."""
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage) * 1024 / 1e9


def peer_film(folder: Path, seconds: float, resolution: int) -> dict[str, Any]:
    """In this process, which can import moviepy."""
    from moviepy import ImageClip, concatenate_videoclips

    begun = time.perf_counter()
    files = sorted(folder.glob("*.jpg"))
    size = round(resolution * 16 / 9 / 2) * 2, resolution
    clips = []
    for file in files:
        clip = ImageClip(str(file), duration=seconds / len(files)).resized(width=size[0])
        clips.append(
            clip.resized(lambda t: 1 + 0.02 * t).cropped(
                x_center=clip.w / 2, y_center=clip.h / 2, width=size[0], height=size[1]
            )
        )
    concatenate_videoclips(clips).write_videofile(str(folder.parent / "peer.mp4"), fps=24, logger=None)
    return {"seconds": time.perf_counter() - begun}


def apart(arguments: list[str], path: str = "") -> dict[str, Any]:
    """Run this file in a process of its own; what it found, with its largest resident memory in GB."""
    import os

    environment = {**os.environ, **({"PYTHONPATH": path} if path else {})}
    command = [sys.executable, __file__, "--inner", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, env=environment, check=False)
    if run.returncode:
        return {"error": (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]}
    return dict(json.loads(run.stdout.strip().splitlines()[-1]))


def inner(kind: str, folder: str, seconds: str, resolution: str) -> None:
    found = (
        peer_film(Path(folder), float(seconds), int(resolution))
        if kind == "moviepy"
        else our_film(Path(folder), float(seconds), int(resolution), kind)
    )
    found.setdefault("gb", peak())
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--resolution", type=int, default=1080)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--model", nargs="+", default=["fast", "fine"], choices=["fast", "fine"])
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inner", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inner:
        inner(*given.inner)
        return
    report = Report(given.json, quick=given.quick)
    many, seconds, resolution, size = (
        (4, 6.0, 96, 0.3) if given.quick else (given.photos, given.seconds, given.resolution, given.megapixels)
    )
    models = given.model[:1] if given.quick else given.model
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "album"
        folder.mkdir()
        make_album(folder, many, size)
        report.heading(f"{many} photos of {size:g} megapixels to {seconds:g} s of {resolution} lines")
        rows = []
        for model in models:
            found = apart([model, str(folder), str(seconds), str(resolution)])
            report.figures[model] = found
            if "error" in found:
                report.leave_out(f"{model}: {found['error']}")
                continue
            stages = found["stages"]
            rows.append([model, *(f"{stages.get(s, 0):.1f}" for s in STAGES), f"{found['seconds']:.1f}"])
            cpu, most = found["stages_cpu"], found["stages_gb"]
            rows.append(["  CPU s", *(f"{cpu.get(s, 0):.1f}" for s in STAGES), f"{sum(cpu.values()):.1f}"])
            rows.append(["  peak GB", *(f"{most.get(s, 0):.2f}" for s in STAGES), f"{found['gb']:.2f}"])
            report.say(
                f"{model}: {found['shots']} shots, {found['frames']} frames, {found['megabytes']:.1f} MB; rendering "
                f"{found['frames'] / stages['render']:.1f} frames a second, "
                f"{1000 * cpu['render'] / found['frames']:.0f} ms of CPU each"
            )
            for note in found["notes"]:
                report.say(f"  {note}")
            took, rendered, gb = found["seconds"], stages["render"], found["gb"]
            report.goal(f"{model}: all of it", f"<= {_TOTAL:g} s", f"{took:.0f} s", took <= _TOTAL)
            report.goal(
                f"{model}: rendering", "faster than real time", f"{rendered:.0f} s", rendered <= found["lasts"]
            )
            report.goal(f"{model}: memory", f"<= {_MEMORY:g} GB", f"{gb:.2f} GB", gb <= _MEMORY)
            for check in found["checks"]:
                report.goal(f"{model}: {check['what']}", check["promised"], check["found"], check["met"])
        if given.no_peer or given.quick:
            report.leave_out("moviepy: not asked for")
        else:
            there = Path(name) / "peer"
            command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(there), _PEER]
            subprocess.run(command, check=False, timeout=_LIMIT)
            found = apart(["moviepy", str(folder), str(seconds), str(resolution)], str(there))
            report.figures["moviepy"] = found
            if "error" in found:
                report.leave_out(f"moviepy: {found['error']}")
            else:
                rows.append(
                    [
                        "moviepy, without painting and music",
                        *[""] * len(STAGES),
                        f"{found['seconds']:.1f}",
                    ]
                )
                rows.append(["  peak GB", *[""] * len(STAGES), f"{found['gb']:.2f}"])
        report.table(["", *STAGES, "all"], rows)
    report.verdicts()
    report.save()


STAGES = ("look", "compose", "paint", "render", "finish")


if __name__ == "__main__":
    main()
