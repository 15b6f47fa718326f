"""What a server must know of `judge` before it is carried out (see flamingo.verbs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flamingo.mood.job import is_short
from flamingo.painting.job import check_styles
from flamingo.verbs import NamedFile

__all__ = ["check", "is_short", "version"]


def version(parameters: Mapping[str, Any]) -> str:
    """Nothing of it is trained here."""
    return ""


def check(parameters: Mapping[str, Any], files: Mapping[str, Sequence[NamedFile]]) -> None:
    """Raise BadRequest for a style that is not known."""
    check_styles(parameters, files)
