"""What a running job has put into its folder so far, for those who want to look on: its worker's folder is below the
data folder, which all machines of a studio share."""

from __future__ import annotations

import re
from pathlib import Path

from flamingo.jobs.settings import Settings

__all__ = ["folders"]


def folders(settings: Settings, job: str, name: str) -> list[Path]:
    """Folders called so (`*` stands for anything) beside the results of a job that is under way, the newest last.
    They are gone as soon as it is over."""
    if not re.fullmatch(r"[0-9A-Za-z-]+", job):
        return []
    paths = (settings.data / "work").glob(f"*/{job}-*/*/{name}")
    return sorted((path for path in paths if path.is_dir()), key=lambda path: path.stat().st_mtime)
