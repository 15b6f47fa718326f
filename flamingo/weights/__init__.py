"""The trained models that Flamingo ships: their files, and the manifest that says where each came from.

`manifest.json` has one entry a model: the files with their sha256, the data and its licence, the training
(command, seconds, machine, seed) and the figures it reached. A file is checked against its sha256 the first
time a process uses it, for a model that was cut short by a full disk paints nonsense without a word.
Each model also has a card in plain words beside it (`cards/NAME.md`). `releases.py` says how a model gets here; a
release that was interrupted is finished, or removed, before anything is read.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from flamingo.errors import ModelCorrupt, ModelMissing
from flamingo.weights.releases import recover

_HERE = Path(__file__).parent


def folder() -> Path:
    """Where the models lie: this package, or the folder named by `FLAMINGO_WEIGHTS` (for one's own)."""
    chosen = os.environ.get("FLAMINGO_WEIGHTS")
    return Path(chosen) if chosen else _HERE


@functools.lru_cache(maxsize=4)
def _manifest(where: Path) -> dict[str, Any]:
    recover(where)
    file = where / "manifest.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"models": {}}
    except (OSError, ValueError) as error:
        raise ModelCorrupt(str(file), f"it cannot be read ({error})", "install Flamingo again") from error
    return found


def models() -> dict[str, dict[str, Any]]:
    """The manifest's entries by model name ("painter-fine", ...)."""
    found: dict[str, dict[str, Any]] = _manifest(folder())["models"]
    return found


_PAINTERS = ("painter-fine", "painter-fast")


def stand_in(model: str) -> str | None:
    """The painter that is used in place of one that is not installed: the other one, if that is there. None for a
    model that is there, and for other models, which nothing can stand in for."""
    there = models()
    if model not in _PAINTERS or model in there:
        return None
    return next((other for other in _PAINTERS if other in there), None)


def absences() -> list[str]:
    """A sentence for each painter that is not installed while the other one is: to be said once."""
    found = ((model, stand_in(model)) for model in _PAINTERS)
    return [
        f"the painter {model.removeprefix('painter-')} is not installed in {folder()}; "
        f"{other.removeprefix('painter-')} stands in for it"
        for model, other in found
        if other is not None
    ]


def entry(model: str) -> dict[str, Any]:
    """The manifest's entry of one model, or of the painter that stands in for it. Raises ModelMissing if it is not
    there."""
    try:
        return models()[stand_in(model) or model]
    except KeyError:
        there = ", ".join(models()) or "none"
        raise ModelMissing(
            model, f"not among the models here ({there})", "train it, or install Flamingo again"
        ) from None


@functools.lru_cache(maxsize=64)
def _checked(file: Path, sha256: str) -> Path:
    if not file.exists():
        raise ModelMissing(str(file), "the file is not there", "install Flamingo again")
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ModelCorrupt(str(file), "its checksum is wrong", "install Flamingo again")
    return file


def path(model: str, kind: str) -> Path:
    """The file of a model ("painter-fine", "onnx"), after checking that it is whole.

    Raises ModelMissing or ModelCorrupt.
    """
    try:
        return _path(model, kind)
    except (ModelMissing, ModelCorrupt):
        # Another process may have released a model since this one read the manifest.
        _manifest.cache_clear()
        return _path(model, kind)


def _path(model: str, kind: str) -> Path:
    files = entry(model)["files"]
    if kind not in files:
        raise ModelMissing(f"{model} ({kind})", "the manifest has no such file", "install Flamingo again")
    return _checked(folder() / files[kind]["file"], files[kind]["sha256"])
