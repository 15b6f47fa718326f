"""What the options of the slow methods mean: from options that may be left out to settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from flamingo.errors import BadRequest
from flamingo.options import several
from flamingo.painting.methods.presets import PRESETS
from flamingo.painting.methods.settings import Settings
from flamingo.painting.options import MethodOptions, PaintOptions

if TYPE_CHECKING:
    from flamingo.painting.methods.dreaming import Dream


def optimise_settings(options: PaintOptions) -> Settings:
    """What `optimise` is to do. Raises BadRequest."""
    usual = PRESETS[options.preset] if options.preset else Settings()
    overrides = _values_set(
        options, "init", "optimiser", "steps", "content_weight", "style_weight", "snapshots", "seed"
    )
    if content := several(options.content_layer):
        overrides["content_layers"] = _layers("content", content, 1.0)
    if style := several(options.style_layer):
        overrides["style_layers"] = _layers("style", style, 1 / len(style))
    if options.optimiser is not None and options.optimiser != usual.optimiser:
        overrides["rate"] = None  # the preset's is for the other one
    if options.lr is not None:
        overrides["rate"] = options.lr
    if options.tv_weight is not None:
        overrides["variation_weight"] = options.tv_weight
    colour: Literal["photo", "style"] = "photo" if options.colour_share == 0 else "style"
    return replace(usual, strength=options.strength, colour=colour, stroke=options.stroke, **overrides)


def dream_settings(options: MethodOptions) -> Dream:
    """What `dream` is to do. Raises BadRequest."""
    from flamingo.painting.methods.dreaming import Dream

    overrides = _values_set(options, "steps", "octaves", "jitter", "seed")
    if layers := several(options.content_layer):
        overrides["layers"] = tuple(_layers("dream", layers, 1.0))
    return Dream(**overrides)


def _values_set(options: MethodOptions, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _layers(kind: str, texts: Sequence[str], usual: float) -> dict[str, float]:
    """relu4_2, or relu4_2=.5."""
    weights: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        try:
            weight = float(number) if equals else usual
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise BadRequest(f"{kind} layer {text!r}", "its weight is no number above 0", f"write it so: {name}=.5")
        weights[name.strip()] = weight
    return weights
