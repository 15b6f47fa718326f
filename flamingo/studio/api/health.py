"""Whether the studio is well."""

from __future__ import annotations

import shutil

from fastapi import APIRouter
from pydantic import BaseModel, Field

import flamingo
from flamingo.studio.state import Current

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["studio"])


class CountsOut(BaseModel):
    """Jobs that wait and that run."""

    queued: int
    running: int


class HealthOut(BaseModel):
    """How the studio is."""

    status: str = Field(description="ok, or busy if the queue is full.")
    version: str
    jobs: CountsOut
    workers: int = Field(description="Processes that work on jobs now.")
    disk_free: int = Field(description="Bytes.")


@router.get("/health")
def health(studio: Current) -> HealthOut:
    """Whether the studio works, and how busy it is."""
    counts = studio.counts()
    return HealthOut(
        status="ok" if counts["queued"] < studio.settings.limits.waiting else "busy",
        version=flamingo.__version__,
        jobs=CountsOut(**counts),
        workers=len(studio.workers.pids),
        disk_free=shutil.disk_usage(studio.settings.jobs.data).free,
    )
