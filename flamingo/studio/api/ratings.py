"""Listeners' grades: how well music suits a picture, and how good a result is by itself."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path, PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StrictInt

import flamingo
from flamingo.errors import BadRequest
from flamingo.jobs import Input, NoSuchJob, Result, Settings, WrongState
from flamingo.private import make_private
from flamingo.ratings import api as grading
from flamingo.ratings import store as graded
from flamingo.ratings.report import By
from flamingo.ratings.store import Grade, Kind, Rating
from flamingo.ratings.store import take_back as take_back_last
from flamingo.studio.api.jobs import result_of
from flamingo.studio.schemas import Strict
from flamingo.studio.state import Current, Studio

__all__ = ["router"]

router = APIRouter(prefix="/api/ratings", tags=["ratings"])


class ResultIn(Strict):
    """A result of a job."""

    job: str = Field(pattern="^[0-9a-f]{32}$")
    result: StrictInt = Field(0, ge=0)


class RatingIn(Strict):
    """A grade, for a piece of music with a picture or for one result alone.

    music: a result of a job that composed; picture: one of a job that painted or filmed. With music alone, the
    picture is the photo that it was composed for, if there is one such.
    """

    grade: Grade
    music: ResultIn | None = None
    picture: ResultIn | None = None
    listener: str = Field("", max_length=100, description="Who listened: any name, the same each time.")
    comment: str = Field("", max_length=4000)


class RatingOut(BaseModel):
    """A grade as it is stored. standing: whether it counts, was replaced, or was taken back."""

    id: int
    time: str
    kind: Kind
    grade: Grade
    picture: str
    picture_name: str
    music: str
    music_name: str
    mood: str | None
    listener: str
    comment: str
    standing: str
    instead_of: Grade | None


class GroupOut(BaseModel):
    """A row of the report. percent and satisfied: of 100; satisfied_95: where it lies with 95 % confidence."""

    name: str | None
    votes: int
    counts: dict[str, int]
    percent: dict[str, float]
    satisfied: float
    satisfied_95: tuple[float, float]
    mean_opinion: float


class ReportOut(BaseModel):
    """The table of grades."""

    by: By
    groups: list[GroupOut]
    all: GroupOut | None


@router.post("", status_code=201)
def rate(body: RatingIn, studio: Current) -> RatingOut:
    """Store a grade: how well a piece of music suits a picture, or how good one result is.

    The same listener's earlier grade for the same is replaced.
    """
    music = result_of(studio, body.music.job, body.music.result) if body.music else None
    picture, painting = _picture(studio, body)
    if music is None and picture is None:
        raise BadRequest("music or picture", "both are missing", "name a job, and the number of its result")
    folder = Path(tempfile.mkdtemp(dir=studio.incoming))
    try:
        recipes, files = [], []
        if picture is not None:
            files.append(_named(studio, picture, folder / "picture"))
            if painting is not None and isinstance(painting.get("style"), str):
                recipes.append(_recipe(files[-1], painting))
        if music is not None:
            files.append(_named(studio, music, folder / "music"))
            if "persona" in music.recipe:
                recipes.append(_recipe(files[-1], music.recipe))
        music_recipe = music.recipe if music is not None else {}
        stored = flamingo.rate(
            files[0],
            files[1] if len(files) == 2 else Path(body.grade),
            body.grade if len(files) == 2 else None,
            valence=_mood_value(music_recipe, "valence"),
            arousal=_mood_value(music_recipe, "arousal"),
            recipe=recipes or None,
            listener=body.listener,
            comment=body.comment,
            database=_database(studio),
        )
    finally:
        make_private(_database(studio))
        shutil.rmtree(folder, ignore_errors=True)
    return _rating(stored)


@router.get("/report")
def report(studio: Current, by: Annotated[By, Query()] = "mood") -> ReportOut:
    """The table of grades: shares in %, who was satisfied (excellent or good), and the mean opinion."""
    if not _database(studio).exists():
        return ReportOut(by=by, groups=[], all=None)
    return ReportOut(**flamingo.grades(by=by, database=_database(studio)).as_dict())


@router.delete("/last")
def take_back(
    studio: Current,
    listener: Annotated[str | None, Query(max_length=100, description="The last of this listener's.")] = None,
) -> RatingOut:
    """Take the last grade back: it is kept, marked, and no longer counts."""
    if not _database(studio).exists():
        raise WrongState("the last grade", "there are no grades yet", "give one first")
    taken_back = take_back_last(_database(studio), None if listener is None else grading.listener_name(listener))
    if taken_back is None:
        raise WrongState("the last grade", "none is left that could be taken back", "give one first")
    return _rating(taken_back)


def _database(studio: Studio) -> Path:
    """The command line's own database, so that all grades are in one; a studio whose data lie elsewhere (`--data`)
    keeps its grades there."""
    data = studio.settings.jobs.data
    if data != Settings.of().data:
        return data / "ratings.sqlite"
    ours, older = graded.own_database(), data / "ratings.sqlite"
    if older != ours and older.is_file():  # of before the two were one
        graded.adopt(older, ours)
    return ours


def _picture(studio: Studio, body: RatingIn) -> tuple[Result | Input | None, dict[str, Any] | None]:
    """The picture or film that was seen, if one was, and the recipe of what was painted."""
    if body.picture is not None:
        picture = result_of(studio, body.picture.job, body.picture.result)
        return picture, picture.recipe
    photos = studio.jobs.get(body.music.job).inputs.get("photo", ()) if body.music else ()
    if len(photos) != 1:
        return None, None
    return photos[0], _painted(studio, photos[0].sha256)


def _painted(studio: Studio, sha256: str) -> dict[str, Any] | None:
    """The recipe, if the photo that the music was composed for is itself a painting of this studio."""
    try:
        for job in studio.jobs.list(100, verb="paint", state="done"):
            for result in job.results:
                if result.sha256 == sha256:
                    return result.recipe
    except NoSuchJob:
        return None
    return None


def _named(studio: Studio, file: Result | Input, folder: Path) -> Path:
    """The file under its own name, by which its kind and what is shown of it are known."""
    folder.mkdir()
    suffix = PurePath(file.name).suffix
    stem = "".join(c if c.isalnum() or c in " -_." else "_" for c in PurePath(file.name).stem)[:100].strip(". ")
    path = folder / f"{stem or 'file'}{suffix[:10]}"
    shutil.copyfile(studio.store.path(file.sha256), path)
    return path


def _recipe(file: Path, recipe: dict[str, Any]) -> Path:
    """What `--json` would have printed."""
    path = file.with_name("recipe.json")
    path.write_text(json.dumps([{"file": str(file), "recipe": recipe}]))
    return path


def _mood_value(recipe: dict[str, Any], axis: str) -> float | None:
    value = recipe.get(axis)
    return float(value) if isinstance(value, int | float) and -1 <= value <= 1 else None


def _rating(stored: Rating) -> RatingOut:
    return RatingOut(**{name: getattr(stored, name) for name in RatingOut.model_fields})
