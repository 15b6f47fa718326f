"""Makes docs/cli.md, the reference of the command line, from the commands themselves: run `script/cli-docs` after an
option has changed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from cyclopts import App, Argument

import flamingo
from flamingo.cli import app
from flamingo.options import options

DOCS = Path(__file__).parent
_HEAD = """# The command line

Made from the commands by `script/cli-docs`; the same is told by `--help`. An option may be written with = or a space
before its value. Exit codes: 0 all done, 1 some inputs failed (named, the rest done), 2 the request itself is wrong,
130 cancelled. `FLAMINGO_DEBUG=1` shows the traceback of a fault.

The public functions of the same names (`flamingo.paint`, `flamingo.compose`, ...) and the HTTP API take the same
options.
"""


def commands(of: App, path: tuple[str, ...] = ("flamingo",)) -> Iterator[tuple[tuple[str, ...], App]]:
    """All commands with the words that call them, in the order in which `--help` has them."""
    for name in sorted(name for name in of if name not in (*of.help_flags, *of.version_flags)):
        if name == "--install-completion":  # of cyclopts, which documents it
            continue
        command = of[name]
        if name == "rate":  # what it is given goes through this one first
            from flamingo.cli.rate import rate_app as command
        yield (*path, name), command
        yield from commands(command, (*path, name))


def page() -> str:
    """The text of docs/cli.md."""
    found = list(commands(app))
    lines = [_HEAD]
    for path, command in found:
        name = " ".join(path)
        lines += [f"{'#' * min(len(path), 4)} {name}", "", *_about(command), ""]
        lines += _table(command)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _about(command: App) -> list[str]:
    text = inspect.getdoc(command.default_command) if command.default_command else command.help
    return [" ".join(part.split()) for part in (text or command.help or "").split("\n\n") for part in (part, "")][:-1]


def _table(command: App) -> list[str]:
    if command.default_command is None:
        return []
    limits = _limits(command.default_command)
    rows = []
    for argument in command.assemble_argument_collection():
        if not argument.show:
            continue
        names = ", ".join(f"`{name}`" for name in dict.fromkeys((*_place(argument), *argument.names)))
        choices = argument.get_choices()
        limit = limits.get(argument.field_info.name, "")
        taken = "; ".join(filter(None, (f"one of {', '.join(choices)}" if choices else "", limit)))
        default = "needed" if argument.required else _default(argument.field_info.default)
        rows.append(f"| {names} | {_cell(default)} | {_cell(taken)} | {_cell(argument.parameter.help or '')} |")
    return ["| option | default | values | |", "|---|---|---|---|", *rows, ""] if rows else []


def _place(argument: Argument) -> list[str]:
    """The name of an argument that may be written without its option, in its place: PHOTOS."""
    named = argument.field_info.kind is argument.field_info.KEYWORD_ONLY
    return [] if named else [argument.field_info.name.upper()]


def _default(value: Any) -> str:
    if value is None or value is inspect.Parameter.empty or value == ():
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _limits(function: Any) -> dict[str, str]:
    """What an option's values may be, by its name, where its definition says so."""
    verb = getattr(function, "verb", None)
    if verb is None:
        return {}
    return {
        option.name: _range([*option.field.metadata, *_within(option.type)], option.type) for option in options(verb)
    }


def _within(kind: Any) -> Iterator[Any]:
    """The limits in a type such as `Annotated[float, Field(ge=0)] | Literal["photo"]`."""
    if get_origin(kind) is Annotated:
        for extra in get_args(kind)[1:]:
            yield from getattr(extra, "metadata", [extra])
    elif get_origin(kind) in (Union, UnionType):
        for part in get_args(kind):
            yield from _within(part)


def _range(metadata: list[Any], kind: Any) -> str:
    """Limits in words: from 0 to 1."""
    parts, unit = [], " characters" if str in (kind, *get_args(kind)) else ""
    for each in metadata:
        match each:
            case Ge(ge=least):
                parts.append(f"from {_default(least)}")
            case Gt(gt=least):
                parts.append(f"above {_default(least)}")
            case Le(le=most):
                parts.append(f"to {_default(most)}")
            case Lt(lt=most):
                parts.append(f"below {_default(most)}")
            case MinLen(min_length=least) if not (unit and least == 1):
                parts.append(f"{least}{unit} at least")
            case MaxLen(max_length=most):
                parts.append(f"{most}{unit} at most")
    return ", ".join(parts).replace(", to ", " to ")


if __name__ == "__main__":
    file = DOCS / "cli.md"
    file.write_text(page(), encoding="utf-8")
    print(f"docs/{file.name} of flamingo {flamingo.__version__}")
