"""All changes of all jobs, watched once for everybody: what `GET /api/events` sends.

One task asks the database four times a second while anybody listens, whatever the number of listeners. Each change
has a number; the last few hundred are kept, so that a listener whose connection broke gets what it missed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from flamingo.errors import FlamingoError
from flamingo.jobs import Job, Jobs

__all__ = ["Change", "Feed"]

_LOOK_EVERY = 0.25
_KEPT = 500
_BEHIND = 2000
"""Changes that a listener may have waiting before it is dropped; it then comes back and gets a snapshot."""


@dataclass(frozen=True)
class Change:
    """One change of one job. number: rises by one each time; job: as it is now, or None if it was purged."""

    number: int
    id: str
    job: Job | None


class Feed:
    """The changes of the jobs. For the event loop's thread alone.

    places: gives the place in the queue of each job that waits; a job whose place changes has changed.
    """

    def __init__(self, jobs: Jobs, places: Callable[[], Mapping[str, int]]) -> None:
        self._jobs = jobs
        self._places = places
        self._run = secrets.token_hex(4)  # numbers of another run of the server mean nothing here
        self._number = 0
        self._recent: deque[Change] = deque(maxlen=_KEPT)
        self._listeners: set[asyncio.Queue[Change | None]] = set()
        self._seq: int | None = None
        self._reported: dict[str, tuple[int, int | None]] = {}
        self._looking = asyncio.Lock()
        self._wake = asyncio.Event()

    def name(self, number: int) -> str:
        """The number as the id of a server-sent event."""
        return f"{self._run}-{number}"

    async def run(self) -> None:
        """Look for changes while anybody listens."""
        while True:
            await self._wake.wait()
            with suppress(FlamingoError, OSError):  # without a database now, perhaps with one later
                await self.look()
            await asyncio.sleep(_LOOK_EVERY)
            if not self._listeners:
                self._wake.clear()

    async def look(self) -> None:
        """Find what has changed since the last look, and tell it. Raises DatabaseError."""
        async with self._looking:
            changes = await run_in_threadpool(self._changes)
            for id_, job in changes:
                self._number += 1
                change = Change(self._number, id_, job)
                self._recent.append(change)
                for listener in list(self._listeners):
                    if listener.qsize() >= _BEHIND:
                        self._listeners.discard(listener)
                        listener.put_nowait(None)
                    else:
                        listener.put_nowait(change)

    def _changes(self) -> list[tuple[str, Job | None]]:
        pulse = self._jobs.pulse(self._seq)
        places = self._places()
        now = {job: (revision, places.get(job)) for job, revision in pulse.active.items()}
        changed = set(pulse.changed)
        if self._seq is not None:
            changed |= {job for job, state in now.items() if self._reported.get(job) != state}
            changed |= self._reported.keys() - now.keys()
        self._seq, self._reported = pulse.seq, now
        jobs = {job.id: job for job in self._jobs.many(sorted(changed))}
        order = {job: position for position, job in enumerate(now)}
        return [(job, jobs.get(job)) for job in sorted(changed, key=lambda job: (order.get(job, -1), job))]

    async def missed(self, last: str) -> list[Change] | None:
        """The changes after the one of this name, or None if that is not known any more."""
        await self.look()
        run, _, number = last.partition("-")
        if run != self._run or not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        oldest = self._recent[0].number if self._recent else self._number + 1
        if not oldest - 1 <= int(number) <= self._number:
            return None
        return [change for change in self._recent if change.number > int(number)]

    async def snapshot(self, ids: Iterable[str] | None) -> tuple[int, list[Job]]:
        """The number of the last change, and all jobs that wait or run, or those of these ids in any state."""
        await self.look()
        number = self._number
        job_ids = list(self._reported) if ids is None else sorted(ids)
        jobs_by_id = {job.id: job for job in await run_in_threadpool(self._jobs.many, job_ids)}
        return number, [jobs_by_id[job_id] for job_id in job_ids if job_id in jobs_by_id]

    async def changes(self, listener: asyncio.Queue[Change | None], patience: float) -> AsyncIterator[Change | None]:
        """Each change; None where there was none for so many seconds. Ends for a listener that is too slow."""
        while True:
            try:
                change = await asyncio.wait_for(listener.get(), patience)
            except TimeoutError:
                yield None
                continue
            if change is None:
                return
            yield change

    def listen(self) -> asyncio.Queue[Change | None]:
        """A queue for what changes from now on. Give it back to `leave`."""
        listener: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners.add(listener)
        self._wake.set()
        return listener

    def leave(self, listener: asyncio.Queue[Change | None]) -> None:
        """Tell that listener no more."""
        self._listeners.discard(listener)

    def end(self) -> None:
        """Let all listeners end."""
        for listener in self._listeners:
            listener.put_nowait(None)
        self._listeners.clear()


def gone(job: str) -> str:
    """What is told of a job that was purged."""
    return json.dumps({"id": job})
