"""Parts of a film joined into one, with sound, subtitles, chapters and titles of the clip that it was made from.

Nothing is encoded again: the packets of sound are those of the source, byte for byte.
"""

from __future__ import annotations

import errno
import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av

from flamingo.errors import BadRequest, show
from flamingo.video.clip import codec_name
from flamingo.video.kinds import FILMS, Clip
from flamingo.video.opening import Broken, opened

__all__ = ["check_sound", "check_whole", "join", "picture_packets", "timed"]

_PLACES = (
    "location",
    "com.apple.quicktime.location",
    "gps",
)  # begin the names of fields that say where it was filmed


def check_sound(clip: Clip, target: Path) -> None:
    """Check that a container can hold the sound of a clip.

    Args:
        clip: where the sound comes from.
        target: the film, whose suffix names the container.

    Raises:
        BadRequest: it cannot.
    """
    kind = FILMS.get(target.suffix.lower())
    if kind is None or not clip.sounds:
        return
    with opened(clip.path) as source:
        for stream in source.streams.audio:
            if not _holds(kind, stream):
                why = f"{kind} cannot hold sound in {codec_name(stream)}, and sound is copied as it is"
                raise BadRequest(show(target), why, "choose another suffix, such as .mkv or .mov")


def _holds(kind: str, stream: Any) -> bool:
    """Whether a container takes a stream as it is. It is tried: the lists of codecs that containers have are longer
    than what they take."""
    try:
        with av.open(BytesIO(), "w", format=kind) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except Broken:
        return False
    return True


def join(clip: Clip, parts: Sequence[Path], target: Path, *, lasts: int) -> tuple[str, ...]:
    """Write a film from parts that `Writer` made, with the sound of the clip.

    Args:
        clip: where the sound comes from.
        parts: the parts of the picture, in order.
        target: the film.
        lasts: steps of the time base that the last frame is shown.

    Returns:
        Notes on what was left out.

    Raises:
        OSError: it cannot be written.
    """
    kind = FILMS[target.suffix.lower()]
    options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
    notes: list[str] = []
    with ExitStack() as stack:
        source = None if clip.animated else stack.enter_context(opened(clip.path))
        first = stack.enter_context(av.open(str(parts[0])))
        out = stack.enter_context(av.open(str(target), "w", format=kind, container_options=options))
        if source is not None:
            out.metadata.update({k: v for k, v in source.metadata.items() if _may_stay(k)})
        video = out.add_stream_from_template(first.streams.video[0])
        video.time_base = clip.time_base
        video.codec_context.framerate = clip.rate  # Matroska would leave players to guess it
        packets = [timed(picture_packets(parts, clip.time_base, lasts), {None: video})]
        if source is not None:
            copied, notes = _others(source, out, kind)
            if chapters := source.chapters():
                out.set_chapters(chapters)
            packets.append(timed(_demuxed(source, list(copied)), copied))
        for _, _, packet in heapq.merge(*packets):
            out.mux_one(packet)
    check_whole(parts, target)
    return tuple(notes)


def check_whole(parts: Sequence[Path], target: Path) -> None:
    """Check that a film has all frames: the libraries do not tell of every write that failed.

    Args:
        parts: the parts that it was made of.
        target: the film.

    Raises:
        OSError: some are missing.
    """
    if _count([target]) != _count(parts):
        raise OSError(errno.EIO, "it could not be written whole")


def _count(films: Sequence[Path]) -> int:
    packets = 0
    for film in films:
        with av.open(str(film)) as opened:
            packets += sum(packet.pts is not None for packet in opened.demux(video=0))
    return packets


def _may_stay(field: str) -> bool:
    # The kind of container is the new one's affair.
    return not field.lower().startswith(_PLACES) and field not in (
        "major_brand",
        "minor_version",
        "compatible_brands",
    )


def _others(source: Any, out: Any, kind: str) -> tuple[dict[Any, Any], list[str]]:
    """The streams that are copied, with those that they become."""
    copied, left = {}, 0
    for stream in source.streams:
        if stream.type == "video":
            continue
        if stream.type not in ("audio", "subtitle") or not _holds(kind, stream):
            left += stream.type != "data" or "tmcd" not in str(stream.name)
            continue
        new = out.add_stream_from_template(stream)
        new.metadata.update(stream.metadata)
        new.disposition = stream.disposition
        copied[stream] = new
    return copied, [f"{left} tracks that are neither picture nor sound are left out"] if left else []


def picture_packets(parts: Sequence[Path], time_base: Fraction, lasts: int) -> Iterator[tuple[None, Any]]:
    """The packets of all parts in order, each lasting until the next."""
    waiting: Any = None
    for part in parts:
        with av.open(str(part)) as container:
            for packet in container.demux(video=0):
                if packet.pts is None:
                    continue
                packet.pts = packet.dts = round((packet.pts or 0) * (packet.time_base / time_base))
                packet.time_base = time_base
                if waiting is not None:
                    waiting.duration = packet.pts - waiting.pts
                    yield None, waiting
                waiting = packet
    if waiting is not None:
        waiting.duration = lasts
        yield None, waiting


def _demuxed(source: Any, streams: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The packets of these streams, up to where the file is damaged."""
    if not streams:
        return
    try:
        for packet in source.demux(streams):
            if packet.dts is not None:
                yield packet.stream, packet
    except Broken:
        return


def timed(packets: Iterator[tuple[Any, Any]], streams: dict[Any, Any]) -> Iterator[tuple[Fraction, int, Any]]:
    """With the time at which each is needed, so that tracks can be laid into each other."""
    for number, (stream, packet) in enumerate(packets):
        at = packet.dts * packet.time_base
        packet.stream = streams[stream]
        # The number keeps packets of one time in order; packets themselves cannot be compared.
        yield at, number * 2 + (stream is None), packet
