"""The options of `rate`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from flamingo.options import STRICT
from flamingo.ratings.store import Grade

Database = Annotated[
    Path | None,
    Field(
        description="Database of the grades; without it ratings.sqlite in your data folder, or in the folder that "
        "FLAMINGO_DATA names."
    ),
]


@dataclass(frozen=True)
class RateOptions:
    """The options of `rate`: see `flamingo.rate`."""

    picture: Annotated[Path, Field(description="The photo or painting; or a piece of music or a film by itself.")]
    music: Annotated[
        Path,
        Field(description="The music that was heard with it: sound, MIDI or a score. Left out for one file alone."),
    ]
    grade: Annotated[
        Grade | None,
        Field(description="How well the music suits the picture, or how good the one file is: excellent to bad."),
    ] = None
    _: KW_ONLY
    mood: Annotated[
        str | None, Field(description="A word for the picture's mood: happy, sad, angry, calm, tender, dramatic, ...")
    ] = None
    valence: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="The picture's, from -1, unpleasant, to 1, pleasant."),
    ] = None
    arousal: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="The picture's, from -1, calm, to 1, excited."),
    ] = None
    recipe: Annotated[
        list[Path] | None,
        Field(description="How they were made: what `paint --json` or `compose --json` printed; may be given twice."),
    ] = None
    listener: Annotated[str, Field(max_length=100, description="Who listened: any name, the same each time.")] = ""
    comment: Annotated[str, Field(max_length=4000, description="Anything that the listener says.")] = ""
    database: Database = None
    __pydantic_config__ = STRICT
