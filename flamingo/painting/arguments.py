"""Arguments that mean the same in every verb that paints: their types, limits and descriptions, said once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flamingo.painting.painter import Model

Strength = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="From 0, the photo itself, to 1, the full style.")
]
Colour = Annotated[
    Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | Literal["style", "photo"],
    Field(description="Whose colours: the style's (1), the photo's (0), or between."),
]
Painting = Annotated[
    Model, Field(description="Painter: fine has the better strokes, fast takes a fraction of the time.")
]
