"""The workers that a server has beside it: started with it, started again when they die, gone when it is gone."""

from __future__ import annotations

import platform
import re
import subprocess
import threading
import time
from contextlib import suppress
from types import TracebackType

from flamingo.jobs.settings import Settings
from flamingo.processes import module_command

__all__ = ["Workers"]

_LOOK_EVERY = 0.2
_SHORTEST_REST, _LONGEST_REST = 0.2, 30.0
_LIVED = 30.0  # seconds after which a worker that ends by itself was not kept from starting
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

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        self._processes[name] = subprocess.Popen(
            [
                *module_command("flamingo.jobs.worker"),
                *("--slot", name, "--lane", self._lanes[name], "--tied", *self._settings.arguments()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=self._settings.environment(),
        )

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
    host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())[:48] if settings.database else ""
    return f"{host}-{number}" if re.match(r"[A-Za-z0-9]", host) else f"slot-{number}"
