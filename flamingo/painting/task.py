"""From a photo's file to a painted file: reading, painting, writing, whatever its size, and saying what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo import images, provenance
from flamingo.errors import ImageTooLarge
from flamingo.files import sha256
from flamingo.images import streaming
from flamingo.images.limits import Limits
from flamingo.painting import memory, tiles
from flamingo.painting.brush import Brush

Tell = Callable[[int, int], None]

_LARGE = 16_000_000
"""Pixels above which a photo is not held in floats, but painted strip by strip over its own samples."""


@dataclass(frozen=True)
class Task:
    """What is the same for all photos of a request. inputs: files that no result may replace."""

    brush: Brush
    size: int | None
    quality: int
    keep_gps: bool
    overwrite: bool
    inputs: Collection[Path]

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> tuple[list[str], dict[str, Any]]:
        """Paint one photo; returns what is to be said of it, and its recipe. tell: as `on_progress` of `paint_map`.
        Raises FlamingoError."""
        try:
            picture = images.read(photo, keep_gps=self.keep_gps, limits=Limits(pixels=_LARGE))
        except ImageTooLarge:
            canvas = streaming.read(photo, keep_gps=self.keep_gps)
            if self.size is None or self.size >= max(canvas.height, canvas.width):
                return self._on_canvas(photo, target, canvas, tell)
            picture = canvas.shrunk(self.size)
            del canvas
        if self.size is not None and self.size != max(picture.height, picture.width):
            picture = picture.resized(self.size)
        memory.check(photo, picture.height, picture.width, self.brush.painter.model)
        notes = [*picture.notes, *self.brush.notes(picture.height, picture.width)]
        painted = picture.with_rgb(self.brush.paint(picture.rgb, tell))
        origin = self._origin(photo)
        notes += images.write(painted, target, origin=origin, **self._writing())
        return notes, dict(origin.recipe)

    def _on_canvas(
        self, photo: Path, target: Path, canvas: streaming.Canvas, tell: Tell
    ) -> tuple[list[str], dict[str, Any]]:
        height, width = canvas.height, canvas.width
        memory.check(photo, height, width, self.brush.painter.model, streamed=True)
        notes = [*canvas.notes, *self.brush.notes(height, width)]
        if self.size is not None and self.size > max(height, width):
            notes.append(f"painted at its own {width} x {height} pixels: so large a photo is not enlarged")
        canvas.paint_over(self.brush.strips(canvas.rows, height, width, tell), behind=tiles.HALO)
        origin = self._origin(photo)
        notes += streaming.write(canvas, target, origin=origin, **self._writing())
        return notes, dict(origin.recipe)

    def _writing(self) -> dict[str, Any]:
        return {"quality": self.quality, "overwrite": self.overwrite, "never": self.inputs}

    def _origin(self, photo: Path) -> provenance.Origin:
        fingerprint = sha256(photo)
        recipe = {"photo_sha256": fingerprint, **self.brush.recipe, "size": self.size, "quality": self.quality}
        return provenance.Origin("paint", recipe, (fingerprint,))
