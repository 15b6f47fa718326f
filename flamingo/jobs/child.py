"""A worker's side of the process that verbs run in: starting it, asking it, watching it, ending it.

Memory is watched, not limited by the system: a limit on address space (RLIMIT_AS) counts what OpenVINO's and ONNX
Runtime's threads and arenas merely reserve, which is two to four times what they use and grows with the number of
cores, and meets them as a crash inside the library. So the resident memory of the process and of those it started is
looked at ten times a second, and all of them are ended when it is too much.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import psutil

from flamingo.jobs.job import Progress
from flamingo.processes import module_command, module_environment

__all__ = ["Answered", "Child", "Died", "Outcome", "Overgrown", "Overtime", "Unwanted"]

_log = logging.getLogger(__name__)

_TICK = 0.1
_LOOK_EVERY = 0.25  # seconds between two questions whether the work is still wanted
_FAMILY_EVERY = 10  # ticks between two looks for processes that it has started
_STARTING = 180.0  # seconds, which are not the job's, on a machine that is busy with something else


@dataclass(frozen=True)
class Answered:
    """The work is over: the last line that the process said."""

    answer: dict[str, Any]


@dataclass(frozen=True)
class Died:
    """The process ended by itself, or somebody else ended it; `why` as half a sentence: "it ..."."""

    why: str


@dataclass(frozen=True)
class Overgrown:
    """The work took more memory than it may, in bytes, and was ended."""

    memory: int


@dataclass(frozen=True)
class Overtime:
    """The work took longer than it may, and was ended."""

    seconds: float


@dataclass(frozen=True)
class Unwanted:
    """Nobody wants the work any more, and it was ended."""


Outcome = Answered | Died | Overgrown | Overtime | Unwanted
Wanted = Callable[[Progress | None], bool]


class Child:
    """One process that carries out one request at a time, started when needed and kept for the next."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._lock = threading.Lock()
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Of the process, if one is there."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Have a process ready, without waiting for it."""
        if self.pid is not None:
            return
        self.end()
        self._lines, self._ready = queue.Queue(), False
        self._process = subprocess.Popen(
            module_command("flamingo.jobs.runner"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=module_environment(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        _log.debug("runner %d is started", self._process.pid)
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()

    def run(self, request: dict[str, Any], seconds: float, wanted: Wanted) -> Outcome:
        """Have a request carried out (see `runner`). wanted: is told of progress, or None, a few times a second, and
        says whether to go on. A process that was ended here is gone with all that it started."""
        self.start()
        outcome: Outcome | None = None
        try:
            outcome = self._attend(request, seconds, wanted) or Died(self._ending())
            return outcome
        finally:
            # What has answered is kept, if it has not grown; after anything else a fresh process is the safer one.
            if not isinstance(outcome, Answered) or "fault" in outcome.answer or self._resident() > self._memory // 2:
                _log.info("the runner is replaced: %s", _reason(outcome))
                self.end()
                self.start()  # while nobody waits for it

    def end(self) -> None:
        """End the process and all that it has started, at once, and wait until it is gone."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        family = _family(process.pid)
        with suppress(OSError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)
        for member in family:  # those that have left the group
            with suppress(psutil.Error):
                member.kill()
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        process.wait()
        _log.debug("runner %d has ended, with %d processes that it had started", process.pid, len(family))

    def _attend(self, request: dict[str, Any], seconds: float, wanted: Wanted) -> Outcome | None:
        progress: Progress | None = None
        begun = asked = time.monotonic()
        limit = seconds if self._ready else _STARTING
        if self._ready:
            self._ask(request)
        for tick in itertools.count():
            with suppress(queue.Empty):
                line = self._lines.get(timeout=_TICK)
                if not line:
                    return None
                answer = json.loads(line)
                if "ready" in answer:
                    self._ready, begun, limit = True, time.monotonic(), seconds
                    self._ask(request)
                elif "progress" in answer:
                    progress = Progress(*answer["progress"])
                else:
                    return Answered(answer)
            now = time.monotonic()
            if now - asked >= _LOOK_EVERY:
                if not wanted(progress):
                    return Unwanted()
                asked, progress = now, None
            if now - begun >= limit:
                return Overtime(seconds) if self._ready else Died(f"its process did not start within {limit:g} s")
            if self._resident(family=tick % _FAMILY_EVERY == 0) > self._memory:
                return Overgrown(self._memory)
        return None

    def _ask(self, request: dict[str, Any]) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):  # it has just ended, which shows in its silence
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()

    def _resident(self, family: bool = True) -> int:
        """Bytes in memory of the process, and of those it has started."""
        pid = self.pid
        if pid is None:
            return 0
        total = 0
        with suppress(psutil.Error):
            for member in [psutil.Process(pid), *(_family(pid) if family else ())]:
                with suppress(psutil.Error):
                    total += member.memory_info().rss
        return total

    def _ending(self) -> str:
        process = self._process
        if process is None:
            return "its worker ended it"
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(5)
            if code >= 0:
                return f"its process ended by itself (exit code {code})"
            with suppress(ValueError):
                return f"its process was ended by {signal.Signals(-code).name}"
        return "its process fell silent"


def _reason(outcome: Outcome | None) -> str:
    """Why a runner is not kept, for the log."""
    if isinstance(outcome, Died):
        return outcome.why
    if isinstance(outcome, Answered):
        return "a verb failed in it" if "fault" in outcome.answer else "it has grown"
    return "it was interrupted" if outcome is None else f"its work was ended ({type(outcome).__name__.lower()})"


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def _listen(source: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with suppress(OSError, ValueError):  # closed under our hands
        for line in source:
            lines.put(line)
    lines.put(b"")
