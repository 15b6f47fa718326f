"""Verbs that do to a worker what real ones do on a bad day."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flamingo.errors import FlamingoError, UnreadableImage

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Made:
    """What all verbs return one of for each result."""

    file: Path | None
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"file": str(self.file), "pid": os.getpid(), "half": 0.5, "nothing": float("nan")}


def count(
    to: Annotated[int, Field(ge=0, le=1000, description="How far.")] = 3,
    pause: Annotated[float, Field(ge=0, description="Seconds between two numbers.")] = 0.0,
    *,
    output: Annotated[Path | None, Field(description="Folder.")] = None,
    on_progress: Progress | None = None,
) -> list[Made]:
    """Writes the numbers into a file, one after another."""
    assert output is not None and on_progress is not None
    for i in range(to):
        on_progress(i, to, f"{i}")
        time.sleep(pause)
    file = output / "numbers.txt"
    file.write_text(" ".join(map(str, range(to))))
    return [Made(file, notes=("counted",), recipe={"to": to})]


def wait(
    gate: Annotated[str, Field(description="Beginning of the names of files, each of which lets it go on a step.")],
    steps: Annotated[int, Field(ge=1, description="How many of them.")] = 1,
    *,
    output: Annotated[Path | None, Field(description="Folder.")] = None,
    on_progress: Progress | None = None,
) -> list[Made]:
    """Says how far it is, and waits until it may go on: what a test needs that relies on no clock."""
    assert output is not None and on_progress is not None
    for i in range(steps):
        on_progress(i + 1, steps + 1, f"at gate {i}")
        while not Path(f"{gate}{i}").exists():
            time.sleep(0.1)
    (output / "through.txt").write_text("through")
    return [Made(output / "through.txt")]


def copy(
    files: Annotated[list[Path], Field(description="What to copy.")],
    *,
    output: Annotated[Path | None, Field(description="Folder.")] = None,
) -> list[Made]:
    """Copies files; an empty one cannot be copied, and a name that is not ours is a fault."""
    assert output is not None
    made = []
    for file in files:
        data = file.read_bytes()
        (output / file.name).write_bytes(data)
        made.append(Made(output / file.name) if data else Made(None, UnreadableImage(str(file), "it is empty")))
    return made


def refuse(why: Annotated[str, Field(description="Why not.")] = "it is no picture") -> list[Made]:
    """Says that the input is at fault."""
    raise UnreadableImage("cat.jpg", why, "send another")


def stumble(
    diary: Annotated[str, Field(description="File that gets a line for each beginning.")],
    times: Annotated[int, Field(ge=0, description="How often.")] = 1,
    how: Annotated[str, Field(description="SIGSEGV, exit or raise.")] = "SIGSEGV",
    *,
    output: Annotated[Path | None, Field(description="Folder.")] = None,
) -> list[Made]:
    """Ends its own process, so many times."""
    assert output is not None
    with Path(diary).open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    if len(Path(diary).read_text().split()) <= times:
        if how == "raise":
            raise ZeroDivisionError("one by nothing")
        if how == "exit":
            os._exit(7)
        os.kill(os.getpid(), getattr(signal, how))
    (output / "up.txt").write_text("up again")
    return [Made(output / "up.txt")]


def hoard(
    mebibytes: Annotated[int, Field(ge=1, description="How much memory to take.")],
    photos: Annotated[list[Path], Field(description="Not looked at.")] = (),  # type: ignore[assignment]
) -> list[Made]:
    """Takes memory, slowly enough to be seen, and by a process that it starts."""
    program = f"import time\nkept = []\nfor _ in range({mebibytes}): kept.append(b'x' * 2**20); time.sleep(.0002)"
    subprocess.run([sys.executable, "-c", program + "\ntime.sleep(60)"], check=True)
    return []


def cling(diary: Annotated[str, Field(description="File for the ids of its processes.")]) -> list[Made]:
    """Does not let go: heeds no signal that can be ignored, and has a child that does not either."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
    Path(diary).write_text(json.dumps([os.getpid(), child.pid]))
    time.sleep(600)
    return []


VERBS = {verb.__name__: f"tricks:{verb.__name__}" for verb in (count, wait, copy, refuse, stumble, hoard, cling)}
