"""Where the user's own things lie: personas, styles, grades, the key for signing, the studio's files.

`FLAMINGO_DATA` names one folder for all of them; without it they are in the folder that the system has for the data
of programs. Single things can be elsewhere: `FLAMINGO_PERSONAS`, `FLAMINGO_STYLES`, `FLAMINGO_IDENTITY`. What can
be made or fetched again is no data: it is kept in `FLAMINGO_CACHE`, or the user's cache folder."""

from __future__ import annotations

from pathlib import Path

from flamingo.settings import CACHE, DATA, Setting

__all__ = ["user_cache", "user_data"]


def user_data(name: str = "", setting: Setting[Path | None] | None = None) -> Path:
    """The folder of the user's data, or the one called `name` in it; `setting`: the one that names another folder for
    this thing alone. It need not be there yet."""
    chosen = setting.value() if setting is not None else None
    return chosen or (moved() or usual()) / name


def user_cache(name: str = "") -> Path:
    """The folder of what can be made or fetched again, or the one called `name` in it. It need not be there yet."""
    return (CACHE.value() or Path.home() / ".cache" / "flamingo") / name


def moved() -> Path | None:
    """The folder that FLAMINGO_DATA names, or None."""
    return DATA.value()


def usual() -> Path:
    """The system's folder for Flamingo's data."""
    import platformdirs

    return platformdirs.user_data_path("flamingo", appauthor=False)
