"""L-BFGS (Nocedal 1980; Nocedal & Wright, "Numerical Optimization", algorithm 7.4) for pixels that stay in [0, 1].

Why not torch's: without a line search, which would cost evaluations, its first step may be so small that rounding
decides the curvature, and its next one then goes astray for good; and it does not know that pixels were cut to [0, 1]
after a step. Here the first step has a size that can be seen, no step is larger than an eighth of the range in the
mean, pairs hold the way that was really gone, and a step that goes far uphill is taken back, but remembered: what it
says of the curvature makes the next one, from where it set out, another.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.painting.methods.settings import Pixels

Kept = NDArray[Any]
_FIRST = 0.01  # root mean square of the first step
_MOST = 0.125  # and of any
_UPHILL = 1.1  # times the objective before: a step further up is taken back
_TRIES = 4  # steps uphill from one place, after which all is forgotten
_SHORTER = 8.0  # and begun anew with a first step that is so much smaller
_CURVATURE = 1e-4  # cosine between way and change of gradient, below which a pair says nothing


class LBFGS:
    """One evaluation a step, no line search. rate multiplies each step, history is how many pairs are kept."""

    def __init__(self, rate: float, history: int) -> None:
        self._rate, self._history = rate, history
        self._pairs: list[tuple[Pixels, Pixels]] = []
        self._accepted: tuple[Pixels, Pixels] | None = None  # where the last step set out
        self._value = math.inf
        self._first = _FIRST
        self._uphill = 0

    def move(self, picture: Pixels, gradient: Pixels, value: float) -> None:
        """Change `picture` in place, given the objective's value and gradient there."""
        if self._accepted is not None:
            self._learn(picture - self._accepted[0], gradient - self._accepted[1])
        if self._accepted is None or value <= _UPHILL * self._value:
            self._value, self._accepted, self._uphill = value, (picture.copy(), gradient.copy()), 0
        else:
            picture[...] = self._accepted[0]
            gradient = self._accepted[1]
            self._uphill += 1
            if self._uphill > _TRIES:
                self._pairs, self._uphill = [], 0
                self._first /= _SHORTER
        step = self._direction(gradient) if self._pairs else -gradient
        size = math.sqrt(_dot(step, step) / step.size)
        if size == 0:
            return
        target_size = size if self._pairs else self._first
        picture += np.float32(self._rate * min(target_size, _MOST) / size) * step
        np.clip(picture, 0, 1, out=picture)

    def _learn(self, way: Pixels, change: Pixels) -> None:
        if _dot(way, change) > _CURVATURE * math.sqrt(_dot(way, way) * _dot(change, change)):
            self._pairs.append((way, change))
            del self._pairs[: -self._history]

    def _direction(self, gradient: Pixels) -> Pixels:
        q = -gradient
        factors = []
        for way, change in reversed(self._pairs):
            a = _dot(way, q) / _dot(way, change)
            q = q - np.float32(a) * change
            factors.append(a)
        way, change = self._pairs[-1]
        q = q * np.float32(_dot(way, change) / _dot(change, change))
        for (way, change), a in zip(self._pairs, reversed(factors), strict=True):
            q = q + np.float32(a - _dot(change, q) / _dot(way, change)) * way
        return q

    def tensors(self) -> dict[str, Kept]:
        """Everything that it remembers, by name."""
        tensors: dict[str, Kept] = {"first": np.array(self._first), "uphill": np.array(self._uphill)}
        for i, (way, change) in enumerate(self._pairs):
            tensors |= {f"way.{i}": way, f"change.{i}": change}
        if self._accepted is not None:
            tensors |= {"kept": self._accepted[0], "kept_gradient": self._accepted[1]}
            tensors["value"] = np.array(self._value)
        return tensors

    def restore(self, tensors: dict[str, Kept]) -> None:
        """The inverse of `tensors`."""
        count = sum(name.startswith("way.") for name in tensors)
        self._pairs = [(tensors[f"way.{i}"], tensors[f"change.{i}"]) for i in range(count)]
        self._first, self._uphill = float(tensors["first"]), int(tensors.get("uphill", 0))
        if "kept" in tensors:
            self._accepted, self._value = (tensors["kept"], tensors["kept_gradient"]), float(tensors["value"])


def _dot(a: Pixels, b: Pixels) -> float:
    return float(np.dot(a.reshape(-1), b.reshape(-1)))
