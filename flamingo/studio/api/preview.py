"""POST /api/preview/paint: the photo painted small and at once, while somebody is still choosing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypedDict

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field, create_model
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from flamingo import verbs
from flamingo.jobs.job import plain_file_name
from flamingo.painting.job import check_styles
from flamingo.painting.options import Model, PatchOptions, StyleOptions, with_effort
from flamingo.studio.api.verbs import named_files, parameters_and_inputs, request_model
from flamingo.studio.preview_client import PreviewClient
from flamingo.studio.problems import TooMany
from flamingo.studio.schemas import ProblemOut
from flamingo.studio.settings import Limits
from flamingo.studio.state import Current, Studio

__all__ = ["router"]

_SHOWN = (
    "method",
    "style",
    "strength",
    *(field.name for kind in (StyleOptions, PatchOptions) for field in fields(kind)),
)
"""The parameters that a preview shows; files come by their names."""
_WAITING = 8
_GONE = 499  # of nginx: nobody is there to read it
_SECONDS = 30.0  # fine strokes take many times as long as usual ones


class _State(TypedDict):
    previews: PreviewClient


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[_State]:
    async with PreviewClient(_SECONDS) as previews:
        yield {"previews": previews}


router = APIRouter(prefix="/api/preview", tags=["paint"], lifespan=_lifespan)


class Sized(BaseModel):
    """What a preview is asked for besides."""

    longest: int = Field(384, ge=64, le=640, description="Longest side of the preview, in pixels.")


def _wished(studio: Studio, body: Any) -> tuple[Path, dict[str, Any]]:
    """The first photo, and how to paint it, as `preview_worker` is told: every file by its name in the request."""
    verb = studio.jobs.verbs["paint"]
    parameters, inputs = parameters_and_inputs(studio, verb, body)
    check_styles(parameters, named_files(studio, inputs))
    paint = {name: parameters[name] for name in _SHOWN}
    paint["method"], _ = with_effort(parameters["effort"], parameters["method"], parameters["finish"])
    for option in verb.named:
        paint[option] = {plain_file_name(file.name): str(studio.store.path(file.sha256)) for file in inputs[option]}
    return studio.store.path(inputs["photos"][0].sha256), paint


def _body() -> type[BaseModel]:
    """The body of POST /api/paint, and how large. What only the finished file has (its size, quality, kind) is
    taken and does not count."""
    paint_request = request_model(verbs.known({})["paint"], Limits().files)
    return create_model("PreviewIn", __base__=(paint_request, Sized))


PreviewIn = _body()


@router.post("", status_code=204, responses={503: {"model": ProblemOut}})
async def ready(request: Request, model: Model = "fine") -> None:
    """Get ready to paint previews, so that the first one does not wait for its painter to be loaded."""
    await request.state.previews.load(model)


@router.post(
    "/paint",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **{s: {"model": ProblemOut} for s in (404, 422, 429, 503)}},
)
async def preview(body: PreviewIn, request: Request, studio: Current) -> Response:  # type: ignore[valid-type]
    """The first photo painted small, as a JPEG. It never enlarges a photo, and keeps nothing.

    One preview is painted at a time. A browser that breaks off its request has it forgotten, so that the newest
    choice is seen first.
    """
    preview_request: Any = body
    photo, paint = await run_in_threadpool(_wished, studio, preview_request)
    previews: PreviewClient = request.state.previews
    if previews.waiting >= _WAITING:
        raise TooMany("the preview", f"{_WAITING} others are being painted", "try again in a moment", 1.0, _WAITING)
    if await request.is_disconnected():
        return Response(status_code=_GONE)
    painted = await previews.photo(photo, paint, longest=preview_request.longest)
    headers = {"Cache-Control": "no-store", "Server-Timing": f"paint;dur={painted.ms}"}
    return Response(painted.jpeg, media_type="image/jpeg", headers=headers)
