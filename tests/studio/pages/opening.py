"""A studio in a process of its own, as a person would start it, and the browser to look at it: for the page tests,
and for docs/studio_picture.py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The headless shell draws pages as the browser does, without the browser's own windows: two thirds of the time.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
# The sandbox needs rights that a container has not; the rest keeps the browser from calling home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def opened(folder: Path) -> Iterator[str]:
    """The address of a studio that keeps its data and its log in a folder, until it is left."""
    log = folder / "log"
    command = [
        sys.executable,
        "-u",
        "-m",
        "flamingo",
        "serve",
        "--port=0",
        "--no-curated",
        f"--data={folder / 'data'}",
    ]
    with log.open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """What the server says when it is open."""
    for _ in range(600):
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        try:
            server.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"the studio did not open: {log.read_text()}")
