"""The description of the API (OpenAPI 3.1): names that a person understands, who may ask, and what goes wrong."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from flamingo.studio.address import at
from flamingo.studio.schemas import ProblemOut

__all__ = ["described"]

_ABOUT = """Turns photos into art and gives that art its own music.

Send photos to `/api/files`, name them in a request for work such as `/api/paint`, follow the job that comes back (one
by `/api/jobs/{job}/events`, all at once by `/api/events`), and fetch its results. Every error is a problem (RFC 9457)
that says what is wrong, why, and what to do."""

_NAMES = {
    "GET /api/health": ("health", "Is the studio well"),
    "POST /api/files": ("sendFile", "Send a file"),
    "POST /api/albums": ("sendAlbum", "Send an album as a zip"),
    "GET /api/files/{sha256}": ("getFile", "Fetch a file"),
    "GET /api/files/{sha256}/thumbnail": ("getFileThumbnail", "Fetch a picture, small"),
    "GET /api/jobs": ("listJobs", "List jobs, and search them"),
    "GET /api/jobs/{job}": ("getJob", "Look at a job"),
    "PATCH /api/jobs/{job}": ("changeJob", "Mark a job as a favourite, or give it a title"),
    "DELETE /api/jobs/{job}": ("deleteJob", "Put a job into the bin, or forget it"),
    "GET /api/jobs/{job}/events": ("followJob", "Follow one job"),
    "POST /api/jobs/{job}/cancel": ("cancelJob", "Cancel a job"),
    "POST /api/jobs/{job}/retry": ("retryJob", "Try a job again"),
    "POST /api/jobs/{job}/restore": ("restoreJob", "Take a job out of the bin"),
    "POST /api/bin/empty": ("emptyBin", "Empty the bin"),
    "GET /api/jobs/{job}/results/{n}": ("getResult", "Fetch a result"),
    "GET /api/jobs/{job}/results/{n}/thumbnail": ("getResultThumbnail", "Fetch a result that is a picture, small"),
    "GET /api/jobs/{job}/results/{n}/sidecar": ("getSidecar", "Fetch the credentials beside a result"),
    "GET /api/jobs/{job}/results/{n}/notes": ("getNotes", "Fetch the notes of a piece"),
    "GET /api/jobs/{job}/zip": ("getResults", "Fetch all results in a zip"),
    "GET /api/jobs/{job}/steps": ("getSteps", "Look at the losses of an optimisation"),
    "GET /api/jobs/{job}/steps/{step}": ("getStep", "Fetch the picture of a step"),
    "GET /api/styles": ("listStyles", "List the styles"),
    "GET /api/styles/{name}/thumbnail": ("getStyleThumbnail", "Fetch the picture of a style"),
    "PUT /api/styles/{name}": ("keepStyle", "Keep a painting as a style of your own"),
    "DELETE /api/styles/{name}": ("forgetStyle", "Forget a style of your own"),
    "GET /api/verbs": ("listVerbs", "List what can be done, with its parameters"),
    "GET /api/personas": ("listPersonas", "List the composers"),
    "GET /api/moods": ("listMoods", "List the words for moods"),
    "GET /api/models": ("listModels", "List the models"),
    "POST /api/preview": ("warmPreview", "Get the painter of previews ready"),
    "POST /api/preview/paint": ("previewPainting", "Paint a photo small, at once"),
    "POST /api/verify": ("verifyFile", "Say where a file comes from"),
    "POST /api/ratings": ("rate", "Grade how well music suits a picture"),
    "GET /api/ratings/report": ("getReport", "Show the table of grades"),
    "DELETE /api/ratings/last": ("takeBackGrade", "Take the last grade back"),
    "POST /api/paint": ("paint", "Paint photos"),
    "POST /api/judge": ("judge", "Judge a painting"),
    "POST /api/compose": ("compose", "Compose music"),
    "POST /api/film": ("film", "Make a film of an album"),
    "POST /api/feel": ("feel", "Say what photos feel like"),
}
"""Operation id and summary; a route that is not here has its function's name and its first sentence."""

_WHEN = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The studio has no such name, or the request comes from a page elsewhere.",
    404: "There is no such job, file or thing.",
    408: "The request stopped half-way.",
    409: "Not in this state, or the name is taken.",
    413: "Larger than what is taken.",
    415: "Of a kind that is not taken.",
    416: "The part that is asked for lies beyond the end.",
    422: "Damaged, or asked wrongly.",
    429: "Too many requests of one client, or jobs in the queue; `Retry-After` says when to come back.",
    500: "A fault in Flamingo.",
    503: "Something that the studio needs does not answer just now.",
    507: "No room on the disk, or in the quota.",
}


def described(app: FastAPI) -> dict[str, Any]:
    """The description, at the address at which it is asked for."""
    if app.openapi_schema is None:
        app.openapi_schema = _description(app)
    return {**app.openapi_schema, "servers": [{"url": at("") or "/", "description": "This studio"}]}


def _description(app: FastAPI) -> dict[str, Any]:
    description = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    components = description["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"]["ProblemOut"] = ProblemOut.model_json_schema()
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token that `flamingo serve` prints."},
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "flamingo_5555",
            "description": "What a browser gets for ?token=TOKEN, or for the form; the port is in its name.",
        },
    }
    # Neither is needed by a studio that listens to its own machine alone.
    description["security"] = [{}, {"bearer": []}, {"cookie": []}]
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            _name(operation, method.upper(), path)
            fine = {code: response for code, response in operation["responses"].items() if code < "400"}
            wrong = {str(status): _problem(status, content) for status in _statuses(method.upper(), path)}
            other = {"description": "What is wrong, why, and what to do.", "content": content}
            operation["responses"] = {**fine, **wrong, "default": other}
    return description


def _name(operation: dict[str, Any], method: str, path: str) -> None:
    named = _NAMES.get(f"{method} {path}")
    if named is not None:
        operation["operationId"], operation["summary"] = named
        return
    words = re.sub(r"_api_.*$", "", operation["operationId"]).split("_")
    operation["operationId"] = words[0] + "".join(word.capitalize() for word in words[1:])
    about = operation.get("description", "").partition(". ")[0].rstrip(".")
    operation["summary"] = " ".join(about.split())[:120] or operation["summary"]


def _problem(status: int, content: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": f"{HTTPStatus(status).phrase}. {_WHEN[status]}", "content": content}
    if status == 429:
        schema = {"type": "integer", "minimum": 1}
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": schema}}
    return response


def _statuses(method: str, path: str) -> list[int]:
    """What an operation may answer when it does not do what it was asked for."""
    statuses = {400, 401, 403, 422, 429, 500, 503}
    if "{" in path:
        statuses |= {404}
    if method != "GET":
        statuses |= {404, 409, 413, 415, 507}
    if path.endswith(("/{sha256}", "/results/{n}", "/sidecar", "/thumbnail")):
        statuses |= {415, 416}
    return sorted(statuses)
