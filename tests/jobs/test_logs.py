"""What is logged, by the command line and by workers: where it goes, how much of it, and what is in no line."""

from __future__ import annotations

import logging
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flamingo import logs
from flamingo.errors import FlamingoError
from flamingo.jobs import Input, Jobs, Settings, Workers
from flamingo.jobs.worker_log import WorkerLog
from tests.conftest import ROOT, needs_models
from tests.jobs.helpers import outcome, until

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING) flamingo[.\w]*: .+")


@pytest.fixture(autouse=True)
def usual_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLAMINGO_LOG_LEVEL", raising=False)


def written(settings: Settings) -> str:
    file = settings.data / "logs" / "worker.log"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_a_record_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("flamingo.somewhere")
    with logs.started("info"):
        logger.debug("too little to be said")
        logger.info("two\nlines \x1b[31m")
        try:
            raise FlamingoError("what", "why")
        except FlamingoError:
            logger.exception("it failed")
    logger.error("nobody listens any more")
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert LINE.fullmatch(first) and "two\\nlines \\x1b[31m" in first
    assert "it failed\\nTraceback" in second and second.endswith("FlamingoError: what: why")


@needs_models
def test_the_usual_level_says_nothing_and_debug_does(photos: Path, tmp_path: Path) -> None:
    def said(*arguments: str) -> list[str]:
        command = [sys.executable, "-m", "flamingo", *arguments, "feel", str(photos / "chelsea.jpg")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
        assert "chelsea.jpg" in done.stdout
        return done.stderr.splitlines()

    assert said() == []
    lines = said("--log-level", "debug")
    assert any("flamingo.images.helper is started" in line for line in lines)
    assert all(LINE.fullmatch(line) for line in lines)


def test_what_workers_say_is_kept_for_their_owner_alone(settings: Settings, tmp_path: Path) -> None:
    name = "a-private-name.txt"
    with Jobs(settings) as jobs, Workers(settings, slots=1):
        empty = Input(jobs.store.put([]).sha256, name)
        done = outcome(jobs, jobs.submit("count", {"to": 2}))
        failed = outcome(jobs, jobs.submit("copy", {}, {"files": [empty]}))
        faulty = outcome(jobs, jobs.submit("stumble", {"diary": str(tmp_path / "diary"), "times": 9, "how": "raise"}))
    said = written(settings)
    for job, begins in ((done, "done"), (failed, "failed"), (faulty, "given up")):
        assert re.search(rf"slot-0 .* job {job.id} .*{begins}", said), f"{job.id} {begins}: {said}"
    assert "flamingo.jobs.worker: slot-0 takes" in said and "flamingo.jobs.worker: slot-0 stops" in said
    lines = said.splitlines()
    assert all(line.startswith("slot-0 ") for line in lines)
    assert name not in said and str(tmp_path) not in said
    if os.name == "posix":
        folder = settings.data / "logs"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())


def test_a_worker_that_dies_is_told_of_and_its_last_words_are_kept(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO, "flamingo.jobs"),
        Jobs(settings) as jobs,
        Workers(settings, slots=1) as workers,
    ):
        outcome(jobs, jobs.submit("count", {"to": 1}))
        (pid,) = workers.pids.values()
        os.kill(pid, signal.SIGKILL)
        until(lambda: [r for r in caplog.records if "slot-0 ended" in r.getMessage()])
        until(lambda: workers.pids and pid not in workers.pids.values())
    [ended] = [r for r in caplog.records if "slot-0 ended" in r.getMessage()]
    assert ended.levelno == logging.WARNING and "worker.log" in ended.getMessage()


def test_the_log_takes_no_more_than_four_mebibytes(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "logs" / "worker.log")
    read, write = os.pipe()
    collecting = log.collect("slot-0", os.fdopen(read, "rb"))
    with os.fdopen(write, "wb") as pipe:
        for i in range(60_000):
            pipe.write(b"%06d " % i + b"x" * 93 + b"\n")
    collecting.join(60)
    log.close()
    files = list((tmp_path / "logs").iterdir())
    assert sum(file.stat().st_size for file in files) <= 4 << 20
    assert "slot-0 059999 " in (tmp_path / "logs" / "worker.log").read_text()


def test_what_cannot_be_written_down_stops_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    log = WorkerLog(tmp_path / "logs" / "worker.log")
    read, write = os.pipe()
    collecting = log.collect("slot-0", os.fdopen(read, "rb"))
    with os.fdopen(write, "wb") as pipe:
        pipe.write(b"a line\n" * 10_000)
    collecting.join(60)
    assert not collecting.is_alive()
    assert capfd.readouterr().err == ""
