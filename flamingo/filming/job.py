"""What a server must know of `film` before it is carried out (see flamingo.verbs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flamingo.composing import job as music_job
from flamingo.errors import BadRequest
from flamingo.filming import storyboard
from flamingo.painting import job as paint_job
from flamingo.verbs import NamedFile

__all__ = ["check", "version"]


def version(parameters: Mapping[str, Any]) -> str:
    """The versions of all that a film is made with."""
    return "+".join([paint_job.version(parameters), music_job.version(parameters)])


def check(parameters: Mapping[str, Any], files: Mapping[str, Sequence[NamedFile]]) -> None:
    """Raise BadRequest for a style, persona or mood that is not known, also in a storyboard, and a BadInput for a
    storyboard that names a file which did not come with the request."""
    paint_job.check_styles(parameters, files)
    music_job.check_music(parameters["persona"], parameters["mood"])
    if files.get("storyboard"):
        _check_storyboard(files["storyboard"][0], files)


def _check_storyboard(file: NamedFile, files: Mapping[str, Sequence[NamedFile]]) -> None:
    if not files.get("photos"):
        raise BadRequest("a storyboard", "its photos did not come with it", "send them too, under the names it has")
    name = file.name or "the storyboard"
    board = storyboard.load(file.path, name)
    names = {option: tuple(named_file.name for named_file in many) for option, many in files.items()}
    brought = (names.get(option, ()) for option in ("photos", "painting", "mask", "music"))
    storyboard.among(board, storyboard.Brought(*brought), name)
    for style in {shot.style for shot in board.shots if shot.style}:
        paint_job.check_styles({"style": style, "model": board.manner.model}, files)
    music_job.check_music(board.music.persona, board.music.mood)
