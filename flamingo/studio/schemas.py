"""What the API takes and gives, as types: its description in OpenAPI, and what is checked, come from here.

Times are seconds since the epoch; `url` and `thumbnail` are addresses on this server.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from flamingo.jobs import Job
from flamingo.jobs.job import Failure, Input, Result, State
from flamingo.studio.address import at
from flamingo.studio.problems import without_places
from flamingo.studio.thumbnails import PICTURES

__all__ = [
    "AlbumOut",
    "FailureOut",
    "FileIn",
    "FileOut",
    "JobOut",
    "JobsOut",
    "ProblemOut",
    "Sha256",
    "job_out",
]

Sha256 = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the content, in hexadecimal.")


class Strict(BaseModel):
    """What is sent in: nothing that is not known."""

    model_config = ConfigDict(extra="forbid")


class ProblemOut(BaseModel):
    """An error (RFC 9457): what is wrong, why, what to do about it, and the limit that was met, if one was."""

    type: str
    title: str
    status: int
    detail: str
    what: str
    why: str
    hint: str
    limit: float | None = None


class FailureOut(BaseModel):
    """Why there is no result, or none for one of several files."""

    kind: str = Field(description="The error's class.")
    what: str
    why: str = ""
    hint: str = ""
    name: str = ""


class FileIn(Strict):
    """A file that was uploaded before, and what to call it."""

    sha256: str = Sha256
    name: str = Field("", max_length=1000)


class FileOut(BaseModel):
    """A file that was taken in. width, height: pixels, upright; seconds: how long music, or a film, or that of a
    storyboard lasts."""

    sha256: str
    name: str
    size: int = Field(description="Bytes, as kept.")
    media_type: str
    kind: Literal["picture", "film", "music", "sound", "score", "soundfont", "storyboard"]
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    notes: list[str] = Field([], description="What must be told: what was left out, and that the place was removed.")
    url: str
    thumbnail: str | None = None


class AlbumOut(BaseModel):
    """What became of each file of an album."""

    files: list[FileOut]
    failures: list[FailureOut]


class ProgressOut(BaseModel):
    """`done` of `all` parts are done (0 of 0: nobody knows), and what is being done now."""

    done: int
    all: int
    message: str


class InputOut(BaseModel):
    """A file that a job reads."""

    sha256: str
    name: str
    url: str
    thumbnail: str = Field(description="Answers 415 if the file is no picture.")


class ResultOut(BaseModel):
    """A file that a job made."""

    index: int
    name: str
    sha256: str = Field(description="Of its content, under which it can be the input of another job.")
    size: int
    media_type: str
    url: str
    thumbnail: str | None
    sidecar_url: str | None = Field(description="Signed credentials, where they are not inside the file.")
    recipe: dict[str, Any] = Field(description="All that made it, enough to make it again.")
    notes: list[str]
    about: dict[str, Any] = Field(description="What else the verb says of it.")


class JobOut(BaseModel):
    """A job."""

    id: str
    verb: str
    title: str
    favourite: bool
    state: State
    parameters: dict[str, Any]
    inputs: dict[str, list[InputOut]]
    results: list[ResultOut]
    progress: ProgressOut
    error: FailureOut | None
    failures: list[FailureOut] = Field(description="Inputs without a result though others have one.")
    request: str = Field(description="Name of what was asked: the same for the same request.")
    attempts: int
    interruptions: int
    created: float
    started: float | None
    ended: float | None
    deleted: float | None = Field(description="When it was put into the bin.")
    revision: int = Field(description="Rises with every change.")
    queue_place: int | None = Field(
        None, description="Its place among those that wait for the same workers, from 1; null unless it waits."
    )
    seconds_left: float | None = Field(
        None, description="Seconds until it is done, roughly; null where nobody knows, and once it is over."
    )
    url: str
    page: str


class JobsOut(BaseModel):
    """A page of jobs, newest first; `next` is the `before` of the page after it."""

    jobs: list[JobOut]
    next: str | None


class JobChange(Strict):
    """What a person may change about a job; what is left out stays as it is."""

    favourite: StrictBool | None = None
    title: str | None = Field(None, max_length=200)


_SAME = ("id", "verb", "title", "favourite", "state", "parameters", "request", "attempts", "interruptions")
_TIMES = ("created", "started", "ended", "deleted", "revision")


def job_out(job: Job, queue_place: int | None = None, left: float | None = None) -> JobOut:
    """A job as the API shows it.

    Args:
        job: as it is stored.
        queue_place: its place in the queue, from 1.
        left: seconds until it is done.
    """
    url = at(f"/api/jobs/{job.id}")
    return JobOut(
        **{name: getattr(job, name) for name in (*_SAME, *_TIMES)},
        inputs={option: [_input(item) for item in files] for option, files in job.inputs.items()},
        results=[_result(url, index, item) for index, item in enumerate(job.results)],
        progress=ProgressOut(done=job.progress.done, all=job.progress.all, message=job.progress.message),
        error=_failure(job.error) if job.error else None,
        failures=[_failure(item) for item in job.failures],
        queue_place=queue_place,
        seconds_left=None if left is None else round(left, 1),
        url=url,
        page=at(f"/collection/{job.id}"),
    )


def _failure(failure: Failure) -> FailureOut:
    parts = {name: without_places(getattr(failure, name)) for name in ("what", "why", "hint")}
    return FailureOut(kind=failure.kind, name=failure.name, **parts)


def _input(file: Input) -> InputOut:
    url = at(f"/api/files/{file.sha256}")
    return InputOut(sha256=file.sha256, name=file.name, url=url, thumbnail=f"{url}/thumbnail")


def _result(job: str, index: int, result: Result) -> ResultOut:
    url = f"{job}/results/{index}"
    return ResultOut(
        index=index,
        name=result.name,
        sha256=result.sha256,
        size=result.size,
        media_type=result.media_type,
        url=url,
        thumbnail=f"{url}/thumbnail" if result.media_type in PICTURES else None,
        sidecar_url=f"{url}/sidecar" if result.sidecar else None,
        recipe=result.recipe,
        notes=list(result.notes),
        about=result.about,
    )
