"""Finding jobs by words: what of a job is looked through, and how a search is put to the database.

Each job's row holds its words, and those of its title, in small letters: SQLite by itself knows small and capital
letters of ASCII alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from flamingo.errors import BadRequest
from flamingo.jobs.tables import jobs

__all__ = ["folded", "matching", "words_of"]

_LONGEST = 200
_PLACES = (jobs.c.words, jobs.c.title_words)


def words_of(verb: str, parameters: Mapping[str, Any], names: Iterable[str]) -> str:
    """What a job is found by, besides its title: its verb, its parameters' values, names of inputs and results."""
    return "\n".join(map(folded, [verb, *_values(parameters), *names]))


def matching(search: str) -> list[sa.ColumnElement[bool]]:
    """What must be true of a job: each word of the search occurs in it. Raises BadRequest for a very long search."""
    if len(search) > _LONGEST:
        raise BadRequest("the search", f"it has more than {_LONGEST} characters", "use fewer words")
    words = folded(search).split()
    return [sa.or_(*(column.contains(word, autoescape=True) for column in _PLACES)) for word in words]


def _values(value: Any) -> Iterable[str]:
    """Every text and number in a value of JSON, not what only switches something on or off."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def folded(text: str) -> str:
    """In small letters, and without what PostgreSQL cannot store (NUL) or nobody can see."""
    return "".join(char for char in text.casefold() if char.isprintable())
