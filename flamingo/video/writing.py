"""A film track out: frames in RGB become packets of H.264 or VP9."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.video.clip import Clip, Look
from flamingo.video.reading import EXACT, SCALER_MATRIX

__all__ = ["Writer", "look_of"]


@dataclass(frozen=True)
class _Codec:
    """softer: what is added to a quantiser of H.264 for the same quality; quick, and sharper: what is otherwise, and
    subtracted, where time counts more than bytes."""

    name: str
    options: dict[str, str]
    softer: int
    quick: dict[str, str]
    sharper: int


_THREADS = 2  # told, since what libx264 encodes depends on it; with them, any machine encodes the same
# No frame depends on a later one, so that the order of packets is that of frames, whatever their times are, and
# parts can be joined as they are.
_CODECS = {
    "h264": _Codec(
        "libx264", {"preset": "medium", "bf": "0", "rc-lookahead": "20"}, 0,
        {"preset": "veryfast"}, 1,
    ),
    "vp9": _Codec(
        "libvpx-vp9",
        {"deadline": "good", "cpu-used": "4", "row-mt": "1", "b": "0", "lag-in-frames": "0", "auto-alt-ref": "0"},
        9,
        {"cpu-used": "5"},
        0,
    ),
}  # fmt: skip


def codec_for(container: str) -> str:
    """The codec that is written into a container: webm takes no H.264."""
    return "vp9" if container == "webm" else "h264"


def look_of(clip: Clip) -> Look:
    """The look of the film that is made from a clip: the same, in the range that every player expects."""
    return replace(clip.look, full=False)


class Writer:
    """Encodes a film, or a part of one, into memory: `done` gives it, as NUT, which keeps times exactly.

    size: (height, width) of the frames; quality: 1 to 100; quick: to encode in a third of the time, in a somewhat
    larger file. The samples are 4:2:0, or 4:4:4 where H.264 could not otherwise hold an odd number of rows or
    columns. The same frames give the same bytes, on any machine with the same libraries.
    """

    def __init__(
        self,
        container: str,
        size: tuple[int, int],
        *,
        rate: Fraction,
        time_base: Fraction,
        look: Look,
        quality: int,
        quick: bool = False,
    ) -> None:
        if not 1 <= quality <= 100:
            raise BadRequest(f"a quality of {quality}", "it is not between 1 and 100", "92 is a good one")
        codec = _CODECS[codec_for(container)]
        self._look = look
        self._format = pixel_format(container, size)
        self._scaler = VideoReformatter()
        self._file = BytesIO()
        self._container = av.open(self._file, "w", format="nut")
        quantiser = round(41 - 0.26 * quality) + codec.softer - (codec.sharper if quick else 0)
        options = {**codec.options, **(codec.quick if quick else {}), "crf": str(quantiser)}
        stream = self._container.add_stream(
            codec.name, rate=Fraction(rate).limit_denominator(100_000), options=options
        )
        context: Any = stream.codec_context
        context.width, context.height, context.pix_fmt = size[1], size[0], self._format
        context.time_base = time_base
        context.thread_count = _THREADS
        context.sample_aspect_ratio = look.aspect
        context.colorspace, context.color_primaries, context.color_trc = look.matrix, look.primaries, look.transfer
        context.color_range = 2 if look.full else 1
        self._stream: Any = stream
        self._time_base = time_base
        self.frames = 0

    def add(self, rgb: NDArray[np.uint8], pts: int) -> None:
        """The next frame, (H, W, 3) uint8, shown at `pts` steps of the time base."""
        frame = self._scaler.reformat(
            VideoFrame.from_ndarray(rgb, "rgb24"), format=self._format, src_color_range=2,
            dst_colorspace=SCALER_MATRIX.get(self._look.matrix, 5), dst_color_range=2 if self._look.full else 1,
            dst_color_trc=self._look.transfer, dst_color_primaries=self._look.primaries, 
            interpolation=EXACT, threads=1,
        )  # fmt: skip
        frame.pts, frame.time_base = pts, self._time_base
        frame.colorspace = self._look.matrix
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def done(self) -> bytes:
        """The whole of it. No more frames."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()


def pixel_format(container: str, size: tuple[int, int]) -> str:
    """How samples are stored: H.264 with a quarter of the colour samples has even sides only."""
    odd = size[0] % 2 or size[1] % 2
    return "yuv444p" if odd and codec_for(container) == "h264" else "yuv420p"
