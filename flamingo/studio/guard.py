"""What every request passes first: is it for us, from whom, how often; and what every answer says to the browser.

The studio listens on the machine of the person who uses it, where any page in any of their browser's tabs can send
requests too. So the host must be one of ours (or a name could be made to lead here: DNS rebinding), a request that
changes something must not come from a page elsewhere (CSRF), and there is no CORS. Bound to anything but loopback,
it asks for a token.

The request is put straight here too: HEAD is answered as GET is, without its body; a Range that cannot be read is
ignored (RFC 9110 14.2); what a proxy says of the client is believed if the proxy is one that we were told to trust;
and the path that the studio is served under is taken off.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flamingo.errors import BadRequest, FlamingoError, one_line
from flamingo.studio.address import ROOT, at
from flamingo.studio.pages.routes import entrance
from flamingo.studio.problems import NotAllowed, TokenMissing, TooLarge, TooMany, problem, unforeseen
from flamingo.studio.rate_limit import Rate
from flamingo.studio.settings import StudioSettings, is_loopback

__all__ = ["ENTRANCE", "UPLOADS", "Guard"]

UPLOADS = ("/api/files", "/api/albums", "/api/verify")
"""Addresses whose requests are read in pieces, each with limits of its own."""

ENTRANCE = "/enter"
"""Where the page that asks for the token sends it."""

_OPEN = ("/static/css/", "/static/fonts/", "/static/img/flamingo.svg", "/favicon.ico")
"""What the page that asks for the token is made of."""

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
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5})?)?")
_RANGE = re.compile(r"bytes=\s*(?:\d+-\d*|-\d+)?(?:\s*,\s*(?:\d+-\d*|-\d+)?)*\s*", re.ASCII)
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_WRONG = (10 / 60, 10)
_SILENT = 600.0  # seconds for which more wrong tokens of the same client are not worth another line in the log
_FORM = 4096  # bytes of the form with the token
_log = logging.getLogger(__name__)


class _HostPort(NamedTuple):
    """Host and port that a request, or a page, names; port None where the usual one is meant."""

    name: str
    port: int | None


class _Enough(Exception):
    """The head of an answer to HEAD is sent, and nothing else is wanted."""


class Guard:
    """ASGI middleware around the whole studio. stopping: says whether the server is about to end."""

    def __init__(self, app: ASGIApp, settings: StudioSettings, stopping: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._stopping = stopping
        self._token = settings.token
        self._cookie = f"flamingo_{settings.port}"  # cookies know hosts, not ports
        self._pass = _pass(settings.secret, settings.token or "")
        self._hosts = settings.known_hosts
        self._root = settings.root_path
        self._trusted = settings.trusted
        self._limits = settings.limits
        self._rates = {"uploads": Rate(*settings.limits.uploads), "writes": Rate(*settings.limits.writes)}
        self._wrong = Rate(*_WRONG)
        self._noted: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope, root = self._arrived(scope)
        ROOT.set(root)
        head = scope.get("method") == "HEAD"
        if head:
            scope["method"] = "GET"
        headers = Headers(scope=scope)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add_headers(MutableHeaders(scope=message), headers, scope["scheme"])
                await send(message)
                if head:
                    await send({"type": "http.response.body"})
                    raise _Enough
                return
            await send(message)

        try:
            await self._answered(scope, headers, receive, answer)
        except (ClientDisconnect, _Enough):
            return
        except asyncio.CancelledError:
            if not self._stopping():
                raise
        except Exception as error:
            if _only(error, (ClientDisconnect, _Enough)):
                return
            _log.exception("%s %s", scope.get("method", scope["type"]), one_line(scope["path"]))
            if not begun and scope["type"] == "http":
                try:
                    await unforeseen()(scope, receive, answer)
                except _Enough:
                    return

    async def _answered(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        try:
            early = self._check(scope, headers)
            if early is None and scope["type"] == "http" and scope["path"] == ENTRANCE and self._token is not None:
                early = await self._enter_by_form(scope, headers, receive)
            if early is None and scope["type"] == "http" and scope["path"] not in UPLOADS:
                receive = await self._whole(scope, headers, receive)
        except FlamingoError as error:
            early = self._refusal(error, scope, headers)
        if early is not None:
            await self._send(early, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted, so HTTP 403
        else:
            await response(scope, receive, send)

    def _arrived(self, scope: Scope) -> tuple[Scope, str]:
        """The request as the client sent it, and the path that the studio is served under."""
        scope = dict(scope)
        root = self._root
        request_headers = Headers(scope=scope)
        changed: dict[bytes, bytes | None] = {}
        if (range_ := request_headers.get("range")) is not None and not _readable(range_):
            changed[b"range"] = None
        if self._trusts(scope["client"][0] if scope.get("client") else ""):
            root = self._forwarded(scope, request_headers, changed)
        if changed:
            unchanged = [(name, value) for name, value in scope["headers"] if name not in changed]
            scope["headers"] = unchanged + [(name, value) for name, value in changed.items() if value is not None]
        path = scope["path"]
        if root and (path == root or path.startswith(f"{root}/")):
            scope["path"] = path[len(root) :] or "/"
            raw = scope.get("raw_path") or b""
            if raw.startswith(root.encode()):
                scope["raw_path"] = raw[len(root) :] or b"/"
        return scope, root

    def _trusts(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)

    def _forwarded(self, scope: Scope, request_headers: Headers, changed: dict[bytes, bytes | None]) -> str:
        """Believe what a trusted proxy says of the request; the path that it serves the studio under."""
        came = [hop.strip() for line in request_headers.getlist("x-forwarded-for") for hop in line.split(",")]
        for hop in reversed(came):
            address = _address(hop)
            if address is None:
                break
            scope["client"] = (str(address), 0)
            if not self._trusts(str(address)):
                break
        scheme = request_headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = {"http": "ws", "https": "wss"}[scheme] if scope["type"] == "websocket" else scheme
        host = request_headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
        if host:
            changed[b"host"] = host.encode("latin-1")
        prefix = request_headers.get("x-forwarded-prefix", "").rpartition(",")[2].strip()
        return prefix.rstrip("/") if prefix and _PREFIX.fullmatch(prefix) else self._root

    def _check(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Raise what speaks against the request, or answer in place of the application."""
        host = headers.get("host", "")
        here = _host_port(host)
        if here is None or here.name not in self._hosts:
            raise NotAllowed(
                f"host {one_line(host[:80])!r}", "this studio has no such name", "start it with --allow-host NAME"
            )
        writes = scope["type"] == "websocket" or scope["method"] not in _READING
        if writes:
            self._same_origin(headers, here)
        entered = self._enter(scope, headers)
        if entered is not None:
            return entered
        if writes and scope["type"] == "http":
            self._count(scope)
        return None

    def _same_origin(self, headers: Mapping[str, str], here: _HostPort) -> None:
        """Raise NotAllowed for a request that a page elsewhere has made. Programs say nothing of where they come
        from. A browser that says `Sec-Fetch-Site: same-origin` has compared the addresses itself, as it sees them:
        behind a proxy the port that we are asked at may be another one than the page's."""
        site = headers.get("sec-fetch-site", "none")
        origin = headers.get("origin")
        page = None if origin is None else _origin(origin)
        if site == "same-origin":
            ours = origin in (None, "null") or (page is not None and page.name in self._hosts | {here.name})
        elif site == "none":
            ours = origin is None or (page is not None and self._same_host_port(page, here, origin))
        else:
            ours = False
        if not ours:
            raise NotAllowed(
                "this request", "it comes from a page elsewhere", "use the studio's own pages, or no browser"
            )

    def _same_host_port(self, page: _HostPort, here: _HostPort, origin: str) -> bool:
        usual = _PORTS.get(origin.partition(":")[0].lower())
        return page.name == here.name and (page.port or usual) == (here.port or usual)

    def _enter(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Raise TokenMissing without the token. With it in the address, as it is printed, it becomes a cookie."""
        if self._token is None or scope["path"].startswith(_OPEN):
            return None
        if _same(_cookie(headers.get("cookie", ""), self._cookie), self._pass):
            return None
        if scope["path"] == ENTRANCE and scope["type"] == "http":
            return None if scope["method"] == "POST" else self._to("/", scope)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and bearer.strip() and self._right(bearer.strip(), scope):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query_token = dict(query).get("token", "")
        if not query_token or not self._right(query_token, scope):
            raise TokenMissing(
                "this studio", "it asks for a token", "send it as 'Authorization: Bearer TOKEN', or open ?token=TOKEN"
            )
        if scope["type"] == "websocket" or scope["path"].startswith("/api/"):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")  # never the start of another host's address
        return self._admitted(path + (f"?{rest}" if rest else ""), scope)

    async def _enter_by_form(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Response | None:
        """The answer to the form with the token, or None to what is no such form."""
        if scope["method"] != "POST":
            return None
        body = await self._body(receive, _FORM)
        form = parse_qs(body.decode("latin-1"), keep_blank_values=True)
        token = form.get("token", [""])[0].strip()
        if "token=" in token:  # the whole address was copied
            token = dict(parse_qsl(urlsplit(token).query)).get("token", "")
        to = form.get("next", ["/"])[0]
        if token and self._right(token, scope):
            return self._admitted("/" + to.lstrip("/\\"), scope)
        request = Request(scope)
        return entrance(request, 401, to, "That is not the token. Copy it once more." if token else "")

    def _right(self, candidate: str, scope: Scope) -> bool:
        """Whether this is the token. Raises TooMany for who has tried too many wrong ones, whatever this one is."""
        assert self._token is not None
        client = _client(scope)
        if seconds := self._wrong.left(client):
            limit = self._wrong.at_once
            raise TooMany("too many wrong tokens", "one client may try ten a minute", "wait a moment", seconds, limit)
        if _same(candidate, self._token):
            return True
        self._wrong.wait(client)
        now = time.monotonic()
        if now - self._noted.get(client, -_SILENT) >= _SILENT:
            _log.warning("a wrong token came from %s", client)
            self._noted[client] = now
            if len(self._noted) > 1000:
                self._noted.popitem(last=False)
        return False

    def _admitted(self, path: str, scope: Scope) -> Response:
        """To the page that was asked for, with the cookie that opens it from now on."""
        response = self._to(path, scope)
        response.set_cookie(
            self._cookie,
            self._pass,
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] in ("https", "wss"),
            max_age=90 * 86400,
            path=at("/"),
        )
        return response

    def _to(self, path: str, scope: Scope) -> Response:
        return RedirectResponse(at(path), 303, {"Cache-Control": "no-store"})

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

    async def _body(self, receive: Receive, most: int) -> bytes:
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
            if len(body) > most:
                raise TooLarge("the request", f"it has more than {most:,} bytes", "send files to /api/files", most)
        return body

    async def _whole(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
        """The body, which must be small, read before anything is done with it."""
        if scope["method"] in _READING:
            return receive
        body = await self._body(receive, self._limits.body_bytes)
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        return again

    def _refusal(self, error: FlamingoError, scope: Scope, headers: Mapping[str, str]) -> Response:
        method_and_path = scope.get("method", scope["type"]), one_line(scope["path"])
        _log.info("%s %s is refused to %s: %s", *method_and_path, _client(scope), error.why or error.what)
        page = "text/html" in headers.get("accept", "") and not scope["path"].startswith("/api/")
        # What is left of a body that was not read must not be taken for the next request.
        last = {"Connection": "close"}
        if page and scope["type"] == "http" and isinstance(error, TokenMissing) and scope["method"] == "GET":
            query = [q for q in parse_qsl(scope["query_string"].decode("latin-1")) if q[0] != "token"]
            to = scope["path"] + (f"?{urlencode(query)}" if query else "")
            return entrance(Request(scope), 401, to, "", {**last, "WWW-Authenticate": "Bearer"})
        if page and scope["type"] == "http" and isinstance(error, TooMany) and self._token is not None:
            wait = max(1, round(error.seconds))
            message = f"Too many wrong tokens came from this device. Try again in {wait} s."
            if scope["path"] == ENTRANCE or scope["method"] == "GET":
                return entrance(Request(scope), 429, "/", message, {**last, "Retry-After": str(wait)})
        return problem(error, last)


def _pass(secret: bytes, token: str) -> str:
    """What the cookie holds in place of the token: nobody can make it, or guess with it, without the secret."""
    return hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()


def _only(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether an error is of these kinds, or a group of such alone."""
    if isinstance(error, BaseExceptionGroup):
        return all(_only(inner, kinds) for inner in error.exceptions)
    return isinstance(error, kinds)


def _readable(range_: str) -> bool:
    """Whether a Range is a list of parts in bytes, none of which ends before it begins."""
    if len(range_) > 8192 or not _RANGE.fullmatch(range_):
        return False
    parts = [part.strip() for part in range_.partition("=")[2].split(",") if part.strip()]
    pairs = [part.partition("-")[::2] for part in parts]
    sound = all(len(first) < 19 and len(last) < 19 for first, last in pairs)
    return bool(parts) and sound and all(not first or not last or int(first) <= int(last) for first, last in pairs)


def _host_port(host: str) -> _HostPort | None:
    """What a Host header names, the name in lower case and without the dot that may end it; None for what is none."""
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    name = match["name"].strip("[]").lower()
    if name.endswith(".") and name.strip("."):
        name = name[:-1]
    address = _address(name)
    return _HostPort(str(address) if address is not None else name, port)


def _origin(origin: str) -> _HostPort | None:
    """Where a page comes from; None for what is no such place, such as "null"."""
    scheme, separator, host = origin.partition("://")
    return _host_port(host) if separator and scheme.lower() in ("http", "https") else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, in brackets and with a port or zone perhaps; IPv4 in IPv6's clothes as IPv4."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _same(candidate: str, token: str) -> bool:
    return secrets.compare_digest(candidate.encode(), token.encode())


def _client(scope: Scope) -> str:
    """Who asks: the address, or for IPv6 the network, for one machine has as many addresses as it likes."""
    host = scope["client"][0] if scope.get("client") else ""
    address: Any = _address(host)
    if address is None:
        return str(host)
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def _trustworthy(scheme: str, host: str) -> bool:
    """Whether a browser takes such an address for a safe one (W3C Secure Contexts 3.1)."""
    origin = _host_port(host)
    name = origin.name if origin is not None else ""
    return scheme in ("https", "wss") or name.endswith(".localhost") or is_loopback(name)


def _add_headers(answer: MutableHeaders, request: Mapping[str, str], scheme: str) -> None:
    host = request.get("host", "")
    for name, value in _HEADERS.items():
        answer.setdefault(name, value)
    if _trustworthy(scheme, host):  # elsewhere a browser ignores it, and complains on every page
        answer.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    sockets = (f"wss://{host}" if scheme == "https" else f"ws://{host} wss://{host}") if _HOST.fullmatch(host) else ""
    answer.setdefault("Content-Security-Policy", _POLICY.format(sockets=sockets).replace(" ;", ";"))
    answer.setdefault("Cache-Control", "no-cache")
