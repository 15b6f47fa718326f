"""One definition of a verb's options, read by everything that offers the verb.

A verb's options are the fields of a frozen dataclass, annotated `Annotated[type, Field(description=..., ge=...)]`,
and the verb is a function of such an object:

    @verb(PaintOptions)
    def paint(options: PaintOptions) -> list[PaintResult]: ...

It is called with the fields as arguments, `paint(photos, style="scream")`; the decorator validates them, or says in
one line what is wrong, and the object is what is handed on inside. `options` lists the fields for the command line,
the HTTP API and the pages. Fields without a Field (callbacks) exist in Python alone. A dataclass inherits the options
that it shares with another verb.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ArgsKwargs

from flamingo.errors import BadRequest

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")
T = TypeVar("T")


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
        return str(self._extra.get("group", ""))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of painting that have it; () for one that does not depend on the method."""
        return tuple(self._extra.get("methods", ()))

    @property
    def _extra(self) -> dict[str, Any]:
        extra = self.field.json_schema_extra
        return extra if isinstance(extra, dict) else {}


def options(verb: Callable[..., Any]) -> list[Option]:
    """The options that a verb offers to people, in order; or those of a class of options or settings, such as a
    training recipe. A plain function whose arguments are annotated in the same way has options too."""
    kind = getattr(verb, "options", verb)
    hints = get_type_hints(kind, include_extras=True)
    offered = []
    for parameter in inspect.signature(kind).parameters.values():
        hint = hints.get(parameter.name)
        if get_origin(hint) is not Annotated:
            continue
        accepted, *extras = get_args(hint)
        field = next((e for e in extras if isinstance(e, FieldInfo)), None)
        if field is not None:
            many = ONE_OR_MANY in extras and str in get_args(accepted)
            if ONE_OR_MANY in extras:  # a single one is for Python; the command line and the API have lists
                accepted = Union[tuple(kind for kind in get_args(accepted) if kind not in (Path, str))]  # noqa: UP007
            if any(isinstance(e, BeforeValidator) and e is not ONE_OR_MANY for e in extras):
                accepted = accepted | str  # it reads text of its own kind, such as 25m
            positional = not inspect.isclass(verb) and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
            offered.append(Option(parameter.name, accepted, parameter.default, field, positional, many))
    return offered


def verb(kind: Callable[P, K]) -> Callable[[Callable[[K], R]], Callable[P, R]]:
    """Make a function of an options object a verb, which is called with the fields of that object.

    Args:
        kind: the dataclass of the options. Its fields that are not keyword-only can be given by position.

    Returns:
        A decorator. What it makes raises BadRequest, in one line, for arguments that are not there, have another
        type or are out of range; otherwise it calls the function with a validated `kind`. Its `options` is `kind`.
    """
    signature = inspect.signature(kind)

    @functools.cache  # a schema takes a while to build, and most verbs of a process are never called
    def adapter() -> TypeAdapter[K]:
        return TypeAdapter(cast("type[K]", kind))

    def decorator(function: Callable[[K], R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            arguments = ArgsKwargs(args, kwargs)
            with suppress(TypeError):  # an argument that the verb does not have: the validation below says so
                arguments = ArgsKwargs((), signature.bind_partial(*args, **kwargs).arguments)
            for name, value in (arguments.kwargs or {}).items():
                _refuse_addresses(name, value)
            with one_line_refusals(f"flamingo {function.__name__}"):
                validated = adapter().validate_python(arguments)
            return function(validated)

        call.__signature__ = signature.replace(  # type: ignore[attr-defined]
            return_annotation=inspect.signature(function).return_annotation
        )
        call.options = kind  # type: ignore[attr-defined]
        return call

    return decorator


STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
"""For `__pydantic_config__` of an options class: an argument that it does not have is refused."""


def shared(options: Any, kind: type[K]) -> K:
    """The part of an options object that another options class holds too, as one of that class.

    Raises:
        AttributeError: if a field of `kind` is not a field of `options`.
    """
    return kind(**{shared_field.name: getattr(options, shared_field.name) for shared_field in fields(kind)})  # type: ignore[arg-type]


def several(value: T | tuple[T, ...] | None) -> tuple[T, ...]:
    """The value of an option that is ONE_OR_MANY, as the tuple that it is after validation; None is none."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


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
        if first["type"] == "missing":
            raise BadRequest(name, "it must be given", f"see `{command} --help`") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise BadRequest(
            f"{name} {first.get('input')!r}"[:120], reason[0].lower() + reason[1:], f"see `{command} --help`"
        ) from None
