"""A worker: the process of one slot, which carries out one job after another.

    python -m flamingo.jobs.worker --slot gpu1-0 --data DIR --database postgresql://...

The server starts some by itself (`supervisor`); more of them may run elsewhere, as long as they share the data folder
and the PostgreSQL database. A slot's name belongs to one process at a time and stays the same over restarts. On
SIGTERM, an interrupt, or when the server that started it is gone, a worker ends within a second: the job that it was
at waits for the next worker, with nothing counted against it.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from flamingo import logs, verbs
from flamingo.errors import BadRequest, FlamingoError
from flamingo.images.formats import FILM_SUFFIXES
from flamingo.jobs.child import Answered, Child, Died, Overgrown, Overtime
from flamingo.jobs.errors import DatabaseError, NoSuchJob, SlotTaken
from flamingo.jobs.job import Failure, Progress, Result, plain_file_name, plain_suffix
from flamingo.jobs.job_queue import BUSY, IDLE, RESTING, SHORT, JobQueue, serve
from flamingo.jobs.lanes import LANES, Lane, lane_of
from flamingo.jobs.leases import Leases, Task
from flamingo.jobs.locks import SlotLock
from flamingo.jobs.partial import PartialResults
from flamingo.jobs.repository import Repository
from flamingo.jobs.settings import Settings
from flamingo.jobs.store import Store, Stored
from flamingo.jobs.tables import Database
from flamingo.settings import LOG_LEVEL

__all__ = ["Worker", "main"]

_log = logging.getLogger("flamingo.jobs.worker")  # run as a program, it is called __main__

_SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATIENCE = 20.0  # seconds that the slot's last worker may take to end
_PACE_EVERY, _TEND_EVERY = 0.2, 5.0
_LESS = "the inputs are kept: ask for less, such as a smaller size, or allow more"
# Seconds without a job that waits, after which the queue is looked at less often, and seldom.
_QUIET, _LONG_QUIET = 3.0, 20.0
_HALF = "half"  # the folder of an attempt for results, and for what is half done, where that is kept
_SETTLED = 2.0  # seconds after which a job that is asked for is sure to be in the queue


class _LaneState:
    """What a worker has for each of its lanes: a child process, the job that it is at, and a lock for the two."""

    def __init__(self, memory: int) -> None:
        self.child = Child(memory)
        self.task: Task | None = None
        self.lock = threading.Lock()


class Worker:
    """The worker of one slot: one job of each of its lanes at a time. `run` returns when `stop` is called."""

    def __init__(self, settings: Settings, slot: str, lanes: Sequence[Lane] = LANES) -> None:
        if not _SLOT.fullmatch(slot):
            raise BadRequest(f"slot {slot!r}"[:80], "is no name for one", "use letters, digits, dots and hyphens")
        self._settings = settings
        self._slot = slot
        self._lock = SlotLock(settings, slot)
        self._folder = settings.data / "work" / slot
        self._partial = PartialResults(settings)
        self._verbs = verbs.known(settings.verbs)
        self._store = Store(settings.data / "files", quota=settings.quota, reserve=settings.reserve)
        self._lanes = {lane: _LaneState(settings.memory) for lane in lanes}
        database = Database(settings)
        self._leases = Leases(database, settings)
        self._repository = Repository(database)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until told to stop. Raises SlotTaken if another worker has the slot and does not end soon."""
        if not self._lock.take(_PATIENCE):
            raise SlotTaken(f"slot {self._slot}", "another worker has it", "end that one or choose another name")
        _log.info("%s takes %s jobs", self._slot, " and ".join(self._lanes))
        for state in self._lanes.values():
            state.child.start()
        self._clear(self._folder)
        dispatch = JobQueue(self._settings)
        queues = serve(self._settings, self._slot, self.carry_out, list(self._lanes))
        tended, busy_at = 0.0, time.monotonic()
        pace = dict.fromkeys(queues, BUSY)
        resting = False
        while not self._stopping.wait(RESTING / 2 if resting else _PACE_EVERY):
            now = time.monotonic()
            if self._leases.any_waiting():
                busy_at = now
            some_wait = now - busy_at < _QUIET
            resting = now - busy_at >= _LONG_QUIET
            at_work = {lane for lane, state in self._lanes.items() if state.task is not None}
            for lane, queue in queues.items():
                # What waits while this lane is at something is not for it; while another is, it may not be.
                if resting:
                    wished = RESTING
                else:
                    wished = IDLE if lane in at_work or not some_wait else SHORT if at_work else BUSY
                if wished != pace[lane]:
                    queue.set_polling_interval_sec(wished)
                    pace[lane] = wished
            if now - tended >= _TEND_EVERY:
                tended = now
                if not self._lock.held():
                    raise SlotTaken(f"slot {self._slot}", "the database forgot who has it", "start the worker again")
                self._tend(dispatch)

    def stop(self) -> None:
        """Let go of everything at once: `run` returns, and the job at hand waits for the next worker."""
        self._stopping.set()
        _log.info("%s stops", self._slot)
        for state in self._lanes.values():
            task = state.task
            if task is not None:
                with suppress(Exception):  # without a database the next worker finds out by itself
                    self._leases.put_back(task)
        for state in self._lanes.values():
            state.child.end()

    def carry_out(self, job: str, round_: int) -> None:
        """One job, from its beginning to its end, several attempts included. May be called from several threads; one
        job of each lane at a time is carried out."""
        try:
            state = self._state_for(job)
            # DBOS counts what a worker is at when the work's thread has come to say so, which on a very busy machine
            # can be after the next look at the queue: a second job would then speak to the same child, and be given
            # the answer that is meant for the first.
            with state.lock:
                while task := self._begin(job, round_, state):
                    self._attempt(task, state.child)
                    state.task = None
        finally:
            if self._stopping.is_set():
                # Returning, or raising, would tell the queue that the job is over.
                threading.Event().wait()

    def _state_for(self, job: str) -> _LaneState:
        """Of the lane that the job is in; of any for one that is not known any more, which is not begun."""
        states = list(self._lanes.values())
        if len(states) > 1:
            with suppress(NoSuchJob):
                return self._lanes[self._lane(job)]
        return states[0]

    def _begin(self, job: str, round_: int, state: _LaneState) -> Task | None:
        if not self._stopping.is_set():
            state.task = self._leases.begin(job, round_, self._slot)
        return state.task

    def _attempt(self, task: Task, child: Child) -> None:
        folder = self._folder / f"{task.job}-{task.token}"
        succeeded = False
        try:
            verb = self._verbs.get(task.verb)
            if verb is None:
                raise BadRequest(task.verb, "this worker knows no such verb", "run the same version everywhere")
            request = self._request(task, verb, folder)
            outcome = child.run(request, self._settings.seconds, lambda p: self._is_wanted(task, p))
            _log.debug("job %s: %s", task.job, type(outcome).__name__.lower())
            if isinstance(outcome, Answered):
                succeeded = "results" in outcome.answer
                self._conclude(task, outcome.answer)
            elif isinstance(outcome, Overtime):
                why = f"it took longer than the {outcome.seconds:g} s that a job may take"
                self._leases.fail(task, Failure("Overtime", task.verb, why, _LESS))
            elif isinstance(outcome, Overgrown):
                why = f"it took more than the {outcome.memory >> 20} MiB of memory that a job may take"
                self._leases.fail(task, Failure("OutOfMemory", task.verb, why, _LESS))
            elif isinstance(outcome, Died) and not self._stopping.is_set():
                self._leases.died(task, outcome.why, outcome.stderr)
        except DatabaseError:
            raise  # not the job's fault
        except FlamingoError as error:
            self._leases.fail(task, Failure(type(error).__name__, error.what, error.why, error.hint))
        finally:
            if not succeeded:
                self._partial.keep(task.job, folder / _HALF)
            shutil.rmtree(folder, ignore_errors=True)

    def _clear(self, slot: Path) -> None:
        """Remove what a worker that was ended at once has left in its slot's folder, but keep what is half done."""
        for folder in slot.glob("*-*"):
            self._partial.keep(folder.name.rpartition("-")[0], folder / _HALF)
        shutil.rmtree(slot, ignore_errors=True)

    def _is_wanted(self, task: Task, progress: Progress | None) -> bool:
        return not self._stopping.is_set() and self._leases.wanted(task, progress)

    def _request(self, task: Task, verb: verbs.Verb, folder: Path) -> dict[str, object]:
        """What the child is asked: the inputs under names of ours in a folder of this attempt's, links to the store's
        files if the system allows."""
        parameters = dict(task.parameters)
        wanted_format = parameters.pop("format", None)
        (folder / "in").mkdir(mode=0o700, parents=True)
        out = folder / (_HALF if verb.resumes else "out")
        if not self._partial.give(task.job, out):
            out.mkdir()
        number = 0
        files: dict[str, list[tuple[str, str]]] = {}
        for option, many in task.inputs.items():
            for file in many:
                number += 1
                suffix = plain_suffix(file.name)
                if wanted_format and not verb.files and suffix not in FILM_SUFFIXES:
                    # A picture's kind is known by its content, so its suffix may say what the result should be.
                    suffix = f".{wanted_format}"
                path = folder / "in" / f"input-{number}{suffix}"
                if option in verb.called:
                    path = _free(folder / "in" / option, plain_file_name(file.name))
                _link(self._store.path(file.sha256), path)
                files.setdefault(option, []).append((str(path), file.name))
        output: str | list[str] = str(out)
        if verb.files:
            output = [f"{output}{os.sep}{Path(verb.files[0]).stem}.{kind}" for kind in wanted_format]
        return {
            "job": task.job,
            "target": verb.target,
            "parameters": parameters,
            "files": files,
            "many": [option for option in files if verb.takes_many(option)],
            "folder": str(folder),
            "out": str(out),
            "into": None if verb.says and not files else (verb.into, output),
            "says": verb.says,
        }

    def _conclude(self, task: Task, answer: dict[str, object]) -> None:
        """Write down what the child has said in the end."""
        if "refused" in answer:
            self._leases.fail(task, Failure(**answer["refused"]))  # type: ignore[arg-type]
            return
        if "fault" in answer:
            self._leases.died(task, str(answer["fault"]), str(answer.get("traceback", "")))
            return
        results = []
        for result in answer["results"]:  # type: ignore[attr-defined]
            stored = self._keep(result.pop("file"))
            sidecar = self._keep(result.pop("sidecar")).sha256 if result["sidecar"] else result.pop("sidecar")
            fields = {**result, "notes": tuple(result["notes"]), "sidecar": sidecar}
            results.append(Result(**fields, **asdict(stored)))
        failures = [Failure(**failure) for failure in answer["failures"]]  # type: ignore[attr-defined]
        if failures and not results:
            self._leases.fail(task, failures[0], failures)
        else:
            self._leases.finish(task, results, failures)

    def _keep(self, path: str) -> Stored:
        with Path(path).open("rb") as file:
            return self._store.put(file)

    def _tend(self, dispatch: JobQueue) -> None:
        """Find the jobs that would wait for ever: those that the server wrote down and had no time to put into the
        queue, those whose workflow ended without them, those of slots that are gone; and what those left lying."""
        if taken_over := dispatch.take_over(self._slot):
            _log.info("%d jobs of slots without a worker are in the queue again", taken_over)
        for folder in self._folder.parent.glob("*"):
            lock = SlotLock(self._settings, folder.name)
            if folder != self._folder and lock.take():
                self._clear(folder)
                lock.release()
        unknown, over = dispatch.missing(self._leases.active(time.time() - _SETTLED))
        for job, round_ in unknown:
            _log.info("job %s was written down and not in the queue: it is now", job)
            dispatch.add(job, round_, self._lane(job))
        for job, round_ in over:
            if self._leases.next_round(job, round_):
                _log.info("job %s was dropped by the queue: it is in it again", job)
                dispatch.add(job, round_ + 1, self._lane(job))

    def _lane(self, job: str) -> Lane:
        return lane_of(self._verbs, self._repository.get(job), self._store)


def _free(folder: Path, name: str) -> Path:
    """Where a file of that name may lie below the folder: beside the others, so that they are seen in the order of
    their names, unless one of them has the same."""
    number = 1
    while (path := folder / str(number) / name).exists():
        number += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _link(source: Path, path: Path) -> None:
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m flamingo.jobs.worker`: run one worker until it is told to stop."""
    parsed = _parser().parse_args(arguments)
    try:
        logs.start(LOG_LEVEL.value())
        settings = Settings.of(
            parsed.data,
            parsed.database,
            memory=parsed.memory,
            seconds=parsed.seconds,
            attempts=parsed.attempts,
            interruptions=parsed.interruptions,
            quota=parsed.quota,
            reserve=parsed.reserve,
            verbs=dict(assignment.split("=", 1) for assignment in parsed.verb),
        )
        worker = Worker(settings, parsed.slot, LANES if parsed.lane == "both" else (parsed.lane,))
        if parsed.tied and hasattr(os, "nice"):
            os.nice(10)  # whoever looks at a page of the server on this machine comes first
        _end_when_told(worker, parsed.tied)
        worker.run()
    except FlamingoError as error:
        print(f"flamingo worker {parsed.slot}: {error}", file=sys.stderr, flush=True)
        os._exit(error.exit_code)  # DBOS's threads would keep the process, and its slot, for ever
    except Exception:
        traceback.print_exc()
        os._exit(1)
    return 0


def _end_when_told(worker: Worker, tied: bool) -> None:
    def end() -> None:
        worker.stop()
        # DBOS's threads would wait for the job, which waits for the next worker.
        os._exit(0)

    def on_signal(number: int, frame: FrameType | None) -> None:
        # In a thread of its own, since the one that was interrupted may hold any lock.
        threading.Thread(target=end).start()

    def on_silence() -> None:
        sys.stdin.buffer.read()
        end()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN if tied else on_signal)
    if tied:
        threading.Thread(target=on_silence, daemon=True).start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flamingo.jobs.worker", description="Carry out Flamingo's jobs, one after another."
    )
    add = parser.add_argument
    add("--slot", required=True, help="this worker's name, the same whenever it is started again")
    add(
        "--lane",
        choices=(*LANES, "both"),
        default="both",
        help="which jobs it takes, one of each kind at a time (default: %(default)s)",
    )
    add("--data", type=Path, help="folder of the jobs' files (default: FLAMINGO_DATA, or the user's data folder)")
    add("--database", help="PostgreSQL URL (default: FLAMINGO_DATABASE, or SQLite in the folder)")
    add("--memory", type=int, default=0, help="bytes that a job may take (default: three quarters of the machine's)")
    add("--seconds", type=float, default=3600.0, help="how long a job may run (default: %(default)g)")
    add("--attempts", type=int, default=3, help="beginnings after which a job has failed (default: %(default)s)")
    add("--interruptions", type=int, default=10, help="ends of its worker after which it has (default: %(default)s)")
    add("--quota", type=int, help="bytes that all files may take")
    add("--reserve", type=int, default=128 << 20, help="bytes of the disk to leave free (default: %(default)s)")
    add("--verb", action="append", default=[], metavar="NAME=MODULE:FUNCTION", help="a verb beside Flamingo's own")
    add("--tied", action="store_true", help="end when standard input is closed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
