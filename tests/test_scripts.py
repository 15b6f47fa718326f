"""The two commands of the README, as far as a test can run them: script/studio opens the studio."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import ROOT


def test_studio_opens_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """In a copy of the checkout whose set-up is done: installing itself is what CI does on a fresh machine."""
    shutil.copytree(ROOT / "script", tmp_path / "script")
    (tmp_path / "script" / "setup").write_text("#!/bin/sh\n")
    command = tmp_path / ".venv" / "bin" / "flamingo"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flamingo "$@"\n')
    command.chmod(0o755)
    studio = subprocess.Popen(
        [tmp_path / "script" / "studio", "--port", "0", "--data", tmp_path / "data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": "true"},
    )
    try:
        assert studio.stdout is not None
        found = re.search(r"http://\S+", studio.stdout.readline())
        assert found is not None, studio.stderr.read() if studio.stderr else ""
        home = httpx.get(found.group(), timeout=60)
        assert home.status_code == 200
        assert "Flamingo" in home.text
        studio.send_signal(signal.SIGINT)
        _, said = studio.communicate(timeout=120)
        assert studio.returncode in (0, 130), said
        assert "Traceback" not in said
    finally:
        if studio.poll() is None:
            os.killpg(studio.pid, signal.SIGKILL)
        studio.wait()
