"""The options of `feel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from flamingo.options import STRICT

Progress = Callable[[int, int, Path], None]
"""Called as (done, all, photo)."""


@dataclass(frozen=True)
class FeelOptions:
    """The options of `feel`: see `flamingo.feel`."""

    photos: Annotated[Sequence[Path], Field(description="Photos, or folders of photos.")] = ()
    _: KW_ONLY
    words: Annotated[
        str | None, Field(description="A sentence to place on the same plane: 'a stormy, lonely sea'.")
    ] = None
    explain: Annotated[
        Path | None,
        Field(description="Picture to write that shows what carried the judgement, or a folder for several photos."),
    ] = None
    overwrite: Annotated[bool, Field(description="Replace explanations that are already there.")] = False
    on_progress: Progress | None = None
    __pydantic_config__ = STRICT
