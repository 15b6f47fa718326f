"""The painter at work: an array of pixels and a style in, a painted array out.

Everything about files, batches and metadata lives elsewhere; this is what a developer calls who has pixels.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from flamingo import runtime, weights
from flamingo.errors import BadRequest
from flamingo.painting import styles as _styles
from flamingo.painting.styles import Style

Model = Literal["fast", "fine"]
MODELS: tuple[Model, ...] = get_args(Model)

_STRIDE = 4  # the network halves twice, so it takes sides that are multiples of 4
_LEAST = 32  # below this its widest convolution would reach past the picture


class Painter:
    """One of the painters, ready to paint.

    model: "fine" (default) or "fast". Loading is done once a process and shared between instances.
    Raises ModelMissing or ModelCorrupt if the weights are not there or not whole.
    """

    def __init__(self, model: Model = "fine") -> None:
        if model not in MODELS:
            raise BadRequest(f"model {model!r}", "there is no such painter", f"choose one of {', '.join(MODELS)}")
        self.model: Model = model
        self.version: str = weights.entry(f"painter-{model}")["version"]
        self._network = runtime.load(weights.path(f"painter-{model}", "onnx"))

    @property
    def styles(self) -> list[Style]:
        """The named styles this painter has learned."""
        return _styles.styles(self.model)

    def paint(self, rgb: NDArray[np.float32], style: str, strength: float = 1.0) -> NDArray[np.float32]:
        """Paint `rgb`, float (H, W, 3), sRGB in [0, 1], in a named style; returns the same shape, float32.

        strength: 0 returns the photo, 1 the full style. Raises BadRequest for an unknown style, a strength
        outside [0, 1] or pixels of another shape.
        """
        return self.paint_vector(rgb, _styles.vector(style, strength, self.model))

    def paint_vector(self, rgb: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for any style vector, float (S,): a mix of styles is a weighted sum of their vectors."""
        if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise BadRequest(f"pixels of shape {rgb.shape}", "a picture is (H, W, 3)", "give height, width and RGB")
        if not (np.isfinite(rgb).all() and np.isfinite(vector).all()):
            raise BadRequest("pixels or style vector", "they hold NaN or infinity", "give finite numbers")
        height, width = rgb.shape[:2]
        photo = np.pad(rgb.astype(np.float32, copy=False), (_margin(height), _margin(width), (0, 0)), "symmetric")
        painted = self._network(
            photo=np.ascontiguousarray(photo.transpose(2, 0, 1)[None]),
            vector=np.asarray(vector, dtype=np.float32)[None],
        )
        return np.ascontiguousarray(painted[0, :, :height, :width].transpose(1, 2, 0))


def _margin(side: int) -> tuple[int, int]:
    """How much to add after a side so that the network can take it; cut off again afterwards."""
    return 0, max(_LEAST, -(-side // _STRIDE) * _STRIDE) - side
