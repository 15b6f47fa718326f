"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

from flamingo.jobs import Job, Jobs


def outcome(jobs: Jobs, job: Job, seconds: float = 300.0) -> Job:
    """The job once it is over."""

    def over() -> Job | None:
        found = jobs.get(job.id)
        return None if found.active else found

    found: Job = until(over, seconds)
    return found


def until(question: Callable[[], Any], seconds: float = 300.0) -> Any:
    """The first answer that is not empty."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)
    return answer


def ended(family: list[psutil.Process], seconds: float) -> bool:
    """Whether all these processes end within so many seconds. One that has ended and that the system's first process
    has yet to bury (a zombie) takes no time and no memory any more."""

    def alive(process: psutil.Process) -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    deadline = time.monotonic() + seconds
    while any(alive(process) for process in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def text(jobs: Jobs, job: Job) -> str:
    """What the job's one result holds."""
    (result,) = job.results
    with jobs.store.open(result.sha256) as file:
        return file.read().decode()
