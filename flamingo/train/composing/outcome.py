"""What a training of a composer or a baseline came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What a training came to: steps, events and seconds over all its sessions, and the last figures. persona,
    installed: the user's persona that it taught, and the file in which `flamingo compose` finds it."""

    steps: int
    events: int
    seconds: float
    figures: dict[str, float]
    checkpoint: Path
    persona: str = ""
    installed: Path | None = None
