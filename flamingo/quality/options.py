"""The options of `judge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from flamingo.options import STRICT

Progress = Callable[[int, int, Path], None]
"""Called as (done, all, result)."""


@dataclass(frozen=True)
class JudgeOptions:
    """The options of `judge`: see `flamingo.judge`."""

    results: Annotated[list[Path], Field(min_length=1, description="Painted pictures, or folders of them.")]
    _: KW_ONLY
    photo: Annotated[Path, Field(description="The photo that they were painted from.")]
    style: Annotated[
        str | None, Field(description="Named style, or painting's file, in whose manner they are painted.")
    ] = None
    painting: Annotated[Path | None, Field(description="A picture of the painting, in place of --style.")] = None
    output: Annotated[
        Path | None,
        Field(description="Picture to write that shows where photo and painting are missing; a folder for several."),
    ] = None
    overwrite: Annotated[bool, Field(description="Replace pictures that are already there (never a result).")] = False
    on_progress: Progress | None = None
    __pydantic_config__ = STRICT
