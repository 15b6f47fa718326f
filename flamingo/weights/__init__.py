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
from pathlib import Path
from typing import Any

from flamingo import settings
from flamingo.errors import ModelCorrupt, ModelMissing, show
from flamingo.weights.releases import recover

_HERE = Path(__file__).parent
FORMAT = 1
"""Of the manifest; one that says nothing of its format is of this one."""


def folder() -> Path:
    """Where the models lie: this package, or the folder named by `FLAMINGO_WEIGHTS` (for one's own)."""
    return settings.WEIGHTS.value() or _HERE


@functools.lru_cache(maxsize=4)
def _manifest(where: Path) -> dict[str, Any]:
    recover(where)
    return read_manifest(where, "install Flamingo again")


def read_manifest(where: Path, hint: str) -> dict[str, Any]:
    """The manifest of a folder of models, with no models where there is none. What else it holds is kept, for a
    release writes it again. hint: what the user can do if it cannot be read. Raises ModelCorrupt, also for a manifest
    of a format that is not known here."""
    file = where / "manifest.json"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("it holds no models")
        if manifest.get("format", FORMAT) != FORMAT:
            why = f"a newer Flamingo wrote it (format {manifest['format']!r}; this one knows {FORMAT})"
            raise ModelCorrupt(show(file), why, "update Flamingo")
        for name, described in manifest["models"].items():
            files = described.get("files", {}).values()
            if not all(_plain(f["file"]) and isinstance(f["sha256"], str) for f in files):
                raise ValueError(f"the files of {name} are not described")
    except FileNotFoundError:
        return {"models": {}}
    except NotADirectoryError:
        raise ModelCorrupt(show(where), "it is no folder", "name a folder of models") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise ModelCorrupt(show(file), f"it cannot be read ({why})", hint) from None
    return manifest


def _plain(name: str) -> bool:
    """Whether it is the name of a file in the folder itself, and of no other."""
    return name == Path(name).name and name not in ("", ".", "..") and "\\" not in name


def models() -> dict[str, dict[str, Any]]:
    """The manifest's entries by model name ("painter-fine", ...)."""
    entries: dict[str, dict[str, Any]] = _manifest(folder())["models"]
    return entries


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
    stand_ins = ((model, stand_in(model)) for model in _PAINTERS)
    return [
        f"the painter {model.removeprefix('painter-')} is not installed in {folder()}; "
        f"{other.removeprefix('painter-')} stands in for it"
        for model, other in stand_ins
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


def shipped(model: str, kind: str) -> Path:
    """As `path`, but of the models that came with the package, whatever `FLAMINGO_WEIGHTS` says: for networks that
    nobody trains anew. Raises ModelMissing or ModelCorrupt."""
    files = _manifest(_HERE)["models"].get(model, {}).get("files", {})
    if kind not in files:
        raise ModelMissing(f"{model} ({kind})", "it is not in the package", "install Flamingo again")
    return _checked(_HERE / files[kind]["file"], files[kind]["sha256"])


def _path(model: str, kind: str) -> Path:
    files = entry(model)["files"]
    if kind not in files:
        raise ModelMissing(f"{model} ({kind})", "the manifest has no such file", "install Flamingo again")
    return _checked(folder() / files[kind]["file"], files[kind]["sha256"])
