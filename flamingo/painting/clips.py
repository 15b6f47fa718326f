"""A clip in, the same clip painted out: its size, its times, its sound, its loops.

Frames go through in a stream, chunk after chunk (see `chunks`), or many chunks at once on a cluster. Finished parts
are kept beside the result until it is whole (see `segments`), so that a run that was stopped goes on where it was,
and what is not whole is never taken for a result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from flamingo import provenance, video
from flamingo.errors import BadRequest, FlamingoError, ImageTooLarge, show
from flamingo.files import check_target, sha256
from flamingo.painting import chunks, temporal
from flamingo.painting.chunk_painter import (
    Arrays,
    ChunkPainter,
    ClipStyle,
    FrameSource,
    Part,
    RenderedFrame,
    faded,
)
from flamingo.painting.chunks import OVERLAP, Chunk
from flamingo.painting.clip_brush import ClipBrush, Finish, PainterClipBrush, fingerprint
from flamingo.painting.painter import Painter
from flamingo.painting.regions import regions
from flamingo.painting.segments import Parts
from flamingo.video import delivering
from flamingo.video.writing import pixel_format

if TYPE_CHECKING:
    from flamingo.distributed.clips import ClipPool

__all__ = ["check_memory", "paint_clip", "render_clip"]

Progress = Callable[[int, int, Path], None]

_PREVIEWED, _PREVIEW = 12, 48  # every how many frames one is kept small, and its longest side
_MANNER = 6  # counted up when the same request gives other frames, so that old parts are not gone on with


def paint_clip(
    source: Path,
    target: Path,
    painter: Painter,
    vectors: NDArray[np.float32],
    masks: NDArray[np.float32] | None = None,
    *,
    palettes: NDArray[np.float32] | None = None,
    stroke: float | None = 1.0,
    size: int | None = None,
    finish: Finish | None = None,
    steadiness: float = 0.6,
    quality: int = 92,
    overwrite: bool = False,
    never: Collection[Path] = (),
    origin: provenance.Origin | None = None,
    on_progress: Progress | None = None,
    pool: ClipPool | None = None,
) -> tuple[str, ...]:
    """Paint a film or an animated picture with the painter. Returns what the user must be told.

    vectors, masks, palettes, stroke: as for `Painter.paint_map`, the same in every frame. finish: called as (photo,
    painting) for each frame, (H, W, 3) float32 both, gives what is shown; what it does must stand in the origin's
    recipe, by which a stopped run is known again (without an origin it begins anew). The rest, and what is raised, as
    of `render_clip`.
    """
    brush = PainterClipBrush(painter, regions(vectors, masks, palettes), stroke, finish)
    return render_clip(
        source, target, brush, size=size, steadiness=steadiness, quality=quality, overwrite=overwrite, never=never,
        origin=origin, on_progress=on_progress, pool=pool, known=finish is None or origin is not None,
    )  # fmt: skip


def render_clip(
    source: Path,
    target: Path,
    brush: ClipBrush,
    *,
    size: int | None = None,
    steadiness: float = 0.6,
    quality: int = 92,
    overwrite: bool = False,
    never: Collection[Path] = (),
    origin: provenance.Origin | None = None,
    on_progress: Progress | None = None,
    pool: ClipPool | None = None,
    known: bool = True,
) -> tuple[str, ...]:
    """Paint a film or an animated picture with a brush. Returns what the user must be told.

    size: the longest side of the result in pixels. steadiness: see `temporal.Steady`. quality: 1 to 100. on_progress:
    called as (frames done, frames in all, source) before each frame, within those that take long, and at the end; an
    exception that it raises stops the work, which goes on from there when the same is asked again. pool: of a cluster
    on which to paint; the result is the same. known: whether brush and origin say all that makes the result; if not,
    a stopped run begins anew.

    Raises BadRequest for a result of a kind that cannot be, or cannot hold the clip's sound, an OutputError,
    UnreadableVideo or ImageTooLarge.
    """
    source, target = Path(source), Path(target)
    kind = video.written(target)
    never = (source, *never)
    check_target(target, overwrite=overwrite, never=never)
    if origin is not None:
        provenance.check(target, overwrite=overwrite, never=never)
    clip = video.probe(source)
    if kind in video.ANIMATED.values() and clip.frames > video.Limits().animated_frames:
        most = video.Limits().animated_frames
        raise ImageTooLarge(
            show(source), f"{clip.frames} frames are too many for {kind}, which takes {most}", "use .mp4"
        )
    video.check_sound(clip, target)
    to = _size(clip, size, kind)
    if pool is None:
        check_memory(source, to, brush)
    if not 0 <= steadiness <= 1:
        raise BadRequest(f"steadiness {steadiness}", "it is not between 0 and 1", "0.6 is the usual one")
    recipe = None if origin is None else dict(origin.recipe)
    identity = [_MANNER, sha256(source), brush.identity, to, steadiness, quality, kind, recipe]
    key = fingerprint(identity) if known else None
    manner = ClipStyle(clip, kind, to, quality, brush, steadiness)
    work = _Work(manner, Parts(target, key), on_progress)
    notes = list(work.begin())
    try:
        notes += work.paint(pool)
        notes += delivering.delivered(work.join, work.parts.place, target, overwrite=overwrite, origin=origin)
    except FlamingoError:
        if not work.parts.frames:
            work.parts.drop()
        raise
    work.parts.drop()
    if on_progress:
        on_progress(work.parts.frames, work.parts.frames, source)
    return tuple(dict.fromkeys(notes))


def _size(clip: video.Clip, longest: int | None, kind: str) -> tuple[int, int]:
    """(height, width) of the result; if it is ours to choose, with even sides, which every player can show."""
    if longest is None or longest == max(clip.height, clip.width):
        return clip.height, clip.width
    scale = longest / max(clip.height, clip.width)
    step = 1 if kind in video.ANIMATED.values() else 2
    height, width = (max(step, round(side * scale / step) * step) for side in (clip.height, clip.width))
    return height, width


def check_memory(source: Path, size: tuple[int, int], brush: ClipBrush) -> None:
    """Raise ImageTooLarge if this machine has not the memory free that painting frames of (height, width) takes."""
    pixels = size[0] * size[1]
    held = 12 * (temporal.SPAN + 10) + 3 * (temporal.SPAN + 3 * OVERLAP)  # bytes a pixel: in floats, and in bytes
    take = brush.needed(*size) + pixels * held
    free = psutil.virtual_memory().available
    if take > free:
        fits = int(max(size) * (free / take) ** 0.5 * 0.95)
        why = f"{size[1]} x {size[0]} pixels a frame take {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free"
        raise ImageTooLarge(show(source), why, f"add --size {fits} to paint it smaller")


@dataclass
class _Work:
    """The painting of one clip."""

    manner: ClipStyle
    parts: Parts
    on_progress: Progress | None
    times: list[int] = field(default_factory=list)
    lasts: int = 0
    _state: Arrays | None = None
    _frames: int = 0
    _tail: Sequence[RenderedFrame] = ()
    _previews: list[tuple[int, NDArray[np.uint8]]] = field(default_factory=list)

    def begin(self) -> Iterator[str]:
        """Take up what is done already. Gives notes."""
        manner, clip, size = self.manner, self.manner.clip, self.manner.size
        yield from clip.notes
        if (clip.height, clip.width) != size:
            yield f"resized from {clip.width} x {clip.height} to {size[1]} x {size[0]}"
        if not manner.animated and pixel_format(manner.kind, size) == "yuv444p":
            yield "a side with an odd number of pixels makes it H.264 in 4:4:4, which some players cannot show"
        if clip.alpha and not manner.animated:
            yield "a film has no transparency: laid on white"
        if manner.animated and clip.sounds:
            yield "a moving picture has no sound"
        self._state = self.parts.open()
        if self._state is not None:
            self.times, self.lasts = list(self.parts.facts["times"]), int(self.parts.facts["lasts"])
            yield f"went on after {self.parts.frames} frames, where it had stopped"

    def paint(self, pool: ClipPool | None) -> tuple[str, ...]:
        """Paint all frames that are not done yet, into parts. Returns notes."""
        begun = self.parts.frames
        cuts, self._frames, notes = chunks.cuts(self.manner.clip, lambda: self._tell(begun), self._look)
        overlap, divide = min(OVERLAP, self.manner.most), self.manner.brush.divides_shots
        todo = [chunk for chunk in chunks.planned(cuts, self._frames, overlap, divide=divide) if chunk.last > begun]
        if pool is not None:
            for painted_chunk in pool.painted(self.manner, todo, begun, self._state, self._tell):
                self._keep([*self._crossed(painted_chunk.head), *painted_chunk.middle], painted_chunk.state)
                self._tail = painted_chunk.tail
        else:
            with closing(FrameSource(self.manner.clip, self.manner.size, overlap)) as footage:
                for chunk in todo:
                    first = max([cut for cut in cuts if cut <= chunk.first], default=0)
                    last = min([cut for cut in cuts if cut > chunk.first], default=self._frames)
                    previews = [frame for number, frame in self._previews if first <= number < last]
                    self._painted(chunk, footage, begun, previews)
        return notes

    def _look(self, number: int, rgb: NDArray[np.uint8]) -> None:
        """Keep what shows which colours a shot has."""
        if number % _PREVIEWED == 0:
            scale = min(1.0, _PREVIEW / max(rgb.shape))
            size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
            small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            self._previews.append((number, np.asarray(small, np.uint8)))

    def _painted(self, chunk: Chunk, footage: FrameSource, begun: int, previews: Sequence[NDArray[np.uint8]]) -> None:
        """Paint one chunk here."""
        at, state = max(chunk.first, begun), self._state if chunk.first < begun else None
        stretch = ChunkPainter(self.manner, chunk, footage, at, state, self._tell, previews)
        for part in self._crossed(stretch.head()):
            self._keep([part], stretch.state())
        for part in stretch.middle():
            self._keep([part], stretch.state())
        self._tail = stretch.tail()

    def _crossed(self, head: Sequence[RenderedFrame]) -> list[Part]:
        """The overlap with the chunk before, if there is one."""
        return [self.manner.part(faded(self._tail, head))] if head else []

    def _tell(self, done: int) -> None:
        if self.on_progress:
            clip = self.manner.clip
            self.on_progress(done, max(self._frames or clip.frames, done + 1), clip.path)

    def _keep(self, parts: Sequence[Part], state: Arrays) -> None:
        """Keep parts, and what is to be known to go on after them."""
        for part in parts:
            self.times, self.lasts = [*self.times, *part.times], part.lasts
        if not parts:
            return
        self.times = self.times if self.manner.animated else self.times[-1:]
        encoded = [(part.data, len(part.times)) for part in parts]
        self.parts.add(encoded, state, {"times": self.times, "lasts": self.lasts})

    def join(self, target: Path) -> tuple[str, ...]:
        """Write all parts as one file."""
        manner, clip = self.manner, self.manner.clip
        lasts = self.lasts or max(1, round(1 / (clip.rate * clip.time_base)))
        if not manner.animated:
            return video.join(clip, self.parts.files, target, lasts=lasts)
        step, bands = float(clip.time_base), 4 if manner.alpha else 3
        shape = (-1, *manner.size, bands)
        arrays = [np.memmap(part, np.uint8, "r").reshape(shape) for part in self.parts.files]
        milliseconds = video.times_kept(manner.kind, [t * step for t in self.times], lasts * step)
        video.write_animation(arrays, target, milliseconds=milliseconds, loop=clip.loop, quality=manner.quality)
        return ()
