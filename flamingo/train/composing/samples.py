"""What a training leaves to listen to and look at as it runs: one short piece, as MIDI and in TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def leave(net: Any, facts: dict[str, Any], out: Path, step: int, writer: Any) -> None:
    return
