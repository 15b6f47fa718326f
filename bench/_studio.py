"""A studio in a process of its own, for benchmarks: started as a person would start it, ended with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def studio(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Its address and its process. No limit on how often one client may ask, for here all are one."""
    command = [sys.executable, "-m", "flamingo", "serve", "--port", "0", "--data", str(folder), "--rate", "100000"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if "http" not in line:
            raise SystemExit("the studio did not start")
        yield line[line.index("http") :].split()[0].rstrip("/"), process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
