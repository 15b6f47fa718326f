"""The studio in a real house: other devices, tokens, proxies, TLS, and what must not leak or be used up."""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from flamingo.errors import BadRequest
from flamingo.private import make_private, private_file, private_folder, write_private
from flamingo.studio import address, tls
from flamingo.studio.guard import _readable
from flamingo.studio.problems import without_places
from tests.studio.serving import Served, serving, settings_in, until

TOKEN = "correct-horse-battery"
PAGES = ("/", "/paint", "/compose", "/film", "/feel", "/live", "/collection", "/verify", "/learn", "/about")
HTML = {"Accept": "text/html"}
IDENTITY = {"Accept-Encoding": "identity"}
Own = Callable[..., Any]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    """A studio with a token, by which nobody works."""
    with serving(replace(settings_in(tmp_path / "studio"), token=TOKEN, workers=0)) as served:
        yield served


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that may be asked for by another name."""
    with started(tmp_path_factory.mktemp("named"), hosts=("nas.example",)) as served:
        yield served


def started(folder: Path, **settings: Any) -> Any:
    return serving(replace(settings_in(folder / "studio"), workers=0, **settings))


# -- HEAD and Range ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(*PAGES, "/devices", "/docs", "/static/css/base.css", "/favicon.ico", "/nowhere"),
        *("/api/health", "/api/jobs", "/api/styles", "/api/openapi.json", "/api/events", "/api/jobs/none"),
    ],
)
def test_head_is_answered_wherever_get_is(served: Served, path: str) -> None:
    headers = {**HTML, "Accept-Encoding": "identity"}
    with served.http.stream("GET", path, headers=headers) as answer:
        got = answer
    head = served.http.head(path, headers=headers)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length", "etag", "content-security-policy"):
        if path != "/api/health":  # the room on the disk changes
            assert head.headers.get(name) == got.headers.get(name), name


def test_head_of_files_and_of_what_is_no_get(served: Served, cat_jpeg: bytes) -> None:
    told = served.upload(cat_jpeg)
    head = served.http.head(told["url"])
    assert (head.status_code, int(head.headers["content-length"])) == (200, told["size"])
    assert served.http.head("/api/paint").status_code == 405
    with httpx.Client(base_url=served.url) as client:  # the connection is of use afterwards
        assert [client.head("/api/events").status_code, client.get("/api/health").status_code] == [200, 200]


def test_head_of_results_downloads_zips_and_pictures(served: Served, cat_jpeg: bytes) -> None:
    file = served.upload(cat_jpeg)
    job = served.outcome(served.ask("copy", files=[{"sha256": file["sha256"], "name": "cat.jpg"}]))
    result = job["results"][0]["url"]
    styles = "/api/styles/scream"
    for path in (
        *(result, f"{result}?download=true", f"{result}/thumbnail", f"{result}/sidecar", f"{job['url']}/zip"),
        *(f"{job['url']}/events", f"{file['url']}/thumbnail", f"{styles}/thumbnail", f"{styles}/painting?size=64"),
        *("/api/ratings/report", "/api/extras", "/api/bin/empty", "/grades", job["page"]),
    ):
        got, head = (served.http.request(method, path, headers=IDENTITY) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("content-type", "content-length", "content-disposition", "etag"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
    # A zip is packed while it is sent, so it has no parts; and nobody can read such a number.
    whole = served.http.get(f"{job['url']}/zip").content
    for asked in ("bytes=0-9", "bytes=99999999999-", f"bytes={'9' * 5000}-"):
        part = served.http.get(f"{job['url']}/zip", headers={"Range": asked})
        assert (part.status_code, len(part.content)) == (200, len(whole))
    part = served.http.get(result, headers={"Range": f"bytes={'9' * 5000}-"})
    assert (part.status_code, part.content) == (200, cat_jpeg)
    assert served.http.get("/api/health").status_code == 200, "the connection is of use afterwards"


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-1", "items=0-1", "bytes=a-b", "bytes=", "bytes", "0-4", "bytes=-", "bytes=1-2-3", "bytes=0-0,5-1"],
)
def test_a_range_that_cannot_be_read_is_ignored(served: Served, cat_jpeg: bytes, asked: str) -> None:
    told = served.upload(cat_jpeg)
    answer = served.http.get(told["url"], headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, told["size"])
    assert served.http.get("/static/css/base.css", headers={"Range": asked}).status_code == 200


def test_ranges_that_can_be_read_are_heeded(served: Served, cat_jpeg: bytes) -> None:
    told = served.upload(cat_jpeg)
    for asked, length in (("bytes=0-9", 10), ("bytes=-7", 7), (f"bytes={told['size'] - 3}-", 3)):
        answer = served.http.get(told["url"], headers={"Range": asked})
        assert (answer.status_code, len(answer.content)) == (206, length)
    for asked in (f"bytes={told['size']}-", "bytes=99999999-", "bytes=-0"):
        answer = served.http.get(told["url"], headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-range"] == f"bytes */{told['size']}"


@given(st.one_of(st.text(max_size=60), st.from_regex(r"bytes=(\d{0,3}-\d{0,3},? ?){0,4}", fullmatch=True)))
def test_what_counts_as_a_range_is_what_starlette_can_read(text: str) -> None:
    from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable

    if _readable(text):
        try:
            FileResponse._parse_range_header(text, 100)
        except RangeNotSatisfiable:
            pass
        except MalformedRangeHeader:  # nothing that lets a request through may be answered with 400
            raise AssertionError(text) from None


# -- hosts, origins, proxies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["nas.example", "nas.example:443", "NAS.example", "Nas.Example:5555", "nas.example."]
)
@pytest.mark.parametrize("origin", ["https://nas.example:8443", "https://nas.example", "https://NAS.EXAMPLE"])
def test_a_proxy_may_change_the_port_and_the_case(named: Served, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert named.http.post("/api/bin/empty", headers=headers).status_code == 200


def test_same_origin_is_not_said_by_others(named: Served) -> None:
    for headers in (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://nas.example.evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://nas.example", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://nas.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://nas.example:8443"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
    ):
        answer = named.http.post("/api/bin/empty", headers={"Host": "nas.example", **headers})
        assert answer.status_code == 403, headers


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("nas.example:443", "https://nas.example"),
        ("nas.example", "http://nas.example:80"),
        ("NAS.example", "http://nas.example"),
    ],
)
def test_without_sec_fetch_usual_ports_and_case_are_equal(named: Served, host: str, origin: str) -> None:
    assert named.http.post("/api/bin/empty", headers={"Host": host, "Origin": origin}).status_code == 200


@pytest.mark.parametrize("host", ["localhost.", "LOCALHOST", "127.0.0.1", "[::1]:80", "[0:0:0:0:0:0:0:1]"])
def test_this_machine_has_these_names(served: Served, host: str) -> None:
    assert served.http.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost;script-src *", "localhost evil", "local_host", "..", "localhost:99999999", "[::1"]
)
def test_no_host_gets_words_into_the_policy(served: Served, host: str) -> None:
    answer = served.http.get("/api/health", headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert "script-src *" not in answer.headers.get("content-security-policy", "")


def test_what_a_proxy_says_is_believed_of_a_trusted_one_alone(tmp_path: Path) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "art.example", "X-Forwarded-Prefix": "/art"}
    proxy = ip_network("127.0.0.0/8")
    with started(tmp_path, hosts=("art.example",), token=TOKEN, trusted=(proxy,)) as served:  # noqa: SIM117
        with httpx.Client(base_url=served.url, headers=said) as client:
            entered = client.get(f"/paint?token={TOKEN}")
            assert (entered.status_code, entered.headers["location"]) == (303, "/art/paint")
            cookie = entered.headers["set-cookie"]
            assert "Secure" in cookie and "Path=/art/" in cookie
            assert "wss://art.example" in entered.headers["content-security-policy"]
            assert "ws://art.example" not in entered.headers["content-security-policy"].replace("wss://", "")
    with started(tmp_path, token=TOKEN) as served, httpx.Client(base_url=served.url, headers=said) as client:
        entered = client.get(f"/paint?token={TOKEN}")
        assert (entered.headers["location"], "Secure" in entered.headers["set-cookie"]) == ("/paint", False)


def test_limits_count_the_client_behind_a_trusted_proxy(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path / "studio", writes=(0.01, 1)), workers=0)
    with serving(replace(settings, trusted=(ip_network("127.0.0.1"),))) as served:

        def ask(client: str) -> int:
            return served.http.post("/api/bin/empty", headers={"X-Forwarded-For": client}).status_code

        assert [ask("10.0.0.1"), ask("10.0.0.1"), ask("10.0.0.2")] == [200, 429, 200]
        assert ask("10.0.0.3, 10.0.0.1") == 429, "the one that the proxy itself has seen counts"
    with serving(settings) as served:
        assert [ask("10.0.0.1"), ask("10.0.0.2")] == [200, 429], "anybody could say that"


@pytest.mark.parametrize("kept", [True, False], ids=["the proxy leaves the path on", "the proxy takes it off"])
def test_everything_is_under_the_root_path(tmp_path: Path, cat_jpeg: bytes, kept: bool) -> None:
    from html.parser import HTMLParser

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            for name, value in attributes:
                if name in ("href", "src", "action", "poster", "data-sample", "data-samples") and value:
                    found.extend(value.split() if name == "data-samples" else [value])

    with started(tmp_path, root_path="/flamingo", token=TOKEN) as served:
        asked = "/flamingo" if kept else ""
        for page in (*PAGES, "/devices", "/docs", "/nowhere"):
            found: list[str] = []
            Links().feed(served.http.get(asked + page, headers=HTML).text)
            inside = [link for link in found if link.startswith("/")]
            assert inside, page
            assert [link for link in inside if not link.startswith("/flamingo/")] == [], page
            broken = {link for link in inside if served.http.get(link.partition("#")[0]).status_code != 200}
            assert not broken, page
        told = served.http.post(f"{asked}/api/files", files={"file": ("cat.jpg", cat_jpeg)}).json()
        assert told["url"].startswith("/flamingo/api/files/") and served.http.get(told["url"]).content == cat_jpeg
        job = served.http.post(f"{asked}/api/count", json={"to": 1})
        assert job.headers["location"].startswith("/flamingo/api/jobs/")
        assert job.json()["page"].startswith("/flamingo/collection/")
        assert served.http.get(f"{asked}/api/openapi.json").json()["servers"][0]["url"] == "/flamingo"
        with httpx.Client(base_url=served.url) as stranger:
            form = stranger.get(f"{asked}/paint", headers=HTML)
            assert (form.status_code, 'action="/flamingo/enter"' in form.text) == (401, True)
            entered = stranger.post("/flamingo/enter", data={"token": TOKEN, "next": "/paint?x=1"})
            assert (entered.status_code, entered.headers["location"]) == (303, "/flamingo/paint?x=1")
            assert "Path=/flamingo/" in entered.headers["set-cookie"]


@pytest.mark.parametrize("path", ["flamingo", "/a b", "/../x", "//", "/<x>", "http://x", "/a/./b"])
def test_what_is_no_root_path_is_told_in_one_line(path: str) -> None:
    if path == "//":
        assert address.checked_root(path) == ""
    else:
        with pytest.raises(BadRequest, match="root path"):
            address.checked_root(path)


# -- tokens --------------------------------------------------------------------------------------------------


def test_the_page_for_the_token_works_without_scripts(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url, headers=HTML) as phone:
        page = phone.get("/collection?show=bin")
        assert page.status_code == 401
        assert 'name="viewport"' in page.text and "<script" not in page.text and 'method="post"' in page.text
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
        assert styles and all(phone.get(style).status_code == 200 for style in styles), "it may not need the token"
        to = re.search(r'name="next" value="([^"]*)"', page.text)
        assert to is not None
        wrong = phone.post("/enter", data={"token": "something-wrong", "next": to[1]})
        assert (wrong.status_code, "not the token" in wrong.text) == (401, True)
        assert to[0] in wrong.text, "the page that was asked for is not forgotten"
        right = phone.post("/enter", data={"token": f" {TOKEN} ", "next": to[1]})
        assert (right.status_code, right.headers["location"]) == (303, "/collection?show=bin")
        cookie = right.headers["set-cookie"]
        assert TOKEN not in cookie and "HttpOnly" in cookie and "SameSite=lax" in cookie
        assert phone.get("/collection").status_code == 200


def test_the_whole_address_may_be_put_into_the_field(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url) as phone:
        given = phone.post("/enter", data={"token": f"http://192.168.1.20:5555/?token={TOKEN}"})
        assert (given.status_code, given.headers["location"]) == (303, "/")


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "\\\\evil.example", "/\\evil.example"])
def test_the_form_leads_nowhere_else(guarded: Served, to: str) -> None:
    with httpx.Client(base_url=guarded.url) as phone:
        location = phone.post("/enter", data={"token": TOKEN, "next": to}).headers["location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


def test_the_form_cannot_be_sent_by_a_page_elsewhere(guarded: Served) -> None:
    answer = httpx.post(f"{guarded.url}/enter", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("way", ["header", "address", "form"])
def test_wrong_tokens_are_slowed_and_logged_once(guarded: Served, caplog: pytest.LogCaptureFixture, way: str) -> None:
    def guess(client: httpx.Client, token: str) -> httpx.Response:
        if way == "header":
            return client.get("/api/health", headers={"Authorization": f"Bearer {token}"})
        return (
            client.get(f"/paint?token={token}") if way == "address" else client.post("/enter", data={"token": token})
        )

    with httpx.Client(base_url=guarded.url) as client, caplog.at_level(logging.WARNING, "flamingo.studio"):
        client.post("/enter", data={"token": TOKEN})
        known = dict(client.cookies)
        client.cookies.clear()
        answers = [guess(client, f"wrong-token-{i}") for i in range(15)]
        assert [each.status_code for each in answers] == [401] * 10 + [429] * 5
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert guess(client, TOKEN).status_code == 429, "or a guess could still be tried"
        logged = [each for each in caplog.records if "wrong token" in each.getMessage()]
        assert len(logged) == 1 and "127.0.0.1" in logged[0].getMessage()
        assert TOKEN not in caplog.text
        client.cookies.update(known)
        assert client.get("/api/health").status_code == 200, "who has entered already is not shut out"


def test_an_old_cookie_is_no_guess(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url, cookies={"flamingo_5555": "0" * 64}) as client:
        assert {client.get("/api/health").status_code for _ in range(30)} == {401}
        assert client.post("/enter", data={"token": TOKEN}).status_code == 303


def test_a_browser_is_told_of_opener_policies_only_where_it_heeds_them(tmp_path: Path) -> None:
    with started(tmp_path, hosts=("attic.local",)) as served:
        name = "cross-origin-opener-policy"
        assert name in served.http.get("/about").headers
        assert name not in served.http.get("/about", headers={"Host": "attic.local"}).headers


# -- what lies on the disk -----------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="modes")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_the_data_folder_is_its_owner_s_alone_also_an_old_one(tmp_path: Path) -> None:
    data = tmp_path / "studio"
    data.mkdir(mode=0o755)
    with started(tmp_path) as served:
        served.ask("count", to=1)
    for path in (data, data / "files", data / "thumbnails", data / "slots"):
        if path.exists():
            path.chmod(0o755)
    for path in data.glob("*.sqlite*"):
        path.chmod(0o644)
    with started(tmp_path) as served:
        served.http.get("/api/jobs")
        assert _mode(data) == 0o700
        databases = list(data.glob("*.sqlite*"))
        assert len(databases) >= 2 and {_mode(each) for each in databases} == {0o600}
        assert not [each for each in data.iterdir() if _mode(each) & 0o077]


@posix
def test_grades_and_styles_are_their_owner_s_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flamingo.ratings import store

    monkeypatch.setenv("FLAMINGO_DATA", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir(mode=0o755)
    with store._opened(None, writing=True):
        pass
    assert (_mode(tmp_path / "mine"), _mode(store.own_database())) == (0o700, 0o600)


@posix
def test_private_files_and_folders(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    assert (_mode(folder), _mode(tmp_path / "a")) == (0o700, 0o700)
    write_private(folder / "token", b"secret")
    assert (_mode(folder / "token"), (folder / "token").read_bytes()) == (0o600, b"secret")
    assert [each.name for each in folder.iterdir()] == ["token"]
    (folder / "old").touch(0o644)
    (folder / "old").chmod(0o444)
    make_private(folder / "old", folder / "missing")
    assert _mode(folder / "old") == 0o400
    private_file(folder / "new.sqlite")
    assert _mode(folder / "new.sqlite") == 0o600


def test_a_full_disk_is_507_wherever_it_is_met(own: Own, cat_jpeg: bytes) -> None:
    with own() as served:
        job = served.ask("count", to=1)["id"]
        engine = served.studio.jobs._database._engine
        sa.event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count=1"))
        title = "x" * 200
        answers = [served.http.post("/api/count", json={"to": n, "pause": 0.001}) for n in range(200)]
        full = [each for each in answers if each.status_code != 202]
        assert full and {each.status_code for each in full} == {507}
        assert {each.headers["content-type"] for each in full} == {"application/problem+json"}
        told = full[0].json()
        assert "no room" in told["detail"] and "sqlite" not in full[0].text.lower() and "/" not in told["what"]
        assert served.http.patch(f"/api/jobs/{job}", json={"title": title}).status_code in (200, 507)
        assert served.http.get("/api/jobs").status_code == 200


def test_no_answer_says_where_anything_lies(own: Own, tmp_path: Path) -> None:
    with own() as served:
        with sqlite3.connect(served.studio.settings.jobs.data / "jobs.sqlite") as broken:
            broken.execute("ALTER TABLE flamingo_jobs RENAME TO elsewhere")
        broken.close()
        for answer in (served.http.get("/api/jobs"), served.http.post("/api/count", json={"to": 1})):
            assert answer.status_code == 503
            assert answer.json()["what"] == "the database"
            for secret in (str(tmp_path), "sqlite", "flamingo_jobs"):
                assert secret not in answer.text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/tmp/x/y.jpg: damaged", "y.jpg: damaged"),
        ("see /api/openapi.json for what is taken", "see /api/openapi.json for what is taken"),
        ("database postgresql+psycopg://me:pw@127.0.0.1:5432/fl is away", "database the database is away"),
        ("sqlite:////tmp/x/jobs.sqlite: locked", "the database: locked"),
        ("open C:\\Users\\me\\cat.jpg now", "open cat.jpg now"),
        ("look at https://example.org/tmp/x", "look at https://example.org/tmp/x"),
        ("1/2 and a/b", "1/2 and a/b"),
    ],
)
def test_places_are_taken_out_of_a_text(said: str, shown: str) -> None:
    assert without_places(said) == shown


def test_uploads_that_are_still_shown_are_kept(own: Own, cat_jpeg: bytes) -> None:
    with own() as served:
        store = served.studio.store
        shown, forgotten = served.upload(cat_jpeg)["sha256"], served.upload(cat_jpeg + b"\0")["sha256"]
        gone = "0" * 64

        def days_later(days: float) -> None:
            for each in (shown, forgotten):
                if store.exists(each):
                    age = time.time() - store.path(each).stat().st_mtime + days * 86400
                    os.utime(store.path(each), (time.time() - age,) * 2)

        days_later(2)
        served.studio.tend()
        assert store.exists(shown) and store.exists(forgotten), "an hour is a lunch"
        told = served.http.post("/api/files/keep", json={"files": [shown, gone]}).json()
        assert (told["kept"], told["missing"]) == ([shown], [gone]) and told["seconds"] >= 86400
        days_later(2)
        served.studio.tend()
        assert (store.exists(shown), store.exists(forgotten)) == (True, False)
        assert served.http.get(f"/api/files/{shown}/thumbnail").status_code == 200
        days_later(2)
        served.studio.tend()
        assert store.exists(shown), "looking at it keeps it too"
        missing = served.http.post("/api/feel", json={"photos": [{"sha256": forgotten}]})
        assert missing.status_code == 404
        assert not re.search(r"[0-9a-f]{8}", missing.json()["detail"]), "nobody can read a hash"


@pytest.mark.parametrize("files", [["x"], ["A" * 64], [1], "0" * 64, ["0" * 64] * 501])
def test_what_is_no_list_of_files_is_refused(served: Served, files: Any) -> None:
    assert served.http.post("/api/files/keep", json={"files": files}).status_code == 422


# -- connections ---------------------------------------------------------------------------------------------


def _half_sent(served: Served, stack: ExitStack, number: int) -> list[socket.socket]:
    host, port = served.url.removeprefix("http://").split(":")
    opened = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(number)]
    for each in opened:
        each.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n")
    return opened


def test_half_sent_requests_shut_nobody_out(own: Own) -> None:
    with own(head_seconds=60.0, connections=16) as served, ExitStack() as stack:
        opened = _half_sent(served, stack, 100)
        with httpx.Client(base_url=served.url) as client:
            assert client.get("/api/health").status_code == 200
        opened[0].settimeout(30)
        with suppress(ConnectionResetError):  # closed before it had read all that was sent, which is a reset
            assert opened[0].recv(1) == b"", "the oldest was closed"


def test_the_head_of_a_request_has_a_time_limit(own: Own) -> None:
    with own(head_seconds=0.3) as served, ExitStack() as stack:
        [half] = _half_sent(served, stack, 1)
        half.settimeout(30)
        assert half.recv(1) == b""
        with httpx.Client(base_url=served.url) as client:  # one that waits for its next request is another thing
            client.get("/api/health")
            time.sleep(0.6)
            assert client.get("/api/health").status_code == 200


def test_who_has_too_many_requests_at_work_is_told_so(own: Own) -> None:
    with own(connections=3) as served, ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(httpx.Client(base_url=served.url))
            assert stack.enter_context(client.stream("GET", "/api/events")).status_code == 200
        with httpx.Client(base_url=served.url) as one_more:
            answer = one_more.get("/api/health")
        assert (answer.status_code, answer.json()["what"]) == (503, "too many connections")


# -- the queue -----------------------------------------------------------------------------------------------


def test_a_job_says_its_place_in_the_queue(own: Own) -> None:
    with own() as served:
        jobs = [served.ask("count", to=n)["id"] for n in (1, 2, 3)]

        def places() -> list[int | None]:
            return [served.http.get(f"/api/jobs/{job}").json()["queue_place"] for job in jobs]

        assert places() == [1, 2, 3]
        served.http.post(f"/api/jobs/{jobs[0]}/cancel")
        until(lambda: places() == [None, 1, 2])
        served.http.post(f"/api/jobs/{jobs[0]}/retry")
        until(lambda: places() == [3, 1, 2])


def test_a_job_that_runs_says_how_long_it_takes(served: Served, tmp_path: Path) -> None:
    job = served.ask("wait", gate=str(tmp_path / "gate"), steps=3)

    def left() -> Any:
        told = served.http.get(job["url"]).json()
        return told if told["state"] == "running" and told["progress"]["done"] == 1 else None

    told = until(left)
    assert told["queue_place"] is None and told["seconds_left"] >= 0
    for step in range(3):
        (tmp_path / f"gate{step}").touch()
    over = served.outcome(job)
    assert (over["queue_place"], over["seconds_left"]) == (None, None)


def test_what_cannot_be_in_this_state_is_409(own: Own, cat_jpeg: bytes) -> None:
    with own() as served:
        assert served.http.delete("/api/ratings/last").status_code == 409
        photo = served.upload(cat_jpeg)["sha256"]
        taken = served.http.put("/api/styles/great-wave", json={"sha256": photo, "name": "cat.jpg"})
        assert (taken.status_code, "came with Flamingo" in taken.json()["why"]) == (409, True)


# -- TLS and addresses ---------------------------------------------------------------------------------------


def _names(certificate: tls.Certificate) -> set[str]:
    found = x509.load_pem_x509_certificate(certificate.chain.read_bytes())
    held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in held}


def test_its_own_certificate_opens_the_studio_and_is_kept(tmp_path: Path) -> None:
    names = ["127.0.0.1", "::1", "attic.local", "localhost"]
    certificate = tls.own(tmp_path, names)
    assert _names(certificate) == set(names) and certificate.own
    if os.name == "posix":
        assert {_mode(certificate.chain), _mode(certificate.key)} == {0o600}
    assert tls.own(tmp_path, names[:2]).fingerprint == certificate.fingerprint, "it is kept"
    with started(tmp_path, certificate=certificate) as served:
        url = served.url.replace("http://", "https://")
        trusting = ssl.create_default_context(cafile=str(certificate.chain))
        with httpx.Client(base_url=url, verify=trusting) as client:
            assert client.get("/api/health").status_code == 200
            assert "wss://" in client.get("/about").headers["content-security-policy"]


def test_a_new_address_or_the_end_in_sight_makes_a_new_certificate(tmp_path: Path) -> None:
    first = tls.own(tmp_path, ["localhost"])
    key = first.key.read_bytes()
    second = tls.own(tmp_path, ["localhost", "192.168.1.20"])
    assert second.fingerprint != first.fingerprint and _names(second) == {"localhost", "192.168.1.20"}
    found = x509.load_pem_x509_certificate(second.chain.read_bytes())
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=398)
    assert datetime.now(UTC) + timedelta(days=300) < found.not_valid_after_utc
    assert second.key.read_bytes() == key, "the key stays"
    second.chain.write_bytes(b"damaged")
    assert tls.own(tmp_path, ["localhost"]).fingerprint != second.fingerprint
    second.key.write_bytes(b"damaged")
    assert tls.own(tmp_path, ["localhost"]).key.read_bytes() != key


def test_a_certificate_of_one_s_own_is_used_or_refused_in_one_line(tmp_path: Path) -> None:
    one, other = tls.own(tmp_path / "one", ["localhost"]), tls.own(tmp_path / "other", ["localhost"])
    assert tls.given(one.chain, one.key).fingerprint == one.fingerprint
    for chain, key in ((one.chain, other.key), (one.chain, tmp_path / "none"), (one.key, one.chain)):
        with pytest.raises(BadRequest) as refused:
            tls.given(chain, key)
        assert "\n" not in str(refused.value)


def test_other_devices_are_told_addresses_that_they_can_open() -> None:
    found = address.others("0.0.0.0")
    assert not [each for each in found if each.startswith(("127.", "169.254.", "fe80")) or each == "::1"]
    assert set(found) <= {*address.addresses(), *address.names()}
    assert address.others("192.168.7.7") == ["192.168.7.7"]
    if socket.gethostname() != "localhost":
        assert found[-1].endswith(".local")


def test_the_page_on_your_phone_has_a_code_of_the_address(tmp_path: Path) -> None:
    with started(tmp_path, host="0.0.0.0", token=TOKEN) as served:
        page = served.http.get("/devices", headers=HTML)
        assert page.status_code == 200 and "<svg" in page.text and TOKEN in page.text
        for name in address.others("0.0.0.0"):
            assert served.studio.settings.url(name).partition("?")[0] in page.text
        assert served.http.get("/devices", headers={"Host": "evil.example"}).status_code == 403
    with started(tmp_path) as served:
        page = served.http.get("/devices", headers=HTML)
        assert "<svg class" not in page.text and "--host 0.0.0.0" in page.text
