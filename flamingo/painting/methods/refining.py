"""Improving the style vector of a painting, and nothing else, against VGG-19 for a bounded time.

The encoder gives a vector in one pass. What it misses, a search can find: the painter stays as it is, and its loss
(see flamingo/nn/losses.py) is followed down in the space of vectors, as Dumoulin et al. 2017 learned
further styles for a painter that was done. The result is a vector like any other: it paints any photo in one pass.

A vector has 128 numbers and its loss on one photo is smooth: there L-BFGS with a line search goes down further than
Adam in as many looks. Of several photos Adam takes one a look, which in half a minute gains more than looking at all
of them each time (lab book, 22).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.errors import BadRequest
from flamingo.images.picture import resize
from flamingo.painting.grain import grain
from flamingo.painting.methods.differentiable import Painter, PainterTape
from flamingo.painting.methods.features import to_planes
from flamingo.vgg import losses
from flamingo.vgg.layers import CONTENT_LAYER, STYLE_LAYERS
from flamingo.vgg.network import VGG19, Tape

Array = NDArray[np.float32]
_STYLE_WEIGHT = 20.0
_MANY = 1_000_000  # looks: time is what bounds them
_HISTORY = 20  # pairs that L-BFGS keeps
_RATE = 0.06  # of Adam; the coordinates of a vector are about 1
_DECAY = (0.8, 0.99)  # of its moments
_MEMORY = 0.8  # of the average of vectors over its steps


@dataclass(frozen=True, eq=False)
class Refined:
    """vector: (S,) float32; losses: J of each look, at one photo after the other; before, after: J of the vector
    given and of this one, the mean over the photos."""

    vector: NDArray[np.float32]
    losses: tuple[float, ...]
    before: float
    after: float


def ready(model: str = "fine") -> None:
    """Raise what `refine` would raise for want of something: ModelMissing or ModelCorrupt without VGG-19 or the
    painter's weights, BadRequest for a painter that knows its named styles alone."""
    from flamingo.painting import encoder

    if not encoder.known(model):
        raise BadRequest(f"model {model!r}", "this painter knows the named styles alone", "use --model fine")
    weights.path(f"painter-{model}", "weights")
    VGG19.load()


def refine(
    vector: NDArray[np.float32],
    painting: NDArray[np.float32],
    photos: Sequence[NDArray[np.float32]],
    *,
    model: str = "fine",
    seconds: float = 30.0,
    looks: int | None = None,
    size: int = 256,
    painting_size: int = 512,
    on_step: Callable[[int, float, float], None] | None = None,
) -> Refined:
    """Improve the style vector (S,) of a painting, (H, W, 3) float32 sRGB in [0, 1], by painting some photos with it.

    photos: as the painting, one at least, used in turn; size, painting_size: longest sides in pixels at which they
    are looked at. seconds: how long at most; each photo is looked at once in any case; looks: how many at most, if
    that comes first. on_step is called as (look, share of the time that is spent, J); an exception that it raises
    stops the search. What is returned is never worse than the vector given. Raises ModelMissing without the painter.
    """
    if not photos:
        raise BadRequest("no photos", "a style is refined by painting some", "give one at least")
    judge = VGG19.load()
    looked = judge.forward(_planes(painting, painting_size, 1), STYLE_LAYERS)
    target = {layer: losses.gram(activations) for layer, activations in looked.items()}
    views = _views(Painter.load(weights.path(f"painter-{model}", "weights")), judge, photos, size, target)
    start = np.array(vector, np.float32)[None]
    history: list[float] = []
    begun = time.perf_counter()

    def look(at: Array) -> tuple[float, Array]:
        """J of the next photo, and its derivative."""
        spent = (time.perf_counter() - begun) / max(seconds, 1e-9)
        if len(history) >= len(views) and (spent >= 1 or (looks is not None and len(history) >= looks)):
            raise _Enough
        view = views[len(history) % len(views)]
        loss = view(at)
        slope = view.gradient()
        if not math.isfinite(loss):
            raise _Enough
        history.append(loss)
        if on_step:
            on_step(len(history), min(1.0, spent), loss)
        return loss, slope

    def mean(at: Array) -> float:
        return sum(view(at) for view in views) / len(views)

    before = mean(start)
    better = (_by_lbfgs if len(views) == 1 else _in_turn)(start, look)
    after = mean(better)
    if not after < before:
        return Refined(np.asarray(vector, np.float32), tuple(history), before, before)
    return Refined(better[0], tuple(history), before, after)


class _Enough(Exception):
    """Leaves the search: time is up, or the loss is no number."""


class _View:
    """One photo (1, 3, H, W), painted and looked at: call it with a vector (1, S) to get J, then `gradient`."""

    def __init__(self, painter: PainterTape, judge: Tape, photo: Array, target: dict[str, Array]) -> None:
        self._photo, self._target = photo, target
        self._painter, self._judge = painter, judge
        self._grain = grain(0, 0, photo.shape[2], photo.shape[3])[None]
        self._content = judge.forward(photo)[CONTENT_LAYER].copy()
        self._slopes: dict[str, Array] = {}

    def __call__(self, vector: Array) -> float:
        activations = self._judge.forward(self._painter.forward(self._photo, vector, self._grain))
        difference = activations[CONTENT_LAYER] - self._content
        size = max(losses.square(self._content), 1e-6)
        loss = losses.square(difference) / size
        self._slopes = {CONTENT_LAYER: difference * np.float32(2 / size)}
        for layer, target in self._target.items():
            apart = losses.gram(activations[layer]) - target
            size = max(losses.square(target), 1e-12)
            weight = _STYLE_WEIGHT / len(self._target) / size
            loss += weight * losses.square(apart)
            self._slopes[layer] = losses.gram_gradient(activations[layer], apart * np.float32(2 * weight))
        return loss

    def gradient(self) -> Array:
        """The derivative (1, S) of J with respect to the vector that was judged last."""
        return self._painter.gradient(self._judge.gradient(self._slopes))


def _views(
    painter: Painter, judge: VGG19, photos: Sequence[Array], size: int, target: dict[str, Array]
) -> list[_View]:
    """A view of each photo; those of one size share their networks."""
    shown = [_planes(photo, size, 4) for photo in photos]
    sizes = dict.fromkeys((planes.shape[2], planes.shape[3]) for planes in shown)
    layers = (*STYLE_LAYERS, CONTENT_LAYER)
    tapes = {sides: (painter.at(*sides), judge.tape(*sides, layers)) for sides in sizes}
    return [_View(*tapes[planes.shape[2], planes.shape[3]], planes, target) for planes in shown]


def _planes(picture: Array, longest: int, step: int) -> Array:
    """(1, 3, h, w) of this longest side. Small paintings are enlarged, as they were in training: strokes are learned
    at so many pixels."""
    scale = longest / max(picture.shape[:2])
    height, width = (max(64, round(side * scale / step) * step) for side in picture.shape[:2])
    return to_planes(resize(picture, height, width))


Look = Callable[[Array], tuple[float, Array]]


def _by_lbfgs(start: Array, look: Look) -> Array:
    """The best vector (1, S) that L-BFGS saw until `look` raised _Enough."""
    from scipy.optimize import minimize  # takes a while to load, and nothing else here needs it

    best, lowest = start, math.inf

    def evaluate(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal best, lowest
        vector = at.astype(np.float32)[None]
        loss, slope = look(vector)
        if loss < lowest:
            best, lowest = vector, loss
        return loss, slope[0].astype(np.float64)

    most = {"maxiter": _MANY, "maxfun": _MANY, "maxcor": _HISTORY, "ftol": 0, "gtol": 0}
    with contextlib.suppress(_Enough):
        minimize(evaluate, start[0].astype(np.float64), jac=True, method="L-BFGS-B", options=most)
    return best


def _in_turn(start: Array, look: Look) -> Array:
    """The average (1, S) of the last vectors that Adam (Kingma & Ba 2015) came to until `look` raised _Enough."""
    at, average = start.astype(np.float64), start.astype(np.float64)
    mean, square = np.zeros_like(at), np.zeros_like(at)
    first, second = _DECAY
    with contextlib.suppress(_Enough):
        for step in range(1, _MANY):
            _, slope = look(at.astype(np.float32))
            mean += (1 - first) * (slope - mean)
            square += (1 - second) * (slope.astype(np.float64) ** 2 - square)
            root = np.sqrt(square / (1 - second**step)) + 1e-8
            at = at - _RATE * mean / (1 - first**step) / root
            average += (1 - _MEMORY) * (at - average)
    return average.astype(np.float32)
