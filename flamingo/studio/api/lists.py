"""What there is to choose from: verbs and their controls, personas, moods, models. Styles are in `styles`."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, TypeAdapter

from flamingo import weights
from flamingo.composing import personas as known_personas
from flamingo.mood import valence_arousal
from flamingo.options import Option
from flamingo.studio.state import Current
from flamingo.verbs import Verb

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["choices"])


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


@router.get("/personas")
def personas() -> list[PersonaOut]:
    """The composers."""
    return [PersonaOut(**persona) for persona in known_personas.known()]


@router.get("/moods")
def moods() -> list[MoodOut]:
    """Words for moods."""
    return [MoodOut(word=word, valence=v, arousal=a) for word, (v, a) in valence_arousal.WORDS.items()]


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
    return VerbOut(name=verb.name, about=verb.about, controls=controls, inputs=inputs)
