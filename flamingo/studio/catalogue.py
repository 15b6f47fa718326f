"""The styles that a person can choose among: those of the painters, and those that they have added themselves."""

from __future__ import annotations

from dataclasses import dataclass

from flamingo.painting import encoder, user_styles
from flamingo.painting import styles as named
from flamingo.painting.options import MODELS, Model

__all__ = ["LIVE", "Choice", "any_painting", "styles"]

LIVE: Model = "fast"
"""The painter that keeps up with a camera."""


@dataclass(frozen=True)
class Choice:
    """A style. own: whether the user has added it; models: the painters that know it."""

    name: str
    title: str
    artist: str
    year: str
    rights: str
    models: tuple[str, ...]
    own: bool = False


def any_painting() -> tuple[str, ...]:
    """The painters that can paint in the manner of a painting that they have never seen."""
    return tuple(model for model in MODELS if encoder.known(model))


def styles() -> list[Choice]:
    """All that some painter can paint in, the user's own after the others."""
    names_by_model = {model: {style.name for style in named.styles(model)} for model in MODELS}
    choices = [
        Choice(
            style.name,
            style.title,
            style.artist,
            style.year,
            style.rights,
            tuple(model for model in MODELS if style.name in names_by_model[model]),
        )
        for style in named.styles()
    ]
    able = any_painting()
    mine = user_styles.names() if able else []
    return choices + [Choice(name, _title(name), "Your own", "", "", able, own=True) for name in mine]


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()
