"""Inventing pictures for a mood: trains a WGAN-GP on photos that stand clearly for one. Time-boxed and resumable.

It enlarges few photos by invented ones, as the first Flamingo did (`flamingo train feel --gan`). bench/_feel_gan.py
measures whether that helps. The networks and the sources of the method are in
flamingo/train/mood/gan_networks.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from flamingo.errors import ModelCorrupt
from flamingo.nn.checkpoint import Checkpoint, optimiser_tensors, restore_optimiser
from flamingo.train import runs, session
from flamingo.train.mood.data import Example
from flamingo.train.mood.gan_networks import Critic, Generator, augment, gradient_penalty
from flamingo.train.mood.gan_pictures import by_mood, contact_sheet, draw, load_generator, load_photos, write_pictures
from flamingo.train.mood.moods import CLASSES, clear_cases
from flamingo.train.mood.recipe import FeelRecipe

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
_COLUMNS = 8


@dataclass(frozen=True)
class GanSettings:
    """How the two networks are trained.

    size: pixels of a side; noise: numbers that a picture is made from; width: channels of the layer next to the
    pixels; batch: pictures in a batch; critic_steps: steps of the critic for one of the generator; penalty: weight
    of the gradient penalty; lr: Adam's learning rate for both; cooldown: part of the budget in which it falls; ema:
    decay of the averaged generator; steps: stop after so many more steps of the generator, if that comes first;
    save_every and sample_every: seconds between checkpoints and between sample sheets.
    """

    size: Literal[8, 16, 32, 64, 128] = 64
    noise: int = 64
    width: int = 16
    batch: int = 8
    critic_steps: int = 1
    penalty: float = 10.0
    lr: float = 1e-3
    cooldown: float = 0.3
    ema: float = 0.99
    steps: int | None = None
    save_every: float = 60.0
    sample_every: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """What a training came to: steps of the generator and seconds over all its sessions, and the last figures.
    stopped: whether somebody asked it to stop before its time."""

    steps: int
    seconds: float
    figures: dict[str, float]
    checkpoint: Path
    stopped: bool


def train(
    examples: Sequence[Example],
    out: Path,
    settings: GanSettings | None = None,
    *,
    budget: float,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    quiet: bool = False,
) -> Outcome:
    """Train (or go on training) on the clear cases among the examples, for `budget` seconds.

    Leaves `checkpoint.safetensors`, `log.jsonl`, `sample-*.jpg` (a row of pictures for each mood) and TensorBoard
    events in `out`. Raises BadRequest where a mood has fewer than two photos, ModelMissing or ModelCorrupt where
    there is nothing to go on from.
    """
    runs.check(out, resume=resume, overwrite=overwrite)
    with ExitStack() as stack:
        return _Session(examples, out, settings or GanSettings(), seed, resume, device, stack, quiet).run(budget)


def invent(recipe: FeelRecipe, examples: Sequence[Example], *, quiet: bool = False) -> list[Example] | None:
    """Invented pictures to learn from, `recipe.gan_pictures` of each mood, rated as its clear cases are on average.

    Trains in the folder `gan` of `recipe.out` first, as long as is left of `recipe.gan_budget`; the pictures are in
    `gan/pictures`. None where the training was stopped before its time. Raises as `train` does.
    """
    out = Path(recipe.out) / "gan"
    resume = recipe.resume and (out / CHECKPOINT).exists()
    left = recipe.gan_budget - (Checkpoint.load(out / CHECKPOINT).facts["seconds"] if resume else 0.0)
    if left > 0.01 * recipe.gan_budget:
        settings = GanSettings(size=recipe.gan_size)
        outcome = train(
            examples, out, settings, budget=left, seed=recipe.seed, resume=resume, overwrite=not resume,
            device=recipe.device, quiet=quiet,
        )  # fmt: skip
        if outcome.stopped:
            return None
    generator, _ = load_generator(out / CHECKPOINT)
    return write_pictures(generator, by_mood(examples), out / "pictures", recipe.gan_pictures, recipe.seed)


class _Session:
    """One uninterrupted stretch of training."""

    def __init__(
        self,
        examples: Sequence[Example],
        out: Path,
        settings: GanSettings,
        seed: int,
        resume: bool,
        device: str,
        stack: ExitStack,
        quiet: bool,
    ) -> None:
        self.out, self.settings, self.seed, self.quiet = out, settings, seed, quiet
        self.device = session.device(device)
        clear = by_mood(examples)
        photos, read = load_photos(clear, settings.size)
        by_mood(read)  # enough of each, without those that cannot be read
        self.unreadable = len(clear) - len(read)
        self.photos = photos.to(self.device)
        self.counts = torch.from_numpy(np.bincount(clear_cases(read), minlength=len(CLASSES))).to(self.device)
        self.begins = self.counts.cumsum(0) - self.counts
        torch.manual_seed(seed)
        self.generator = Generator(settings.size, settings.noise, settings.width).to(self.device)
        self.critic = Critic(settings.size, settings.width).to(self.device)
        self.optimisers = {
            name: torch.optim.Adam(net.parameters(), lr=settings.lr, betas=(0.0, 0.9))
            for name, net in self._networks().items()
        }
        self.ema = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        self.facts: dict[str, Any] = {"step": 0, "seconds": 0.0, "sessions": []}
        if resume:
            self._restore(Checkpoint.load(out / CHECKPOINT))
        runs.begin(out, resume=resume, step=self.facts["step"])
        self.seconds_before = self.facts["seconds"]
        self.writer = session.tensorboard(out, stack)
        self.stop = session.Stop(stack)

    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    def _restore(self, saved: Checkpoint) -> None:
        if saved.facts.get("shape") != self._shape():
            raise ModelCorrupt(str(self.out / CHECKPOINT), "it was trained at another size", "name a fresh --out")
        for name, net in self._networks().items():
            net.load_state_dict(saved.part(name))
            restore_optimiser(self.optimisers[name], net, saved.part(f"{name}_optimiser"))
        self.ema = {k: t.to(self.device) for k, t in saved.part("ema").items()}
        self.facts.update({k: saved.facts[k] for k in self.facts})

    def _shape(self) -> dict[str, int]:
        return {"size": self.settings.size, "noise": self.settings.noise, "width": self.settings.width}

    def run(self, budget: float) -> Outcome:
        settings = self.settings
        begun = saved = sampled = time.monotonic()
        first = self.facts["step"]
        step_figures: list[dict[str, float]] = []
        figures: dict[str, float] = {}
        with session.progress(self.quiet) as progress:
            task = progress.add_task("train gan", total=1.0, figures="")
            while True:
                now = time.monotonic()
                done = (now - begun) / budget
                if settings.steps:
                    done = max(done, (self.facts["step"] - first) / settings.steps)
                if self.stop.asked or done >= 1:
                    break
                for optimiser in self.optimisers.values():
                    session.set_rate(optimiser, settings.lr, settings.cooldown, done, self.facts["step"])
                step_figures.append(self._step())
                self.facts["step"] += 1
                self.facts["seconds"] = self.seconds_before + time.monotonic() - begun
                if len(step_figures) >= 20:
                    figures, step_figures = self._log(step_figures), []
                if now - saved > settings.save_every:
                    self._save(figures)
                    saved = now
                if now - sampled > settings.sample_every:
                    self._sample_sheet()
                    sampled = now
                figures_text = " ".join(f"{k} {v:.2f}" for k, v in figures.items())
                progress.update(task, completed=min(done, 1.0), figures=f"step {self.facts['step']} {figures_text}")
        if step_figures:
            figures = self._log(step_figures)
        self._save(figures)
        self._sample_sheet()
        return Outcome(self.facts["step"], self.facts["seconds"], figures, self.out / CHECKPOINT, self.stop.asked)

    def _step(self) -> dict[str, float]:
        """Some steps of the critic, then one of the generator."""
        # What is drawn depends on seed and step alone, so a resumed training is the uninterrupted one.
        torch.manual_seed(int(np.random.default_rng((self.seed, self.facts["step"])).integers(2**62)))
        for _ in range(self.settings.critic_steps):
            distance, penalty = self._criticise()
        moods = self._moods()
        score = self.critic(augment(self.generator(self._noise(), moods)), moods).mean()
        _descend(self.optimisers["generator"], -score)
        session.average(self.ema, self.generator, self.settings.ema, self.facts["step"])
        return {"wasserstein": float(distance), "penalty": float(penalty), "score": float(score.detach())}

    def _criticise(self) -> tuple[Tensor, Tensor]:
        """One step of the critic. Returns its estimate of the Wasserstein distance, and the penalty."""
        moods = self._moods()
        # Moods are equally frequent, or the rare ones would hardly be learned.
        drawn = (torch.rand(len(moods), device=self.device) * self.counts[moods]).long()
        real = self.photos[self.begins[moods] + drawn].float() / 127.5 - 1
        with torch.no_grad():
            fake = self.generator(self._noise(), moods)
        real, fake = augment(real), augment(fake)
        scores = self.critic(torch.cat((real, fake)), torch.cat((moods, moods)))
        distance = scores[: len(moods)].mean() - scores[len(moods) :].mean()
        penalty = gradient_penalty(self.critic, real, fake, moods)
        _descend(self.optimisers["critic"], self.settings.penalty * penalty - distance)
        return distance.detach(), penalty.detach()

    def _moods(self) -> Tensor:
        return torch.randint(len(CLASSES), (self.settings.batch,), device=self.device)

    def _noise(self) -> Tensor:
        return torch.randn(self.settings.batch, self.settings.noise, device=self.device)

    def _log(self, step_figures: list[dict[str, float]]) -> dict[str, float]:
        means = {k: round(float(np.mean([row[k] for row in step_figures])), 5) for k in step_figures[0]}
        line = {"step": self.facts["step"], "seconds": round(self.facts["seconds"], 1)}
        line["lr"] = self.optimisers["generator"].param_groups[0]["lr"]
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line | means) + "\n")
        if self.writer is not None:
            for key, value in means.items():
                self.writer.add_scalar(f"gan/{key}", value, self.facts["step"])
        return means

    def _save(self, figures: dict[str, float]) -> None:
        tensors = {f"ema.{k}": v for k, v in self.ema.items()}
        for name, net in self._networks().items():
            tensors |= {f"{name}.{k}": v for k, v in net.state_dict().items()}
            moments = optimiser_tensors(self.optimisers[name], net)
            tensors |= {f"{name}_optimiser.{k}": v for k, v in moments.items()}
        this = {
            "seconds": self.facts["seconds"] - self.seconds_before,
            "settings": asdict(self.settings),
            "seed": self.seed,
            **session.machine(self.device, False, 1),
        }
        facts = {
            **self.facts,
            "sessions": [*self.facts["sessions"], this],
            "shape": self._shape(),
            "figures": figures,
            "photos": dict(zip(CLASSES, self.counts.tolist(), strict=True)),
            "unreadable": self.unreadable,
        }
        Checkpoint(tensors, facts).save(self.out / CHECKPOINT)

    def _sample_sheet(self) -> None:
        """A row of pictures for each mood, always from the same noise."""
        shown = Generator(**self._shape()).to(self.device)
        shown.load_state_dict(self.ema)
        sheet = contact_sheet(draw(shown, np.repeat(np.arange(len(CLASSES)), _COLUMNS), self.seed), _COLUMNS)
        Image.fromarray(sheet).save(self.out / f"sample-{self.facts['step']:07d}.jpg", quality=90)
        if self.writer is not None:
            self.writer.add_image("gan/samples", sheet, self.facts["step"], dataformats="HWC")


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
