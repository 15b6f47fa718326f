"""What every request passes first: is it for us, from whom, how often; and what every answer says to the browser.

The studio listens on the machine of the person who uses it, where any page in any of their browser's tabs can send
requests too. So the host must be one of ours (or a name could be made to lead here: DNS rebinding), a request that
changes something must not come from a page elsewhere (CSRF), and there is no CORS. Bound to anything but loopback,
it asks for a token.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flamingo.errors import BadRequest, FlamingoError, one_line
from flamingo.studio.problems import NotAllowed, TokenMissing, TooLarge, TooMany, problem, unforeseen
from flamingo.studio.rates import Rate
from flamingo.studio.settings import StudioSettings

__all__ = ["UPLOADS", "Guard"]

UPLOADS = ("/api/files", "/api/albums", "/api/verify")
"""Addresses whose requests are read in pieces, each with limits of its own."""

_READING = ("GET", "HEAD", "OPTIONS")
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' {sockets}; "
    "style-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_TOKEN = (
    "<!doctype html><html lang=en><title>Flamingo</title><h1>This studio asks for its token</h1>"
    "<p>Open the address that <code>flamingo serve</code> printed when it started.</p></html>"
)
_log = logging.getLogger("flamingo.studio")


class Guard:
    """ASGI middleware around the whole studio."""

    def __init__(self, app: ASGIApp, settings: StudioSettings) -> None:
        self._app = app
        self._token = settings.token
        self._cookie = f"flamingo_{settings.port}"  # cookies know hosts, not ports
        self._hosts = settings.known_hosts
        self._limits = settings.limits
        self._rates = {"uploads": Rate(*settings.limits.uploads), "writes": Rate(*settings.limits.writes)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add_headers(MutableHeaders(scope=message), headers)
            await send(message)

        try:
            early = self._check(scope, headers)
            if early is None and scope["type"] == "http" and scope["path"] not in UPLOADS:
                receive = await self._whole(scope, headers, receive)
        except FlamingoError as error:
            early = self._refusal(error, scope, headers)
        except ClientDisconnect:
            return
        if early is not None:
            await self._send(early, scope, receive, answer)
            return
        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s", scope.get("method", scope["type"]), scope["path"])
            if not begun and scope["type"] == "http":
                await unforeseen()(scope, receive, answer)

    async def _send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted, so HTTP 403
        else:
            await response(scope, receive, send)

    def _check(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Raise what speaks against the request, or answer in place of the application."""
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            raise NotAllowed(
                f"host {one_line(host[:80])!r}", "this studio has no such name", "start it with --allow-host NAME"
            )
        writes = scope["type"] == "websocket" or scope["method"] not in _READING
        if writes:
            _same_origin(headers, host)
        entered = self._enter(scope, headers)
        if entered is not None:
            return entered
        if writes and scope["type"] == "http":
            self._count(scope)
        return None

    def _enter(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Raise TokenMissing without the token. With it in the address, as it is printed, it becomes a cookie."""
        if self._token is None:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return None
        if _same(_cookie(headers.get("cookie", ""), self._cookie), self._token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not _same(dict(query).get("token", ""), self._token):
            raise TokenMissing(
                "this studio", "it asks for a token", "send it as 'Authorization: Bearer TOKEN', or open ?token=TOKEN"
            )
        if scope["type"] == "websocket" or scope["path"].startswith("/api/"):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")  # never the start of another host's address
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="lax", max_age=30 * 86400)
        return response

    def _count(self, scope: Scope) -> None:
        kind = "uploads" if scope["path"] in UPLOADS else "writes"
        rate = self._rates[kind]
        if seconds := rate.wait(_client(scope)):
            raise TooMany(
                f"too many {kind}",
                f"one client may make {rate.a_second:g} a second, and {rate.at_once} at once",
                "wait a moment",
                seconds,
                rate.a_second,
            )

    async def _whole(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
        """The body, which must be small, read before anything is done with it."""
        if scope["method"] in _READING:
            return receive
        body, more = b"", True
        while more:
            try:
                message = await asyncio.wait_for(receive(), self._limits.patience)
            except TimeoutError:
                raise BadRequest("the request", "it stopped half-way", "send it again") from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._limits.body_bytes:
                size = self._limits.body_bytes
                raise TooLarge("the request", f"it has more than {size:,} bytes", "send files to /api/files", size)
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        return again

    def _refusal(self, error: FlamingoError, scope: Scope, headers: Mapping[str, str]) -> Response:
        reads = scope.get("method") == "GET" and not scope["path"].startswith("/api/")
        if isinstance(error, TokenMissing) and reads and "text/html" in headers.get("accept", ""):
            return HTMLResponse(_NO_TOKEN, 401, {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})
        # What is left of a body that was not read must not be taken for the next request.
        return problem(error, {"Connection": "close"})


def _same_origin(headers: Mapping[str, str], host: str) -> None:
    """Raise NotAllowed for a request that a page elsewhere has made. Programs say nothing of where they come from."""
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc != host):
        raise NotAllowed(
            "this request", "it comes from a page elsewhere", "use the studio's own pages, or no browser"
        )


def _name(host: str) -> str:
    """The host without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def _client(scope: Scope) -> str:
    """Who asks: the address, or for IPv6 the network, for one machine has as many addresses as it likes."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address: Any = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def _add_headers(answer: MutableHeaders, request: Mapping[str, str]) -> None:
    host = request.get("host", "")
    for name, value in _HEADERS.items():
        answer.setdefault(name, value)
    answer.setdefault("Content-Security-Policy", _POLICY.format(sockets=f"ws://{host} wss://{host}"))
    answer.setdefault("Cache-Control", "no-cache")
