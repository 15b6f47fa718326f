"""Gatys' method, from coarse to fine: the loop over scales and steps.

Each scale begins with the picture of the one before, enlarged, which has its large forms already; only the last
scales cost much. What is returned is the picture with the lowest objective among all that were evaluated at the
full size and their running mean, which irons out the ripples of the last steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from flamingo.painting.methods import keeping, memory, preparing
from flamingo.painting.methods.features import resized, to_pixels, to_planes
from flamingo.painting.methods.objective import Canvas, Objective, Terms
from flamingo.painting.methods.settings import Optimised, Pixels, Settings, Step, Style
from flamingo.painting.methods.stepping import Stepper
from flamingo.vgg.network import VGG19

OnStep = Callable[[Step], None]
_CHECKPOINT_EVERY = 10
NOISE = 0.5
"""The most that the init "noisy" adds to a value of the photo, in [0, 1]."""


def run(
    photo: Pixels,
    styles: Sequence[Style],
    settings: Settings,
    *,
    first: Pixels | None,
    on_step: OnStep | None,
    resume: Path | None,
    vgg_file: Path | None,
) -> Optimised:
    """See `flamingo.painting.methods.optimise`."""
    preparing.check(photo, styles, settings, first)
    notes = preparing.notes(photo, styles, settings)
    if (
        settings.strength == 0
        and not any(s.mask is not None for s in styles)
        and settings.init not in ("noise", "noisy")
    ):
        return Optimised(photo.copy(), 0.0, (), (), (*notes, "strength 0 is the photo itself"))
    memory.check(photo.shape[0], photo.shape[1], settings)
    network = VGG19.load(vgg_file)
    sources = styles
    if settings.colour == "photo":
        styles = [replace(s, painting=preparing.matched(s.painting, photo)) for s in styles]
    descent = _Descent(network, photo, styles, settings, first, on_step)
    if resume is not None:
        identity = keeping.identity(photo, sources, first, settings, network.source)
        state = keeping.load(resume, identity)
        if state is not None:
            descent.restore(state)
        descent.keep = lambda: keeping.save(resume, descent.state(), identity)
    result = descent.run()
    picture = result.picture
    if settings.colour == "photo":
        picture = preparing.recoloured(picture, photo)
    if resume is not None and result.whole:
        resume.unlink(missing_ok=True)
    return replace(result, picture=picture, notes=(*notes, *result.notes))


@dataclass
class _Best:
    """The picture of the lowest objective at this scale so far."""

    objective: float = math.inf
    picture: Pixels | None = None


@dataclass
class _Position:
    """Where the descent stands: the scale, the steps done in it, and in all."""

    scale: int = 0
    within: int = 0
    step: int = 0


@dataclass
class _Log:
    table: list[Step] = field(default_factory=list)
    snapshots: list[Step] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)


class _Descent:
    def __init__(
        self,
        network: VGG19,
        photo: Pixels,
        styles: Sequence[Style],
        settings: Settings,
        first: Pixels | None,
        on_step: OnStep | None,
    ) -> None:
        self._network, self._settings, self._on_step = network, settings, on_step
        self._photo = to_planes(photo)
        self._styles = styles
        height, width = photo.shape[:2]
        self._scales = preparing.scales(height, width, settings.coarsest)
        self._shares = preparing.shares(settings.steps, len(self._scales))
        # With fewer steps than scales the coarsest are left out.
        self._position = _Position(next(i for i, n in enumerate(self._shares) if n))
        self._beginning = self._photo if first is None else to_planes(first)
        self._picture = self._start(self._scales[self._position.scale])
        self._mean: Pixels | None = None
        self._best, self._log = _Best(), _Log()
        self._stepper: Stepper | None = None
        self._failed = self._reached = False
        self.keep: Callable[[], None] | None = None

    def _start(self, size: tuple[int, int]) -> Pixels:
        height, width = size
        if self._settings.init == "noise":
            noise = np.random.default_rng(self._settings.seed).uniform(0, 1, (height, width, 3))
            return to_planes(noise.astype(np.float32))
        first = _cut(resized(self._beginning, height, width))
        if self._settings.init == "noisy":
            noise = np.random.default_rng(self._settings.seed).uniform(0, NOISE, (height, width, 3))
            first = _cut(first + to_planes(noise.astype(np.float32)))
        return first

    def run(self) -> Optimised:
        while self._position.scale < len(self._scales):
            self._scale()
            if self._failed or self._reached:
                break
            self._position.scale += 1
            self._position.within = 0
        picture, objective = self._result()
        notes: tuple[str, ...] = ()
        if self._failed:
            notes = (
                f"stopped at step {self._position.step}, for the loss was not finite; this is the last good picture",
            )
        return Optimised(
            picture, objective, tuple(self._log.table), tuple(self._log.snapshots), notes, not self._failed
        )

    def _scale(self) -> None:
        """All steps of one scale; leaves the picture to go on with in `self._picture`."""
        height, width = self._scales[self._position.scale]
        objective = self._objective(height, width)
        if self._position.within == 0:
            self._enter(height, width)
        assert self._stepper is not None
        while self._position.within < self._shares[self._position.scale]:
            if not self._stepper.step(objective, self._record):
                return
            picture, decay = self._stepper.picture, self._settings.average
            if decay:
                if self._mean is None:
                    self._mean = picture.copy()
                else:
                    self._mean += np.float32(1 - decay) * (picture - self._mean)
            self._position.within += 1
            self._position.step += 1
            if self.keep is not None and self._position.step % _CHECKPOINT_EVERY == 0:
                self.keep()
        self._leave(objective)

    def _enter(self, height: int, width: int) -> None:
        picture = _cut(resized(self._picture, height, width))
        stepper = Stepper(picture, self._settings)
        if self._stepper is not None:
            stepper.warm(self._stepper)
        self._stepper, self._best, self._mean = stepper, _Best(), None

    def _leave(self, objective: Objective) -> None:
        """Judge the picture after the last step and the running mean, which no step has evaluated."""
        assert self._stepper is not None
        for picture in (self._stepper.picture, self._mean):
            if picture is not None:
                self._offer(picture, objective(picture).objective)
        if self._best.picture is not None:
            self._picture = self._best.picture

    def _offer(self, picture: Pixels, value: float) -> None:
        if math.isfinite(value) and value < self._best.objective:
            self._best = _Best(value, picture.copy())

    def _record(self, terms: Terms) -> bool:
        """Log the terms of the picture as it is; False if it goes no further."""
        assert self._stepper is not None
        settings, position, picture = self._settings, self._position, self._stepper.picture
        value = terms.objective
        if not math.isfinite(value):
            self._failed = True
            return False
        self._offer(picture, value)
        due = bool(settings.snapshots) and position.step % settings.snapshots == 0
        height, width = picture.shape[2:]
        step = Step(
            position.step,
            settings.steps,
            height,
            width,
            value,
            terms.content,
            terms.style,
            terms.photo,
            terms.layers,
            time.perf_counter() - self._log.begun,
            to_pixels(picture) if due else None,
            terms.tv,
        )
        if due:
            self._log.snapshots.append(step)
        if position.step % settings.log_every == 0 or position.step == settings.steps - 1:
            self._log.table.append(replace(step, picture=None))
        if self._on_step:
            self._on_step(step)
        last = position.scale == len(self._scales) - 1
        if last and settings.until is not None and value <= settings.until:
            self._reached = True
            return False
        return True

    def _objective(self, height: int, width: int) -> Objective:
        photo = _cut(resized(self._photo, height, width))
        masks = [None if s.mask is None else s.mask.astype(np.float32)[None, None] for s in self._styles]
        weights = [s.weight for s in self._styles]
        canvases = []
        for style, mask, share in zip(self._styles, *_shared(masks, weights, height, width), strict=True):
            painting = to_planes(style.painting)
            factor = max(height, width) * self._settings.stroke / max(painting.shape[2:])
            size = [max(32, round(side * factor)) for side in painting.shape[2:]]
            canvases.append(Canvas(_cut(resized(painting, size[0], size[1])), share, mask))
        return Objective(self._network, photo, canvases, self._settings)

    def _result(self) -> tuple[Pixels, float]:
        """The best picture at the full size: where the run failed on the way there, what there is, enlarged."""
        picture = self._best.picture if self._best.picture is not None else self._picture
        if self._failed and self._position.step == 0:
            picture = self._beginning
        height, width = self._scales[-1]
        return to_pixels(resized(picture, height, width)), self._best.objective

    def state(self) -> keeping.State:
        assert self._stepper is not None
        tensors = {"picture": self._stepper.picture}
        tensors |= {f"optimiser.{k}": v for k, v in self._stepper.tensors().items()}
        if self._mean is not None:
            tensors["mean"] = self._mean
        if self._best.picture is not None:
            tensors["best"] = self._best.picture
        for i, step in enumerate(self._log.snapshots):
            assert step.picture is not None
            tensors[f"snapshot.{i}"] = step.picture
        position = {"scale": self._position.scale, "within": self._position.within, "step": self._position.step}
        return keeping.State(
            {k: v.copy() for k, v in tensors.items()},
            {
                "place": position,
                "objective": self._best.objective,
                "table": [step.as_dict() for step in self._log.table],
                "snapshots": [step.as_dict() for step in self._log.snapshots],
            },
        )

    def restore(self, state: keeping.State) -> None:
        tensors = state.tensors
        self._position = _Position(**state.facts["place"])
        self._stepper = Stepper(tensors["picture"], self._settings)
        mine = {k.removeprefix("optimiser."): v for k, v in tensors.items() if k.startswith("optimiser.")}
        self._stepper.restore(mine)
        self._mean = tensors.get("mean")
        self._best = _Best(state.facts["objective"], tensors.get("best"))
        self._picture = tensors["picture"]
        self._log.table = [Step(**facts) for facts in state.facts["table"]]
        self._log.snapshots = [
            Step(**facts, picture=tensors[f"snapshot.{i}"]) for i, facts in enumerate(state.facts["snapshots"])
        ]


def _cut(x: Pixels) -> Pixels:
    """Within [0, 1], beyond which bicubic resizing may go."""
    return np.clip(x, 0, 1)


def _shared(
    masks: Sequence[Pixels | None], weights: Sequence[float], height: int, width: int
) -> tuple[list[Pixels | None], list[float]]:
    """Masks at this size and the share of the picture that each style has: where masks and weights add up to more
    than 1, they are brought down to it. Without masks the weights alone are brought to a sum of 1."""
    if all(mask is None for mask in masks):
        return list(masks), [w / sum(weights) for w in weights]
    whole = np.ones((1, 1, height, width), np.float32)
    grown = [whole if m is None else _cut(resized(m, height, width)) for m in masks]
    stacked = np.stack([m * np.float32(w) for m, w in zip(grown, weights, strict=True)])
    # A weight says how much a style counts beside the others where they meet, not how opaque it is.
    cover = np.minimum(np.stack(grown).sum(0), 1)
    stacked = stacked / np.maximum(stacked.sum(0), 1e-6) * cover
    return list(stacked), [float(m.mean()) for m in stacked]
