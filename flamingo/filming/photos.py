"""One photo of the album: looked at once, at the size that the film needs, and what is known of it from then on.

A photo of any size is brought to the size of the frame and kept as a JPEG file of quality 97 among the half-done
work, so that memory holds one photo at a time and no photo is decoded twice.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo import files, images
from flamingo.errors import UnreadableImage, show
from flamingo.filming import captions, moments
from flamingo.filming.cache import Work
from flamingo.filming.salience import SIDE, salience
from flamingo.images import exif, streaming
from flamingo.mood.model import MoodModel

__all__ = [
    "CROPPED",
    "FILLS",
    "MARGIN",
    "Opened",
    "Photo",
    "kept_share",
    "look",
    "opened",
    "pixels",
    "save",
    "sharpness",
]

Bytes = NDArray[np.uint8]

MARGIN = 1.12
"""A photo of which the frame crops nothing is kept so many times as large as the frame asks for, so that the camera
can go nearer; along others it only travels."""

FILLS = 0.97
"""The share of a photo from which on it counts as being of the frame's shape."""

CROPPED = 0.5
"""The least share of a photo that may be seen at once where it fills the frame; below it, it is shown whole."""

_LOOK = 512  # longer side at which sharpness is measured
_SMALL = 8  # side of thumbnails
_SEEN = 3  # counted up when other things are seen in a photo, or others are kept of it
_MAKE, _MODEL = 0x010F, 0x0110
# ImageDescription, UserComment, and what Windows writes as title and comment.
_DESCRIPTIONS = ((exif.MAIN, 0x010E), (exif.EXIF, 0x9286), (exif.MAIN, 0x9C9B), (exif.MAIN, 0x9C9C))


@dataclass(frozen=True)
class Photo:
    """name: as in the storyboard; file: where it can be read; kept: the same at the size of the film; taken: when
    (see `moments.taken`), "" if it does not say so; says: its description in EXIF, if a person wrote it; mood:
    (valence, arousal), and word: the nearest word; width, height: of what is kept; print: 64 bits that say where it
    gets lighter from left to right (dHash); thumbnail: 8 x 8 colours, as text; eye: what catches it (see `catches`),
    as text."""

    name: str
    file: str
    kept: str
    sha256: str
    width: int
    height: int
    taken: str
    says: str
    mood: tuple[float, float]
    word: str
    sharpness: float
    print: int
    thumbnail: str
    eye: str

    @property
    def catches(self) -> NDArray[np.float32]:
        """How much each place of it catches the eye, (h, w) adding to 1 (see flamingo.filming.salience)."""
        levels = np.frombuffer(bytes.fromhex(self.eye), np.uint8).reshape(SIDE, SIDE).astype(np.float32)
        return np.asarray(levels / levels.sum(), np.float32)

    @property
    def called(self) -> str:
        """Its name, for sentences."""
        return show(Path(self.name).name)


@dataclass(frozen=True)
class Opened:
    """A photo at the size that the film needs, at which nobody has looked yet. facts_path, picture_path: where what
    is known of it and the photo itself are kept."""

    picture: images.Picture
    name: str
    file: Path
    sha256: str
    facts_path: Path
    picture_path: Path


def opened(file: Path, name: str, frame: tuple[int, int], work: Work, version: str) -> Photo | Opened:
    """Read a photo, or remember what was seen in it.

    Args:
        file: where it lies.
        name: what it is called in messages.
        frame: (height, width) of the film.
        work: where what is known of photos is kept.
        version: of the model that feels.

    Raises:
        BadInput: if it cannot be read.
    """
    try:
        digest = files.sha256(file)
    except (OSError, ValueError):
        images.read(file)  # says in its own words what is wrong
        raise UnreadableImage(show(file), "it cannot be read", "check its permissions") from None
    facts = [digest, frame, version, _SEEN]
    facts_path, picture_path = work.place("photo", facts, ".json"), work.place("photo", facts, ".jpg")
    try:
        facts_read = json.loads(facts_path.read_text(encoding="utf-8"))
        if picture_path.is_file():
            mood = tuple(facts_read["mood"])
            return Photo(**{**facts_read, "name": name, "file": str(file), "kept": str(picture_path), "mood": mood})
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return Opened(_read(file, frame), name, file, digest, facts_path, picture_path)


def look(photo: Photo | Opened, feeler: MoodModel, work: Work) -> Photo:
    """What is to be known of a photo, and kept of it."""
    if isinstance(photo, Photo):
        return photo
    picture = photo.picture
    felt = feeler.feel(picture)
    rgb = _bytes(picture)
    taken_at, says = _dated(picture.exif)
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    known_photo = Photo(
        photo.name, str(photo.file), str(photo.picture_path), photo.sha256, picture.width, picture.height, taken_at,
        says, (round(felt.mood[0], 4), round(felt.mood[1], 4)), felt.word, sharpness(grey), _print(grey),
        _thumbnail(rgb), _eye(rgb),
    )  # fmt: skip
    save(rgb, photo.picture_path, work)
    work.put(json.dumps(asdict(known_photo)).encode(), photo.facts_path)
    return known_photo


def _read(file: Path, frame: tuple[int, int]) -> images.Picture:
    """On white, at the size that the film needs, never larger than it is."""
    work = images.open(file)
    if isinstance(work, streaming.Canvas):
        longest = _longest(work.height, work.width, frame)
        return _on_white(work.shrunk(min(longest, max(work.height, work.width))))
    picture = _on_white(work)
    scale = _longest(picture.height, picture.width, frame) / max(picture.height, picture.width)
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    # An area average alone, which takes a tenth of the time of `picture.resized`; the film makes it smaller again.
    return replace(picture, rgb=np.asarray(cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA), np.float32))


def _longest(height: int, width: int, frame: tuple[int, int]) -> int:
    """The longer side at which a photo fills the frame, or fits into it where too little of it would be seen."""
    scales, share = (frame[0] / height, frame[1] / width), kept_share(height, width, frame)
    scale = max(scales) if share >= CROPPED else min(scales)
    return max(16, math.ceil(max(height, width) * scale * (1.0 if CROPPED <= share < FILLS else MARGIN)))


def kept_share(height: int, width: int, frame: tuple[int, int]) -> float:
    """How much of a photo is seen at once where it fills a frame of (height, width)."""
    ratio = (width / height) / (frame[1] / frame[0])
    return min(ratio, 1 / ratio)


def _on_white(picture: images.Picture) -> images.Picture:
    if picture.alpha is None:
        return picture
    return replace(picture, rgb=picture.rgb * picture.alpha[..., None] + (1 - picture.alpha[..., None]), alpha=None)


def _bytes(picture: images.Picture) -> Bytes:
    return np.asarray(np.rint(np.clip(picture.rgb, 0, 1) * np.float32(255)), np.uint8)


def save(rgb: Bytes, path: Path, work: Work) -> None:
    """Keep a picture, (H, W, 3), as JPEG with all of its colour samples. Raises an OutputError."""
    how = [
        cv2.IMWRITE_JPEG_QUALITY, 97,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), how)
    work.put(data.tobytes(), path)


def pixels(path: Path) -> Bytes:
    """What `save` has kept: (H, W, 3) uint8."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    bgr: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _dated(block: bytes | None) -> tuple[str, str]:
    """When a photo was taken (see `moments.taken`), and its description, if a person wrote it; "" for what it
    lacks."""
    tags = exif.parsed(block)
    if tags is None:
        return "", ""
    camera = tags.text(exif.MAIN, _MAKE), tags.text(exif.MAIN, _MODEL)
    for folder, tag in _DESCRIPTIONS:
        if says := captions.written_by_a_person(tags.text(folder, tag), camera):
            return moments.taken(tags), says[:200]
    return moments.taken(tags), ""


def sharpness(grey: Bytes) -> float:
    """The variance of the Laplacian in relation to that of the picture itself, at 512 pixels: of the sharpest of its
    3 x 3 fields, since a portrait before a blurred garden is no blurred photo. About 0.02 to 1 for sharp photos.

    The variance of the Laplacian is the measure of Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield
    microscopy".
    """
    scale = _LOOK / max(grey.shape)
    if scale < 1:
        size = max(3, round(grey.shape[1] * scale)), max(3, round(grey.shape[0] * scale))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    spread = float(grey.astype(np.float32).var())
    fields = [part for row in np.array_split(edges, 3, axis=0) for part in np.array_split(row, 3, axis=1)]
    return max(float(field.var()) for field in fields if field.size) / (spread + 25.0)


def _print(grey: Bytes) -> int:
    """Krawetz' difference hash: 8 rows of 9 means; a bit is set where the next one is lighter."""
    small = cv2.resize(grey, (_SMALL + 1, _SMALL), interpolation=cv2.INTER_AREA).astype(int)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int("".join("01"[int(bit)] for bit in bits), 2)


def _eye(rgb: Bytes) -> str:
    saliency = salience(rgb)
    return np.asarray(np.rint(saliency * (255 / saliency.max())), np.uint8).tobytes().hex()


def _thumbnail(rgb: Bytes) -> str:
    small: Any = cv2.resize(rgb, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    return bytes(small.astype(np.uint8)).hex()
