"""What is to be composed, understood; and its mood, wherever that comes from: a word, a place on the plane, photos, a
sentence, or a path.

All moods end as places on the one plane of moods (flamingo/mood/valence_arousal.py). Several photos, or a path,
give a piece that goes from one to the next, a section each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flamingo import images
from flamingo.composing.chords import Progression
from flamingo.composing.options import ComposeOptions
from flamingo.composing.personas import Cast
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.sections import Point
from flamingo.errors import BadInput, BadRequest, show
from flamingo.files import sha256
from flamingo.mood.valence_arousal import place


@dataclass(frozen=True)
class Mood:
    """valence, arousal: of the whole piece, from -1 to 1, None where nothing was asked; path: in place of them, one
    point a section; source: what it was taken from, for the recipe; remarks: what must be told about it."""

    valence: float | None = None
    arousal: float | None = None
    path: tuple[Point, ...] = ()
    source: dict[str, Any] | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class MoodRequest:
    """The options of `compose` that say a mood; a folder stands for the photos in it. Raises BadRequest if more than
    one of them does, for a word that is not known and for a folder without photos."""

    mood: str | None = None
    valence: float | None = None
    arousal: float | None = None
    photo: Sequence[Path] | None = None
    words: str | None = None
    path: Sequence[Point] | None = None
    unread: tuple[str, ...] = field(default=(), init=False)
    """What lies in the folders and is not looked at, in sentences."""

    def __post_init__(self) -> None:
        sources = {
            "a word (mood)": self.mood is not None,
            "a place (valence, arousal)": self.valence is not None or self.arousal is not None,
            "photos": self.photo is not None,
            "a sentence (words)": self.words is not None,
            "a path": self.path is not None,
        }
        named = [name for name, there in sources.items() if there]
        if len(named) > 1:
            many = "both" if len(named) == 2 else "all"
            raise BadRequest("the mood", f"{' and '.join(named)} were {many} given", "give one of them")
        if self.mood is not None:
            place(self.mood)
        if self.photo is not None:
            object.__setattr__(self, "unread", tuple(images.left_out(self.photo)))
            object.__setattr__(self, "photo", images.pictures_in(self.photo))

    @property
    def files(self) -> Sequence[Path]:
        """The photos, which nothing may be written over."""
        return self.photo or ()

    def understood(self, look: Callable[[Path], None] = lambda photo: None) -> Mood:
        """The mood. look: called with each photo before it is looked at. Raises what reading photos and sentences
        raises; of several photos, those that cannot be read are left out with a remark."""
        if self.mood is not None:
            return Mood(*place(self.mood), source={"mood": self.mood})
        if self.photo is not None:
            mood = _of_photos(self.photo, look)
            return replace(mood, remarks=(*mood.remarks, *self.unread))
        if self.words is not None:
            return _of_words(self.words)
        if self.path is not None:
            return _along(self.path, None, ())
        return Mood(self.valence, self.arousal)


def _of_photos(photos: Sequence[Path], look: Callable[[Path], None]) -> Mood:
    from flamingo.mood.model import MoodModel

    images.warm_up()  # the process that decodes photos starts while the feeler loads
    feeler = MoodModel()
    path, prints, remarks, failed = [], [], [], []
    for photo in photos:
        look(photo)
        try:
            felt = feeler.feel(images.read(photo))
        except BadInput as error:
            failed.append(error)
            remarks.append(f"left out: {error}")
            continue
        path.append(Point(*felt.mood))
        prints.append(sha256(photo))
        remarks.append(f"{show(photo.name)} feels {_in_words(felt.word, path[-1])}")
    if not path:
        raise _none_readable(failed)
    return _along(path, {"photo_sha256": prints}, tuple(remarks))


def _none_readable(failed: Sequence[BadInput]) -> BadInput:
    if len(failed) == 1:
        return failed[0]
    why = "; ".join(f"{error.what}: {error.why}" for error in failed)
    return BadInput("the photos", f"none of the {len(failed)} can be read ({why})", "name others")


def _of_words(words: str) -> Mood:
    from flamingo.mood.words import read

    estimate = read(words)
    point = Point(estimate.valence, estimate.arousal)
    return _along([point], {"words": words}, (f"the words feel {_in_words(estimate.word, point)}",))


def _along(path: Sequence[Point], source: dict[str, Any] | None, remarks: tuple[str, ...]) -> Mood:
    """A path of one point is a mood like any other."""
    if len(path) == 1:
        return Mood(path[0].valence, path[0].arousal, (), source, remarks)
    return Mood(None, None, tuple(path), source, remarks)


def _in_words(word: str, point: Point) -> str:
    return f"{word} (valence {point.valence:+.2f}, arousal {point.arousal:+.2f})"


@dataclass(frozen=True)
class ComposeRequest:
    """A request to compose.

    Attributes:
        options: all of them, as they were given.
        cast: the model that writes, and the weights of the personas.
        mood: what the options say of it.
        begun_with: the user's music that the piece goes on from, on even bars; or None.
        key, metre, tempo: those that were asked for, or that the user's music has; None where the persona chooses.
        chords: those that it is composed over; empty where none were given.
    """

    options: ComposeOptions
    cast: Cast
    mood: Mood
    begun_with: Piece | None = None
    key: Key | None = None
    metre: Metre | None = None
    tempo: float | None = None
    chords: Progression = ()
