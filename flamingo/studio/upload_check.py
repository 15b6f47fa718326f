"""The studio's side of the processes that look at uploads: a few of them, each ended when it takes too long.

Processor time is what counts, so a busy machine makes no file unreadable; the clock is only a last resort.
"""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from functools import partial
from typing import Any

from flamingo.errors import BadInput
from flamingo.processes.host import CannotStart, ChildError, ChildTimeout, Host
from flamingo.studio.problems import Unavailable

__all__ = ["Inspection"]

_FAMILY_AFTER = 0.5
_PATIENCE = 8.0  # times the processor time that is allowed
_STARTING = 60.0
_REQUESTS_PER_PROCESS = 500  # bounds whatever a codec may leak
# One thread each: there are other processes for the other cores, and processor time is then also time.
_ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "VIPS_WARNING": "1", "OMP_NUM_THREADS": "1"}


class Inspection:
    """Processes that answer one request each at a time; `ask` waits for one that is free. For any thread.

    Args:
        processes: at most so many at once.
        ready: so many of them start at once, so that who comes first need not wait; the others when they are needed,
            for each takes half a second of a core and 40 MB.
    """

    def __init__(self, processes: int, ready: int) -> None:
        self._free: queue.LifoQueue[Host] = queue.LifoQueue()
        host = partial(Host, "flamingo.studio.upload_check_worker", _ENVIRONMENT, requests=_REQUESTS_PER_PROCESS)
        self._all = [host() for _ in range(processes)]
        self._ready = ready
        self._closed = False

    def __enter__(self) -> Inspection:
        for host in self._all:
            self._free.put(host)
        for host in self._all[len(self._all) - self._ready :]:  # the last in is the first out
            host.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed = True
        for host in self._all:
            host.end()

    def ask(self, task: str, name: str, seconds: float, **request: Any) -> Any:
        """Have a task of `upload_check_worker` done within so many seconds of processor time. name: what messages
        call the file. Raises what the task raises, and BadInput if it takes too long or ends the process."""
        host = self._free.get()
        try:
            return _answer(host, name, seconds, {"task": task, "name": name, "seconds": seconds, **request})
        finally:
            if not self._closed:
                with suppress(CannotStart):  # which the next request tells
                    host.start()
            self._free.put(host)

    @property
    def pids(self) -> list[int]:
        """Of the processes that are there now."""
        return [pid for host in self._all if (pid := host.pid) is not None]


def _answer(host: Host, name: str, seconds: float, request: dict[str, Any]) -> Any:
    try:
        host.wait_ready(_STARTING)
    except (ChildError, CannotStart) as error:
        raise Unavailable(name, "no process can be started to look at it", "try again later") from error
    too_long = BadInput(name, "it takes too long to read", "export it again from its source")
    begun, spent = time.monotonic(), _spent(host, started=False)

    def watch() -> None:
        if _spent(host, started=time.monotonic() - begun > _FAMILY_AFTER) - spent > seconds:
            raise too_long

    try:
        answer, _ = host.request(request, timeout=_PATIENCE * seconds, watch=watch)
    except ChildTimeout:
        raise too_long from None
    except ChildError as error:
        raise BadInput(name, "it makes the decoder fail", "export it again from its source") from error
    return answer["result"]


def _spent(host: Host, started: bool) -> float:
    """Processor time of a process, and of those that it has started and that have ended; started: also of those that
    are still there, for which all processes must be looked through."""

    def of(process: Any) -> float:
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    return host.total(of, started)
