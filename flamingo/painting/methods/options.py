"""What users may ask of the slow methods, and what it means: from options that may be left out to settings.

An option that the chosen method does not have is refused, rather than passed over in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from flamingo.errors import BadRequest
from flamingo.painting.methods.presets import PRESETS
from flamingo.painting.methods.settings import Init, Optimiser, Settings

if TYPE_CHECKING:
    from flamingo.painting.methods.dreaming import Dream

Method = Literal["painter", "optimise", "dream"]
Preset = Literal["flamingo-2021", "nst-2023", "deep-art-2023"]

SLOW = "Optimise and dream"
"""The heading under which these options stand together."""

_DREAMS = frozenset({"content_layer", "steps", "octaves", "jitter", "seed"})
_ONLY_DREAMS = frozenset({"octaves", "jitter"})


def methods_of(option: str) -> tuple[Method, ...]:
    """The methods that have this option of `Asked`."""
    found: list[Method] = [] if option in _ONLY_DREAMS else ["optimise"]
    return (*found, "dream") if option in _DREAMS else tuple(found)


@dataclass(frozen=True)
class MethodOptions:
    """The options of the slow methods as they were given; None or () where nothing was said."""

    preset: Preset | None = None
    init: Init | None = None
    optimiser: Optimiser | None = None
    steps: int | None = None
    content_layer: Sequence[str] = ()
    style_layer: Sequence[str] = ()
    content_weight: float | None = None
    style_weight: float | None = None
    octaves: int | None = None
    jitter: int | None = None
    snapshots: int | None = None
    seed: int | None = None
    tv_weight: float | None = None
    lr: float | None = None

    def check(self, method: Method) -> None:
        """Raise BadRequest for an option that this method does not have."""
        for each in fields(self):
            if getattr(self, each.name) in (None, ()):
                continue
            able = methods_of(each.name)
            if method not in able:
                option, other = each.name.replace("_", "-"), able[0]
                raise BadRequest(
                    f"--{option}", f"the method {method} has no such thing", f"add --method {other}, or leave it out"
                )

    def settings(self, strength: float, colour: float, stroke: float) -> Settings:
        """For `optimise`. Raises BadRequest."""
        usual = PRESETS[self.preset] if self.preset else Settings()
        given = self._given("init", "optimiser", "steps", "content_weight", "style_weight", "snapshots", "seed")
        if self.content_layer:
            given["content_layers"] = _layers("content", self.content_layer, 1.0)
        if self.style_layer:
            given["style_layers"] = _layers("style", self.style_layer, 1 / len(self.style_layer))
        if self.optimiser is not None and self.optimiser != usual.optimiser:
            given["rate"] = None  # the preset's is for the other one
        if self.lr is not None:
            given["rate"] = self.lr
        if self.tv_weight is not None:
            given["variation_weight"] = self.tv_weight
        kept: Literal["photo", "style"] = "photo" if colour == 0 else "style"
        return replace(usual, strength=strength, colour=kept, stroke=stroke, **given)

    def dream(self) -> Dream:
        """For `dream`. Raises BadRequest; needs torch."""
        from flamingo.painting.methods.dreaming import Dream

        given = self._given("steps", "octaves", "jitter", "seed")
        if self.content_layer:
            given["layers"] = tuple(_layers("dream", self.content_layer, 1.0))
        return Dream(**given)

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def _layers(kind: str, texts: Sequence[str], usual: float) -> dict[str, float]:
    """relu4_2, or relu4_2=.5."""
    found: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        try:
            weight = float(number) if equals else usual
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise BadRequest(f"{kind} layer {text!r}", "its weight is no number above 0", f"write it so: {name}=.5")
        found[name.strip()] = weight
    return found
