"""Reading a painting: from a picture of it to the style vector that makes the painter paint in its manner.

One pass of a small network (see flamingo/nn/style_encoder.py), whatever the size of the painting.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.errors import BadInput, BadRequest
from flamingo.images.picture import resize
from flamingo.painting.networks import network

_SIDE = 400
"""Sides that the encoder learned paintings at, more or less: the geometric mean of height and width in pixels."""
_LONGEST, STRIDE = 1024, 32
_PLAIN = 2e-3  # the largest standard deviation of a picture that is one colour


def known(model: str) -> bool:
    """Whether this painter can paint in the manner of a painting that it has never seen."""
    return "encoder" in weights.entry(f"painter-{model}")["files"]


def encoded(painting: NDArray[np.float32], model: str, name: str = "the painting") -> NDArray[np.float32]:
    """The style vector (S,) float32 of a painting, (H, W, 3) float32 sRGB in [0, 1].

    Raises BadRequest if this painter knows its named styles alone, and BadInput for a painting that is one colour,
    of which nothing can be learned.
    """
    if not known(model):
        raise BadRequest(f"model {model!r}", "this painter knows the named styles alone", "use --model fine")
    if float(painting.std(axis=(0, 1)).max()) < _PLAIN:
        raise BadInput(name, "it is one colour, so there is no manner to learn", "choose a painting")
    style_encoder = network(f"painter-{model}", "encoder")
    return np.asarray(style_encoder(painting=fitted(painting))[0], np.float32)


def fitted(painting: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1, 3, h, w) at the size that the encoder knows, cut at the edges to multiples of its stride."""
    height, width = painting.shape[:2]
    scale = min(_SIDE / math.sqrt(height * width), _LONGEST / max(height, width))
    tall, wide = (max(STRIDE, round(side * scale)) for side in (height, width))
    small = resize(painting, tall, wide)
    top, left = tall % STRIDE // 2, wide % STRIDE // 2
    cut = small[top : top + tall // STRIDE * STRIDE, left : left + wide // STRIDE * STRIDE]
    return np.ascontiguousarray(cut.transpose(2, 0, 1)[None])
