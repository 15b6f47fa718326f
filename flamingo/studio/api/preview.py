"""POST /api/preview/paint: the photo painted small and at once, while somebody is still choosing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field, create_model
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from flamingo.jobs import verbs
from flamingo.painting.painter import Model
from flamingo.studio.api.verbs import request_model
from flamingo.studio.problems import TooMany
from flamingo.studio.schemas import ProblemOut
from flamingo.studio.settings import Limits
from flamingo.studio.sketcher import Sketcher
from flamingo.studio.state import Current

__all__ = ["router"]

_WAITING = 8
_GONE = 499  # of nginx: nobody is there to read it


class _State(TypedDict):
    sketcher: Sketcher


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[_State]:
    async with Sketcher() as sketcher:
        yield {"sketcher": sketcher}


router = APIRouter(prefix="/api/preview", tags=["paint"], lifespan=_lifespan)


class Sized(BaseModel):
    """What a preview is asked for besides."""

    longest: int = Field(384, ge=64, le=640, description="Longest side of the preview, in pixels.")


def _body() -> type[BaseModel]:
    """The body of POST /api/paint, and how large. What only the finished file has (its size, quality, kind) is
    taken and does not count."""
    asked = request_model(verbs.known({})["paint"], Limits().files)
    return create_model("PreviewIn", __base__=(asked, Sized))


PreviewIn = _body()


@router.post("", status_code=204, responses={503: {"model": ProblemOut}})
async def ready(request: Request, model: Model = "fine") -> None:
    """Get ready to paint previews, so that the first one does not wait for its painter to be loaded."""
    await request.state.sketcher.load(model)


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
    asked: Any = body
    photo = await run_in_threadpool(studio.store.path, asked.photos[0].sha256)
    sketcher: Sketcher = request.state.sketcher
    if sketcher.waiting >= _WAITING:
        raise TooMany("the preview", f"{_WAITING} others are being painted", "try again in a moment", 1.0, _WAITING)
    if await request.is_disconnected():
        return Response(status_code=_GONE)
    paint = {"style": asked.style, "strength": asked.strength, "model": asked.model}
    sketch = await sketcher.photo(photo, paint, longest=asked.longest)
    headers = {"Cache-Control": "no-store", "Server-Timing": f"paint;dur={sketch.ms}"}
    return Response(sketch.jpeg, media_type="image/jpeg", headers=headers)
