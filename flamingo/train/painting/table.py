"""A table of losses for each style, of runs and of painters that ship, beside each other: `flamingo train losses`.

All are measured alike, whatever they were trained with: photos that no training sees (flamingo/train/painting/
holdout.py), painted at strength 1 without grain; relative errors at relu4_2 and relu1_1 to relu5_1, and the total
variation as the mean absolute difference of neighbours. The total is what our own training minimises:
c^2 + 20 mean(s_l^2) + 0.1 tv, each the mean over the photos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from flamingo.errors import BadRequest, ModelMissing, show
from flamingo.nn import losses, vgg
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.painter import load_painter
from flamingo.train.painting.data import find_pictures, find_styles, load_painting
from flamingo.train.painting.holdout import is_held_out
from flamingo.train.runs import CHECKPOINT

_STYLE_WEIGHT, _TV_WEIGHT = 20.0, 0.1
_LAYERS = vgg.STYLE_LAYERS


@dataclass(frozen=True)
class Row:
    """The losses of one style by one painter. layers: by layer; style: their mean."""

    style: str
    painter: str
    content: float
    layers: dict[str, float]
    style_loss: float
    tv: float
    total: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "style": self.style, "painter": self.painter, "content": round(self.content, 4),
            "layers": {k: round(v, 4) for k, v in self.layers.items()}, "style loss": round(self.style_loss, 4),
            "tv": round(self.tv, 4), "total": round(self.total, 4),
        }  # fmt: skip


def weights_of(run: Path) -> Path:
    """The weights of a run folder, or the file itself. Raises ModelMissing."""
    file = run / CHECKPOINT if run.is_dir() else run
    if not file.is_file():
        raise ModelMissing(show(run), "there is no painter's checkpoint", "name a run folder, or a released painter")
    return file


def folders_of(run: Path) -> tuple[list[str], str]:
    """The photos and the paintings that a run was trained with, as its last session says; empty where it does not."""
    sessions = Checkpoint.load(weights_of(run)).facts.get("sessions", [])
    recipe = sessions[-1].get("recipe", {}) if sessions else {}
    return list(recipe.get("photos", ())), str(recipe.get("styles", ""))


@torch.no_grad()
def measured(
    painters: dict[str, Path],
    styles: Path,
    photos: Sequence[Path],
    *,
    count: int = 6,
    size: int = 256,
    vgg_file: Path | None = None,
    tell: Callable[[int, int, str], None] = lambda done, total, label: None,
) -> list[Row]:
    """Rows of each style that a painter knows, style by style. painters: files of weights by what to call them;
    styles: the folder of the paintings; count: how many photos; size: sides of the squares that are painted, in
    pixels. Photos that cannot be read are passed over.

    Raises BadRequest where no painter knows any of the styles, ModelMissing or ModelCorrupt.
    """
    network = vgg.load(vgg_file)
    perception = losses.Perception()
    models = {name: load_painter(file) for name, file in painters.items()}
    paintings = {s.name: s for s in find_styles(styles)}
    pairs = [(s, who) for s in paintings for who, model in models.items() if s in model.names]
    if not pairs:
        raise BadRequest(
            f"--styles {show(styles)}", "none of the painters knows any of these", "name its own paintings"
        )
    shown = _squares(photos, count, size)
    content = [network(photo, perception.content) for photo in shown]
    rows = []
    targets: dict[str, dict[str, torch.Tensor]] = {}
    for i, (style, who) in enumerate(pairs):
        tell(i, len(pairs), f"{style} by {who}")
        model = models[who]
        if style not in targets:
            painting = load_painting(paintings[style].file, 512)
            targets[style] = perception.grams(network(painting, perception.style))
        at = torch.tensor([model.names.index(style)])
        figures = []
        for photo, content_target in zip(shown, content, strict=True):
            out = model(photo, at, torch.ones(1)).clamp(0, 1)
            activations = network(out, perception.layers)
            c2 = perception.content_errors(activations, content_target)
            s2 = perception.style_errors(activations, targets[style])
            tv = losses.total_variation(out)
            total = c2 + _STYLE_WEIGHT * s2.mean(1) + _TV_WEIGHT * tv
            figures.append(
                [float(c2.sqrt()), *s2[0].sqrt().tolist(), float(s2.sqrt().mean()), float(tv), float(total)]
            )
        mean = np.mean(figures, axis=0).tolist()
        layers = dict(zip(_LAYERS, mean[1:6], strict=True))
        rows.append(Row(style, who, mean[0], layers, mean[6], mean[7], mean[8]))
    tell(len(pairs), len(pairs), "done")
    return rows


def lines(rows: Sequence[Row]) -> list[str]:
    """The table for a terminal, and below it each painter's mean over the styles."""
    wide = max([len(r.style) for r in rows] + [4])
    who = max([len(r.painter) for r in rows] + [7])

    def line(style: str, painter: str, mine: Sequence[Row]) -> str:
        def mean(value: Callable[[Row], float]) -> float:
            return float(np.mean([value(r) for r in mine]))

        cells = [mean(lambda r: r.content)]
        for layer in _LAYERS:
            cells.append(float(np.mean([r.layers[layer] for r in mine])))
        cells += [mean(lambda r: r.style_loss), mean(lambda r: r.tv), mean(lambda r: r.total)]
        return f"{style:<{wide}}  {painter:<{who}}" + "".join(f"  {cell:7.3f}" for cell in cells)

    heads = ("content", *_LAYERS, "style", "tv", "total")
    lines_of_text = [f"{'style':<{wide}}  {'painter':<{who}}" + "".join(f"  {head:>7}" for head in heads)]
    lines_of_text += [line(r.style, r.painter, [r]) for r in rows]
    for name in dict.fromkeys(r.painter for r in rows):
        lines_of_text.append(line("mean", name, [r for r in rows if r.painter == name]))
    return lines_of_text


def _squares(photos: Sequence[Path], count: int, size: int) -> list[torch.Tensor]:
    """Photos that no training sees, or, where there are too few of those, the first by name. Raises BadRequest where
    none can be read."""
    files = find_pictures(list(photos))
    held = [file for file in files if is_held_out(file)]
    squares: list[torch.Tensor] = []
    for file in held if len(held) >= count else files:
        if len(squares) == count:
            break
        with suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            squares.append(_square(file, size))
    if not squares:
        raise BadRequest("--photos", "none of them can be read", "name a folder of photos")
    return squares


def _square(file: Path, size: int) -> torch.Tensor:
    """(1, 3, size, size) the middle of a photo, its shorter side `size` pixels."""
    with Image.open(file) as opened:
        photo = opened.convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    small = photo.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
    return torch.from_numpy(np.asarray(small, np.float32).transpose(2, 0, 1).copy() / 255)[None]
