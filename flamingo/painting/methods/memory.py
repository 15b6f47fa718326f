"""How much memory an optimisation will take, asked before it starts: refuse rather than die."""

from __future__ import annotations

import psutil

from flamingo.errors import ImageTooLarge
from flamingo.painting.methods.settings import Settings
from flamingo.vgg.layers import LAYERS

_CHANNELS = (64, 128, 256, 512, 512)
_NETWORK = 200_000_000  # VGG-19, and what torch keeps
# What a convolution holds while it works beside what it keeps: layouts of its input, output and their gradients.
_AT_WORK = 6 * 64 * 4
_MARGIN = 1.25


def needed(height: int, width: int, settings: Settings) -> int:
    """Bytes beyond an idle process that has loaded torch: kept activations, work space, optimiser and pictures."""
    deepest = max(LAYERS.index(name) for name in (*settings.content_layers, *settings.style_layers))
    each = float(_AT_WORK)
    for name in LAYERS[: deepest + 1 : 2]:
        block = int(name[4])
        each += _CHANNELS[block - 1] * 4 / 4 ** (block - 1)  # the activations
        if name.endswith("_1") and block > 1:
            each += _CHANNELS[block - 2] * 12 / 4 ** (block - 1)  # the pooled ones and where they came from
    pictures = 12 + (2 * settings.history + 5 if settings.optimiser == "lbfgs" else 3)
    if settings.snapshots:
        pictures += settings.steps // settings.snapshots
    each += pictures * 3 * 4
    return int(_NETWORK + _MARGIN * each * height * width)


def check(height: int, width: int, settings: Settings, free: int | None = None) -> None:
    """Raise ImageTooLarge if this machine has not the memory free that a picture of this size takes. free: bytes,
    asked of the system if None."""
    free = psutil.virtual_memory().available if free is None else free
    take = needed(height, width, settings)
    if take > free:
        fits = int(max(height, width) * (max(0, free - _NETWORK) / (take - _NETWORK)) ** 0.5 * 0.95)
        hint = f"add --size {fits} to paint it smaller" if fits >= 64 else "close other programs first"
        raise ImageTooLarge(
            f"optimising {width} x {height} pixels",
            f"it takes {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            hint,
        )
