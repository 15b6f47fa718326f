"""What became of a film."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flamingo.filming.storyboard import Storyboard
from flamingo.results import VerbResult


@dataclass(frozen=True)
class FilmResult(VerbResult):
    """One film, in one kind of file or several.

    Attributes:
        storyboard: of it; the film can be made from it again.
        files: the files that it was written to; `beside` are its storyboard and the pictures that go with it.
        stages: the seconds that each stage took.
        beats, bars: when those of its music begin, in seconds.
    """

    storyboard: Storyboard
    files: tuple[Path, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    beats: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()

    @property
    def written(self) -> tuple[Path, ...]:
        """Its files."""
        return self.files

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        board = self.storyboard
        return {
            "file": str(self.file) if self.file else None,
            "files": [str(file) for file in self.files],
            "beside": [str(file) for file in self.beside],
            "error": str(self.error) if self.error else None,
            "title": board.title,
            "lasts": round(board.seconds, 3),
            "width": board.size[1],
            "height": board.size[0],
            "fps": board.fps,
            "shots": [
                {"start": round(s.start, 3), "end": round(s.end, 3), "style": list(s.style), "caption": s.caption}
                for s in board.shots
            ],
            "beats": list(self.beats),
            "bars": list(self.bars),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "stages": self.stages,
            "recipe": self.recipe,
        }
