"""A worker's side of the process that verbs run in: starting it, asking it, watching it, ending it.

Memory is watched, not limited by the system: a limit on address space (RLIMIT_AS) counts what OpenVINO's and ONNX
Runtime's threads and arenas merely reserve, which is two to four times what they use and grows with the number of
cores, and meets them as a crash inside the library. So the resident memory of the process and of those it started is
looked at ten times a second, and all of them are ended when it is too much.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flamingo.jobs.job import Progress
from flamingo.processes.host import ChildError, ChildTimeout, Host

__all__ = ["Answered", "Child", "Died", "Outcome", "Overgrown", "Overtime", "Unwanted"]

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.25  # seconds between two questions whether the work is still wanted
_FAMILY_EVERY = 10  # looks at its memory between two looks for processes that it has started
_STARTING = 180.0  # seconds, which are not the job's, on a machine that is busy with something else


@dataclass(frozen=True)
class Answered:
    """The work is over: what the process has answered."""

    answer: dict[str, Any]


@dataclass(frozen=True)
class Died:
    """The process ended by itself, or somebody else ended it; `why` as half a sentence: "it ..."; `stderr` is the end
    of what it said there."""

    why: str
    stderr: str = ""


@dataclass(frozen=True)
class Overgrown:
    """The work took more memory than it may, in bytes, and was ended."""

    memory: int


@dataclass(frozen=True)
class Overtime:
    """The work took longer than it may, and was ended."""

    seconds: float


@dataclass(frozen=True)
class Unwanted:
    """Nobody wants the work any more, and it was ended."""


Outcome = Answered | Died | Overgrown | Overtime | Unwanted
Wanted = Callable[[Progress | None], bool]


class _Enough(Exception):
    """The work goes on no longer; the outcome is the argument."""


class Child(Host):
    """One process that carries out one request at a time, started when needed and kept for the next."""

    def __init__(self, memory: int) -> None:
        super().__init__("flamingo.jobs.runner", quiet=False)
        self._memory = memory

    def run(self, request: dict[str, Any], seconds: float, is_wanted: Wanted) -> Outcome:
        """Have a request carried out. A process that was ended here is gone with all that it started.

        Args:
            request: as `runner` takes it.
            seconds: how long it may take.
            is_wanted: is told of progress, or None, a few times a second, in a thread of its own, and says whether
                to go on.
        """
        outcome: Outcome | None = None
        try:
            outcome = self._attend(request, seconds, is_wanted)
            return outcome
        finally:
            # What has answered is kept, if it has not grown; after anything else a fresh process is the safer one.
            if not isinstance(outcome, Answered) or "fault" in outcome.answer or self._resident() > self._memory // 2:
                _log.info("the runner is replaced: %s", _reason(outcome))
                self.end()
                self.start()  # while nobody waits for it

    def _attend(self, request: dict[str, Any], seconds: float, is_wanted: Wanted) -> Outcome:
        progress: deque[Progress] = deque(maxlen=1)
        last_look = time.monotonic()
        looks = itertools.count()

        def watch() -> None:
            nonlocal last_look
            if (now := time.monotonic()) - last_look >= _LOOK_EVERY:
                if not is_wanted(progress.pop() if progress else None):
                    raise _Enough(Unwanted())
                last_look = now
            if self._resident(started=next(looks) % _FAMILY_EVERY == 0) > self._memory:
                raise _Enough(Overgrown(self._memory))

        ready = False
        try:
            self.wait_ready(_STARTING, watch)
            ready = True
            answer, _ = self.request(
                request,
                timeout=seconds,
                watch=watch,
                on_progress=lambda fields: progress.append(Progress(*fields)),
            )
            return Answered(answer)
        except _Enough as enough:
            outcome: Outcome = enough.args[0]
            return outcome
        except ChildTimeout:
            return Overtime(seconds) if ready else Died(f"its process did not start within {_STARTING:g} s")
        except ChildError as death:
            return Died(death.reason, death.stderr)

    def _resident(self, started: bool = True) -> float:
        """Bytes in memory of the process, and of those it has started."""
        return self.total(lambda process: process.memory_info().rss, started)


def _reason(outcome: Outcome | None) -> str:
    """Why a runner is not kept, for the log."""
    if isinstance(outcome, Died):
        return outcome.why
    if isinstance(outcome, Answered):
        return "a verb failed in it" if "fault" in outcome.answer else "it has grown"
    return "it was interrupted" if outcome is None else f"its work was ended ({type(outcome).__name__.lower()})"
