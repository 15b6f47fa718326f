"""What is written down of the jobs on a person's behalf: asking for one, looking, cancelling, the bin.

Every change is one transaction, with its event. `leases` has the other half: what workers write.
"""

from __future__ import annotations

import re
import secrets
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from flamingo.errors import BadRequest, one_line
from flamingo.jobs.errors import NoSuchJob, WrongState
from flamingo.jobs.job import ACTIVE, Failure, Input, Job, Progress, Result, State
from flamingo.jobs.search import folded, matching, words_of
from flamingo.jobs.tables import Database, events, files, jobs

__all__ = ["LONGEST_TITLE", "Pulse", "Repository", "note"]

LONGEST_TITLE = 200
_REMEMBERED = 86400.0  # seconds that it is known which jobs were purged, for those who follow them


@dataclass(frozen=True)
class Pulse:
    """What has changed. seq: number of the last event; changed: jobs with an event after the number that was given;
    active: the revision of each job that waits or runs, the oldest first."""

    seq: int
    changed: frozenset[str]
    active: Mapping[str, int]


class Repository:
    """The rows of the jobs, as people read and change them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        verb: str,
        parameters: Mapping[str, Any],
        inputs: Mapping[str, Sequence[Input]],
        request: str,
        reuse: bool,
    ) -> tuple[str, bool]:
        """Write a new job down, queued; its id, and whether it is new. With `reuse` a job with the same request that
        waits, runs or is done stands in for it."""
        with self._database.write() as connection:
            if reuse:
                self._database.alone(connection, request)
                same = sa.select(jobs.c.id).where(jobs.c.request == request, jobs.c.deleted.is_(None))
                same = same.where(jobs.c.state.in_((*ACTIVE, "done"))).order_by(jobs.c.created.desc()).limit(1)
                same_job = connection.execute(same).scalar_one_or_none()
                if same_job is not None:
                    return str(same_job), False
            job = secrets.token_hex(16)
            now = time.time()
            named_inputs = [(option, file) for option, many in inputs.items() for file in many]
            words = words_of(verb, parameters, [file.name for _, file in named_inputs])
            row = {"id": job, "verb": verb, "parameters": dict(parameters), "request": request, "words": words}
            connection.execute(jobs.insert().values(**row, state="queued", created=now))
            if named_inputs:
                rows = [
                    {"job": job, "role": "input", "place": i, "option": option, "name": f.name, "sha256": f.sha256}
                    for i, (option, f) in enumerate(named_inputs)
                ]
                connection.execute(files.insert(), rows)
            note(connection, job, "submitted")
        return job, True

    def get(self, job: str) -> Job:
        """The job. Raises NoSuchJob."""
        _check(job)
        with self._database.read() as connection:
            matches = _jobs(connection, sa.select(jobs).where(jobs.c.id == job))
        if not matches:
            raise no_such_job(job)
        return matches[0]

    def revision(self, job: str) -> int:
        """What rises with every change of the job. Raises NoSuchJob."""
        _check(job)
        with self._database.read() as connection:
            revision = connection.execute(sa.select(jobs.c.revision).where(jobs.c.id == job)).scalar_one_or_none()
        if revision is None:
            raise no_such_job(job)
        return int(revision)

    def many(self, ids: Sequence[str]) -> list[Job]:
        """Those of these jobs that are known."""
        existing = []
        with self._database.read() as connection:
            for i in range(0, len(ids), 500):  # databases limit the parameters of one statement
                existing += _jobs(connection, sa.select(jobs).where(jobs.c.id.in_(ids[i : i + 500])))
        return existing

    def pulse(self, since: int | None) -> Pulse:
        """What changed after the event of this number (None: nothing is asked for but where things stand)."""
        with self._database.read() as connection:
            seq = int(connection.execute(sa.select(sa.func.max(events.c.seq))).scalar_one() or 0)
            changed: frozenset[str] = frozenset()
            if since is not None and seq > since:
                query = sa.select(events.c.job).where(events.c.seq > since).distinct()
                changed = frozenset(connection.execute(query).scalars())
            waiting = sa.select(jobs.c.id, jobs.c.revision).where(jobs.c.state.in_(ACTIVE))
            rows = connection.execute(waiting.order_by(jobs.c.created, jobs.c.id)).all()
        return Pulse(seq, changed, {row.id: row.revision for row in rows})

    def waiting(self) -> list[tuple[str, str]]:
        """Id and verb of the jobs that wait, in the order in which they were put into the queue."""
        put = sa.select(events.c.job, sa.func.max(events.c.at).label("at"))
        put = put.where(events.c.kind.in_(("submitted", "retried", "queued again")))
        queued = sa.select(jobs.c.id).where(jobs.c.state == "queued")
        times = put.where(events.c.job.in_(queued)).group_by(events.c.job).subquery()
        query = sa.select(jobs.c.id, jobs.c.verb).join(times, times.c.job == jobs.c.id)
        query = query.where(jobs.c.state == "queued").order_by(times.c.at, jobs.c.created, jobs.c.id)
        with self._database.read() as connection:
            return [(row.id, row.verb) for row in connection.execute(query)]

    def running(self) -> list[tuple[str, str, float, float]]:
        """Of the jobs that run: id, verb, when it was begun, and the share that is done (0: nobody knows)."""
        query = sa.select(jobs.c.id, jobs.c.verb, jobs.c.started, jobs.c.done, jobs.c.all)
        with self._database.read() as connection:
            rows = connection.execute(query.where(jobs.c.state == "running"))
            return [(row.id, row.verb, row.started or 0.0, row.done / max(1, row.all)) for row in rows]

    def durations(self) -> dict[str, float]:
        """The median of the seconds that the last twenty jobs of each verb took."""
        seconds_by_verb: dict[str, list[float]] = {}
        query = sa.select(jobs.c.verb, jobs.c.started, jobs.c.ended).where(jobs.c.state == "done")
        query = query.where(jobs.c.started.is_not(None), jobs.c.ended.is_not(None))
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(jobs.c.created.desc()).limit(200)):
                its = seconds_by_verb.setdefault(row.verb, [])
                if len(its) < 20:
                    its.append(max(0.0, row.ended - row.started))
        return {verb: statistics.median(its) for verb, its in seconds_by_verb.items()}

    def page(
        self,
        limit: int,
        before: str | None,
        in_bin: bool,
        state: State | None,
        verb: str | None,
        favourite: bool | None,
        search: str,
    ) -> list[Job]:
        """At most `limit` jobs, newest first, older than the job `before` and as wanted. Raises NoSuchJob for that
        one, and BadRequest for a very long search."""
        query = sa.select(jobs).where(jobs.c.deleted.is_not(None) if in_bin else jobs.c.deleted.is_(None))
        if state is not None:
            query = query.where(jobs.c.state == state)
        if verb is not None:
            query = query.where(jobs.c.verb == verb)
        if favourite is not None:
            query = query.where(jobs.c.favourite.is_(favourite))
        query = query.where(*matching(search))
        with self._database.read() as connection:
            if before is not None:
                _check(before)
                at = connection.execute(sa.select(jobs.c.created).where(jobs.c.id == before)).scalar_one_or_none()
                if at is None:
                    raise no_such_job(before)
                query = query.where(sa.tuple_(jobs.c.created, jobs.c.id) < sa.tuple_(at, before))
            return _jobs(connection, query.order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(limit))

    def events(self, job: str) -> list[dict[str, Any]]:
        """What happened to the job, in order: at (seconds since the epoch), kind, details."""
        query = sa.select(events.c.at, events.c.kind, events.c.details).where(events.c.job == job)
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(query.order_by(events.c.seq)).mappings()]

    def cancel(self, job: str) -> None:
        """Cancelled from now on, if it waits or runs; whoever works on it finds out. Raises NoSuchJob."""
        with self._database.write() as connection:
            if _locked(connection, job)["state"] in ACTIVE:
                _change(connection, job, state="cancelled", ended=time.time())
                note(connection, job, "cancelled")

    def retry(self, job: str) -> int:
        """Queued again, with the same inputs; the number of the round. Raises NoSuchJob, or WrongState unless it has
        failed or was cancelled."""
        with self._database.write() as connection:
            row = _locked(connection, job)
            if row["state"] not in ("failed", "cancelled"):
                raise WrongState("this job", f"it is {row['state']}", "only what failed or was cancelled can be")
            round_ = int(row["round"]) + 1
            fresh = {"attempts": 0, "interruptions": 0, "done": 0, "all": 0, "message": ""}
            over: dict[str, Any] = {"error": None, "failures": [], "started": None, "ended": None, "deleted": None}
            _change(connection, job, state="queued", round=round_, **fresh, **over)
            note(connection, job, "retried")
        return round_

    def delete(self, job: str) -> None:
        """Into the bin, cancelled if it was not over. Raises NoSuchJob."""
        self.cancel(job)
        with self._database.write() as connection:
            if _locked(connection, job)["deleted"] is None:
                _change(connection, job, deleted=time.time())
                note(connection, job, "deleted")

    def restore(self, job: str) -> None:
        """Out of the bin. Raises NoSuchJob."""
        with self._database.write() as connection:
            if _locked(connection, job)["deleted"] is not None:
                _change(connection, job, deleted=None)
                note(connection, job, "restored")

    def mark(self, job: str, favourite: bool | None, title: str | None) -> None:
        """Mark the job, as far as that is given. Raises NoSuchJob, or BadRequest for a title that is too long."""
        marks: dict[str, Any] = {} if favourite is None else {"favourite": favourite}
        if title is not None:
            marks["title"] = _plain_title(title)
        with self._database.write() as connection:
            row = _locked(connection, job)
            changed = {name: value for name, value in marks.items() if row[name] != value}
            if changed:
                _change(connection, job, **changed, title_words=folded(changed.get("title", row["title"])))
                note(connection, job, "marked", **changed)

    def count(self) -> dict[str, int]:
        """How many jobs wait and how many run."""
        query = sa.select(jobs.c.state, sa.func.count().label("number")).where(jobs.c.state.in_(ACTIVE))
        query = query.group_by(jobs.c.state)
        with self._database.read() as connection:
            counts = {row.state: row.number for row in connection.execute(query)}
        return {state: counts.get(state, 0) for state in ACTIVE}

    def binned(self, before: float) -> list[str]:
        """Ids of the jobs that were put into the bin before this time."""
        with self._database.read() as connection:
            return list(connection.execute(sa.select(jobs.c.id).where(jobs.c.deleted <= before)).scalars())

    def purge(self, job: str) -> tuple[int, float, set[str]]:
        """Forget the job for good: its rounds, when it was last in use, and the hashes of its files that no other job
        refers to. Raises NoSuchJob, or WrongState if it is not in the bin."""
        with self._database.write() as connection:
            row = _locked(connection, job)
            if row["deleted"] is None:
                raise WrongState("this job", "it is not in the bin", "delete it first")
            its = set(connection.execute(sa.select(files.c.sha256).where(files.c.job == job)).scalars())
            connection.execute(files.delete().where(files.c.job == job))
            # Written before the others go, so that the number of the last event never falls.
            note(connection, job, "purged")
            old = sa.and_(events.c.kind == "purged", events.c.at < time.time() - _REMEMBERED)
            its_own = sa.and_(events.c.job == job, events.c.kind != "purged")
            connection.execute(events.delete().where(sa.or_(its_own, old)))
            connection.execute(jobs.delete().where(jobs.c.id == job))
            shared = set(connection.execute(sa.select(files.c.sha256).where(files.c.sha256.in_(its))).scalars())
        return int(row["round"]), float(row["ended"] or row["created"]), its - shared

    def hashes(self) -> set[str]:
        """Of every file that some job refers to, those in the bin included."""
        with self._database.read() as connection:
            return set(connection.execute(sa.select(files.c.sha256).distinct()).scalars())


def note(connection: sa.Connection, job: str, kind: str, **details: Any) -> None:
    """Add an event."""
    connection.execute(events.insert().values(job=job, at=time.time(), kind=kind, details=details))


def no_such_job(job: str) -> NoSuchJob:
    return NoSuchJob("this job", "no such job is known here", "it may have been deleted; look it up in the list")


def _plain_title(title: str) -> str:
    """On one line, nothing in it that disguises it. Raises BadRequest if it is longer than a title may be."""
    plain = one_line(" ".join(title.split()))
    if len(plain) > LONGEST_TITLE:
        raise BadRequest("the title", f"it has more than {LONGEST_TITLE} characters", "shorten it")
    return plain


def _check(job: str) -> None:
    """Raise NoSuchJob for what cannot be the id of one, and might disagree with the database."""
    if not re.fullmatch(r"[0-9a-f]{32}", job):
        raise no_such_job(job)


def _locked(connection: sa.Connection, job: str) -> Mapping[str, Any]:
    _check(job)
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job).with_for_update()).mappings().one_or_none()
    if row is None:
        raise no_such_job(job)
    return dict(row)


def _change(connection: sa.Connection, job: str, **values: Any) -> None:
    connection.execute(jobs.update().where(jobs.c.id == job).values(**values, revision=jobs.c.revision + 1))


def _jobs(connection: sa.Connection, query: sa.Select[Any]) -> list[Job]:
    rows = [dict(row) for row in connection.execute(query).mappings()]
    its = sa.select(files).where(files.c.job.in_([row["id"] for row in rows])).order_by(files.c.place)
    file_rows = [dict(row) for row in connection.execute(its).mappings()]
    return [_job(row, [f for f in file_rows if f["job"] == row["id"]]) for row in rows]


def _job(row: Mapping[str, Any], its: Iterable[Mapping[str, Any]]) -> Job:
    inputs: dict[str, tuple[Input, ...]] = {}
    results: dict[int, Result] = {}
    sidecars: dict[int, str] = {}
    for file_row in its:
        if file_row["role"] == "input":
            so_far = inputs.get(file_row["option"], ())
            inputs[file_row["option"]] = (*so_far, Input(file_row["sha256"], file_row["name"]))
        elif file_row["role"] == "sidecar":
            sidecars[file_row["place"]] = file_row["sha256"]
        else:
            more = {**file_row["details"], "notes": tuple(file_row["details"]["notes"])}
            same = (file_row["name"], file_row["sha256"], file_row["size"], file_row["media_type"])
            results[file_row["place"]] = Result(*same, **more)
    plain = ("id", "verb", "parameters", "request", "state", "attempts", "interruptions", "favourite", "title")
    times = ("created", "started", "ended", "deleted", "revision")
    return Job(
        **{name: row[name] for name in (*plain, *times)},
        inputs=inputs,
        progress=Progress(row["done"], row["all"], row["message"]),
        results=tuple(replace(result, sidecar=sidecars.get(number, "")) for number, result in results.items()),
        error=Failure(**row["error"]) if row["error"] else None,
        failures=tuple(Failure(**failure) for failure in row["failures"]),
    )
