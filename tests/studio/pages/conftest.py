"""What the page tests share: a browser, and a studio in a process of its own, as a person would start it.

Every page is watched: a request to any other host, an error in a module, or a refusal by the content security policy
fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect, sync_playwright

from tests.studio.pages.opening import CHROMIUM, FLAGS, ROOT, opened
from tests.studio.pages.watching import Studio, at_ease

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for all pages."""
    with opened(tmp_path_factory.mktemp("pages")) as url, httpx.Client(base_url=url, timeout=300) as http:
        yield Studio(url, http)


# The browser is for one module only: while its driver runs, no other test could run an event loop of its own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: install it, or say where it is with CHROMIUM=/path")
    with sync_playwright() as started:
        expect.set_options(timeout=at_ease(5))
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as launched:
        yield launched


@pytest.fixture(scope="module")
def camera_browser(playwright: Playwright) -> Iterator[Browser]:
    """One whose camera shows a moving test picture."""
    with playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + CAMERA) as launched:
        yield launched


@pytest.fixture
def quiet() -> Iterator[list[str]]:
    """What pages complained of, which must be nothing."""
    complaints: list[str] = []
    yield complaints
    assert not complaints


@pytest.fixture
def watched(studio: Studio, quiet: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens windows that are watched, and closes them at the end."""
    opened = []

    def window(browser: Browser, size: ViewportSize = DESKTOP, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport=size, color_scheme="dark" if dark else "light", accept_downloads=True, reduced_motion="reduce"
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(at_ease(10))
        page.on("request", lambda request: _elsewhere(request.url, studio, quiet))
        page.on("websocket", lambda socket: _elsewhere(socket.url, studio, quiet))
        page.on("pageerror", lambda error: quiet.append(f"{page.url}: {error}"))
        page.on("console", lambda said: quiet.append(said.text) if "Content Security Policy" in said.text else None)
        return page

    yield window
    for context in opened:
        context.close()


def _elsewhere(url: str, studio: Studio, complaints: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("blob", "data") and parts.netloc != urlsplit(studio.url).netloc:
        complaints.append(f"a request to {url}")


@pytest.fixture
def page(browser: Browser, watched: Callable[..., Page]) -> Page:
    """A window on a desk, light."""
    return watched(browser)


@pytest.fixture
def phone(browser: Browser, watched: Callable[..., Page]) -> Page:
    """A window on a phone, dark."""
    return watched(browser, PHONE, dark=True)


@pytest.fixture
def camera_page(camera_browser: Browser, watched: Callable[..., Page]) -> Page:
    """A window with a camera."""
    return watched(camera_browser)


@pytest.fixture
def cat() -> Path:
    """A photo of a cat, 451 x 300 pixels."""
    return ROOT / "docs" / "photos" / "chelsea.jpg"
