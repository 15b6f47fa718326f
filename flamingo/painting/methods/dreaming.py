"""DeepDream: walk uphill in what chosen layers of VGG-19 respond to.

Mordvintsev, Olah & Tyka 2015, "Inceptionism: Going Deeper into Neural Networks", and the program published with it:
octaves from small to large, of which each gets the detail dreamed so far on top of the photo at its own
size; a random shift before each step, so that the borders of tiles and poolings leave no grid; steps of
equal mean size. With a guide, each place follows the feature of the guide that it resembles most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flamingo.errors import BadRequest
from flamingo.painting.methods import memory, preparing
from flamingo.painting.methods.features import resized, to_pixels, to_planes
from flamingo.painting.methods.settings import Pixels, Settings
from flamingo.vgg.layers import LAYERS
from flamingo.vgg.network import VGG19, Tape

_LEAST = 48  # the shorter side of the smallest octave: deeper layers have too few places below
_PLACES = 4096  # of the guide, with which each place of the dream is compared; a larger guide is made smaller


@dataclass(frozen=True)
class Dream:
    """layers: whose response is to grow (names of `settings.LAYERS`); octaves: how many sizes, each octave_scale
    smaller than the next; steps: in each octave; rate: mean change of a pixel in a step, of [0, 1]; jitter: the most
    pixels by which a picture is shifted before a step; seed: of the shifts. Raises BadRequest."""

    layers: tuple[str, ...] = ("relu4_3", "relu5_1")
    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 10
    rate: float = 1.5 / 255
    jitter: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown or not self.layers:
            name = unknown[0] if unknown else ""
            raise BadRequest(f"dream layer {name!r}", "VGG-19 has no such layer", "choose from relu1_1 to relu5_4")
        ranges = {
            "octaves": (1, 12),
            "octave_scale": (1.05, 3),
            "steps": (1, 1000),
            "rate": (1e-5, 0.1),
            "jitter": (0, 512),
        }
        for field, (least, most) in ranges.items():
            value = getattr(self, field)
            if not (math.isfinite(value) and least <= value <= most):
                raise BadRequest(f"{field} {value}", f"it is not from {least:g} to {most:g}", "give one in between")


def run(
    photo: Pixels,
    settings: Dream,
    *,
    guide: Pixels | None,
    on_step: Callable[[int, int], None] | None,
    vgg_file: Path | None,
) -> Pixels:
    """See `flamingo.painting.methods.dream`."""
    preparing.check_picture("the photo", photo)
    if guide is not None:
        preparing.check_picture("the guide", guide)
    height, width = photo.shape[:2]
    memory.check(
        height, width, Settings(content_layers=dict.fromkeys(settings.layers, 1.0), style_layers={}, history=1)
    )
    network = VGG19.load(vgg_file)
    target = None if guide is None else _guide(network, to_planes(guide), settings)
    plain = to_planes(photo)
    random = np.random.default_rng(settings.seed)
    sizes = _octaves(height, width, settings)
    detail = np.zeros((1, 3, *sizes[0]), np.float32)
    for octave, size in enumerate(sizes):
        base = resized(plain, *size)
        picture = base + resized(detail, *size)
        tape = network.tape(*size, settings.layers)
        for step in range(settings.steps):
            picture = _step(tape, picture, target, settings, random)
            if on_step:
                on_step(octave * settings.steps + step + 1, len(sizes) * settings.steps)
        detail = picture - base
    return to_pixels(picture)


def _octaves(height: int, width: int, settings: Dream) -> list[tuple[int, int]]:
    sizes = []
    for i in range(settings.octaves):
        factor = settings.octave_scale**-i
        size = (round(height * factor), round(width * factor))
        if i and min(size) < _LEAST:
            break
        sizes.append(size)
    return sizes[::-1]


def _step(
    tape: Tape,
    picture: Pixels,
    target: dict[str, Pixels] | None,
    settings: Dream,
    random: np.random.Generator,
) -> Pixels:
    shift = [int(v) for v in random.integers(-settings.jitter, settings.jitter + 1, 2)]
    moved = np.roll(picture, shift, (2, 3))
    slope = tape.gradient({name: _rise(value, target, name) for name, value in tape.forward(moved).items()})
    mean = float(np.abs(slope).mean())
    if not math.isfinite(mean) or mean == 0:  # nothing responds, or far too much: the picture stays
        return picture
    moved = np.clip(moved + np.float32(settings.rate / mean) * slope, 0, 1)
    return np.roll(moved, [-s for s in shift], (2, 3))


def _rise(activations: Pixels, target: dict[str, Pixels] | None, name: str) -> Pixels:
    """The derivative, with respect to a layer's activations (1, C, h, w), of what is to grow.

    Without a guide that is their mean square; with one, the mean product with the guide's feature that is most like
    each place.
    """
    if target is None:
        return activations * np.float32(2 / activations.size)
    best = (target[name].T @ activations.reshape(activations.shape[1], -1)).argmax(0)
    return np.asarray(target[name][:, best] / np.float32(activations.size), np.float32).reshape(activations.shape)


def _guide(network: VGG19, guide: Pixels, settings: Dream) -> dict[str, Pixels]:
    """Of each layer the features (C, places) of the guide, at most `_PLACES` of them."""
    features = {}
    for name, value in network.forward(guide, settings.layers).items():
        flat = value.reshape(value.shape[1], -1)
        stride = math.ceil(flat.shape[1] / _PLACES)
        features[name] = flat[:, ::stride]
    return features
