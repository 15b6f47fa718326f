"""What VGG-19 sees of photo and painting in a result: errors, and where in the picture they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from flamingo.vgg import losses
from flamingo.vgg.layers import CONTENT_LAYER, STYLE_LAYERS
from flamingo.vgg.network import VGG19

Pixels = NDArray[np.float32]
WEIGHT = 20.0
"""Of style against content in J, as in the painter's training and bench/paint.py."""

_PLACE_LAYER = "relu3_1"  # where strokes are: the layer at which places are compared
_PLACES = 4096  # of the painting, with which each place of a result is compared
_AT_ONCE = 2048
_SMOOTH = 5  # places of a side over which a map is averaged


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
        self._network = VGG19.load(weights)
        self.source = self._network.source
        plain = self._features(photo)
        painted = self._features(painting)
        self._content = plain[CONTENT_LAYER]
        self._grams = {layer: losses.gram(painted[layer]) for layer in STYLE_LAYERS}
        places = _places(painted[_PLACE_LAYER])
        self._places = places[:, :: -(-places.shape[1] // _PLACES)]
        self._usual = float(self._unlike(plain[_PLACE_LAYER]).mean())
        self.photo = self._measured(plain)

    def _features(self, rgb: Pixels) -> dict[str, Pixels]:
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32)
        return self._network.forward(planes, (*STYLE_LAYERS, CONTENT_LAYER))

    def look(self, rgb: Pixels) -> Seen:
        """A result of the photo's shape."""
        return self._measured(self._features(rgb))

    def _measured(self, activations: dict[str, Pixels]) -> Seen:
        squared = losses.content_error_squared(activations, self._content)
        layers = losses.style_errors_squared(activations, self._grams)
        objective = squared + WEIGHT * sum(layers.values()) / len(layers)
        moved = np.square(activations[CONTENT_LAYER] - self._content).sum(1)[0]
        content = np.sqrt(moved / np.square(self._content).sum(1).mean())
        style = self._unlike(activations[_PLACE_LAYER]) / np.float32(max(self._usual, 1e-6))
        return Seen(squared**0.5, {name: error**0.5 for name, error in layers.items()}, objective, content, style)

    def _unlike(self, activations: Pixels) -> Pixels:
        """(h, w): how far each place is from the most similar one of the painting, as 1 - cosine (Li & Wand 2016
        match patches so); smoothed, for a single place says little."""
        places = _places(activations)
        parts = (places[:, i : i + _AT_ONCE] for i in range(0, places.shape[1], _AT_ONCE))
        best = np.concatenate([(part.T @ self._places).max(1) for part in parts])
        unlike = (1 - best).reshape(activations.shape[2:])
        # At a border the mean of the places that are there.
        there = uniform_filter(np.ones_like(unlike), _SMOOTH, mode="constant")
        return np.asarray(uniform_filter(unlike, _SMOOTH, mode="constant") / there, np.float32)


def _places(activations: Pixels) -> Pixels:
    """(1, C, h, w) to unit vectors (C, h * w)."""
    flat = activations.reshape(activations.shape[1], -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=0), 1e-12), np.float32)
