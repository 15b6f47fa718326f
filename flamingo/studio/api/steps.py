"""GET /api/jobs/{id}/steps: how far an optimisation is, its losses and its pictures, while it runs and afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from flamingo.jobs import Job, NoSuchFile
from flamingo.jobs.live_artifacts import folders
from flamingo.studio.api.files import PICTURE_ANSWER
from flamingo.studio.schemas import ProblemOut
from flamingo.studio.state import Current, Studio

__all__ = ["router"]

router = APIRouter(prefix="/api/jobs", tags=["jobs"])
_LOSSES = "losses.jsonl"


class StepOut(BaseModel):
    """The losses of one step; those of different sizes are not comparable."""

    step: int = Field(description="From 0, over all sizes together.")
    steps: int = Field(description="How many there are to be.")
    width: int
    height: int
    objective: float
    content: float = Field(description="Its part that keeps the photo.")
    style: float = Field(description="Its part that takes the painting.")
    tv: float = Field(default=0.0, description="Its part that is the total variation.")


class StepsOut(BaseModel):
    """An optimisation so far. Of a job with several photos, the one that is under way."""

    losses: list[StepOut]
    pictures: list[int] = Field(description="Steps of which there is a picture, at /api/jobs/{id}/steps/{step}.")


@router.get("/{job}/steps", responses={404: {"model": ProblemOut}})
def steps(job: str, studio: Current) -> StepsOut:
    """Losses and pictures of a job that optimises with `snapshots`; afterwards the losses of its last photo."""
    stored = studio.jobs.get(job)
    folder = _underway(studio, stored)
    if folder is not None:
        pictures = [int(file.stem.removeprefix("step-")) for file in sorted(folder.glob("step-*.jpg"))]
        return StepsOut(losses=_losses(folder / _LOSSES), pictures=pictures)
    loss_files = [result for result in stored.results if result.name.endswith(_LOSSES)]
    return StepsOut(losses=_losses(studio.store.path(loss_files[-1].sha256)) if loss_files else [], pictures=[])


@router.get("/{job}/steps/{step}", response_class=Response, responses=PICTURE_ANSWER)
def picture(job: str, step: int, studio: Current) -> Response:
    """The picture of a step, while the job runs."""
    folder = _underway(studio, studio.jobs.get(job))
    try:
        if folder is None:
            raise FileNotFoundError
        data = (folder / f"step-{step:05d}.jpg").read_bytes()
    except OSError:
        why = "there is none, or the job is over"
        raise NoSuchFile(f"the picture of step {step}", why, "its results have a strip of all") from None
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _underway(studio: Studio, job: Job) -> Path | None:
    step_folders = folders(studio.settings.jobs, job.id, "*.steps") if job.active else []
    return step_folders[-1] if step_folders else None


def _losses(file: Path) -> list[StepOut]:
    try:
        lines: Iterable[str] = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    losses = []
    for line in lines:
        try:
            losses.append(StepOut.model_validate(json.loads(line)))
        except ValueError:  # the line that is being written
            break
    return losses
