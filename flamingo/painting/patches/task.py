"""From a photo's file to a file rebuilt from patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flamingo.errors import BadInput, show
from flamingo.images import streaming
from flamingo.painting.patches.brush import PatchBrush
from flamingo.painting.task import Done, Finishing, PhotoIO, PhotoPainter, Tell, Work, finish_of, painted


@dataclass(frozen=True)
class PatchTask:
    """Rebuilding photos with a brush. films: makes what paints films, if anything is to; finish: as of `Task`."""

    io: PhotoIO
    brush: PatchBrush
    films: Callable[[], PhotoPainter] | None = None
    finish: Finishing | None = None

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Paint one photo. tell: is told pixels, as `synthesise` does. Raises FlamingoError."""
        from flamingo.video import is_clip

        if is_clip(photo):
            if self.films is None:
                raise BadInput(show(photo), "films are painted by the painter alone", "leave --method out")
            return self.films().carry_out(photo, target, tell)
        work: Work = self.io.sized(photo)
        streamed = isinstance(work, streaming.Canvas)
        self.brush.check_memory(photo, work.height, work.width, streamed=streamed)
        notes = [*work.notes, *self.brush.notes(work.height, work.width)]
        work = painted(self.brush, work, tell, photo, self.finish)
        origin = self.io.origin(photo, {**self.brush.recipe, **finish_of(self.finish)})
        return Done([*notes, *self.io.written(target, work, origin)], dict(origin.recipe))
