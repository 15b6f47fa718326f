"""What became of one photo that was to be painted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo.results import VerbResult


@dataclass(frozen=True)
class PaintResult(VerbResult):
    """What became of one photo.

    Attributes:
        photo: the file that was painted.
        target: where the picture was written, or None.
    """

    photo: Path
    target: Path | None = None

    @property
    def source(self) -> Path:
        """The photo."""
        return self.photo

    @property
    def written(self) -> tuple[Path, ...]:
        """The picture's file."""
        return () if self.target is None else (self.target,)

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        return {
            "photo": str(self.photo),
            "file": str(self.file) if self.file else None,
            "error": str(self.error) if self.error else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe,
            "beside": [str(file) for file in self.beside],
        }
