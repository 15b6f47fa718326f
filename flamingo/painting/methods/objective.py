"""The objective at one scale: what the picture is compared with, and by how much it differs.

Regions are guided Gram matrices (Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer",
section 4): each place of a layer counts in a style's Gram matrix as much as the style's mask covers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from flamingo.nn import vgg
from flamingo.nn.losses import gram, squared_variation, total_variation
from flamingo.nn.vgg import VGG19
from flamingo.painting.methods.features import features
from flamingo.painting.methods.settings import Settings

_PHOTO_WEIGHT = 100.0  # of the photo where styles leave room, as in the painter's training
_SEEN = 1e-3  # a style that covers less of the picture is not there


@dataclass(frozen=True)
class Canvas:
    """One style at one scale: its painting (1, 3, h, w), and its share of each place (1, 1, H, W), or None for
    the same share everywhere."""

    painting: Tensor
    share: float
    mask: Tensor | None


@dataclass(frozen=True)
class Terms:
    """The objective as a tensor with a gradient, and its parts as numbers (see `settings.Step`)."""

    objective: Tensor
    content: float
    style: float
    photo: float
    layers: Mapping[str, float]
    tv: float = 0.0


class Objective:
    """What a picture (1, 3, H, W) in [0, 1] is worth: call it to get the `Terms`."""

    def __init__(self, network: VGG19, photo: Tensor, canvases: Sequence[Canvas], settings: Settings) -> None:
        self._network, self._photo, self._settings = network, photo, settings
        self._layers = {*settings.content_layers, *settings.style_layers}
        self._units: dict[str, float] = {}
        self._canvases = [c for c in canvases if c.share > _SEEN]
        cover = torch.zeros(())
        for canvas in self._canvases:
            cover = cover + (canvas.share if canvas.mask is None else canvas.mask)
        left = (1 - settings.strength * cover).square()
        # Without styles nothing is left over for the photo: then it is told by its content alone.
        bare = bool(canvases and settings.style_layers) and float(left.max()) > _SEEN**2
        self._left = left.to(photo.device) if bare else None
        with torch.no_grad():
            if settings.losses == "absolute":
                self._units = self._normal(photo)
            elif settings.losses == "raw":
                self._units = vgg.units_of_caffe(network, self._see(photo, dict.fromkeys(self._layers, 1.0)))
                self._units = {k: v * 255 / settings.pixel_range for k, v in self._units.items()}
            self._content = self._see(photo, settings.content_layers) if settings.content_layers else {}
            self._style = [self._grams(c.painting, None) for c in self._canvases] if settings.style_layers else []
        self._masks = [self._levels(c.mask, photo) for c in self._canvases]

    def _see(self, picture: Tensor, layers: Mapping[str, float]) -> dict[str, Tensor]:
        found = features(self._network, picture, list(layers), self._settings.pooling)
        return {name: value / self._units[name] for name, value in found.items()} if self._units else found

    def _normal(self, photo: Tensor) -> dict[str, float]:
        """The mean activation of each layer, by which absolute losses are made independent of whose VGG-19 it is:
        Gatys et al. 2016 (section 2) scaled their network to a mean activation of 1."""
        found = self._see(photo, dict.fromkeys(self._layers, 1.0))
        return {name: max(float(value.relu().mean()), 1e-6) for name, value in found.items()}

    def _grams(self, picture: Tensor, masks: Mapping[int, Tensor] | None) -> dict[str, Tensor]:
        return {k: self._gram(v, masks) for k, v in self._see(picture, self._settings.style_layers).items()}

    def _gram(self, found: Tensor, masks: Mapping[int, Tensor] | None) -> Tensor:
        if masks is not None:
            mask = masks[found.shape[2]]
            # The mean over covered places: sum of m x x^T / sum of m.
            found = found * (mask * (mask.numel() / mask.sum())).sqrt()
        if self._settings.losses == "absolute":
            return gram(found) / found.shape[1]
        return gram(found)

    def _levels(self, mask: Tensor | None, photo: Tensor) -> dict[int, Tensor] | None:
        """The mask at the size of each block of VGG-19, by its height."""
        if mask is None:
            return None
        height, width = photo.shape[2:]
        found = {}
        for _ in range(5):
            found[height] = F.interpolate(mask, (height, width), mode="area").clamp_min(1e-6)
            height, width = height // 2, width // 2
        return found

    def _error(self, out: Tensor, target: Tensor) -> Tensor:
        if self._settings.losses != "relative":
            return (out - target).square().mean()
        return (out - target).square().sum() / target.square().sum().clamp_min(1e-12)

    def __call__(self, picture: Tensor) -> Terms:
        settings = self._settings
        found = self._see(picture, dict.fromkeys(self._layers, 1.0))
        content = picture.new_zeros(())
        for name, weight in settings.content_layers.items():
            content = content + weight * self._error(found[name], self._content[name])
        style = picture.new_zeros(())
        layers = dict.fromkeys(settings.style_layers, 0.0)
        shares = sum(c.share for c in self._canvases)
        for canvas, targets, masks in zip(self._canvases, self._style, self._masks, strict=bool(self._style)):
            for name, weight in settings.style_layers.items():
                error = self._error(self._gram(found[name], masks), targets[name])
                style = style + canvas.share * weight * error
                layers[name] += canvas.share / shares * float(error.detach())
        content = settings.content_weight * content
        style = settings.style_weight * settings.strength**2 * style
        objective = content + style
        photo = picture.new_zeros(())
        if self._left is not None:
            photo = _PHOTO_WEIGHT * (self._left * (picture - self._photo).square()).mean()
            objective = objective + photo
        variation = picture.new_zeros(())
        if settings.variation_weight:
            raw = settings.losses == "raw"
            found_tv = squared_variation(picture * settings.pixel_range) if raw else total_variation(picture)
            variation = settings.variation_weight * found_tv.sum()
            objective = objective + variation
        roots = {name: value**0.5 for name, value in layers.items()}
        of_content, of_style, of_photo, of_tv = (float(x.detach()) for x in (content, style, photo, variation))
        return Terms(objective, of_content, of_style, of_photo, roots, of_tv)
