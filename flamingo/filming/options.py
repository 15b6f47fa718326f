"""What may be asked of a film: choices and their usual values, as plain data. Importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flamingo.filming.storyboard import SUFFIX, Aspect, FilmLook, Music

Order = Literal["time", "name", "mood", "given"]
Vary = Literal["no", "photo", "mood"]
Captions = Literal["none", "name", "date", "description"]
Where = Literal["local", "ray"]

FILMS = (".mp4", ".webm", ".mov", ".mkv")
"""The suffixes of films that are written."""
KINDS = (*FILMS, SUFFIX)
"""The suffixes of what is written: films, and the storyboard alone."""


@dataclass(frozen=True)
class Ideas:
    """What was asked for, apart from the photos: see `flamingo.film`, whose arguments these are."""

    style: tuple[str, ...] = ()
    vary: Vary = "no"
    manner: FilmLook = field(default_factory=FilmLook)
    strength: float = 1.0
    grow: bool = False
    wipe: bool = False
    order: Order = "time"
    keep_all: bool = False
    music: Music = field(default_factory=Music)
    seconds: float | None = None
    pace: float | None = None
    motion: float = 0.6
    aspect: Aspect = "16:9"
    resolution: int = 1080
    fps: int = 24
    title: str = ""
    captions: Captions = "none"
