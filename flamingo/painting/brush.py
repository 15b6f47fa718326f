"""Everything that was asked for about how to paint, ready to be used on one photo after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.painting import style_spec as wishes
from flamingo.painting.colour import coloured
from flamingo.painting.large import Progress
from flamingo.painting.painter import Model, Painter
from flamingo.painting.style_spec import Files, StyleMix, StyleTerm
from flamingo.painting.styles import length

Pixels = NDArray[np.float32]
Rows = Callable[[int, int], Pixels]
Colour = float | Literal["style", "photo"]


@dataclass(frozen=True)
class Brush:
    """A painter, and how it is to paint: in which styles, where, how strongly, in whose colours, with which strokes.

    colour: from 0, the photo's, to 1, the style's. Made by `brush`.
    """

    painter: Painter
    wish: StyleMix
    strength: float = 1.0
    stroke: float = 1.0
    colour: float = 1.0

    def paint(self, rgb: Pixels, on_progress: Progress | None = None) -> Pixels:
        """Paint `rgb`, (H, W, 3) float32 sRGB in [0, 1]; the same shape. `notes` says what there is to say of it."""
        masks = self.wish.fitted(*rgb.shape[:2])
        painted = self.painter.paint_map(
            rgb, self.wish.vectors, masks, palettes=self.wish.palettes, stroke=self.stroke, on_progress=on_progress
        )
        return coloured(painted, rgb, self.colour)

    def strips(self, rows: Rows, height: int, width: int, on_progress: Progress | None = None) -> Iterator[Pixels]:
        """The same for a picture of which `rows(top, bottom)` gives a part, strip by strip from top to bottom."""
        masks = self.wish.fitted(height, width)
        top = 0
        for strip in self.painter.paint_strips(
            rows,
            height,
            width,
            self.wish.vectors,
            masks,
            palettes=self.wish.palettes,
            stroke=self.stroke,
            on_progress=on_progress,
        ):
            bottom = top + len(strip)
            yield coloured(strip, rows(top, bottom), self.colour) if self.colour < 1 else strip
            top = bottom

    def adjusted(self, strength: float, colour: Colour, stroke: float) -> Brush:
        """A brush of full strength, at another strength, colour and stroke: nothing is looked at again."""
        vectors = self.wish.vectors * np.float32(length(strength))
        wish = replace(self.wish, vectors=vectors)
        return replace(self, wish=wish, strength=strength, colour=share_of(colour), stroke=stroke)

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it as plain values: enough, with the photo and the paintings, to paint the same again."""
        return {
            "style": self.wish.label,
            "styles": self.wish.recipe,
            "strength": self.strength,
            "colour": self.colour,
            "stroke": self.stroke,
            "model": self.painter.model,
            "model_version": self.painter.version,
        }

    def notes(self, height: int, width: int) -> list[str]:
        """What there is to say of the masks on a photo of this size."""
        return self.wish.notes(height, width)


def brush(
    style: Sequence[str] = (),
    painting: Files = (),
    mask: Files = (),
    *,
    strength: float = 1.0,
    colour: Colour = 1.0,
    stroke: float = 1.0,
    model: Model = "fine",
    anywhere: bool = True,
) -> Brush:
    """Understand what was asked for (see flamingo.painting.style_spec) and look at the paintings and masks.

    Raises BadRequest for what cannot be understood, BadInput for a painting or mask that cannot be used, ModelMissing
    or ModelCorrupt if the painter cannot.
    """
    return held(wishes.parse_styles(style, painting, mask, model, anywhere=anywhere), strength, colour, stroke, model)


def held(parts: Sequence[StyleTerm], strength: float, colour: Colour, stroke: float, model: Model) -> Brush:
    """The brush for styles that are understood. Raises as `brush`."""
    return Brush(Painter(model), wishes.style_mix(parts, strength, model), strength, stroke, share_of(colour))


def share_of(colour: Colour) -> float:
    """0 for the photo's colours, 1 for the style's."""
    return {"style": 1.0, "photo": 0.0}[colour] if isinstance(colour, str) else float(colour)
