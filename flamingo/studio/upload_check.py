"""The studio's side of the processes that look at uploads: a few of them, each ended when it takes too long.

Processor time is what counts, so a busy machine makes no file unreadable; the clock is only a last resort.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

import psutil

from flamingo import errors
from flamingo.errors import BadInput
from flamingo.processes import module_command, module_environment
from flamingo.studio.problems import Unavailable

__all__ = ["Inspection"]

_LOOK_EVERY = 0.1
_FAMILY_AFTER = 0.5
_PATIENCE = 8.0  # times the processor time that is allowed
_STARTING = 60.0
_REQUESTS_PER_PROCESS = 500  # bounds whatever a codec may leak


class Inspection:
    """Processes that answer one request each at a time; `ask` waits for one that is free. For any thread."""

    def __init__(self, processes: int) -> None:
        self._free: queue.LifoQueue[_Inspector] = queue.LifoQueue()
        self._all = [_Inspector() for _ in range(processes)]
        self._closed = False

    def __enter__(self) -> Inspection:
        for each in self._all:
            each.start()
            self._free.put(each)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._closed = True
        for each in self._all:
            each.end()

    def ask(self, task: str, name: str, seconds: float, **request: Any) -> Any:
        """Have a task of `upload_check_worker` done within so many seconds of processor time. name: what messages
        call the file. Raises what the task raises, and BadInput if it takes too long or ends the process."""
        chosen = self._free.get()
        try:
            return chosen.ask({"task": task, "name": name, "seconds": seconds, **request})
        finally:
            if not self._closed:
                chosen.start()
            self._free.put(chosen)

    @property
    def pids(self) -> list[int]:
        """Of the processes that are there now."""
        return [each.process.pid for each in self._all if each.process is not None and each.process.poll() is None]


class _Inspector:
    """One process, the pipes to it, and the thread that reads its lines."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._ready = False
        self._requests = 0

    def start(self) -> None:
        """Have a process, without waiting for it."""
        if self.process is not None and self.process.poll() is None:
            if self._requests < _REQUESTS_PER_PROCESS:
                return
            self.end()
        # One thread each: there are other processes for the other cores, and processor time is then also time.
        environment = module_environment(VIPS_CONCURRENCY="1", VIPS_WARNING="1", OMP_NUM_THREADS="1")
        self._lines, self._ready, self._requests = queue.Queue(), False, 0
        self.process = subprocess.Popen(
            module_command("flamingo.studio.upload_check_worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert self.process.stdout is not None
        threading.Thread(target=_listen, args=(self.process.stdout, self._lines), daemon=True).start()

    def ask(self, request: dict[str, Any]) -> Any:
        name, seconds = request["name"], request["seconds"]
        self._requests += 1
        self._await_ready(name)
        assert self.process is not None and self.process.stdin is not None
        spent, begun = _spent(self.process.pid, family=False), time.monotonic()
        with suppress(OSError):  # then its silence tells
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        while True:
            with suppress(queue.Empty):
                return self._told(name, self._lines.get(timeout=_LOOK_EVERY))
            waited = time.monotonic() - begun
            used = _spent(self.process.pid, family=waited > _FAMILY_AFTER) - spent
            if used > seconds or waited > _PATIENCE * seconds:
                self.end()
                raise BadInput(name, "it takes too long to read", "export it again from its source")

    def end(self) -> None:
        """End the process and what it has started, and wait until it is gone."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        process.wait()

    def _await_ready(self, name: str) -> None:
        if not self._ready:
            with suppress(queue.Empty):
                self._ready = bool(self._lines.get(timeout=_STARTING))
            if not self._ready:
                self.end()
                raise Unavailable(name, "no process can be started to look at it", "try again later")

    def _told(self, name: str, line: bytes) -> Any:
        if not line:
            self.end()
            raise BadInput(name, "it makes the decoder fail", "export it again from its source")
        said = json.loads(line)
        if "answer" in said:
            return said["answer"]
        kind = getattr(errors, str(said["error"]), BadInput)
        raise kind(*said["parts"])


def _spent(pid: int, family: bool) -> float:
    """Processor time of a process, and of those that it has started and that have ended; family: also of those that
    are still there, for which all processes must be looked through."""
    total = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *(process.children(recursive=True) if family else ())):
            with suppress(psutil.Error):
                times = each.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def _listen(source: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with suppress(OSError, ValueError):
        for line in source:
            lines.put(line)
    lines.put(b"")
