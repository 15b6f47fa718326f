"""By which method photos are painted: the painter's network, Gatys' optimisation or DeepDream, once or in variants.

Each method is a task, which is given one photo after another. Those that need torch, and the critic, are imported
only when they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flamingo.errors import BadRequest
from flamingo.painting import brush as brushes
from flamingo.painting.brush import Colour
from flamingo.painting.methods import needs_torch
from flamingo.painting.methods.options import Method, MethodOptions
from flamingo.painting.methods.settings import OnStep
from flamingo.painting.painter import Model
from flamingo.painting.style_spec import StyleTerm, label_of
from flamingo.painting.task import Done, OutputOptions, Task, Tell

MOST = 16
"""Variants of a picture that can be asked for."""


class PhotoPainter(Protocol):
    """What paints one photo after another."""

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done: ...


@dataclass(frozen=True)
class PaintRequest:
    """What was asked for, apart from the photos and how they are read and written."""

    parts: tuple[StyleTerm, ...]
    method: Method
    asked: MethodOptions
    strength: float
    colour: Colour
    stroke: float
    model: Model
    best: int = 1
    on_step: OnStep | None = None

    def __post_init__(self) -> None:
        """Raises BadRequest for options that the method does not have, MissingExtra if it needs torch."""
        self.asked.check(self.method)
        if self.method != "painter":
            needs_torch(f"the method `{self.method}`")

    @property
    def label(self) -> str:
        """In a few letters, for the name of a folder."""
        return label_of(self.parts) if self.parts else self.method

    def task(self, errand: OutputOptions) -> PhotoPainter:
        """What carries it out. Raises BadRequest, BadInput for paintings and masks, and a ModelError."""
        if self.method == "painter":
            return self._painting(errand)
        from flamingo.painting.methods.task import Dreaming, Optimising

        colour = brushes.share_of(self.colour)
        whole = (errand, self.parts, self.asked, self.strength, colour, self.stroke, self.model, self.on_step)
        if self.method == "dream":
            if self.best > 1:
                raise BadRequest("--best", "a dream has no painting to be judged by", "leave --best out")
            dreaming = Dreaming(*whole)
            _ = dreaming.settings, dreaming.guide, dreaming.masks  # what is wrong with them is said now
            return dreaming
        optimising = Optimising(*whole)
        _ = optimising.settings, optimising.styles
        if self.best == 1:
            return optimising
        from flamingo.painting.methods import best_of

        return best_of.Choosing(errand, best_of.optimised(optimising, self.best), best_of.painting(self.parts))

    def _painting(self, errand: OutputOptions) -> PhotoPainter:
        if self.best == 1:
            brush = brushes.held(self.parts, self.strength, self.colour, self.stroke, self.model)
            return Task(errand, brush)
        from flamingo.painting.methods import best_of

        painting = best_of.painting(self.parts)
        full = brushes.held(self.parts, 1.0, self.colour, self.stroke, self.model)
        variants = best_of.painted(full, self.strength, self.colour, self.stroke, self.best)
        return best_of.Choosing(errand, variants, painting)
