"""One stream of server-sent events for all jobs, and how a listener gets what it missed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.studio.serving import Served, until

_PATIENCE = 180.0  # seconds for a stream, which never ends by itself


@contextmanager
def listening(served: Served, path: str = "/api/events", last: str = "") -> Iterator[Iterator[tuple[str, str, Any]]]:
    """The events of a stream: kind, id and content."""
    headers = {"Last-Event-ID": last} if last else {}
    with served.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[str, str, Any]]:
    told: dict[str, str] = {}
    deadline = time.monotonic() + _PATIENCE
    for line in answer.iter_lines():
        assert time.monotonic() < deadline, "what was waited for did not come"
        name, _, value = line.partition(": ")
        if line:
            told[name] = value
        elif "data" in told:
            yield told.get("event", ""), told.get("id", ""), json.loads(told["data"])
            told = {}


def first(events: Iterator[tuple[str, str, Any]], wanted: Callable[[str, Any], bool]) -> tuple[str, Any]:
    for kind, name, data in events:
        if wanted(kind, data):
            return name, data
    raise AssertionError("the stream ended")


def test_one_stream_tells_of_every_job_to_its_end(served: Served) -> None:
    with listening(served) as events:
        kind, name, data = next(events)
        assert (kind, bool(name)) == ("snapshot", True)
        # Numbers that no other test asks this server for: what is done already is told of no more.
        asked = {served.ask("count", to=n)["id"] for n in (31, 32, 33)}
        done: set[str] = set()
        for kind, _, data in events:
            if kind == "job" and data["id"] in asked and data["state"] == "done":
                done.add(data["id"])
                assert data["results"]
            if done == asked:
                break


def test_it_begins_with_all_that_wait_and_run(own: Callable[..., Any]) -> None:
    with own() as served:
        asked = [served.ask("count", to=n)["id"] for n in (1, 2)]
        with listening(served) as events:
            assert [job["id"] for job in next(events)[2]["jobs"]] == asked


def test_a_listener_that_comes_back_gets_what_it_missed_and_nothing_twice(own: Callable[..., Any]) -> None:
    with own() as served:
        job = served.ask("count", to=1)["id"]
        with listening(served) as events:
            next(events)
            served.http.patch(f"/api/jobs/{job}", json={"title": "first"})
            last, _ = first(events, lambda kind, data: kind == "job" and data["title"] == "first")
        served.http.patch(f"/api/jobs/{job}", json={"title": "second"})
        other = served.ask("count", to=2)["id"]
        with listening(served, last=last) as events:
            told = [next(events) for _ in range(2)]
        assert [kind for kind, _, _ in told] == ["job", "job"], "no snapshot: the server remembers"
        assert {data["id"]: data["title"] for _, _, data in told} == {job: "second", other: ""}


@pytest.mark.parametrize("last", ["other-12", "12", "-", "0-0", "x" * 40, "ffffffff-99999999999999999999"])
def test_a_name_of_another_run_is_answered_with_a_snapshot(served: Served, last: str) -> None:
    with listening(served, last=last) as events:
        assert next(events)[0] == "snapshot"


def test_what_happened_while_nobody_listened_is_not_missed(own: Callable[..., Any]) -> None:
    with own() as served:
        with listening(served) as events:
            _, last, _ = next(events)
        job = served.ask("count", to=1)["id"]
        served.http.post(f"/api/jobs/{job}/cancel")
        with listening(served, last=last) as events:
            _, _, data = next(events)
        assert (data["id"], data["state"]) == (job, "cancelled")


def test_only_some_jobs_in_any_state_and_those_that_are_gone(own: Callable[..., Any]) -> None:
    with own() as served:
        jobs = [served.ask("count", to=n)["id"] for n in (1, 2, 3)]
        served.http.post(f"/api/jobs/{jobs[0]}/cancel")
        unknown = "0" * 32
        with listening(served, f"/api/events?ids={jobs[0]},{jobs[1]},{unknown}") as events:
            kind, _, data = next(events)
            assert kind == "snapshot"
            assert {job["id"]: job["state"] for job in data["jobs"]} == {jobs[0]: "cancelled", jobs[1]: "queued"}
            assert next(events)[::2] == ("gone", {"id": unknown})
            served.http.patch(f"/api/jobs/{jobs[2]}", json={"title": "not asked for"})
            served.http.delete(f"/api/jobs/{jobs[0]}")
            served.http.delete(f"/api/jobs/{jobs[0]}?purge=true")
            for kind, _, data in events:
                assert data["id"] != jobs[2]
                if kind == "gone":
                    assert data == {"id": jobs[0]}
                    break


@pytest.mark.parametrize("ids", ["../x", "none", "a" * 33])
def test_what_is_no_id_is_refused_in_one_line(served: Served, ids: str) -> None:
    answer = served.http.get("/api/events", params={"ids": ids})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_many_listeners_hear_the_same_and_nobody_waits(own: Callable[..., Any], tmp_path: Path) -> None:
    with own() as served:
        streams = [listening(served) for _ in range(20)]
        opened = [stream.__enter__() for stream in streams]
        try:
            for events in opened:
                next(events)
            job = served.ask("count", to=1)["id"]
            for events in opened:
                first(events, lambda kind, data: kind == "job" and data["id"] == job)
            assert until(lambda: served.http.get("/api/health").status_code == 200)
        finally:
            for stream in streams:
                stream.__exit__(None, None, None)
