"""One optimiser on one picture, whose state can be written down, read back, and carried to the next scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from flamingo.painting.methods.features import resized
from flamingo.painting.methods.lbfgs import LBFGS
from flamingo.painting.methods.objective import Terms
from flamingo.painting.methods.settings import Settings

_ADAM_RATE = 0.02  # of [0, 1]: that of TensorFlow's tutorial on style transfer


class _Mover(Protocol):
    def move(self, picture: Tensor, gradient: Tensor, value: float) -> None: ...

    def tensors(self) -> dict[str, Tensor]: ...

    def restore(self, tensors: dict[str, Tensor]) -> None: ...


class _Adam:
    """torch's Adam, on a picture that is cut to [0, 1] after each step."""

    def __init__(self, picture: Tensor, rate: float) -> None:
        self._leaf = picture.requires_grad_(True)
        self._optimiser = torch.optim.Adam([self._leaf], lr=rate, betas=(0.9, 0.99))

    def move(self, picture: Tensor, gradient: Tensor, value: float) -> None:
        self._leaf.grad = gradient
        self._optimiser.step()
        picture.clamp_(0, 1)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self._optimiser.state.get(self._leaf, {}))

    def restore(self, tensors: dict[str, Tensor]) -> None:
        if tensors:
            self._optimiser.state[self._leaf] = tensors


class Stepper:
    """picture: (1, 3, H, W), changed in place and always in [0, 1]. One step is one evaluation of the objective with
    its gradient."""

    def __init__(self, picture: Tensor, settings: Settings) -> None:
        self.picture = picture.detach().clone().requires_grad_(True)
        self._mover: _Mover
        if settings.optimiser == "lbfgs":
            self._mover = LBFGS(settings.rate or 1.0, settings.history)
        else:
            self._mover = _Adam(self.picture, settings.rate or _ADAM_RATE)

    def step(self, objective: Callable[[Tensor], Terms], seen: Callable[[Terms], bool]) -> bool:
        """Evaluate, show the terms to `seen` while the picture is still the one that was evaluated, and move, unless
        `seen` says no. Returns what it said."""
        with torch.enable_grad():
            terms = objective(self.picture)
        if not seen(terms):
            return False
        (gradient,) = torch.autograd.grad(terms.objective, self.picture)
        with torch.no_grad():
            self._mover.move(self.picture, gradient, float(terms.objective.detach()))
        return True

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's state by name; copies."""
        return {name: value.detach().clone() for name, value in self._mover.tensors().items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
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
        grown["exp_avg_sq"] = grown["exp_avg_sq"].clamp_min(0)
        self._mover.restore(grown)
