"""What a server must know of `feel` before it is carried out (see flamingo.verbs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flamingo import weights
from flamingo.errors import MissingExtra

MOST_FILES = 8
"""Files that are looked at in seconds, all together."""


def version(parameters: Mapping[str, Any]) -> str:
    """The versions of what finds the mood."""
    there = weights.models()  # each of the two can be missing where only the other is asked for
    return "+".join(str(there.get(model, {}).get("version")) for model in ("feel", "words"))


def is_short(parameters: Mapping[str, Any], files: Mapping[str, Sequence[object]]) -> bool:
    """Each file takes a second or so."""
    return sum(len(many) for many in files.values()) <= MOST_FILES


def check(parameters: Mapping[str, Any], files: Mapping[str, Sequence[object]]) -> None:
    """Raise MissingExtra for a sentence where nothing here can read it."""
    if parameters["words"]:
        MissingExtra.unless_installed("reading a sentence", "words")
