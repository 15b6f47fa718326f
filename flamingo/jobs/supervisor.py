"""The workers that a server has beside it: started with it, started again when they die, gone when it is gone.

What they say is kept in the data folder (`worker_log`)."""

from __future__ import annotations

import logging
import platform
import re
import subprocess
import threading
import time
from contextlib import suppress
from types import TracebackType

from flamingo.jobs.settings import Settings
from flamingo.jobs.worker_log import WorkerLog
from flamingo.processes import module_command
from flamingo.settings import LOG_LEVEL

__all__ = ["Workers"]

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.2
_SHORTEST_REST, _LONGEST_REST = 0.2, 30.0
_LIVED = 30.0  # seconds after which a worker that ends by itself was not kept from starting
_LAST_WORDS = 1.0  # seconds to read what a worker that has ended left in its pipe
_ENDING = 10.0  # seconds, on a machine that is busy with something else


class Workers:
    """So many worker processes on this machine, each its own slot.

    short: how many of them take short jobs too (`lanes`), each one beside its long one; without it, all do.

        with Workers(settings, slots=2):
            ...  # jobs are carried out

    They are tied to this process by a pipe: even after kill -9 of it they end within a second, and the jobs that they
    were at wait for the next ones.
    """

    def __init__(self, settings: Settings, slots: int = 2, short: int | None = None) -> None:
        self._settings = settings
        both = slots if short is None else short
        self._lanes = {slot_name(settings, i): "both" if i < both else "long" for i in range(slots)}
        self._names = list(self._lanes)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._rest = dict.fromkeys(self._names, _SHORTEST_REST)
        self._due: dict[str, float] = {}  # when to start again the ones that have died
        self._output = WorkerLog(settings.data / "logs" / log_name(settings))
        self._collecting: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="flamingo-workers", daemon=True)

    def __enter__(self) -> Workers:
        for name in self._names:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process of each slot that has one now."""
        return {name: p.pid for name, p in list(self._processes.items()) if p.poll() is None}

    def stop(self) -> None:
        """End the workers; what they were at waits for the next ones."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes.values():
            self._close_pipe(process)
        until = time.monotonic() + _ENDING
        for process in self._processes.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for thread in self._collecting.values():
            thread.join(_LAST_WORDS)
        self._output.close()

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        level = LOG_LEVEL.value() if LOG_LEVEL.is_set() else "info"  # for a file
        process = subprocess.Popen(
            [
                *module_command("flamingo.jobs.worker"),
                *("--slot", name, "--lane", self._lanes[name], "--tied", *self._settings.arguments()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self._settings.environment(), LOG_LEVEL.name: level},
        )
        assert process.stdout is not None
        self._processes[name], self._collecting[name] = process, self._output.collect(name, process.stdout)
        _log.info("worker %s started as process %d", name, process.pid)

    def _watch(self) -> None:
        """Start again what has died: soon, or after a rest that doubles while it cannot even start."""
        while not self._stopping.wait(_LOOK_EVERY):
            now = time.monotonic()
            for name, process in list(self._processes.items()):
                if process.poll() is None:
                    continue
                if name not in self._due:
                    failing = process.returncode >= 0 and now - self._started[name] < _LIVED
                    rest = min(_LONGEST_REST, 2 * self._rest[name]) if failing else _SHORTEST_REST
                    self._rest[name], self._due[name] = rest, now + rest
                    _log.warning(
                        "worker %s ended with code %d after %.0f s: another is started in %.1f s (logs/%s says more)",
                        *(name, process.returncode, now - self._started[name], rest, log_name(self._settings)),
                    )
                if now >= self._due[name]:
                    del self._due[name]
                    self._close_pipe(process)
                    self._start(name)

    @staticmethod
    def _close_pipe(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()


def slot_name(settings: Settings, number: int) -> str:
    """The name of this machine's slot of this number: with PostgreSQL other machines have slots too."""
    return f"{_host(settings) or 'slot'}-{number}"


def log_name(settings: Settings) -> str:
    """What the file is called that keeps what this machine's workers say."""
    host = _host(settings)
    return f"worker-{host}.log" if host else "worker.log"


def _host(settings: Settings) -> str:
    """A name of this machine, or "" where it is the only one."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())[:48] if settings.database else ""
    return host if re.match(r"[A-Za-z0-9]", host) else ""
