"""How each kind of model is trained, exported and judged within a plan: the single trainings, with folders filled in.

A painter's or a composer's stages go on from one another in one run, each for its share of the time. A mood model's
are runs of their own, whose mean is released, and each must finish its folds: what a budget leaves undone, the next
command goes on with. The model of words is fitted in one go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from flamingo.errors import BadRequest, ModelMissing, show
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.composing import card as composer_card
from flamingo.train.composing.recipe import RATE
from flamingo.train.manifest import entry_of, release_of
from flamingo.train.mood import card as feel_card
from flamingo.train.painting import card as painter_card
from flamingo.train.plans import words
from flamingo.train.plans.folders import Data, few
from flamingo.train.plans.recipes import SETTINGS, Recipe
from flamingo.train.quality import Verdict

CHECKPOINT = "checkpoint.safetensors"
_FEW = 24  # files of a folder in a rehearsal


@dataclass(frozen=True)
class Workspace:
    """The folders of a plan. weights: of the models that ship. rehearsal: all small, nothing released."""

    data: Data
    out: Path
    weights: Path
    rehearsal: bool = False

    def run(self, name: str) -> Path:
        return self.out / "runs" / name

    def staging(self, recipe: Recipe) -> Path:
        return self.out / "release" / recipe.model


@dataclass(frozen=True)
class Spent:
    """What a run has cost so far, over all its sessions."""

    seconds: float = 0.0
    steps: int = 0


@dataclass(frozen=True)
class Stretch:
    """What came of a stretch of training. done: whether nothing of the stage is left."""

    done: bool
    figures: dict[str, float]


class Family(ABC):
    """One kind of model, for one recipe."""

    multiple: ClassVar[tuple[str, ...]] = ()  # settings that name folders of the data
    single: ClassVar[tuple[str, ...]] = ()  # settings that name one folder or file of the data
    small: ClassVar[Mapping[str, Any]] = {}  # settings of a rehearsal
    together: ClassVar[bool] = False  # whether several processes train it

    def __init__(self, recipe: Recipe, workspace: Workspace) -> None:
        self.recipe, self.workspace = recipe, workspace
        self._paths: dict[tuple[str, str], list[Path]] = {}

    # -- data -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Find all data, unpacking what lies in archives. Raises BadRequest or ModelMissing for what is not there."""
        for key in self.multiple:
            for pattern in self.recipe.values(key):
                self._paths[key, pattern] = self._shortened(self.workspace.data.find(pattern), key)
        for key in self.single:
            for pattern in self.recipe.values(key):
                self._paths[key, pattern] = self._shortened([self.workspace.data.one(pattern)], key)
        for stage in range(len(self.recipe.stages)):
            self.settings(stage, "cpu")

    def _shortened(self, folders: list[Path], key: str) -> list[Path]:
        """In a rehearsal, of folders that are read whole only a few files."""
        if not self.workspace.rehearsal or key not in ("music", "images"):
            return folders
        return few(folders, self.workspace.out / "few", _FEW, spread=key == "images")

    def all(self, key: str) -> list[Path]:
        """The folders that all stages name for a setting."""
        return list(dict.fromkeys(f for pattern in self.recipe.values(key) for f in self._paths[key, pattern]))

    # -- training -------------------------------------------------------------------------------------------

    def run(self, stage: int) -> Path:
        """The run folder of a stage."""
        return self.workspace.run(self.recipe.name)

    def settings(self, stage: int, device: str) -> dict[str, Any]:
        """What the training is to be told of a stage, but for how long and whether it goes on."""
        chosen = self.recipe.stages[stage].on(device)
        if self.workspace.rehearsal:
            chosen |= self.small
        for key in self.multiple:
            if key in chosen:
                patterns = (chosen[key],) if isinstance(chosen[key], str) else chosen[key]
                chosen[key] = tuple(str(f) for pattern in patterns for f in self._paths[key, pattern])
        for key in self.single:
            if chosen.get(key):
                chosen[key] = str(self._paths[key, chosen[key]][0])
        return chosen | {"out": str(self.run(stage))}

    def spent(self, stage: int, start: str = "") -> Spent:
        """What the run of a stage, or the release that it is to start from, has cost."""
        file = self.run(stage) / CHECKPOINT
        if not file.exists():
            if not start:
                return Spent()
            file = Path(start)
        facts = Checkpoint.load(file).facts
        return Spent(facts["seconds"], facts.get("step", 0))

    def begun(self, stage: int) -> bool:
        """Whether there is something to go on from."""
        return (self.run(stage) / CHECKPOINT).exists()

    def left(self, settings: dict[str, Any], budget: float, before: Spent, now: Spent) -> dict[str, Any] | None:
        """The settings for what is left of a stage, or None if that is nothing. The rate goes on falling from where
        it was."""
        part = 1 - (now.seconds - before.seconds) / budget
        if settings.get("steps"):
            steps = settings["steps"] - (now.steps - before.steps)
            part = min(part, steps / settings["steps"])
            settings = settings | {"steps": steps}
        if part < 0.005:
            return None
        remaining = settings | {"budget": part * budget}
        plain = SETTINGS[self.recipe.train]()
        cooldown = settings.get("cooldown", plain.cooldown)
        if part < 1 and cooldown:
            remaining["cooldown"] = min(1.0, cooldown / part)
            remaining["lr"] = (settings.get("lr") or plain.lr or RATE) * min(1.0, part / cooldown)
        return remaining

    @abstractmethod
    def export(self, staging: Path) -> dict[str, Any]:
        """Put what was trained into a folder of models of its own, and return its manifest entry."""

    @abstractmethod
    def judge(self, staging: Path) -> Verdict:
        """Compare it with what ships."""

    @abstractmethod
    def card(self, entry: dict[str, Any]) -> str | None:
        """The model card, where it says what the entry's note says."""

    def remark(self, staging: Path, text: str) -> None:
        """Add a sentence to the note of what was exported."""
        model = self.recipe.model
        entry = entry_of(staging, model)
        assert entry is not None
        if text not in entry.get("note", ""):
            entry["note"] = f"{entry.get('note', '')} {text}".strip()
        with release_of(model, staging) as release:
            release.copy(model, entry, staging)
            if (card := self.card(entry)) is not None:
                release.card(model, card)

    def _start(self, settings: dict[str, Any]) -> dict[str, Any]:
        """A release to start from is a file among the shipped models."""
        if not settings.get("start"):
            return settings
        file = self.workspace.weights / settings["start"]
        if not file.is_file():
            raise ModelMissing(
                f"start = {settings['start']!r}",
                f"there is no such file in {show(self.workspace.weights)}",
                "take it out",
            )
        return settings | {"start": str(file)}


class Paint(Family):
    multiple = ("photos", "paintings")
    single = ("styles", "vgg")
    together = True
    small: ClassVar = {
        "model": "debug", "start": "", "steps": 2, "crop": 64, "photos_per_batch": 1, "styles_per_photo": 2,
        "paintings_per_photo": 1, "window": 64, "begin": 8, "style_size": 64, "workers": 0,
    }  # fmt: skip

    def settings(self, stage: int, device: str) -> dict[str, Any]:
        settings = self._start(super().settings(stage, device))
        settings.setdefault("model", self.recipe.name)
        if settings.get("teacher"):
            settings["teacher"] = str(self.workspace.run(settings["teacher"]))
        return settings

    def prepare(self) -> None:
        for teacher in self.recipe.values("teacher"):
            if teacher not in self.recipe.after:
                raise BadRequest(
                    f"{show(self.recipe.file)}: teacher {teacher!r}",
                    "it may not be trained yet by then",
                    f"write after = [{teacher!r}]",
                )
        super().prepare()

    def export(self, staging: Path) -> dict[str, Any]:
        from flamingo.train.painting.export import release

        return release(self.run(0), staging, name=self.recipe.name, note=self.recipe.note, data=self.recipe.data)

    def judge(self, staging: Path) -> Verdict:
        from flamingo.train.quality import painter

        styles, eye = self.all("styles"), self.all("vgg")
        ground = painter.Ground(
            self.all("photos"),
            styles[-1],
            self.all("paintings"),
            pairs=2 if self.workspace.rehearsal else painter.PAIRS,
            vgg=eye[0] if eye else None,
        )
        return painter.judge(staging, self.workspace.weights, self.recipe.model, ground)

    def card(self, entry: dict[str, Any]) -> str:
        return painter_card.write(self.recipe.model, entry)


class Compose(Family):
    multiple = ("music",)
    together = True
    small: ClassVar = {"model": "debug", "start": "", "steps": 2, "length": 64, "batch": 2}

    def settings(self, stage: int, device: str) -> dict[str, Any]:
        return self._start(super().settings(stage, device))

    def export(self, staging: Path) -> dict[str, Any]:
        from flamingo.train.composing.export import release

        return release(
            self.run(0),
            staging,
            self.all("music"),
            name=self.recipe.name,
            note=self.recipe.note,
            data=self.recipe.data,
        )

    def judge(self, staging: Path) -> Verdict:
        from flamingo.train.quality import composer

        return composer.judge(staging, self.workspace.weights, self.recipe.model, self.all("music"))

    def card(self, entry: dict[str, Any]) -> str:
        return composer_card.write(self.recipe.model, entry)


class Feel(Family):
    multiple = ("images",)
    small: ClassVar = {"size": 96, "views": 1, "folds": 2, "epochs": 1, "batch": 10, "gan": False}

    def run(self, stage: int) -> Path:
        return self.workspace.run(f"{self.recipe.name}-{stage + 1}")

    def left(self, settings: dict[str, Any], budget: float, before: Spent, now: Spent) -> dict[str, Any] | None:
        return settings | {"budget": budget}

    def export(self, staging: Path) -> dict[str, Any]:
        from flamingo.train.mood.export import release

        runs = [self.run(i) for i in range(len(self.recipe.stages))]
        folders = tuple(str(f) for f in self.all("images"))
        return release(runs, staging, folders=folders, note=self.recipe.note, data_note=self.recipe.data)

    def judge(self, staging: Path) -> Verdict:
        from flamingo.train.quality import feeling

        return feeling.judge_feel(staging, self.workspace.weights)

    def card(self, entry: dict[str, Any]) -> str:
        return feel_card.write("feel", entry)


class Words(Family):
    single = ("oasis", "vocabulary")
    small: ClassVar = {"most": 24}

    def begun(self, stage: int) -> bool:
        return False

    def spent(self, stage: int, start: str = "") -> Spent:
        entry = entry_of(self.run(stage), "words")
        return Spent(entry["training"]["seconds"]) if entry else Spent()

    def left(self, settings: dict[str, Any], budget: float, before: Spent, now: Spent) -> dict[str, Any] | None:
        return settings

    def export(self, staging: Path) -> dict[str, Any]:
        """The training leaves a folder of models already."""
        from flamingo.train.plans.releasing import install

        run = self.run(0)
        if self.recipe.note:
            self.remark(run, self.recipe.note)
        install(run, staging, "words")
        entry = entry_of(staging, "words")
        assert entry is not None
        return entry

    def judge(self, staging: Path) -> Verdict:
        from flamingo.train.quality import feeling

        return feeling.judge_words(staging, self.workspace.weights)

    def card(self, entry: dict[str, Any]) -> None:
        return None


FAMILIES: dict[str, type[Family]] = {"paint": Paint, "compose": Compose, "feel": Feel, "words": Words}


def train(kind: str, settings: dict[str, Any]) -> Stretch:
    """One stretch of a single training, the same in every process."""
    return _TRAININGS[kind](settings)


def _paint(settings: dict[str, Any]) -> Stretch:
    from flamingo.train.painting import loop
    from flamingo.train.painting.recipe import PainterRecipe

    return Stretch(True, loop.train(PainterRecipe(**settings)).figures)


def _compose(settings: dict[str, Any]) -> Stretch:
    from flamingo.train.composing import loop
    from flamingo.train.composing.recipe import ComposerRecipe

    return Stretch(True, loop.train(ComposerRecipe(**settings)).figures)


def _feel(settings: dict[str, Any]) -> Stretch:
    from flamingo.train.mood import loop
    from flamingo.train.mood.recipe import FeelRecipe

    outcome = loop.train(FeelRecipe(**settings))
    return Stretch(outcome.finished, outcome.figures)


def _words(settings: dict[str, Any]) -> Stretch:
    entry = words.train(words.WordsRecipe(**settings))
    return Stretch(True, {f"sd {axis}": sd for axis, sd in entry["sd"].items()})


_TRAININGS: dict[str, Callable[[dict[str, Any]], Stretch]] = {
    "paint": _paint,
    "compose": _compose,
    "feel": _feel,
    "words": _words,
}
