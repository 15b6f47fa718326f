"""The objective at one scale: what the picture is compared with, by how much it differs, and which way is down.

Regions are guided Gram matrices (Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer",
section 4): each place of a layer counts in a style's Gram matrix as much as the style's mask covers it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flamingo.painting.methods.features import averaged
from flamingo.painting.methods.settings import Pixels, Settings
from flamingo.vgg.losses import gram, gram_gradient, square, squared_variation, total_variation
from flamingo.vgg.network import VGG19

_PHOTO_WEIGHT = 100.0  # of the photo where styles leave room, as in the painter's training
_SEEN = 1e-3  # a style that covers less of the picture is not there


@dataclass(frozen=True)
class Canvas:
    """One style at one scale: its painting (1, 3, h, w), and its share of each place (1, 1, H, W), or None for
    the same share everywhere."""

    painting: Pixels
    share: float
    mask: Pixels | None


@dataclass(frozen=True)
class Terms:
    """The objective and its parts as numbers (see `settings.Step`)."""

    objective: float
    content: float
    style: float
    photo: float
    layers: Mapping[str, float]
    tv: float = 0.0


class Objective:
    """What a picture (1, 3, H, W) in [0, 1] is worth: call it to get the `Terms`, then `gradient`."""

    def __init__(self, network: VGG19, photo: Pixels, canvases: Sequence[Canvas], settings: Settings) -> None:
        self._photo, self._settings = photo, settings
        layers = {*settings.content_layers, *settings.style_layers}
        self._units = dict.fromkeys(layers, 1.0)
        self._canvases = [c for c in canvases if c.share > _SEEN]
        # First of all: what it sees with can look at the targets as well.
        tape_layers = [*settings.content_layers, *(settings.style_layers if self._canvases else ())]
        self._tape = network.tape(photo.shape[2], photo.shape[3], tape_layers, settings.pooling)
        cover: Pixels | float = 0.0
        for canvas in self._canvases:
            cover = cover + (canvas.share if canvas.mask is None else canvas.mask)
        left = np.asarray((1 - settings.strength * cover) ** 2, np.float32)
        # Without styles nothing is left over for the photo: then it is told by its content alone.
        bare = bool(canvases and settings.style_layers) and float(left.max()) > _SEEN**2
        self._left = left if bare else None
        self._content: dict[str, Pixels] = {}
        self._style: list[dict[str, Pixels]] = []
        # Where the network goes astray, the loss says so.
        with np.errstate(over="ignore", invalid="ignore"):
            self._look(network, layers)
        self._masks = [self._levels(c.mask, photo) for c in self._canvases]
        self._picture = photo
        self._activations: Mapping[str, Pixels] = {}
        self._slopes: dict[str, list[tuple[Pixels, Pixels | None]]] = {}

    def _look(self, network: VGG19, layers: Collection[str]) -> None:
        """See the photo and the paintings, which are the targets."""
        settings, photo = self._settings, self._photo
        if settings.losses == "absolute":
            # Gatys et al. 2016 (section 2) scaled their network to a mean activation of 1.
            activations = network.forward(photo, layers, settings.pooling)
            self._units = {name: max(float(np.maximum(value, 0).mean()), 1e-6) for name, value in activations.items()}
        elif settings.losses == "raw":
            units = network.units(network.forward(photo, layers, settings.pooling))
            self._units = {name: value * 255 / settings.pixel_range for name, value in units.items()}
        if settings.content_layers:
            self._content = network.forward(photo, settings.content_layers, settings.pooling)
        if settings.style_layers:
            for canvas in self._canvases:
                activations = network.forward(canvas.painting, settings.style_layers, settings.pooling)
                self._style.append(
                    {name: gram(value) * self._gram_unit(name, value) for name, value in activations.items()}
                )

    def _gram_unit(self, name: str, activations: Pixels) -> np.float32:
        """What a layer's Gram matrix is multiplied by."""
        unit = self._units[name] ** -2
        return np.float32(unit / activations.shape[1] if self._settings.losses == "absolute" else unit)

    def _levels(self, mask: Pixels | None, photo: Pixels) -> dict[int, Pixels] | None:
        """The root of the mask at the size of each block of VGG-19, by its height, with a mean square of 1: a Gram
        matrix is then the mean over covered places, sum of m x x^T / sum of m."""
        if mask is None:
            return None
        height, width = photo.shape[2:]
        levels = {}
        for _ in range(5):
            level = np.maximum(averaged(mask, height, width), np.float32(1e-6))
            levels[height] = np.sqrt(level * np.float32(level.size / level.sum()))
            height, width = height // 2, width // 2
        return levels

    def _divisor(self, target: Pixels) -> float:
        """What a squared difference from the target is divided by."""
        return max(square(target), 1e-12) if self._settings.losses == "relative" else float(target.size)

    def __call__(self, picture: Pixels) -> Terms:
        # Where the network goes astray, the loss says so.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._terms(picture)

    def _terms(self, picture: Pixels) -> Terms:
        settings = self._settings
        self._picture, self._activations = picture, self._tape.forward(picture)
        content = sum(
            weight * square(self._activations[name] - self._content[name]) / self._content_divisor(name)
            for name, weight in settings.content_layers.items()
        )
        style, layers = self._style_terms()
        content = settings.content_weight * content
        style *= settings.style_weight * settings.strength**2
        photo = 0.0
        if self._left is not None:
            photo = _PHOTO_WEIGHT * float((self._left * np.square(picture - self._photo)).mean(dtype=np.float64))
        variation = settings.variation_weight * self._variation()[0] if settings.variation_weight else 0.0
        roots = {name: value**0.5 for name, value in layers.items()}
        return Terms(content + style + photo + variation, content, style, photo, roots, variation)

    def _content_divisor(self, name: str) -> float:
        """As `_divisor`, for activations that were not brought to their unit."""
        divisor = self._divisor(self._content[name])
        return divisor if self._settings.losses == "relative" else divisor * self._units[name] ** 2

    def _style_terms(self) -> tuple[float, dict[str, float]]:
        """The style's sum without its weight, and each layer's squared error, the mean over the styles. What the
        Gram matrices say of the way down is kept for `gradient`."""
        settings = self._settings
        total, layers = 0.0, dict.fromkeys(settings.style_layers, 0.0)
        shares = sum(c.share for c in self._canvases)
        self._slopes = {}
        if not self._canvases:
            return total, layers
        for name, weight in settings.style_layers.items():
            activations = self._activations[name]
            slopes = self._slopes[name] = []
            unit = self._gram_unit(name, activations)
            everywhere: Pixels | None = None  # styles without masks look at the same Gram matrix
            slope: Pixels | None = None
            for canvas, targets, masks in zip(self._canvases, self._style, self._masks, strict=True):
                mask = None if masks is None else masks[activations.shape[2]]
                if mask is not None:
                    matrix = gram(activations * mask) * unit
                else:
                    matrix = everywhere = gram(activations) * unit if everywhere is None else everywhere
                difference = matrix - targets[name]
                divisor = self._divisor(targets[name])
                error = square(difference) / divisor
                total += canvas.share * weight * error
                layers[name] += canvas.share / shares * error
                down = difference * np.float32(2 * canvas.share * weight / divisor * unit)
                if mask is not None:
                    slopes.append((down, mask))
                else:
                    slope = down if slope is None else slope + down
            if slope is not None:
                slopes.append((slope, None))
        return total, layers

    def _variation(self) -> tuple[float, Pixels]:
        """The total variation of the picture, without its weight, and its derivative."""
        if self._settings.losses != "raw":
            return total_variation(self._picture)
        unit = np.float32(self._settings.pixel_range)
        value, slope = squared_variation(self._picture * unit)
        return value, slope * unit

    def gradient(self) -> Pixels:
        """The objective's derivative (1, 3, H, W) with respect to the picture that was judged last."""
        settings = self._settings
        of: dict[str, Pixels] = {}
        strength = np.float32(settings.style_weight * settings.strength**2)
        for name, slopes in self._slopes.items():
            for slope, mask in slopes:
                activations = self._activations[name]
                if mask is None:
                    down = gram_gradient(activations, slope * strength)
                else:
                    down = gram_gradient(activations * mask, slope * strength) * mask
                of[name] = of[name] + down if name in of else down
        for name, weight in settings.content_layers.items():
            factor = 2 * settings.content_weight * weight / self._content_divisor(name)
            down = (self._activations[name] - self._content[name]) * np.float32(factor)
            of[name] = of[name] + down if name in of else down
        gradient = self._tape.gradient(of)
        if self._left is not None:
            unit = np.float32(2 * _PHOTO_WEIGHT / self._photo.size)
            gradient += unit * self._left * (self._picture - self._photo)
        if settings.variation_weight:
            gradient += np.float32(settings.variation_weight) * self._variation()[1]
        return gradient
