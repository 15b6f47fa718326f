"""Painting many photos on a Ray cluster: some processes hold the painter, this one reads and writes.

`RAY_ADDRESS` says where the cluster is (as for every program that uses Ray); without it, one is started on this
computer. Files stay here, so nothing has to be shared but the network: photos travel as arrays, and so do paintings.
The code that paints is the same as without a cluster, and so are the results.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flamingo import weights
from flamingo.errors import BadRequest, FlamingoError, MissingExtra, one_line
from flamingo.painting.brush import Brush
from flamingo.painting.task import Task, Work, painted
from flamingo.video import is_clip

Outcome = tuple[list[str], dict[str, Any]] | FlamingoError
"""What is to be said of a photo, and its recipe; or why there is no result."""

_CORES = 2
"""Processor cores for each process that paints: with more, one picture is hardly done sooner."""
_PATIENCE = 10.0  # seconds
_AHEAD = 2  # photos read for each of them before it has asked


class Holder:
    """A process of the cluster that holds a painter."""

    def __init__(self, brush: Brush, threads: int) -> None:
        os.environ.setdefault("FLAMINGO_THREADS", str(threads))
        self._brush = brush
        name = f"painter-{brush.painter.model}"
        self._other = weights.entry(name)["version"] != brush.painter.version

    def paint(self, work: Work) -> Work | FlamingoError:
        """The photo painted, or why it could not be."""
        if self._other:
            return BadRequest(
                "the cluster", "it has another version of the painter", "install the same Flamingo there"
            )
        try:
            return painted(self._brush, work)
        except FlamingoError as error:
            return error


def carried_out(
    task: Task, plan: Sequence[tuple[Path, Path]], on_progress: Callable[[int, Path], None]
) -> Iterator[Outcome]:
    """The outcome for each photo, in the order of the plan. on_progress is called as (done, photo).

    Raises MissingExtra without Ray, BadRequest if the cluster cannot be reached.
    """
    ray = _joined()
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    each = min(_CORES, cores)
    count = min(max(1, cores // each), len(plan))
    remote = ray.remote(num_cpus=each)(Holder)
    holders = [remote.remote(task.brush, each) for _ in range(count)]
    waiting: deque[tuple[Any, list[str]]] = deque()
    try:
        following = iter(enumerate(plan))
        for done, (photo, target) in enumerate(plan):
            on_progress(done, photo)
            while len(waiting) < _AHEAD * count and (nxt := next(following, None)) is not None:
                number, (source, _) = nxt
                waiting.append(_sent(task, source, holders[number % count]))
            answer, notes = waiting.popleft()
            yield _written(ray, task, photo, target, answer, notes)
    finally:
        for holder in holders:
            ray.kill(holder)


def _sent(task: Task, photo: Path, holder: Any) -> tuple[Any, list[str]]:
    if is_clip(photo):
        return None, []
    try:
        work, notes = task.read(photo)
    except FlamingoError as error:
        return error, []
    return holder.paint.remote(work), notes


def _written(ray: Any, task: Task, photo: Path, target: Path, answer: Any, notes: list[str]) -> Outcome:
    if isinstance(answer, FlamingoError):
        return answer
    if answer is None:  # the frames of a film follow on each other, so they are painted here
        try:
            return task.clip(photo, target, lambda _done, _all: None)
        except FlamingoError as error:
            return error
    try:
        work = ray.get(answer)
    except ray.exceptions.RayError as error:
        return BadRequest(
            str(photo), f"the cluster failed ({one_line(str(error))[:120]})", "try again, or --on local"
        )
    if isinstance(work, FlamingoError):
        return work
    try:
        more, recipe = task.write(photo, target, work)
    except FlamingoError as error:
        return error
    return notes + more, recipe


def _knock(address: str | None) -> None:
    """Ray itself tries for minutes before it says that nobody is there."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _not_reached(address, error) from None


def _not_reached(address: str | None, error: Exception) -> BadRequest:
    why = f"it cannot be reached ({one_line(str(error))[:120]})"
    return BadRequest(f"the cluster {address or 'here'}", why, "check RAY_ADDRESS")


def _joined() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingExtra.of("painting on a cluster", "ray", "ray") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        _knock(address)
        # A cluster on this computer needs neither a page nor a collector of figures.
        alone: dict[str, Any] = {} if address else {"include_dashboard": False}
        try:
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **alone)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _not_reached(address, error) from None
    return ray
