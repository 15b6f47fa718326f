"""The verb `film`, defined once: its arguments, their meaning and limits, and what comes back.

As for `paint`, the signature of `film` is the definition: the command line, the HTTP API and the page are made from
it.
"""

from __future__ import annotations

import inspect
import time
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flamingo.errors import BadRequest, FlamingoError
from flamingo.filming.options import KINDS, Captions, Ideas, Order, Vary, Where
from flamingo.filming.progress import Progress
from flamingo.filming.storyboard import LONGEST, Aspect, Brought, FilmLook, Music, Storyboard
from flamingo.options import ONE_OR_MANY, checked
from flamingo.painting.arguments import Colour, Painting, Strength
from flamingo.painting.pyramid import LARGEST, SMALLEST

__all__ = ["KINDS", "FilmResult", "film"]

_FILES = ("photos", "painting", "mask", "music")
_WITH_STORYBOARD = frozenset({"storyboard", "quality", "output", "overwrite", "on", "on_progress", *_FILES})


@dataclass(frozen=True)
class FilmResult:
    """One film: the files that it was written to, its storyboard and the pictures that go with it, what must be told
    about it, and everything that made it. error: why it was not written to all of its files, or None. stages: the
    seconds that each stage took. beats, bars: when those of its music begin, in seconds."""

    storyboard: Storyboard
    files: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    beats: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()

    @property
    def file(self) -> Path | None:
        """The first of its files, or None if there is none."""
        return self.files[0] if self.files else None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        board = self.storyboard
        return {
            "file": str(self.file) if self.file else None,
            "files": [str(file) for file in self.files],
            "beside": [str(file) for file in self.beside],
            "error": str(self.error) if self.error else None,
            "title": board.title,
            "lasts": round(board.seconds, 3),
            "width": board.size[1],
            "height": board.size[0],
            "fps": board.fps,
            "shots": [
                {"start": round(s.start, 3), "end": round(s.end, 3), "style": list(s.style), "caption": s.caption}
                for s in board.shots
            ],
            "beats": list(self.beats),
            "bars": list(self.bars),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "stages": self.stages,
            "recipe": self.recipe,
        }


@checked
def film(
    photos: Annotated[Sequence[Path], Field(description="Photos, folders or zip archives of them: 2 to 500.")] = (),
    *,
    style: Annotated[
        str | tuple[str, ...] | None,
        ONE_OR_MANY,
        Field(description="Named style or painting's file, NAME[=WEIGHT][@MASK]; several are mixed, unless --vary."),
    ] = None,
    vary: Annotated[
        Vary,
        Field(description="no: one manner for all; photo: styles take turns; mood: each photo's mood chooses one."),
    ] = "no",
    painting: Annotated[
        Path | tuple[Path, ...] | None, ONE_OR_MANY, Field(description="Any painting to paint like.")
    ] = None,
    mask: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(description="Where to paint: white paints, black leaves the photo; stretched over every photo."),
    ] = None,
    strength: Strength = 1.0,
    grow: Annotated[bool, Field(description="Begin each shot with the photo, which becomes the painting.")] = False,
    wipe: Annotated[bool, Field(description="Draw the painting over the photo with a line, in each shot.")] = False,
    colour: Colour = 1.0,
    stroke: Annotated[
        float,
        Field(ge=SMALLEST, le=LARGEST, allow_inf_nan=False, description="Size of the strokes, 1 is the usual."),
    ] = 1.0,
    model: Painting = "fine",
    order: Annotated[
        Order, Field(description="Order of the photos: when they were taken, name, from mood to mood, or as given.")
    ] = "time",
    keep_all: Annotated[bool, Field(description="Keep photos that are blurred or shown already.")] = False,
    persona: Annotated[
        str,
        Field(description="Whose manner the music is in: one of `flamingo personas`, or a mix of several."),
    ] = "beethoven",
    mood: Annotated[
        str | None, Field(description="A word for the mood of the music; without it, the moods of the photos.")
    ] = None,
    music: Annotated[Path | None, Field(description="Your own music, in place of a piece composed for it.")] = None,
    seconds: Annotated[
        float | None,
        Field(ge=4, le=LONGEST, allow_inf_nan=False, description="How long it lasts; without it, 4 s a photo."),
    ] = None,
    pace: Annotated[
        float | None,
        Field(ge=0.2, le=60, allow_inf_nan=False, description="Seconds a photo; without it, as the music wants."),
    ] = None,
    motion: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="How much the camera moves, from 0, still, to 1.")
    ] = 0.6,
    aspect: Annotated[Aspect, Field(description="Proportions of the picture, across to down.")] = "16:9",
    resolution: Annotated[
        int,
        Field(ge=32, le=2160, description="Shorter side in pixels: 1080 is 1920 x 1080, or 1080 x 1920 upright."),
    ] = 1080,
    fps: Annotated[int, Field(ge=8, le=60, description="Frames a second.")] = 24,
    title: Annotated[str, Field(max_length=200, description="Title, shown at the beginning.")] = "",
    captions: Annotated[
        Captions,
        Field(description="Under each photo: its name, its date, or the description in its EXIF data."),
    ] = "none",
    storyboard: Annotated[
        Path | None,
        Field(
            description="Storyboard (.storyboard.json) that says all of this, such as one you edited: render it. "
            "Files given with it, such as photos, are those that it names."
        ),
    ] = None,
    seed: Annotated[int, Field(ge=0, lt=2**32, description="The same seed gives the same film.")] = 0,
    quality: Annotated[int, Field(ge=1, le=100, description="Quality of the picture.")] = 86,
    output: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="File to write: .mp4, .mov, .mkv, .webm; .json for a storyboard alone; without it film.mp4.",
        ),
    ] = None,
    overwrite: Annotated[bool, Field(description="Replace results that are already there (never a photo).")] = False,
    on: Annotated[
        Where,
        Field(description="Where to paint and render: this computer, or the Ray cluster that RAY_ADDRESS names."),
    ] = "local",
    on_progress: Progress | None = None,
) -> list[FilmResult]:
    """Make a film of an album: its photos painted, on the beats of music that is composed for it.

    Returns one `FilmResult`. Beside the film NAME.mp4 are written its storyboard (NAME.storyboard.json), which can be
    edited and rendered again, a poster (NAME.poster.jpg) and a contact sheet (NAME.sheet.jpg). The film carries
    credentials that say what made it (see flamingo.provenance). Where output names JSON files alone, the film is only
    planned: the storyboard is written, and nothing is painted.

    Photos that cannot be read, are blurred or shown already are left out, with a note. Raises BadRequest, a BadInput
    or an OutputError if the film as a whole cannot be made, and a ModelError if a model cannot be used. A run that
    was stopped goes on where it was when the same is asked again.

    on_progress is called as (done, all, what is being done) over all stages; an exception that it raises, such as
    KeyboardInterrupt, stops the work and loses nothing of what is done.
    """
    begun = time.perf_counter()
    asked = dict(locals())
    targets = tuple(typing.cast("tuple[Path, ...] | None", output) or (Path("film.mp4"),))
    if storyboard is not None:
        _only(asked)
    elif not photos:
        raise BadRequest("film", "no photos were given", "name photos, a folder or a zip archive of them")
    from flamingo.filming.pipeline import Making  # it needs FFmpeg's libraries and OpenCV, which take a while to load

    making = Making(targets, quality, overwrite, on_progress, on)
    given = (typing.cast("tuple[Path, ...] | None", each) or () for each in (painting, mask))  # see ONE_OR_MANY
    paintings, masks = (tuple(map(str, each)) for each in given)
    if storyboard is not None:
        brought = Brought(tuple(map(str, photos)), paintings, masks, (str(music),) if music else ())
        made = making.from_storyboard(storyboard, brought if brought.names else None)
    else:
        share = {"style": 1.0, "photo": 0.0}[colour] if isinstance(colour, str) else float(colour)
        manner = FilmLook(share, stroke, model, paintings, masks)
        ideas = Ideas(
            tuple(style or ()), vary, manner, strength, grow, wipe, order, keep_all,
            Music(str(music) if music else None, persona, seed, None, mood), seconds, pace, motion, aspect,
            resolution, fps, title, captions,
        )  # fmt: skip
        made = making.from_photos(list(photos), ideas)
    return [
        FilmResult(
            made.board, made.files, made.beside, made.error, tuple(dict.fromkeys(made.notes)),
            time.perf_counter() - begun, made.stages, made.recipe, made.beats, made.bars,
        )
    ]  # fmt: skip


def _only(asked: dict[str, Any]) -> None:
    """Raise BadRequest for anything beside the storyboard that it says itself."""
    usual = inspect.signature(film).parameters
    for name, value in asked.items():
        if name in usual and name not in _WITH_STORYBOARD and value not in (usual[name].default, ()):
            option = name.replace("_", "-")
            raise BadRequest(option, "the storyboard says that itself", "change it there, or leave one out")
