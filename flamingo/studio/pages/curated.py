"""What hangs in a new collection: a few pictures and pieces, made on this computer from recipes that are shipped.

The recipes are in curated.json, over the photos that are shipped with the pages (their rights: static/img/photos/
CREDITS.md). They are ordinary jobs whose titles begin with "Curated: ", so they can be looked into, done again with
another photo, and deleted like any other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flamingo import files
from flamingo.jobs import Input, Job, Jobs
from flamingo.studio.pages.assets import STATIC

__all__ = ["CURATED", "hang_next", "recipes"]

CURATED = "Curated: "
_PHOTOS = STATIC / "img" / "photos"


def recipes() -> list[dict[str, Any]]:
    """What is shipped, in the order in which it is shown: title, verb, parameters, and the photo's file name where
    there is one."""
    shipped: list[dict[str, Any]] = json.loads(Path(__file__).with_name("curated.json").read_text(encoding="utf-8"))
    return shipped


def hang_next(jobs: Jobs, folder: Path) -> Job | None:
    """Ask for the next of it, in a collection that was empty when the first was asked for; None if all was.

    One at a time, for whoever has photos of their own must not wait until ours are done. folder: where it is noted
    what was asked for already, so that what was deleted does not come back. Raises DatabaseError, or an OutputError
    if there is no room.
    """
    note = folder / "curated.json"
    if note.exists():
        hung: list[str] = json.loads(note.read_text(encoding="utf-8"))
    else:
        others = jobs.list(1) or jobs.list(1, in_bin=True)
        hung = [recipe["title"] for recipe in recipes()] if others else []
    # The newest is shown first, so they are asked for from the last to the first.
    recipe = next((recipe for recipe in reversed(recipes()) if recipe["title"] not in hung), None)
    job = None
    if recipe is not None:
        inputs = {"photos": [_photo(jobs, recipe["photo"])]} if "photo" in recipe else {}
        submitted = jobs.submit(recipe["verb"], recipe["parameters"], inputs)
        job = jobs.mark(submitted.id, title=CURATED + recipe["title"])
        hung.append(recipe["title"])
    files.put(json.dumps(hung).encode(), note, overwrite=True)
    return job


def _photo(jobs: Jobs, name: str) -> Input:
    with (_PHOTOS / name).open("rb") as file:
        return Input(jobs.store.put(file).sha256, name)
