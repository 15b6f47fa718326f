"""Processes of our own: each runs a module of this package, wherever the package was imported from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["module_command", "module_environment"]


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of the package, such as "flamingo.images.helper". -P keeps the folder that
    the user happens to be in out of the search for modules: a file of theirs may be called like one."""
    return [sys.executable, "-P", "-W", "ignore", "-m", module, *arguments]


def module_environment(**variables: str) -> dict[str, str]:
    """This process's environment with these variables, and a search path on which the child finds what we find."""
    ours = str(Path(__file__).parents[1])
    places = [path for path in sys.path if path]
    if ours not in places:  # it was found through "", the folder that this process was started in
        places.append(ours)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), **variables}
