"""Training the painter: `flamingo train paint`.

One loop serves a laptop and a cluster: the recipe says how large and how long, the machine decides how fast.
Under `torchrun` each process takes its own photos and gradients are averaged. The loop is time-boxed and may be
stopped at any moment: it saves its state and goes on from there with `--resume`.

The thrift of it: features of a photo, which are the target of the content loss, are computed once and shared by
the several styles that the photo is painted in within a batch.
"""

from __future__ import annotations

import json
import math
import os
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.nn import losses, vgg
from flamingo.nn.checkpoint import Checkpoint, optimiser_tensors, restore_optimiser
from flamingo.nn.optimisers import MuonWithAdam, Optimiser
from flamingo.nn.painter import ENCODERS, SIZES, PainterConfig, StyledPainter, grown, knows_paintings, load_painter
from flamingo.nn.style_encoder import StyleEncoder, begin, with_eye
from flamingo.train import runs, session
from flamingo.train.painting.data import (
    Consecutive,
    PhotoCrops,
    PhotosAndPaintings,
    StylePicture,
    find_pictures,
    find_styles,
    load_painting,
)
from flamingo.train.painting.extra_styles import Beside
from flamingo.train.painting.holdout import for_training
from flamingo.train.painting.recipe import PainterRecipe

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
_BETAS = (0.9, 0.99)  # of Adam
_FASTER_VECTORS = 20.0  # a vector's coordinates are about 1, a network's weights far smaller
_ZOOM_OF_PAINTINGS = (0.8, 1.25)
_LARGE_STYLE_ERROR = 1.0  # squared: that of the plain photo, about
_LARGEST_CONTENT_ERROR = 10.0  # squared; that of a good painting is about 1


@dataclass(frozen=True)
class Outcome:
    """What a training came to: steps and seconds over all its sessions, last figures, photos passed over."""

    steps: int
    samples: int
    seconds: float
    figures: dict[str, float]
    unreadable: int
    checkpoint: Path


def train(recipe: PainterRecipe, *, quiet: bool = False) -> Outcome:
    """Train (or go on training) a painter; leaves `checkpoint.safetensors`, `log.jsonl`, TensorBoard events and
    sample sheets in `recipe.out`. Raises BadRequest for a recipe that cannot work."""
    if not recipe.perceptual and not recipe.teacher:
        raise BadRequest("--no-perceptual", "then nothing would be learned", "add --teacher RUN or drop it")
    if os.environ.get("RANK", "0") == "0":
        runs.check(Path(recipe.out), resume=recipe.resume, overwrite=recipe.overwrite)
    with ExitStack() as stack:
        return _Session(recipe, stack, quiet=quiet).run()


class _Session:
    """One uninterrupted stretch of training on this process's device."""

    def __init__(self, recipe: PainterRecipe, stack: ExitStack, *, quiet: bool) -> None:
        self.recipe = recipe
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.main = self.rank == 0
        self.quiet = quiet or not self.main
        self.device = session.device(recipe.device)
        session.join_processes(self.device, self.world, stack)
        torch.manual_seed(recipe.seed)
        self.out = Path(recipe.out)

        self.styles = find_styles(Path(recipe.styles))
        if recipe.preset and len(self.styles) != 1:
            raise BadRequest(
                f"--preset {recipe.preset}",
                f"it trains a network for one painting, and --styles holds {len(self.styles)}",
                "name the file of one painting with --styles",
            )
        self.beside = Beside.of(recipe, self.styles)
        if self.beside is not None:
            self.styles = self.beside.styles
        self.photos = for_training(find_pictures([Path(p) for p in recipe.photos]))
        self.paintings: PhotoCrops | None = None
        if recipe.paintings and recipe.paintings_per_photo:
            if recipe.paintings_per_photo > recipe.styles_per_photo:
                raise BadRequest(
                    f"--paintings-per-photo {recipe.paintings_per_photo}",
                    f"each photo is painted in {recipe.styles_per_photo} styles",
                    "raise --styles-per-photo",
                )
            files = for_training(find_pictures([Path(p) for p in recipe.paintings]))
            self.paintings = PhotoCrops(files, recipe.window, recipe.seed + 1, _ZOOM_OF_PAINTINGS)
        encoder = ENCODERS[recipe.model] if self.paintings else None
        size = SIZES[recipe.model]
        size = size if recipe.blocks is None else replace(size, blocks=recipe.blocks)
        size = self.beside.config if self.beside else size
        self.model = StyledPainter(size, [s.name for s in self.styles], encoder)
        _to_device(self.model, self.device)
        self.lr = recipe.lr
        self.optimiser = _optimiser(self.model, recipe)
        self.ema = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.facts: dict[str, Any] = {
            "step": 0,
            "samples": 0,
            "seconds": 0.0,
            "unreadable": 0,
            "sessions": [],
        }
        self.seconds_before = 0.0
        saved: Checkpoint | None = None
        if recipe.resume or recipe.start:
            where = self.out / CHECKPOINT if recipe.resume else Path(recipe.start)
            saved = Checkpoint.load(where)
            if self.beside is not None:
                saved = self.beside.begun(saved, recipe.resume)
            self._restore(saved, str(where))
        if self.beside is not None:
            self.model.painter.requires_grad_(False)
            self.lr *= _FASTER_VECTORS
            self.optimiser = torch.optim.Adam([self.model.vectors], lr=self.lr, betas=_BETAS)
            if saved is not None and recipe.resume:
                restore_optimiser(self.optimiser, self.model, saved.part("optimiser"))
        self.teacher = self._teacher()
        if recipe.teacher_vectors:
            self._take_over_vectors(going_on=recipe.resume)
        elif self.model.encoder is not None and (saved is None or not knows_paintings(saved)):
            self._begin_encoder(self.model.encoder)
        self.vgg: vgg.VGG19 | None = None
        self.perception = losses.Perception(recipe.content_layers, recipe.style_layers, recipe.losses == "raw")
        if recipe.perceptual:
            self.vgg = vgg.load(Path(recipe.vgg) if recipe.vgg else None)
            _to_device(self.vgg, self.device)
            self.facts["vgg"] = self.vgg.source
            self.perception = self._perception(self.vgg)
            self.targets = self._style_targets(self.styles)
        self.half = session.half_precision(recipe.precision, self.device)
        self.forward = (
            torch.nn.parallel.DistributedDataParallel(self.model, find_unused_parameters=True)
            if self.world > 1
            else self.model
        )
        if self.main:
            runs.begin(self.out, resume=recipe.resume, step=self.facts["step"])
        self.writer = session.tensorboard(self.out, stack) if self.main else None
        self.stop = session.Stop(stack)

    # -- setting up -----------------------------------------------------------------------------------------

    def _restore(self, saved: Checkpoint, where: str) -> None:
        """Go on from a checkpoint; a release has the averaged weights alone, and then the optimiser starts afresh, as
        it does where it is another one or the painter grows."""
        if saved.facts["config"] != self.model.painter.config.as_dict() and self.recipe.start:
            saved = _deeper(saved, self.model.painter.config, where)
        if saved.facts["names"] != self.model.names or saved.facts["config"] != self.model.painter.config.as_dict():
            raise ModelCorrupt(where, "it was trained for another size or other styles", "name a fresh --out")
        if knows_paintings(saved) and self.model.encoder is None:
            raise BadRequest("--paintings", f"{where} has learned from some", "name folders of paintings")
        averaged = {k: t.float() for k, t in with_eye(saved.part("ema")).items()}
        fresh = self.model.state_dict()  # what an encoder starts from, where the checkpoint has none
        self.model.load_state_dict({**fresh, **(saved.part("model") or averaged)})
        self.ema |= {k: t.to(self.device) for k, t in averaged.items()}
        if saved.facts.get("optimiser", "adam") == self.recipe.optimiser:
            restore_optimiser(self.optimiser, self.model, saved.part("optimiser"))
        self.facts.update({k: saved.facts[k] for k in ("step", "samples", "seconds", "unreadable", "sessions")})
        self.seconds_before = self.facts["seconds"]

    def _begin_encoder(self, encoder: StyleEncoder) -> None:
        """Show the encoder some paintings, and the named ones with what the painter knows of them already."""
        assert self.paintings is not None
        paintings = torch.stack([self.paintings[i][0] for i in range(self.recipe.begin)]).float() / 255
        parts = PhotoCrops([s.file for s in self.styles], self.recipe.window, 0, _ZOOM_OF_PAINTINGS)
        # The stream draws files by chance; here each is wanted equally often.
        parts_per_style = -(-self.recipe.begin // len(self.styles))
        windows, rows = [], []
        for i, style in enumerate(self.styles):
            parts.files = [style.file]
            windows += [parts[i * parts_per_style + j][0] for j in range(parts_per_style)]
            rows += [i] * parts_per_style
        shown = torch.stack(windows).float() / 255
        vectors = self.model.vectors.detach()[rows]
        left = begin(encoder, paintings.to(self.device), shown.to(self.device), vectors)
        self.facts["encoder"] = {"begun with": self.recipe.begin, "not learned of the named": round(left, 4)}
        self.ema |= {k: v.detach().clone() for k, v in self.model.state_dict().items() if k.startswith("encoder.")}

    def _teacher(self) -> StyledPainter | None:
        if not self.recipe.teacher:
            return None
        where = Path(self.recipe.teacher)
        teacher = load_painter(where if where.is_file() else where / CHECKPOINT)
        if teacher.names != self.model.names:
            raise BadRequest("--teacher", "it knows other styles", "use the same --styles folder for both")
        _to_device(teacher, self.device)
        return teacher

    def _take_over_vectors(self, *, going_on: bool) -> None:
        """Let the teacher's vectors and encoder be ours; a training that goes on has them already."""
        if self.teacher is None:
            raise BadRequest("--teacher-vectors", "there is no teacher", "name one with --teacher")
        if self.model.encoder is not None and self.teacher.encoder is None:
            raise BadRequest("--teacher-vectors", "the teacher has no style encoder", "drop --paintings")
        if not going_on:
            self.model.take_over_vectors(self.teacher)
            self.ema = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.model.freeze_vectors()

    @torch.no_grad()
    def _perception(self, network: vgg.VGG19) -> losses.Perception:
        """What VGG-19 compares, by the recipe."""
        recipe = self.recipe
        raw = recipe.losses == "raw"
        perception = losses.Perception(recipe.content_layers, recipe.style_layers, raw)
        if not raw:
            return perception
        painting = load_painting(self.styles[0].file, recipe.style_size).to(self.device)
        return replace(perception, units=vgg.units_of_caffe(network, network(painting, perception.layers)))

    @torch.no_grad()
    def _style_targets(self, styles: list[StylePicture]) -> dict[str, Tensor]:
        """Gram matrices of every painting: layer -> (styles, C, C)."""
        assert self.vgg is not None
        layers = self.perception.style
        grams: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        for style in styles:
            painting = load_painting(style.file, self.recipe.style_size).to(self.device)
            for layer, matrix in self.perception.grams(self.vgg(painting, layers)).items():
                grams[layer].append(matrix[0])
        return {layer: torch.stack(matrices) for layer, matrices in grams.items()}

    # -- the loop -------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        recipe = self.recipe
        r = recipe.photos_per_batch
        # Photos are numbered over the whole life of the training; each rank takes every world-th batch.
        start = self.facts["step"] * r * self.world + self.rank * r
        loader = DataLoader(
            PhotosAndPaintings(
                PhotoCrops(self.photos, recipe.crop, recipe.seed), self.paintings, recipe.paintings_per_photo
            ),
            batch_sampler=_Batches(start, r, self.world),
            num_workers=recipe.workers,
            worker_init_fn=session.leave_signals_to_the_parent,
            prefetch_factor=4 if recipe.workers else None,
            pin_memory=self.device.type == "cuda",
        )
        if not recipe.resume:
            session.graph(self.writer, _Shown(self.model), _example(self.model, self.device))
        begun = saved = sampled = logged = time.monotonic()
        first_step = self.facts["step"]
        window: list[dict[str, float]] = []
        figures: dict[str, float] = {}
        with session.progress(self.quiet) as progress:
            task = progress.add_task(f"train {recipe.model}", total=1.0, figures="")
            for crops, skipped, windows in loader:
                now = time.monotonic()
                done = (now - begun) / recipe.budget
                if recipe.steps:
                    done = max(done, (self.facts["step"] - first_step) / recipe.steps)
                if recipe.epochs:
                    done = max(done, self.facts["step"] / self._steps_of(recipe.epochs))
                if session.agree(self.stop.asked or done >= 1, self.device):
                    break
                since = self.facts["step"] - (first_step if recipe.start else 0)
                session.set_rate(self.optimiser, self.lr, recipe.cooldown, done, since)
                window.append(self._step(*(t.to(self.device, non_blocking=True) for t in (crops, windows))))
                self.facts["step"] += 1
                self.facts["samples"] += self.world * r * recipe.styles_per_photo
                self.facts["unreadable"] += int(skipped.sum())
                self.facts["seconds"] = self.seconds_before + time.monotonic() - begun
                if not self.main:
                    continue
                if now - logged > 15 or len(window) >= 200:
                    figures = self._log(window)
                    logged, window = now, []
                if now - saved > recipe.save_every:
                    self._save(figures)
                    saved = now
                if now - sampled > recipe.sample_every:
                    self._sample_sheet()
                    sampled = now
                progress.update(
                    task,
                    completed=min(done, 1.0),
                    figures=f"step {self.facts['step']} " + " ".join(f"{k} {v:.3f}" for k, v in figures.items()),
                )
        if self.main:
            if window:
                figures = self._log(window)
            self._save(figures)
            self._sample_sheet()
        return Outcome(
            self.facts["step"],
            self.facts["samples"],
            self.facts["seconds"],
            figures,
            self.facts["unreadable"],
            self.out / CHECKPOINT,
        )

    def _steps_of(self, epochs: float) -> int:
        """Steps in which as many photos are seen as in so many passes over them."""
        return max(1, math.ceil(epochs * len(self.photos) / (self.recipe.photos_per_batch * self.world)))

    def _draw(self, photos: int) -> tuple[Tensor, Tensor]:
        """Styles (photos * K,) and strengths for a batch: full strength mostly, the way to the photo sometimes."""
        k = self.recipe.styles_per_photo
        unnamed = self.recipe.paintings_per_photo if self.paintings else 0
        named = k - unnamed
        random = np.random.default_rng((self.recipe.seed, self.facts["step"], self.rank, 7))
        styles = []
        for photo in range(photos):
            styles.append(random.choice(len(self.styles), size=named, replace=named > len(self.styles)))
            styles.append(len(self.styles) + photo * unnamed + np.arange(unnamed))
        kind = random.random(photos * k)
        strength = np.where(kind < 0.78, 1.0, np.where(kind < 0.93, random.random(photos * k), 0.0))
        if self.recipe.losses == "raw":  # older systems knew no strength
            strength = np.ones_like(strength)
        return (
            torch.from_numpy(np.concatenate(styles)).to(self.device),
            torch.from_numpy(strength).float().to(self.device),
        )

    def _step(self, crops: Tensor, windows: Tensor) -> dict[str, float]:
        """crops (B, 3, h, w) and windows (B, paintings a photo, 3, h, w) uint8."""
        recipe, k = self.recipe, self.recipe.styles_per_photo
        photo = (crops.float() / 255).contiguous(memory_format=torch.channels_last)
        paintings = windows.flatten(0, 1).float() / 255 if self.paintings else None
        style, strength = self._draw(len(photo))
        repeated = photo.repeat_interleave(k, dim=0)
        inputs = (repeated, style, strength, paintings, self._grain(repeated))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            out = self.forward(*inputs)
        out = out.float()
        variation = self.perception.variation(out)
        loss = recipe.tv_weight * variation
        loss = loss + recipe.photo_weight * (1 - strength).square() * (out - repeated).square().mean((1, 2, 3))
        figures: dict[str, float] = {"tv": float(variation.mean().detach())}
        if self.teacher is not None:
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                shown = self.teacher(*inputs).float()
            distance = (out - shown).square().mean((1, 2, 3))
            loss = loss + recipe.teacher_weight * distance
            figures["teacher"] = float(distance.mean().detach())
        if self.vgg is not None:
            targets = self._targets(paintings)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                with torch.no_grad():
                    content = self.vgg(photo, self.perception.content)
                activations = self.vgg(out, self.perception.layers)
            content_targets = {layer: value.repeat_interleave(k, dim=0) for layer, value in content.items()}
            c2 = self.perception.content_errors(activations, content_targets)
            s2 = self.perception.style_errors(activations, {layer: t[style] for layer, t in targets.items()})
            # A photo of plain sky has next to no features, so its relative error knows no bounds. Nor does that of a
            # painting of little texture, which must still pull, but not drown out all others.
            if self.perception.raw:
                content_term, style_term = c2, s2.sum(1)
            else:
                calm = s2 / (1 + s2.detach() / _LARGE_STYLE_ERROR)
                content_term, style_term = c2.clamp_max(_LARGEST_CONTENT_ERROR), calm.mean(1)
            loss = loss + recipe.content_weight * content_term
            loss = loss + recipe.style_weight * strength.square() * style_term
            figures |= self._figures(c2.detach(), s2.detach(), strength == 1, style >= len(self.styles))
        total = loss.mean()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        if torch.isfinite(norm):  # one bad batch must not spoil hours of training
            self.optimiser.step()
            session.average(self.ema, self.model, recipe.ema, self.facts["step"])
        figures |= {"loss": float(total.detach()), "gradient": float(norm)}
        return figures

    def _grain(self, photos: Tensor) -> Tensor:
        """Noise for photos (N, 3, h, w), as `flamingo.painting.grain` is at run time, but never the same."""
        seed = np.random.default_rng((self.recipe.seed, self.facts["step"], self.rank, 8)).integers(2**62)
        generator = torch.Generator(self.device).manual_seed(int(seed))
        noise = torch.randn(photos.shape, generator=generator, device=self.device)
        return self.recipe.grain * noise

    @torch.no_grad()
    def _targets(self, paintings: Tensor | None) -> dict[str, Tensor]:
        """Gram matrices of the named styles, and after them those of the batch's paintings."""
        if paintings is None:
            return self.targets
        assert self.vgg is not None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            activations = self.vgg(paintings.contiguous(memory_format=torch.channels_last), self.perception.style)
        grams = self.perception.grams(activations)
        return {layer: torch.cat([self.targets[layer], matrix]) for layer, matrix in grams.items()}

    def _figures(self, c2: Tensor, s2: Tensor, full: Tensor, unnamed: Tensor) -> dict[str, float]:
        """What is logged of the pictures at full strength; J of those after unnamed paintings also by itself."""
        figures: dict[str, float] = {}
        raw = self.perception.raw
        objective = self.recipe.content_weight * c2 + self.recipe.style_weight * (s2.sum(1) if raw else s2.mean(1))
        if full.any():
            c, s = (x[full] if raw else x[full].sqrt() for x in (c2, s2))
            c, s = c.mean(), s.mean(0)
            figures |= {"c": float(c), "s": float(s.mean()), "J": float(objective[full].mean())}
            figures |= {f"s{i}": float(v) for i, v in enumerate(s, 1)}
        if (full & unnamed).any():
            figures["J any"] = float(objective[full & unnamed].mean())
            any_s2 = s2[full & unnamed]
            figures["s any"] = float((any_s2 if raw else any_s2.sqrt()).mean())
        return figures

    # -- what it leaves behind ------------------------------------------------------------------------------

    def _log(self, window: list[dict[str, float]]) -> dict[str, float]:
        keys = sorted({k for row in window for k in row})
        means = {k: float(np.mean([row[k] for row in window if k in row])) for k in keys}
        line = {
            "step": self.facts["step"],
            "samples": self.facts["samples"],
            "seconds": round(self.facts["seconds"], 1),
            "lr": self.optimiser.param_groups[0]["lr"],
            **{k: round(v, 5) for k, v in means.items()},
        }
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if self.writer is not None:
            for key, value in means.items():
                self.writer.add_scalar(key, value, self.facts["step"])
        return {k: means[k] for k in ("J", "J any", "c", "s", "tv", "teacher") if k in means}

    def _save(self, figures: dict[str, float]) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.items()}
        tensors |= {f"optimiser.{k}": v for k, v in optimiser_tensors(self.optimiser, self.model).items()}
        this = {
            "seconds": self.facts["seconds"] - self.seconds_before,
            "recipe": asdict(self.recipe),
            **session.machine(self.device, self.half, self.world),
        }
        facts = {
            **self.facts,
            # Written at every save, so that a session that is killed is still accounted for.
            "sessions": [*self.facts["sessions"], this],
            "names": self.model.names,
            "config": self.model.painter.config.as_dict(),
            "encoder config": self.model.encoder.config.as_dict() if self.model.encoder else None,
            "paintings": len(set(self.paintings.files)) if self.paintings else 0,
            "model": self.recipe.model,
            "optimiser": self.recipe.optimiser,
            "figures": figures,
            "seed": self.recipe.seed,
            "styles": {s.name: s.about for s in self.styles},
            "photos": len(self.photos),
        }
        if self.beside is not None:
            tensors |= self.beside.paintings
            facts["beside"] = self.beside.facts
        Checkpoint(tensors, facts).save(self.out / CHECKPOINT)

    @torch.no_grad()
    def _sample_sheet(self) -> None:
        """Three photos in eight styles, from the averaged weights, as a picture and in TensorBoard."""
        encoder = self.model.encoder
        shown = StyledPainter(self.model.painter.config, self.model.names, encoder.config if encoder else None)
        shown.load_state_dict({k: v.cpu() for k, v in self.ema.items()})
        shown.eval()
        crops = PhotoCrops(self.photos, 256, seed=1, zoom=(1.0, 1.0))
        picks = np.linspace(0, len(self.styles) - 1, min(8, len(self.styles))).round().astype(int)
        rows = []
        for i in range(3):
            photo = crops[i][0][None].float() / 255
            painted = [shown(photo, torch.tensor([int(p)]), torch.ones(1)) for p in picks]
            rows.append(torch.cat([photo, *painted], dim=3))
        sheet = (torch.cat(rows, dim=2)[0].clamp(0, 1) * 255).round().byte()
        Image.fromarray(sheet.permute(1, 2, 0).numpy()).save(
            self.out / f"sample-{self.facts['step']:07d}.jpg", quality=90
        )
        if self.writer is not None:
            self.writer.add_image("samples", sheet, self.facts["step"])
        if self.paintings:
            self._sample_paintings(shown, crops)

    def _sample_paintings(self, shown: StyledPainter, crops: PhotoCrops) -> None:
        """The photos again, in the manner of parts of paintings, which stand above them."""
        assert self.paintings is not None
        windows = torch.stack([self.paintings[i][0] for i in range(6)]).float() / 255
        small = torch.nn.functional.interpolate(windows, (256, 256), mode="area")
        rows = [torch.cat([torch.ones(1, 3, 256, 256), *torch.split(small, 1)], dim=3)]
        for i in range(2):
            photo = crops[i][0][None].float() / 255
            style = len(self.styles) + torch.arange(len(windows))
            painted = shown(photo.expand(len(windows), -1, -1, -1), style, torch.ones(len(windows)), windows)
            rows.append(torch.cat([photo, *torch.split(painted, 1)], dim=3))
        sheet = (torch.cat(rows, dim=2)[0].clamp(0, 1) * 255).round().byte()
        Image.fromarray(sheet.permute(1, 2, 0).numpy()).save(
            self.out / f"sample-any-{self.facts['step']:07d}.jpg", quality=90
        )


class _Shown(torch.nn.Module):
    """A painter of named styles as TensorBoard draws it."""

    def __init__(self, model: StyledPainter) -> None:
        super().__init__()
        self.styled = model

    def forward(self, photo: Tensor, style: Tensor, strength: Tensor) -> Tensor:
        painted: Tensor = self.styled(photo, style, strength)
        return painted


def _example(model: StyledPainter, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.zeros(1, 3, 64, 64, device=device),
        torch.zeros(1, dtype=torch.long, device=device),
        torch.ones(1, device=device),
    )


class _Batches(Consecutive):
    """Batches of consecutive item numbers, `world` batches apart."""

    def __init__(self, start: int, size: int, world: int) -> None:
        super().__init__(start, size * world)
        self.size = size

    def __iter__(self) -> Any:
        for first in super().__iter__():
            yield list(range(first, first + self.size))


def _deeper(saved: Checkpoint, config: PainterConfig, where: str) -> Checkpoint:
    """A release as the start of a painter with more residual blocks. Raises ModelCorrupt for any other difference."""
    own = {k.removeprefix("painter."): t.float() for k, t in saved.part("ema").items() if k.startswith("painter.")}
    try:
        tensors = grown(own, PainterConfig(**saved.facts["config"]), config)
    except ValueError as error:
        raise ModelCorrupt(where, str(error), "start from one of the same width") from None
    others = {f"ema.{k}": t for k, t in saved.part("ema").items() if not k.startswith("painter.")}
    grew = {f"ema.painter.{k}": t for k, t in tensors.items()}
    return Checkpoint({**others, **grew}, {**saved.facts, "config": config.as_dict()})


def _optimiser(model: StyledPainter, recipe: PainterRecipe) -> Optimiser:
    """Adam, or Muon for the convolutions between the first and the last and for the encoder's hidden layers."""
    if recipe.optimiser == "adam":
        return torch.optim.Adam(model.parameters(), lr=recipe.lr, betas=_BETAS)
    painter, encoder = model.painter, model.encoder
    convolutions = [*painter.down, *painter.body, *painter.up]
    inside = [p for m in convolutions for p in m.parameters() if p.ndim == 4]
    if encoder is not None:
        inside += [p for p in encoder.hidden.parameters() if p.ndim == 2]
    chosen = set(inside)
    return MuonWithAdam(inside, [p for p in model.parameters() if p not in chosen], recipe.lr, _BETAS)


def _to_device(module: torch.nn.Module, device: torch.device) -> None:
    """Move a network to the device, its weights laid out with channels last: the fast layout on both kinds."""
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
