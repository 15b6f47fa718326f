"""Twenty jobs at work at once, two tabs and a navigation: the browser keeps answering, over one stream of events.

A browser opens six connections to a server at most, over all its tabs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.studio.pages.watching import at_ease
from tests.studio.serving import Served, serving, settings_in, until

ROOT = Path(__file__).resolve().parents[3]
JOBS = 20
FETCHED = "fetch('/api/health').then((answer) => answer.status)"


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Served]:
    """A studio with twenty jobs, one of which runs until it is let go and the others wait for it."""
    with serving(replace(settings_in(tmp_path / "studio"), workers=1)) as served:
        for i in range(JOBS):
            served.ask("wait", gate=str(tmp_path / f"gate-{i}-"))
        until(lambda: served.http.get("/api/health").json()["jobs"]["running"] >= 1)
        yield served


@pytest.fixture
def tabs(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(at_ease(10))
    yield context
    context.close()


def _streams(served: Served) -> int:
    """How many streams of events the server has open."""
    return len(served.studio.feed._listeners)


def _collection(tabs: BrowserContext, served: Served) -> Page:
    page = tabs.new_page()
    page.goto(f"{served.url}/collection")
    expect(page.locator("#list [data-job]")).to_have_count(JOBS)
    return page


def test_twenty_jobs_two_tabs_and_a_navigation(busy: Served, tabs: BrowserContext, tmp_path: Path) -> None:
    first, second = _collection(tabs, busy), _collection(tabs, busy)
    until(lambda: _streams(busy) >= 1)
    for page in (first, second):
        assert page.evaluate(FETCHED) == 200
    assert _streams(busy) == 1, "both tabs share one stream"
    third = tabs.new_page()
    third.goto(f"{busy.url}/paint")
    expect(third.get_by_role("heading", level=1).first).to_be_visible()
    second.get_by_role("link", name="Compose", exact=True).click()
    expect(second).to_have_url(f"{busy.url}/compose")
    assert second.evaluate(FETCHED) == 200
    place = first.locator("#list .work-about", has_text="Next in the queue")
    expect(place).to_have_count(1)
    # A cancel works, and the other card of a job that ends learns of it by itself.
    running = next(job for job in busy.http.get("/api/jobs").json()["jobs"] if job["state"] == "running")
    waiting = next(job for job in busy.http.get("/api/jobs").json()["jobs"] if job["state"] == "queued")
    first.locator(f'[data-job="{waiting["id"]}"]').get_by_role("button", name="Cancel").click()
    expect(first.locator(f'[data-job="{waiting["id"]}"]')).to_contain_text("Cancelled")
    Path(f"{running['parameters']['gate']}0").touch()
    expect(first.locator(f'[data-job="{running["id"]}"] .badge')).to_have_count(0)
    assert _streams(busy) == 1


def test_a_job_is_followed_over_a_restart_of_its_stream(busy: Served, tabs: BrowserContext) -> None:
    page = _collection(tabs, busy)
    until(lambda: _streams(busy) == 1)
    waiting = [job for job in busy.http.get("/api/jobs").json()["jobs"] if job["state"] == "queued"]
    busy.studio.feed.end()
    busy.http.post(f"/api/jobs/{waiting[0]['id']}/cancel")
    expect(page.locator(f'[data-job="{waiting[0]["id"]}"]')).to_contain_text("Cancelled")
    until(lambda: _streams(busy) == 1)
    busy.http.post(f"/api/jobs/{waiting[1]['id']}/cancel")
    expect(page.locator(f'[data-job="{waiting[1]["id"]}"]')).to_contain_text("Cancelled")


def test_without_shared_workers_only_the_tab_in_sight_listens(busy: Served, tabs: BrowserContext) -> None:
    tabs.add_init_script("delete window.SharedWorker")
    page = _collection(tabs, busy)
    until(lambda: _streams(busy) == 1)
    waiting = next(job for job in busy.http.get("/api/jobs").json()["jobs"] if job["state"] == "queued")
    busy.http.post(f"/api/jobs/{waiting['id']}/cancel")
    expect(page.locator(f'[data-job="{waiting["id"]}"]')).to_contain_text("Cancelled")
    assert page.evaluate(FETCHED) == 200
    hide: Callable[[str], Any] = lambda state: page.evaluate(  # noqa: E731
        f"Object.defineProperty(document, 'visibilityState', {{value: '{state}', configurable: true}}); "
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    hide("hidden")
    until(lambda: _streams(busy) == 0)
    hide("visible")
    until(lambda: _streams(busy) == 1)


def test_no_stream_is_held_where_nothing_is_at_work(tmp_path: Path, tabs: BrowserContext) -> None:
    with serving(replace(settings_in(tmp_path / "studio"), workers=0)) as served:
        page = tabs.new_page()
        page.goto(f"{served.url}/collection")
        expect(page.locator("#empty-title")).to_be_visible()
        assert _streams(served) == 0
        job = served.ask("count", to=1)
        page.goto(f"{served.url}{job['page']}")
        until(lambda: _streams(served) == 1)
        page.get_by_role("button", name="Cancel").first.click()
        until(lambda: _streams(served) == 0)
