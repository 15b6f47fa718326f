"""The command line: parse, call, show. Whatever does the work lives elsewhere and can be called from Python.

One file a command, imported when it is asked for; `base` is what they are built from.

Exit codes: 0 all done, 1 some inputs failed (named, the rest done), 2 the request itself is wrong, 130 cancelled.
No traceback reaches a user; `FLAMINGO_DEBUG=1` shows it to a developer. `--log-level LEVEL`, which any command takes,
says what is logged (`flamingo.logs`).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import cyclopts

from flamingo import logs, settings
from flamingo.cli.base import app, err, styled
from flamingo.errors import BadRequest, FlamingoError
from flamingo.verbs import VERBS

__all__ = ["app", "main", "run"]

_LOG_LEVEL = "--log-level"
# Each command's file, and what its `--help` begins with: the list of commands is shown, and a command is found,
# without importing the others, which need far more than it does.
_COMMANDS = {verb.name: (f"{verb.name}:{verb.name}", verb.about) for verb in VERBS} | {
    "doctor": (
        "doctor:doctor",
        "Say what Flamingo runs on here: runtime, threads, memory, models, and what is wrong, if anything.",
    ),
    "jobs": ("jobs:jobs", "List what the studio was asked for, show why a job failed, try it again."),
    "personas": (
        "compose:personas",
        "List the personas in whose manner music can be composed, and what their music is usually like.",
    ),
    "rate": (
        "rate:rate",
        "Grade how well music suits a picture, or one file alone; print the table of grades (--report).",
    ),
    "serve": ("serve:serve", "Start the studio: pages for the browser, and an API, on this machine."),
    "styles": ("styles:styles", "List the styles that there are, and keep paintings as styles of your own."),
    "train": ("train:train", "Train the models on your own pictures (needs the extra `train`)."),
    "verify": ("verify:verify", "Say what is known of where files come from, and what that proves."),
}
for _name, (_place, _help) in sorted(_COMMANDS.items()):
    app.command(f"flamingo.cli.{_place}", name=_name, help=_help)


@app.command(name=_LOG_LEVEL, help="LEVEL: what any command logs: debug, info or warning.")
def _log_level() -> None:
    """Log to standard error what is decided and what goes wrong: debug, info, or warning, the usual one."""
    # Here for the list of commands alone: `_logging` takes the option away before commands are looked for.
    raise BadRequest(_LOG_LEVEL, "it is no command", f"write `flamingo paint cat.jpg {_LOG_LEVEL} debug`")


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code. Errors become one line on standard error."""
    debugging = False
    try:
        debugging = settings.DEBUG.value()
        words = list(sys.argv[1:] if arguments is None else arguments)
        _no_standard_streams(words)
        with _logging(words) as command_line:
            result = app(command_line, exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        first = " ".join(str(error).split())
        err.print(styled("[red]error[/] {}", first))
        return 2
    except FlamingoError as error:
        if debugging:
            raise
        err.print(styled("[red]error[/] {}", error))
        return error.exit_code
    except KeyboardInterrupt:
        err.print("cancelled; what was finished is kept")
        return 130
    except BrokenPipeError:  # the reader (head, less) has gone
        _silence_stdout()
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in _STDOUT_ERRORS:
            return _fault(error, debugging)
        _silence_stdout()
        reason = (error.strerror or "an error").lower()
        err.print(styled("[red]error[/] the output: it cannot be written ({}); what was made is kept", reason))
        return 1
    except Exception as error:  # the promise: no traceback reaches a user
        return _fault(error, debugging)


def main() -> None:
    """The console script."""
    code = run()
    try:
        sys.stdout.flush()  # here, where a full disk can still be told in a line; at exit it would be a traceback
    except BrokenPipeError:
        _silence_stdout()
    except (OSError, ValueError) as error:
        _silence_stdout()
        reason = (getattr(error, "strerror", None) or "it is closed").lower()
        err.print(styled("[red]error[/] the output: it cannot be written ({}); what was made is kept", reason))
        code = code or 1
    except AttributeError:  # there is no stdout at all
        pass
    sys.exit(code)


_STDOUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)


@contextmanager
def _logging(arguments: Sequence[str]) -> Iterator[Sequence[str]]:
    """Log what `--log-level`, which any command takes, or FLAMINGO_LOG_LEVEL says; gives the arguments without it.
    Raises BadRequest for no such level."""
    level, rest = "", list(arguments)
    options = rest[: rest.index("--")] if "--" in rest else rest  # what comes after it is no option
    at = next((i for i, argument in enumerate(options) if argument.partition("=")[0] == _LOG_LEVEL), None)
    if at is not None:
        _, equals, level = rest.pop(at).partition("=")
        if not equals:
            level = rest.pop(at) if at < len(rest) else ""
        try:
            level = settings.LOG_LEVEL.parse(level)
        except ValueError as error:
            raise BadRequest(f"{_LOG_LEVEL} {level}".strip(), *error.args) from None
    with ExitStack() as stack:
        if level:  # for the processes that it starts too
            stack.enter_context(settings.LOG_LEVEL.changed(level))
        stack.enter_context(logs.started(settings.LOG_LEVEL.value()))
        yield rest


def _fault(error: Exception, debugging: bool) -> int:
    """Say that something was not foreseen; the exit code."""
    if debugging:
        raise error
    template = "[red]error[/] {}: {}; this is a fault in Flamingo: run again with FLAMINGO_DEBUG=1 and report "
    err.print(styled(template + "what it prints", type(error).__name__, " ".join(str(error).split())))
    return 1


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter closes it in silence."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _no_standard_streams(arguments: Sequence[str]) -> None:
    """Raise BadRequest for `-`, by which many programs mean standard input or output."""
    if "-" in arguments:
        raise BadRequest("-", "standard input and output are not supported", "name a file")
