"""What all verbs say of a thing that they were asked to make: the base of `PaintResult` and its like."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flamingo.errors import FlamingoError


@dataclass(frozen=True, kw_only=True)
class VerbResult:
    """One thing that was made, or the reason why it was not.

    Attributes:
        error: why it is not there, or not in all of its files; None where all went well.
        notes: what the user must be told, in sentences.
        seconds: how long it took.
        recipe: everything that made it, as plain values: enough to make the same again.
        beside: files that were written besides, such as snapshots.
    """

    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    recipe: dict[str, Any] = field(default_factory=dict)
    beside: tuple[Path, ...] = ()

    @property
    def source(self) -> Path | None:
        """The input that it was made from, or that was looked at; None where there was none or there were several."""
        return None

    @property
    def written(self) -> tuple[Path, ...]:
        """The files of the result itself."""
        raise NotImplementedError

    @property
    def file(self) -> Path | None:
        """The first of its files, or None if there is none."""
        return next(iter(self.written), None)

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        raise NotImplementedError
