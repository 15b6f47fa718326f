"""`flamingo rate`: grade how well music suits a picture, and what is done with the grades."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Parameter
from rich.table import Table

import flamingo
from flamingo.cli.base import command, flag, out, plain, styled
from flamingo.errors import show
from flamingo.ratings import api as grading
from flamingo.ratings import store as graded

# What else is done with grades has options of its own, so each is a command, though it is written as a flag.
_FORMS = ("--report", "--export", "--undo")

rate_app = App(name="flamingo rate", help_flags=("--help", "-h"), version_flags=())
rate_app.group_commands = cyclopts.Group("Instead")
rate_app["--help"].show = False
rate_app.usage = (
    "Usage: flamingo rate PICTURE MUSIC GRADE [OPTIONS]\n       flamingo rate FILE GRADE [OPTIONS]\n"
    "       flamingo rate --report | --export FILE | --undo"
)
# What the line is given to first, help and all, so that a form may be named anywhere in it.
rate = App(name="rate", help_flags=(), version_flags=())


@rate.default
def _any_form(*tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> object:
    return rate_app(rearranged(tokens), exit_on_error=False, print_error=False, result_action="return_value")


def rearranged(tokens: Sequence[str]) -> list[str]:
    """The line with its form first: a form may be named anywhere, and with = before its value, as flags may."""
    for i, token in enumerate(tokens):
        form, equals, value = token.partition("=")
        if form in _FORMS:
            return [form, *([value] if equals else []), *tokens[:i], *tokens[i + 1 :]]
    return list(tokens)


def _rate(*args: Any, as_json: bool = False, **choices: Any) -> int:
    stored = flamingo.rate(*args, **choices)
    if as_json:
        print(json.dumps(grading.as_dict(stored), indent=1))
        return 0
    mood = f"mood {stored.mood}" if stored.mood else "mood unknown"
    instead = f", instead of {stored.instead_of}" if stored.instead_of else ""
    out.print(styled("{}  [dim]{}{}[/]", _pair(stored), mood, instead))
    return 0


def _report(*, as_json: bool = False, **choices: Any) -> int:
    report = flamingo.grades(**choices)
    if as_json:
        print(json.dumps(report.as_dict(), indent=1))
    elif report.overall is None:
        where = choices.get("database") or graded.own_database()
        out.print(styled("there are no grades in {} yet; {}", show(where), grading.FIRST))
    else:
        table = Table(box=None, pad_edge=False)
        for heading in report.headings:
            table.add_column(heading, no_wrap=True, justify="left" if heading == report.by else "right")
        for i, row in enumerate(report.rows, 1):
            table.add_row(*map(plain, row), style="bold" if i == len(report.rows) else "")
        out.print(table, width=1000)  # rather wider than the terminal than cut
        out.print(
            "[dim]% (votes); satisfied: excellent or good (95 % interval); mean: from 5, excellent, to 1, bad[/]"
        )
    return 0


def _export(*args: Any, **choices: Any) -> int:
    count = grading.export(*args, **choices)
    out.print(styled("{}  [dim]grades: {}[/]", show(args[0]), count))
    return 0


def _undo(*, as_json: bool = False, **choices: Any) -> int:
    stored = grading.undo(**choices)
    if as_json:
        print(json.dumps(grading.as_dict(stored), indent=1))
        return 0
    again = f"  {stored.instead_of} counts again" if stored.instead_of else ""
    out.print(styled("taken back: {}[dim]{}[/]", _pair(stored), again))
    return 0


def _pair(stored: flamingo.Rating) -> str:
    who = f" ({stored.listener})" if stored.listener else ""
    names = " with ".join(name for name in (stored.picture_name, stored.music_name) if name)
    return show(f"{stored.grade}: {names}{who}")


rate_app.default(command(flamingo.rate, _rate, flag("json", "Print what was stored as JSON.")))
rate_app.command(
    command(
        flamingo.grades,
        _report,
        flag("json", "Print the table as JSON."),
        about="Print the table of all grades: shares in %, who was satisfied, and the mean opinion.",
    ),
    name="--report",
)
rate_app.command(command(grading.export, _export), name="--export")
rate_app.command(command(grading.undo, _undo, flag("json", "Print what was taken back as JSON.")), name="--undo")
