"""Everything that was asked for about how to paint, ready to be used on one photo after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.options import shared
from flamingo.painting.colour import coloured
from flamingo.painting.large import Progress
from flamingo.painting.options import StyleOptions
from flamingo.painting.painter import Painter
from flamingo.painting.style_spec import Files, StyleMix, StyleTerm, parse_styles, style_mix
from flamingo.painting.styles import length

Pixels = NDArray[np.float32]
Rows = Callable[[int, int], Pixels]


@dataclass(frozen=True)
class Brush:
    """A painter, and how it is to paint: in which styles, where and how strongly (`mix`, `strength`), and how these
    are painted (`options`). Made by `brush`."""

    painter: Painter
    mix: StyleMix
    strength: float = 1.0
    options: StyleOptions = field(default_factory=StyleOptions)

    def paint(self, rgb: Pixels, on_progress: Progress | None = None) -> Pixels:
        """Paint `rgb`, (H, W, 3) float32 sRGB in [0, 1]; the same shape. `notes` says what there is to say of it."""
        painted = self.painter.paint_map(rgb, **self.arguments(*rgb.shape[:2]), on_progress=on_progress)
        return coloured(painted, rgb, self.options.colour_share)

    def strips(self, rows: Rows, height: int, width: int, on_progress: Progress | None = None) -> Iterator[Pixels]:
        """The same for a picture of which `rows(top, bottom)` gives a part, strip by strip from top to bottom."""
        colour, top = self.options.colour_share, 0
        arguments = self.arguments(height, width)
        for strip in self.painter.paint_strips(rows, height, width, **arguments, on_progress=on_progress):
            bottom = top + len(strip)
            yield coloured(strip, rows(top, bottom), colour) if colour < 1 else strip
            top = bottom

    def arguments(self, height: int, width: int) -> dict[str, Any]:
        """What `Painter.paint_map` is told for a picture of that size, apart from its pixels."""
        mix = self.mix
        masks = mix.fitted(height, width)
        return {"vectors": mix.vectors, "masks": masks, "palettes": mix.palettes, "stroke": self.options.stroke}

    def adjusted(self, strength: float, options: StyleOptions) -> Brush:
        """A brush of full strength, at another strength and with other options of the same painter: paintings and
        masks are not looked at again."""
        vectors = self.mix.vectors * np.float32(length(strength))
        return replace(self, mix=replace(self.mix, vectors=vectors), strength=strength, options=options)

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it as plain values: enough, with the photo and the paintings, to paint the same again."""
        return {
            "style": self.mix.label,
            "styles": self.mix.recipe,
            "strength": self.strength,
            **asdict(self.options),
            "colour": self.options.colour_share,
            "model_version": self.painter.version,
        }

    def notes(self, height: int, width: int) -> list[str]:
        """What there is to say of the masks on a photo of this size."""
        return self.mix.notes(height, width)


def brush(
    style: Sequence[str] = (),
    painting: Files = (),
    mask: Files = (),
    *,
    strength: float = 1.0,
    anywhere: bool = True,
    **options: Any,
) -> Brush:
    """Understand which styles are wanted (see flamingo.painting.style_spec) and look at the paintings and masks.

    Args:
        style: texts, NAME[=WEIGHT][@MASK].
        painting, mask: files that the texts may name, or that count by themselves.
        strength: from 0, the photo, to 1, the full style.
        anywhere: whether the texts may name files that are not among `painting` and `mask`.
        options: fields of `flamingo.painting.options.StyleOptions`: colour, stroke, model.

    Raises:
        BadRequest: for what cannot be understood.
        BadInput: for a painting or mask that cannot be used.
        ModelMissing, ModelCorrupt: if the painter cannot be used.

    Example:
        >>> import numpy as np
        >>> mixed = brush(["great-wave=.6", "scream=.4"], strength=0.8, model="fast")
        >>> mixed.paint(np.full((64, 96, 3), 0.5, np.float32)).shape, mixed.mix.label
        ((64, 96, 3), 'great-wave+scream')
    """
    how = StyleOptions(**options)
    return brush_of(parse_styles(style, painting, mask, how.model, anywhere=anywhere), strength, how)


def brush_of(styles: Sequence[StyleTerm], strength: float, options: StyleOptions) -> Brush:
    """The brush for styles that are understood. options: of any class that has those of `StyleOptions`. Raises as
    `brush`."""
    how = shared(options, StyleOptions)
    return Brush(Painter(how.model), style_mix(styles, strength, how.model), strength, how)
