"""What is logged, and how it looks: one line a record, on standard error, from the level up that is asked for.

Modules log with `logging.getLogger(__name__)`. At info and warning nothing names a file of the user's; at debug it
may. Nothing is set up where Flamingo is used as a library: that is for the program to do.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flamingo.errors import one_line

__all__ = ["start", "started"]

_LOGGER = "flamingo"
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LONGEST = 20_000  # characters of a record: a traceback whole


class _OneLine(logging.Formatter):
    """A record as one line, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with control characters escaped and the middle of a very long one left out."""
        return one_line(super().format(record), _LONGEST)


def start(level: str) -> logging.Handler:
    """Log Flamingo's records of this level (debug, info or warning) and above to standard error; the handler that
    does."""
    logger = logging.getLogger(_LOGGER)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(_FORMAT, "%Y-%m-%d %H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    return handler


@contextmanager
def started(level: str) -> Iterator[None]:
    """As `start`, and as before afterwards."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    handler = start(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
