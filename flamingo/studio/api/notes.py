"""GET /api/jobs/{id}/results/{n}/notes: a piece's notes in seconds, for a piano roll that plays along."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from flamingo.composing import reading
from flamingo.composing.piece import Piece
from flamingo.jobs.errors import NoSuchFile
from flamingo.studio.problems import Unsupported
from flamingo.studio.schemas import ProblemOut
from flamingo.studio.state import Current

__all__ = ["router"]

router = APIRouter(prefix="/api/jobs", tags=["compose"])


# Five numbers, and not a tuple of five types: generators of clients and checkers stumble over `prefixItems`.
Note = Annotated[list[int | float], Field(min_length=5, max_length=5)]


class NotesOut(BaseModel):
    """A piece as it is played."""

    key: str = Field(description="Such as C minor.")
    tempo: float = Field(description="Quarter notes a minute at its beginning.")
    seconds: float = Field(description="How long it lasts.")
    bars: list[float] = Field(description="Where bars begin, in seconds, and where the last one ends.")
    beats: list[float] = Field(description="Where beats are struck, in seconds.")
    notes: list[Note] = Field(
        description="Of each note: when it is struck and how long it is held, in seconds; MIDI pitch, velocity, part."
    )


@router.get("/{job}/results/{n}/notes", responses={s: {"model": ProblemOut} for s in (404, 415)})
def notes(job: str, n: int, studio: Current) -> NotesOut:
    """The notes of a result that is MIDI, in the order in which they are struck."""
    results = studio.jobs.get(job).results
    if not 0 <= n < len(results):
        raise NoSuchFile(f"result {n}", f"the job has {len(results)}", "count from 0")
    result = results[n]
    if result.media_type != "audio/midi":
        raise Unsupported(result.name, "it is no MIDI file", "ask for the result that is")
    piece = reading.from_bytes(studio.store.path(result.sha256).read_bytes(), "piece.mid", by_track=True)
    struck, released = piece.played
    rows = sorted(
        (
            round(float(start), 3),
            round(float(end - start), 3),
            int(note["pitch"]),
            int(note["velocity"]),
            int(note["part"]),
        )
        for start, end, note in zip(struck, released, piece.notes, strict=True)
    )
    return NotesOut(
        key=str(piece.key),
        tempo=round(float(piece.tempos["bpm"][0]), 2) if len(piece.tempos) else 120.0,
        seconds=round(float(piece.seconds()), 3),
        bars=[round(float(at), 3) for at in piece.seconds(piece.edges)],
        beats=[round(float(at), 3) for at in piece.seconds(_beats(piece))],
        notes=rows,
    )


def _beats(piece: Piece) -> list[int]:
    """The units at which beats are, those of bars that are cut short included."""
    bars = enumerate(pairwise(piece.edges.tolist()))
    return [place for bar, (begin, end) in bars for place in range(begin, end, piece.metre(bar).beat)]
