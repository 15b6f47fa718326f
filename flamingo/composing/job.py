"""What a server must know of `compose` before it is carried out (see flamingo.verbs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flamingo import weights
from flamingo.composing import personas
from flamingo.composing.reading import KINDS
from flamingo.errors import MissingExtra
from flamingo.mood import job as mood_job
from flamingo.mood import valence_arousal
from flamingo.verbs import NamedFile

__all__ = ["check", "check_music", "is_short", "version"]

_SHORT_MUSIC = 120.0  # seconds


def version(parameters: Mapping[str, Any]) -> str:
    """The versions of the composer and of what finds the mood to compose in, and when each of one's own personas that
    is named was last taught."""
    named = [name for name in personas.own() if name in parameters["persona"]]
    taught = [f"{name}@{personas.own_file(name).stat().st_mtime_ns}" for name in named]
    return "+".join([str(weights.entry("composer")["version"]), mood_job.version(parameters), *taught])


def is_short(parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
    """Two minutes of music at most, all tries together."""
    tries = parameters.get("variations", 1) * parameters.get("best", 1)
    return bool(parameters["seconds"] * tries <= _SHORT_MUSIC)


def check(parameters: Mapping[str, Any], files: Mapping[str, Sequence[NamedFile]]) -> None:
    """Raise BadRequest for a persona or mood that is not known, MissingExtra for a sentence that cannot be read or a
    recording that cannot be listened to here."""
    check_music(parameters["persona"], parameters["mood"])
    if parameters["words"]:
        MissingExtra.unless_installed("reading a sentence", "words")
    for file in (*files.get("continue_from", ()), *files.get("edit", ())):
        if KINDS.get(Path(file.name).suffix.lower()) == "sound":
            MissingExtra.unless_installed("listening to recordings", "recordings")


def check_music(persona: str, mood: str | None) -> None:
    """Raise BadRequest for a persona or mood that is not known."""
    personas.cast(persona)
    if mood is not None:
        valence_arousal.place(mood)
