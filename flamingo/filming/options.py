"""The options of `film`, as plain data. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from flamingo.errors import BadRequest
from flamingo.filming.progress import Progress
from flamingo.filming.storyboard import LONGEST, SUFFIX, Aspect, Brought, FilmLook, Music
from flamingo.options import ONE_OR_MANY, STRICT, several, shared
from flamingo.painting.options import StyleOptions, StyleSelection

Order = Literal["time", "name", "mood", "given"]
Vary = Literal["no", "photo", "mood"]
Captions = Literal["none", "name", "date", "description"]
Where = Literal["local", "ray"]

FILMS = (".mp4", ".webm", ".mov", ".mkv")
"""The suffixes of films that are written."""
KINDS = (*FILMS, SUFFIX)
"""The suffixes of what is written: films, and the storyboard alone."""

_FILES = ("photos", "painting", "mask", "music")
_WITH_STORYBOARD = frozenset({"storyboard", "quality", "output", "overwrite", "on", "on_progress", *_FILES})


@dataclass(frozen=True)
class FilmOptions(StyleOptions, StyleSelection):
    """All options of `film`: see `flamingo.film`. Those of painting are as for `paint`."""

    photos: Annotated[Sequence[Path], Field(description="Photos, folders or zip archives of them: 2 to 500.")] = ()
    _: KW_ONLY
    style: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        Field(description="Named style or painting's file, NAME[=WEIGHT][@MASK]; several are mixed, unless --vary."),
    ] = None
    vary: Annotated[
        Vary,
        Field(description="no: one manner for all; photo: styles take turns; mood: each photo's mood chooses one."),
    ] = "no"
    mask: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(description="Where to paint: white paints, black leaves the photo; stretched over every photo."),
    ] = None
    grow: Annotated[bool, Field(description="Begin each shot with the photo, which becomes the painting.")] = False
    wipe: Annotated[bool, Field(description="Draw the painting over the photo with a line, in each shot.")] = False
    order: Annotated[
        Order, Field(description="Order of the photos: when they were taken, name, from mood to mood, or as given.")
    ] = "time"
    keep_all: Annotated[bool, Field(description="Keep photos that are blurred or shown already.")] = False
    persona: Annotated[
        str,
        Field(description="Whose manner the music is in: one of `flamingo personas`, or a mix of several."),
    ] = "beethoven"
    mood: Annotated[
        str | None, Field(description="A word for the mood of the music; without it, the moods of the photos.")
    ] = None
    music: Annotated[Path | None, Field(description="Your own music, in place of a piece composed for it.")] = None
    seconds: Annotated[
        float | None,
        Field(ge=4, le=LONGEST, allow_inf_nan=False, description="How long it lasts; without it, 4 s a photo."),
    ] = None
    pace: Annotated[
        float | None,
        Field(ge=0.2, le=60, allow_inf_nan=False, description="Seconds a photo; without it, as the music wants."),
    ] = None
    motion: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="How much the camera moves, from 0, still, to 1.")
    ] = 0.6
    aspect: Annotated[Aspect, Field(description="Proportions of the picture, across to down.")] = "16:9"
    resolution: Annotated[
        int,
        Field(ge=32, le=2160, description="Shorter side in pixels: 1080 is 1920 x 1080, or 1080 x 1920 upright."),
    ] = 1080
    fps: Annotated[int, Field(ge=8, le=60, description="Frames a second.")] = 24
    title: Annotated[str, Field(max_length=200, description="Title, shown at the beginning.")] = ""
    captions: Annotated[
        Captions,
        Field(description="Under each photo: its name, its date, or the description in its EXIF data."),
    ] = "none"
    storyboard: Annotated[
        Path | None,
        Field(
            description="Storyboard (.storyboard.json) that says all of this, such as one you edited: render it. "
            "Files given with it, such as photos, are those that it names."
        ),
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**32, description="The same seed gives the same film.")] = 0
    quality: Annotated[int, Field(ge=1, le=100, description="Quality of the picture.")] = 86
    output: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="File to write: .mp4, .mov, .mkv, .webm; .json for a storyboard alone; without it film.mp4.",
        ),
    ] = None
    overwrite: Annotated[bool, Field(description="Replace results that are already there (never a photo).")] = False
    on: Annotated[
        Where,
        Field(description="Where to paint and render: this computer, or the Ray cluster that RAY_ADDRESS names."),
    ] = "local"
    on_progress: Progress | None = None
    __pydantic_config__ = STRICT

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files to write."""
        return several(self.output) or (Path("film.mp4"),)

    @property
    def look(self) -> FilmLook:
        """How all photos are painted, as a storyboard has it."""
        style = asdict(shared(self, StyleOptions)) | {"colour": self.colour_share}
        return FilmLook(**style, paintings=_names(self.painting), masks=_names(self.mask))

    @property
    def soundtrack(self) -> Music:
        """The music, as a storyboard has it: the file that was given, or the piece to compose."""
        return Music(str(self.music) if self.music else None, self.persona, self.seed, None, self.mood)

    @property
    def brought(self) -> Brought:
        """Names of the files that are given."""
        music = (str(self.music),) if self.music else ()
        return Brought(tuple(map(str, self.photos)), _names(self.painting), _names(self.mask), music)

    def check(self) -> None:
        """Raise BadRequest if there are no photos, or if something is given beside a storyboard that it says
        itself."""
        if self.storyboard is None:
            if not self.photos:
                raise BadRequest("film", "no photos were given", "name photos, a folder or a zip archive of them")
            return
        for parameter in fields(self):
            if parameter.name not in _WITH_STORYBOARD and getattr(self, parameter.name) not in (
                parameter.default,
                (),
            ):
                option = parameter.name.replace("_", "-")
                raise BadRequest(option, "the storyboard says that itself", "change it there, or leave one out")


def _names(files: Path | tuple[Path, ...] | None) -> tuple[str, ...]:
    return tuple(map(str, several(files)))
