"""The promises of the studio's server, as cases for bench/promises.py: asked over HTTP of a server that really runs.

`cases()` yields (kind, what, check); check is given an empty folder and says whether the right thing happened. One
server is started for all that can share it, with the first check, and ended with the process; no check asks anything
but loopback, and none loops without end.
"""

from __future__ import annotations

import atexit
import functools
import http.client
import io
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

__all__ = ["cases"]

KIND = "http"
TOKEN = "promises-are-kept"
STARTING = 240  # seconds, on a machine that is busy with something else
HTML = {"Accept": "text/html"}


class Server:
    """A studio of its own. url: without the token."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.data = folder / "data"
        self.log = folder / "log"
        command = [sys.executable, "-u", "-m", "flamingo", "serve", "--port=0", "--no-curated", f"--data={self.data}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLAMINGO_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=subprocess.STDOUT, env={**environment, "PYTHONUTF8": "1"}
            )
        self.url = self._address()
        self.http = httpx.Client(base_url=self.url, timeout=60, headers={"Authorization": f"Bearer {TOKEN}"})

    def _address(self) -> str:
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"open at (https?://[^/\s]+)", self.log.read_text(encoding="utf-8")):
                return found[1]
            time.sleep(0.1)
        self.end()
        raise RuntimeError(f"the studio did not open: {self.log.read_text(encoding='utf-8')}")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@functools.cache
def shared() -> Server:
    """The server for all that leave it as they find it: it asks for a token, and is called nas.example too."""
    folder = tempfile.TemporaryDirectory(prefix="flamingo-promises-")
    server = Server(Path(folder.name), "--token", TOKEN, "--allow-host", "nas.example", "--allow-host", "attic.local")

    def end() -> None:
        server.http.close()
        server.end()
        folder.cleanup()

    atexit.register(end)
    return server


@contextmanager
def own(folder: Path, *options: str) -> Iterator[Server]:
    server = Server(folder, *options)
    try:
        yield server
    finally:
        server.http.close()
        server.end()


def photo(seed: int = 0) -> bytes:
    from PIL import Image

    drawn = io.BytesIO()
    Image.linear_gradient("L").rotate(seed).resize((90, 60)).convert("RGB").save(drawn, "JPEG")
    return drawn.getvalue()


def sent(server: Server, seed: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = server.http.post("/api/files", files={"file": ("cat.jpg", photo(seed))}).json()
    return told


def _status(method: str, path: str, status: int, headers: Mapping[str, str] | None = None) -> Callable[[Path], bool]:
    return lambda folder: shared().http.request(method, path, headers=dict(headers or {})).status_code == status


def _origin(host: str, origin: str, site: str, status: int) -> Callable[[Path], bool]:
    headers = {"Host": host, "Origin": origin} | ({"Sec-Fetch-Site": site} if site else {})
    return _status("POST", "/api/bin/empty", status, headers)


def _head(path: str) -> Callable[[Path], bool]:
    def check(folder: Path) -> bool:
        answer = shared().http.head(path, headers=HTML)
        return answer.status_code == 200 and answer.content == b""

    return check


def _range(asked: str, status: int) -> Callable[[Path], bool]:
    def check(folder: Path) -> bool:
        told = sent(shared())
        answer = shared().http.get(told["url"], headers={"Range": asked})
        whole = status != 200 or len(answer.content) == told["size"]
        return answer.status_code == status and whole

    return check


def _form(folder: Path) -> bool:
    with httpx.Client(base_url=shared().url, headers=HTML, timeout=60) as phone:
        page = phone.get("/collection")
        entered = phone.post("/enter", data={"token": TOKEN, "next": "/collection"})
        seen = phone.get("/collection")
    there = all(part in page.text for part in ('name="viewport"', '<form method="post"', 'name="token"'))
    return (page.status_code, entered.status_code, seen.status_code, there) == (401, 303, 200, True)


def _cookie(folder: Path) -> bool:
    cookie = httpx.get(f"{shared().url}/?token={TOKEN}", timeout=60).headers["set-cookie"]
    return TOKEN not in cookie and "HttpOnly" in cookie and "SameSite" in cookie


def _slowed(folder: Path) -> bool:
    with own(folder, "--token", TOKEN) as server:
        guesses = [server.http.get("/api/health", headers={"Authorization": f"Bearer guess-{i}"}) for i in range(13)]
        log = server.log.read_text(encoding="utf-8")
    statuses = [each.status_code for each in guesses]
    return (
        statuses == [401] * 10 + [429] * 3 and "retry-after" in guesses[-1].headers and log.count("wrong token") == 1
    )


def _kept(folder: Path) -> bool:
    tokens = []
    for _ in range(2):
        with own(folder, "--host", "0.0.0.0") as server:
            tokens.append((server.data / "token").read_text())
            printed = server.log.read_text(encoding="utf-8")
            if tokens[-1].strip() not in printed or (".local" not in printed and len(printed.splitlines()) < 3):
                return False
    return tokens[0] == tokens[1] and len(tokens[0].strip()) >= 12


def _modes(folder: Path) -> bool:
    if os.name != "posix":
        return True
    data = shared().data
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    return stat.S_IMODE(data.stat().st_mode) == 0o700 and not [name for name, mode in modes.items() if mode & 0o077]


def _tls(folder: Path) -> bool:
    import ssl

    with own(folder, "--tls", "--token", TOKEN) as server:
        trusting = ssl.create_default_context(cafile=str(server.data / "tls-certificate.pem"))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.get(f"{server.url}/about", verify=trusting, headers=headers, timeout=60)
        cookie = httpx.get(f"{server.url}/?token={TOKEN}", verify=trusting, timeout=60).headers["set-cookie"]
        private = os.name != "posix" or stat.S_IMODE((server.data / "tls-key.pem").stat().st_mode) == 0o600
    policy = answer.headers["content-security-policy"]
    return answer.status_code == 200 and "wss://" in policy and "Secure" in cookie and private


def _root(folder: Path) -> bool:
    with own(folder, "--root-path", "/flamingo") as server:
        page = server.http.get("/flamingo/collection", headers=HTML)
        links = [link for link in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if link.startswith("/")]
        told = sent(server)
        fetched = server.http.get(told["url"])
    under = [*links, told["url"]]
    return page.status_code == fetched.status_code == 200 and all(each.startswith("/flamingo/") for each in under)


def _untrusted(folder: Path) -> bool:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"}
    entered = httpx.get(f"{shared().url}/paint?token={TOKEN}", headers=said, timeout=60)
    return entered.headers.get("location") == "/paint" and "Secure" not in entered.headers["set-cookie"]


def _half_sent(folder: Path) -> bool:
    host, port = shared().url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for _ in range(200):
            opened = stack.enter_context(socket.create_connection((host, int(port)), 30))
            opened.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        return httpx.get(f"{shared().url}/api/health", headers=shared().http.headers, timeout=60).status_code == 200


def _slow_head(folder: Path) -> bool:
    host, port = shared().url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nHost: ")
        opened.settimeout(60)
        begun = time.monotonic()
        return opened.recv(1) == b"" and time.monotonic() - begun < 45


def _full(folder: Path) -> bool:
    """A quota stands for the disk, which no benchmark may fill."""
    with own(folder, "--quota", "0.00001") as server:
        answer = server.http.post("/api/files", files={"file": ("cat.jpg", photo() + bytes(20_000))})
    return answer.status_code == 507 and answer.headers["content-type"] == "application/problem+json"


def _no_places(folder: Path) -> bool:
    import sqlite3

    with own(folder) as server:
        with sqlite3.connect(server.data / "jobs.sqlite", timeout=60) as broken:
            broken.execute("ALTER TABLE flamingo_jobs RENAME TO elsewhere")
        broken.close()
        answer = server.http.get("/api/jobs")
    return answer.status_code == 503 and str(folder) not in answer.text and "sqlite" not in answer.text.lower()


def _stream(folder: Path) -> bool:
    with shared().http.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        told = [next(lines) for _ in range(5)]
    return any(line == "event: snapshot" for line in told) and any(line.startswith("id: ") for line in told)


def _open_streams(folder: Path) -> bool:
    """Streams of six tabs, as many as a browser opens connections."""
    server = shared()
    with ExitStack() as stack:
        opened = [stack.enter_context(server.http.stream("GET", "/api/events")) for _ in range(6)]
        answered = server.http.get("/api/health").status_code
    return {each.status_code for each in opened} == {200} and answered == 200


def _place(folder: Path) -> bool:
    properties = shared().http.get("/api/openapi.json").json()["components"]["schemas"]["JobOut"]["properties"]
    return {"queue_place", "seconds_left"} <= set(properties)


def _keep(folder: Path) -> bool:
    told = sent(shared(), 7)
    kept = shared().http.post("/api/files/keep", json={"files": [told["sha256"], "0" * 64]}).json()
    return kept["kept"] == [told["sha256"]] and kept["missing"] == ["0" * 64] and kept["seconds"] >= 86400


def _no_hash(folder: Path) -> bool:
    told = shared().http.post("/api/feel", json={"photos": [{"sha256": "ab" * 32, "name": "x.jpg"}]}).json()
    return told["status"] == 404 and "abab" not in told["detail"]


def _docs(folder: Path) -> bool:
    page = shared().http.get("/docs", headers=HTML).text
    parts = re.findall(r'(?:src|href)="([^"#]+)"', page)
    inside = all(part.startswith("/") for part in parts)
    return (
        inside
        and any("swagger" in part for part in parts)
        and all(shared().http.get(part).status_code == 200 for part in parts)
    )


def _described(folder: Path) -> bool:
    told = shared().http.get("/api/openapi.json").json()
    operations = [each for path in told["paths"].values() for each in path.values()]
    named = all(re.fullmatch("[a-z][A-Za-z]+", each["operationId"]) for each in operations)
    return named and {"bearer", "cookie"} <= set(told["components"]["securitySchemes"]) and bool(told["servers"])


def _devices(folder: Path) -> bool:
    page = shared().http.get("/devices", headers={**HTML, "Host": "attic.local"})
    return page.status_code == 200 and "<svg" in page.text and TOKEN in page.text


def _opener(folder: Path) -> bool:
    name = "cross-origin-opener-policy"
    here, there = (shared().http.get("/about", headers=more).headers for more in ({}, {"Host": "attic.local"}))
    return name in here and name not in there


def _trailing_dot(folder: Path) -> bool:
    host, port = shared().url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/api/health", headers={"Host": "localhost.", "Authorization": f"Bearer {TOKEN}"})
    status = connection.getresponse().status
    connection.close()
    return status == 200


def cases() -> Iterator[tuple[str, str, Callable[[Path], bool]]]:
    """Kind, what is promised, and the check of it."""
    for host in ("nas.example", "nas.example:443", "NAS.example"):
        for origin in ("https://nas.example:8443", "https://nas.example"):
            yield KIND, f"Host {host}, Origin {origin}, same-origin", _origin(host, origin, "same-origin", 200)
    for origin, site in (
        ("https://evil.example", ""),
        ("https://evil.example", "same-origin"),
        ("https://nas.example", "cross-site"),
        ("null", ""),
    ):
        yield (
            KIND,
            f"Origin {origin}, {site or 'no Sec-Fetch-Site'}: refused",
            _origin("nas.example", origin, site, 403),
        )
    yield (
        KIND,
        "Host nas.example:443, Origin https://nas.example",
        _origin("nas.example:443", "https://nas.example", "", 200),
    )
    yield KIND, "a foreign host is refused", _status("GET", "/api/health", 403, {"Host": "evil.example"})
    yield KIND, "Host localhost.", _trailing_dot
    for path in (
        "/api/health",
        "/",
        "/paint",
        "/api/jobs",
        "/api/openapi.json",
        "/static/css/base.css",
        "/api/events",
    ):
        yield KIND, f"HEAD {path}", _head(path)
    for asked in ("bytes=5-1", "items=0-1", "bytes=x"):
        yield KIND, f"Range {asked} is ignored", _range(asked, 200)
    yield KIND, "Range bytes=0-9", _range("bytes=0-9", 206)
    yield KIND, "Range beyond the end", _range("bytes=99999999-", 416)
    yield (
        KIND,
        "without the token, 401 to programs",
        lambda folder: httpx.get(f"{shared().url}/api/jobs", timeout=60).status_code == 401,
    )
    yield KIND, "a page with a field for the token", _form
    yield KIND, "the cookie does not hold the token", _cookie
    yield KIND, "wrong tokens are slowed and logged once", _slowed
    yield KIND, "the token is kept between starts", _kept
    yield KIND, "the data folder is its owner's alone", _modes
    yield KIND, "--tls makes a certificate", _tls
    yield KIND, "everything is under --root-path", _root
    yield KIND, "an untrusted proxy is not believed", _untrusted
    yield KIND, "half-sent requests shut nobody out", _half_sent
    yield KIND, "the head of a request has a time limit", _slow_head
    yield KIND, "no room is 507", _full
    yield KIND, "no answer says where anything lies", _no_places
    yield KIND, "one stream for all jobs", _stream
    yield KIND, "open streams hold nothing else up", _open_streams
    yield KIND, "jobs have a place in the queue", _place
    yield KIND, "uploads that are shown are kept", _keep
    yield KIND, "no message shows a hash", _no_hash
    yield KIND, "no grade to take back is 409", _status("DELETE", "/api/ratings/last", 409)
    yield KIND, "the API has a page, from here alone", _docs
    yield KIND, "operations have names and security", _described
    yield KIND, "the page On your phone has a code", _devices
    yield KIND, "opener policy only where it is heeded", _opener
