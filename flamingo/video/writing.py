"""A film track out: frames in RGB, or in planes of 4:2:0 samples, become packets of H.264 or VP9."""

from __future__ import annotations

from collections.abc import Sequence
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
from flamingo.video.kinds import Clip, Look
from flamingo.video.reading import EXACT, SCALER_MATRIX

__all__ = ["Writer", "colours", "look_of", "samples"]

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class _Codec:
    """softer: what is added to a quantiser of H.264 for the same quality; quick: what is otherwise where time counts
    more than bytes."""

    name: str
    options: dict[str, str]
    softer: int
    quick: dict[str, str]


_THREADS = 2  # told, since what libx264 encodes depends on it; with them, any machine encodes the same
# No frame depends on a later one, so that the order of packets is that of frames, whatever their times are, and
# parts can be joined as they are.
_CODECS = {
    "h264": _Codec(
        "libx264", {"preset": "medium", "bf": "0", "rc-lookahead": "20"}, 0,
        # Without the last, motion of less than a tenth of a pixel is dropped after each whole picture: a frame twice.
        {"preset": "superfast", "rc-lookahead": "0", "fast-pskip": "0", "x264-params": "dct-decimate=0"},
    ),
    "vp9": _Codec(
        "libvpx-vp9",
        {"deadline": "good", "cpu-used": "4", "row-mt": "1", "b": "0", "lag-in-frames": "0", "auto-alt-ref": "0"},
        9,
        {"cpu-used": "5"},
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

    size: (height, width) of the frames; quality: 1 to 100; quick: to encode much faster, in a larger
    file. The samples are 4:2:0, or 4:4:4 where H.264 could not otherwise hold an odd number of rows or
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
        quantiser = round(41 - 0.26 * quality) + codec.softer
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

    def add(self, rgb: Bytes, pts: int) -> None:
        """The next frame.

        Args:
            rgb: (H, W, 3) uint8.
            pts: when it is shown, in steps of the time base.
        """
        self._encode(_stored(rgb, self._format, self._look, self._scaler), pts)

    def add_planes(self, planes: Sequence[Bytes], pts: int) -> None:
        """The next frame as `samples` gives it, of even sides.

        Args:
            planes: how light each pixel is, (H, W) uint8, and blue and red in relation to that, (H/2, W/2) uint8
            each. pts: when it is shown, in steps of the time base.
        """
        frame = VideoFrame(planes[0].shape[1], planes[0].shape[0], "yuv420p")
        stored: Any = frame.planes
        for plane, there in zip(planes, stored, strict=True):
            rows = np.frombuffer(there, np.uint8).reshape(-1, there.line_size)
            rows[: plane.shape[0], : plane.shape[1]] = plane
        frame.color_range = 2 if self._look.full else 1
        self._encode(frame, pts)

    def _encode(self, frame: VideoFrame, pts: int) -> None:
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


def samples(rgb: Bytes, look: Look) -> tuple[Bytes, Bytes, Bytes]:
    """What is stored of a frame, in 4:2:0.

    Args:
        rgb: (H, W, 3) uint8, with even sides.
        look: how colours become samples.

    Returns:
        How light each pixel is, (H, W) uint8, and blue and red in relation to that, (H/2, W/2) uint8 each.
    """
    height, width = rgb.shape[:2]
    flat: Any = _stored(rgb, "yuv420p", look, VideoReformatter()).to_ndarray().ravel()
    y, cb, cr = np.split(flat, [height * width, height * width * 5 // 4])
    return y.reshape(height, width), cb.reshape(height // 2, -1), cr.reshape(height // 2, -1)


def colours(planes: Sequence[Bytes], look: Look) -> Bytes:
    """The frame that samples are of.

    Args:
        planes: as `samples` gives them.
        look: how samples become colours.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = planes[0].shape
    flat = np.concatenate([plane.ravel() for plane in planes])
    frame = VideoFrame.from_ndarray(flat.reshape(height * 3 // 2, width), "yuv420p")
    rgb = VideoReformatter().reformat(
        frame, format="rgb24", src_colorspace=SCALER_MATRIX.get(look.matrix, 5),
        src_color_range=2 if look.full else 1, dst_color_range=2, interpolation=EXACT, threads=1,
    )  # fmt: skip
    return np.asarray(rgb.to_ndarray(), np.uint8)


def _stored(rgb: Bytes, samples: str, look: Look, scaler: VideoReformatter) -> VideoFrame:
    return scaler.reformat(
        VideoFrame.from_ndarray(rgb, "rgb24"), format=samples, src_color_range=2,
        dst_colorspace=SCALER_MATRIX.get(look.matrix, 5), dst_color_range=2 if look.full else 1,
        dst_color_trc=look.transfer, dst_color_primaries=look.primaries, interpolation=EXACT, threads=1,
    )  # fmt: skip
