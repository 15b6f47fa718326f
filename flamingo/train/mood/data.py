"""Photos with moods to learn from: rated ones (a .csv), or one folder a mood.

A .csv names files in a column `file`, with `valence` and `arousal` from -1 to 1, or `valence_mean` and `arousal_mean`
from 1 to 7 as the OASIS norms have them (Kurdi, Lozano and Banaji 2017); an optional column `theme` says which photos
show the same ("Dog 3" and "Dog 5" are one theme), so that no theme is learned from and tested on. Folders are
named by the words of flamingo.mood.valence_arousal, and their photos stand where the word stands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest, show
from flamingo.images import READ_SUFFIXES
from flamingo.mood.valence_arousal import WORDS

Array = NDArray[Any]


@dataclass(frozen=True)
class Example:
    """A photo, its place on the plane, each in [-1, 1], what it shows (its own name where nobody says),
    and the mood that its folder is named by, if it is."""

    file: Path
    valence: float
    arousal: float
    theme: str
    mood: str = ""


def find(folders: Sequence[str]) -> list[Example]:
    """All examples below the folders. Raises BadRequest where there are none, or a table cannot be understood."""
    if not folders:
        raise BadRequest("--images", "there is nothing to learn from", "name a folder of photos with moods")
    examples: list[Example] = []
    for name in folders:
        folder = Path(name)
        tables = sorted(folder.glob("*.csv"))
        examples += [e for table in tables for e in _rated(table)] if tables else _sorted_by_mood(folder)
    if len(examples) < 20:
        raise BadRequest(
            "--images", f"only {len(examples)} photos with moods are there", "name folders with 20 or more of them"
        )
    return examples


def _rated(table: Path) -> list[Example]:
    examples = []
    with table.open(newline="", encoding="utf-8-sig") as opened:
        for i, row in enumerate(csv.DictReader(opened), 2):
            try:
                name = row["file"]
                if "valence_mean" in row:
                    point = [(float(row[f"{axis}_mean"]) - 4) / 3 for axis in ("valence", "arousal")]
                else:
                    point = [float(row[axis]) for axis in ("valence", "arousal")]
            except (KeyError, TypeError, ValueError):
                raise BadRequest(
                    show(table), f"line {i} has no file, valence and arousal", "see `flamingo train feel --help`"
                ) from None
            if not all(-1 <= x <= 1 for x in point):
                raise BadRequest(show(table), f"line {i} is outside the plane", "valence and arousal are -1 to 1")
            file = next((f for f in (table.parent / name, table.parent.parent / name) if f.is_file()), None)
            if file is not None:
                theme = re.sub(r"\s*\d+$", "", row.get("theme") or name)
                examples.append(Example(file, point[0], point[1], theme))
    return examples


def _sorted_by_mood(folder: Path) -> list[Example]:
    moods = [d for d in sorted(folder.iterdir()) if d.is_dir() and d.name.lower() in WORDS] if folder.is_dir() else []
    return [
        Example(file, *WORDS[mood.name.lower()], str(file), mood.name.lower())
        for mood in moods
        for file in sorted(mood.rglob("*"))
        if file.suffix.lower() in READ_SUFFIXES
    ]


def folds_of(examples: Sequence[Example], folds: int, seed: int, *, by_theme: bool) -> Array:
    """(n,) the fold of each example. by_theme: all photos of a theme are in one fold."""
    random = np.random.default_rng((seed, folds))
    if not by_theme:
        return np.asarray(random.permutation(np.arange(len(examples)) % folds))
    themes = sorted({e.theme for e in examples})
    fold = dict(zip(themes, random.permutation(np.arange(len(themes)) % folds).tolist(), strict=True))
    return np.array([fold[e.theme] for e in examples])
