"""A real server with real workers, in a thread, and a client that speaks to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from flamingo.jobs import Settings
from flamingo.studio import Limits, Studio, StudioSettings
from flamingo.studio.serve import server_config
from tests.jobs import tricks

PATIENCE = 300.0
"""Seconds that anything may take on a machine that is busy with something else."""


@dataclass
class Served:
    """A server that runs: its address, itself, and a client that speaks to it."""

    url: str
    studio: Studio
    http: httpx.Client

    def upload(self, data: bytes, name: str = "cat.jpg") -> dict[str, Any]:
        answer = self.http.post("/api/files", files={"file": (name, data)})
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ask(self, verb: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/api/{verb}", json=body)
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def outcome(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job once it is over."""

        def over() -> dict[str, Any] | None:
            told: dict[str, Any] = self.http.get(job["url"]).json()
            return None if told["state"] in ("queued", "running") else told

        found: dict[str, Any] = until(over)
        return found


def until(question: Callable[[], Any]) -> Any:
    """The first answer that is not empty."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)
    return answer


@contextmanager
def serving(settings: StudioSettings) -> Iterator[Served]:
    """A server in a thread of its own, with its workers, at a port that is free."""
    with Studio(settings) as studio:
        server = uvicorn.Server(server_config(studio, port=0, log_level="critical"))
        thread = threading.Thread(target=server.run)
        thread.start()
        until(lambda: server.started or not thread.is_alive())
        try:
            url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
            with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE) as http:
                yield Served(url, studio, http)
        finally:
            server.should_exit = True
            thread.join()


def settings_in(folder: Path, **limits: Any) -> StudioSettings:
    """A studio on SQLite that knows the tricks; no limits on how often one may ask but those given."""
    jobs = Settings(folder, memory=2 << 30, seconds=120, verbs=tricks.VERBS)
    usual = Limits(uploads=(1e6, 10**6), writes=(1e6, 10**6), waiting=10**6)
    return StudioSettings(jobs, limits=replace(usual, **limits))
