"""The paintings behind the named styles, small: 512 pixels long, as the painters learned from them.

The slow methods and the critic look at the paintings themselves. `docs/paintings.py` makes the files; why each
painting may be used is said by `flamingo styles`.
"""

from __future__ import annotations

from pathlib import Path


def file(name: str) -> Path:
    """Where the picture of the painting behind a named style is kept, whether it is there or not."""
    return Path(__file__).parent / f"{name}.webp"
