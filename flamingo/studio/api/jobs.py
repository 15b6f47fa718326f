"""Jobs: how far they are, what came of them, and what a person does with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from flamingo.errors import UnsupportedImage
from flamingo.jobs import Job, NoSuchFile, NoSuchJob, Result
from flamingo.jobs.job import State
from flamingo.studio.api.files import FILE_ANSWER, PICTURE_ANSWER, Size, thumbnail_of
from flamingo.studio.responses import disposition, send
from flamingo.studio.schemas import JobChange, JobOut, JobsOut
from flamingo.studio.state import Current, Studio
from flamingo.studio.thumbnails import PICTURES
from flamingo.studio.uploads import THUMBNAIL
from flamingo.studio.zip_stream import packed

__all__ = ["result_of", "router"]

router = APIRouter(prefix="/api", tags=["jobs"])

_LOOK_RUNNING, _LOOK_QUEUED, _SIGN_OF_LIFE = 0.25, 1.0, 15.0
_JSON = "application/json"
_TEXT = {"type": "string"}
_EVENT = {"type": "object", "properties": {"event": _TEXT, "id": _TEXT, "data": _TEXT}}


class EmptiedOut(BaseModel):
    """How many jobs were purged."""

    purged: int


@router.get("/jobs", response_model=JobsOut)
def jobs(
    studio: Current,
    limit: Annotated[int, Query(ge=1, le=100)] = 24,
    before: Annotated[str | None, Query(description="Only jobs older than this one.")] = None,
    verb: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
    favourite: bool | None = None,
    search: Annotated[str, Query(max_length=200, description="Words that all occur in the job.")] = "",
    bin: Annotated[bool, Query(description="Those in the bin instead.")] = False,
) -> Response:
    """Jobs, newest first."""
    matches = studio.jobs.list(
        limit + 1, before, in_bin=bin, state=state, verb=verb, favourite=favourite, search=search
    )
    shown = matches[:limit]
    page = JobsOut(jobs=[studio.shown(job) for job in shown], next=shown[-1].id if len(matches) > limit else None)
    # Already checked and ready: to have it checked and converted again would take longer than all the rest.
    return Response(page.model_dump_json(), media_type=_JSON)


@router.get("/jobs/{job}")
def one(job: str, studio: Current) -> JobOut:
    """One job."""
    return studio.shown(studio.jobs.get(job))


@router.get(
    "/jobs/{job}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `event: job`, `id`: its revision, `data`: the job as JSON.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
        204: {"description": "The job is over, and the revision in Last-Event-ID was its last."},
    },
)
async def events(job: str, studio: Current, last_event_id: Annotated[str, Header(max_length=40)] = "") -> Response:
    """The job now, and again whenever it changes, until it is over."""
    stored = await run_in_threadpool(studio.jobs.get, job)
    since = int(last_event_id) if last_event_id.isascii() and last_event_id.isdecimal() else 0
    if not stored.active and stored.revision <= since:
        return Response(status_code=204)  # a browser asks no more then
    stream = _events(studio, stored, since)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(studio: Studio, job: Job, since: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    last_sent = time.monotonic()
    while not studio.stopping.is_set():
        if job.revision > since:
            since, last_sent = job.revision, time.monotonic()
            shown = await run_in_threadpool(studio.shown, job)
            yield f"event: job\nid: {since}\ndata: {shown.model_dump_json()}\n\n"
        if not job.active:
            return
        if time.monotonic() - last_sent > _SIGN_OF_LIFE:
            last_sent = time.monotonic()
            yield ": still there\n\n"
        with suppress(TimeoutError):
            pause = _LOOK_RUNNING if job.state == "running" else _LOOK_QUEUED
            await asyncio.wait_for(studio.stopping.wait(), pause)
        try:
            job = await run_in_threadpool(studio.jobs.get, job.id)
        except NoSuchJob:  # it was purged
            return


@router.post("/jobs/{job}/cancel")
def cancel(job: str, studio: Current) -> JobOut:
    """Cancel a job that waits or runs."""
    return studio.shown(studio.jobs.cancel(job))


@router.post("/jobs/{job}/retry")
def retry(job: str, studio: Current) -> JobOut:
    """Try a job again that has failed or was cancelled."""
    studio.check_queue()
    return studio.shown(studio.jobs.retry(job))


@router.post("/jobs/{job}/restore")
def restore(job: str, studio: Current) -> JobOut:
    """Take a job out of the bin."""
    return studio.shown(studio.jobs.restore(job))


@router.patch("/jobs/{job}")
def change(job: str, studio: Current, change: JobChange) -> JobOut:
    """Make a job a favourite, or give it a title."""
    return studio.shown(studio.jobs.mark(job, favourite=change.favourite, title=change.title))


@router.delete(
    "/jobs/{job}",
    response_model=JobOut,
    responses={204: {"description": "It was purged."}},
)
def delete(
    job: str,
    studio: Current,
    purge: Annotated[bool, Query(description="Forget a job that is in the bin, for good.")] = False,
) -> JobOut | Response:
    """Put a job into the bin, or forget one that is there."""
    if purge:
        studio.jobs.purge(job)
        return Response(status_code=204)
    return studio.shown(studio.jobs.delete(job))


@router.post("/bin/empty")
def empty_bin(studio: Current) -> EmptiedOut:
    """Forget all jobs that are in the bin, and their files."""
    return EmptiedOut(purged=studio.jobs.empty_bin())


@router.get("/jobs/{job}/results/{n}", response_class=Response, responses=FILE_ANSWER)
def result(
    request: Request,
    job: str,
    n: int,
    studio: Current,
    download: Annotated[bool, Query(description="To be saved, under its name.")] = False,
) -> Response:
    """A file that the job made."""
    stored = result_of(studio, job, n)
    path = studio.store.path(stored.sha256)
    return send(request, path, stored.sha256, stored.media_type, stored.name, download=download)


@router.get("/jobs/{job}/results/{n}/thumbnail", response_class=Response, responses=PICTURE_ANSWER)
async def result_thumbnail(job: str, n: int, studio: Current, size: Size = THUMBNAIL) -> Response:
    """A result that is a picture, small, as WebP."""
    stored = await run_in_threadpool(result_of, studio, job, n)
    if stored.media_type not in PICTURES:
        raise UnsupportedImage(stored.name, "it is no picture, so it has no thumbnail", "ask for the result")
    return await thumbnail_of(studio, stored.sha256, size)


@router.get("/jobs/{job}/results/{n}/sidecar", response_class=Response, responses=FILE_ANSWER)
def sidecar(request: Request, job: str, n: int, studio: Current) -> Response:
    """The signed credentials that belong beside a result which can hold none."""
    stored = result_of(studio, job, n)
    if not stored.sidecar:
        raise NoSuchFile(f"sidecar of {stored.name}", "its credentials are inside it", "ask for the result")
    path = studio.store.path(stored.sidecar)
    return send(request, path, stored.sidecar, _JSON, f"{stored.name}.json", download=True)


@router.get(
    "/jobs/{job}/zip",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The zip.", "content": {"application/zip": {"schema": {"type": "string"}}}},
    },
)
def everything(job: str, studio: Current) -> Response:
    """All results of a job, and their sidecars, in one zip."""
    stored = studio.jobs.get(job)
    if not stored.results:
        raise NoSuchFile("this job", "it has no results", "wait until it is done")
    files = []
    for result in stored.results:
        files.append((result.name, studio.store.path(result.sha256)))
        if result.sidecar:
            files.append((f"{result.name}.json", studio.store.path(result.sidecar)))
    name = f"{stored.title or f'flamingo-{stored.verb}-{job[:8]}'}.zip"
    try:
        stream = packed(files)
    except FileNotFoundError:
        raise NoSuchFile("this job", "a file of it has just been deleted", "look at the job again") from None
    headers = {
        "Content-Disposition": disposition(name),
        "Content-Length": str(len(stream)),
        "Cache-Control": "private, no-cache",
    }
    return StreamingResponse(stream, media_type="application/zip", headers=headers)


def result_of(studio: Studio, job: str, n: int) -> Result:
    """A job's result by its number. Raises NoSuchJob or NoSuchFile."""
    results = studio.jobs.get(job).results
    if not 0 <= n < len(results):
        raise NoSuchFile(f"result {n} of this job", f"it has {len(results)}, counted from 0", "look at the job")
    return results[n]
