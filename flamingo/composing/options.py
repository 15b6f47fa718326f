"""The options of `compose`, in the groups that other parts of the package are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from flamingo.composing.forms import Form
from flamingo.composing.sections import Point
from flamingo.composing.timing import FASTEST, LONGEST, SHORTEST, SLOWEST
from flamingo.options import ONE_OR_MANY, STRICT

Progress = Callable[[int, int, str], None]
"""Called as (done, all, what is being done)."""


@dataclass(frozen=True, kw_only=True)
class PieceOptions:
    """In whose manner, and how long."""

    persona: Annotated[
        str,
        Field(description="Whose manner: one of `flamingo personas`, or a mix such as beethoven=.7,schubert=.3."),
    ] = "beethoven"
    seconds: Annotated[
        float, Field(ge=SHORTEST, le=LONGEST, allow_inf_nan=False, description="How long the piece lasts.")
    ] = 30.0
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class MoodOptions:
    """The mood of the music, wherever it comes from (see flamingo.composing.request)."""

    mood: Annotated[
        str | None, Field(description="A word for the mood: happy, sad, angry, calm, tender, dramatic, ...")
    ] = None
    valence: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="From -1, unpleasant, to 1, pleasant."),
    ] = None
    arousal: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="From -1, calm, to 1, excited."),
    ] = None
    photo: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="Photo whose mood the music takes; of several (or a folder) each gets a section.",
        ),
    ] = None
    words: Annotated[str | None, Field(description="A sentence whose mood the music takes.")] = None
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is written: the frame that the notes are put into."""

    key: Annotated[str | None, Field(description="Key, such as 'C minor' or Eb; without it the persona's.")] = None
    tempo: Annotated[
        float | None,
        Field(ge=SLOWEST, le=FASTEST, allow_inf_nan=False, description="Quarter notes a minute, kept exactly."),
    ] = None
    metre: Annotated[str | None, Field(description="Time signature: 4/4, 3/4, 2/4, 6/8, ...")] = None
    density: Annotated[
        float | None,
        Field(
            ge=0.5,
            le=30,
            allow_inf_nan=False,
            description="Notes a second, about; without it as persona and mood have it. --speed multiplies it.",
        ),
    ] = None
    chords: Annotated[
        str | None,
        Field(
            description="Chords to compose over, a bar each, again and again: 'C Am F G'; or with bar lines: "
            "'C Am | Dm7 G7'."
        ),
    ] = None
    form: Annotated[
        Form | None,
        Field(description="Its form: period, ternary (A B A), rondo, variations or sonatina; without it, strophes."),
    ] = None
    modulate: Annotated[bool, Field(description="Go to other keys on the way, as people's music does.")] = True
    instrument: Annotated[
        str,
        Field(description="Who plays: piano, violin, string-quartet, ...; or up to four, melody first: flute,piano."),
    ] = "piano"
    continue_from: Annotated[
        Path | None, Field(description="Music that the piece begins with and goes on from: MIDI, MusicXML, sound.")
    ] = None
    hum: Annotated[
        bool, Field(description="The recording that it goes on from (--continue) is hummed, whistled or sung.")
    ] = False
    variations: Annotated[int, Field(ge=1, le=100, description="How many different pieces to write.")] = 1
    best: Annotated[int, Field(ge=1, le=32, description="Draw so many for each piece and keep the best.")] = 1
    original: Annotated[
        bool, Field(description="Draw again while a piece shares more with the training music than people's do.")
    ] = False
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """What is composed anew in music that is there already (see flamingo.composing.editing)."""

    edit: Annotated[
        Path | None,
        Field(description="Music of which some bars or parts are composed anew: MIDI, MusicXML; the rest stays."),
    ] = None
    bars: Annotated[
        str | None, Field(description="With --edit: the bars that are composed, such as 9-12 or 1-4,9; else all.")
    ] = None
    part: Annotated[
        str | None,
        Field(
            description="With --edit: what is composed in them: melody, accompaniment, right, left, or numbers of "
            "parts from the top, such as 2,3; else everything."
        ),
    ] = None
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How events are drawn. temperature: 0 takes the likeliest; guidance: 1 is none."""

    temperature: Annotated[
        float, Field(ge=0, le=3, allow_inf_nan=False, description="Daring: 0 takes the likeliest note, 1 is natural.")
    ] = 1.0
    top_p: Annotated[
        float,
        Field(gt=0, le=1, allow_inf_nan=False, description="Choose among the likeliest of this share."),
    ] = 0.99
    min_p: Annotated[
        float, Field(ge=0, lt=1, allow_inf_nan=False, description="Leave out what is less likely, by this factor.")
    ] = 0.005
    guidance: Annotated[
        float, Field(ge=0, le=5, allow_inf_nan=False, description="How strongly persona and mood are insisted on.")
    ] = 1.0
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class PerformanceOptions:
    """How the score is played, and what is shown of it."""

    humanise: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="A player's freedom in timing and loudness.")
    ] = 0.5
    speed: Annotated[
        float,
        Field(ge=0.25, le=4, allow_inf_nan=False, description="Play it so many times as fast; its length changes."),
    ] = 1.0
    pitch: Annotated[int, Field(ge=-24, le=24, description="Play it so many semitones higher or lower.")] = 0
    view: Annotated[
        Literal["roll", "score"],
        Field(description="What a .png shows: piano roll, or the score's first page."),
    ] = "roll"
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class SoundOptions:
    """How a sound file sounds: by which instruments, where, and how loud."""

    soundfont: Annotated[
        Path | None, Field(description="SoundFont (.sf2) to play it with, instead of the instruments built in.")
    ] = None
    room: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="How much of a small hall is heard: 0 is none.")
    ] = 0.3
    width: Annotated[
        float, Field(ge=0, le=2, allow_inf_nan=False, description="How far left and right stand apart: 0 is mono.")
    ] = 1.0
    loudness: Annotated[
        float, Field(ge=-36, le=-9, allow_inf_nan=False, description="Loudness of the whole in LUFS.")
    ] = -16.0
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class ComposeOptions(
    SoundOptions, PerformanceOptions, SamplingOptions, EditOptions, ScoreOptions, MoodOptions, PieceOptions
):
    """All options of `compose`: see `flamingo.compose`."""

    seed: Annotated[int, Field(ge=0, lt=2**32, description="The same seed gives the same piece.")] = 0
    output: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="File to write, by its suffix: .mid .wav .mp3 .ogg .flac .musicxml .svg .pdf .png; "
            "several give the same piece as several kinds; without it composed/PERSONA-SEED.mp3.",
        ),
    ] = None
    overwrite: Annotated[bool, Field(description="Replace a result that is already there.")] = False
    path: tuple[Point, ...] | None = None
    on_progress: Progress | None = None
    __pydantic_config__ = STRICT


def flag_of(name: str) -> str:
    """What an option is called on the command line."""
    return "--continue" if name == "continue_from" else f"--{name.replace('_', '-')}"
