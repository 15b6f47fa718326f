"""The paintings behind the named styles, 1,280 pixels long at most.

The method `patches` takes pieces of them; the slow methods and the critic look at them. `docs/paintings.py` makes the
files; why each painting may be used is said by `flamingo styles`.
"""

from __future__ import annotations

from pathlib import Path


def file(name: str) -> Path:
    """Where the picture of the painting behind a named style is kept, whether it is there or not."""
    return Path(__file__).parent / f"{name}.webp"
