"""One definition of a verb's arguments, read by everything that offers the verb.

A verb is a plain function whose arguments are annotated `Annotated[type, Field(description=..., ge=..., ...)]`.
`checked` makes it refuse bad arguments in one line; `options` lists them for the command line, the HTTP API and
the pages. Arguments without a Field (callbacks) exist in Python alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, ValidationError, validate_call
from pydantic.fields import FieldInfo

from flamingo.errors import BadRequest

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Option:
    """One argument of a verb: its Python type, default (`inspect.Parameter.empty` if it must be given) and the
    Field with its description and limits."""

    name: str
    type: Any
    default: Any
    field: FieldInfo
    positional: bool

    @property
    def description(self) -> str:
        return self.field.description or ""


def options(verb: Callable[..., Any]) -> list[Option]:
    """The arguments that a verb offers to people, in order."""
    hints = get_type_hints(verb, include_extras=True)
    found = []
    for parameter in inspect.signature(verb).parameters.values():
        hint = hints.get(parameter.name)
        if get_origin(hint) is not Annotated:
            continue
        kind, *extras = get_args(hint)
        field = next((e for e in extras if isinstance(e, FieldInfo)), None)
        if field is not None:
            positional = parameter.kind is not inspect.Parameter.KEYWORD_ONLY
            found.append(Option(parameter.name, kind, parameter.default, field, positional))
    return found


def checked(verb: Callable[P, R]) -> Callable[P, R]:
    """Validate the arguments of a verb and turn what is wrong with them into one line (BadRequest)."""
    validated = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(verb)

    @functools.wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return validated(*args, **kwargs)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else verb.__name__
            given = repr(first.get("input"))
            reason = first["msg"][0].lower() + first["msg"][1:]
            raise BadRequest(f"{name} {given}"[:120], reason, f"see `flamingo {verb.__name__} --help`") from None

    return call
