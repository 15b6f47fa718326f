"""Files in and out."""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from flamingo.errors import BadRequest, FlamingoError, UnsupportedImage
from flamingo.jobs import NoSuchFile
from flamingo.jobs.store import GRACE
from flamingo.studio.filetypes import HEAD, content_of
from flamingo.studio.forms import received
from flamingo.studio.responses import send
from flamingo.studio.schemas import AlbumOut, FileOut, Sha256, Strict
from flamingo.studio.state import Current, Studio
from flamingo.studio.thumbnails import PICTURES
from flamingo.studio.uploads import THUMBNAIL, admit, admit_all, unpacked

__all__ = ["FORM", "PICTURE_ANSWER", "Size", "router", "thumbnail_of"]

router = APIRouter(prefix="/api", tags=["files"])

Size = Annotated[int, Query(ge=64, le=1280, description="Pixels of its longest side, at most.")]
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}


def form(*optional: str) -> dict[str, Any]:
    """The description of a form with the field `file`, and other files that may be missing."""
    fields = {name: {"type": "string", "format": "binary"} for name in ("file", *optional)}
    schema = {"type": "object", "properties": fields, "required": ["file"], "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


FORM = form()
_BYTES: dict[str, Any] = {}  # no schema: OpenAPI 3.1 says so for bytes
FILE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"*/*": _BYTES}},
    206: {"description": "The part of the file that was asked for.", "content": {"*/*": _BYTES}},
    304: {"description": "It has not changed."},
}
PICTURE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": _BYTES}}
}


class KeepIn(Strict):
    """Files that were uploaded before."""

    files: list[Annotated[str, Sha256]] = Field(max_length=500)


class KeptOut(BaseModel):
    """Which of the files are there and stay, for so many seconds at least, and which are not there any more."""

    kept: list[str]
    missing: list[str]
    seconds: float


@router.post("/files", status_code=201, openapi_extra=FORM)
async def upload(request: Request, studio: Current) -> FileOut:
    """Send a file: a photo, music, a score or a SoundFont. What it is is told by its content, which is decoded to its
    end; the place is taken out of photos. The same content is kept once."""
    async with received(request, studio, {"file": studio.settings.limits.file_bytes}) as parts:
        if "file" not in parts:
            raise BadRequest("field file", "it is missing", "send the file in the field 'file'")
        part = parts["file"]
        return await anyio.to_thread.run_sync(admit, studio, part.path, part.name, limiter=studio.looking)


@router.post("/albums", status_code=201, openapi_extra=FORM)
async def album(request: Request, studio: Current) -> AlbumOut:
    """Send many files in one zip. Those that cannot be used are named, with the reason, and the others kept."""
    async with received(request, studio, {"file": studio.settings.limits.album_bytes}) as parts:
        if "file" not in parts:
            raise BadRequest("field file", "it is missing", "send the zip in the field 'file'")
        part = parts["file"]
        looking = studio.looking
        members = await anyio.to_thread.run_sync(unpacked, studio, part.path, part.name, limiter=looking)
        whole = AlbumOut(files=[], failures=[])
        for member in members:  # one at a time, so that others get their turn
            some = await anyio.to_thread.run_sync(admit_all, studio, [member], limiter=looking)
            whole.files += some.files
            whole.failures += some.failures
        return whole


@router.post("/files/keep", summary="Keep files that are still shown", operation_id="keepFiles")
def keep(body: KeepIn, studio: Current) -> KeptOut:
    """Keep uploads that a page or a draft still shows, for another few days: what no job refers to is deleted in the
    end. Those that are missing have to be sent again."""
    renewed, missing = [], []
    for sha256 in dict.fromkeys(body.files):
        try:
            studio.store.renew(sha256)
            renewed.append(sha256)
        except NoSuchFile:
            missing.append(sha256)
    return KeptOut(kept=renewed, missing=missing, seconds=GRACE)


@router.get("/files/{sha256}", response_class=Response, responses=FILE_ANSWER)
def content(request: Request, sha256: str, studio: Current) -> Response:
    """The content of a file."""
    studio.store.renew(sha256)
    path = studio.store.path(sha256)
    with path.open("rb") as file:
        head = file.read(HEAD)
    name, media_type = f"{sha256[:12]}", "application/octet-stream"
    try:
        content_type = content_of(head, name)
        name, media_type = name + content_type.suffixes[0], content_type.media_type
    except FlamingoError:  # a result, or of a kind that was taken in by an earlier version
        pass
    return send(request, path, sha256, media_type, name, forever=True)


@router.get("/files/{sha256}/thumbnail", response_class=Response, responses=PICTURE_ANSWER)
async def thumbnail(sha256: str, studio: Current, size: Size = THUMBNAIL) -> Response:
    """A picture, upright and small, as WebP."""
    return await thumbnail_of(studio, sha256, size)


async def thumbnail_of(studio: Studio, sha256: str, size: int) -> Response:
    """The thumbnail of a picture in the store, made if need be. Raises NoSuchFile or a BadInput."""
    thumbnail = await run_in_threadpool(studio.thumbnails.find, sha256, size)
    if thumbnail is None:
        await run_in_threadpool(_check_picture, studio, sha256)
        thumbnail = await anyio.to_thread.run_sync(studio.thumbnails.make, sha256, size, limiter=studio.making)
    # The time of the file is that of its last use, so it cannot name the content.
    headers = {**FOREVER, "ETag": f'"{thumbnail.stem}"'}
    return FileResponse(thumbnail, headers=headers, media_type="image/webp")


def _check_picture(studio: Studio, sha256: str) -> None:
    with studio.store.open(sha256) as file:
        content_type = content_of(file.read(HEAD), "this file")
    if content_type.media_type not in PICTURES:
        raise UnsupportedImage("this file", "it is no picture, so it has no thumbnail", "ask for the file")
