"""What became of a piece that was composed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flamingo.composing.excursions import Excursion
from flamingo.composing.forms import FormSection
from flamingo.composing.originality import Originality
from flamingo.composing.piece import Key, Piece
from flamingo.composing.sections import Section
from flamingo.results import VerbResult


@dataclass(frozen=True)
class ComposeResult(VerbResult):
    """One piece.

    Attributes:
        piece: itself, as it is played.
        files: the files that it was written to.
        originality: what it shares with the music that was learned from, or None if that is not known.
        mood: (valence, arousal) of the piece, as the composer's scale measures it.
        sections: its moods.
        away: where it goes to other keys.
        form: the sections of the form that was asked for.
    """

    piece: Piece
    files: tuple[Path, ...] = ()
    originality: Originality | None = None
    mood: tuple[float, float] = (0.0, 0.0)
    sections: tuple[Section, ...] = ()
    away: tuple[Excursion, ...] = ()
    form: tuple[FormSection, ...] = ()

    @property
    def written(self) -> tuple[Path, ...]:
        """Its files."""
        return self.files

    def timeline(self) -> list[dict[str, Any]]:
        """Each section as it is played: when it begins in seconds, its key, its tempo in quarters a minute, and the
        valence and arousal that were asked of it (None where nothing was)."""
        timeline = []
        for section in self.sections:
            start = self.piece.edges[section.first]
            at = np.searchsorted(self.piece.tempos["start"], start, side="right") - 1
            timeline.append({
                "begins": round(float(self.piece.seconds(start)), 3),
                "key": str(Key(self.piece.key.tonic, section.minor)),
                "tempo": round(float(self.piece.tempos["bpm"][at]), 2),
                "valence": section.valence,
                "arousal": section.arousal,
            })  # fmt: skip
        return timeline

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        piece, shared = self.piece, self.originality
        return {
            "file": str(self.file) if self.file else None,
            "files": [str(file) for file in self.files],
            "error": str(self.error) if self.error else None,
            "title": piece.title,
            "key": str(piece.key),
            "metre": str(piece.metre()),
            "tempo": round(float(piece.tempos["bpm"][0]), 2),
            "bars": len(piece.bars),
            "notes": len(piece.notes),
            "lasts": round(float(piece.seconds()), 3),
            "valence": round(self.mood[0], 3),
            "arousal": round(self.mood[1], 3),
            "sections": self.timeline(),
            "excursions": [{"bar": e.first + 1, "bars": e.bars, "key": str(e.key)} for e in self.away],
            "form": [
                {"name": part.name, "bar": part.first + 1, "bars": part.bars, "key": str(part.key)}
                for part in self.form
            ],
            "originality": shared.sentence if shared else None,
            "original": shared.original if shared else None,
            "remarks": list(self.notes),
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe,
        }
