"""Training a composer: `flamingo train compose`. Time-boxed, resumable, under torchrun on several processes.

What is reported is nats a note: minus the log-probability of all that a note is (where, pitch, duration, velocity),
bar lines included, over the number of notes. Held-out works are measured in their own key, whole, with everything
told that a reader of the score could tell.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from flamingo import weights as shipped
from flamingo.composing.model import NUMBERS_OF_A_NOTE
from flamingo.errors import ModelCorrupt
from flamingo.nn.checkpoint import Checkpoint, optimiser_tensors, restore_optimiser
from flamingo.nn.optimisers import MuonWithAdam, Optimiser
from flamingo.train import runs, session
from flamingo.train.composing import own_persona
from flamingo.train.composing.music import load_music
from flamingo.train.composing.networks import (
    CONDITIONS,
    SIZES,
    ComposerConfig,
    ComposerNet,
    grown,
)
from flamingo.train.composing.outcome import Outcome
from flamingo.train.composing.recipe import RATE, ComposerRecipe
from flamingo.train.composing.windows import Windows, excerpt
from flamingo.train.corpus.songs import Song

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
_BETAS = (0.9, 0.95)  # of Adam
Array = NDArray[Any]


def train(recipe: ComposerRecipe, *, quiet: bool = False) -> Outcome:
    """Train (or go on training) a composer or a baseline; leaves `checkpoint.safetensors`, `log.jsonl`, TensorBoard
    events and samples in `recipe.out`. Raises BadRequest for a recipe that cannot work."""
    if os.environ.get("RANK", "0") == "0":
        runs.check(Path(recipe.out), resume=recipe.resume, overwrite=recipe.overwrite)
    with ExitStack() as stack:
        if recipe.model == "ngram":
            from flamingo.train.composing import ngram

            return ngram.train(recipe)
        return _Session(recipe, stack, quiet=quiet).run()


class _Session:
    """One uninterrupted stretch of training on this process's device."""

    def __init__(self, recipe: ComposerRecipe, stack: ExitStack, *, quiet: bool) -> None:
        self.recipe = recipe
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.main = self.rank == 0
        self.quiet = quiet or not self.main
        self.device = session.device(recipe.device)
        session.join_processes(self.device, self.world, stack)
        torch.manual_seed(recipe.seed)
        self.out = Path(recipe.out)
        saved = None
        if recipe.resume:
            saved = Checkpoint.load(self.out / CHECKPOINT)
        elif recipe.start:
            saved = Checkpoint.load(Path(recipe.start))
        elif recipe.persona:
            saved = Checkpoint.load(shipped.path("composer", "weights"))
        if recipe.persona:
            assert saved is not None
            self.music, saved = own_persona.load(recipe, saved, quiet=self.quiet)
            config = ComposerConfig.from_dict(saved.facts["config"])
        else:
            more = {"moods": recipe.moods} if recipe.moods else {}
            self.music = load_music(recipe.music, saved.facts if saved else None, **more)
            config = ComposerConfig(self.music.personas, **SIZES[recipe.model])
        before = ComposerConfig.from_dict(saved.facts["config"]) if saved else config
        if before != config and (recipe.resume or not _can_grow(before, config)):
            raise ModelCorrupt(recipe.start or recipe.out, "it was trained at another size", "name a fresh --out")
        self.lr = recipe.lr or (3e-4 if recipe.persona else RATE)
        self.model = ComposerNet(config, recipe.dropout).to(self.device)
        plain = recipe.persona or recipe.model == "lstm"
        self.moves = recipe.optimiser or ("adam" if plain else "muon")
        self.optimiser = _optimiser(self.model, self.moves, recipe, self.lr)
        self.ema = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.best: dict[str, Tensor] = {}
        self.facts: dict[str, Any] = {"step": 0, "events": 0, "seconds": 0.0, "sessions": []}
        # What did best did so on some works: on others it says nothing.
        self.validated_on = sum(len(song.events) for song in self.music.songs["valid"])
        if saved and recipe.resume and saved.facts.get("best", {}).get("events") == self.validated_on:
            self.best = saved.part("best")
            self.facts |= {"best": saved.facts["best"]}
        if saved:
            averaged = {k: t.float() for k, t in saved.part("ema").items()}
            if before != config:
                averaged = grown(averaged, before, self.model)
                saved = Checkpoint({f"ema.{k}": t for k, t in averaged.items()}, saved.facts)
            self.model.load_state_dict(saved.part("model") or averaged)
            self.ema = {k: t.to(self.device) for k, t in averaged.items()}
            if saved.facts.get("optimiser", "adam") == self.moves:
                restore_optimiser(self.optimiser, self.model, saved.part("optimiser"))
            self.facts.update({k: saved.facts[k] for k in ("step", "events", "seconds", "sessions")})
        self.seconds_before = self.facts["seconds"]
        self.half = session.half_precision(recipe.precision, self.device)
        if self.main:
            runs.begin(self.out, resume=recipe.resume, step=self.facts["step"])
        self.writer = session.tensorboard(self.out, stack) if self.main else None
        self.stop = session.Stop(stack)
        self.length = min(recipe.length, 100) if recipe.model == "lstm" else recipe.length
        # A longer context once learned stays; shorter ones than the usual are for tests.
        self.context = max(self.length, saved.facts.get("context", 0) if saved else 0, 512)

    def run(self) -> Outcome:
        recipe = self.recipe
        if not recipe.resume:
            session.graph(
                self.writer, _Shown(self.model), (torch.zeros(1, 16, 5, dtype=torch.long, device=self.device),)
            )
        arranging = (recipe.filling, recipe.accompanying) if self.model.config.planned else (0.0, 0.0)
        windows = Windows(
            self.music.songs["train"], self.length, self._random(0), filling=arranging[0], accompanying=arranging[1]
        )
        begun = saved = sampled = logged = time.monotonic()
        first = self.facts["step"]
        step_figures: list[dict[str, float]] = []
        figures: dict[str, float] = {}
        installed: Path | None = None
        with session.progress(self.quiet) as progress:
            task = progress.add_task(f"train {recipe.model}", total=1.0, figures="")
            while True:
                now = time.monotonic()
                done = (now - begun) / recipe.budget
                if recipe.steps:
                    done = max(done, (self.facts["step"] - first) / recipe.steps)
                if session.agree(self.stop.asked or done >= 1, self.device):
                    break
                session.set_rate(
                    self.optimiser,
                    self.lr,
                    recipe.cooldown,
                    done,
                    self.facts["step"] - (0 if recipe.resume else first),
                )
                windows.random = self._random(self.facts["step"])
                step_figures.append(self._step(windows))
                self.facts["step"] += 1
                self.facts["events"] += self.world * recipe.batch * self.length
                self.facts["seconds"] = self.seconds_before + time.monotonic() - begun
                if not self.main:
                    continue
                if now - logged > 30 or len(step_figures) >= 1000:
                    figures = self._log(step_figures)
                    logged, step_figures = now, []
                if now - saved > recipe.save_every:
                    self._save(figures)
                    saved = now
                if now - sampled > recipe.sample_every:
                    figures |= self._valid()
                    sampled = now
                progress.update(
                    task,
                    completed=min(done, 1.0),
                    figures=f"step {self.facts['step']} " + " ".join(f"{k} {v:.3f}" for k, v in figures.items()),
                )
        if self.main:
            if step_figures:
                figures = self._log(step_figures)
            figures |= self._valid()
            self._save(figures)
            if recipe.persona:
                installed = own_persona.install(recipe.persona, self.out / CHECKPOINT, self.music)
        return Outcome(
            self.facts["step"], self.facts["events"], self.facts["seconds"], figures, self.out / CHECKPOINT,
            recipe.persona, installed,
        )  # fmt: skip

    def _random(self, step: int) -> np.random.Generator:
        return np.random.default_rng((self.recipe.seed, step, self.rank))

    def _step(self, windows: Windows) -> dict[str, float]:
        torch.manual_seed(int(self._random(self.facts["step"]).integers(2**62)))
        rows = [windows.row() for _ in range(self.recipe.batch)]
        batch = _tensors({k: np.stack([r[k] for r in rows]) for k in rows[0]}, self.device)
        shape = (*batch["persona"][:, :-1].shape, len(CONDITIONS))
        # What is not told is not told for a whole sequence; one sequence in ten is told nothing at all.
        hidden = torch.rand(shape[0], 1, shape[2], device=self.device) < self.recipe.forget
        hidden |= torch.rand(shape[0], 1, 1, device=self.device) < 0.1
        # Phrase and accompaniment are untold oftener: who asks for music seldom says so much.
        hidden[..., 5:] |= torch.rand(shape[0], 1, 3, device=self.device) < 0.2
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            nats = self.model.losses(batch, hidden.expand(shape))
        count = (batch["events"][:, 1:, 1] >= 0).sum()
        loss = nats.sum() / count
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.world > 1:
            for p in self.model.parameters():
                if p.grad is not None:
                    dist.all_reduce(p.grad)
                    p.grad /= self.world
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        if torch.isfinite(norm):  # one bad batch must not spoil hours of training
            self.optimiser.step()
            session.average(self.ema, self.model, self.recipe.ema, self.facts["step"])
        parts = (nats.detach().sum((0, 1)) / count).tolist()
        return {"nats": float(loss.detach()), "gradient": float(norm)} | dict(
            zip(NUMBERS_OF_A_NOTE, parts, strict=True)
        )

    def _log(self, step_figures: list[dict[str, float]]) -> dict[str, float]:
        means = {k: float(np.mean([row[k] for row in step_figures])) for k in step_figures[0]}
        self._record(means)
        return {"nats": means["nats"]}

    def _record(self, means: dict[str, float]) -> None:
        line = {k: self.facts[k] for k in ("step", "events")} | {
            "seconds": round(self.facts["seconds"], 1),
            "lr": self.optimiser.param_groups[0]["lr"],
            **{k: round(v, 5) for k, v in means.items()},
        }
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if self.writer is not None:
            for key, value in means.items():
                self.writer.add_scalar(key, value, self.facts["step"])

    def _valid(self) -> dict[str, float]:
        """Nats a note on the validation works, from the averaged weights, and the samples."""
        shown = ComposerNet(self.model.config, 0.0).to(self.device)
        shown.load_state_dict(self.ema)
        figures: dict[str, float] = {}
        if self.music.songs["valid"]:
            figures = {
                "valid": nats_a_note(
                    shown, self.music.songs["valid"], self.length, self.device, most=40_000, whoever=False
                )["all"]
            }
            self._record(figures)
            if figures["valid"] < self.facts.get("best", {}).get("valid", float("inf")):
                self.best = {k: v.clone() for k, v in self.ema.items()}
                self.facts["best"] = {
                    "step": self.facts["step"],
                    "valid": round(figures["valid"], 5),
                    "events": self.validated_on,
                }
        from flamingo.train.composing import samples

        samples.leave(shown, self._describe({}), self.out, self.facts["step"], self.writer)
        return figures

    def _describe(self, figures: dict[str, float]) -> dict[str, Any]:
        this = {
            "seconds": self.facts["seconds"] - self.seconds_before,
            "recipe": {**asdict(self.recipe), "lr": self.lr, "optimiser": self.moves},
            **session.machine(self.device, self.half, self.world),
        }
        return {
            **self.facts,
            # Written at every save, so that a session that is killed is still accounted for.
            "sessions": [*self.facts["sessions"], this],
            "config": self.model.config.as_dict(),
            "scale": asdict(self.music.scale),
            "context": self.context,
            "model": self.recipe.model,
            "optimiser": self.moves,
            "figures": figures,
            "seed": self.recipe.seed,
            "files": self.music.files,
            "notes": self.music.notes,
        }

    def _save(self, figures: dict[str, float]) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors |= {f"optimiser.{k}": v for k, v in optimiser_tensors(self.optimiser, self.model).items()}
        Checkpoint(tensors, self._describe(figures)).save(self.out / CHECKPOINT)


class _Shown(torch.nn.Module):
    """A composer as TensorBoard draws it: events to the logits of the next ones, told nothing."""

    def __init__(self, net: ComposerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, rows: Tensor) -> tuple[Tensor, ...]:
        return self.net.logits(self.net.states(rows, None), rows)


def _tensors(batch: dict[str, Array], device: torch.device) -> dict[str, Tensor]:
    floats = ("valence", "arousal")
    return {
        k: torch.from_numpy(np.ascontiguousarray(v, np.float32 if k in floats or k == "played" else np.int64)).to(
            device
        )
        for k, v in batch.items()
    }


@torch.no_grad()
def nats_a_note(
    model: ComposerNet,
    songs: list[Song],
    length: int,
    device: torch.device,
    most: int | None = None,
    *,
    whoever: bool = True,
) -> dict[str, float]:
    """Nats a note of songs, in windows of `length` events of which the second half counts (the first gives context;
    at the beginning of a song all count): "all", and each of NUMBERS_OF_A_NOTE apart; of a composer that tells parts
    apart also "without parts", see `ComposerNet.nats_without_parts`, unless `whoever` is False: it takes most of the
    time. Nothing is told of phrases and accompaniment, which the notes to come would have to be known for."""
    model.eval()
    whoever = whoever and model.config.parts > 0
    names = [*NUMBERS_OF_A_NOTE, *(["without parts"] if whoever else ())]
    total, notes = np.zeros(len(names)), 0
    half = length // 2
    for song in songs:
        whole = excerpt(song, 0, len(song.first) - 1, song.key)
        n = len(whole["events"]) - 1
        for begin in range(0, max(1, n - half), half):
            rows = {k: v[begin : begin + length + 1][None] for k, v in whole.items()}
            batch = _tensors(rows, device)
            hidden = torch.zeros((*batch["persona"][:, :-1].shape, len(CONDITIONS)), dtype=torch.bool, device=device)
            hidden[..., 5:] = True
            nats = model.losses(batch, hidden)[0].cpu().numpy()
            if whoever:
                nats = np.concatenate(
                    (nats, model.nats_without_parts(batch, hidden)[0].cpu().numpy()[:, None]), axis=1
                )
            target = rows["events"][0, 1:]
            fresh = slice(0 if begin == 0 else half, None)
            total += nats[fresh].sum(0)
            notes += int((target[fresh, 1] >= 0).sum())
        if most and notes >= most:
            break
    by_number = total / max(notes, 1)
    everything = float(by_number[: len(NUMBERS_OF_A_NOTE)].sum())
    return {"all": everything} | dict(zip(names, by_number.tolist(), strict=True))


def load_composer(file: Path) -> tuple[ComposerNet, dict[str, Any]]:
    """The network of a checkpoint that did best on the validation works (or, where nothing was validated, the
    averaged one as it is now), frozen, on the CPU, and its facts. Raises a ModelError."""
    saved = Checkpoint.load(file)
    net = ComposerNet(ComposerConfig.from_dict(saved.facts["config"]), 0.0)
    net.load_state_dict({k: t.float() for k, t in (saved.part("best") or saved.part("ema")).items()})
    net.requires_grad_(False)
    return net.eval(), saved.facts


def _can_grow(before: ComposerConfig, config: ComposerConfig) -> bool:
    """Whether a composer can go on as a larger one: deeper, and told more."""
    return (
        before.trunk == config.trunk == "transformer"
        and (before.width, before.heads) == (config.width, config.heads)
        and before.layers <= config.layers
        and before.ensembles <= config.ensembles
        and not (before.planned and not config.planned)
        and before.parts in (0, config.parts)
    )


def _optimiser(model: ComposerNet, moves: str, recipe: ComposerRecipe, lr: float) -> Optimiser:
    """AdamW, or Muon for the matrices within the transformer's blocks and heads."""
    # A condition that is seldom told (a persona with little music) must not decay while it waits.
    condition_tables = {table.weight for table in model.conditions()}
    inside = model.inside() if moves == "muon" else []
    chosen = set(inside)
    rest = [p for p in model.parameters() if p not in chosen]
    groups: list[dict[str, Any]] = [
        {
            "params": [p for p in rest if p.ndim > 1 and p not in condition_tables],
            "weight_decay": recipe.weight_decay,
        },
        {"params": [p for p in rest if p.ndim <= 1 or p in condition_tables], "weight_decay": 0.0},
    ]
    if not inside:
        return torch.optim.AdamW(groups, lr=lr, betas=_BETAS)
    return MuonWithAdam(inside, groups, lr, _BETAS, recipe.weight_decay)
