"""Errors as application/problem+json (RFC 9457): what is wrong, why, and what to do about it.

Every FlamingoError has a status here; those of HTTP itself are below. Nothing else reaches a client: what nobody
foresaw is logged, and the client is told only that it happened.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from flamingo import errors
from flamingo.errors import BadInput, BadRequest, FlamingoError, one_line
from flamingo.jobs.errors import DatabaseError, NoSuchFile, NoSuchJob, SlotTaken, WrongState
from flamingo.studio.pages.routes import missing

__all__ = [
    "NotAllowed",
    "RangeBeyond",
    "TokenMissing",
    "TooLarge",
    "TooMany",
    "Unavailable",
    "Unsupported",
    "install",
    "problem",
    "unforeseen",
    "without_places",
]

MEDIA_TYPE = "application/problem+json"

_PATH = re.compile(r"(?<![\w.:/\\])(?:/[^\s/:;,'\"<>|]+){2,}|(?<!\w)[A-Za-z]:[\\/][^\s:;,'\"<>|]+")
_DATABASE = re.compile(r"\b(?:postgres|sqlite)[a-z0-9+]*:/+[^\s;,'\"]*[^\s;,'\":.]", re.IGNORECASE)
_log = logging.getLogger(__name__)


class TooLarge(BadInput):
    """More bytes, files or pixels than a limit allows."""

    def __init__(self, what: str, why: str, hint: str = "", limit: int | None = None) -> None:
        super().__init__(what, why, hint)
        self.limit = limit


class Unsupported(BadInput):
    """A file, or a request, of a kind that is not taken here."""


class RangeBeyond(FlamingoError):
    """A part of a file is asked for that it does not have."""


class TooMany(FlamingoError):
    """Too many requests, or too many jobs in the queue; `seconds` says when to try again."""

    def __init__(self, what: str, why: str, hint: str = "", seconds: float = 1.0, limit: float | None = None) -> None:
        super().__init__(what, why, hint)
        self.seconds = seconds
        self.limit = limit


class NotAllowed(FlamingoError):
    """From a page of somebody else, or under a name that is not this studio's."""


class Unavailable(FlamingoError):
    """Something that the studio needs is not there just now."""


class TokenMissing(FlamingoError):
    """This studio is open to those alone who know its token."""


# The most particular class that an error belongs to decides.
_STATUS: dict[type[FlamingoError], int] = {
    NoSuchJob: 404,
    NoSuchFile: 404,
    WrongState: 409,
    TooMany: 429,
    NotAllowed: 403,
    TokenMissing: 401,
    TooLarge: 413,
    RangeBeyond: 416,
    errors.ImageTooLarge: 413,
    errors.MusicTooLarge: 413,
    Unsupported: 415,
    errors.UnsupportedImage: 415,
    errors.UnsupportedMusic: 415,
    BadInput: 422,
    BadRequest: 422,
    errors.BadPixels: 422,
    errors.MissingExtra: 422,
    errors.DiskFull: 507,
    errors.WouldOverwrite: 409,
    errors.OutputError: 503,
    errors.ModelError: 503,
    DatabaseError: 503,
    SlotTaken: 503,
    Unavailable: 503,
    FlamingoError: 422,
}


def status_of(error: FlamingoError) -> int:
    """The HTTP status of an error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def problem(error: FlamingoError, headers: Mapping[str, str] | None = None) -> Response:
    """An error as a response."""
    status = status_of(error)
    more = dict(headers or {})
    if isinstance(error, TooMany):
        more["Retry-After"] = str(max(1, round(error.seconds)))
    if isinstance(error, TokenMissing):
        more["WWW-Authenticate"] = "Bearer"
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    if status >= 500:
        _log.error("%s", error)
    if isinstance(error, DatabaseError):  # what it says of itself is for whoever runs it
        hint = "try again in a moment; the server's log says why"
        error = DatabaseError("the database", "it does not answer", hint)
    limit = getattr(error, "limit", None)
    return _response(status, kind, error.what, error.why, error.hint, more, limit)


def without_places(text: str) -> str:
    """A text for anybody, without where things lie on this computer: of a path only the last name stays, and of a
    database's address nothing."""
    return _PATH.sub(_last_name, _DATABASE.sub("the database", text))


def _last_name(match: re.Match[str]) -> str:
    path = PurePosixPath(match[0].replace("\\", "/"))
    # An address of the studio looks like a path; but no folder here is called so.
    ours = match[0].startswith("/") and not Path("/", path.parts[1]).is_dir()
    return match[0] if ours else path.name


def unforeseen() -> Response:
    """For what nobody foresaw."""
    why = "this is a fault in Flamingo"
    return _response(500, "fault", "the studio", why, "try again, and report it if it stays", {})


def _response(
    status: int, kind: str, what: str, why: str, hint: str, headers: Mapping[str, str], limit: float | None = None
) -> Response:
    what, why, hint = (without_places(part) for part in (what, why, hint))
    detail = (f"{what}: {why}" if why else what) + (f"; {hint}" if hint else "")
    body: dict[str, Any] = {"type": f"urn:flamingo:{kind}", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"detail": detail, "what": what, "why": why, "hint": hint}
    if limit is not None:
        body["limit"] = limit
    return Response(json.dumps(body), status, {"Cache-Control": "no-store", **headers}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have the application answer so."""
    app.add_exception_handler(FlamingoError, _flamingo)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def _flamingo(request: Request, error: Exception) -> Response:
    assert isinstance(error, FlamingoError)
    return problem(error)


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
    where = str(first["loc"][0]) if first["loc"] else "request"
    what = one_line(field) or {"body": "the body"}.get(where, where)
    reason = str(first["msg"]).removeprefix("Value error, ")
    why = one_line(reason[:1].lower() + reason[1:])
    return _response(422, "bad-request", what, why, "see /api/openapi.json for what is taken", {})


def _http(request: Request, error: Exception) -> Response:
    """404 and 405 for what is no route, 400 for a body that is no JSON."""
    assert isinstance(error, HTTPException)
    page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
    if error.status_code == 404 and page and not request.url.path.startswith("/api/"):
        return missing(request)
    why, hint = {
        400: ("it cannot be read", "send JSON, or a form for files"),
        404: ("there is nothing at this address", "see /api/openapi.json for what there is"),
        405: (f"it does not take {one_line(request.method)}", "see /api/openapi.json for what it takes"),
    }.get(error.status_code, (one_line(str(error.detail)), ""))
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers or {}
    return _response(error.status_code, kind, one_line(request.url.path[:80]), why, hint, headers)


def _methods(request: Request) -> list[str]:
    """What can be done at this address: each method has a route of its own."""
    paths = request.app.openapi()["paths"]
    fitting = [path for path in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path)]
    methods = {method.upper() for path in fitting for method in paths[path]} or {"GET"}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))
