"""Two verbs that only the benchmark of the jobs knows: one that is over at once, one that will not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field


@dataclass(frozen=True)
class Made:
    """A file, and how long it took."""

    file: Path
    seconds: float
    error: None = None
    notes: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}


def tick(
    number: Annotated[int, Field(ge=0, description="Which one.")],
    pause: Annotated[float, Field(ge=0, description="Seconds that it takes.")] = 0.02,
    *,
    output: Annotated[Path | None, Field(description="Folder.")] = None,
) -> list[Made]:
    """Waits a moment and writes its number into a file."""
    assert output is not None
    begun = time.perf_counter()
    time.sleep(pause)
    file = output / f"{number}.txt"
    file.write_text(str(number))
    return [Made(file, time.perf_counter() - begun)]


def hold(diary: Annotated[str, Field(description="File for the ids of its processes.")]) -> list[Made]:
    """Does not end, heeds no polite signal, and has a child like itself."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
    Path(diary).write_text(f"{os.getpid()} {child.pid}\n")
    while True:
        time.sleep(1)
