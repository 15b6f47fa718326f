"""GET /api/events: all changes of all jobs in one stream of server-sent events.

A browser opens six connections to a server at most, over all its tabs, so a page must not hold one for each job.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from flamingo.errors import BadRequest
from flamingo.jobs import Job
from flamingo.studio.events import Change, gone
from flamingo.studio.state import Current, Studio

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["jobs"])

_MOST = 500
_SIGN_OF_LIFE = 15.0
_TEXT = {"type": "string"}
_EVENT = {"type": "object", "properties": {"event": _TEXT, "id": _TEXT, "data": _TEXT}}


@router.get(
    "/events",
    summary="Follow all jobs",
    operation_id="followJobs",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: first `event: snapshot` with `{jobs: [...]}`, all that wait or run "
            "(or those of `ids`, in any state), unless `Last-Event-ID` names an event that is still remembered; then "
            "`event: job` with each job that changes, and `event: gone` with `{id}` of each that was purged.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
    },
)
async def events(
    studio: Current,
    ids: Annotated[
        str, Query(max_length=33 * _MOST, description="Ids of the only jobs to tell of, separated by commas.")
    ] = "",
    last_event_id: Annotated[str, Header(max_length=40)] = "",
) -> Response:
    """All changes of all jobs, in one stream that ends only with the server."""
    job_ids = _ids(ids)
    stream = _stream(studio, job_ids, last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would hold the events back
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def _ids(text: str) -> frozenset[str] | None:
    job_ids = [part.strip() for part in text.split(",") if part.strip()]
    if not job_ids:
        return None
    strange = next((part for part in job_ids if not re.fullmatch(r"[0-9a-f]{32}", part)), None)
    if strange is not None or len(job_ids) > _MOST:
        why = f"it takes up to {_MOST} ids of jobs, 32 hexadecimal digits each"
        raise BadRequest("ids", why, "separate them by commas")
    return frozenset(job_ids)


async def _stream(studio: Studio, job_ids: frozenset[str] | None, last: str) -> AsyncIterator[str]:
    feed = studio.feed
    listener = feed.listen()
    try:
        yield "retry: 1000\n\n"
        missed = await feed.missed(last) if last else None
        if missed is None:
            last_number, jobs = await feed.snapshot(job_ids)
            yield await run_in_threadpool(_snapshot_event, studio, feed.name(last_number), jobs, job_ids)
        else:
            last_number = int(last.partition("-")[2])
            for missed_change in missed:
                last_number = missed_change.number
                if text := await run_in_threadpool(
                    _change_event, studio, feed.name(last_number), missed_change, job_ids
                ):
                    yield text
        changes = feed.changes(listener, _SIGN_OF_LIFE)
        async for change in changes:
            if change is None:
                yield ": still there\n\n"
            elif change.number > last_number:
                text = await run_in_threadpool(_change_event, studio, feed.name(change.number), change, job_ids)
                if text:
                    yield text
    finally:
        feed.leave(listener)


def _snapshot_event(studio: Studio, name: str, jobs: Iterable[Job], job_ids: frozenset[str] | None) -> str:
    shown = [studio.shown(job).model_dump(mode="json") for job in jobs]
    text = f"event: snapshot\nid: {name}\ndata: {json.dumps({'jobs': shown})}\n\n"
    missing = sorted((job_ids or frozenset()) - {job["id"] for job in shown})
    return text + "".join(f"event: gone\ndata: {gone(job)}\n\n" for job in missing)


def _change_event(studio: Studio, name: str, change: Change, job_ids: frozenset[str] | None) -> str:
    if job_ids is not None and change.id not in job_ids:
        return ""
    if change.job is None:
        return f"event: gone\nid: {name}\ndata: {gone(change.id)}\n\n"
    return f"event: job\nid: {name}\ndata: {studio.shown(change.job).model_dump_json()}\n\n"
