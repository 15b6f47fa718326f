"""Work on a Ray cluster: some processes there do what they are given, this one reads and writes.

`RAY_ADDRESS` says where the cluster is (as for every program that uses Ray); without it, one is started on this
computer. Files stay here, so nothing has to be shared but the network: what is needed of them travels as bytes and
arrays, and so do results. The code that paints is the same as without a cluster, and so are the results.

A node may be lost at any time. What was given to it is given to another, a few times at most.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import av
import cv2

import flamingo
from flamingo import weights
from flamingo.errors import BadRequest, FlamingoError, MissingExtra, one_line

__all__ = ["Job", "Pool"]

_CORES = 2
"""Processor cores for each process that paints: with more, one picture is hardly done sooner."""
_PATIENCE = 10.0  # seconds
_AHEAD = 2  # jobs for each process: the one that it does, and the next
_TRIES = 3
_LOOKS = 0.5  # seconds from one word about progress to the next


@dataclass(frozen=True)
class Job:
    """Something to be done on the cluster. name: what a person knows it by; do: a function of Flamingo, found there
    by its name; arguments: of it, among them what `Pool.shared` has returned."""

    name: str
    do: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass
class _Sent:
    job: Job
    holder: Any
    answer: Any
    tries: int = 1


class Holder:
    """A process of the cluster, which keeps the networks that it has loaded. here: what `versions` gave where the
    work comes from."""

    def __init__(self, threads: int, here: dict[str, str]) -> None:
        os.environ.setdefault("FLAMINGO_THREADS", str(threads))
        versions = _versions()
        self._other = [name for name, version in here.items() if versions.get(name) != version]

    def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """What the work gives, or the FlamingoError that it raises."""
        if self._other:
            why = f"it has another version of {', '.join(self._other)}"
            return BadRequest("the cluster", why, "install the same Flamingo there")
        try:
            return work(*arguments)
        except FlamingoError as error:
            return error


def _versions() -> dict[str, str]:
    """What decides how results look. Another FFmpeg would encode parts that cannot be joined with ours."""
    painters = {name: str(weights.entry(name)["version"]) for name in weights.models() if name.startswith("painter-")}
    return {"Flamingo": flamingo.__version__, "PyAV": av.__version__, "OpenCV": cv2.__version__, **painters}


class Pool:
    """Processes of the cluster, as many as it has room for.

    most: how many are of use. Raises MissingExtra without Ray, BadRequest if the cluster cannot be reached.
    """

    def __init__(self, most: int = 1000) -> None:
        self._ray = _joined()
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._threads = min(_CORES, cores)
        self._holder_class = self._ray.remote(num_cpus=self._threads)(Holder)
        self._busy = {self._new(): 0 for _ in range(max(1, min(cores // self._threads, most)))}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for holder in self._busy:
            self._ray.kill(holder)

    def shared(self, thing: Any) -> Any:
        """For the arguments of jobs: it travels to each node once."""
        return self._ray.put(thing)

    def results(self, jobs: Iterable[Any], waits: Callable[[], None]) -> Iterator[Any]:
        """The results of jobs, in order, or the FlamingoErrors that they raised. What is no `Job` comes back itself.

        waits: called now and then while a result is waited for; what it raises goes through.
        """
        following, line = iter(jobs), deque[Any]()
        nothing = object()
        while True:
            while len(line) < _AHEAD * len(self._busy) and (job := next(following, nothing)) is not nothing:
                line.append(self._sent(job) if isinstance(job, Job) else job)
            if not line:
                return
            first = line.popleft()
            yield self._awaited(first, waits) if isinstance(first, _Sent) else first

    def _new(self) -> Any:
        return self._holder_class.remote(self._threads, _versions())

    def _sent(self, job: Job) -> _Sent:
        holder = min(self._busy, key=lambda candidate: self._busy[candidate])
        self._busy[holder] += 1
        return _Sent(job, holder, holder.do.remote(job.do, *job.arguments))

    def _awaited(self, sent: _Sent, waits: Callable[[], None]) -> Any:
        ray = self._ray
        while True:
            while not ray.wait([sent.answer], timeout=_LOOKS)[0]:
                waits()
            try:
                return ray.get(sent.answer)
            except ray.exceptions.RayError as error:
                if isinstance(error, ray.exceptions.RayActorError):
                    self._give_up(sent.holder)
                if sent.tries == _TRIES:
                    why = f"the cluster failed {_TRIES} times ({_last_line(error)})"
                    return BadRequest(sent.job.name, why, "try again, or --on local")
            finally:
                if sent.holder in self._busy:
                    self._busy[sent.holder] -= 1
            again = self._sent(sent.job)
            sent = _Sent(again.job, again.holder, again.answer, sent.tries + 1)

    def _give_up(self, holder: Any) -> None:
        """A process is gone, perhaps with its node and all that were there. The others do its work; where none is
        left, one is started again."""
        self._busy.pop(holder, None)
        holder_by_request = {other.do.remote(_nothing): other for other in self._busy}
        answered = (
            self._ray.wait(list(holder_by_request), num_returns=len(holder_by_request), timeout=_LOOKS)[0]
            if holder_by_request
            else []
        )
        for answer in answered:  # the others are at work
            try:
                self._ray.get(answer)
            except self._ray.exceptions.RayError:
                self._busy.pop(holder_by_request[answer])
        if not self._busy:
            self._busy[self._new()] = 0


def _nothing() -> None:
    """For asking a process whether it is there."""


def _last_line(error: Exception) -> str:
    """What Ray says has the whole trace of calls in it; the error itself stands at its end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return one_line(lines[-1] if lines else type(error).__name__)[:120]


# -- the way there -------------------------------------------------------------------------------------------


def _knock(address: str | None) -> None:
    """Ray itself tries for minutes before it says that nobody is there."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _not_reached(address, error) from None


def _not_reached(address: str | None, error: Exception) -> BadRequest:
    why = f"it cannot be reached ({one_line(str(error))[:120]})"
    return BadRequest(f"the cluster {address or 'here'}", why, "check RAY_ADDRESS")


def _joined() -> Any:
    # Ray reports how it is used, hourly and to its makers, unless it is told not to before it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise MissingExtra.of("painting on a cluster", "ray", "ray") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        _knock(address)
        # A cluster on this computer needs neither a page nor a collector of figures.
        alone: dict[str, Any] = {} if address else {"include_dashboard": False}
        try:
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **alone)
        except Exception as error:  # Ray raises plain ones too, as where it could not start in time
            raise _not_reached(address, error) from None
    return ray
