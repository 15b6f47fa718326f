"""How much memory an optimisation will take, asked before it starts: refuse rather than die."""

from __future__ import annotations

from itertools import pairwise

import psutil

from flamingo.errors import ImageTooLarge
from flamingo.painting.methods.settings import Settings
from flamingo.vgg.layers import channels
from flamingo.vgg.layers import needed as needed_layers

# The runtime holds the weights of both networks as they are written, as they are read, and as it computes with them.
_COPIES = 8
# What the networks hold while they work, beside the activations that are kept: as many of the first block.
_AT_WORK = 12 * 64 * 4
_MARGIN = 1.25


def _networks(settings: Settings) -> int:
    """Bytes that do not depend on the picture: VGG-19 and its derivative."""
    widths = [channels(name) for name in needed_layers((*settings.content_layers, *settings.style_layers))]
    return _COPIES * sum(9 * 4 * before * after for before, after in pairwise([3, *widths]))


def needed(height: int, width: int, settings: Settings) -> int:
    """Bytes beyond an idle process: networks, kept activations, work space, optimiser and pictures."""
    bytes_per_pixel = float(_AT_WORK)
    for name in needed_layers((*settings.content_layers, *settings.style_layers)):
        bytes_per_pixel += channels(name) * 4 / 4 ** (int(name[4]) - 1)
    pictures = 12 + (2 * settings.history + 5 if settings.optimiser == "lbfgs" else 3)
    if settings.snapshots:
        pictures += settings.steps // settings.snapshots
    bytes_per_pixel += pictures * 3 * 4
    return int(_networks(settings) + _MARGIN * bytes_per_pixel * height * width)


def check(height: int, width: int, settings: Settings, free: int | None = None) -> None:
    """Raise ImageTooLarge if this machine has not the memory free that a picture of this size takes. free: bytes,
    asked of the system if None."""
    free = psutil.virtual_memory().available if free is None else free
    take = needed(height, width, settings)
    if take > free:
        always = _networks(settings)
        fits = int(max(height, width) * (max(0, free - always) / (take - always)) ** 0.5 * 0.95)
        hint = f"add --size {fits} to paint it smaller" if fits >= 64 else "close other programs first"
        raise ImageTooLarge(
            f"optimising {width} x {height} pixels",
            f"it takes {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            hint,
        )
