"""How a picture and its music were made: their recipes, found in what `flamingo paint --json` and `flamingo compose
--json` print, or in the credentials that the files carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from flamingo import provenance
from flamingo.errors import BadRequest, FlamingoError, show

_MAX_BYTES = 16 * 2**20
Recipe = dict[str, Any]


@dataclass(frozen=True)
class Rated:
    """A file that is graded, and the SHA-256 of its bytes in hexadecimal."""

    file: Path
    sha256: str


def find(sources: Sequence[Path], picture: Rated | None, music: Rated | None) -> tuple[Recipe | None, Recipe | None]:
    """The recipes of a picture and of music that are graded. What the files do not tell is taken from the graded
    files' own credentials, where those are whole.

    A recipe belongs to the file that it was printed with: the same path, or else, for a photo that was painted, the
    same bytes, or else the same name.

    Args:
        sources: files that hold recipes as JSON; the last one wins.
        picture: the picture, or None.
        music: the music, or None.

    Returns:
        The recipe of each, or None.

    Raises:
        BadRequest: a file cannot be read as JSON of this kind, or holds no recipe, or more than one, of the two that
        are
            graded.
    """
    painting: Recipe | None = None
    composition: Recipe | None = None
    for source in sources:
        entries = _entries(source)
        chosen = _chosen(source, entries, picture, music)
        if "persona" in chosen:
            composition = chosen
        else:
            painting = chosen
    return painting or _carried(picture, "paint", "film"), composition or _carried(music, "compose")


def _carried(rated: Rated | None, *verbs: str) -> Recipe | None:
    """The recipe in a file's own credentials, unless they are broken, another verb's or none."""
    if rated is None:
        return None
    try:
        verdict = provenance.verify(rated.file)
        return _checked(verdict.recipe, show(rated.file)) if verdict.whole and verdict.verb in verbs else None
    except FlamingoError:
        return None


def _entries(source: Path) -> list[dict[str, Any]]:
    name = show(source)
    try:
        with source.open("rb") as opened:  # it may be a pipe, so its size cannot be asked
            data = opened.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be read"
        raise BadRequest(name, why.lower(), "check the name") from None
    if len(data) > _MAX_BYTES:
        raise BadRequest(name, f"it has more than {_MAX_BYTES >> 20} MiB", "give what --json printed, nothing else")
    try:
        content = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _not_printed_here(name) from None
    entries = content if isinstance(content, list) else [content]
    if not all(isinstance(e, dict) and isinstance(e.get("recipe"), dict) for e in entries):
        raise _not_printed_here(name)
    return entries


def _chosen(source: Path, entries: list[dict[str, Any]], picture: Rated | None, music: Rated | None) -> Recipe:
    """The one recipe among the entries that belongs to the picture or to the music."""
    name = show(source)
    nearness = [(_nearness(entry, music if "persona" in entry["recipe"] else picture), entry) for entry in entries]
    best = max((near for near, _ in nearness), default=0)
    fitting = [entry["recipe"] for near, entry in nearness if near == best]
    if best == 0:
        both = " or ".join(show(rated.file.name) for rated in (picture, music) if rated)
        raise BadRequest(name, f"it holds no recipe of {both}", "give what --json printed when one of them was made")
    if len(fitting) > 1:
        raise BadRequest(name, f"it holds {len(fitting)} recipes that fit", "keep only the one that is meant")
    return _checked(fitting[0], name)


def _nearness(entry: dict[str, Any], rated: Rated | None) -> int:
    """How surely an entry is about a file: 3 its path, 2 its bytes, 1 its name, 0 not at all."""
    if rated is None:
        return 0
    files = entry.get("files")
    names = [entry.get("file"), entry.get("photo"), *(files if isinstance(files, list) else [])]
    paths = [Path(name) for name in names if isinstance(name, str)]
    if any(path.absolute() == rated.file.absolute() for path in paths):
        return 3
    if entry["recipe"].get("photo_sha256") == rated.sha256:
        return 2
    return int(any(path.name == rated.file.name for path in paths))


def _checked(recipe: Recipe, name: str) -> Recipe:
    """The recipe, if it says what the report is grouped by."""
    if "persona" not in recipe:
        if not isinstance(recipe.get("style"), str):
            raise _not_printed_here(name)
        return recipe
    personas = recipe["persona"]
    if not (isinstance(personas, dict) and personas and all(type(w) in (int, float) for w in personas.values())):
        raise _not_printed_here(name)
    return recipe


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)  # NaN and Infinity are not JSON, and could not be stored as such


def _not_printed_here(name: str) -> BadRequest:
    return BadRequest(
        name, "it is not what `flamingo paint --json` or `flamingo compose --json` prints", "save that to a file"
    )
