"""What workers write about jobs: that one is begun, how far it is, how it ended.

Beginning a job takes its next token, and everything written afterwards names the token. A worker that was thought
dead, or whose job has been cancelled, so writes nothing: its token is no longer the last, or the job no longer runs.
That is what makes a result count once, however often the work was done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from flamingo.errors import one_line
from flamingo.jobs.job import ACTIVE, Failure, Input, Progress, Result
from flamingo.jobs.repository import note
from flamingo.jobs.search import words_of
from flamingo.jobs.settings import Settings
from flamingo.jobs.tables import Database, files, jobs

__all__ = ["Leases", "Task"]

_log = logging.getLogger(__name__)

_HINT = "the inputs are kept: retry it, with less asked of it if it wanted too much memory"


@dataclass(frozen=True)
class Task:
    """A job that was begun, and the token that says by whom."""

    job: str
    verb: str
    parameters: dict[str, Any]
    inputs: Mapping[str, tuple[Input, ...]]
    token: int


class Leases:
    """The rows of the jobs, as workers change them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def begin(self, job: str, round_: int, slot: str) -> Task | None:
        """Begin the job, unless it is over, cancelled, in another round, or has been begun too often; then None."""
        with self._database.write() as connection:
            query = sa.select(jobs).where(jobs.c.id == job).with_for_update()
            row = connection.execute(query).mappings().one_or_none()
            if row is None or row["round"] != round_ or row["state"] not in ACTIVE:
                return None
            attempts, interruptions = row["attempts"] + 1, row["interruptions"]
            if row["state"] == "running":  # whoever began it is gone, which is not the job's fault
                attempts, interruptions = row["attempts"], interruptions + 1
                note(connection, job, "interrupted")
                _log.info("job %s was interrupted: whoever began it is gone", job)
            if interruptions > self._settings.interruptions:
                _give_up(connection, row, f"its worker ended {interruptions} times while it ran")
                return None
            begun: dict[str, Any] = {"attempts": attempts, "interruptions": interruptions, "token": row["token"] + 1}
            fresh = {"started": time.time(), "done": 0, "all": 0, "message": ""}
            rising = {"revision": jobs.c.revision + 1}
            connection.execute(
                jobs.update().where(jobs.c.id == job).values(state="running", **begun, **fresh, **rising)
            )
            note(connection, job, "begun", attempt=attempts, slot=slot)
            _log.info("job %s (%s) is begun by %s, attempt %d", job, row["verb"], slot, attempts)
            its = sa.select(files).where(files.c.job == job, files.c.role == "input").order_by(files.c.place)
            inputs: dict[str, tuple[Input, ...]] = {}
            for file in connection.execute(its).mappings():
                so_far = inputs.get(file["option"], ())
                inputs[file["option"]] = (*so_far, Input(file["sha256"], file["name"]))
            return Task(job, row["verb"], row["parameters"], inputs, begun["token"])

    def wanted(self, task: Task, progress: Progress | None) -> bool:
        """Write progress down, if there is any; whether the task is still ours and wanted."""
        with self._database.write() if progress else self._database.read() as connection:
            if progress is None:
                query = sa.select(jobs.c.id).where(*_ours(task))
                return connection.execute(query).scalar_one_or_none() is not None
            message = one_line(progress.message)
            return _change(connection, task, done=progress.done, all=progress.all, message=message)

    def finish(self, task: Task, results: Sequence[Result], failures: Sequence[Failure]) -> bool:
        """The job is done, with these results, all in one transaction; False if it is no longer ours to say."""
        names = [file.name for many in task.inputs.values() for file in many] + [result.name for result in results]
        words = words_of(task.verb, task.parameters, names)
        with self._database.write() as connection:
            over: dict[str, Any] = {"state": "done", "ended": time.time(), "words": words}
            over |= {"done": jobs.c.all, "message": "", "error": None}
            if not _change(connection, task, **over, failures=[asdict(f) for f in failures]):
                _log.info("job %s was finished by one that does not have it any more: nothing is written", task.job)
                return False
            connection.execute(files.delete().where(files.c.job == task.job, files.c.role != "input"))
            rows = [row for i, result in enumerate(results) for row in _rows(task.job, i, result)]
            if rows:
                connection.execute(files.insert(), rows)
            note(connection, task.job, "done", token=task.token, sha256=[result.sha256 for result in results])
        _log.info("job %s is done: %d results, %d failures", task.job, len(results), len(failures))
        return True

    def fail(self, task: Task, error: Failure, failures: Sequence[Failure] = ()) -> None:
        """The job cannot be done, and trying again would not help."""
        with self._database.write() as connection:
            columns = {"error": asdict(error), "failures": [asdict(f) for f in failures]}
            if _change(connection, task, state="failed", ended=time.time(), **columns):
                note(connection, task.job, "failed", why=str(error))
                _log.info("job %s (%s) has failed: %s", task.job, task.verb, error.kind)
                _log.debug("job %s: %s", task.job, error)

    def died(self, task: Task, why: str, traceback: str = "") -> None:
        """Its process ended before its work did: queued again, or failed if that has happened too often. traceback:
        of what nobody foresaw, kept with the event."""
        with self._database.write() as connection:
            query = sa.select(jobs).where(*_ours(task)).with_for_update()
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return
            note(connection, task.job, "died", why=why, **({"traceback": traceback} if traceback else {}))
            _log.warning(
                "job %s (%s): its runner failed; `flamingo jobs show %s` says why", *(task.job, task.verb, task.job)
            )
            _log.debug("job %s: %s", task.job, why)
            if row["attempts"] >= self._settings.attempts:
                times = f"{row['attempts']} times" if row["attempts"] > 1 else "once"
                _give_up(connection, row, f"it was tried {times}, and the last time {why}")
            else:
                _change(connection, task, state="queued", message=f"trying again, for {why}")

    def put_back(self, task: Task) -> None:
        """The worker stops: the job waits for the next one, and this beginning does not count."""
        with self._database.write() as connection:
            if _change(connection, task, state="queued", attempts=jobs.c.attempts - 1, message=""):
                note(connection, task.job, "put back")
                _log.info("job %s waits for the next worker", task.job)

    def any_waiting(self) -> bool:
        """Whether any job waits to be begun."""
        with self._database.read() as connection:
            query = sa.select(jobs.c.id).where(jobs.c.state == "queued").limit(1)
            return connection.execute(query).scalar_one_or_none() is not None

    def active(self, before: float) -> list[tuple[str, int]]:
        """Id and round of the jobs that wait or run and were asked for before this time."""
        query = sa.select(jobs.c.id, jobs.c.round).where(jobs.c.state.in_(ACTIVE), jobs.c.created < before)
        with self._database.read() as connection:
            return [(row.id, row.round) for row in connection.execute(query)]

    def next_round(self, job: str, round_: int) -> bool:
        """The queue has finished with this round and the job is not over: another one; False if it is over by now."""
        with self._database.write() as connection:
            stuck = jobs.c.id == job, jobs.c.round == round_, jobs.c.state.in_(ACTIVE)
            changed = {"round": round_ + 1, "revision": jobs.c.revision + 1}
            if connection.execute(jobs.update().where(*stuck).values(**changed)).rowcount == 0:
                return False
            note(connection, job, "queued again")
        return True


def _ours(task: Task) -> tuple[sa.ColumnElement[bool], ...]:
    return jobs.c.id == task.job, jobs.c.token == task.token, jobs.c.state == "running"


def _change(connection: sa.Connection, task: Task, **values: Any) -> bool:
    changed = jobs.update().where(*_ours(task)).values(**values, revision=jobs.c.revision + 1)
    return connection.execute(changed).rowcount == 1


def _give_up(connection: sa.Connection, row: sa.RowMapping, why: str) -> None:
    error = asdict(Failure("GaveUp", row["verb"], why, _HINT))
    over = {"state": "failed", "ended": time.time(), "error": error, "revision": jobs.c.revision + 1}
    connection.execute(jobs.update().where(jobs.c.id == row["id"]).values(**over))
    note(connection, row["id"], "failed", why=why)
    _log.warning("job %s (%s) is given up", row["id"], row["verb"])


def _rows(job: str, index: int, result: Result) -> Iterator[dict[str, Any]]:
    details = {"recipe": result.recipe, "notes": list(result.notes), "about": result.about}
    same = {"name": result.name, "sha256": result.sha256, "size": result.size, "media_type": result.media_type}
    yield {"job": job, "role": "result", "place": index, **same, "details": details}
    if result.sidecar:
        beside = {
            "name": f"{result.name}.json",
            "sha256": result.sidecar,
            "size": 0,
            "media_type": "application/json",
        }
        yield {"job": job, "role": "sidecar", "place": index, **beside, "details": {}}
