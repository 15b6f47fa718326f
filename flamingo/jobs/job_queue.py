"""Which job is carried out next, where, and again after a crash: DBOS, kept to this one task.

A job is a DBOS workflow named "ID.ROUND" on the queue of its lane (`lanes`); each worker slot is a DBOS executor
under a name that stays the same, and takes one job of each lane at a time. DBOS's own record of a workflow holds
nothing but the id: parameters, progress and results are in our tables, since a write of DBOS's takes long enough to
be kept for what must survive.

Nothing leaves the machine: DBOS's services (Conductor, OTLP) are opt-in, and nobody opts in here.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, Queue, WorkflowStatus

from flamingo.errors import DiskFull, FlamingoError, one_line
from flamingo.jobs.errors import DatabaseError
from flamingo.jobs.lanes import Lane
from flamingo.jobs.locks import SlotLock
from flamingo.jobs.settings import Settings, private_database
from flamingo.jobs.tables import MAKE_ROOM, database_full

__all__ = ["BUSY", "IDLE", "RESTING", "SHORT", "JobQueue", "serve"]

# Ours, or DBOS would take a hash of the code and leave the jobs of the version before alone for ever.
_VERSION = "flamingo-1"
_NAME = "flamingo"
_QUEUES: dict[Lane, str] = {"long": "flamingo-jobs", "short": "flamingo-short-jobs"}
_WORKFLOW = "flamingo-job"

BUSY, SHORT, IDLE, RESTING = 0.03, 0.1, 0.25, 1.0
"""Seconds between two looks at a lane's queue: while jobs wait; while they wait and another lane is at work; while
none do; after twenty seconds of that. A look costs some ms of processor time, and a laptop that has nothing to do
should do nothing."""


class JobQueue:
    """The queue from outside: adding jobs, and finding those that are stuck. Raises DatabaseError if it cannot be
    reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        _keep_to_one_line()
        if settings.database is None:
            # Kept by the file: readers and the one writer do not wait for each other, and a write takes a quarter of
            # the time.
            private_database(settings, "queue")
            with closing(sqlite3.connect(settings.data / "queue.sqlite", timeout=30)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        url = settings.queue_url
        try:
            DBOS.migrate(url)
            self._engine = _engine(settings)
            self._client = DBOSClient(
                system_database_url=url, system_database_engine=self._engine, application_name=_NAME
            )
        except sa.exc.DBAPIError as error:
            raise _as_error(error) from None

    def add(self, job: str, round_: int, lane: Lane) -> None:
        """Put the job into the queue of its lane; adding it twice is adding it once. Raises DiskFull or
        DatabaseError."""
        where = {"workflow_name": _WORKFLOW, "queue_name": _QUEUES[lane], "app_version": _VERSION}
        with _in_words():
            self._client.enqueue({**where, "workflow_id": _id(job, round_)}, job, round_)  # type: ignore[typeddict-item]

    def missing(self, jobs: Iterable[tuple[str, int]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Of these jobs and rounds, those that the queue does not know, and those that it has finished with."""
        rounds = list(jobs)
        if not rounds:
            return [], []
        names = [_id(*job_round) for job_round in rounds]
        rows = self._client.list_workflows(workflow_ids=names, load_input=False, load_output=False)
        states = {row.workflow_id: row.status for row in rows}
        going = ("ENQUEUED", "PENDING", "DELAYED")
        unknown = [job_round for job_round in rounds if _id(*job_round) not in states]
        return unknown, [job_round for job_round in rounds if states.get(_id(*job_round), "PENDING") not in going]

    def take_over(self, mine: str) -> int:
        """Put the jobs of slots whose worker is gone back into the queue for everybody; how many. DBOS by itself
        keeps them for a worker of the same slot, which need not come back."""
        number = 0
        for slot in {row.executor_id for name in _QUEUES.values() for row in self._pending(name)} - {mine, None}:
            assert slot is not None
            lock = SlotLock(self._settings, slot)
            if not lock.take():
                continue
            try:
                for name in _QUEUES.values():
                    stranded = [row.workflow_id for row in self._pending(name, slot)]
                    if stranded:
                        self._client.resume_workflows(stranded, queue_name=name)
                    number += len(stranded)
            finally:
                lock.release()
        return number

    def forget(self, job: str, rounds: int) -> None:
        """Remove every trace of the job from the queue's database."""
        names = [_id(job, i) for i in range(1, rounds + 1)]
        there = self._client.list_workflows(workflow_ids=names, load_input=False, load_output=False)
        if there:
            self._client.delete_workflows([row.workflow_id for row in there])

    def close(self) -> None:
        self._client.destroy()
        if self._engine is not None:
            self._engine.dispose()

    def _pending(self, queue: str, slot: str | None = None) -> list[WorkflowStatus]:
        """What of a queue was begun and is not over: of all slots, or of this one."""
        return self._client.list_workflows(
            status="PENDING", queue_name=queue, executor_id=slot, load_input=False, load_output=False
        )


def serve(
    settings: Settings, slot: str, carry_out: Callable[[str, int], None], lanes: Sequence[Lane]
) -> dict[Lane, Queue]:
    """Make this process the worker of `slot`: from now on `carry_out(id, round)` is called for one job of each lane
    after another, beginning with those that the slot's last worker left. Once a process."""
    _keep_to_one_line()
    DBOS(
        config={
            "name": _NAME,
            "system_database_url": settings.queue_url,
            "system_database_engine": _engine(settings),
            "application_version": _VERSION,
            "executor_id": slot,
            "log_level": "ERROR",
            "enable_otlp": False,
            "sys_db_pool_size": 5,
            "notification_listener_polling_interval_sec": 60.0,  # nobody sends any
        }
    )

    # No steps: our own tables already say what was done, and `carry_out` begins by reading them. The number of
    # recoveries is not for DBOS to limit either, which would forget the job.
    @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
    def job(name: str, round_: int) -> None:
        carry_out(name, round_)

    # Or it would take the jobs of every queue that the database knows.
    DBOS.listen_queues([_QUEUES[lane] for lane in lanes])
    DBOS.launch()
    return {
        lane: DBOS.register_queue(_QUEUES[lane], worker_concurrency=1, polling_interval_sec=BUSY) for lane in lanes
    }


class _OneLine(logging.Filter):
    """What DBOS logs of a database that is full or gone, in one line in place of sixty."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, (sa.exc.SQLAlchemyError, FlamingoError, OSError)):
            why = str(getattr(error, "orig", None) or error)
            record.msg, record.args = f"{record.getMessage()} {one_line(' '.join(why.split()))}", ()
            record.exc_info = record.exc_text = None
        return True


def _keep_to_one_line() -> None:
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.ERROR)
    if not any(isinstance(log_filter, _OneLine) for log_filter in logger.filters):
        logger.addFilter(_OneLine())


def _engine(settings: Settings) -> sa.Engine | None:
    """As DBOS makes it for SQLite, except that a commit does not wait for the disk; for PostgreSQL DBOS's own.

    What a power cut takes from the queue (never its soundness: it is in WAL mode) is found missing by `_tend` in
    `worker`, since our own tables, which do wait, say what was asked for and what is over.
    """
    if settings.database is not None:
        return None
    engine = sa.create_engine(settings.queue_url)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _as_error(error) from None


def _as_error(error: sa.exc.DBAPIError) -> FlamingoError:
    """That the queue's database is gone, full or locked, in one line."""
    if database_full(error):
        return DiskFull("the queue's database", "there is no room left on its disk", MAKE_ROOM)
    why = " ".join(str(error.orig).split())
    return DatabaseError("the queue's database", why, "start it, or leave it out to use SQLite")


def _id(job: str, round_: int) -> str:
    return f"{job}.{round_}"
