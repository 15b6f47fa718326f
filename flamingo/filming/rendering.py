"""From storyboard and score to a film file: paint what is shown, encode frames in pieces, and join them with sound.

Pieces that are done are kept (see `cache`). Frames go to the encoder one by one, and the pieces to the file as they
are, so that memory holds neither the film nor its frames.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from flamingo import provenance
from flamingo.filming.cache import Work
from flamingo.filming.camera import Needed, needed, resized
from flamingo.filming.photos import Photo, pixels, save
from flamingo.filming.planes import Planes
from flamingo.filming.prefetch import ahead
from flamingo.filming.reel import Pictures, Reel
from flamingo.filming.score import RATE
from flamingo.filming.storyboard import FilmLook, Shot, Storyboard
from flamingo.options import shared
from flamingo.painting.brush import Brush, brush
from flamingo.painting.options import StyleOptions
from flamingo.video import FILMS, Look, Writer, delivering
from flamingo.video.joining import check_whole, picture_packets, timed
from flamingo.video.writing import codec_for

if TYPE_CHECKING:
    from flamingo.distributed.films import FilmPool

__all__ = ["Painting", "Piece", "ToPaint", "delivered", "encoded", "paint", "painted", "render"]

_PIECE = 5  # seconds of film that are encoded at once, and lost at most where a run is stopped
_DRAWN = 4  # counted up when the same storyboard gives other frames or bytes, so that older pieces are not taken
AHEAD = 7
"""Frames that are drawn while those before them are encoded."""

_SOUND = {"webm": ("libopus", 160_000)}
_USUAL_SOUND = ("aac", 192_000)

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class ToPaint:
    """A photo, what it is to be painted with, what of it, and the file where the painting is kept."""

    brush: Brush
    photo: Photo
    needed: Needed
    target: Path


class Painting:
    """How the photos of a film are painted. One brush is kept for each manner, and each painting in a file. frame:
    (height, width) of the film."""

    def __init__(self, manner: FilmLook, frame: tuple[int, int], work: Work) -> None:
        self._manner, self._frame, self._work = manner, frame, work
        self._brushes: dict[tuple[Any, ...], Brush] = {}

    def brush(self, shot: Shot) -> Brush | None:
        """What the photo of a shot is painted with; None where it is left as it is. Raises BadRequest for a style
        that is not known, BadInput for a painting or mask that cannot be used."""
        strength = max(shot.strength)
        if not shot.style or strength == 0:
            return None
        key = (shot.style, strength)
        if key not in self._brushes:
            manner = self._manner
            paintings, masks = ([Path(name) for name in names] for names in (manner.paintings, manner.masks))
            self._brushes[key] = brush(
                shot.style, _named(shot.style, paintings), masks, strength=strength,
                **asdict(shared(manner, StyleOptions)),
            )  # fmt: skip
        return self._brushes[key]

    def place(self, shot: Shot, photo: Photo) -> Path | None:
        """Where the painting of a shot lies, or will lie."""
        wielded = self.brush(shot)
        if wielded is None:
            return None
        facts = [photo.sha256, Path(photo.kept).name, wielded.recipe, asdict(self._needed(shot, photo, wielded))]
        return self._work.place("painting", facts, ".jpg")

    def _needed(self, shot: Shot, photo: Photo, wielded: Brush) -> Needed:
        """What is painted of a photo. A mask belongs to all of it."""
        part = needed((photo.height, photo.width), self._frame, shot.fit, shot.camera)
        return part if wielded.mix.masks is None else part.whole

    def missing(self, shots: Sequence[tuple[Shot, Photo]]) -> list[ToPaint]:
        """What is still to be painted of these, each once."""
        by_target = {}
        for shot, photo in shots:
            target, wielded = self.place(shot, photo), self.brush(shot)
            if target is not None and wielded is not None and not target.is_file():
                by_target[target] = ToPaint(wielded, photo, self._needed(shot, photo, wielded), target)
        return list(by_target.values())


def paint(wielded: Brush, photo: Path, part: Needed, target: Path, work: Work) -> None:
    """Paint what is needed of a kept photo, and keep that too; where it is never seen, it stays a photo."""
    rgb = resized(pixels(photo), part.size)
    painted = wielded.paint(rgb[part.seen].astype(np.float32) / np.float32(255))
    rgb[part.seen] = np.rint(np.clip(painted, 0, 1) * 255)
    save(rgb, target, work)


def painted(missing: Sequence[ToPaint], work: Work, tell: Tell, pool: FilmPool | None = None) -> None:
    """Paint photos here, or on a cluster.

    Args:
        missing: what is to be painted, and where it is kept.
        work: writes it there.
        tell: is called with the paintings done and in all.
        pool: the cluster, if there is one.
    """
    if pool is not None:
        pool.paint(missing, work, tell)
        return
    for i, task in enumerate(missing):
        tell(i, len(missing))
        paint(task.brush, Path(task.photo.kept), task.needed, task.target, work)


def _named(styles: Sequence[str], paintings: Sequence[Path]) -> dict[str, Path]:
    """Of the paintings those that a shot's styles name: one that no text names would be a style of its own."""
    heads = [style.rpartition("@")[0] or style for style in styles]
    return {p.name: p for p in paintings if any(text == p.name or text.startswith(f"{p.name}=") for text in heads)}


# -- frames --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A part of the picture track: frames from `first` on, up to `last`. kind: of container; target: where it is
    kept."""

    board: Storyboard
    kind: str
    quality: int
    first: int
    last: int
    target: Path


def encoded(
    board: Storyboard,
    pictures: Sequence[Pictures],
    kind: str,
    quality: int,
    work: Work,
    tell: Tell,
    pool: FilmPool | None = None,
) -> list[Path]:
    """The picture track in pieces, in order, rendered here or on a cluster. tell: is told frames done and in all."""
    facts = [board.as_json(), [(p.photo.name, p.painting and p.painting.name) for p in pictures]]
    step = _PIECE * board.fps
    pieces = [
        Piece(
            board, kind, quality, first, min(first + step, board.frames),
            work.place("frames", [facts, _DRAWN, codec_for(kind), quality, first], ".nut"),
        )
        for first in range(0, board.frames, step)
    ]  # fmt: skip
    missing = [piece for piece in pieces if not piece.target.is_file()]
    if pool is not None and missing:
        pool.render(missing, pictures, work, tell)
        return [piece.target for piece in pieces]
    reel = Reel(board, pictures)
    numbers = chain.from_iterable(range(piece.first, piece.last) for piece in missing)
    with closing(ahead(reel.frame, numbers, AHEAD)) as frames:
        for piece in missing:
            work.put(render(piece, frames, lambda number: tell(number, board.frames)), piece.target)
            tell(piece.last, board.frames)
    return [piece.target for piece in pieces]


def render(piece: Piece, frames: Iterator[Planes], tell: Callable[[int], None]) -> bytes:
    """The piece, encoded. It is the same wherever this is done. frames: gives its frames, in order; tell: is told the
    number of each."""
    board = piece.board
    writer = Writer(
        piece.kind, board.size, rate=Fraction(board.fps), time_base=Fraction(1, board.fps), look=Look(),
        quality=piece.quality, quick=True,
    )  # fmt: skip
    for number in range(piece.first, piece.last):
        tell(number)
        writer.add_planes(next(frames), number)
    return writer.done()


# -- the file ------------------------------------------------------------------------------------------------


def delivered(
    board: Storyboard,
    pieces: Sequence[Path],
    samples: NDArray[np.float32],
    target: Path,
    work: Work,
    *,
    overwrite: bool,
    origin: provenance.Origin,
) -> tuple[str, ...]:
    """Join pieces and sound, sign the film and put it into its place. Returns notes. Raises an OutputError."""

    def write(whole: Path) -> tuple[str, ...]:
        _join(board, pieces, samples, whole)
        return ()

    return delivering.delivered(write, lambda name: work.folder / name, target, overwrite=overwrite, origin=origin)


def _join(board: Storyboard, pieces: Sequence[Path], samples: NDArray[np.float32], target: Path) -> None:
    kind, base = FILMS[target.suffix.lower()], Fraction(1, board.fps)
    options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
    with av.open(str(pieces[0])) as first, av.open(str(target), "w", format=kind, container_options=options) as out:
        if board.title:
            out.metadata["title"] = board.title
        video: Any = out.add_stream_from_template(first.streams.video[0])
        video.time_base = base
        video.codec_context.framerate = Fraction(board.fps)
        codec, rate = _SOUND.get(kind, _USUAL_SOUND)
        audio: Any = out.add_stream(codec, rate=RATE, layout="stereo")
        audio.bit_rate = rate
        out.set_chapters(_chapters(board))  # type: ignore[arg-type]
        frames = timed(picture_packets(pieces, base, 1), {None: video})
        for _, _, packet in heapq.merge(frames, _heard(samples, audio)):
            out.mux_one(packet)
    check_whole(pieces, target)


def _heard(samples: NDArray[np.float32], audio: Any) -> Iterator[tuple[Fraction, int, Any]]:
    """The packets of the sound, with the time at which each is needed."""
    context = audio.codec_context
    context.open()
    size, number = context.frame_size or 960, 0
    kind = context.format.name
    for first in range(0, len(samples), size):
        frame = _frame(samples[first : first + size], kind)
        frame.pts, frame.time_base = first, Fraction(1, RATE)
        for packet in audio.encode(frame):
            yield _when(packet), number, packet
            number += 2
    for packet in audio.encode(None):
        yield _when(packet), number, packet
        number += 2


def _when(packet: Any) -> Fraction:
    return Fraction(packet.dts * packet.time_base)


def _frame(samples: NDArray[np.float32], kind: str) -> Any:
    """Samples as the encoder takes them: planar for AAC (fltp), interleaved for Opus (flt, s16)."""
    plain = np.ascontiguousarray(samples, np.float32)
    if kind == "s16":
        array: Any = np.rint(np.clip(plain, -1, 1) * 32767).astype(np.int16).reshape(1, -1)
    else:
        array = np.ascontiguousarray(plain.T) if kind == "fltp" else plain.reshape(1, -1)
    frame = AudioFrame.from_ndarray(array, kind, "stereo")
    frame.sample_rate = RATE
    return frame


def _chapters(board: Storyboard) -> list[dict[str, Any]]:
    """A chapter for each photo."""
    base = Fraction(1, 1000)
    return [
        {
            "id": i,
            "start": round(shot.start * 1000),
            "end": round(shot.end * 1000),
            "time_base": base,
            "metadata": {"title": shot.caption or Path(shot.photo).stem},
        }
        for i, shot in enumerate(board.shots)
    ]
