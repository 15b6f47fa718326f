"""How much of the photo and of the painting the results hold, by VGG-19 (see flamingo/nn/losses.py).

    c    content error at relu4_2                       0 for the photo itself
    s    mean of the style errors s1..s5                0 for a picture with the painting's Gram matrices
    J    c^2 + 20 * mean over the layers of s_l^2       what the painters are trained on, mean over the pairs

Neither c nor s means anything alone: the plain photo has the best c and the painting the best s. So the photo
has a row of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _peers import ContestantError, paint_with_lite
from _pictures import Photo, Pixels, to_bytes, to_floats
from _report import Report
from torch import Tensor

from flamingo.nn import losses, vgg
from flamingo.painting.painter import Painter
from flamingo.painting.styles import vector
from flamingo.train.painting.data import StylePicture, load_painting

WEIGHT = 20.0
LAYERS = len(vgg.STYLE_LAYERS)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
IDENTITY, LITE = "photo itself", "lite, any painting"
_SSIM_GOAL = 0.95
_SLACK = 1e-3  # rounding to 8 bits moves c and s by about this much


@dataclass(frozen=True)
class Figures:
    """Of one result: content error, style error of each layer."""

    c: float
    layers: tuple[float, ...]

    @property
    def s(self) -> float:
        return float(np.mean(self.layers))

    @property
    def objective(self) -> float:
        return float(self.c**2 + WEIGHT * np.mean(np.square(self.layers)))


class Judge:
    """VGG-19 with the measures on top, on one device, in 32-bit floats."""

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        self.device = device
        self.vgg = vgg.load(weights).to(device)

    @property
    def source(self) -> str:
        return self.vgg.source

    def tensor(self, pixels: Pixels) -> Tensor:
        """(H, W, 3) pixels -> (1, 3, H, W) on the device."""
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].to(self.device)

    @torch.no_grad()
    def features(self, pixels: Pixels) -> dict[str, Tensor]:
        """Of the 8-bit picture that would be saved, whatever precision the painter worked in."""
        found: dict[str, Tensor] = self.vgg(self.tensor(to_floats(to_bytes(pixels))))
        return found

    @torch.no_grad()
    def painting(self, file: Path, longest: int) -> dict[str, Tensor]:
        """The Gram matrices of a painting at this size."""
        return losses.grams(self.vgg(load_painting(file, longest).to(self.device), vgg.STYLE_LAYERS))

    @torch.no_grad()
    def figures(self, out: dict[str, Tensor], photo: Tensor, painting: dict[str, Tensor]) -> Figures:
        c = losses.content_error_squared(out, photo).sqrt()
        layers = losses.style_errors_squared(out, painting).sqrt()[0]
        return Figures(float(c), tuple(float(v) for v in layers))


def mean_row(found: Sequence[Figures]) -> dict[str, Any]:
    """The means over pairs that the tables print and the JSON file keeps."""
    return {
        "pairs": len(found),
        "c": float(np.mean([f.c for f in found])),
        "s": float(np.mean([f.s for f in found])),
        "layers": [float(v) for v in np.mean([f.layers for f in found], axis=0)],
        "J": float(np.mean([f.objective for f in found])),
    }


def quality(
    report: Report,
    judge: Judge,
    painters: dict[str, Painter],
    lite: Path | None,
    photos: Sequence[Photo],
    styles: Sequence[StylePicture],
    *,
    size: int,
) -> None:
    report.heading(f"Quality, longest side {size}")
    report.say(f"{len(photos)} photos x {len(styles)} styles; VGG-19: {judge.source}; {judge.device.type}")
    report.say("styles: " + ", ".join(s.name for s in styles))
    report.say("photos: " + ", ".join(p.name for p in photos))
    found: dict[str, list[Figures]] = {}
    paintings = [judge.painting(style.file, size) for style in styles]
    with report.progress() as progress:
        task = progress.add_task("quality", total=len(photos))
        for photo in photos:
            pixels = photo.read(size)
            plain = judge.features(pixels)
            content = plain[vgg.CONTENT_LAYER]
            theirs: Sequence[Pixels] = []
            if lite is not None:
                try:
                    theirs = paint_with_lite(lite, pixels, [s.file for s in styles])
                except ContestantError as error:
                    report.leave_out(f"{LITE} in the quality table, from {photo.name} on: {error}")
                    lite = None
            for i, (style, painting) in enumerate(zip(styles, paintings, strict=True)):
                found.setdefault(IDENTITY, []).append(judge.figures(plain, content, painting))
                for name, painter in painters.items():
                    progress.update(task, description=f"quality {photo.name} {style.name} {name}")
                    out = judge.features(painter.paint(pixels, style=style.name))
                    found.setdefault(name, []).append(judge.figures(out, content, painting))
                if theirs:
                    out = judge.features(theirs[i])
                    found.setdefault(LITE, []).append(judge.figures(out, content, painting))
            progress.advance(task)
    rows = {name: mean_row(figures) for name, figures in found.items()}
    rows = {name: rows[name] for name in (IDENTITY, LITE, *painters) if name in rows}
    show(report, rows)
    report.figures["quality"] = {
        "size": size,
        "weight": WEIGHT,
        "vgg": judge.source,
        "styles": [s.name for s in styles],
        "photos": [p.name for p in photos],
        "rows": rows,
        "pairs": {name: [{"c": f.c, "layers": f.layers} for f in figures] for name, figures in found.items()},
    }


def show(report: Report, rows: dict[str, dict[str, Any]]) -> None:
    columns = [
        "mean over pairs",
        "pairs",
        "c",
        "s",
        *(f"s{i}" for i in range(1, LAYERS + 1)),
        f"J (w={WEIGHT:.0f})",
    ]
    report.table(
        columns,
        [
            [name, str(r["pairs"]), *(f"{v:.3f}" for v in (r["c"], r["s"], *r["layers"], r["J"]))]
            for name, r in rows.items()
        ],
    )


def strength(
    report: Report,
    judge: Judge,
    painters: dict[str, Painter],
    photos: Sequence[Photo],
    styles: Sequence[StylePicture],
    *,
    size: int,
) -> None:
    """Is strength 0 the photo, and does every step towards 1 bring less photo and more painting?

    One style a photo, in turn.
    """
    report.heading(f"Strength, longest side {size}")
    ssim = _ssim()
    if ssim is None:
        report.leave_out("SSIM at strength 0, for scikit-image is not installed")
    paintings = [judge.painting(style.file, size) for style in styles]
    figures: dict[str, Any] = {}
    with report.progress() as progress:
        task = progress.add_task("strength", total=len(photos) * len(painters))
        for name, painter in painters.items():
            found: dict[float, list[Figures]] = {k: [] for k in STRENGTHS}
            similar: list[float] = []
            for i, photo in enumerate(photos):
                pixels = photo.read(size)
                content = judge.features(pixels)[vgg.CONTENT_LAYER]
                style = styles[i % len(styles)]
                for k in STRENGTHS:
                    progress.update(task, description=f"strength {k:.2f} {photo.name} {style.name} {name}")
                    if k:
                        painted = painter.paint(pixels, style=style.name, strength=k)
                    else:  # what the network makes of it; `paint` gives the photo back
                        painted = painter.networks.plain(pixels, vector(style.name, 0.0, painter.model))
                    out = judge.figures(judge.features(painted), content, paintings[i % len(styles)])
                    found[k].append(out)
                    if k == 0 and ssim is not None:
                        similar.append(ssim(pixels, to_floats(to_bytes(painted))))
                progress.advance(task)
            rows = {k: mean_row(pairs) for k, pairs in found.items()}
            figures[name] = {
                "pairs": len(photos),
                "c": {str(k): r["c"] for k, r in rows.items()},
                "s": {str(k): r["s"] for k, r in rows.items()},
            }
            c, s = [r["c"] for r in rows.values()], [r["s"] for r in rows.values()]
            rising = all(b >= a - _SLACK for a, b in pairwise(c))
            falling = all(b <= a + _SLACK for a, b in pairwise(s))
            report.goal(f"{name}: more strength, less photo", "c rises", _steps(c), rising)
            report.goal(f"{name}: more strength, more painting", "s falls", _steps(s), falling)
            if similar:
                mean, least = float(np.mean(similar)), float(np.min(similar))
                figures[name] |= {"ssim_at_0": mean, "ssim_at_0_lowest": least}
                report.goal(
                    f"{name}: strength 0 is the photo",
                    f"SSIM > {_SSIM_GOAL}",
                    f"{mean:.3f} (lowest {least:.3f})",
                    mean > _SSIM_GOAL,
                )
    rows_shown = []
    for name, f in figures.items():
        rows_shown += [[f"{name}, {key}", *(f"{v:.3f}" for v in f[key].values())] for key in ("c", "s")]
    report.table([f"mean over {len(photos)} pairs, strength", *(f"{k:.2f}" for k in STRENGTHS)], rows_shown)
    report.figures["strength"] = figures


def _steps(values: Sequence[float]) -> str:
    return " ".join(f"{v:.2f}" for v in values)


def _ssim() -> Callable[[Pixels, Pixels], float] | None:
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        return None
    measure: Callable[..., Any] = structural_similarity
    return lambda a, b: float(measure(a, b, channel_axis=2, data_range=1.0))
