"""Photos painted by the processes of a Ray cluster, films chunk by chunk: `flamingo paint --on ray`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flamingo.distributed.clips import ClipPool
from flamingo.distributed.pool import Job, Pool
from flamingo.errors import FlamingoError
from flamingo.painting.task import Task, painted
from flamingo.video import is_clip

__all__ = ["Outcome", "carried_out"]

Outcome = tuple[list[str], dict[str, Any]] | FlamingoError
"""What is to be said of a photo, and its recipe; or why there is no result."""


def carried_out(
    task: Task,
    plan: Sequence[tuple[Path, Path]],
    on_progress: Callable[[int, Path], None],
    on_part: Callable[[int, int, Path], None] | None = None,
) -> Iterator[Outcome]:
    """The outcome for each photo, in the order of the plan. on_progress is called as (done, photo); on_part, for the
    frames of a single film, as (done, all, film).

    Raises MissingExtra without Ray, BadRequest if the cluster cannot be reached.
    """
    films = [photo for photo, _ in plan if is_clip(photo)]
    with Pool() if films else Pool(len(plan)) as pool:
        brush = pool.shared(task.brush)
        at = [0]
        notes: dict[int, list[str]] = {}

        def tell() -> None:
            on_progress(at[0], plan[at[0]][0])

        def part(done: int, many: int) -> None:
            if on_part is None or len(plan) > 1:
                tell()
            else:
                on_part(done, many, plan[0][0])

        def jobs() -> Iterator[Any]:
            for number, (photo, _) in enumerate(plan):
                if photo in films:
                    yield None
                    continue
                try:
                    work, notes[number] = task.read(photo)
                except FlamingoError as error:
                    yield error
                else:
                    yield Job(str(photo), painted, (brush, work))

        results = pool.results(jobs(), tell)
        for number, (photo, target) in enumerate(plan):
            at[0] = number
            tell()
            yield _written(task, photo, target, next(results), notes.pop(number, []), part, pool)


def _written(
    task: Task,
    photo: Path,
    target: Path,
    answer: Any,
    notes: list[str],
    tell_part: Callable[[int, int], None],
    pool: Pool,
) -> Outcome:
    try:
        if isinstance(answer, FlamingoError):
            return answer
        if answer is None:
            return task.clip(photo, target, tell_part, ClipPool(pool))
        more, recipe = task.write(photo, target, answer)
    except FlamingoError as error:
        return error
    return notes + more, recipe
