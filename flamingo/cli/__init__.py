"""The command line: parse, call, show. Whatever does the work lives elsewhere and can be called from Python.

One file a command, in the order of the help; `base` is what they are built from.

Exit codes: 0 all done, 1 some inputs failed (named, the rest done), 2 the request itself is wrong, 130 cancelled.
No traceback reaches a user; `FLAMINGO_DEBUG=1` shows it to a developer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import cyclopts

from flamingo.cli import compose, doctor, feel, film, judge, paint, rate, serve, styles, train, verify
from flamingo.cli.base import app, err, plain
from flamingo.errors import FlamingoError

__all__ = ["app", "main", "run"]

# Each has added its commands to the application.
_COMMANDS = (paint, judge, feel, compose, film, styles, rate, serve, verify, doctor, train)


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code. Errors become one line on standard error."""
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        first = " ".join(str(error).split())
        err.print(f"[red]error[/] {plain(first)}")
        return 2
    except FlamingoError as error:
        if os.environ.get("FLAMINGO_DEBUG"):
            raise
        err.print(f"[red]error[/] {plain(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        err.print("cancelled; what was finished is kept")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: point stdout at nothing, so that the interpreter closes in silence.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the promise: no traceback reaches a user
        if os.environ.get("FLAMINGO_DEBUG"):
            raise
        reason = " ".join(str(error).split())
        err.print(
            f"[red]error[/] {plain(type(error).__name__)}: {plain(reason)}; this is a fault in Flamingo: "
            "run again with FLAMINGO_DEBUG=1 and report what it prints"
        )
        return 1


def main() -> None:
    """The console script."""
    sys.exit(run())
