"""The sections of a piece that goes along a path of moods: which stretch of bars has which mood, mode and tempo.

A mood along the path is a `Point`; what becomes of it in the piece is a `Section`. The mode is the strongest cue for
valence, and music is modelled relative to its tonic, so sections may be in major and in minor over the same tonic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from pydantic import Field

from flamingo.mood.cues import FAR, Choices


class Point(NamedTuple):
    """A place on the plane of moods, and how much of the piece it gets beside the others."""

    valence: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
    arousal: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


@dataclass(frozen=True)
class Section:
    """A stretch of bars in one mood. first: its first bar, counted from 0; bars: how many; bpm: quarters a minute;
    minor: its mode; valence, arousal: from -1 to 1, None where nothing was asked; asks: what that means for music."""

    first: int
    bars: int
    bpm: float
    minor: bool
    valence: float | None = None
    arousal: float | None = None
    asks: Choices = field(default_factory=Choices)


def shares(path: Sequence[Point]) -> list[float]:
    """The share of the time that each point gets; they sum to 1. Without a path the whole piece is one share."""
    total = sum(point.weight for point in path)
    return [point.weight / total for point in path] or [1.0]


def modes(cues: Sequence[float | None], by_habit: Callable[[], bool]) -> list[bool]:
    """Whether each section is in minor, from the mode cue of each (above 0 major). A section near the middle stays in
    the mode of the one before it, so that the mode turns only where that says something. by_habit: asked where no
    mood was given."""
    stated_cues = [cue for cue in cues if cue is not None]
    if len(stated_cues) < len(cues):
        return [by_habit()] * len(cues)
    now = next((cue for cue in stated_cues if abs(cue) > FAR), stated_cues[0]) < 0
    minor_modes = []
    for cue in stated_cues:
        now = cue < 0 if abs(cue) > FAR else now
        minor_modes.append(now)
    return minor_modes
