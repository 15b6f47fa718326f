"""Who may ask: hosts, origins, tokens, rates; and what every answer tells the browser."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.studio import guard
from flamingo.studio.rate_limit import Rate
from flamingo.studio.settings import StudioSettings, is_loopback
from tests.studio.serving import Served


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "["])
def test_a_name_that_is_not_ours_is_refused(served: Served, host: str) -> None:
    answer = served.http.get("/api/health", headers={"Host": host})
    assert answer.status_code in (400, 403)


def test_a_page_elsewhere_cannot_change_anything(served: Served) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": served.url + "0"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = served.http.post("/api/bin/empty", headers=headers)
        assert answer.status_code == 403, headers
        assert "elsewhere" in answer.json()["why"]


def test_our_own_pages_and_programs_can(served: Served) -> None:
    for headers in ({}, {"Origin": served.url}, {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}):
        assert served.http.post("/api/jobs/none/cancel", headers=headers).status_code == 404


def test_no_other_site_may_read(served: Served) -> None:
    answer = served.http.options(
        "/api/jobs", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("address", ["/api/health", "/api/jobs/none", "/nowhere"])
def test_every_answer_says_what_a_browser_must_not_do(served: Served, address: str) -> None:
    headers = served.http.get(address).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=(self)" in headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers


def test_with_a_token_nothing_is_open_without_it(own: Callable[..., Any]) -> None:
    with own(token="correct-horse") as served:
        with httpx.Client(base_url=served.url) as stranger:
            refused = stranger.get("/api/health")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert stranger.get("/api/health", headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert stranger.get("/about", headers={"Accept": "text/html"}).status_code == 401
            entered = stranger.get("/about?token=correct-horse&x=1")
            assert (entered.status_code, entered.headers["location"]) == (303, "/about?x=1")
            cookie = entered.headers["set-cookie"].lower()
            assert "httponly" in cookie and "samesite=lax" in cookie
            assert stranger.get("/api/health").status_code == 200, "the cookie is enough from now on"
        assert served.http.get("/api/health").status_code == 200, "and so is the header"


def test_a_token_in_an_address_leads_nowhere_else(own: Callable[..., Any]) -> None:
    with own(token="correct-horse") as served:
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"))
        connection.request("GET", "//evil.example/?token=correct-horse")
        entered = connection.getresponse()
        assert (entered.status, entered.headers["location"]) == (303, "/evil.example/")
        connection.close()


def test_who_asks_too_often_is_told_to_wait(own: Callable[..., Any]) -> None:
    with own(writes=(0.1, 2)) as served:
        answers = [served.http.post("/api/bin/empty") for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert served.http.get("/api/jobs").status_code == 200, "looking is free"


def test_a_huge_request_is_refused_before_it_is_understood(own: Callable[..., Any]) -> None:
    with own(body_bytes=1000) as served:
        answer = served.http.post("/api/count", content=b"[" * 5000)
        assert answer.status_code == 413
        assert answer.json()["limit"] == 1000


@given(st.integers(1, 50), st.floats(0.1, 100), st.lists(st.floats(0, 5), max_size=60))
def test_in_the_long_run_nobody_gets_more_than_the_rate(at_once: int, a_second: float, pauses: list[float]) -> None:
    now = 0.0
    rate = Rate(a_second, at_once, clock=lambda: now)
    allowed = 0
    for pause in pauses:
        now += pause
        allowed += rate.wait("someone") == 0.0
    assert allowed <= at_once + a_second * now + 1e-6


def test_one_client_does_not_use_up_what_is_another_s() -> None:
    rate = Rate(1.0, 1, clock=lambda: 0.0)
    assert (rate.wait("a"), rate.wait("b")) == (0.0, 0.0)
    assert rate.wait("a") == 1.0


def test_only_this_machine_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", ""))


def test_on_a_network_the_machine_s_own_names_are_known(tmp_path: Any) -> None:
    import socket

    from flamingo.jobs import Settings

    settings = StudioSettings(Settings(tmp_path), host="0.0.0.0", hosts=("Art.example",))
    assert {"art.example", socket.gethostname().lower(), "localhost"} <= settings.known_hosts
    assert settings.address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("a name", "a name"),
    ],
)
def test_all_addresses_of_a_network_of_ipv6_share_one_limit(address: str, counted_as: str) -> None:
    assert guard._client({"type": "http", "client": (address, 1)}) == counted_as
