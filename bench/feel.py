"""Measures the mood model: how well it says what people say, how sure it may be, and whether its music follows it.

    python bench/feel.py --images OASIS_DIR --run runs/feel --run runs/feel2 --photos DIR --odd DIR
    python bench/feel.py --images OASIS_DIR --only folds --json feel.json

OASIS_DIR holds the photos that were rated and their table. RUN is the folder of `flamingo train feel`, which keeps
what each fold's model said of the photos it had not seen; without it the folds are trained anew (about an hour of one
core). DIR of --photos are photos that nothing was trained on here, --odd a folder of broken pictures. Fixed seeds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("FLAMINGO_THREADS", "1")  # one core is what is promised
# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from _report import Report
from numpy.typing import NDArray

import flamingo
from flamingo import images
from flamingo.errors import FlamingoError
from flamingo.images import Picture
from flamingo.mood.model import MoodModel
from flamingo.mood.valence_arousal import probabilities

Array = NDArray[Any]

SECTIONS = ("folds", "moods", "calibration", "gan", "speed", "invariance", "music", "odd")
AXES = ("valence", "arousal")
GOALS = {"valence": 0.75, "arousal": 0.75}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json, quick=asked.quick)
    begun = time.perf_counter()
    try:
        feeler = MoodModel()
        report.figures["run"] = {"model": feeler.version, "seed": asked.seed}
        report.say(f"feel {feeler.version}, seed {asked.seed}")
        unseen = _unseen(asked) if {"folds", "moods", "calibration"} & set(asked.only or SECTIONS) else None
        for name in SECTIONS:
            if asked.only and name not in asked.only:
                continue
            print(f"section {name}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
            globals()[f"_{name}"](report, asked, feeler, unseen)
            report.save()
    except FlamingoError as error:
        print(f"bench/feel.py: {error}", file=sys.stderr)
        return 1
    report.verdicts()
    report.say(f"{time.perf_counter() - begun:.0f} s in all")
    report.save()
    return 0


# -- what is said of photos that were not seen --------------------------------------------------------------


class Unseen:
    """Examples with what the folds' models said of them, by photo and by theme, and their distances."""

    def __init__(self, runs: Sequence[Path], folders: tuple[str, ...]) -> None:
        from flamingo.nn.checkpoint import Checkpoint
        from flamingo.train.mood import data
        from flamingo.train.mood.export import unseen_by
        from flamingo.train.mood.loop import CHECKPOINT

        saved = [Checkpoint.load(run / CHECKPOINT) for run in runs]
        self.examples = data.find(folders)
        self.targets = saved[0].tensors["targets"].numpy().astype(float)
        self.predicted = {way: unseen_by(saved, way) for way in ("photo", "theme")}
        self.recipe = saved[0].facts["sessions"][-1]["recipe"]


def _unseen(asked: argparse.Namespace) -> Unseen:
    runs = asked.run
    if not runs:
        from flamingo.train.mood.loop import train
        from flamingo.train.mood.recipe import FeelRecipe

        run = Path("runs/bench-feel")
        train(FeelRecipe(images=tuple(asked.images), out=str(run), budget=36_000, resume=run.exists()))
        runs = [run]
    return Unseen(runs, tuple(asked.images))


def _folds(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Unseen) -> None:
    report.heading("Pearson's r with people's ratings, photos not seen in training")
    rows, figures = [], {}
    probe = _probe(unseen, asked.seed)
    for name, found in {"ridge on the frozen backbone": probe, "shipped recipe": unseen.predicted}.items():
        for way, predicted in found.items():
            r = [float(np.corrcoef(predicted[:, i], unseen.targets[:, i])[0, 1]) for i in (0, 1)]
            low = [_interval(predicted[:, i], unseen.targets[:, i]) for i in (0, 1)]
            figures[f"{name}, folds of {way}s"] = dict(zip(AXES, r, strict=True))
            rows.append(
                [
                    f"{name}, folds of {way}s",
                    *(f"{x:.3f} ({a:.2f} to {b:.2f})" for x, (a, b) in zip(r, low, strict=True)),
                ]
            )
    rows += [["reported for this data: plain ridge probe", "0.63", "0.68"]]
    report.table(["10 folds, 95 % interval", *AXES], rows)
    report.figures["folds"] = figures
    for axis in AXES:
        r = figures["shipped recipe, folds of photos"][axis]
        report.goal(f"r of {axis}, 10-fold", f"at least {GOALS[axis]}", f"{r:.3f}", r >= GOALS[axis])


def _probe(unseen: Unseen, seed: int) -> dict[str, Array]:
    """The plain probe on the same folds: ridge regression on the backbone as it came."""
    import torch
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from flamingo.mood.preprocess import seen
    from flamingo.nn.efficientnet import pretrained
    from flamingo.train.mood import data

    net = pretrained(unseen.recipe["backbone"])
    with torch.no_grad():
        x = np.stack(
            [
                net(torch.from_numpy(seen(images.read(e.file), unseen.recipe["size"]))).mean((0, 2, 3)).numpy()
                for e in unseen.examples
            ]
        )
    found = {}
    for way in ("photo", "theme"):
        fold = data.folds_of(unseen.examples, unseen.recipe["folds"], seed, by_theme=way == "theme")
        predicted = np.zeros_like(unseen.targets)
        for k in range(unseen.recipe["folds"]):
            model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(2, 5, 10)))
            predicted[fold == k] = model.fit(x[fold != k], unseen.targets[fold != k]).predict(x[fold == k])
        found[way] = predicted
    return found


def _interval(a: Array, b: Array) -> tuple[float, float]:
    """95 % interval of r by Fisher's transformation."""
    z, half = np.arctanh(np.corrcoef(a, b)[0, 1]), 1.96 / np.sqrt(len(a) - 3)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def _as_shipped(feeler: MoodModel, points: Array) -> Array:
    """(n, 2): points as ranks, the plane on which words have their places."""
    table, ranks = feeler.facts["quantiles"], feeler.facts["ranks"]
    return np.stack([np.interp(points[:, i], table[i], ranks) for i in (0, 1)], 1)


def _moods(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Unseen) -> None:
    from flamingo.train.mood.moods import CLASSES, clear_cases

    report.heading("Happy, angry or sad, on photos that are clear cases and were not seen")
    labels = clear_cases(unseen.examples)
    clear = labels >= 0
    rows, figures = [], {}
    majority = float(np.bincount(labels[clear]).max() / clear.sum())
    for way, predicted in unseen.predicted.items():
        points = _as_shipped(feeler, predicted[clear])
        spread = (float(feeler.facts["spread"][0]), float(feeler.facts["spread"][1]))
        p = np.array([list(probabilities(v, a, spread, CLASSES).values()) for v, a in points.tolist()])
        right = p.argmax(1) == labels[clear]
        each = [float(right[labels[clear] == k].mean()) for k in range(3)]
        log_loss = float(-np.log(np.maximum(p[np.arange(len(p)), labels[clear]], 1e-9)).mean())
        figures[way] = {"accuracy": float(right.mean()), "each": each, "log loss": log_loss, "ece": _ece(p, right)}
        rows.append(
            [f"folds of {way}s", f"{right.mean():.1%}", f"{np.mean(each):.1%}", *(f"{x:.0%}" for x in each),
             f"{log_loss:.2f}", f"{_ece(p, right):.3f}"]
        )  # fmt: skip
    rows.append([f"always the most frequent ({clear.sum()} photos)", f"{majority:.1%}", "33.3%", *["-"] * 5])
    report.table(["", "accuracy", "mean of the three", *CLASSES, "log loss", "calibration error"], rows)
    report.figures["moods"] = {**figures, "majority": majority, "photos": int(clear.sum())}
    accuracy = figures["photo"]["accuracy"]
    report.goal("three moods on clear cases", "at least 85 %", f"{accuracy:.1%}", accuracy >= 0.85)


def _ece(p: Array, right: Array) -> float:
    """Expected calibration error over ten bins of confidence (Guo et al. 2017)."""
    confidence = p.max(1)
    bins = np.minimum((confidence * 10).astype(int), 9)
    return float(
        sum(abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))
    )


def _calibration(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Unseen) -> None:
    report.heading("How often the truth lies inside the interval that is stated, photos not seen")
    from statistics import NormalDist

    distances = np.array([feeler.feel(images.read(e.file)).distance for e in unseen.examples])
    rows, figures = [], {}
    for share in (0.5, 0.8, 0.95):
        wide = NormalDist().inv_cdf(0.5 + share / 2)
        cells = []
        for way, predicted in unseen.predicted.items():
            for i in (0, 1):
                base, slope = feeler.facts["sd"][i]
                sd = np.sqrt(base**2 + slope * np.maximum(distances - 1, 0))
                inside = float((np.abs(predicted[:, i] - unseen.targets[:, i]) <= wide * sd).mean())
                figures[f"{share:.0%} {AXES[i]} {way}"] = inside
                cells.append(f"{inside:.1%}")
        rows.append([f"{share:.0%}", *cells])
    report.table(["stated", *(f"{axis}, folds of {way}s" for way in unseen.predicted for axis in AXES)], rows)
    report.figures["calibration"] = figures


def _gan(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Unseen) -> None:
    import _feel_gan

    from flamingo.train.mood.data import find

    _feel_gan.compare(
        report, find(asked.images), Path("runs/feel-gan"), budget=asked.gan_budget, sheet=asked.gan_sheet
    )


# -- the shipped model at work ------------------------------------------------------------------------------


def _speed(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Any) -> None:
    report.heading("Milliseconds a photo, one thread")
    random = np.random.default_rng(asked.seed)
    rows, figures = [], {}
    for h, w in ((480, 640), (1080, 1920), (3000, 4000)):
        noise = random.random((h // 8, w // 8, 3), dtype=np.float32)
        picture = Picture(rgb=noise).resized(max(h, w))
        feeler.feel(picture)
        times = []
        for _ in range(7):
            begun = time.process_time()
            feeler.feel(picture)
            times.append(1000 * (time.process_time() - begun))
        figures[f"{w} x {h}"] = float(np.median(times))
        rows.append([f"{w} x {h}", f"{np.median(times):.0f}", f"{min(times):.0f}"])
    report.table(["decoded picture of", "median CPU ms", "least"], rows)
    report.figures["speed"] = figures
    worst = figures["640 x 480"]
    report.goal("CPU ms a photo on one core", "under 100", f"{worst:.0f}", worst < 100)


def _invariance(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Any) -> None:
    """How far the judgement moves when the photo is only stored, sized or cropped otherwise."""
    from flamingo.train.mood import data

    report.heading("How far the judgement moves (mean and largest change; its own error is about the stated sd)")
    examples = data.find(tuple(asked.images))
    random = np.random.default_rng(asked.seed)
    chosen = [examples[i].file for i in random.choice(len(examples), 40, replace=False)]
    ways = {
        "half the size": lambda p: p.resized(max(p.width, p.height) // 2),
        "four times the size": lambda p: p.resized(max(p.width, p.height) * 4),
        "JPEG of quality 50": lambda p: _stored(p, "x.jpg", 50),
        "WebP of quality 80": lambda p: _stored(p, "x.webp", 80),
        "PNG": lambda p: _stored(p, "x.png", 92),
        "2 % off each side": lambda p: _cropped(p, 0.02),
        "5 % off each side": lambda p: _cropped(p, 0.05),
        "10 % off each side": lambda p: _cropped(p, 0.10),
        "mirrored": lambda p: p.with_rgb(np.ascontiguousarray(p.rgb[:, ::-1])),
    }
    moved: dict[str, list[list[float]]] = {name: [] for name in ways}
    for file in chosen:
        picture = images.read(file)
        before = feeler.feel(picture)
        for name, way in ways.items():
            after = feeler.feel(way(picture))
            moved[name].append([abs(after.valence - before.valence), abs(after.arousal - before.arousal)])
    rows, figures = [], {}
    for name, changes in moved.items():
        array = np.array(changes)
        figures[name] = {"mean": array.mean(0).tolist(), "largest": array.max(0).tolist()}
        rows.append([name, *(f"{m:.3f} / {x:.3f}" for m, x in zip(array.mean(0), array.max(0), strict=True))])
    report.table(["40 photos", *AXES], rows)
    report.figures["invariance"] = figures


def _stored(picture: Picture, name: str, quality: int) -> Picture:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        images.write(picture, file, quality=quality)
        return images.read(file)


def _cropped(picture: Picture, share: float) -> Picture:
    h, w = round(picture.height * share), round(picture.width * share)
    return Picture(rgb=np.ascontiguousarray(picture.rgb[h : picture.height - h, w : picture.width - w]))


def _music(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Any) -> None:
    from scipy.stats import spearmanr

    report.heading("Photos and the music composed for them: what was felt, and what the music measures")
    if asked.photos is None:
        report.leave_out("music for photos: name photos that nothing was trained on with --photos")
        return
    found = images.pictures_in([asked.photos])
    random = np.random.default_rng(asked.seed)
    chosen = [found[i] for i in random.choice(len(found), min(asked.pieces, len(found)), replace=False)]
    names = [p["name"] for p in flamingo.personas() if not p["own"]]
    asked_for, measured = [], []
    for i, photo in enumerate(chosen):
        with tempfile.TemporaryDirectory() as folder:
            (piece,) = flamingo.compose(
                persona=names[i % len(names)], seconds=20, photo=(photo,), seed=asked.seed + i,
                output=Path(folder) / "piece.mid",
            )  # fmt: skip
        asked_for.append(feeler.feel(images.read(photo)).mood)
        measured.append(piece.mood)
    a, b = np.array(asked_for), np.array(measured)
    rows, figures = [], {}
    for i, (axis, goal) in enumerate((("valence", 0.5), ("arousal", 0.7))):
        rho = float(spearmanr(a[:, i], b[:, i]).statistic)
        figures[axis] = rho
        rows.append([axis, f"{rho:.2f}", f"{a[:, i].min():+.2f} to {a[:, i].max():+.2f}",
                     f"{b[:, i].min():+.2f} to {b[:, i].max():+.2f}"])  # fmt: skip
        report.goal(f"{axis} of photo and piece, Spearman", f"at least {goal}", f"{rho:.2f}", rho >= goal)
    report.table([f"{len(chosen)} photos, {len(names)} personas", "Spearman", "felt", "measured in the music"], rows)
    report.figures["music"] = {**figures, "felt": a.tolist(), "measured": b.tolist()}


def _odd(report: Report, asked: argparse.Namespace, feeler: MoodModel, unseen: Any) -> None:
    report.heading("Broken and odd pictures")
    if asked.odd is None:
        report.leave_out("odd pictures: name a folder of them with --odd")
        return
    files = sorted(f for f in asked.odd.rglob("*") if f.is_file())
    judged_well = refused = 0
    slow, faults = 0.0, []
    for file in files:
        begun = time.perf_counter()
        try:
            (found,) = flamingo.feel([file])
            judged_well += found.error is None
            refused += found.error is not None
            if found.error is not None and "\n" in str(found.error):
                faults.append(f"{file.name}: more than one line")
            if found.felt is not None and not np.isfinite([found.felt.valence, found.felt.arousal]).all():
                faults.append(f"{file.name}: not a number")
        except Exception as error:  # what must not happen is what is looked for
            faults.append(f"{file.name}: {type(error).__name__}")
        slow = max(slow, time.perf_counter() - begun)
    report.say(f"{len(files)} files: {judged_well} judged, {refused} refused in one line, {len(faults)} faults")
    for fault in faults[:10]:
        report.say(f"  {fault}")
    report.figures["odd"] = {"judged": judged_well, "refused": refused, "faults": faults, "slowest, s": slow}
    report.goal("odd pictures", "no fault", f"{len(faults)} faults", not faults)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--images", metavar="DIR", action="append", required=True, help="rated photos")
    add(
        "--run",
        type=Path,
        action="append",
        metavar="RUN",
        help="folder of `flamingo train feel`; the mean of several",
    )
    add("--photos", type=Path, metavar="DIR", help="photos to compose for")
    add("--odd", type=Path, metavar="DIR", help="broken pictures")
    add("--pieces", type=int, default=40, metavar="N", help="photos to compose for (default: %(default)s)")
    add("--gan-budget", type=float, default=240, metavar="S", help="seconds for each WGAN (default: %(default)s)")
    add("--gan-sheet", type=Path, metavar="FILE", help="write pictures of the first WGAN there, as JPEG")
    add("--only", choices=SECTIONS, action="append", help="this section alone (may be given again)")
    add("--seed", type=int, default=0, help="of everything that is drawn (default: %(default)s)")
    add("--quick", action="store_true", help="do not judge goals")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
