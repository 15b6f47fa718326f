"""How many steps of the slow method one pass through a painter is worth.

Gatys et al. 2016 paint by minimising J over the pixels themselves, from the photo, with L-BFGS. Johnson et
al. 2016 measured their network by the number of such steps that reach the same J; so is ours here.

One step is one evaluation of J with its gradient: one pass forward and one backward through VGG-19. There is
no line search (one evaluation an iteration), the rate is 1, the history 10, and pixels are clipped to [0, 1]
after every step, as Johnson et al. did. curve[k] is the lowest J among the pictures after 0..k steps: whoever
optimises keeps the best picture, and without a line search a step may well go uphill.

All pairs advance together, so that the mean over the pairs is known at every step and the run can end as soon
as it falls below the best contender's. Curves know nothing of our painters, so they are kept in the cache;
one that is too short is computed again from its start.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _peers import ContestantError, paint_with_lite
from _pictures import Photo, Pixels, to_bytes
from _quality import IDENTITY, LITE, WEIGHT, Figures, Judge, mean_row, show
from _report import Report
from torch import Tensor

from flamingo.nn import losses, vgg
from flamingo.train.painting.data import StylePicture, load_painting

_METHOD = f"torch L-BFGS, lr 1, history 10, no line search, clipped, from the photo, w {WEIGHT}"
# J moves by very little a pixel; torch leaves out of its history any step whose curvature is below 1e-10.
# Scaling J changes nothing else, for its first step is scaled by the gradient anyway.
_SCALE = 1e4


Contender = Callable[[Pixels, StylePicture], Pixels]
"""Paints pixels (H, W, 3) in [0, 1] in the manner of a painting."""


@dataclass(frozen=True)
class _Pair:
    photo: Photo
    style: StylePicture
    pixels: Pixels


class _Descent:
    """L-BFGS on one pair, one step at a time; it starts only when its cached curve is too short."""

    def __init__(self, judge: Judge, pair: _Pair, painting_size: int, cache: Path) -> None:
        self._judge, self._pair, self._painting_size = judge, pair, painting_size
        painting = load_painting(pair.style.file, painting_size)
        about = {
            "method": _METHOD,
            "vgg": judge.source,
            "size": max(pair.pixels.shape),
            "painting_size": painting_size,
            "photo": _sha256(to_bytes(pair.pixels)),
            "painting": _sha256(to_bytes(painting[0].permute(1, 2, 0).numpy())),
        }
        self._about = about
        self._file = cache / f"{hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]}.json"
        self._raw: list[float] = self._cached()
        self._optimiser: torch.optim.LBFGS | None = None
        self._unsaved = 0

    def _cached(self) -> list[float]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return [float(v) for v in kept["J"]] if kept["about"] == self._about else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def save(self) -> None:
        if not self._unsaved:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        aside = self._file.with_suffix(".tmp")
        aside.write_text(json.dumps({"about": self._about, "J": self._raw}), encoding="utf-8")
        aside.replace(self._file)
        self._unsaved = 0

    def known(self, step: int) -> bool:
        return len(self._raw) > step

    def best(self, step: int) -> float:
        """The lowest J after at most so many steps; they must have been taken."""
        return min(self._raw[: step + 1])

    def advance(self, step: int) -> None:
        """Go on until the picture after `step` steps has been measured."""
        if self.known(step):
            return
        if self._optimiser is None:
            self._start()
        while len(self._raw) <= step:
            self._step()
        if self._unsaved >= 10:
            self.save()

    def _start(self) -> None:
        judge, pair = self._judge, self._pair
        self._content = judge.features(pair.pixels)[vgg.CONTENT_LAYER]
        self._painting = judge.painting(pair.style.file, self._painting_size)
        self._picture = judge.tensor(pair.pixels).requires_grad_(True)
        self._optimiser = torch.optim.LBFGS(
            [self._picture],
            lr=1,
            max_iter=1,
            max_eval=1,
            history_size=10,
            tolerance_grad=0,
            tolerance_change=0,
        )
        self._raw = []

    def _step(self) -> None:
        """Measure the picture as it is, then move it. The measuring is the evaluation that the move needs."""
        assert self._optimiser is not None
        value: Tensor = self._optimiser.step(self._closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self._picture.clamp_(0, 1)
        found = float(value) / _SCALE
        # A descent that has blown up stays where its best picture was.
        self._raw.append(found if math.isfinite(found) else self._raw[-1])
        self._unsaved += 1

    def _closure(self) -> Tensor:
        assert self._optimiser is not None
        self._optimiser.zero_grad()
        with torch.enable_grad():
            out = self._judge.vgg(self._picture)
            c2 = losses.content_error_squared(out, self._content)
            s2 = losses.style_errors_squared(out, self._painting)
            objective = _SCALE * (c2 + WEIGHT * s2.mean(1)).sum()
        objective.backward()  # type: ignore[no-untyped-call]
        return objective.detach()


def worth(
    report: Report,
    judge: Judge,
    painters: Mapping[str, Contender],
    lite: Path | None,
    photos: Sequence[Photo],
    styles: Sequence[StylePicture],
    *,
    pairs: int,
    size: int,
    painting_size: int,
    steps: int,
    cache: Path,
    goals: Mapping[str, int],
) -> None:
    """goals: how many steps each painter is to be worth."""
    chosen = [_Pair(p, styles[i % len(styles)], p.read(size)) for i, p in enumerate(photos[:pairs])]
    report.heading("Worth in L-BFGS steps")
    report.say(
        f"{len(chosen)} pairs; photos at longest side {size}, paintings at {painting_size}, for L-BFGS and "
        f"for the contenders alike; up to {steps} steps; VGG-19: {judge.source}; {judge.device.type}"
    )
    if len(chosen) < pairs:
        report.say(f"({pairs} pairs were asked for, but there are only {len(chosen)} photos.)")
    rows = _contenders(report, judge, painters, lite, chosen, painting_size)
    show(report, rows)
    target = min(r["J"] for r in rows.values())
    descents = [_Descent(judge, pair, painting_size, cache) for pair in chosen]
    curve: list[float] = []
    with report.progress() as progress:
        task = progress.add_task("L-BFGS", total=steps)
        try:
            for step in range(steps + 1):
                for i, descent in enumerate(descents):
                    progress.update(task, description=f"L-BFGS step {step}, pair {i + 1}")
                    descent.advance(step)
                curve.append(float(np.mean([d.best(step) for d in descents])))
                progress.update(task, completed=step)
                if curve[-1] < target:
                    break
        finally:
            for descent in descents:
                descent.save()
    marks = [k for k in (0, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500) if k < len(curve)]
    marks = sorted({*marks, len(curve) - 1})
    report.table(["L-BFGS, mean over pairs; steps", *map(str, marks)], [["J", *(f"{curve[k]:.3f}" for k in marks)]])
    worths = {name: steps_worth(r["J"], curve) for name, r in rows.items() if name != IDENTITY}
    texts = {name: f">{len(curve) - 1}" if k is None else str(k) for name, k in worths.items()}
    report.table(
        ["contender", "J", "worth L-BFGS steps"],
        [[n, f"{rows[n]['J']:.3f}", text] for n, text in texts.items()],
    )
    for name in painters:
        # ">30" after 30 steps is no verdict on a goal of 50; not reached after 100 of them is.
        k = worths[name]
        goal = goals[name]
        if k is not None or len(curve) > goal:
            report.goal(f"{name}: worth L-BFGS steps at {size} px", f">= {goal}", texts[name], k is None or k >= goal)
    report.figures["lbfgs"] = {
        "size": size,
        "painting_size": painting_size,
        "method": _METHOD,
        "vgg": judge.source,
        "curve": curve,
        "pairs": [[p.photo.name, p.style.name] for p in chosen],
        "rows": rows,
        "worth": texts,
    }


def steps_worth(objective: float, curve: Sequence[float]) -> int | None:
    """The number of steps after which the curve is as low as `objective`; None if it never is."""
    return next((k for k, value in enumerate(curve) if value <= objective), None)


def _contenders(
    report: Report,
    judge: Judge,
    painters: Mapping[str, Contender],
    lite: Path | None,
    pairs: Sequence[_Pair],
    painting_size: int,
) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Figures]] = {IDENTITY: []}
    theirs: list[Figures] = []
    for pair in pairs:
        plain = judge.features(pair.pixels)
        content, painting = plain[vgg.CONTENT_LAYER], judge.painting(pair.style.file, painting_size)
        found[IDENTITY].append(judge.figures(plain, content, painting))
        if lite is not None:
            try:
                (picture,) = paint_with_lite(lite, pair.pixels, [pair.style.file])
                theirs.append(judge.figures(judge.features(picture), content, painting))
            except ContestantError as error:
                report.leave_out(f"{LITE} in the L-BFGS table: {error}")
                lite = None
        for name, painter in painters.items():
            painted = judge.features(painter(pair.pixels, pair.style))
            found.setdefault(name, []).append(judge.figures(painted, content, painting))
    if len(theirs) == len(pairs):
        found = {IDENTITY: found[IDENTITY], LITE: theirs, **{name: found[name] for name in painters}}
    return {name: mean_row(figures) for name, figures in found.items()}


def _sha256(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
