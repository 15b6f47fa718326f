"""Helpers of the page tests: a studio that runs, patience on a busy machine, and a look for faults."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_PATIENCE = 6
"""Times as long as it takes undisturbed that we wait on a machine that is busy with something else."""


def at_ease(seconds: float) -> float:
    """Milliseconds to wait for what takes so many seconds undisturbed."""
    return seconds * 1000 * _PATIENCE


@dataclass
class Studio:
    """A server in a process of its own, and a client that speaks to it."""

    url: str
    http: httpx.Client

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sent(self, file: Path) -> dict[str, str]:
        """A file that is uploaded, as a job is given it."""
        answer = self.http.post("/api/files", files={"file": (file.name, file.read_bytes())})
        assert answer.status_code == 201, answer.text
        return {"sha256": answer.json()["sha256"], "name": file.name}

    def done(self, verb: str, **body: Any) -> dict[str, Any]:
        """A job, once it is done."""
        answer = self.http.post(f"/api/{verb}", json=body)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        deadline = time.monotonic() + 300
        while job["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, "it did not end in time"
            time.sleep(0.05)
            job = self.get(job["url"])
        assert job["state"] == "done", job
        return job

    def job_of(self, page: Page, name: str = "job") -> str:
        """The job that stands in a page's address."""
        return parse_qs(urlsplit(page.url).query)[name][0]


_AT_REST = """
async () => {
  const ending = document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ending.map((a) => a.finished));
}
"""


def has_no_faults(page: Page) -> None:
    """That axe finds nothing serious for people who see, hear or move otherwise, and nothing sticks out sideways."""
    # What is still fading in has less contrast than what it will be in a moment.
    page.evaluate(_AT_REST)
    found = Axe().run(page).response["violations"]
    bad = [(v["id"], [n["target"] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")]
    assert not bad, bad
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its window"
