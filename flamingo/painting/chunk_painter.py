"""One chunk of a clip painted: frames in, encoded parts out, and what its overlaps with other chunks need."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo import video
from flamingo.painting import motion, temporal
from flamingo.painting.chunks import Chunk
from flamingo.painting.clip_brush import ClipBrush
from flamingo.painting.mixing import mixed
from flamingo.painting.temporal import Steady

__all__ = ["ChunkPainter", "ClipStyle", "FrameSource", "Part", "RenderedFrame", "faded"]

Pixels = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]

_PART, _PART_PIXELS = 24, 50_000_000  # frames of a part at most, and pixels


@dataclass(frozen=True)
class ClipStyle:
    """All that is the same for every frame of a clip. kind: of container; size: (height, width) of the result."""

    clip: video.Clip
    kind: str
    size: tuple[int, int]
    quality: int
    brush: ClipBrush
    steadiness: float

    @property
    def animated(self) -> bool:
        return self.kind in video.ANIMATED.values()

    @property
    def alpha(self) -> bool:
        return self.animated and self.clip.alpha

    @property
    def most(self) -> int:
        """How many frames are held before a part is made of them, about."""
        return max(temporal.SPAN, min(_PART, _PART_PIXELS // (self.size[0] * self.size[1])))

    def shown(self, frame: video.Frame, painted: Pixels) -> RenderedFrame:
        """A painted frame as it is seen."""
        painted = self.brush.shown(frame.rgb, painted)
        if frame.alpha is not None and not self.animated:
            weight = frame.alpha[..., None] / np.float32(255)
            painted = np.asarray(painted * weight + (1 - weight), np.float32)
        return RenderedFrame(_bytes(painted), frame.pts, frame.lasts, frame.alpha if self.alpha else None)

    def part(self, frames: Sequence[RenderedFrame]) -> Part:
        """These frames, encoded."""
        data = self._stacked(frames) if self.animated else self._encoded(frames)
        return Part(data, tuple(frame.pts for frame in frames), frames[-1].lasts)

    def _encoded(self, frames: Sequence[RenderedFrame]) -> bytes:
        clip = self.clip
        writer = video.Writer(
            self.kind, self.size, rate=clip.rate, time_base=clip.time_base, look=video.look_of(clip),
            quality=self.quality,
        )  # fmt: skip
        for frame in frames:
            writer.add(frame.rgb, frame.pts)
        return writer.done()

    def _stacked(self, frames: Sequence[RenderedFrame]) -> bytes:
        data = bytearray()
        for frame in frames:
            alpha = [] if frame.alpha is None else [frame.alpha[..., None]]
            data += np.concatenate([frame.rgb, *alpha], axis=2).tobytes()
        return bytes(data)


@dataclass(frozen=True)
class RenderedFrame:
    """A frame of the result. rgb: (H, W, 3) uint8; the others as in `video.Frame`."""

    rgb: NDArray[np.uint8]
    pts: int
    lasts: int
    alpha: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Part:
    """Frames of the result, encoded. times: when each is shown; lasts: for how long the last is."""

    data: bytes
    times: tuple[int, ...]
    lasts: int


def faded(before: Sequence[RenderedFrame], after: Sequence[RenderedFrame]) -> list[RenderedFrame]:
    """The frames of an overlap, from the painting of one chunk to that of the next."""
    frames = []
    for i, (outgoing, incoming) in enumerate(zip(before, after, strict=True), 1):
        share = np.full(motion.small_size(outgoing.rgb.shape[:2]), i / (len(before) + 1), np.float32)
        rgb = mixed(motion.floats(outgoing.rgb), motion.floats(incoming.rgb), share)
        frames.append(RenderedFrame(_bytes(rgb), incoming.pts, incoming.lasts, incoming.alpha))
    return frames


class FrameSource:
    """The frames of a clip at the size of the result, from any on. To go on, or back by `back` frames at most, is
    quick; further back means to begin again."""

    def __init__(self, clip: video.Clip, size: tuple[int, int], back: int) -> None:
        self._clip, self._size = clip, size
        self._stack = ExitStack()
        self._recent: deque[video.Frame] = deque(maxlen=back)
        self._next = -1

    def since(self, number: int) -> Iterator[video.Frame]:
        """The frames from that number on."""
        if not 0 <= self._next - len(self._recent) <= number:
            self.close()
            self._reader = self._stack.enter_context(video.Reader(self._clip))
            self._frames = iter(self._reader)
            self._next = 0
        if number > self._next:
            self._recent.clear()
            self._reader.skip_to(number)
            self._next = number
        yield from list(self._recent)[len(self._recent) - (self._next - number) :]
        for frame in self._frames:
            self._next += 1
            sized = self._sized(frame)
            self._recent.append(sized)
            yield sized

    def close(self) -> None:
        """Close the file."""
        self._stack.close()
        self._recent.clear()
        self._next = -1

    def _sized(self, frame: video.Frame) -> video.Frame:
        if frame.rgb.shape[:2] == self._size:
            return frame
        height, width = self._size
        how = cv2.INTER_AREA if width < self._clip.width else cv2.INTER_CUBIC
        rgb, alpha = (
            None if pixels is None else np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
            for pixels in (frame.rgb, frame.alpha)
        )
        assert rgb is not None
        return video.Frame(rgb, frame.pts, alpha, frame.lasts)


class ChunkPainter:
    """Paints one chunk, from frame `at` on: its head, then its middle, then its tail.

    state: what `state` gave at that frame; None at the chunk's first frame. tell: called with each frame's number.
    previews: small frames from all over its shot.
    """

    def __init__(
        self,
        manner: ClipStyle,
        chunk: Chunk,
        footage: FrameSource,
        at: int,
        state: Arrays | None,
        tell: Callable[[int], None],
        previews: Sequence[motion.Frame] = (),
    ) -> None:
        self._manner, self._chunk, self._at, self._tell = manner, chunk, at, tell
        # Within a frame, the number of the one that is being painted is told again.
        self._steady = Steady(manner.brush.shot(lambda: tell(self._at - 1), previews), steadiness=manner.steadiness)
        if state is not None:
            self._steady.restore(dict(state))
        self._frames = footage.since(at)

    def head(self) -> list[RenderedFrame]:
        """The frames that the chunk before has too, as they are here."""
        return [shown for batch in self._until(self._chunk.first + self._chunk.head) for shown in batch]

    def middle(self) -> Iterator[Part]:
        """The frames that no other chunk has. After each part, there is a `state`."""
        ready: list[RenderedFrame] = []
        for shown in self._until(self._chunk.last - self._chunk.tail):
            ready += shown
            if len(ready) >= self._manner.most and not self._steady.waiting:
                yield self._manner.part(ready)
                ready = []
        if ready:
            yield self._manner.part(ready)

    def tail(self) -> list[RenderedFrame]:
        """The frames that the next chunk has too, as they are here."""
        return [shown for batch in self._until(self._chunk.last) for shown in batch]

    def state(self) -> Arrays:
        """All that the frames to come depend on."""
        return self._steady.state()

    def _until(self, number: int) -> Iterator[list[RenderedFrame]]:
        """What is ready after each frame up to that number, and all of it at the end."""
        waiting: deque[video.Frame] = deque()
        for frame in itertools.islice(self._frames, max(0, number - self._at)):
            self._tell(self._at)
            self._at += 1
            waiting.append(frame)
            painted = self._steady.paint(frame.rgb)
            yield [self._manner.shown(waiting.popleft(), painting) for painting in painted]
        yield [self._manner.shown(waiting.popleft(), painting) for painting in self._steady.finish()]


def _bytes(rgb: Pixels) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(np.clip(rgb, 0, 1), alpha=255), np.uint8)
