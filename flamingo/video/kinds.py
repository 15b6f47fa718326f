"""Which files are clips, and what is known of one: plain data, which loads no codec."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import PIL.Image

from flamingo.errors import BadRequest, show
from flamingo.images import formats
from flamingo.images.formats import FILMS_READ

__all__ = ["ANIMATED", "FILMS", "FILM_SUFFIXES", "Clip", "Limits", "Look", "is_clip", "written"]

FILMS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""The suffixes of film files that are written, and the container of each."""

FILM_SUFFIXES = FILMS_READ
"""The suffixes of film files that are read: those that are written, and what phones and camcorders write besides."""

ANIMATED = {".gif": "gif", ".webp": "webp"}
"""The suffixes of pictures that may move."""


@dataclass(frozen=True)
class Limits:
    """What a clip may ask for: pixels of a frame, and frames."""

    pixels: int = 40_000_000
    frames: int = 2_000_000
    animated_frames: int = 3_000


@dataclass(frozen=True)
class Look:
    """How samples become colours: matrix, primaries and transfer as ITU-T H.273 numbers them, full: whether they
    use all of 0 to 255; aspect: of a pixel, across to down."""

    matrix: int = 1
    primaries: int = 1
    transfer: int = 1
    full: bool = False
    aspect: Fraction = Fraction(1)


@dataclass(frozen=True)
class Clip:
    """A clip as it is seen.

    width, height: upright. rate: frames a second, on average. time_base: seconds that a step of a frame's time is.
    frames: how many there are, counted or guessed (0: no idea). turn: degrees to the right that the stored frames are
    turned by, and mirrored: whether they are flipped from left to right after that. sounds: the codec of each sound
    track. loop: for animated pictures, how many times they are played, 0 for ever. notes: what the user must be told.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    frames: int
    seconds: float
    format: str
    turn: int = 0
    mirrored: bool = False
    look: Look = Look()
    sounds: tuple[str, ...] = ()
    loop: int = 0
    alpha: bool = False
    notes: tuple[str, ...] = ()

    @property
    def animated(self) -> bool:
        """Whether it is a picture that moves, and no film."""
        return self.format in ANIMATED.values()


def is_clip(path: Path) -> bool:
    """Whether a file is a clip: a film by its suffix, read or not, a GIF or WebP if it has more than one frame."""
    suffix = path.suffix.lower()
    if suffix in ANIMATED:
        try:
            with PIL.Image.open(path, formats=("GIF", "WEBP")) as image:
                return bool(getattr(image, "is_animated", False))
        except Exception:  # Pillow raises many kinds for files that anyone may have made
            return False
    return suffix in formats.FILM_SUFFIXES


def written(path: Path) -> str:
    """The container that a name asks for. Raises BadRequest for a suffix that no clip is written as."""
    suffix = path.suffix.lower()
    container = FILMS.get(suffix) or ANIMATED.get(suffix)
    if container is None:
        why = f"clips cannot be written as '{suffix}'" if suffix else "the name has no suffix that says the format"
        raise BadRequest(show(path), why, f"use {', '.join((*FILMS, *ANIMATED))}")
    return container
