"""The objective of Gatys' method in torch, whose derivative is automatic, for the usual settings."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from flamingo.nn import losses, vgg
from flamingo.painting.methods.objective import Terms
from flamingo.painting.methods.settings import Settings

Array = NDArray[np.float32]


class Objective:
    """J of a picture (1, 3, H, W) beside a photo and a painting, with the weights of `Settings`."""

    def __init__(self, photo: Array, painting: Array) -> None:
        self._network = vgg.load()
        with torch.no_grad():
            self._content = self._network(torch.from_numpy(photo))[vgg.CONTENT_LAYER]
            self._style = losses.grams(self._network(torch.from_numpy(painting)))
        self._picture = torch.from_numpy(photo)
        self._value = self._picture.sum()

    def __call__(self, picture: Array) -> Terms:
        usual = Settings()
        self._picture = torch.from_numpy(picture.copy()).requires_grad_(True)
        seen = self._network(self._picture)
        content = usual.content_weight * losses.content_error_squared(seen, self._content)
        style = usual.style_weight * losses.style_errors_squared(seen, self._style).mean(1)
        self._value = (content + style).sum()
        return Terms(self._value.item(), content.item(), style.item(), 0.0, {})

    def gradient(self) -> Array:
        (slope,) = torch.autograd.grad(self._value, self._picture)
        return np.asarray(slope.numpy())
