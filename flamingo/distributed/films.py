"""The paintings and frames of a film, made by the processes of a Ray cluster (see `pool`).

Photos and paintings travel as the bytes of the kept files, pieces of the film as what the encoder made of them: both
are the same, byte for byte, as those made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from flamingo.distributed.pool import Job, Pool
from flamingo.errors import BadRequest, FlamingoError
from flamingo.filming import rendering, titles
from flamingo.filming.cache import Work
from flamingo.filming.prefetch import ahead
from flamingo.filming.reel import Pictures, Reel
from flamingo.painting.brush import Brush

if TYPE_CHECKING:
    from flamingo.filming.camera import Needed
    from flamingo.filming.rendering import Piece, Tell, ToPaint

__all__ = ["FilmPool"]

Files = tuple[bytes, bytes | None]
"""What the files of one shot hold: its photo, and its painting (None: it is not painted)."""


class FilmPool:
    """The cluster, as `flamingo.filming.rendering` uses it; a context manager that ends its processes there."""

    def __init__(self) -> None:
        self._pool = Pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.__exit__(*error)

    def paint(self, missing: Sequence[ToPaint], work: Work, tell: Tell) -> None:
        """Paint these and keep them. What fails there is raised once the others are done."""
        unlike = {id(task.brush): task.brush for task in missing}
        brushes = {number: self._pool.shared(brush) for number, brush in unlike.items()}
        jobs = (
            Job(
                task.photo.called,
                _painted,
                (brushes[id(task.brush)], Path(task.photo.kept).read_bytes(), task.needed),
            )
            for task in missing
        )
        _store_outcomes(jobs, [(task.target, 1) for task in missing], len(missing), work, tell, self._pool)

    def render(self, missing: Sequence[Piece], pictures: Sequence[Pictures], work: Work, tell: Tell) -> None:
        """Render these and keep them. What fails there is raised once the others are done."""
        board = missing[0].board
        reel, fonts = Reel(board, pictures), _fonts(board.title, *(shot.caption for shot in board.shots))

        def jobs() -> Iterator[Job]:
            for piece in missing:
                files = {number: _read(pictures[number]) for number in reel.seen(piece.first, piece.last)}
                yield Job(f"frame {piece.first} to {piece.last}", _rendered, (piece, files, fonts))

        places = [(piece.target, piece.last - piece.first) for piece in missing]
        _store_outcomes(jobs(), places, board.frames, work, tell, self._pool)


def _painted(brush: Brush, photo: bytes, part: Needed) -> bytes:
    """On the cluster: a kept photo to a kept painting."""
    with TemporaryDirectory() as name:
        photo_file, painting_file = Path(name) / "photo.jpg", Path(name) / "painting.jpg"
        photo_file.write_bytes(photo)
        rendering.paint(brush, photo_file, part, painting_file, Work(painting_file))
        return painting_file.read_bytes()


def _store_outcomes(
    jobs: Iterable[Job], places: Sequence[tuple[Path, int]], many: int, work: Work, tell: Tell, pool: Pool
) -> None:
    """Keep what each job gives in its place. With the place: how many of the `many` steps it is."""
    done = many - sum(steps for _, steps in places)
    failed = []

    def waits() -> None:
        tell(done, many)

    waits()
    for (target, steps), outcome in zip(places, pool.results(jobs, waits), strict=True):
        if isinstance(outcome, FlamingoError):
            failed.append(outcome)
        else:
            work.put(outcome, target)
        done += steps
        waits()
    if failed:
        raise failed[0]


def _read(pictures: Pictures) -> Files:
    return pictures.photo.read_bytes(), pictures.painting.read_bytes() if pictures.painting else None


def _rendered(piece: Piece, files: dict[int, Files], fonts: list[str]) -> bytes:
    """On the cluster: the piece, encoded. files: by the numbers of the shots that it shows."""
    board = piece.board
    if _fonts(board.title, *(shot.caption for shot in board.shots)) != fonts:
        raise BadRequest("the cluster", "it has other fonts", "install the same ones there")
    with TemporaryDirectory() as name:
        folder = Path(name)
        pictures = [Pictures(folder, None)] * len(board.shots)  # those that are not seen are not read
        for number, (photo, painting) in files.items():
            photo_file, other = folder / f"{number}.jpg", folder / f"{number}-painted.jpg"
            photo_file.write_bytes(photo)
            if painting is not None:
                other.write_bytes(painting)
            pictures[number] = Pictures(photo_file, None if painting is None else other)
        numbers = range(piece.first, piece.last)
        with closing(ahead(Reel(board, pictures).frame, numbers, rendering.AHEAD)) as frames:
            return rendering.render(piece, frames, lambda _number: None)


def _fonts(*texts: str) -> list[str]:
    """The names of the fonts in which texts are drawn."""
    return [Path(titles.font_file(text)).name for text in dict.fromkeys(texts) if text]
