"""Processes end at the worst moment; the jobs do not notice, or only by taking longer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from flamingo.errors import BadRequest
from flamingo.jobs import DatabaseError, Input, Job, Jobs, Settings, Workers
from flamingo.jobs.locks import SlotLock
from tests.jobs import tricks
from tests.jobs.helpers import ended, outcome, text, until

SERVER = """
import sys
from pathlib import Path
from flamingo.jobs import Jobs, Settings, Workers
import tricks
settings = Settings(Path(sys.argv[1]), sys.argv[2] or None, memory=1 << 30, seconds=600, verbs=tricks.VERBS)
with Jobs(settings), Workers(settings, slots=1):
    print("serving", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Of jobs of one's own on each kind of database."""
    if request.param == "sqlite":
        return settings
    return replace(settings, database=request.getfixturevalue("postgres"))


@contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, with the server and its worker in it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", SERVER, str(settings.data), settings.database or ""]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"serving\n", process.stderr.read().decode()
        try:
            yield process
        finally:
            process.kill()


def at_the_gate(jobs: Jobs, gate: Path) -> Job:
    """A job that runs, and goes on running until `through`."""
    job = jobs.submit("wait", {"gate": str(gate)})
    until(lambda: jobs.get(job.id).progress.done)
    return jobs.get(job.id)


def through(jobs: Jobs, job: Job) -> Job:
    """Let it end, whoever has it now."""
    Path(f"{job.parameters['gate']}0").touch()
    return outcome(jobs, job)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


def test_kill_9_of_the_worker_costs_time_and_no_attempt(settings: Settings, gate: Path) -> None:
    with Jobs(settings) as jobs, Workers(settings, slots=1) as workers:
        job, next_one = at_the_gate(jobs, gate), jobs.submit("count", {"to": 2})
        (pid,) = workers.pids.values()
        family = psutil.Process(pid).children(recursive=True)
        os.kill(pid, signal.SIGKILL)
        assert ended(family, 60), "what it had started is gone too"
        job = through(jobs, job)
        assert (job.state, job.attempts, job.interruptions) == ("done", 1, 1)
        assert text(jobs, job) == "through"
        assert outcome(jobs, next_one).state == "done"
        assert [event["kind"] for event in jobs.events(job.id)].count("done") == 1


def test_kill_9_of_the_server_takes_its_workers_along_and_loses_nothing(settings: Settings, gate: Path) -> None:
    with Jobs(settings) as jobs:
        with serving(settings) as server:
            asked = [at_the_gate(jobs, gate), *(jobs.submit("count", {"to": i}) for i in range(3))]
            family = psutil.Process(server.pid).children(recursive=True)
            assert len(family) >= 2
            server.kill()
            assert ended(family, 60)
        assert jobs.get(asked[1].id).state == "queued"
        with serving(settings) as server:
            over = [through(jobs, asked[0]), *(outcome(jobs, job) for job in asked[1:])]
            assert [job.state for job in over] == ["done"] * 4
            assert max(job.attempts for job in over) == 1
            noise = psutil.Process(server.pid).children()
            server.kill()
            assert ended(noise, 60)
            assert server.stderr is not None and server.stderr.read() == b"", "DBOS and the workers keep quiet"
        [log] = (settings.data / "logs").iterdir()
        lines = log.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if not re.search(r" INFO flamingo\.", line)] == [], "they log nothing else"


def test_a_server_that_ends_in_order_counts_nothing_against_anybody(
    settings: Settings, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Jobs(settings) as jobs:
        with Workers(settings, slots=1):
            job = at_the_gate(jobs, gate)
        waiting = jobs.get(job.id)
        assert (waiting.state, waiting.attempts, waiting.interruptions) == ("queued", 0, 0)
        unqueued = written_down_only(jobs, monkeypatch)
        assert jobs.submit("count", {"to": 4}).id == unqueued.id, "whoever asks again gets the same job"
        with Workers(settings, slots=1):
            job = through(jobs, job)
            assert (job.state, job.attempts, job.interruptions) == ("done", 1, 0)
            assert text(jobs, outcome(jobs, unqueued)) == "0 1 2 3"


def written_down_only(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job whose server ended between writing it down and putting it into the queue."""

    def end(job: str, round_: int, lane: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(jobs._job_queue, "add", end)
        jobs.submit("count", {"to": 4})
    return jobs.list(1)[0]


@contextmanager
def worker(settings: Settings, slot: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that no server has started."""
    environment = settings.environment()
    command = [sys.executable, "-m", "flamingo.jobs.worker", "--slot", slot, *settings.arguments()]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_slot_that_never_comes_back_is_inherited(postgres: str, settings: Settings, gate: Path) -> None:
    """DBOS alone would keep its job for it for ever."""
    either = replace(settings, database=postgres)
    with Jobs(either) as jobs:
        with worker(either, "old-host-0") as old:
            job = at_the_gate(jobs, gate)
            old.kill()
        with worker(either, "new-host-0") as new:
            job = through(jobs, job)
            assert (job.state, job.attempts, job.interruptions) == ("done", 1, 1)
            new.terminate()
            assert new.wait(60) == 0
        begun = [event["details"]["slot"] for event in jobs.events(job.id) if event["kind"] == "begun"]
        assert begun == ["old-host-0", "new-host-0"]
        assert not (either.data / "work" / "old-host-0").exists()


def test_one_slot_has_one_worker(either: Settings) -> None:
    holder, other = SlotLock(either, "slot-0"), SlotLock(either, "slot-0")
    assert holder.take() and holder.held()
    assert not other.take(0.2)
    assert SlotLock(either, "slot-1").take()
    holder.release()
    assert other.take()
    other.release()


def test_the_process_that_verbs_run_in_needs_no_database() -> None:
    program = """
import sys
for name in ("dbos", "sqlalchemy", "psycopg"):
    sys.modules[name] = None
import flamingo.jobs, flamingo.jobs.runner
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "not a url", "postgresql://host-without-a-name"])
def test_another_database_is_refused_in_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadRequest, match=r"PostgreSQL|postgresql"):
        Settings(tmp_path, url)


def test_a_database_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="see that it runs") as refused:
        Jobs(Settings(tmp_path, f"postgresql://someone:secret@/jobs?host={tmp_path}"))
    assert "\n" not in str(refused.value) and "secret" not in str(refused.value)


def test_limits_end_what_takes_too_much(tmp_path: Path, gate: Path) -> None:
    limits = {"memory": 400 << 20, "seconds": 15.0}
    settings = Settings(tmp_path, verbs=tricks.VERBS, **limits)  # type: ignore[arg-type]
    with Jobs(settings) as jobs, Workers(settings, slots=1):
        photo = Input(jobs.store.put([b"a photo"]).sha256, "cat.jpg")
        hoard = jobs.submit("hoard", {"mebibytes": 1500}, {"photos": [photo]})
        slow = jobs.submit("wait", {"gate": str(gate)})
        hoard, slow = outcome(jobs, hoard), outcome(jobs, slow)
        assert hoard.state == slow.state == "failed" and hoard.attempts == slow.attempts == 1
        assert hoard.error is not None and (hoard.error.kind, hoard.error.what) == ("OutOfMemory", "hoard")
        assert "more than the 400 MiB of memory" in hoard.error.why and "inputs are kept" in hoard.error.hint
        assert hoard.inputs["photos"] == (photo,) and jobs.store.exists(photo.sha256) and jobs.sweep(grace=0) == []
        assert slow.error is not None and slow.error.kind == "Overtime" and "15 s" in slow.error.why
        assert "inputs are kept" in slow.error.hint
        assert outcome(jobs, jobs.submit("count", {"to": 2})).state == "done"
