"""The studio as the server has it: settings, jobs, workers, and the processes that look at files.

with Studio(settings) as studio:
    app = create_app(studio)
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Annotated

import anyio
from fastapi import Depends
from starlette.requests import HTTPConnection

from flamingo.jobs import Job, Jobs, Workers
from flamingo.private import make_private, private_folder
from flamingo.studio.events import Feed
from flamingo.studio.problems import TooMany
from flamingo.studio.schemas import JobOut, job_out
from flamingo.studio.settings import StudioSettings
from flamingo.studio.thumbnails import Thumbnails
from flamingo.studio.upload_check import Inspection
from flamingo.studio.waiting import Waiting, progress_left

__all__ = ["Current", "Studio"]

_log = logging.getLogger(__name__)

_COUNT_EVERY = 0.5
_STALE = 86400.0


class Studio:
    """Everything that a request may need. Opened by `with`, which starts the workers, and closed with them.

    `looking` is how many files are looked at side by side, and `making` how many thumbnails are made, for threads:
    who waits there keeps no other request waiting. `stopping` is set when the server ends, so that streams end too.
    Raises DatabaseError.
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.jobs = Jobs(settings.jobs)
        self.store = self.jobs.store
        self.inspection = Inspection(settings.inspectors, ready=1)
        # One of their own, so that a page need not wait until other people's uploads are looked at.
        self.drawing = Inspection(1, ready=0)
        self.thumbnails = Thumbnails(settings.jobs.data / "thumbnails", self.store, self.drawing)
        self.workers = Workers(settings.jobs, settings.workers, short=(settings.workers + 1) // 2)
        self.incoming = settings.jobs.data / "incoming"
        self.stopping = asyncio.Event()
        self.looking = anyio.CapacityLimiter(settings.inspectors)
        self.making = anyio.CapacityLimiter(1)
        self.receiving = asyncio.Semaphore(settings.limits.at_once)
        short = (settings.workers + 1) // 2
        self.waiting = Waiting(self.jobs, {"long": settings.workers, "short": short})
        self.feed = Feed(self.jobs, self.places)
        self._open = ExitStack()
        self._counted = (0.0, {"queued": 0, "running": 0})

    def __enter__(self) -> Studio:
        data = self.settings.jobs.data
        private_folder(data)
        private_folder(self.incoming)
        names = (
            "files",
            "thumbnails",
            "work",
            "slots",
            "unfinished",
            "logs",
            "ratings.sqlite",
            "token",
            "cookie-secret",
        )
        make_private(*(data / name for name in names), *data.glob("*.sqlite*"), *(data / "slots").glob("*.lock"))
        self._forget_broken_off()
        with ExitStack() as stack:
            stack.enter_context(self.jobs)
            stack.enter_context(self.inspection)
            stack.enter_context(self.drawing)
            stack.enter_context(self.workers)
            self._open = stack.pop_all()
        _log.info("the studio is open; workers: %d", self.settings.workers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        _log.info("the studio closes")
        self._open.close()

    def places(self) -> Mapping[str, int]:
        """The place in the queue of each job that waits, from 1."""
        return self.waiting.places()

    def shown(self, job: Job) -> JobOut:
        """A job as the API shows it."""
        if job.state == "queued":
            queue_place, left = self.waiting.of(job.id)
            return job_out(job, queue_place, left)
        if job.state == "running":
            return job_out(job, None, progress_left(job, self.waiting.usual(job.verb)))
        return job_out(job)

    def counts(self) -> dict[str, int]:
        """How many jobs wait and run, counted twice a second at most."""
        at, counts = self._counted
        if time.monotonic() - at > _COUNT_EVERY:
            counts = self.jobs.stats()
            self._counted = (time.monotonic(), counts)
        return counts

    def check_queue(self) -> None:
        """Raise TooMany if the queue is full."""
        most = self.settings.limits.waiting
        if (waiting := self.counts()["queued"]) >= most:
            raise TooMany("the queue", f"{waiting} jobs wait, and {most} may", "wait until some are done", 10.0, most)

    def tend(self) -> None:
        """Delete the files that no job needs, and thumbnails of none."""
        self.jobs.sweep()
        self.thumbnails.tidy()
        self._forget_broken_off()

    def _forget_broken_off(self) -> None:
        """Uploads that a server left behind when it was killed."""
        for folder in self.incoming.iterdir():
            if _age(folder) > _STALE:
                _log.info("an upload that was broken off is removed")
                shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _current(connection: HTTPConnection) -> Studio:
    studio: Studio = connection.app.state.studio
    return studio


Current = Annotated[Studio, Depends(_current)]
"""The studio, as an argument of a route."""
