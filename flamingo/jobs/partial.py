"""Half-done work of jobs that were cancelled or interrupted, for verbs that can go on where they were.

A worker works in a folder of its own attempt. If that ends before the work does, what lies in it is moved here under
the job's id, and moved from here into the folder of the next attempt, by whichever worker. A move is one step, so two
workers never have the same work, not even where one of them was wrongly thought dead.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from flamingo.jobs.settings import Settings

__all__ = ["PartialResults"]

_KEPT = 2 * 86400.0
"""Seconds after which nobody is expected to go on."""


class PartialResults:
    """The half-done work of all jobs, in the data folder. No method raises an error: without it work begins anew."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data / "unfinished"

    def keep(self, job: str, folder: Path) -> None:
        """Take the folder with the hidden files in it, and the folders, for the job's next attempt. The other files
        in it are results that nobody was told of, and go, as does what was here before."""
        with suppress(OSError):
            for file in folder.iterdir():
                if not (file.name.startswith(".") or file.is_dir()):
                    file.unlink()
            if not any(file.name.startswith(".") for file in folder.iterdir()):
                return
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self.forget(job)
            os.utime(folder)
            folder.rename(self._path(job))

    def give(self, job: str, folder: Path) -> bool:
        """Put what is here for the job to where `folder` says, which is not there yet; whether there was any."""
        with suppress(OSError):
            self._path(job).rename(folder)
            return True
        return False

    def forget(self, job: str) -> None:
        """Remove what is here for the job."""
        shutil.rmtree(self._path(job), ignore_errors=True)

    def tidy(self, older: float = _KEPT) -> None:
        """Remove what has been here for longer than so many seconds."""
        with suppress(OSError):
            for folder in self._folder.iterdir():
                if folder.stat().st_mtime < time.time() - older:
                    shutil.rmtree(folder, ignore_errors=True)

    def _path(self, job: str) -> Path:
        return self._folder / re.sub(r"[^0-9A-Za-z-]", "_", job)
