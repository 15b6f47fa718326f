"""From the staging folder of a plan to the folder of shipped models, all of a model or nothing of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from flamingo.errors import ModelCorrupt, show
from flamingo.files import output_error, sha256
from flamingo.train.judging import entry_of
from flamingo.train.manifest import write_manifest


def install(staged: Path, weights: Path, model: str) -> str:
    """Put a model's files and card into `weights`, its manifest entry last, and return its version. Files of the
    model that it replaces and that it does not have itself are removed. Raises an OutputError; what shipped is
    whole then."""
    entry = entry_of(staged, model)
    assert entry is not None
    before = entry_of(weights, model)
    names = [described["file"] for described in entry["files"].values()]
    try:
        (weights / "cards").mkdir(parents=True, exist_ok=True)
        # Copying takes its time and may fail; renaming does neither.
        new = {weights / name: staged / name for name in names}
        new[weights / "cards" / f"{model}.md"] = staged / "cards" / f"{model}.md"
        aside = {_aside(target): target for target in new}
        try:
            for target, source in new.items():
                shutil.copyfile(source, _aside(target))
            for described in entry["files"].values():
                _check(_aside(weights / described["file"]), described)
            for file, target in aside.items():
                file.replace(target)
        finally:
            for file in aside:
                file.unlink(missing_ok=True)
        write_manifest(weights / "manifest.json", model, entry)
        for described in before["files"].values() if before else ():
            if described["file"] not in names:
                (weights / described["file"]).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, show(weights)) from error
    return str(entry["version"])


def _aside(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")


def _check(file: Path, described: dict[str, Any]) -> None:
    if sha256(file) != described["sha256"]:
        raise ModelCorrupt(
            described["file"], "it is not the file that was exported", "remove the release and run again"
        )
