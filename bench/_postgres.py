"""A PostgreSQL server of one's own, in a temporary folder, on a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_STARTING = 60.0


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or None if PostgreSQL is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


def missing() -> str | None:
    """Why no server can be started here, or None if one can."""
    if programs() is None:
        return "PostgreSQL is not installed (initdb and postgres)"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return None


@contextmanager
def server(*, durable: bool = True) -> Iterator[str]:
    """The URL of an empty database. durable: whether commits wait for the disk, as they do in earnest."""
    where = programs()
    assert where is not None, missing()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short, since the path of a socket may have 107 bytes
    other: dict[str, Any] = {}
    if os.geteuid() == 0:  # as which PostgreSQL refuses to run
        user = _user()
        assert user is not None, missing()
        os.chown(folder, user.pw_uid, user.pw_gid)
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    data = folder / "data"
    initdb = [where / "initdb", "-D", data, "-U", "flamingo", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    process = None
    try:
        subprocess.run(initdb, check=True, **quiet, **other)
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", f"fsync={'on' if durable else 'off'}"]
        command = [where / "postgres", "-D", data, *(part for each in settings for part in ("-c", each))]
        process = subprocess.Popen(command, **quiet, **other)
        url = f"postgresql://flamingo@/postgres?host={folder}"
        _wait(url, process)
        yield url
    finally:
        if process is not None:
            process.terminate()  # no new sessions; those that are left
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.send_signal(3)  # SIGQUIT: at once
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    until = time.monotonic() + _STARTING
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)


def _user() -> pwd.struct_passwd | None:
    """Somebody who is not root."""
    found = {entry.pw_name: entry for entry in pwd.getpwall()}
    return found.get("postgres") or found.get("nobody")
