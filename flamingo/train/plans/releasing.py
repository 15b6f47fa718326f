"""From the staging folder of a plan to the folder of shipped models, all of a model or nothing of it."""

from __future__ import annotations

from pathlib import Path

from flamingo.errors import ModelMissing, show
from flamingo.train.manifest import entry_of, release_of


def install(staged: Path, weights: Path, model: str) -> str:
    """Put a model's files and card into `weights` (flamingo.train.manifest.release_of), and return its version. Files
    of the model that it replaces and that it does not have itself are removed. Raises an OutputError or ModelCorrupt;
    what shipped is whole then."""
    entry = entry_of(staged, model)
    if entry is None:
        raise ModelMissing(model, f"it is not in {show(staged)}", "train it again")
    with release_of(model, weights) as release:
        release.copy(model, entry, staged)
    return str(entry["version"])
