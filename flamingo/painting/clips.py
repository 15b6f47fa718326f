"""A clip in, the same clip painted out: its size, its times, its sound, its loops.

Frames go through in a stream, and finished parts are kept beside the result until it is whole (see `parts`), so
that a run that was stopped goes on where it was, and what is not whole is never taken for a result.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from flamingo import files, provenance, video
from flamingo.errors import FlamingoError, ImageTooLarge, OutputError, WouldOverwrite, show
from flamingo.files import check_target, sha256
from flamingo.painting import memory, moving
from flamingo.painting.moving import Steady
from flamingo.painting.painter import Painter
from flamingo.painting.parts import Parts
from flamingo.painting.regions import regions
from flamingo.provenance import manifest, sidecar
from flamingo.video.opening import Broken
from flamingo.video.writing import pixel_format

Pixels = NDArray[np.float32]
Finish = Callable[[Pixels, Pixels], Pixels]
Progress = Callable[[int, int, Path], None]

_MANNER = 1  # counted up when the same request gives other frames, so that old parts are not gone on with
_PART, _PART_PIXELS = 24, 50_000_000  # frames of a part at most, and pixels


def paint_clip(
    source: Path,
    target: Path,
    painter: Painter,
    vectors: NDArray[np.float32],
    masks: NDArray[np.float32] | None = None,
    *,
    stroke: float | None = 1.0,
    size: int | None = None,
    finish: Finish | None = None,
    steadiness: float = 0.6,
    quality: int = 92,
    overwrite: bool = False,
    never: Collection[Path] = (),
    origin: provenance.Origin | None = None,
    on_progress: Progress | None = None,
) -> tuple[str, ...]:
    """Paint a film or an animated picture. Returns what the user must be told.

    vectors, masks, stroke: as for `Painter.paint_map`, the same in every frame. size: the longest side of the result
    in pixels. finish: called as (photo, painting) for each frame, (H, W, 3) float32 both, gives what is shown; what
    it does must stand in the origin's recipe, by which a stopped run is known again (without an origin it begins
    anew). steadiness: see `moving.Steady`. quality: 1 to 100. on_progress: called as (frames done, frames in all,
    source) before each frame and at the end; an exception that it raises stops the work, which goes on from there
    when the same is asked again.

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
    _check_memory(source, to, painter)
    found = regions(vectors, masks)
    key = None
    if finish is None or origin is not None:
        key = _key(source, painter, vectors, masks, [stroke, to, steadiness, quality, kind], origin)
    steady = Steady(painter._networks, found, strokes=stroke, steadiness=steadiness)
    work = _Work(clip, kind, to, quality, steady, finish, Parts(target, key))
    notes = list(work.begin())
    try:
        notes += work.paint(on_progress)
        notes += _finished(work, target, overwrite, origin)
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


def _check_memory(source: Path, size: tuple[int, int], painter: Painter) -> None:
    pixels = size[0] * size[1]
    take = memory.needed_in_tiles(*size, painter.model, streamed=False) + pixels * 12 * (2 * moving.SPAN + 10)
    free = psutil.virtual_memory().available
    if take > free:
        fits = int(max(size) * (free / take) ** 0.5 * 0.95)
        why = f"{size[1]} x {size[0]} pixels a frame take {take / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free"
        raise ImageTooLarge(show(source), why, f"add --size {fits} to paint it smaller")


def _key(
    source: Path,
    painter: Painter,
    vectors: NDArray[np.float32],
    masks: NDArray[np.float32] | None,
    plain: list[Any],
    origin: provenance.Origin | None,
) -> str:
    """The sha256 of everything that makes the result."""
    recipe = None if origin is None else dict(origin.recipe)
    told = [_MANNER, sha256(source), painter.model, painter.version, plain, recipe]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for array in (vectors, np.zeros(0) if masks is None else masks):
        digest.update(str((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass
class _Work:
    """The painting of one clip. size: (height, width) of the result."""

    clip: video.Clip
    kind: str
    size: tuple[int, int]
    quality: int
    steady: Steady
    finish: Finish | None
    parts: Parts
    times: list[int] = field(default_factory=list)
    lasts: int = 0

    @property
    def animated(self) -> bool:
        return self.kind in video.ANIMATED.values()

    @property
    def alpha(self) -> bool:
        return self.animated and self.clip.alpha

    def begin(self) -> Iterator[str]:
        """Take up what is done already. Gives notes."""
        yield from self.clip.notes
        if (self.clip.height, self.clip.width) != self.size:
            yield f"resized from {self.clip.width} x {self.clip.height} to {self.size[1]} x {self.size[0]}"
        if not self.animated and pixel_format(self.kind, self.size) == "yuv444p":
            yield "a side with an odd number of pixels makes it H.264 in 4:4:4, which some players cannot show"
        if self.clip.alpha and not self.animated:
            yield "a film has no transparency: laid on white"
        if self.animated and self.clip.sounds:
            yield "a moving picture has no sound"
        state = self.parts.open()
        if state is not None:
            self.steady.restore(dict(state))
            self.times, self.lasts = list(self.parts.told["times"]), int(self.parts.told["lasts"])
            yield f"went on after {self.parts.frames} frames, where it had stopped"

    def paint(self, on_progress: Progress | None) -> tuple[str, ...]:
        """Paint all frames that are not done yet, into parts. Returns notes."""
        waiting: deque[video.Frame] = deque()
        ready: list[tuple[video.Frame, Pixels]] = []
        most = max(moving.SPAN, min(_PART, _PART_PIXELS // (self.size[0] * self.size[1])))
        done = self.parts.frames
        with video.Reader(self.clip, skip=done) as reader:
            for frame in self._sized(reader):
                if on_progress:
                    on_progress(done, max(self.clip.frames, done + 1), self.clip.path)
                waiting.append(frame)
                ready += [(waiting.popleft(), p) for p in self.steady.paint(_floats(frame.rgb))]
                done += 1
                if len(ready) >= most and not self.steady.waiting:
                    self._keep(ready)
            ready += [(waiting.popleft(), p) for p in self.steady.finish()]
            if ready:
                self._keep(ready)
            return reader.notes

    def _sized(self, reader: video.Reader) -> Iterator[video.Frame]:
        """The frames at the size of the result."""
        height, width = self.size
        for frame in reader:
            if frame.rgb.shape[:2] == self.size:
                yield frame
                continue
            how = cv2.INTER_AREA if width < self.clip.width else cv2.INTER_CUBIC
            rgb, alpha = (
                None if each is None else np.asarray(cv2.resize(each, (width, height), interpolation=how), np.uint8)
                for each in (frame.rgb, frame.alpha)
            )
            assert rgb is not None
            yield video.Frame(rgb, frame.pts, alpha, frame.lasts)

    def _keep(self, ready: list[tuple[video.Frame, Pixels]]) -> None:
        """Make a part of these frames, and forget them."""
        data = self._stacked(ready) if self.animated else self._encoded(ready)
        self.times += [frame.pts for frame, _ in ready]
        self.lasts = ready[-1][0].lasts
        self.times = self.times if self.animated else self.times[-1:]
        self.parts.add(data, len(ready), self.steady.state(), {"times": self.times, "lasts": self.lasts})
        ready.clear()

    def _encoded(self, ready: list[tuple[video.Frame, Pixels]]) -> bytes:
        writer = video.Writer(
            self.kind, self.size, rate=self.clip.rate, time_base=self.clip.time_base, look=video.look_of(self.clip),
            quality=self.quality,
        )  # fmt: skip
        for frame, painted in ready:
            shown = self._shown(frame, painted)
            if frame.alpha is not None:
                weight = frame.alpha[..., None] / np.float32(255)
                shown = np.asarray(shown * weight + (1 - weight), np.float32)
            writer.add(_bytes(shown), frame.pts)
        return writer.done()

    def _stacked(self, ready: list[tuple[video.Frame, Pixels]]) -> bytes:
        found = bytearray()
        for frame, painted in ready:
            rgb = _bytes(self._shown(frame, painted))
            alpha = [] if not self.alpha or frame.alpha is None else [frame.alpha[..., None]]
            found += np.concatenate([rgb, *alpha], axis=2).tobytes()
        return bytes(found)

    def _shown(self, frame: video.Frame, painted: Pixels) -> Pixels:
        return painted if self.finish is None else self.finish(_floats(frame.rgb), painted)

    def join(self, target: Path) -> tuple[str, ...]:
        """Write all parts as one file."""
        usual = round(1 / (self.clip.rate * self.clip.time_base))
        lasts = self.lasts or max(1, usual)
        if not self.animated:
            return video.join(self.clip, self.parts.files, target, lasts=lasts)
        step, bands = float(self.clip.time_base), 4 if self.alpha else 3
        shape = (-1, *self.size, bands)
        arrays = [np.memmap(part, np.uint8, "r").reshape(shape) for part in self.parts.files]
        kept = video.times_kept(self.kind, [t * step for t in self.times], lasts * step)
        video.write_animation(arrays, target, milliseconds=kept, loop=self.clip.loop, quality=self.quality)
        return ()


def _finished(work: _Work, target: Path, overwrite: bool, origin: provenance.Origin | None) -> tuple[str, ...]:
    """Join the parts, sign what came of it and put it into its place. Returns notes."""
    name = show(target)
    try:
        whole = work.parts.place(f"whole{target.suffix.lower()}")
        notes = work.join(whole)
        whole, beside, said = _credited(work.parts, whole, origin)
        with whole.open("rb+") as file:
            os.fsync(file.fileno())
        if not overwrite and target.exists():  # it has come into being since
            raise WouldOverwrite(name, "it exists already", "choose another name or allow overwriting")
        whole.replace(target)
    except OutputError as error:  # a person knows the result, and not its parts
        raise type(error)(name, error.why, error.hint) from None
    except (OSError, *Broken) as error:
        raise files._output_error(error, name) from None
    notes += said
    if beside is not None:
        try:
            files.put(beside, sidecar.of(target), overwrite)
        except OutputError as error:
            notes += (f"without its sidecar: {error}",)
    return notes


def _credited(
    parts: Parts, whole: Path, origin: provenance.Origin | None
) -> tuple[Path, bytes | None, tuple[str, ...]]:
    """The file with credentials, its sidecar if its kind can hold none, and notes. The same as `provenance.credit`,
    for files that need not fit into memory."""
    wished = provenance.wanted(origin)
    if wished is None:
        return whole, None, ()
    kind = whole.suffix.removeprefix(".")
    try:
        if kind not in manifest.TYPES:
            return whole, sidecar.make(sha256(whole), wished), ()
        signed = parts.place(f"signed.{kind}")
        with whole.open("rb") as source, signed.open("wb+") as target:
            provenance.sign(source, target, kind, wished)
    except FlamingoError as error:
        return whole, None, (f"without a signature: {error}",)
    return signed, None, ()


def _floats(rgb: NDArray[np.uint8]) -> Pixels:
    return rgb.astype(np.float32) / np.float32(255)


def _bytes(rgb: Pixels) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * np.float32(255)), np.uint8)
