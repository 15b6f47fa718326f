"""Short jobs do not wait behind long ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flamingo.jobs import Input, Jobs, Settings, Workers
from tests.jobs.helpers import outcome, until


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "cat.png"
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(file)
    return file


@pytest.fixture
def queue(settings: Settings) -> Iterator[Jobs]:
    """Jobs with nobody to do the work."""
    with Jobs(settings) as jobs:
        yield jobs


def _stored(jobs: Jobs, file: Path) -> Input:
    with file.open("rb") as opened:
        return Input(jobs.store.put(opened).sha256, file.name)


def _sized(folder: Path, width: int, height: int) -> Path:
    file = folder / f"{width}x{height}.png"
    Image.new("RGB", (width, height), "teal").save(file)
    return file


def test_a_short_job_is_done_while_a_long_one_runs(settings: Settings, photo: Path, tmp_path: Path) -> None:
    with Jobs(settings) as jobs, Workers(settings, slots=1, short=1):
        long = [jobs.submit("wait", {"gate": str(tmp_path / f"gate-{i}-")}) for i in range(3)]
        until(lambda: jobs.get(long[0].id).state == "running")
        short = jobs.submit("feel", inputs={"photos": [_stored(jobs, photo)]})
        assert outcome(jobs, short).state == "done"
        assert [jobs.get(job.id).state for job in long] == ["running", "queued", "queued"]
        for i in range(3):
            (tmp_path / f"gate-{i}-0").touch()
        assert [outcome(jobs, job).state for job in long] == ["done"] * 3


def test_without_a_worker_for_them_short_jobs_are_done_by_the_others(settings: Settings, photo: Path) -> None:
    with Jobs(settings) as jobs, Workers(settings, slots=1):
        both = [jobs.submit("feel", inputs={"photos": [_stored(jobs, photo)]}), jobs.submit("count", {"to": 2})]
        assert [outcome(jobs, job).state for job in both] == ["done", "done"]


def test_a_short_job_outlives_the_worker_that_was_at_it(settings: Settings, photo: Path) -> None:
    with Jobs(settings) as jobs:
        short = jobs.submit("feel", inputs={"photos": [_stored(jobs, photo)]})
        with Workers(settings, slots=1, short=1) as workers:
            until(lambda: jobs.get(short.id).state != "queued")
            import psutil

            for pid in workers.pids.values():
                psutil.Process(pid).kill()
            assert outcome(jobs, short).state == "done"


@pytest.mark.parametrize(
    ("verb", "parameters", "lane"),
    [
        ("compose", {"seconds": 30}, "short"),
        ("compose", {"seconds": 30, "best": 4}, "short"),
        ("compose", {"seconds": 600}, "long"),
        ("compose", {"seconds": 60, "best": 8}, "long"),
        ("compose", {"seconds": 60, "variations": 3}, "long"),
        ("count", {}, "long"),
    ],
)
def test_what_is_asked_for_says_which_lane(queue: Jobs, verb: str, parameters: dict[str, object], lane: str) -> None:
    assert queue.lane(queue.submit(verb, parameters)) == lane


@pytest.mark.parametrize(
    ("sizes", "parameters", "lane"),
    [
        ([(640, 480)], {}, "short"),
        ([(1600, 1500)], {}, "short"),
        ([(1700, 1500)], {}, "long"),
        ([(1600, 1000)] * 1 + [(1601, 1000)], {}, "long"),
        ([(4000, 3000)], {}, "long"),
        ([(4000, 3000)], {"size": 1024}, "short"),
        ([(640, 480)], {"size": 4096}, "long"),
        ([(640, 480)], {"method": "optimise"}, "long"),
    ],
)
def test_small_paintings_are_short(
    queue: Jobs, tmp_path: Path, sizes: list[tuple[int, int]], parameters: dict[str, object], lane: str
) -> None:
    photos = [_stored(queue, _sized(tmp_path, *size)) for size in sizes]
    job = queue.submit("paint", {"style": ["great-wave"], **parameters}, {"photos": photos})
    assert queue.lane(job) == lane


def test_an_animation_is_long(queue: Jobs, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:])
    moves = _stored(queue, tmp_path / "moves.gif")
    assert queue.lane(queue.submit("paint", {"style": ["great-wave"]}, {"photos": [moves]})) == "long"


def test_the_line_is_in_the_order_of_the_queue(queue: Jobs, photo: Path) -> None:
    first, second, third = (queue.submit("count", {"to": n}) for n in (1, 2, 3))
    short = queue.submit("feel", inputs={"photos": [_stored(queue, photo)]})
    assert queue.line() == [
        ("long", first.id, "count"),
        ("long", second.id, "count"),
        ("long", third.id, "count"),
        ("short", short.id, "feel"),
    ]
    queue.cancel(first.id)
    queue.retry(first.id)
    assert [job for _, job, _ in queue.line()] == [second.id, third.id, short.id, first.id]
