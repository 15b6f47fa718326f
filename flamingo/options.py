"""One definition of a verb's arguments, read by everything that offers the verb.

A verb is a plain function whose arguments are annotated `Annotated[type, Field(description=..., ge=..., ...)]`.
`checked` makes it refuse bad arguments in one line; `options` lists them for the command line, the HTTP API and
the pages. Arguments without a Field (callbacks) exist in Python alone.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, ConfigDict, ValidationError, validate_call
from pydantic.fields import FieldInfo

from flamingo.errors import BadRequest

P = ParamSpec("P")
R = TypeVar("R")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, (str, os.PathLike)) else value


ONE_OR_MANY = BeforeValidator(_listed)
"""For an argument of the type `T | tuple[T, ...] | None`: the verb is given a tuple even of a single T."""


@dataclass(frozen=True)
class Option:
    """One argument of a verb: its Python type, default (`inspect.Parameter.empty` if it must be given) and the
    Field with its description and limits. many: whether a single text may stand for a list of one."""

    name: str
    type: Any
    default: Any
    field: FieldInfo
    positional: bool
    many: bool = False

    @property
    def description(self) -> str:
        return self.field.description or ""

    @property
    def group(self) -> str:
        """The heading under which it stands with others; most have none."""
        extra = self.field.json_schema_extra
        return str(extra.get("group", "")) if isinstance(extra, dict) else ""


def options(verb: Callable[..., Any]) -> list[Option]:
    """The arguments that a verb (or a class of settings, such as a training recipe) offers to people, in order."""
    hints = get_type_hints(verb, include_extras=True)
    found = []
    for parameter in inspect.signature(verb).parameters.values():
        hint = hints.get(parameter.name)
        if get_origin(hint) is not Annotated:
            continue
        kind, *extras = get_args(hint)
        field = next((e for e in extras if isinstance(e, FieldInfo)), None)
        if field is not None:
            many = ONE_OR_MANY in extras and str in get_args(kind)
            if ONE_OR_MANY in extras:  # a single one is for Python; the command line and the API have lists
                kind = Union[tuple(each for each in get_args(kind) if each not in (Path, str))]  # noqa: UP007
            if any(isinstance(e, BeforeValidator) and e is not ONE_OR_MANY for e in extras):
                kind = kind | str  # it reads text of its own kind, such as 25m
            positional = not inspect.isclass(verb) and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
            found.append(Option(parameter.name, kind, parameter.default, field, positional, many))
    return found


def checked(verb: Callable[P, R]) -> Callable[P, R]:
    """Validate the arguments of a verb and turn what is wrong with them into one line (BadRequest)."""
    validated = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(verb)

    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind_partial(*args, **kwargs).arguments
        except TypeError:  # an argument that the verb does not have: the validation below says so
            given = {}
        for name, value in given.items():
            _refuse_addresses(name, value)
        with one_line_refusals(f"flamingo {verb.__name__}"):
            return validated(*args, **kwargs)

    return call


# After Path has read them: "https://host" is "https:/host".
_ADDRESS = re.compile(r"(?:https?|ftps?|s3|gs|smb|sftp|blob):/", re.IGNORECASE)
_LOCAL_ADDRESS = re.compile(r"file:(?=/)", re.IGNORECASE)
_DATA_ADDRESS = re.compile(r"data:(?:[\w.+-]+/[\w.+-]+)?(?:;[\w.+=-]+)*,", re.IGNORECASE)
_WRITTEN = ("output", "explain", "out", "file")


def _refuse_addresses(name: str, value: object) -> None:
    """Raise BadRequest for a path that is an address on the network, `-`, or a device to write to."""
    for path in value if isinstance(value, (list, tuple)) else (value,):
        if not isinstance(path, os.PathLike):
            continue
        text = os.fspath(path)
        written = name in _WRITTEN
        only = "results go to files" if written else "only files are read"
        if _ADDRESS.match(text):
            advice = "name a file or a folder here, and upload it" if written else "download it, and name the file"
            raise BadRequest(text.replace(":/", "://", 1), f"this is an address, and {only}", advice)
        if local := _LOCAL_ADDRESS.match(text):
            plain = text[local.end() :]
            raise BadRequest(f"file://{plain}", f"this is an address, and {only}", f"name the file itself: {plain}")
        if _DATA_ADDRESS.match(text):
            shown = text if len(text) <= 60 else text[:60] + "..."
            raise BadRequest(shown, f"this is data in an address, and {only}", "name a file")
        if text == "-":
            raise BadRequest("-", "standard input and output are not supported", "name a file")
        if written and _is_device(text):
            raise BadRequest(text, "it is a device or a pipe, and results go to files", "name a file or a folder")


def _is_device(path: str) -> bool:
    if str(Path(path).absolute()).startswith(("/dev/", "/proc/")):  # /dev/stdout is a file where it is sent to one
        return True
    with suppress(OSError, ValueError):
        mode = Path(path).stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


@contextmanager
def one_line_refusals(command: str) -> Iterator[None]:
    """Turn pydantic's report on wrong arguments into one line about the first of them: BadRequest."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-") if first["loc"] else command
        reason = first["msg"].removeprefix("Value error, ")
        raise BadRequest(
            f"{name} {first.get('input')!r}"[:120], reason[0].lower() + reason[1:], f"see `{command} --help`"
        ) from None
