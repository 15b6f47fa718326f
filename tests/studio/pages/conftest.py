"""What the page tests share: a browser, and a studio in a process of its own, as a person would start it.

Every page is watched: a request to any other host, an error in a module, or a refusal by the content security policy
fails the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
sys.path.insert(0, str(Path(__file__).parent))

from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect, sync_playwright
from watching import Studio, at_ease

ROOT = Path(__file__).resolve().parents[3]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# The sandbox needs rights that a container has not; the rest keeps the browser from calling home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for all pages."""
    folder = tmp_path_factory.mktemp("pages")
    log = folder / "log"
    command = [
        sys.executable,
        "-u",
        "-m",
        "flamingo",
        "serve",
        "--port=0",
        "--no-curated",
        f"--data={folder / 'data'}",
    ]
    with log.open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        url = _address(server, log)
        with httpx.Client(base_url=url, timeout=300) as http:
            yield Studio(url, http)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """What the server says when it is open."""
    for _ in range(600):
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        try:
            server.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"the studio did not open: {log.read_text()}")


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
        context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light", accept_downloads=True)
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
