"""The manifest of shipped models, as a release writes it; flamingo.weights reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


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


def write_manifest(file: Path, model: str, entry: dict[str, Any]) -> None:
    """Put the entry of `model` into the manifest, in place of an older one."""
    manifest = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"models": {}}
    manifest["models"][model] = entry
    manifest["models"] = dict(sorted(manifest["models"].items()))
    aside = file.with_suffix(".tmp")
    aside.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(file)
