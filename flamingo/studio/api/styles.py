"""The styles that can be painted in: the paintings', and those of one's own, which are kept and forgotten here."""

from __future__ import annotations

import functools
import io
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from PIL import Image
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from flamingo import paintings
from flamingo.jobs import NoSuchFile, WrongState
from flamingo.jobs.job import plain_file_name
from flamingo.painting import styles as known_styles
from flamingo.painting import user_styles
from flamingo.studio import catalogue
from flamingo.studio.address import at
from flamingo.studio.api.files import PICTURE_ANSWER
from flamingo.studio.pages import assets
from flamingo.studio.preview_client import PreviewClient
from flamingo.studio.responses import send
from flamingo.studio.schemas import FileIn, ProblemOut
from flamingo.studio.state import Current
from flamingo.studio.uploads import THUMBNAIL

__all__ = ["router"]

router = APIRouter(prefix="/api/styles", tags=["choices"])

_THUMBNAILS = assets.STATIC / "img" / "styles"


class StyleOut(BaseModel):
    """A painting that can be painted in the manner of. own: whether the user has added it; models: the painters that
    can."""

    name: str
    title: str
    artist: str
    painted: str
    rights: str
    thumbnail: str
    own: bool = False
    models: list[str]


@router.get("")
def styles() -> list[StyleOut]:
    """The paintings, and the user's own styles after them."""
    return [_style_out(style) for style in catalogue.styles()]


@router.get("/{name}/thumbnail", response_class=Response, responses=PICTURE_ANSWER)
def style_thumbnail(request: Request, name: str) -> Response:
    """A photo painted in that style, or the painting itself of a style of one's own, small, as WebP."""
    if name in user_styles.names():
        return _own_thumbnail(request, name)
    if name not in {style.name for style in known_styles.styles()}:
        raise NoSuchFile(f"style {name!r}"[:80], "there is no style of that name", "see /api/styles")
    path = _THUMBNAILS / f"{name}.webp"
    if not path.is_file():
        raise NoSuchFile(f"style {name!r}", "it has no thumbnail", "choose it by its title")
    state = path.stat()
    return send(request, path, f"{state.st_mtime_ns:x}-{state.st_size:x}", "image/webp", path.name)


@router.get("/{name}/painting", response_class=Response, responses=PICTURE_ANSWER)
def style_painting(
    request: Request,
    name: str,
    size: Annotated[int, Query(ge=32, le=1280, description="Longest side, in pixels.")] = 512,
) -> Response:
    """The painting itself that a style is of, as WebP."""
    if name in user_styles.names():
        version = (user_styles.folder() / f"{name}.safetensors").stat().st_mtime_ns
    elif name in {style.name for style in known_styles.styles()} and paintings.file(name).is_file():
        version = paintings.file(name).stat().st_mtime_ns
    else:
        raise NoSuchFile(f"style {name!r}"[:80], "no painting of that name is here", "see /api/styles")
    tag = f'"{version:x}-{size}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400"}
    if request.headers.get("if-none-match") == tag:
        return Response(None, 304, headers)
    return Response(_painting(name, size, version), headers=headers, media_type="image/webp")


@functools.lru_cache(maxsize=64)
def _painting(name: str, size: int, version: int) -> bytes:
    """A painting as WebP, its longest side at most `size`. version: changes when the painting does."""
    if name in user_styles.names():
        picture = Image.fromarray(np.rint(user_styles.read(name).painting * 255).astype(np.uint8))
    else:
        picture = Image.open(paintings.file(name)).convert("RGB")
    picture.thumbnail((size, size))
    small = io.BytesIO()
    picture.save(small, "WEBP", quality=80)
    return small.getvalue()


def _own_thumbnail(request: Request, name: str) -> Response:
    version = f'"{(user_styles.folder() / f"{name}.safetensors").stat().st_mtime_ns:x}"'
    headers = {"ETag": version, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == version:
        return Response(None, 304, headers)
    picture = Image.fromarray(np.rint(user_styles.read(name).painting * 255).astype(np.uint8))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    small = io.BytesIO()
    picture.save(small, "WEBP", quality=80)
    return Response(small.getvalue(), headers=headers, media_type="image/webp")


@router.put("/{name}", status_code=201, responses={s: {"model": ProblemOut} for s in (404, 409, 422, 503)})
async def keep(
    name: str,
    painting: FileIn,
    request: Request,
    studio: Current,
    overwrite: Annotated[bool, Query(description="Replace a style of one's own of that name.")] = False,
) -> StyleOut:
    """Keep a painting that was uploaded as a style of one's own, to be named like the others."""
    if name in {style.name for style in known_styles.styles()}:
        raise WrongState(f"style {name!r}"[:80], "a painting that came with Flamingo has that name", "choose another")
    user_styles.check(name, overwrite=overwrite)
    path = await run_in_threadpool(studio.store.path, painting.sha256)
    previews: PreviewClient = request.state.previews
    await previews.keep(name, path, plain_file_name(painting.name) or name, overwrite=overwrite)
    return next(_style_out(style) for style in catalogue.styles() if style.name == name)


@router.delete("/{name}", status_code=204, responses={s: {"model": ProblemOut} for s in (404, 422)})
def forget(name: str) -> None:
    """Forget a style of one's own. Pictures that were painted in it stay."""
    if name not in user_styles.names():
        raise NoSuchFile(f"style {name!r}"[:80], "no style of your own has that name", "see /api/styles")
    user_styles.remove(name)


def _style_out(style: catalogue.Choice) -> StyleOut:
    return StyleOut(
        name=style.name,
        title=style.title,
        artist=style.artist,
        painted=style.year,
        rights=style.rights,
        thumbnail=at(f"/api/styles/{style.name}/thumbnail"),
        own=style.own,
        models=list(style.models),
    )
