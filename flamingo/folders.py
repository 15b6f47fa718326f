"""Where the user's own things lie: personas, styles, grades, the key for signing, the studio's files.

`FLAMINGO_DATA` names one folder for all of them; without it they are in the folder that the system has for the data
of programs. Single things can be elsewhere: `FLAMINGO_PERSONAS`, `FLAMINGO_STYLES`, `FLAMINGO_IDENTITY`. What can
be fetched again is no data: VGG-19 is kept in `FLAMINGO_CACHE`, or the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_data"]


def user_data(name: str = "", variable: str = "") -> Path:
    """The folder of the user's data, or the one called `name` in it; `variable`: the environment variable that names
    another one for this thing alone. It need not be there yet."""
    if variable and (chosen := os.environ.get(variable)):
        return Path(chosen)
    return (moved() or usual()) / name


def moved() -> Path | None:
    """The folder that FLAMINGO_DATA names, or None."""
    chosen = os.environ.get("FLAMINGO_DATA")
    return Path(chosen) if chosen else None


def usual() -> Path:
    """The system's folder for Flamingo's data."""
    import platformdirs

    return platformdirs.user_data_path("flamingo", appauthor=False)
