"""Processes of our own: how one is started, and the protocol that it and its host speak.

A host (`flamingo.processes.host`, for asyncio `async_host`) starts a child process, which runs a module of this
package that calls `flamingo.processes.child.serve`. They speak over the child's standard input and output. A message
is a header and a payload: a line of JSON, an object, and as many bytes as its "bytes" says, or none.

    child -> host    {"ready": PID}            once, when it has imported what it needs
    host -> child    {..., "bytes": 20312}     a request, and its payload
    child -> host    {"progress": ...}         any number of times
    child -> host    {..., "bytes": 9120}      the response, and its payload; or in its place
                     {"error": {"kind": "ImageTooLarge", "what": ..., "why": ..., "hint": ...}}, which the host raises

One request is answered before the next is made. What else it and its response hold is the matter of the module that
the child runs.

- The host ends a child, with all that it has started, when a request takes too long or the host's watch says so. The
  child may bound itself besides (`child.limit`). After a request without a whole response the child is gone.
- The child ends when its standard input does, also in the middle of a request, for then its host is gone. It takes
  its process group along if it leads one. An interrupt it leaves to the host.
- What a library reads there is nothing, and what it prints goes to standard error, of which the host keeps the end
  for the report on a child that dies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flamingo import errors
from flamingo.errors import FlamingoError

__all__ = ["error_from", "error_message", "module_command", "module_environment"]


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of the package, such as "flamingo.images.helper". -P keeps the folder that
    the user happens to be in out of the search for modules: a file of theirs may be called like one."""
    return [sys.executable, "-P", "-W", "ignore", "-m", module, *arguments]


def module_environment(**variables: str) -> dict[str, str]:
    """This process's environment with these variables, and a search path on which the child finds what we find."""
    ours = str(Path(__file__).parents[2])
    places = [path for path in sys.path if path]
    if ours not in places:  # it was found through "", the folder that this process was started in
        places.append(ours)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), **variables}


def error_message(error: FlamingoError) -> dict[str, Any]:
    """An error as a response."""
    return {"error": {"kind": type(error).__name__, "what": error.what, "why": error.why, "hint": error.hint}}


def error_from(message: Mapping[str, Any], base: type[FlamingoError]) -> FlamingoError:
    """The error that a response tells of; a plain BadInput if it is no `base`."""
    parts = message["error"]
    kind = getattr(errors, str(parts["kind"]), None)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        kind = errors.BadInput
    return kind(*(str(parts[part]) for part in ("what", "why", "hint")))
