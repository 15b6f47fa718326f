"""What every command is built from: the application, its two consoles, and how a verb becomes a command.

A verb's options are read from its signature (`flamingo.options`), so a command has exactly those of the verb, and
nothing here repeats them.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import render
from rich.text import Span, Text

import flamingo
from flamingo.errors import FlamingoError, MissingExtra, show

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

app = App(
    name="flamingo",
    help="Turn photos into art, and compose its music.",
    version=f"flamingo {flamingo.__version__}",
    help_format="markdown",
    usage="Usage: flamingo COMMAND ...",
    suppress_keyboard_interrupt=False,  # ours says what is kept
    default_parameter=Parameter(json_list=False, json_dict=False),  # a file's name may begin with [ or {
)
app.register_install_completion_command()

# Short names that only the command line has.
_SHORT = {
    "output": ["--output", "-o"],
    "style": ["--style", "-s"],
    "out": ["--out", "-o"],
    "persona": ["--persona", "-p"],
    "continue_from": ["--continue"],
}


def command(
    verb: Callable[..., Any],
    run: Callable[..., int],
    *extra: inspect.Parameter,
    about: str = "",
    names: dict[str, list[str]] | None = None,
) -> Callable[..., int]:
    """A command with exactly the options of `verb` (see flamingo.options), and those of the command line alone.

    names: what its options are called besides, where that is another thing for another verb. Raises ValueError for a
    name of an option that the verb does not have.
    """
    from flamingo.options import options

    if unknown := set(names or {}) - {option.name for option in options(verb)}:
        raise ValueError(f"{verb.__name__} has no option {', '.join(sorted(unknown))}")
    called = _SHORT | (names or {})
    parameters = []
    for option in options(verb):
        settings: dict[str, Any] = {"help": option.description}
        if option.default is not True:
            settings["negative"] = ()  # --no-... is worth a line of help only where it changes something
        if option.group:
            settings["group"] = option.group
        if option.name in called and not option.positional:
            settings["name"] = called[option.name]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if option.positional else inspect.Parameter.KEYWORD_ONLY
        annotation = Annotated[option.type, Parameter(**settings)]  # type: ignore[name-defined]
        parameters.append(inspect.Parameter(option.name, kind, default=option.default, annotation=annotation))
    parameters += extra

    def carry_out(*args: Any, **kwargs: Any) -> int:
        return run(*args, **kwargs)

    carry_out.__name__, carry_out.__doc__ = verb.__name__, about or (verb.__doc__ or "").split("\n\n")[0]
    carry_out.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    carry_out.__annotations__ = {p.name: p.annotation for p in parameters}
    carry_out.verb = verb  # type: ignore[attr-defined]  # whose options have limits that docs/cli.md tells
    return carry_out


def flag(name: str, help: str) -> inspect.Parameter:
    """A switch that only the command line has, `--name`; the command is told it as `as_name`."""
    annotation = Annotated[bool, Parameter(name=f"--{name}", negative=(), help=help)]
    return inspect.Parameter(f"as_{name}", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)


Tell = Callable[[float, float, object], None]
"""Called as (done, all, what is being done)."""


@contextmanager
def progress(doing: str, *, silent: bool = False) -> Iterator[Tell]:
    """A bar on standard error, where that is a terminal; gives the function that moves it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=err,
        transient=True,
        disable=silent or not err.is_terminal,
    )
    with bar:
        task = bar.add_task(doing, total=None, name="")

        def tell(done: float, total: float, current: object) -> None:
            name = show(current.name if isinstance(current, Path) else str(current))
            bar.update(task, completed=done, total=total, name=name)

        yield tell


class Result(Protocol):
    """What verbs return, one for each thing that they were asked to do."""

    @property
    def error(self) -> FlamingoError | None: ...

    def as_dict(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=Result)


def report(results: Sequence[R], print_result: Callable[[R], None], *, done: str, as_json: bool) -> int:
    """Print what became of each thing.

    Args:
        results: one for each thing.
        print_result: prints one that did not fail.
        done: such as "painted", for the last line of several.
        as_json: print JSON instead.

    Returns:
        The exit code: 1 if one failed.
    """
    failed = [r for r in results if r.error]
    if as_json:
        print(json.dumps([r.as_dict() for r in results], indent=1, ensure_ascii=False))
    else:
        for r in results:
            if r.error:
                err.print(styled("[red]failed[/] {}", r.error))
            else:
                print_result(r)
    if failed and len(results) > 1:
        err.print(f"{len(results) - len(failed)} {done}, {len(failed)} failed")
    return 1 if failed else 0


def remark(text: str) -> None:
    """Print something that goes with the line before it."""
    out.print(styled("  [dim]{}[/]", text))


def plain(text: object) -> Text:
    """Text that is printed as it is: no bracket, backslash or :word: in it means anything."""
    return Text(str(text))


_PLACEHOLDER = "\ufffc"  # OBJECT REPLACEMENT CHARACTER: it stands for a value until the markup has been read


def styled(template: str, *values: object) -> Text:
    """A line to print: a template in rich's markup, in which each {} stands for a value that is printed as it is.

    Values never pass through the markup, so a file name may hold brackets, backslashes and :words:. Raises ValueError
    unless there are as many values as places.
    """
    text = render(template.replace("{}", _PLACEHOLDER), emoji=False)
    if text.plain.count(_PLACEHOLDER) != len(values):
        raise ValueError(f"{template!r} has not {len(values)} places")
    shown, spans, at = text.plain, text.spans, len(text.plain)
    for value in map(str, reversed(values)):  # from the end, so that earlier places stay where they are
        at = shown.rindex(_PLACEHOLDER, 0, at)
        shown = shown[:at] + value + shown[at + 1 :]
        more = len(value) - 1
        spans = [Span(s.start + more * (s.start > at), s.end + more * (s.end > at), s.style) for s in spans]
    return Text(shown, spans=spans)


def needs_torch(feature: str) -> None:
    """Raise MissingExtra unless torch is installed."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra.of(feature, "torch", "train")
