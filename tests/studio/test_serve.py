"""`flamingo serve`, as a person starts and ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from flamingo.jobs import Jobs, Settings
from flamingo.studio.serve import _with_token
from flamingo.studio.settings import StudioSettings
from tests.studio.serving import PATIENCE, until


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
def test_it_keeps_what_it_was_told_whether_it_ends_with_its_workers_or_dies(tmp_path: Path, cat_jpeg: bytes) -> None:
    with started(tmp_path / "studio", "--no-curated") as (url, process):
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
    with started(tmp_path / "studio", "--no-curated") as (url, process):

        def over() -> Any:
            told = httpx.get(f"{url}api/jobs/{job['id']}").json()
            return told if told["state"] == "done" else None

        assert until(over)["results"]
        # A job is written down before the answer, so killing the server loses nothing.
        job = httpx.post(f"{url}api/compose", json={"seconds": 8, "format": ["mid"]}).json()
        process.kill()
        process.wait()
    with Jobs(Settings.of(tmp_path / "studio")) as jobs:
        assert jobs.get(job["id"]).state in ("queued", "running", "done")
    with started(tmp_path / "studio", "--no-curated") as (url, _):
        until(over)


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


def test_on_a_network_it_asks_for_a_token_and_prints_what_other_devices_open(tmp_path: Path) -> None:
    from flamingo.studio.address import others

    options = ("--host", "0.0.0.0", "--no-curated")
    with started(tmp_path, *options, PYTHONIOENCODING="utf-8") as (url, process):
        assert process.stdout is not None
        said = [url, process.stdout.readline().strip()]
        while not (line := process.stdout.readline().strip()).startswith("Scan"):
            said.append(line)
        code = [process.stdout.readline() for _ in range(12)]
        address, _, token = url.partition("?token=")
        assert httpx.get(f"{address}api/health").status_code == 401
        assert httpx.get(f"{address}api/health", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert url.startswith("http://127.0.0.1:") and len(token) >= 20
    port = url.split(":")[2].partition("/")[0]
    for name in others("0.0.0.0"):
        host = f"[{name}]" if ":" in name else name
        assert f"http://{host}:{port}/?token={token}" in said
    assert sum("█" in line for line in code) >= 10
    assert (tmp_path / "token").read_text().strip() == token
    if os.name == "posix":
        assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_the_token_is_kept_until_a_new_one_is_asked_for(tmp_path: Path) -> None:
    def token(host: str = "0.0.0.0", given: str | None = None, new: bool = False) -> str | None:
        return _with_token(StudioSettings(Settings.of(tmp_path), host, token=given), new).token

    first = token()
    assert token() == first and first is not None
    second = token(new=True)
    assert second not in (first, None)
    assert token(given="my-own-long-token") == "my-own-long-token"
    assert token("127.0.0.1") is None, "this machine alone needs none"
    assert token() == second


def test_a_short_token_in_the_environment_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flamingo", "serve", "--port", "0", "--data", str(tmp_path)],
        capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "FLAMINGO_TOKEN": "short"},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "FLAMINGO_TOKEN" in line and "12 characters" in line


def test_with_tls_it_speaks_https_and_tells_its_fingerprint(tmp_path: Path) -> None:
    import ssl

    command = [
        sys.executable,
        "-m",
        "flamingo",
        "serve",
        "--tls",
        "--port",
        "0",
        "--no-curated",
        "--data",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[5]
        assert url.startswith("https://127.0.0.1:")
        process.stdout.readline()
        fingerprint = process.stdout.readline().strip()
        trusting = ssl.create_default_context(cafile=str(tmp_path / "tls-certificate.pem"))
        assert httpx.get(f"{url}api/health", verify=trusting).status_code == 200
        assert len(fingerprint.split(":")) == 32
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--token", "eleven-char"), "token"),
        (("--trusted-proxy", "example.org"), "trusted proxy"),
        (("--root-path", "no path"), "root path"),
        (("--tls-cert", "cert.pem"), "--tls-key"),
        (("--tls-cert", "none.pem", "--tls-key", "none.pem"), "no such file"),
    ],
)
def test_what_cannot_be_for_a_household_is_told_in_one_line(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    done = run("--data", str(tmp_path), "--port", "0", *options)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says in line


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ending_it_while_thumbnails_are_made_prints_no_traceback(tmp_path: Path) -> None:
    import io
    import threading

    from PIL import Image

    with started(tmp_path, "--no-curated") as (url, process):
        hashes = []
        for i in range(3):
            drawn = io.BytesIO()
            Image.effect_noise((3000, 3000), 60 + i).save(drawn, "PNG")
            told = httpx.post(f"{url}api/files", files={"file": ("n.png", drawn.getvalue())}, timeout=PATIENCE)
            hashes.append(told.json()["sha256"])

        def ask(sha256: str) -> None:
            with suppress(httpx.HTTPError):
                httpx.get(f"{url}api/files/{sha256}/thumbnail?size=1280", timeout=PATIENCE)

        asking = [threading.Thread(target=ask, args=(each,)) for each in hashes]
        for thread in asking:
            thread.start()
        until(lambda: list((tmp_path / "thumbnails").glob("*.tmp")) or not any(t.is_alive() for t in asking))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        _, said = process.communicate()
        for thread in asking:
            thread.join()
    assert "Traceback" not in said
