"""`flamingo serve`, as a person starts and ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from serving import PATIENCE, until

from flamingo.jobs import Jobs, Settings


@contextmanager
def started(folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "flamingo", "serve", "--port", "0", "--data", str(folder), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, process.communicate()[1]
        yield line[line.index("http") :].split()[0], process
    finally:
        process.kill()
        process.communicate()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flamingo", "serve", *options], capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_starts_keeps_what_it_was_told_and_ends_with_its_workers(tmp_path: Path, cat_jpeg: bytes) -> None:
    with started(tmp_path / "studio") as (url, process):
        photo = httpx.post(f"{url}api/files", files={"file": ("cat.jpg", cat_jpeg)}).json()
        body = {"model": "fast", "photos": [{"sha256": photo["sha256"], "name": "cat.jpg"}]}
        job = httpx.post(f"{url}api/paint", json=body).json()
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        with httpx.stream("GET", f"{url}api/jobs/{job['id']}/events") as events:
            next(events.iter_lines())
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        _, said = process.communicate()
        assert "Traceback" not in said
        psutil.wait_procs(family, timeout=PATIENCE)
        assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    with started(tmp_path / "studio") as (url, _):

        def over() -> Any:
            told = httpx.get(f"{url}api/jobs/{job['id']}").json()
            return told if told["state"] == "done" else None

        assert until(over)["results"]


def test_on_a_network_it_asks_for_a_token(tmp_path: Path) -> None:
    with started(tmp_path, "--host", "0.0.0.0") as (url, _):
        address, _, token = url.partition("?token=")
        assert len(token) >= 20
        assert httpx.get(f"{address}api/health").status_code == 401
        assert httpx.get(f"{address}api/health", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]), "--data", str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "something else listens there" in line and "--port" in line


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "198.51.100.7"), "address"),
        (("--port", "70000"), "port"),
        (("--token", "short"), "token"),
        (("--database", "mysql://x/y"), "PostgreSQL"),
        (("--workers", "0"), "workers"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    port = () if "--port" in options else ("--port", "0")
    done = run("--data", str(tmp_path), *port, *options)
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert says in line


def test_what_was_asked_of_a_server_that_died_is_done_by_the_next(tmp_path: Path) -> None:
    """A job is written down before the answer, so killing the server loses nothing."""
    with started(tmp_path) as (url, process):
        job = httpx.post(f"{url}api/compose", json={"seconds": 8, "format": ["mid"]}).json()
        process.kill()
        process.wait()
    with Jobs(Settings.of(tmp_path)) as jobs:
        assert jobs.get(job["id"]).state in ("queued", "running", "done")
    with started(tmp_path) as (url, _):
        until(lambda: httpx.get(f"{url}api/jobs/{job['id']}").json()["state"] == "done")
