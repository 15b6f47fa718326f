"""The manifest of shipped models, and releases into their folder; flamingo.weights reads them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from flamingo.errors import BadRequest, DiskFull, ModelCorrupt, show
from flamingo.files import sha256
from flamingo.weights import read_manifest, releases
from flamingo.weights.releases import recover


def files_of(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Name, sha256 and size of a model's files, by kind."""
    return {
        kind: {
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
        }
        for kind, file in files.items()
    }


def version_of(described: Mapping[str, Any]) -> str:
    """Today, and the beginning of the hash of the file that matters."""
    return f"{datetime.now(UTC):%Y.%m.%d}-{described['sha256'][:8]}"


class Release:
    """A model on its way into a folder of models. folder: where to put its files, and its card under `cards/`; entry:
    what the manifest is to say of it, to be set before the end."""

    def __init__(self, folder: Path, before: dict[str, Any] | None) -> None:
        self.folder = folder
        self.before = before
        self.entry: dict[str, Any] | None = None

    def card(self, model: str, text: str) -> None:
        """Put the model's card beside its files."""
        (self.folder / "cards" / f"{model}.md").write_text(text, encoding="utf-8")

    def copy(self, model: str, entry: dict[str, Any], source: Path) -> None:
        """Take files, card and entry from another folder of models, or from an earlier state of this one."""
        for described in entry["files"].values():
            shutil.copyfile(source / described["file"], self.folder / described["file"])
        shutil.copyfile(source / "cards" / f"{model}.md", self.folder / "cards" / f"{model}.md")
        self.entry = entry


@contextmanager
def release_of(model: str, weights: Path) -> Iterator[Release]:
    """Release `model` into the folder `weights`: all of it, or nothing.

    The files are written to `Release.folder`, on the same file system; in the end each is compared with the new
    entry and loaded, and all take their places at once (flamingo.weights.releases). Whatever is raised in between,
    and however the process ends, the models that ship stay as they are, to the byte. Raises an OutputError if the
    disk is full or may not be written to, ModelCorrupt for a file that cannot be loaded, BadRequest if a file has the
    name of another model's.
    """
    try:
        with releases.releasing(weights) as staged:
            manifest = manifest_of(weights)
            (staged.files / "cards").mkdir()
            release = Release(staged.files, manifest["models"].get(model))
            yield release
            entry = release.entry
            if entry is None:
                raise AssertionError(f"the release of {model} was not described")
            names = [described["file"] for described in entry["files"].values()]
            for other, theirs in manifest["models"].items():
                shared_files = {f["file"] for f in theirs["files"].values()}.intersection(names)
                if other != model and shared_files:
                    raise BadRequest(
                        model, f"{min(shared_files)} is a file of {other}", "release it under another name"
                    )
            check_files(staged.files, entry)
            manifest["models"] = dict(sorted({**manifest["models"], model: entry}.items()))
            before = release.before["files"].values() if release.before else ()
            gone = [described["file"] for described in before if described["file"] not in names]
            cards = [f"cards/{model}.md"] if (staged.files / "cards" / f"{model}.md").exists() else []
            for name in (*names, *cards):
                (staged.files / name).chmod(0o644)  # safetensors writes for the owner alone
            releases.commit(weights, staged, manifest, [*names, *cards], gone)
    except SafetensorError as error:  # it wraps what the system said
        if "No space left" in str(error) or "os error 28" in str(error):
            raise DiskFull(show(weights), "the disk is full", "free some space or choose another folder") from error
        raise ModelCorrupt(show(weights), f"the model cannot be written ({error})", "try again") from error


def check_files(folder: Path, entry: Mapping[str, Any]) -> None:
    """Raise ModelCorrupt unless each file of the entry is in the folder as the entry describes it, and can be
    loaded."""
    for described in entry["files"].values():
        file = folder / described["file"]
        hint = "remove the release and run again"
        if not file.is_file() or sha256(file) != described["sha256"]:
            raise ModelCorrupt(described["file"], "it is not the file that was exported", hint)
        try:
            _load(file)
        except Exception as error:  # the runtimes raise whatever they like
            why = f"it cannot be loaded ({type(error).__name__}: {error})"
            raise ModelCorrupt(described["file"], why, hint) from error


def _load(file: Path) -> None:
    if file.suffix == ".onnx":
        import onnxruntime

        onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    elif file.suffix == ".safetensors":
        with safe_open(file, framework="numpy") as opened:
            for name in opened.keys():  # noqa: SIM118
                opened.get_tensor(name)


def manifest_of(weights: Path) -> dict[str, Any]:
    """The manifest of a folder of models, with no models where there is none. Raises ModelCorrupt."""
    return read_manifest(weights, "name another folder with --weights")


def entry_of(weights: Path, model: str) -> dict[str, Any] | None:
    """The manifest's entry of a model in a folder of models, or None. Raises ModelCorrupt."""
    recover(weights)
    entry: dict[str, Any] | None = manifest_of(weights)["models"].get(model)
    return entry
