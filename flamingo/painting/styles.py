"""The named styles: what each painting is called, who painted it and why it may be used.

A style itself is a vector, one for each painter that has learned it; the vector of a named style is stored with
the painter's weights. The facts about the paintings are the same for all painters.
"""

from __future__ import annotations

import difflib
import functools
import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from flamingo import weights
from flamingo.errors import BadRequest


@dataclass(frozen=True)
class Style:
    """A painting that the painters have learned.

    name is what users type; year is when it was painted; rights says why it may be used.
    """

    name: str
    title: str
    artist: str
    year: str
    rights: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def styles(model: str = "fine") -> list[Style]:
    """The named styles of a painter, in the order in which they are shown.

    Raises ModelMissing if this painter is not installed.
    """
    return list(_styles(model).values())


def named(name: str, model: str = "fine") -> Style:
    """The style of that name. Raises BadRequest, suggesting the nearest name, if there is none."""
    by_name = _styles(model)
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name.lower().replace(" ", "-").replace("_", "-"), by_name, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`flamingo styles` lists them"
    raise BadRequest(f"style {name!r}", "there is no style of that name", hint)


def vector(name: str, strength: float = 1.0, model: str = "fine") -> NDArray[np.float32]:
    """The style vector (S,) float32 of a named style at a strength in [0, 1].

    Strength sets the length of the vector: the zero vector is the plain photo. Raises BadRequest for an unknown
    name or a strength that is not a number from 0 to 1.
    """
    named(name, model)
    if not 0.0 <= strength <= 1.0:  # also refuses NaN
        raise BadRequest(
            f"strength {strength}", "it is not between 0 and 1", "give 0 (the photo) to 1 (the painting)"
        )
    return _vectors(model)[name] * np.float32(length(strength))


def length(strength: float) -> float:
    """How far to go along a style vector so that the picture changes evenly with the strength.

    The painter lays its painting over the photo through a gate sigmoid(4 - 8 t), t the length (see
    flamingo/nn/painter.py): most of the change would come between .3 and .7. This is the inverse of that
    curve, scaled to lead from 0 to 1.
    """
    return 0.5 + math.atanh((2 * strength - 1) * math.tanh(2)) / 4


@functools.lru_cache(maxsize=8)
def _styles(model: str) -> dict[str, Style]:
    facts = weights.entry(f"painter-{model}")["styles"]
    return {row["name"]: Style(**row) for row in facts}


@functools.lru_cache(maxsize=8)
def _vectors(model: str) -> dict[str, NDArray[np.float32]]:
    stored = load_file(weights.path(f"painter-{model}", "styles"))
    return {name: vector.astype(np.float32) for name, vector in stored.items()}
