"""Which photos are kept for testing, in every training and on every machine.

The choice depends on nothing but the file's name, so no list has to be kept, and a photo that is added later
never moves another one from one side to the other. About one photo in fifty is held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_ONE_IN = 50


def is_held_out(file: Path) -> bool:
    """True if no training may see this photo."""
    return int(hashlib.sha256(file.stem.encode()).hexdigest()[:8], 16) % _ONE_IN == 0


def for_training(files: Iterable[Path]) -> list[Path]:
    """The photos that may be trained on. A folder so small that none would remain is used whole."""
    files = list(files)
    return [f for f in files if not is_held_out(f)] or files


def for_testing(files: Iterable[Path]) -> list[Path]:
    """The photos that no training has seen."""
    return [f for f in files if is_held_out(f)]
