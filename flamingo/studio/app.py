"""The application: all routers, behind the guard, with errors as problem+json and its own description.

`create_app(studio)` needs a `Studio` that is open, or will be before the first request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

import flamingo
from flamingo.errors import FlamingoError
from flamingo.studio import problems
from flamingo.studio.api import (
    events,
    extras,
    files,
    health,
    jobs,
    lists,
    live,
    notes,
    preview,
    ratings,
    steps,
    styles,
    verbs,
    verify,
)
from flamingo.studio.describing import described
from flamingo.studio.guard import Guard
from flamingo.studio.pages import curated
from flamingo.studio.pages import routes as pages
from flamingo.studio.state import Studio

__all__ = ["create_app"]

_log = logging.getLogger(__name__)

_TEND_EVERY = 600.0
_HANG_EVERY = 2.0


def create_app(studio: Studio) -> FastAPI:
    """The ASGI application of a studio."""
    app = FastAPI(
        title="Flamingo",
        version=flamingo.__version__,
        description="Turns photos into art and gives that art its own music.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # it would load its parts from elsewhere; ours is a page
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.studio = studio
    for module in (health, extras, files, events, jobs, notes, steps, styles, lists, preview, live, verify, ratings):
        app.include_router(module.router)
    app.include_router(verbs.router_of(studio.jobs.verbs, studio.settings.limits.files))
    app.include_router(pages.router)
    problems.install(app)
    app.add_middleware(Guard, settings=studio.settings, stopping=studio.stopping.is_set)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    studio: Studio = app.state.studio
    behind = [asyncio.create_task(_tend(studio)), asyncio.create_task(studio.feed.run())]
    behind.append(asyncio.create_task(_let_go(studio)))
    if studio.settings.curated:
        behind.append(asyncio.create_task(_hang(studio)))
    yield
    studio.stopping.set()
    for task in behind:
        task.cancel()
    await asyncio.gather(*behind, return_exceptions=True)


async def _let_go(studio: Studio) -> None:
    """End the streams of events as soon as the server ends, which would wait for them."""
    await studio.stopping.wait()
    studio.feed.end()


async def _tend(studio: Studio) -> None:
    while True:
        try:
            await run_in_threadpool(studio.tend)
        except (FlamingoError, OSError) as error:  # without a database now, perhaps with one later
            _log.info("files that no job needs are not looked for now: %s", type(error).__name__)
        await asyncio.sleep(_TEND_EVERY)


async def _hang(studio: Studio) -> None:
    """Fill a new collection, while nobody has work of their own."""
    while True:
        await asyncio.sleep(_HANG_EVERY)
        try:
            if any((await run_in_threadpool(studio.counts)).values()):
                continue
            if await run_in_threadpool(curated.hang_next, studio.jobs, studio.settings.jobs.data) is None:
                return
        except (FlamingoError, OSError) as error:
            _log.info("a work for the new collection waits: %s", type(error).__name__)
