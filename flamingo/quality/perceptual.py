"""What VGG-19 sees of photo and painting in a result: errors, and where in the picture they lie. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from flamingo.nn import losses, vgg

Pixels = NDArray[np.float32]
WEIGHT = 20.0
"""Of style against content in J, as in the painter's training and bench/paint.py."""

_PLACE_LAYER = "relu3_1"  # where strokes are: the layer at which places are compared
_PLACES = 4096  # of the painting, with which each place of a result is compared
_AT_ONCE = 2048


@dataclass(frozen=True)
class Seen:
    """content: relative error at relu4_2; layers: relative Gram error by layer; objective: J of
    flamingo.nn.losses with w = 20; content_missing, style_missing: (h, w) maps, 0 for nothing missing,
    about 1 for as unlike as photo and painting are."""

    content: float
    layers: dict[str, float]
    objective: float
    content_missing: Pixels
    style_missing: Pixels


class Eye:
    """VGG-19 that has looked at a photo and a painting, both (H, W, 3) in [0, 1], and now looks at results."""

    def __init__(self, photo: Pixels, painting: Pixels, weights: Path | None = None) -> None:
        self._network = vgg.load(weights)
        self.source = self._network.source
        plain = self._features(photo)
        painted = self._features(painting)
        self._content = plain[vgg.CONTENT_LAYER]
        self._grams = losses.grams(painted)
        self._places = _places(painted[_PLACE_LAYER])
        stride = -(-self._places.shape[1] // _PLACES)
        self._places = self._places[:, ::stride]
        self._usual = float(self._unlike(plain[_PLACE_LAYER]).mean())
        self.photo = self._seen(plain)

    @torch.no_grad()
    def _features(self, rgb: Pixels) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self._network(torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None])
        return found

    def look(self, rgb: Pixels) -> Seen:
        """A result of the photo's shape."""
        return self._seen(self._features(rgb))

    @torch.no_grad()
    def _seen(self, found: dict[str, Tensor]) -> Seen:
        squared = losses.content_error_squared(found, self._content)
        layers = losses.style_errors_squared(found, self._grams)
        objective = squared + WEIGHT * layers.mean(1)
        moved = (found[vgg.CONTENT_LAYER] - self._content).square().sum(1)[0]
        content = (moved / self._content.square().sum(1).mean()).sqrt()
        style = self._unlike(found[_PLACE_LAYER]) / max(self._usual, 1e-6)
        names = {name: float(v) for name, v in zip(vgg.STYLE_LAYERS, layers.sqrt()[0], strict=True)}
        return Seen(float(squared.sqrt()), names, float(objective), content.numpy(), style.numpy())

    def _unlike(self, found: Tensor) -> Tensor:
        """(h, w): how far each place is from the most similar one of the painting, as 1 - cosine (Li & Wand 2016
        match patches so); smoothed, for a single place says little."""
        h, w = found.shape[2:]
        places = _places(found)
        best = torch.cat([(part.T @ self._places).amax(1) for part in torch.split(places, _AT_ONCE, dim=1)])
        return F.avg_pool2d((1 - best).reshape(1, 1, h, w), 5, 1, 2, count_include_pad=False)[0, 0]


def _places(found: Tensor) -> Tensor:
    """(1, C, h, w) to unit vectors (C, h * w)."""
    return F.normalize(found[0].flatten(1), dim=0)
