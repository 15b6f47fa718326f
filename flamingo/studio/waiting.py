"""When a job will be done, roughly: its place in the queue, and the seconds that are left."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from flamingo.jobs import Job, Jobs

__all__ = ["Waiting", "seconds_left"]

_LOOK_EVERY = 0.5
_LEARN_EVERY = 30.0
_TELLING = 0.02
"""The share that must be done before it says anything of the rest."""


@dataclass
class Waiting:
    """What is known of the jobs that wait, looked up twice a second at most. workers: how many work on long jobs and
    on short ones. For any thread."""

    jobs: Jobs
    workers: Mapping[str, int]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked: float = -_LOOK_EVERY
    _learned: float = -_LEARN_EVERY
    _usual: dict[str, float] = field(default_factory=dict)
    _queued: dict[str, tuple[int, float | None]] = field(default_factory=dict)

    def of(self, job: str, fresh: bool = False) -> tuple[int | None, float | None]:
        """Place in the queue, from 1, and seconds until it is done; None where nobody knows. Raises DatabaseError."""
        with self._lock:
            if fresh or job not in self._queued or time.monotonic() - self._looked > _LOOK_EVERY:
                self._look()
            return self._queued.get(job, (None, None))

    def places(self) -> dict[str, int]:
        """The place of each job that waits, as it is now. Raises DatabaseError."""
        with self._lock:
            self._look()
            return {job: position for job, (position, _) in self._queued.items()}

    def usual(self, verb: str) -> float | None:
        """How many seconds a job of this verb takes, as far as is known. Raises DatabaseError."""
        with self._lock:
            return self._durations().get(verb)

    def _durations(self) -> dict[str, float]:
        if time.monotonic() - self._learned > _LEARN_EVERY:
            self._usual, self._learned = self.jobs.durations(), time.monotonic()
        return self._usual

    def _look(self) -> None:
        usual = self._durations()
        line = self.jobs.line()
        places = dict.fromkeys(self.workers, 0)
        ahead: dict[str, float | None] = dict.fromkeys(self.workers, 0.0)
        at_work = self.jobs.running() if line else []
        lanes = {job.id: self.jobs.lane(job) for job in self.jobs.many([running[0] for running in at_work])}
        for job, verb, started, share in at_work:
            lane = lanes.get(job, "long")
            ahead[lane] = _plus(ahead[lane], seconds_left(started, share, usual.get(verb)))
        self._queued = {}
        for lane, job, verb in line:
            places[lane] += 1
            own, before = usual.get(verb), ahead[lane]
            ahead[lane] = _plus(before, own)
            total = None if own is None or before is None else before / max(1, self.workers[lane]) + own
            self._queued[job] = (places[lane], total)
        self._looked = time.monotonic()


def seconds_left(started: float, share: float, usual: float | None, now: float | None = None) -> float | None:
    """Seconds until a job that runs is done: from the share that is done and the time that it took, or else from the
    time that such jobs usually take.

    Args:
        started: when it began, in seconds since the epoch.
        share: that is done, 0 to 1.
        usual: seconds that such jobs take, where that is known.
        now: in seconds since the epoch.

    Returns:
        None where nobody knows.
    """
    took = max(0.0, (time.time() if now is None else now) - started)
    if share >= _TELLING and took > 0:
        return took * (1 - min(1.0, share)) / share
    return None if usual is None else max(0.0, usual - took)


def _plus(before: float | None, more: float | None) -> float | None:
    return None if before is None or more is None else before + more


def progress_left(job: Job, usual: float | None) -> float | None:
    """Seconds until a job that runs is done."""
    share = job.progress.done / job.progress.all if job.progress.all > 0 else 0.0
    return seconds_left(job.started or time.time(), share, usual)
