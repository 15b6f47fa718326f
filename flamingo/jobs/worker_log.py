"""What workers and their runners say on standard output and error, kept in `logs/worker.log` of the data folder.

The server reads it from their pipes and writes it down, each line after the name of its slot, so that one process
alone writes and rotates the file. It takes no more than four MiB with the older ones beside it.
"""

from __future__ import annotations

import logging
import threading
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from flamingo.errors import one_line
from flamingo.private import private_file, private_folder

__all__ = ["WorkerLog"]

_BYTES, _OLDER = 1 << 20, 3
_LONGEST_LINE = 20_000


class WorkerLog:
    """The file of this name, for its owner alone. That it cannot be written keeps no worker from working.

    Args:
        file: Where it lies; its folder is made.
    """

    def __init__(self, file: Path) -> None:
        self._handler = _File(file, maxBytes=_BYTES, backupCount=_OLDER, encoding="utf-8", delay=True)

    def collect(self, slot: str, source: IO[bytes]) -> threading.Thread:
        """Write down what comes from a pipe until it is closed; the thread that does."""
        thread = threading.Thread(target=self._collect, args=(slot, source), name=f"log-{slot}", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Let go of the file."""
        self._handler.close()

    def _collect(self, slot: str, source: IO[bytes]) -> None:
        with source:
            while line := source.readline(_LONGEST_LINE):
                text = line.decode("utf-8", "backslashreplace").rstrip()
                if text:
                    record = logging.makeLogRecord({"msg": f"{slot} {one_line(text, _LONGEST_LINE)}"})
                    self._handler.handle(record)


class _File(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        file = Path(self.baseFilename)
        private_folder(file.parent)
        private_file(file)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk must not end up in another log."""
