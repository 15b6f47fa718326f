"""How often the mood model names the right mood, of photos in folders named by moods: accuracy and confusion matrix.

The model places a photo on the plane; its class is the mood, among those of the folders, whose place is nearest.
With `--seeds` it is also asked what the WGAN's pictures are good for: for each seed a fifth of each mood's photos
is held out, the WGAN is trained on the others alone, and two models are fitted to them, one with the invented
pictures and one without, both in as many steps, and both judged on what was held out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flamingo.files import put
from flamingo.mood.valence_arousal import WORDS
from flamingo.train.mood import gan
from flamingo.train.mood.data import Example
from flamingo.train.mood.fit import fit, pooled, predict
from flamingo.train.mood.gan_pictures import by_mood, load_generator, write_pictures
from flamingo.train.mood.moods import CLASSES
from flamingo.train.mood.networks import Late
from flamingo.train.mood.recipe import FeelRecipe
from flamingo.train.mood.views import Views

Array = NDArray[Any]
FILE = "accuracy.json"
_HELD_OUT = 5  # one photo in so many


@dataclass(frozen=True)
class Confusion:
    """counts: (n, n) photos, rows the mood of their folder, columns the mood that was named."""

    moods: tuple[str, ...]
    counts: Array

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.counts) / max(self.counts.sum(), 1))

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        wide = max(len(mood) for mood in self.moods)
        head = " " * wide + "".join(f"  {mood:>{max(5, len(mood))}}" for mood in self.moods)
        rows = [
            f"{mood:<{wide}}"
            + "".join(f"  {n:>{max(5, len(name))}}" for n, name in zip(row, self.moods, strict=True))
            for mood, row in zip(self.moods, self.counts.tolist(), strict=True)
        ]
        return [head, *rows]


def moods_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """The moods of the folders, those of CLASSES first; empty where not all examples have one, or all the same."""
    there = {e.mood for e in examples}
    if "" in there or len(there) < 2:
        return ()
    return tuple(sorted(there, key=lambda m: (CLASSES.index(m) if m in CLASSES else len(CLASSES), m)))


def confusion(examples: Sequence[Example], points: Array, moods: tuple[str, ...]) -> Confusion:
    """points: (n, 2) where a model that had not seen them places the examples; those with NaN are left out."""
    places = np.array([WORDS[mood] for mood in moods])
    counts = np.zeros((len(moods), len(moods)), int)
    for example, point in zip(examples, points, strict=True):
        if np.isfinite(point).all():
            counts[moods.index(example.mood), int(((places - point) ** 2).sum(1).argmin())] += 1
    return Confusion(moods, counts)


class Comparison:
    """With the WGAN's pictures and without, over some seeds. It keeps each seed that is done in accuracy.json."""

    def __init__(self, recipe: FeelRecipe, out: Path, views: Views, late: Late, device: torch.device) -> None:
        self.recipe, self.views, self.late, self.device = recipe, views, late, device
        self.out, self.file = out, out / FILE
        self.moods = moods_of(views.examples)
        self.rows: dict[str, dict[str, Any]] = {}
        if recipe.resume and self.file.is_file():
            self.rows = json.loads(self.file.read_text(encoding="utf-8"))["seeds"]

    def run(self, look_at: Callable[[list[Example]], Views], tell: Callable[[str], None]) -> None:
        """Do the seeds that are not done. look_at: makes views of more photos; tell: is told what is done, and may
        raise to stop."""
        for seed in range(self.recipe.seeds):
            if str(seed) in self.rows:
                continue
            tell(f"with and without, seed {seed + 1} of {self.recipe.seeds}")
            self.rows[str(seed)] = self._seed(seed, look_at, tell)
            self.save()

    def _seed(
        self, seed: int, look_at: Callable[[list[Example]], Views], tell: Callable[[str], None]
    ) -> dict[str, Any]:
        examples = self.views.examples
        held = _held_out(examples, self.recipe.seed + seed)
        learned = [i for i in range(len(examples)) if i not in set(held)]
        folder = self.out / "gan" / f"seed-{seed}"
        gan.train(
            [examples[i] for i in learned], folder, gan.GanSettings(size=self.recipe.gan_size),
            budget=self.recipe.gan_budget / self.recipe.seeds, seed=seed, overwrite=True, device=self.recipe.device,
            quiet=True,
        )  # fmt: skip
        tell(f"seed {seed + 1}, its pictures")
        generator, _ = load_generator(folder / gan.CHECKPOINT)
        clear = by_mood([examples[i] for i in learned])
        invented = write_pictures(generator, clear, folder / "pictures", self.recipe.gan_pictures, seed)
        more = look_at(invented)
        whole = Views(examples + more.examples, self.views.whole + more.whole, self.views.crops + more.crops, 0)
        start = pooled(self.late, whole, self.device)
        recipe = replace(self.recipe, seed=self.recipe.seed + seed)
        with_them = [*learned, *range(len(examples), len(whole.examples))]
        # As many steps for both: a round over more photos takes more of them.
        fewer = max(1, round(recipe.epochs * len(learned) / len(with_them))) if recipe.epochs else 0
        figures: dict[str, Any] = {"held out": len(held), "invented": len(invented)}
        for name, rows, epochs in (("without", learned, recipe.epochs), ("with", with_them, fewer)):
            model = fit(self.late, whole, rows, start, replace(recipe, epochs=epochs), self.device)
            points = predict(model, whole, held, self.device)
            matrix = confusion([examples[i] for i in held], points, self.moods)
            figures[name] = {
                "accuracy": round(matrix.accuracy, 4),
                "confusion": matrix.counts.tolist(),
                "epochs": epochs,
            }
            tell(f"seed {seed + 1}, {name}: {matrix.accuracy:.0%}")
        return figures

    def save(self) -> None:
        facts = {"moods": list(self.moods), "seeds": self.rows, "mean": self.figures()}
        put((json.dumps(facts, indent=1) + "\n").encode(), self.file, overwrite=True)

    def figures(self) -> dict[str, float]:
        """Mean accuracy over the seeds that are done, with and without."""
        if not self.rows:
            return {}
        return {
            f"accuracy {way} the WGAN": float(np.mean([row[way]["accuracy"] for row in self.rows.values()]))
            for way in ("without", "with")
        }

    def lines(self) -> list[str]:
        """The report for a terminal."""
        if not self.rows:
            return []
        lines = []
        for way in ("without", "with"):
            accuracies = [row[way]["accuracy"] for row in self.rows.values()]
            mean, spread = float(np.mean(accuracies)), float(np.std(accuracies))
            listed = ", ".join(f"{a:.0%}" for a in accuracies)
            lines.append(f"{way} the WGAN's pictures: {mean:.1%} right (± {spread:.1%} over seeds: {listed})")
            counts = np.sum([row[way]["confusion"] for row in self.rows.values()], axis=0)
            lines += [f"  {line}" for line in Confusion(self.moods, counts).lines()]
        return lines


def _held_out(examples: Sequence[Example], seed: int) -> list[int]:
    """One in five of each mood's photos, at least one, by chance."""
    random = np.random.default_rng((seed, 17))
    rows: list[int] = []
    for mood in sorted({e.mood for e in examples}):
        mine = [i for i, e in enumerate(examples) if e.mood == mood]
        rows += random.permutation(mine)[: max(1, len(mine) // _HELD_OUT)].tolist()
    return sorted(rows)
