"""One optimiser on one picture, whose state can be written down, read back, and carried to the next scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flamingo.painting.methods.features import resized
from flamingo.painting.methods.lbfgs import LBFGS
from flamingo.painting.methods.objective import Objective, Terms
from flamingo.painting.methods.settings import Pixels, Settings

Kept = NDArray[Any]
_ADAM_RATE = 0.02  # of [0, 1]: that of TensorFlow's tutorial on style transfer
_DECAY = (0.9, 0.99)  # of Adam's moments
_LEAST = 1e-8  # of the root of the second one


class _Mover(Protocol):
    def move(self, picture: Pixels, gradient: Pixels, value: float) -> None: ...

    def tensors(self) -> dict[str, Kept]: ...

    def restore(self, tensors: dict[str, Kept]) -> None: ...


class _Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), on a picture that is cut to [0, 1] after each step."""

    def __init__(self, rate: float) -> None:
        self._rate, self._step = rate, 0
        self._mean: Pixels | None = None
        self._square: Pixels | None = None

    def move(self, picture: Pixels, gradient: Pixels, value: float) -> None:
        if self._mean is None or self._square is None:
            self._mean, self._square = np.zeros_like(picture), np.zeros_like(picture)
        self._step += 1
        first, second = _DECAY
        self._mean += np.float32(1 - first) * (gradient - self._mean)
        self._square += np.float32(1 - second) * (np.square(gradient) - self._square)
        size = self._rate / (1 - first**self._step)
        root = np.sqrt(self._square) / np.float32((1 - second**self._step) ** 0.5) + np.float32(_LEAST)
        picture -= np.float32(size) * self._mean / root
        np.clip(picture, 0, 1, out=picture)

    def tensors(self) -> dict[str, Kept]:
        if self._mean is None or self._square is None:
            return {}
        return {"step": np.array(self._step, np.float32), "exp_avg": self._mean, "exp_avg_sq": self._square}

    def restore(self, tensors: dict[str, Kept]) -> None:
        if tensors:
            self._step = int(tensors["step"])
            self._mean, self._square = tensors["exp_avg"], tensors["exp_avg_sq"]


class Stepper:
    """picture: (1, 3, H, W), changed in place and always in [0, 1]. One step is one evaluation of the objective with
    its gradient."""

    def __init__(self, picture: Pixels, settings: Settings) -> None:
        self.picture = picture.copy()
        self._mover: _Mover
        if settings.optimiser == "lbfgs":
            self._mover = LBFGS(settings.rate or 1.0, settings.history)
        else:
            self._mover = _Adam(settings.rate or _ADAM_RATE)

    def step(self, objective: Objective, on_terms: Callable[[Terms], bool]) -> bool:
        """Evaluate, show the terms to `on_terms` while the picture is still the one that was evaluated, and move,
        unless `on_terms` says no. Returns what it said."""
        terms = objective(self.picture)
        if not on_terms(terms):
            return False
        self._mover.move(self.picture, objective.gradient(), terms.objective)
        return True

    def tensors(self) -> dict[str, Kept]:
        """The optimiser's state by name; copies."""
        return {name: value.copy() for name, value in self._mover.tensors().items()}

    def restore(self, tensors: dict[str, Kept]) -> None:
        """The inverse of `tensors`."""
        self._mover.restore(tensors)

    def warm(self, before: Stepper) -> None:
        """Take over what the optimiser of a coarser scale has learned: Adam's moments, resized. What L-BFGS knows of
        the curvature does not hold at another size."""
        state = before.tensors()
        if not isinstance(self._mover, _Adam) or not state:
            return
        height, width = self.picture.shape[2:]
        grown = {name: resized(v, height, width) if v.ndim == 4 else v for name, v in state.items()}
        # Bicubic resizing may fall below zero.
        grown["exp_avg_sq"] = np.maximum(grown["exp_avg_sq"], 0)
        self._mover.restore(grown)
