"""From the file of a photo or a film to a file rebuilt from patches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flamingo.images import streaming
from flamingo.painting.patches.brush import PatchBrush
from flamingo.painting.task import (
    Done,
    Finishing,
    PhotoIO,
    Tell,
    Work,
    check_unfinished,
    finish_of,
    painted,
)


@dataclass(frozen=True)
class PatchTask:
    """Rebuilding photos and films with a brush. finish: as of `Task`."""

    io: PhotoIO
    brush: PatchBrush
    finish: Finishing | None = None

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Paint one photo. tell: is told pixels, as `synthesise` does. Raises FlamingoError."""
        from flamingo.video import is_clip

        if is_clip(photo):
            return self._clip(photo, target, tell)
        work: Work = self.io.sized(photo)
        streamed = isinstance(work, streaming.Canvas)
        self.brush.check_memory(photo, work.height, work.width, streamed=streamed)
        notes = [*work.notes, *self.brush.notes(work.height, work.width)]
        work = painted(self.brush, work, tell, photo, self.finish)
        origin = self.io.origin(photo, {**self.brush.recipe, **finish_of(self.finish)})
        return Done([*notes, *self.io.written(target, work, origin)], dict(origin.recipe))

    def _clip(self, film: Path, target: Path, tell: Tell) -> Done:
        """The same for a film or an animated picture. tell: is told frames."""
        from flamingo.painting.clips import render_clip
        from flamingo.painting.patches.clip_brush import PatchClipBrush
        from flamingo.video import probe

        check_unfinished(film, self.finish)
        clip, options = probe(film), self.io.options
        origin = self.io.origin(film, self.brush.recipe)
        more = render_clip(
            film, target, PatchClipBrush(self.brush), size=options.size, quality=options.quality,
            overwrite=options.overwrite, never=self.io.inputs, origin=origin,
            on_progress=lambda done, frames, _film: tell(done, frames),
        )  # fmt: skip
        return Done([*self.brush.notes(clip.height, clip.width), *more], dict(origin.recipe))
