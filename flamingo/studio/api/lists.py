"""What there is to choose from: verbs and their controls, styles, personas, moods, models."""

from __future__ import annotations

import inspect
import io
from functools import cache
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from PIL import Image
from pydantic import BaseModel, Field, TypeAdapter

from flamingo import weights
from flamingo.composing import personas as known_personas
from flamingo.feeling import plane
from flamingo.jobs import NoSuchFile
from flamingo.jobs.verbs import Verb, load
from flamingo.options import Option
from flamingo.painting import own
from flamingo.painting import styles as known_styles
from flamingo.studio import choice
from flamingo.studio.api.files import PICTURE_ANSWER
from flamingo.studio.pages import assets
from flamingo.studio.sending import send
from flamingo.studio.state import Current
from flamingo.studio.uploads import THUMBNAIL

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["choices"])

_THUMBNAILS = assets.STATIC / "img" / "styles"


class ControlOut(BaseModel):
    """A parameter of a verb. definition (as `schema`): its JSON schema."""

    name: str
    description: str
    default: Any = None
    definition: dict[str, Any] = Field(alias="schema")


class FileControlOut(BaseModel):
    """A file, or files, that a verb reads."""

    name: str
    description: str
    many: bool
    required: bool


class VerbOut(BaseModel):
    """A verb."""

    name: str
    about: str
    controls: list[ControlOut]
    inputs: list[FileControlOut]


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


class PersonaOut(BaseModel):
    """A composer in whose manner music can be composed, and what that music is usually like."""

    name: str
    own: bool
    minor: float = Field(description="Share of music in minor.")
    metre: str
    tempo: int = Field(description="Quarter notes a minute.")
    arousal: float


class MoodOut(BaseModel):
    """A word for a mood, and its place from -1 to 1."""

    word: str
    valence: float
    arousal: float


class ModelOut(BaseModel):
    """A trained model: what it is, what it learned from, and what it is for."""

    name: str
    version: str
    card: str = Field(description="Markdown.")
    licence: str
    data: str
    size: int = Field(description="Bytes.")


@router.get("/verbs")
def verbs(studio: Current) -> list[VerbOut]:
    """What can be done, and with which parameters."""
    return [_verb(verb) for verb in studio.jobs.verbs.values()]


@router.get("/styles")
def styles() -> list[StyleOut]:
    """The paintings, and the user's own styles after them."""
    return [
        StyleOut(
            name=style.name,
            title=style.title,
            artist=style.artist,
            painted=style.year,
            rights=style.rights,
            thumbnail=f"/api/styles/{style.name}/thumbnail",
            own=style.own,
            models=list(style.models),
        )
        for style in choice.styles()
    ]


@router.get("/styles/{name}/thumbnail", response_class=Response, responses=PICTURE_ANSWER)
def style_thumbnail(request: Request, name: str) -> Response:
    """A photo painted in that style, or the painting itself of a style of one's own, small, as WebP."""
    if name in own.names():
        return _own_thumbnail(request, name)
    if name not in {style.name for style in known_styles.styles()}:
        raise NoSuchFile(f"style {name!r}"[:80], "there is no style of that name", "see /api/styles")
    path = _THUMBNAILS / f"{name}.webp"
    if not path.is_file():
        raise NoSuchFile(f"style {name!r}", "it has no thumbnail", "choose it by its title")
    state = path.stat()
    return send(request, path, f"{state.st_mtime_ns:x}-{state.st_size:x}", "image/webp", path.name)


def _own_thumbnail(request: Request, name: str) -> Response:
    version = f'"{(own.folder() / f"{name}.safetensors").stat().st_mtime_ns:x}"'
    headers = {"ETag": version, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == version:
        return Response(None, 304, headers)
    picture = Image.fromarray(np.rint(own.read(name).painting * 255).astype(np.uint8))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    small = io.BytesIO()
    picture.save(small, "WEBP", quality=80)
    return Response(small.getvalue(), headers=headers, media_type="image/webp")


@router.get("/personas")
def personas() -> list[PersonaOut]:
    """The composers."""
    return [PersonaOut(**persona) for persona in known_personas.known()]


@router.get("/moods")
def moods() -> list[MoodOut]:
    """Words for moods."""
    return [MoodOut(word=word, valence=v, arousal=a) for word, (v, a) in plane.WORDS.items()]


@router.get("/models")
def models() -> list[ModelOut]:
    """The models that are installed, each with its card."""
    return [_model(name, entry) for name, entry in weights.models().items()]


def _model(name: str, entry: dict[str, Any]) -> ModelOut:
    card = weights.folder() / "cards" / f"{name}.md"
    return ModelOut(
        name=name,
        version=str(entry["version"]),
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
        licence=str(entry.get("licence", "Apache-2.0")),
        data=str(entry.get("data", "")),
        size=sum(int(file["bytes"]) for file in entry["files"].values()),
    )


def _schema(option: Option) -> dict[str, Any]:
    kind: Any = Annotated[option.type, option.field]
    return TypeAdapter(kind).json_schema()


@cache
def _verb(verb: Verb) -> VerbOut:
    controls = [
        ControlOut(
            name=option.name,
            description=option.description,
            default=None if option.default is inspect.Parameter.empty else option.default,
            schema=_schema(option),
        )
        for option in verb.controls
    ]
    inputs = [
        FileControlOut(
            name=name,
            description=option.description,
            many=verb.takes_many(name),
            required=option.default is inspect.Parameter.empty,
        )
        for name, option in verb.inputs.items()
    ]
    about = (inspect.getdoc(load(verb.target)) or "").split("\n\n")[0]
    return VerbOut(name=verb.name, about=about, controls=controls, inputs=inputs)
