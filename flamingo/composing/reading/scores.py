"""Scores with all that is written in them: parts apart, slurs, fermatas, dynamics, words, bar lines.

    with ScoreReader() as reader:
        score = reader.read("quartet.musicxml")
        score.piece.notes["part"], score.marks

`flamingo.composing.reading.read` is quicker for one file and tells the music alone; this is for reading a whole
library: one process reads score after score.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import UNITS, Piece
from flamingo.composing.reading.files import score_text
from flamingo.composing.reading.midi import from_midi
from flamingo.errors import MusicTooLarge, UnreadableMusic
from flamingo.processes.host import CannotStart, ChildError, ChildTimeout, Host

__all__ = ["LINES", "MARK", "Score", "ScoreReader"]

Array = NDArray[Any]

KINDS = ("slur", "fermata", "hairpin", "dynamic", "words", "tempo", "line")
"""Kinds of marks, by their number in `MARK`."""
LINES = ("double", "end", "repeat-begin", "repeat-end")
"""What the text of a mark of the kind "line" may be."""
MARK = np.dtype(
    [
        ("kind", "u1"),  # of KINDS
        ("start", "i4"),  # units from the beginning of the piece
        ("end", "i4"),  # units; the same as start where it is a point
        ("part", "u1"),  # of the piece; EVERY for all
        ("text", "u4"),  # which of Score.texts
    ]
)
EVERY = 255
_MEMORY = 6 * 2**30
_RESTART = 200  # scores after which a fresh process goes on: the library leaks


@dataclass(frozen=True, eq=False)
class Score:
    """A piece whose parts are its staves from the top, and what is written beside the notes.

    Attributes:
        piece: the notes; `Piece.programs` has an entry for every staff that sounds.
        marks: (m,) of MARK, sorted by start.
        texts: what the marks say, "" first.
    """

    piece: Piece
    marks: Array
    texts: tuple[str, ...]

    def of(self, kind: str) -> Array:
        """(n,) of MARK: those of one of KINDS."""
        return np.asarray(self.marks[self.marks["kind"] == KINDS.index(kind)])


class ScoreReader:
    """A process that reads scores, started with the first one and anew after a crash.

    Args:
        seconds: the most that one score may take, of the processor's time.
    """

    def __init__(self, seconds: float = 600.0) -> None:
        self._host = Host("flamingo.composing.reading.score_worker", requests=_RESTART)
        self._seconds = seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._host.end()

    def read(self, path: Path | str) -> Score:
        """Read a score, of a kind that `flamingo.composing.reading.KINDS` calls musicxml, mxl, humdrum, abc or mei.
        Raises UnreadableMusic, MusicTooLarge or UnsupportedMusic."""
        text, kind, name, title = score_text(Path(path))
        header = {"kind": kind, "memory": _MEMORY, "seconds": self._seconds}
        try:
            answer, payload = self._host.request(
                header, text.encode("utf-8", "replace"), timeout=3 * self._seconds, first=30.0
            )
        except ChildTimeout:
            raise MusicTooLarge(name, f"it takes more than {self._seconds:.0f} seconds to read", "cut it") from None
        except CannotStart:
            raise UnreadableMusic(name, "no helper process can be started to read it", "free some memory") from None
        except ChildError:
            raise UnreadableMusic(name, "it makes the reader of scores fail", "export it again") from None
        told = json.loads(payload[: answer["json"]])
        if "error" in told:
            raise UnreadableMusic(name, str(told["error"]), "export it again")
        lines = [round(quarter * UNITS) for quarter in told["bars"]]
        piece = from_midi(payload[answer["json"] :], name, title=title, bar_lines=lines, by_track=True)
        return _score(replace(piece, expressive=False), told)


def _score(piece: Piece, told: dict[str, Any]) -> Score:
    """The score of a piece and of what the helper tells of its marks."""
    # A staff that sounds has a track that is not empty, and both stand in the order of the page. Where one has more
    # than the other (an instrument that changes, a staff of cues), nobody knows which mark is whose.
    staves = told["staves"]
    part_of: dict[int, int] = defaultdict(lambda: EVERY)
    if len(staves) == len(piece.programs):
        part_of |= {staff: part for part, staff in enumerate(staves)}
    texts = {"": 0}
    rows = []
    for kind, start, end, staff, text in told["marks"]:
        which = texts.setdefault(text, len(texts))
        rows.append((KINDS.index(kind), round(start * UNITS), round(end * UNITS), part_of[staff], which))
    marks = np.sort(np.array(rows, MARK), order=("start", "kind", "part"))
    return Score(piece, marks, tuple(texts))
