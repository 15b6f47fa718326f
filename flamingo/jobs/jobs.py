"""Jobs, from the side of whoever asks for them: the one class that a server needs.

    jobs = Jobs(Settings.of())
    photo = jobs.store.put(upload)
    job = jobs.submit("paint", {"style": "great-wave"}, {"photos": [Input(photo.sha256, "cat.jpg")]})
    for job in jobs.watch(job.id):
        print(job.progress)
    jobs.store.open(job.results[0].sha256)

A job is written down before `submit` returns and carried out by workers, which are other processes (`supervisor`
starts some). Nothing is kept in this process, so it may end at any moment; several of them may use the same folder
and database at once. All methods block and may be called from any thread.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from flamingo import verbs
from flamingo.errors import BadRequest, DiskFull
from flamingo.jobs.errors import DatabaseError
from flamingo.jobs.job import Input, Job, State, plain_name
from flamingo.jobs.job_queue import JobQueue
from flamingo.jobs.lanes import Lane, lane_of
from flamingo.jobs.partial import PartialResults
from flamingo.jobs.repository import Pulse, Repository
from flamingo.jobs.settings import Settings
from flamingo.jobs.store import GRACE, Store
from flamingo.jobs.tables import Database

__all__ = ["Jobs"]

_LOOK_EVERY = 0.15
_LONGEST_PAGE = 500


class Jobs:
    """Jobs and their files. Raises DatabaseError if the database cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.verbs = verbs.known(settings.verbs)
        self.store = Store(settings.data / "files", quota=settings.quota, reserve=settings.reserve)
        self._database = Database(settings)
        self._repository = Repository(self._database)
        self._job_queue = JobQueue(settings)
        self._lanes: dict[str, Lane] = {}

    def __enter__(self) -> Jobs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the databases."""
        self._job_queue.close()
        self._database.close()

    def submit(
        self,
        verb: str,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Sequence[Input]] | None = None,
        *,
        reuse: bool = True,
    ) -> Job:
        """Ask for a job. parameters: JSON values, of those that `verbs[verb].controls` lists; inputs: files that are
        in the store, by option.

        reuse: a job with the same request (verb, parameters, content of the inputs, models) that waits, runs or is
        done stands in for a new one; so asking twice, after a reply that was lost for instance, does no harm.
        Raises BadRequest for what cannot be asked, and NoSuchFile for an input that is not in the store.
        """
        if verb not in self.verbs:
            raise BadRequest(f"verb {verb!r}"[:80], "there is none of this name", f"it is: {', '.join(self.verbs)}")
        description = self.verbs[verb]
        settled = description.validated(parameters or {})
        non_empty = {option: tuple(files) for option, files in (inputs or {}).items() if files}
        description.check_inputs(non_empty)
        for file in {file.sha256 for files in non_empty.values() for file in files}:
            self.store.touch(file)
        named = {option: [Input(f.sha256, plain_name(f.name)) for f in files] for option, files in non_empty.items()}
        identities = {
            o: [f"{f.sha256} {f.name}" if o in description.called else f.sha256 for f in named[o]] for o in named
        }
        request = verbs.request_hash(description, settled, identities)
        job, new = self._repository.add(verb, settled, named, request, reuse)
        if not new and not self._whole(job):
            job, new = self._repository.add(verb, settled, named, request, False)
        submitted = self.get(job)
        if new:
            self._put(submitted, 1)
        return submitted

    def get(self, job: str) -> Job:
        """The job of this id. Raises NoSuchJob."""
        return self._repository.get(job)

    def many(self, ids: Sequence[str]) -> builtins.list[Job]:
        """Those of these jobs that are known, in no order."""
        return self._repository.many(ids)

    def pulse(self, since: int | None = None) -> Pulse:
        """Which jobs changed after the event of this number, and which wait or run: cheap enough to be asked several
        times a second, for those who follow all jobs at once."""
        return self._repository.pulse(since)

    def list(
        self,
        limit: int = 50,
        before: str | None = None,
        *,
        in_bin: bool = False,
        state: State | None = None,
        verb: str | None = None,
        favourite: bool | None = None,
        search: str = "",
    ) -> builtins.list[Job]:
        """Jobs, newest first: at most `limit`, older than the job `before` (the last of the page before this one);
        those in the bin, or those that are not.

        state, verb, favourite: only those of which this is true, where it is given. search: only those of which every
        word occurs, capital or small, in the title, the verb, a parameter's value, or the name of an input or result.
        Raises NoSuchJob for `before`, and BadRequest for a search of more than 200 characters.
        """
        page = max(1, min(limit, _LONGEST_PAGE))
        return self._repository.page(page, before, in_bin, state, verb, favourite, search)

    def mark(self, job: str, *, favourite: bool | None = None, title: str | None = None) -> Job:
        """Make the job a favourite, or no longer; give it a title ("" for none), which is put on one line. What is
        None stays as it is. Raises NoSuchJob, or BadRequest for a title of more than 200 characters."""
        self._repository.mark(job, favourite, title)
        return self.get(job)

    def stats(self) -> dict[str, int]:
        """How many jobs wait and how many run: {"queued": 3, "running": 2}."""
        return self._repository.count()

    def events(self, job: str) -> builtins.list[dict[str, Any]]:
        """What has happened to the job, in order: at, kind, details. Raises NoSuchJob."""
        self._repository.revision(job)
        return self._repository.events(job)

    def watch(self, job: str, since: int = 0) -> Iterator[Job]:
        """The job now, if its revision is above `since`, and again whenever it changes, until it is over. Raises
        NoSuchJob, also when it is purged in between."""
        while True:
            current = self.get(job)  # one look for both questions: between two the job may have ended
            if current.revision > since:
                since = current.revision
                yield current
            if not current.active:
                return
            time.sleep(_LOOK_EVERY)

    def cancel(self, job: str) -> Job:
        """Cancel the job if it waits or runs; its processes are gone within 2 s. Raises NoSuchJob."""
        self._repository.cancel(job)
        return self.get(job)

    def retry(self, job: str) -> Job:
        """Try a job again that has failed or was cancelled. Raises NoSuchJob or WrongState."""
        round_ = self._repository.retry(job)
        current = self.get(job)
        self._put(current, round_)
        return current

    def delete(self, job: str) -> Job:
        """Put the job into the bin, cancelled if need be; its files stay until it is purged. Raises NoSuchJob."""
        self._repository.delete(job)
        return self.get(job)

    def restore(self, job: str) -> Job:
        """Take the job out of the bin. Raises NoSuchJob."""
        self._repository.restore(job)
        return self.get(job)

    def purge(self, job: str) -> None:
        """Forget a job that is in the bin, and delete those of its files that no other job refers to. Raises
        NoSuchJob or WrongState."""
        rounds, used, files = self._repository.purge(job)
        PartialResults(self.settings).forget(job)
        self._job_queue.forget(job, rounds)
        for file in files:
            # One that has been uploaded again since is somebody's next input; the sweep knows when it was not.
            self.store.delete(file, unused_since=used)

    def empty_bin(self, older_than: float = 0.0) -> int:
        """Purge what has been in the bin for more than so many seconds; how many."""
        binned = self._repository.binned(time.time() - older_than)
        for job in binned:
            self.purge(job)
        return len(binned)

    def sweep(self, grace: float = GRACE) -> builtins.list[str]:
        """Delete the files that no job refers to and nobody has uploaded within `grace` seconds; their hashes. Also
        half-done work that nobody has gone on with for two days."""
        PartialResults(self.settings).tidy()
        return self.store.sweep(self._repository.hashes(), grace=grace)

    def line(self) -> builtins.list[tuple[Lane, str, str]]:
        """The jobs that wait, in the order in which they are begun: lane, id and verb. Those of a lane wait for each
        other alone."""
        waiting = self._repository.waiting()
        missing = [job for job, _ in waiting if job not in self._lanes]
        for job in self._repository.many(missing):
            self._lanes[job.id] = lane_of(self.verbs, job, self.store)
        line = [(self._lanes.get(job, "long"), job, verb) for job, verb in waiting]
        self._lanes = {job: lane for lane, job, _ in line}  # a job's lane never changes
        return line

    def lane(self, job: Job) -> Lane:
        """The lane that a job is in."""
        return lane_of(self.verbs, job, self.store)

    def running(self) -> builtins.list[tuple[str, str, float, float]]:
        """Of the jobs that run: id, verb, when it was begun, and the share that is done (0: nobody knows)."""
        return self._repository.running()

    def durations(self) -> dict[str, float]:
        """How many seconds a job of each verb takes: the median of the last twenty."""
        return self._repository.durations()

    def _put(self, job: Job, round_: int) -> None:
        """Into the queue. It is written down already, so where the queue's database cannot take it now, a worker
        does it later (`Worker._tend`)."""
        with suppress(DatabaseError, DiskFull):
            self._job_queue.add(job.id, round_, self.lane(job))

    def _whole(self, job: str) -> bool:
        """Whether all results of the job are still in the store."""
        results = self.get(job).results
        return all(self.store.exists(r.sha256) and (not r.sidecar or self.store.exists(r.sidecar)) for r in results)
