"""The frames of a clip, upright, in RGB, one after another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import PIL.Image
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from flamingo.errors import UnreadableVideo, show
from flamingo.video.clip import _is_cover
from flamingo.video.kinds import Clip
from flamingo.video.opening import Broken, opened

__all__ = ["Frame", "Reader"]

SCALER_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""The libraries' scaler numbers the matrices of ITU-T H.273 in its own way."""

EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)

_SHORT = 0.05, 0.5  # a clip that ends so much before its length (as a share, and in seconds) was cut short


@dataclass(frozen=True)
class Frame:
    """rgb: (H, W, 3) uint8, upright; pts: when it is shown, in steps of the clip's time base; alpha: (H, W) uint8, or
    None. lasts: for how long, in these steps; 0 where the file does not say."""

    rgb: NDArray[np.uint8]
    pts: int
    alpha: NDArray[np.uint8] | None = None
    lasts: int = 0


class Reader:
    """Goes through a clip once. Holds two frames at a time, and those that the codec needs.

    skip: so many frames at the beginning are decoded and not given. longest: the longest side of the frames, if they
    are to be smaller than the clip's. Iterating raises UnreadableVideo if there is not
    a single frame; a clip that is damaged further on ends there, or goes on after it, and `notes` says so then.
    """

    def __init__(self, clip: Clip, *, skip: int = 0, longest: int | None = None) -> None:
        self.clip = clip
        self.notes: tuple[str, ...] = ()
        self._skip = skip
        scale = min(1.0, (longest or math.inf) / max(clip.width, clip.height))
        self._size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def skip_to(self, number: int) -> None:
        """The frames before that one, counted from the clip's first, are decoded and not given."""
        self._skip = number

    def __iter__(self) -> Iterator[Frame]:
        frames = self._pictures() if self.clip.animated else self._film()
        frames_read = 0
        for frame in frames:
            frames_read += 1
            yield frame
        if not frames_read + self._skip:
            raise UnreadableVideo(show(self.clip.path), "no frame of it can be decoded", "export it again")

    def _film(self) -> Iterator[Frame]:
        clip = self.clip
        container = self._stack.enter_context(opened(clip.path))
        stream = next(s for s in container.streams.video if not _is_cover(s))
        stream.thread_type = "AUTO"
        scaler = VideoReformatter()
        step = max(1, round(1 / (clip.rate * clip.time_base)))
        last: int | None = None
        # AVI numbers its frames, those that were dropped too, in the order in which they are decoded.
        numbered, first = clip.format == "avi", None
        self._broken = self._other = 0
        waiting: Frame | None = None
        for number, frame in enumerate(self._decoded(container, stream)):
            time = frame.dts if numbered else frame.pts
            if numbered and time is not None:
                first = time if first is None else first
                time -= first
            pts = time if time is not None else (0 if last is None else last + step)
            last = pts if last is None else max(pts, last + 1)
            if number >= self._skip:
                if waiting is not None:
                    yield waiting
                waiting = Frame(self._upright(frame, scaler), last, lasts=max(0, int(frame.duration or 0)))
        if waiting is not None:
            whole = number + 1 == clip.frames and not self._broken
            yield self._to_the_end(waiting, stream.start_time or 0) if whole else waiting
        self._say(0.0 if last is None else float((last + step - (stream.start_time or 0)) * clip.time_base))

    def _to_the_end(self, frame: Frame, begins: int) -> Frame:
        """The last frame, which an MP4 shows until its own end: where frames are stored in another order than they
        are shown, and not evenly, what the frame says of its duration is that of another."""
        if "mp4" not in self.clip.format:
            return frame
        ends = begins + round(self.clip.seconds / self.clip.time_base)
        return replace(frame, lasts=ends - frame.pts) if ends > frame.pts else frame

    def _decoded(self, container: Any, stream: Any) -> Iterator[VideoFrame]:
        """Every frame that can be decoded, of the size of the first."""
        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except Broken:
                    self._broken += 1
                    continue
                yield from frames
        except Broken:
            self._broken += 1

    def _upright(self, frame: VideoFrame, scaler: VideoReformatter) -> NDArray[np.uint8]:
        clip = self.clip
        sideways = clip.turn in (90, 270)
        width, height = (clip.height, clip.width) if sideways else (clip.width, clip.height)
        if (frame.width, frame.height) != (width, height):
            self._other += 1
        smaller = self._size != (clip.width, clip.height)
        width, height = self._size[::-1] if sideways else self._size
        rgb = scaler.reformat(
            frame, width, height, "rgb24", src_colorspace=SCALER_MATRIX.get(clip.look.matrix, 5),
            src_color_range=2 if clip.look.full else 1, dst_color_range=2,
            interpolation=Interpolation.AREA if smaller else EXACT, threads=1,
        ).to_ndarray()  # fmt: skip
        if clip.mirrored:
            rgb = rgb[:, ::-1]
        return np.ascontiguousarray(np.rot90(rgb, -clip.turn // 90), np.uint8)

    def _say(self, seconds: float) -> None:
        notes = []
        share, least = _SHORT
        short = self.clip.seconds - seconds
        if short > max(least, share * self.clip.seconds):
            notes.append(
                f"the clip is cut short or damaged: {seconds:.1f} of {self.clip.seconds:.1f} s could be read"
            )
        elif self._broken:
            notes.append(f"the clip is damaged: {self._broken} of its packets could not be decoded")
        if self._other:
            notes.append(
                f"{self._other} frames of another size were brought to {self.clip.width} x {self.clip.height}"
            )
        self.notes = tuple(notes)

    def _pictures(self) -> Iterator[Frame]:
        pts = 0
        try:
            image = self._stack.enter_context(PIL.Image.open(self.clip.path, formats=("GIF", "WEBP")))
            for i in range(self.clip.frames):
                image.seek(i)
                rgba = np.asarray(image.convert("RGBA").resize(self._size, PIL.Image.Resampling.BOX))
                lasts = max(0, int(image.info.get("duration") or 0)) or 100  # as browsers take it
                if i >= self._skip:
                    alpha = np.ascontiguousarray(rgba[..., 3]) if self.clip.alpha else None
                    yield Frame(np.ascontiguousarray(rgba[..., :3]), pts, alpha, lasts)
                pts += lasts
        except GeneratorExit:
            raise
        except Exception:  # Pillow raises many kinds for files that anyone may have made
            self.notes = (f"the picture is damaged: {i} of {self.clip.frames} frames could be read",)
