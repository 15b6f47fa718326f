"""Training a mood model: `flamingo train feel`. Cross-validated first, then fitted to all photos; resumable by fold.

The cross-validation is not for show: the errors it finds on photos that a fit had not seen become the uncertainty
that the shipped model states. It is done twice: with folds of photos, as the field does, and with folds of themes,
for "Dog 3" says a good deal of "Dog 5".

With `--gan` a WGAN is trained before (flamingo/train/mood/gan.py), and the last fit learns from its pictures too.
The folds do not: the WGAN has seen the photos that they are tested on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.efficientnet import pretrained
from flamingo.train import runs, session
from flamingo.train.mood import accuracy, data, gan
from flamingo.train.mood.fit import fit, pooled, predict
from flamingo.train.mood.networks import FeelConfig, Late
from flamingo.train.mood.recipe import FeelRecipe
from flamingo.train.mood.views import Views, look

Array = NDArray[Any]

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
WAYS = ("photo", "theme")
"""What the folds of the two cross-validations are made of."""


@dataclass(frozen=True)
class Outcome:
    """What a training came to. finished: whether all folds and the last fit were done within the budget;
    report: of photos in folders named by moods, accuracy and confusion matrix, in lines."""

    finished: bool
    seconds: float
    figures: dict[str, float]
    checkpoint: Path
    report: tuple[str, ...] = ()


class _OutOfTimeError(Exception):
    pass


def train(recipe: FeelRecipe, *, quiet: bool = False) -> Outcome:
    """Train (or go on training) a mood model; leaves `checkpoint.safetensors` and `log.jsonl` in `recipe.out`.
    Raises BadRequest for a recipe that cannot work."""
    runs.check(Path(recipe.out), resume=recipe.resume, overwrite=recipe.overwrite)
    with ExitStack() as stack:
        return _Training(recipe, stack, quiet=quiet).run()


class _Training:
    """One stretch of training: fits that are done are kept, one that is broken off is not."""

    def __init__(self, recipe: FeelRecipe, stack: ExitStack, *, quiet: bool) -> None:
        self.recipe, self.quiet = recipe, quiet
        self.device = session.device(recipe.device)
        self.stop = session.Stop(stack)
        self.writer = None
        self.out = Path(recipe.out)
        self.examples = data.find(recipe.images)
        self.config = FeelConfig(recipe.backbone, recipe.frozen, recipe.size)
        n = len(self.examples)
        self.tensors = {f"{way}.predicted": torch.full((n, 2), torch.nan) for way in WAYS}
        self.facts: dict[str, Any] = {"seconds": 0.0, "sessions": [], "finished": False}
        if recipe.resume:
            saved = Checkpoint.load(self.out / CHECKPOINT)
            if saved.facts["config"] != self.config.as_dict() or saved.facts["files"] != self._names():
                raise BadRequest("--resume", "that run saw other photos or another size", "name a fresh --out")
            self.tensors, self.facts = saved.tensors, saved.facts
        runs.begin(self.out, resume=recipe.resume)
        self.writer = session.tensorboard(self.out, stack)
        self.begun, self.before = time.monotonic(), self.facts["seconds"]
        self.fits = 0
        self.moods = accuracy.moods_of(self.examples)
        if recipe.seeds and not self.moods:
            raise BadRequest("--seeds", "the photos are not in folders named by moods", "leave it out")
        self.comparison: accuracy.Comparison | None = None
        self.compared = not recipe.seeds

    def run(self) -> Outcome:
        invented: list[data.Example] | None = []
        if self.recipe.gan and not self.recipe.seeds and not self.facts["finished"]:
            self._save()  # so that there is something to resume
            invented = gan.invent(self.recipe, self.examples, quiet=self.quiet)
            self.begun = time.monotonic()  # the WGAN has a budget of its own
        if invented is not None:
            self._learn(invented)
        self._save()
        return Outcome(
            self.facts["finished"] and self.compared, self.facts["seconds"], self.figures(), self.out / CHECKPOINT,
            tuple(self._report()),
        )  # fmt: skip

    def _learn(self, invented: list[data.Example]) -> None:
        """Cross-validate, then fit to all photos and the invented pictures, as far as the budget goes."""
        with session.progress(self.quiet) as progress:
            bar = progress.add_task("feel", total=1.0, figures="looking at the photos")
            backbone = pretrained(self.recipe.backbone).to(self.device)

            def step(done: float, figures: str) -> None:
                progress.update(bar, completed=done, figures=figures)
                if self.stop.asked or time.monotonic() - self.begun > self.recipe.budget:
                    raise _OutOfTimeError

            def look_at(examples: list[data.Example]) -> Views:
                return look(
                    backbone, self.recipe.frozen, examples, size=self.recipe.size, views=self.recipe.views,
                    seed=self.recipe.seed, device=self.device,
                    on_progress=lambda i, n: step(0.3 * i / n, f"{i} photos"),
                )  # fmt: skip

            try:
                views = look_at(self.examples)
                if views.unreadable:
                    raise BadRequest(
                        "--images", f"{views.unreadable} of the photos cannot be read", "take them out of the folder"
                    )
                late = Late(backbone, self.recipe.frozen, self.recipe.dropout)
                if not self.recipe.resume:
                    session.graph(self.writer, late.to(self.device), (views.whole[0][None].float().to(self.device),))
                self.start = pooled(late, views, self.device)
                self._cross_validate(late, views, step)
                if not self.facts["finished"]:
                    if invented:
                        more = look_at(invented)
                        views = Views(
                            views.examples + more.examples, views.whole + more.whole, views.crops + more.crops, 0
                        )
                        self.start = torch.cat((self.start, pooled(late, more, self.device)))
                    model = self._fit(late, views, list(range(len(views.examples))), step, "all photos")
                    self.tensors |= {f"late.{k}": v for k, v in model.state_dict().items()}
                    self.facts["finished"] = True
                if self.recipe.seeds:
                    self._compare(views, late, look_at, step)
            except _OutOfTimeError:
                pass

    def _compare(
        self,
        views: Views,
        late: Late,
        look_at: Callable[[list[data.Example]], Views],
        step: Callable[[float, str], None],
    ) -> None:
        """With the WGAN's pictures and without (flamingo/train/mood/accuracy.py), in a time of its own."""
        real = Views(views.examples[: len(self.examples)], views.whole[: len(self.examples)],
                     views.crops[: len(self.examples)], 0)  # fmt: skip
        self.comparison = accuracy.Comparison(self.recipe, self.out, real, late, self.device)

        def tell(message: str) -> None:
            self.begun = max(self.begun, time.monotonic() - self.recipe.budget / 2)  # the WGANs have their own budget
            step(1.0, message)

        self.comparison.run(look_at, tell)
        self.compared = True

    def _report(self) -> list[str]:
        if not self.moods:
            return []
        matrix = accuracy.confusion(self.examples, self.tensors["photo.predicted"].numpy(), self.moods)
        lines = []
        if matrix.counts.sum():
            lines = [
                f"cross-validated: {matrix.accuracy:.1%} right of {int(matrix.counts.sum())}; rows are the folders"
            ]
            lines += [f"  {line}" for line in matrix.lines()]
        return lines + (self.comparison.lines() if self.comparison else [])

    def _cross_validate(self, late: Late, views: Views, step: Callable[[float, str], None]) -> None:
        for way in WAYS:
            fold = data.folds_of(views.examples, self.recipe.folds, self.recipe.seed, by_theme=way == "theme")
            predicted = self.tensors[f"{way}.predicted"]
            for k in range(self.recipe.folds):
                unseen = np.flatnonzero(fold == k).tolist()
                if not unseen or not bool(torch.isnan(predicted[unseen]).any()):
                    continue
                seen_rows = np.flatnonzero(fold != k).tolist()
                model = self._fit(late, views, seen_rows, step, f"fold {k + 1} of {self.recipe.folds} by {way}")
                predicted[unseen] = torch.from_numpy(predict(model, views, unseen, self.device))
                self._record({f"r_{way}_{axis}": r for axis, r in self._correlations(way).items()})
                self._save()

    def _fit(
        self, late: Late, views: Views, rows: list[int], step: Callable[[float, str], None], message: str
    ) -> Late:
        share = 0.3 + 0.7 * self.fits / (len(WAYS) * self.recipe.folds + 1)
        step(share, message)
        model = fit(
            late, views, rows, self.start, self.recipe, self.device,
            lambda epoch, error: step(share, f"{message}, round {epoch}, error {error:.3f}"),
        )  # fmt: skip
        self.fits += 1
        return model

    def _correlations(self, way: str) -> dict[str, float]:
        return correlations(self.tensors[f"{way}.predicted"].numpy(), self.targets)

    @property
    def targets(self) -> Array:
        return np.array([(e.valence, e.arousal) for e in self.examples], np.float32)

    def figures(self) -> dict[str, float]:
        figures = {f"r_{way}_{axis}": r for way in WAYS for axis, r in self._correlations(way).items()}
        if self.moods:
            matrix = accuracy.confusion(self.examples, self.tensors["photo.predicted"].numpy(), self.moods)
            if matrix.counts.sum():
                figures["accuracy"] = matrix.accuracy
        return figures | (self.comparison.figures() if self.comparison else {})

    def _names(self) -> list[str]:
        return [e.file.name for e in self.examples]

    def _record(self, figures: dict[str, float]) -> None:
        self.facts["seconds"] = self.before + time.monotonic() - self.begun
        line = {"fits": self.fits, "seconds": round(self.facts["seconds"], 1)} | figures
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if self.writer is not None:
            for key, value in figures.items():
                self.writer.add_scalar(key, value, self.fits)

    def _save(self) -> None:
        self.facts["seconds"] = self.before + time.monotonic() - self.begun
        this = {
            "seconds": time.monotonic() - self.begun,
            "recipe": asdict(self.recipe),
            **session.machine(self.device, False, 1),
        }
        facts = {
            **self.facts,
            "sessions": [*self.facts["sessions"], this],
            "config": self.config.as_dict(),
            "seed": self.recipe.seed,
            "files": self._names(),
            "figures": self.figures(),
        }
        Checkpoint({**self.tensors, "targets": torch.from_numpy(self.targets)}, facts).save(self.out / CHECKPOINT)


def correlations(predicted: Array, targets: Array) -> dict[str, float]:
    """Pearson's r of valence and arousal over the photos that were predicted; nothing before there are ten."""
    there = np.isfinite(predicted).all(1)
    if there.sum() < 10:
        return {}
    return {
        axis: float(np.corrcoef(predicted[there, i], targets[there, i])[0, 1])
        for i, axis in enumerate(("valence", "arousal"))
    }
