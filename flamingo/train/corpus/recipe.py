"""What `flamingo train corpus` is asked for, defined once for Python and for the command line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True)
class CorpusRecipe:
    """How a corpus is made. Paths as text."""

    music: Annotated[
        tuple[str, ...], Field(description="Folders of scores (MusicXML, Humdrum, MEI, ABC) and of MIDI files.")
    ] = ()
    out: Annotated[str, Field(description="Folder for the corpus.")] = "runs/corpus"
    processes: Annotated[int, Field(ge=1, le=64, description="How many files are read at a time.")] = 2
    overwrite: Annotated[bool, Field(description="Replace the corpus that --out holds.")] = False
