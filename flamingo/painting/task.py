"""From a photo's file to a painted file: reading, painting, writing, whatever its size, and saying what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from flamingo import images, provenance
from flamingo.errors import BadInput, show
from flamingo.files import sha256
from flamingo.images import streaming
from flamingo.images.picture import Picture
from flamingo.painting import memory, tiles
from flamingo.painting.brush import Brush
from flamingo.painting.colour import coloured
from flamingo.painting.options import OutputOptions

if TYPE_CHECKING:
    from flamingo.distributed.clips import ClipPool

Tell = Callable[[int, int], None]
Pixels = NDArray[np.float32]
Work = Picture | streaming.Canvas
"""A photo as it is held while it is painted: floats, or, if it is very large, its own samples."""


class Done(NamedTuple):
    """What became of a photo that is painted: what is to be said of it, its recipe, and files beside the result."""

    notes: list[str]
    recipe: dict[str, Any]
    beside: tuple[Path, ...] = ()


_FILM = ".mp4"  # for films of a kind that is read and not written


def clips() -> images.Others:
    """Films and animated pictures, for `images.plan_outputs`."""
    from flamingo import video
    from flamingo.images.formats import FILM_SUFFIXES

    def result_of(path: Path) -> str | None:
        if not video.is_clip(path):
            return None
        suffix = path.suffix.lower()
        return suffix if suffix in {*video.FILMS, *video.ANIMATED} else _FILM

    return images.Others(FILM_SUFFIXES, result_of, video.written)


@dataclass(frozen=True)
class PhotoIO:
    """How the photos of a request are read and its results written, by whatever method. inputs: files that no result
    may replace."""

    options: OutputOptions
    inputs: Collection[Path]

    def sized(self, photo: Path) -> Work:
        """The photo at the size that was asked for; a very large one as a canvas. Raises BadInput."""
        size, work = self.options.size, images.open(photo, keep_gps=self.options.keep_gps)
        longest = max(work.height, work.width)
        if size is None or size == longest:
            return work
        if isinstance(work, streaming.Canvas):
            return work.shrunk(size) if size < longest else work
        return work.resized(size)

    def picture(self, photo: Path, film: tuple[str, str], large: tuple[str, str]) -> images.Picture:
        """The same for a method that needs all of it in floats. film, large: why it takes no film and no very large
        photo ({width} and {height} stand for its pixels), and what to do instead. Raises BadInput."""
        from flamingo.video import is_clip

        if is_clip(photo):
            raise BadInput(show(photo), *film)
        work = self.sized(photo)
        if isinstance(work, streaming.Canvas):
            why, hint = large
            raise BadInput(show(photo), why.format(width=work.width, height=work.height), hint)
        return work

    def written(self, target: Path, work: Work, origin: provenance.Origin) -> list[str]:
        """Write what was painted; returns what is to be said of that. Raises OutputError."""
        options = self.options
        how: dict[str, Any] = {"quality": options.quality, "overwrite": options.overwrite, "never": self.inputs}
        if isinstance(work, streaming.Canvas):
            return list(streaming.write(work, target, origin=origin, **how))
        return list(images.write(work, target, origin=origin, **how))

    def origin(self, photo: Path, how: dict[str, Any]) -> provenance.Origin:
        """What the result's credentials say. how: the method, as plain values."""
        fingerprint = sha256(photo)
        recipe = {"photo_sha256": fingerprint, **how, "size": self.options.size, "quality": self.options.quality}
        return provenance.Origin("paint", recipe, (fingerprint,))


class PhotoPainter(Protocol):
    """What paints one photo after another."""

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done: ...


class AnyBrush(Protocol):
    """What paints pictures of any size: a brush of the painter or of patches."""

    def paint(self, rgb: Pixels, on_progress: Tell | None = None) -> Pixels: ...

    def strips(
        self, rows: Callable[[int, int], Pixels], height: int, width: int, on_progress: Tell | None = None
    ) -> Iterator[Pixels]: ...


class Finishing(Protocol):
    """What goes on with pictures that are painted (see flamingo.painting.methods.finishing)."""

    @property
    def steps(self) -> int: ...

    def painted(self, brush: AnyBrush, photo: Path, work: Work, tell: Tell | None) -> Work: ...


@dataclass(frozen=True)
class Task:
    """Painting with a brush. finish: what is done with a picture afterwards, if anything."""

    io: PhotoIO
    brush: Brush
    finish: Finishing | None = None

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Paint one photo. tell: as `on_progress` of `paint_map`. Raises FlamingoError."""
        from flamingo.video import is_clip  # FFmpeg's libraries and OpenCV take a while to load

        if is_clip(photo):
            check_unfinished(photo, self.finish)
            return Done(*self.clip(photo, target, tell))
        work, notes = self.read(photo)
        more, recipe = self.write(photo, target, painted(self.brush, work, tell, photo, self.finish))
        return Done(notes + more, recipe)

    def clip(
        self, film: Path, target: Path, tell: Tell, pool: ClipPool | None = None
    ) -> tuple[list[str], dict[str, Any]]:
        """The same for a film or an animated picture. tell: is told frames; pool: of a cluster, if not here. Raises
        FlamingoError."""
        from flamingo.painting.clips import paint_clip
        from flamingo.video import probe

        clip, output = probe(film), self.io.options
        size = clip.height, clip.width
        origin = self.io.origin(film, self.brush.recipe)
        colour = self.brush.options.colour_share
        finish = None if colour == 1 else lambda frame, painted: coloured(painted, frame, colour)
        more = paint_clip(
            film, target, self.brush.painter, **self.brush.arguments(*size), size=output.size, finish=finish,
            quality=output.quality, overwrite=output.overwrite, never=self.io.inputs, origin=origin,
            on_progress=lambda done, frames, _film: tell(done, frames), pool=pool,
        )  # fmt: skip
        return [*self.brush.notes(*size), *more], dict(origin.recipe)

    def read(self, photo: Path) -> tuple[Work, list[str]]:
        """The photo at the size that was asked for, and what is to be said of it. Raises BadInput."""
        work = self.io.sized(photo)
        streamed = isinstance(work, streaming.Canvas)
        memory.check(photo, work.height, work.width, self.brush.painter.model, streamed=streamed)
        notes = [*work.notes, *self.brush.notes(work.height, work.width)]
        if streamed and self.io.options.size is not None and self.io.options.size > max(work.height, work.width):
            notes.append(f"painted at its own {work.width} x {work.height} pixels: so large a photo is not enlarged")
        return work, notes

    def write(self, photo: Path, target: Path, work: Work) -> tuple[list[str], dict[str, Any]]:
        """Write what was painted; returns what is to be said of that, and the recipe. Raises OutputError."""
        origin = self.io.origin(photo, {**self.brush.recipe, **finish_of(self.finish)})
        return self.io.written(target, work, origin), dict(origin.recipe)


def check_unfinished(film: Path, finish: Finishing | None) -> None:
    """Raise BadInput for a film that is to be finished."""
    if finish is not None:
        raise BadInput(
            show(film), "films are not finished, which would take hours", "leave --finish out, or --effort finished"
        )


def finish_of(finish: Finishing | None) -> dict[str, int]:
    """What recipes say of finishing."""
    return {} if finish is None else {"finish": finish.steps}


def painted(
    brush: AnyBrush, work: Work, tell: Tell | None = None, photo: Path = Path(), finish: Finishing | None = None
) -> Work:
    """The photo, painted and, if that is wanted, finished. A canvas is painted over. photo: its file."""
    if finish is not None:
        return finish.painted(brush, photo, work, tell)
    if isinstance(work, streaming.Canvas):
        work.paint_over(brush.strips(work.rows, work.height, work.width, tell), behind=tiles.HALO)
        return work
    return work.with_rgb(brush.paint(work.rgb, tell))
