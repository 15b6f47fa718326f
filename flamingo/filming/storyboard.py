"""The storyboard: every shot of a film with its photo, time, manner, camera and caption, as a file to be edited.

The film is what the storyboard says, so one that was edited is rendered again. It is JSON; what it may hold is what
the classes here hold. Times are in seconds from the beginning, and each shot begins where the one before it ends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from flamingo.composing.sections import Point
from flamingo.errors import BadInput, show
from flamingo.painting.options import StyleOptions

__all__ = [
    "ASPECTS",
    "LEAST",
    "LONGEST",
    "MOST",
    "SUFFIX",
    "Aspect",
    "Brought",
    "FilmLook",
    "Fit",
    "Music",
    "Shot",
    "Storyboard",
    "View",
    "among",
    "load",
]

SUFFIX = ".json"
"""Of its file."""

Fit = Literal["crop", "fill"]
"""How a photo of another shape than the frame's is shown: filling it, or whole."""

Aspect = Literal["16:9", "9:16", "1:1", "4:5"]
ASPECTS: dict[str, tuple[int, int]] = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:5": (4, 5)}
"""Width to height of the picture."""

LEAST, MOST = 2, 500
"""Photos that a film is made of."""
LONGEST = 1800.0
"""Seconds that a film may last."""

_STRICT = ConfigDict(extra="forbid")
_LARGEST_FILE = 8 * 2**20
_SAME = 1e-3  # seconds between the end of a shot and the beginning of the next that are no gap

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=500)]


@dataclass(frozen=True)
class View:
    """Where the camera looks: x, y: its middle, as shares of the photo's width and height; zoom: 1 shows as much of
    the photo as fills the frame, 2 half as much each way. It never leaves the photo."""

    x: Share = 0.5
    y: Share = 0.5
    zoom: Annotated[float, Field(ge=1, le=4, allow_inf_nan=False)] = 1.0
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Shot:
    """One photo on the screen.

    style: names as for `flamingo paint --style`; none leaves the photo as it is. strength: at the beginning and at
    the end. camera: at the beginning and at the end. fit: whether the photo fills the frame and is cropped, or is
    shown whole on a blurred one. wipe: whether a line draws the painting over the photo. transition: how it begins;
    fade: seconds of the crossfade, half of them before `start`.
    """

    photo: Annotated[str, Field(min_length=1, max_length=4096)]
    start: Seconds
    end: Seconds
    style: tuple[str, ...] = ()
    strength: tuple[Share, Share] = (1.0, 1.0)
    camera: tuple[View, View] = (View(), View())
    fit: Fit = "crop"
    wipe: bool = False
    caption: Text = ""
    transition: Literal["cut", "crossfade"] = "cut"
    fade: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    __pydantic_config__ = _STRICT

    @property
    def lasts(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class FilmLook(StyleOptions):
    """How all photos are painted: see `flamingo paint`. colour: a share, not a word; paintings, masks: files that
    styles may name."""

    colour: Share = 1.0
    paintings: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Music:
    """What is heard: a file of the user's, or a piece that is composed again, the same from the same values, as long
    as the film. path: its moods, one a section; mood: a word in place of it."""

    file: str | None = None
    persona: str = "beethoven"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    tempo: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    mood: str | None = None
    path: tuple[Point, ...] = ()
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Storyboard:
    """A whole film. resolution: pixels of the picture's shorter side; fps: frames a second."""

    shots: Annotated[tuple[Shot, ...], Field(min_length=LEAST, max_length=MOST)]
    aspect: Aspect = "16:9"
    resolution: Annotated[int, Field(ge=32, le=2160)] = 1080
    fps: Annotated[int, Field(ge=8, le=60)] = 24
    title: Text = ""
    music: Music = field(default_factory=Music)
    manner: FilmLook = field(default_factory=FilmLook)
    version: Literal[1] = 1
    __pydantic_config__ = _STRICT

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture in pixels, both even."""
        across, down = ASPECTS[self.aspect]
        scale = self.resolution / min(across, down)
        height, width = (2 * max(1, round(side * scale / 2)) for side in (down, across))
        return height, width

    @property
    def seconds(self) -> float:
        """How long the film lasts."""
        return self.shots[-1].end

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return max(1, round(self.seconds * self.fps))

    @property
    def starts(self) -> list[int]:
        """The first frame of each shot."""
        return [round(shot.start * self.fps) for shot in self.shots]

    def as_json(self) -> str:
        """As it stands in the file."""
        return json.dumps(_rounded(asdict(self)), indent=1, ensure_ascii=False) + "\n"


def _rounded(value: Any) -> Any:
    """Without digits that no frame can show."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    return value


_adapter: TypeAdapter[Storyboard] = TypeAdapter(Storyboard)


def load(file: Path, name: str = "") -> Storyboard:
    """Read a storyboard. name: what messages call the file, if not by its own name. Raises BadInput, in one line, for
    what is wrong with it first."""
    name = show(name or file)
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it cannot be read"
        raise BadInput(name, why, "check the name") from None
    if len(data) > _LARGEST_FILE:
        raise BadInput(name, "it is too large for a storyboard", "give the .storyboard.json that a film came with")
    try:
        board = _adapter.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInput(name, f"{where}: {reason[0].lower()}{reason[1:]}", "correct it there") from None
    _check(board, name)
    return board


def _check(board: Storyboard, name: str) -> None:
    """Raise BadInput unless the shots follow each other without a gap, and each is seen."""
    if abs(board.shots[0].start) > _SAME:
        raise BadInput(name, "shots.0.start is not 0", "a film begins with its first shot")
    for i, (shot, after) in enumerate(pairwise(board.shots)):
        if not math.isclose(shot.end, after.start, abs_tol=_SAME):
            why = f"shot {i} ends at {shot.end:g} s and shot {i + 1} begins at {after.start:g} s"
            raise BadInput(name, why, "let each shot begin where the one before it ends")
    for i, (first, last) in enumerate(pairwise([*board.starts, board.frames])):
        if last <= first:
            raise BadInput(name, f"shot {i} lasts less than a frame", "let it end later")


# -- files that are given with it ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Brought:
    """Names of the files that are given with a storyboard, which can then name no others."""

    photos: tuple[str, ...] = ()
    paintings: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    music: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.photos + self.paintings + self.masks + self.music


def among(board: Storyboard, brought: Brought, name: str) -> Storyboard:
    """The same storyboard, in which every name of a file is that of a file brought: the one of the same name, or else
    the one of the same file name, wherever either lies. name: of the storyboard, for messages. Raises BadInput, which
    says what is missing, or there twice."""
    photos, paintings, masks, music = (
        _Given(kind, names, name)
        for kind, names in (
            ("photo", brought.photos),
            ("painting", brought.paintings),
            ("mask", brought.masks),
            ("music", brought.music),
        )
    )
    if board.music.file is None and brought.music:
        hint = f"leave {show(_base(brought.music[0]))} out, or plan the film anew with it"
        raise BadInput(name, "its music is composed", hint)
    return replace(
        board,
        shots=tuple(replace(shot, photo=photos.of(shot.photo)) for shot in board.shots),
        music=replace(board.music, file=music.of(board.music.file)) if board.music.file else board.music,
        manner=replace(
            board.manner,
            paintings=tuple(map(paintings.of, board.manner.paintings)),
            masks=tuple(map(masks.of, board.manner.masks)),
        ),
    )


class _Given:
    """Files of one kind, to be found by their names."""

    def __init__(self, kind: str, names: Sequence[str], board: str) -> None:
        self._kind, self._board = kind, board
        self._whole = frozenset(names)
        self._called: dict[str, list[str]] = {}
        for name in names:
            self._called.setdefault(_base(name), []).append(name)

    def of(self, name: str) -> str:
        if name in self._whole:
            return name
        candidates = self._called.get(_base(name), [])
        if len(candidates) == 1:
            return candidates[0]
        description = f"the {self._kind} {show(_base(name))}"
        if not candidates:
            raise BadInput(
                self._board, f"{description} is not among the files given with it", "give it too, or take it out"
            )
        why = f"{description} could be any of {len(candidates)} files of that name given with it"
        raise BadInput(self._board, why, "give them different names, there and in the storyboard")


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
