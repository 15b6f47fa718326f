"""From a photo's file to a file rebuilt from patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flamingo.errors import BadInput, show
from flamingo.images import streaming
from flamingo.painting.patches.brush import PatchBrush
from flamingo.painting.task import Done, PhotoIO, Tell

_BEHIND = 48  # rows above a strip that are looked at when the next one is made


class Painting(Protocol):
    """What paints one file."""

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done: ...


@dataclass(frozen=True)
class PatchTask:
    """Rebuilding photos with a brush. films: makes what paints films, if anything is to."""

    io: PhotoIO
    brush: PatchBrush
    films: Callable[[], Painting] | None = None

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Paint one photo. tell: is told pixels, as `synthesise` does. Raises FlamingoError."""
        from flamingo.video import is_clip

        if is_clip(photo):
            if self.films is None:
                raise BadInput(show(photo), "films are painted by the painter alone", "leave --method out")
            return self.films().carry_out(photo, target, tell)
        work = self.io.sized(photo)
        streamed = isinstance(work, streaming.Canvas)
        self.brush.check_memory(photo, work.height, work.width, streamed=streamed)
        notes = [*work.notes, *self.brush.notes(work.height, work.width)]
        if isinstance(work, streaming.Canvas):
            work.paint_over(self.brush.strips(work.rows, work.height, work.width, tell), behind=_BEHIND)
        else:
            work = work.with_rgb(self.brush.paint(work.rgb, tell))
        origin = self.io.origin(photo, self.brush.recipe)
        return Done([*notes, *self.io.written(target, work, origin)], dict(origin.recipe))
