"""Whether invented pictures help to tell moods: a WGAN-GP beside ordinary augmentation, the same budget for all.

    python bench/_feel_gan.py --images DIR                      five seeds, four minutes of training each
    python bench/_feel_gan.py --images DIR --sheet sheet.jpg    and pictures of the first
    python bench/_feel_gan.py --images DIR --budget 10s --steps 3 --runs quick     to see that it works

Clear cases of three moods (flamingo/train/mood/moods.py) are told from the features of EfficientNet-Lite0, as
ImageNet left it, by a linear layer. Seed s holds out the s-th fifth of the themes and learns from the rest: so does
its GAN. Tested is on real photos alone, each in one of the five. All four ways see equally many samples in equally
many steps, drawn from the same photos in the same order: as they are; or one of their augmented views; and then half
of them replaced by invented pictures of the same mood. The weight decay of each comes from an inner cross-validation
by themes (whose folds the GAN has seen, which can only mislead the two ways that use it).

Invented pictures have 64 pixels a side, which a network can tell from a photo at once. So everything is measured
twice: on photos as they are, and on photos made as coarse as the invented ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
import torch.nn.functional as F
from _feel_gan_ways import INNER, SIZE, WAYS, Samples, features, real_features, right
from _report import Report
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import stats
from torch import Tensor

from flamingo.errors import BadRequest, FlamingoError
from flamingo.nn.efficientnet import pretrained
from flamingo.train.budget import seconds
from flamingo.train.mood import gan
from flamingo.train.mood.data import Example, find, folds_of
from flamingo.train.mood.gan_networks import Generator
from flamingo.train.mood.gan_pictures import by_mood, contact_sheet, draw, load_generator, load_photos
from flamingo.train.mood.moods import CLASSES, clear_cases

Array = NDArray[Any]

SEEDS = 5
DETAILS = ("photos as they are", "photos at the WGAN's size")
INVENTED = 64  # pictures of a mood
COLUMNS = ("accuracy", f"over {WAYS[0]}", f"over {WAYS[1]}")
ACROSS = 8  # pictures in a row of the sheet
LABEL = 100  # pixels to the left of each row, for the name of the mood


# ---------------------------------------------------------------------- whether pictures are copies
def likeness(pictures: Tensor, photos: Tensor) -> Tensor:
    """(n,): the highest correlation of the pixels of each picture with those of a photo or its mirror image; both
    (n, 3, size, size)."""

    def flat(x: Tensor) -> Tensor:
        x = x.flatten(1) - x.flatten(1).mean(1, keepdim=True)
        return F.normalize(x, dim=1)

    return torch.maximum(flat(pictures) @ flat(photos).T, flat(pictures) @ flat(photos.flip(3)).T).amax(1)


def alike(a: Tensor, b: Tensor) -> Tensor:
    """(n,): the highest cosine of each row of a with a row of b."""
    return (F.normalize(a, dim=1) @ F.normalize(b, dim=1).T).amax(1)


@dataclass(frozen=True)
class Nearest:
    """How like its nearest photo each invented picture is, and each held-out photo, which is no copy of one."""

    invented: Tensor
    held_out: Tensor

    def allowed(self) -> Tensor:
        """(n,) bool: less like a photo that was learned from than one in twenty of the held-out photos is."""
        return self.invented < self.held_out.quantile(0.95)

    def figures(self) -> dict[str, float]:
        limit = float(self.held_out.quantile(0.95))
        return {"most": float(self.invented.max()), "limit": limit, "above": float((~self.allowed()).float().mean())}


# ---------------------------------------------------------------------- the comparison
def compare(
    report: Report,
    examples: Sequence[Example],
    runs: Path,
    *,
    budget: float = 240.0,
    settings: gan.GanSettings | None = None,
    sheet: Path | None = None,
) -> dict[str, Any]:
    """Train a GAN for each seed (one that lies in `runs` already is taken), tell moods in four ways, say what came
    out in tables, and return it: what stands in the JSON file under "gan".

    sheet: a file for pictures of the first seed, none of them more like a photo that it learned from than held-out
    photos are; nothing is written where too few are left.
    """
    settings = settings or gan.GanSettings()
    eye = pretrained("lite0")
    photos, kept = load_photos(by_mood(examples), SIZE)
    moods = torch.from_numpy(clear_cases(kept))
    folds = folds_of(kept, SEEDS, 0, by_theme=True)
    real = real_features(eye, photos, (SIZE, settings.size))
    small = F.interpolate(photos.float() / 255, (settings.size, settings.size), mode="area")
    told: dict[str, list[dict[str, list[bool]]]] = {detail: [] for detail in DETAILS}
    majority, trainings, nearest = [], [], []
    for seed in range(SEEDS):
        rows, others = (torch.from_numpy(np.flatnonzero(part)) for part in (folds != seed, folds == seed))
        learned_from = [kept[i] for i in rows.tolist()]
        generator, facts = trained(learned_from, runs / f"seed-{seed}", settings, budget, seed)
        trainings.append({k: facts[k] for k in ("step", "seconds", "figures", "photos")} | {"seed": seed})
        pictures = draw(generator, np.repeat(np.arange(len(CLASSES)), INVENTED), seed)
        invented = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        seen = features(eye, invented, settings.size)
        inner = torch.from_numpy(folds_of(learned_from, INNER, seed, by_theme=True))
        for detail, found in zip(DETAILS, real, strict=True):
            samples = Samples(found, moods, seen.unflatten(0, (len(CLASSES), INVENTED)))
            told[detail].append(right(samples.of(rows), samples.of(others), inner, seed))
        majority.append(float((moods[others] == moods[rows].mode().values).float().mean()))
        pixels = Nearest(*(likeness(x, small[rows]) for x in (invented, small[others])))
        looks = Nearest(*(alike(x, real[1][rows, 0]) for x in (seen, real[1][others, 0])))
        nearest.append({"pixels": pixels.figures(), "features": looks.figures()})
        if seed == 0 and sheet is not None:
            write_sheet(report, pictures, pixels.allowed() & looks.allowed(), sheet)
        print(f"seed {seed} done", file=sys.stderr)
    result = {
        "counts": dict(zip(CLASSES, np.bincount(moods, minlength=len(CLASSES)).tolist(), strict=True)),
        "settings": asdict(settings) | {"budget": budget},
        "trainings": trainings,
        "nearest": nearest,
        "majority": interval(majority),
        **{detail: summary(rows) for detail, rows in told.items()},
    }
    tell(report, result)
    report.figures["gan"] = result
    report.save()
    return result


def trained(
    examples: Sequence[Example], out: Path, settings: gan.GanSettings, budget: float, seed: int
) -> tuple[Generator, dict[str, Any]]:
    """The generator of a seed and its facts; trained now, or before. Raises BadRequest where what lies there learned
    from other photos, for those might be the held-out ones."""
    file = out / gan.CHECKPOINT
    if not file.exists() and gan.train(examples, out, settings, budget=budget, seed=seed).stopped:
        file.unlink()  # half trained, it must not be taken for a whole one next time
        raise KeyboardInterrupt
    generator, facts = load_generator(file)
    counts = dict(zip(CLASSES, np.bincount(clear_cases(examples), minlength=len(CLASSES)).tolist(), strict=True))
    if facts["photos"] != counts or facts["sessions"][0]["seed"] != seed:
        raise BadRequest(str(out), "the GAN there learned from other photos", "name other --runs")
    return generator, facts


def interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean, half the width of its 95 % confidence interval (Student's t), and the values."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return {"mean": float(np.mean(values)), "half": float(half), "values": [round(v, 4) for v in values]}


def summary(seeds: Sequence[dict[str, list[bool]]]) -> dict[str, Any]:
    """Accuracy of each way, and how much better it is than photos alone and than ordinary augmentation, seed by
    seed."""
    accuracy = {way: [float(np.mean(seed[way])) for seed in seeds] for way in WAYS}

    def over(way: str, other: str) -> dict[str, Any]:
        return interval([a - b for a, b in zip(accuracy[way], accuracy[other], strict=True)])

    return {
        way: {
            "accuracy": interval(accuracy[way]),
            f"over {WAYS[0]}": over(way, WAYS[0]),
            f"over {WAYS[1]}": over(way, WAYS[1]),
        }
        for way in WAYS
    }


def tell(report: Report, result: dict[str, Any]) -> None:
    report.heading("Enlarging the photos by a WGAN-GP, beside ordinary augmentation")
    report.say(
        ", ".join(f"{n} {mood}" for mood, n in result["counts"].items()) + " photos. Accuracy in per cent: mean"
    )
    report.say(f"of {SEEDS} seeds ± half of its 95 % confidence interval; differences are of the same seeds.")
    for detail in DETAILS:
        report.table([detail, *COLUMNS], table(result, detail))
    report.say(verdict(result[DETAILS[0]]))
    lines = []
    for training, near in zip(result["trainings"], result["nearest"], strict=True):
        figures = [f"{training['figures'][k]:.2f}" for k in ("wasserstein", "penalty")]
        likes = [f"{near[k]['most']:.2f} ({near[k]['limit']:.2f})" for k in ("pixels", "features")]
        lines.append([str(training["seed"]), str(training["step"]), f"{training['seconds']:.0f}", *figures, *likes])
    report.table(["WGAN-GP of seed", "steps", "seconds", "Wasserstein", "penalty", "pixels", "features"], lines)
    report.say(
        "pixels, features: how like a photo that it learned from the likest of the invented pictures is, and in"
    )
    report.say("brackets what one held-out photo in twenty exceeds: above it a picture might be a copy.")


def table(result: dict[str, Any], detail: str = DETAILS[0]) -> list[list[str]]:
    """A row for always saying the most frequent mood and one for each way: its name and COLUMNS."""
    rows = [[f"always {CLASSES[0]}", _percent(result["majority"]), "", ""]]
    for way, figures in result[detail].items():
        over = [_percent(figures[f"over {other}"], sign=True) if other != way else "" for other in WAYS[:2]]
        rows.append([way, _percent(figures["accuracy"]), *over])
    return rows


def verdict(found: dict[str, Any]) -> str:
    """What the intervals allow to be said."""
    lines = []
    for way, other in ((WAYS[1], WAYS[0]), (WAYS[2], WAYS[0]), (WAYS[3], WAYS[1])):
        d = found[way][f"over {other}"]
        shown = "better" if d["mean"] > 0 else "worse"
        lines.append(f"{way}: {shown if abs(d['mean']) > d['half'] else 'not shown to differ'} beside {other}")
    return "; ".join(lines) + "."


def _percent(figure: dict[str, Any], sign: bool = False) -> str:
    return f"{100 * figure['mean']:{'+' if sign else ''}.1f} ± {100 * figure['half']:.1f}"


def write_sheet(report: Report, pictures: Array, allowed: Tensor, file: Path) -> None:
    """The first pictures of each mood that are no copies, stretched to the shape of photos: a row a mood."""
    shown = []
    for mood in range(len(CLASSES)):
        own = [i for i in range(mood * INVENTED, (mood + 1) * INVENTED) if bool(allowed[i])][:ACROSS]
        if len(own) < ACROSS:
            report.leave_out(
                f"the sheet: too many pictures for {CLASSES[mood]} are like photos that were learned from"
            )
            return
        shown += own
    sheet = Image.fromarray(contact_sheet(pictures[shown], ACROSS))
    sheet = sheet.resize((round(sheet.width * 2.5), sheet.height * 2), Image.Resampling.LANCZOS)
    labelled = Image.new("RGB", (sheet.width + LABEL, sheet.height), "white")
    labelled.paste(sheet, (LABEL, 0))
    for mood, name in enumerate(CLASSES):
        middle = (LABEL // 2, round((mood + 0.5) * sheet.height / len(CLASSES)))
        ImageDraw.Draw(labelled).text(middle, name, "black", ImageFont.load_default(24), anchor="mm")
    labelled.save(file, quality=85)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="whether a WGAN-GP's pictures help to tell moods")
    parser.add_argument("--images", action="append", required=True, metavar="DIR", help="photos with moods")
    parser.add_argument("--runs", type=Path, default=Path("runs/feel-gan"), help="where the GANs are, or will be")
    parser.add_argument("--budget", type=seconds, default=240.0, help="time to train each for (4m)")
    parser.add_argument("--steps", type=int, help="stop each after so many steps, if that comes first")
    parser.add_argument("--sheet", type=Path, help="write pictures of the first seed here, as JPEG")
    parser.add_argument("--json", type=Path, help="write all figures here")
    asked = parser.parse_args(arguments)
    report = Report(asked.json)
    try:
        settings = replace(gan.GanSettings(), steps=asked.steps)
        compare(report, find(asked.images), asked.runs, budget=asked.budget, settings=settings, sheet=asked.sheet)
    except FlamingoError as error:
        print(f"bench/_feel_gan.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
