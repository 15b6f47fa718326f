"""What made a result, in the words that every kind of credential says it with.

An origin is told in three places: signed inside the file (manifest), signed beside it (sidecar), or as one plain line
in a file that can hold no signature (inscription). It names inputs by their sha256 and never by their file names,
so that nothing about a person or a machine travels with the result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flamingo.errors import BadRequest

__all__ = ["SOFTWARE", "VOCABULARY", "Origin", "now", "parsed", "version"]

SOFTWARE = "Flamingo"

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""The IPTC NewsCodes for the source of digital media; its terms are addresses that begin so."""

_MADE = VOCABULARY + "trainedAlgorithmicMedia"
_CHANGED = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True)
class Origin:
    """What made a result: the verb, its inputs and everything else that is needed to make it again.

    verb: paint, compose, ...
    recipe: plain JSON values with text as keys; no file names, since it travels with the result.
    inputs: the sha256, in hexadecimal, of each file whose content lives on in the result: the photo that was painted,
    the music that a piece goes on from. Empty for what a model made from nothing.

    Raises BadRequest for a recipe that JSON cannot hold or an input that is no sha256.
    """

    verb: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            plain = json.loads(json.dumps(self.recipe, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise BadRequest("the recipe", f"it is not plain JSON ({error})", "use text, numbers and lists") from None
        # Text that is no Unicode (a stray surrogate out of a file name) would make every signature fail.
        object.__setattr__(self, "recipe", _without_surrogates(plain))
        for digest in self.inputs:
            if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
                raise BadRequest(f"the input {digest!r}", "it is no sha256", "give 64 hexadecimal digits")

    @property
    def source_type(self) -> str:
        """The IPTC digital source type: media made by a trained model, or existing media changed by one."""
        return _CHANGED if self.inputs else _MADE

    def statement(self, when: str | None = None) -> dict[str, Any]:
        """All of it as plain values.

        Args:
            when: the time of signing, ISO 8601, left out where there is none.
        """
        values = {
            "software": SOFTWARE,
            "version": version(),
            "verb": self.verb,
            "digital_source_type": self.source_type,
            "inputs": [f"sha256:{digest}" for digest in self.inputs],
            "recipe": dict(self.recipe),
        }
        return values if when is None else {**values, "when": when}


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_without_surrogates(part) for part in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return value


def parsed(text: str | bytes) -> dict[str, Any]:
    """A JSON object out of a file that anyone may have written.

    Args:
        text: what should be JSON.

    Returns:
        The object; empty if it is none.

    Example:
        >>> parsed('{"verb": "paint"}'), parsed("[1, 2"), parsed("3")
        ({'verb': 'paint'}, {}, {})
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def now() -> str:
    """The time by this machine's clock, to the second, in UTC and ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def version() -> str:
    """The version of this package."""
    from flamingo import __version__  # late: the package imports the verbs, which import this

    return __version__
