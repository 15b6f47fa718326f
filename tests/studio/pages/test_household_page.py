"""The studio as the household meets it: on a phone in the same network, over TLS, from the code to the painting; and
behind a proxy that serves it under a path.

Only addresses of this machine are opened.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.studio.pages.opening import ROOT
from tests.studio.pages.watching import at_ease, has_no_faults

pillow_heif = pytest.importorskip("pillow_heif", reason="its encoder makes the HEIC files (extra `dev`)")

PHONE = {"width": 390, "height": 844}
Window = Callable[..., Page]


@contextmanager
def _serving(folder: Path, *options: str) -> Iterator[tuple[str, Path]]:
    """`flamingo serve` in a process of its own: the address of this computer that it prints, and its log."""
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
        server = subprocess.Popen([*command, *options], stdout=said, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        for _ in range(600):
            if found := re.search(r"https?://127\.0\.0\.1:\d+\S*", log.read_text(encoding="utf-8")):
                break
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.2)
                raise AssertionError(log.read_text(encoding="utf-8"))
        assert found, "the studio did not open in time"
        yield found[0], log
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _in_the_network() -> set[str]:
    """IPv4 addresses of this machine that other devices can open."""
    found = {
        each.address
        for card in psutil.net_if_addrs().values()
        for each in card
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    }
    if not found:
        pytest.skip("this machine has no address in a network")
    return found


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """Opens windows of their own cookies, which take a certificate that nobody knows, and closes them at the end."""
    opened: list[BrowserContext] = []

    def make(origin: str, complaints: list[str], **how: Any) -> Page:
        context = browser.new_context(ignore_https_errors=True, **how)
        opened.append(context)
        context.set_default_timeout(at_ease(10))
        page = context.new_page()
        own = urlsplit(origin)

        def asked(url: str) -> None:
            parts = urlsplit(url)
            inside = parts.netloc == own.netloc and parts.path.startswith(own.path or "/")
            if parts.scheme not in ("blob", "data") and not inside:
                complaints.append(f"a request to {url}")

        page.on("request", lambda request: asked(request.url))
        page.on("websocket", lambda opened: asked(opened.url))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        page.on("response", lambda answer: complaints.append(f"404: {answer.url}") if answer.status == 404 else None)
        return page

    yield make
    for context in opened:
        context.close()


def _read(picture: bytes) -> str:
    """What a QR code says."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    said, _, _ = cv2.QRCodeDetector().detectAndDecode(np.pad(pixels, 40, constant_values=255))
    return said


def _printed(log: Path) -> bytes:
    """The code that is drawn in the terminal by half blocks, as a picture."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if re.search("[█▀▄]", line)]
    width = max(len(line) for line in lines)
    upper = [[character in "█▀" for character in line.ljust(width)] for line in lines]
    lower = [[character in "█▄" for character in line.ljust(width)] for line in lines]
    rows = np.stack([np.array(upper), np.array(lower)], axis=1).reshape(-1, width)
    # A terminal is dark: the blocks are the light of the code.
    light = np.kron(rows.astype(np.uint8) * 255, np.ones((6, 6), np.uint8))
    buffer = io.BytesIO()
    Image.fromarray(light).save(buffer, "PNG")
    return buffer.getvalue()


def _heic(cat: Path, folder: Path) -> Path:
    with Image.open(cat) as opened:
        photo = opened.convert("RGB").resize((300, 200))
    file = folder / "IMG_0001.HEIC"
    pillow_heif.from_pillow(photo).save(file, format="HEIF", quality=90)
    return file


def test_a_phone_comes_by_the_code_and_paints_its_photo(
    window: Window, quiet: list[str], cat: Path, tmp_path: Path
) -> None:
    network = _in_the_network()
    with _serving(tmp_path, "--host=0.0.0.0", "--tls") as (here, log):
        # The code on the screen of the computer, read as a camera reads it.
        desk = window(f"https://{urlsplit(here).netloc}/", quiet, viewport={"width": 1280, "height": 900})
        desk.goto(here)
        desk.goto(here.partition("?")[0] + "devices")
        has_no_faults(desk)
        code = _read(desk.locator(".code").screenshot())
        parts = urlsplit(code)
        assert (parts.scheme, parts.hostname in network) == ("https", True), code
        [token] = parse_qs(parts.query)["token"]
        assert _read(_printed(log)) == code, "the terminal shows the same"

        # Without the token in the address there is a form; a wrong one is refused, the right one opens the page.
        plain = f"https://{parts.netloc}/"
        phone = window(plain, quiet, viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=3)
        answer = phone.goto(f"{plain}paint")
        assert answer is not None and answer.status == 401
        has_no_faults(phone)
        phone.get_by_label("Token").fill("certainly-not-the-token")
        phone.get_by_role("button", name="Open the studio").tap()
        expect(phone.get_by_role("alert")).to_contain_text("not the token")
        phone.get_by_label("Token").fill(token)
        phone.get_by_role("button", name="Open the studio").tap()
        expect(phone).to_have_url(f"{plain}paint")
        assert phone.evaluate("isSecureContext && Boolean(navigator.mediaDevices)"), "the camera can be asked for"

        # A photo as the phone writes it is previewed, painted, in sight and downloaded.
        phone.wait_for_load_state("networkidle")  # the address changes before the page's modules listen
        phone.set_input_files("#photos-file", _heic(cat, tmp_path))
        expect(phone.locator("#sign")).to_have_text("Preview", timeout=at_ease(20))
        phone.get_by_role("radio", name="Fast").check()
        phone.get_by_label("Longest side, in pixels").fill("120")
        phone.get_by_role("button", name="Paint", exact=True).tap()
        expect(phone.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
        with phone.expect_download() as caught:
            phone.get_by_role("link", name="Download").tap()
        saved = tmp_path / caught.value.suggested_filename
        caught.value.save_as(saved)
        with Image.open(saved) as painted:
            assert (painted.size, painted.format) == ((120, 80), "JPEG")
        has_no_faults(phone)

        # The code itself opens the studio at once, and the token does not stay in the address.
        other = window(plain, quiet, viewport=PHONE, has_touch=True, is_mobile=True)
        other.goto(code)
        expect(other.get_by_role("heading", level=1).first).to_be_visible()
        assert token not in other.url
        said = log.read_text(encoding="utf-8")
        assert said.count("wrong token") == 1 and "certainly-not" not in said
        assert "Traceback" not in said


class _Proxy(BaseHTTPRequestHandler):
    """Serves the studio under a path, which it takes off, as nginx's `proxy_pass http://studio/` does."""

    protocol_version = "HTTP/1.1"
    prefix = "/flamingo"
    studio = ""
    outside: list[str]

    def _passed(self) -> None:
        if not self.path.startswith(f"{self.prefix}/"):
            if self.path != self.prefix:
                self.outside.append(self.path)
            self.send_response(308 if self.path == self.prefix else 404)
            self.send_header("Location", f"{self.prefix}/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        there = http.client.HTTPConnection(urlsplit(self.studio).netloc, timeout=120)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with suppress(BrokenPipeError, ConnectionResetError):
            there.request(self.command, self.path.removeprefix(self.prefix), body or None, dict(self.headers))
            answer = there.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "server", "date"):
                    self.send_header(name, value)
            if answer.getheader("Content-Length") is None:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            while self.command != "HEAD" and (part := answer.read1(1 << 16)):
                self.wfile.write(part)
                self.wfile.flush()
        there.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _passed  # noqa: N815

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def _proxied(studio: str) -> Iterator[tuple[str, list[str]]]:
    """The address under which the proxy serves a studio, and what was asked of it elsewhere."""
    outside: list[str] = []
    handler = type("Handler", (_Proxy,), {"studio": studio, "outside": outside})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}{_Proxy.prefix}/", outside
    finally:
        proxy.shutdown()
        thread.join()
        proxy.socket.close()


def test_all_of_a_session_stays_under_the_path_of_a_proxy(
    window: Window, quiet: list[str], cat: Path, tmp_path: Path
) -> None:
    with _serving(tmp_path, f"--root-path={_Proxy.prefix}") as (here, _), _proxied(here) as (there, outside):
        page = window(there, quiet, viewport={"width": 1280, "height": 900})
        page.goto(there)
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Paint", exact=True).first.click()
        expect(page).to_have_url(f"{there}paint")
        page.wait_for_load_state("networkidle")  # the address changes before the page's modules listen
        page.set_input_files("#photos-file", cat)
        expect(page.locator("#sign")).to_have_text("Preview", timeout=at_ease(20))
        page.get_by_role("radio", name="Fast").check()
        page.get_by_label("Longest side, in pixels").fill("120")
        page.get_by_role("button", name="Paint", exact=True).click()
        expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
        expect(page.locator("#picture-row img")).to_have_count(3)
        page.locator("#grade").get_by_role("button", name="Good", exact=True).click()
        page.get_by_role("button", name="All grades").click()
        expect(page).to_have_url(f"{there}grades")
        expect(page.locator("#chart .chart-row")).to_have_count(2)
        page.get_by_role("navigation").get_by_role("link", name="Collection", exact=True).first.click()
        expect(page.locator("#list [data-job]")).to_have_count(1)
        page.locator("#list [data-job] a").first.click()
        expect(page.locator("#picture-row img")).to_have_count(3)
        with page.expect_download() as caught:
            page.get_by_role("link", name="Download").click()
        assert caught.value.suggested_filename.endswith(".jpg")
        for name in ("compose", "film", "feel", "live", "learn", "verify", "about", "devices", "docs"):
            page.goto(there + name, wait_until="networkidle" if name != "docs" else "load")
        assert outside == []
