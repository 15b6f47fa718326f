"""The photos and paintings that a benchmark of the painter looks at, chosen the same way on every machine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
_T = TypeVar("_T")

# The colour photographs among the files inside scikit-image's wheel. Its other pictures are drawings,
# textures and microscopy, `motorcycle_right` is `motorcycle_left` seen from a hand's breadth away, and what
# is not in the wheel would have to be downloaded.
_BUNDLED = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "motorcycle_left.png",
    "rocket.jpg",
)
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Photo:
    """A photo by name, and how it is read at a given size."""

    name: str
    file: Path

    def read(self, longest: int) -> Pixels:
        """RGB (H, W, 3) in [0, 1] with the longest side `longest`, in steps of 1/255, so that every
        contender gets the same 8-bit picture."""
        with Image.open(self.file) as opened:
            photo = opened.convert("RGB")
        scale = longest / max(photo.size)
        return _resized(photo, max(32, round(photo.width * scale)), max(32, round(photo.height * scale)))


def _resized(photo: Image.Image, width: int, height: int) -> Pixels:
    return to_floats(np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS)))


def to_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """The 8-bit picture that would be saved."""
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)


def to_floats(picture: NDArray[np.uint8]) -> Pixels:
    """An 8-bit picture as pixels in [0, 1]."""
    return picture.astype(np.float32) / np.float32(255)


def bundled() -> list[Photo]:
    """The photographs of the installed scikit-image; none if it is not installed. Nothing is downloaded."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / "data"
    return [Photo(f"scikit-image/{name}", folder / name) for name in _BUNDLED if (folder / name).is_file()]


def held_out(folders: Iterable[Path], count: int, longest: int, *, squares: bool = False) -> list[Photo]:
    """Up to `count` photos of the folders that no training has seen, spread evenly over their names.

    Photos that would have to be enlarged much are taken only when the others do not suffice.
    """
    from flamingo.train.painting.holdout import for_testing

    files = {p.stem: p for d in folders for p in sorted(d.rglob("*")) if p.suffix.lower() in _SUFFIXES}
    testing = sorted(for_testing(files.values()), key=lambda file: file.name)
    large: list[Path] = []
    small: list[Path] = []
    for file in testing:
        try:
            with Image.open(file) as opened:
                # A square of a photo set was often squashed into that shape, which no real photo is.
                good = max(opened.size) >= 0.6 * longest and (squares or opened.width != opened.height)
        except (OSError, ValueError, SyntaxError):
            continue
        (large if good else small).append(file)
    chosen = spread(large, count)
    chosen += spread(small, count - len(chosen))
    return [Photo(file.name, file) for file in chosen]


def in_folder(folder: Path) -> list[Photo]:
    """The pictures of a folder, by name."""
    return [Photo(file.name, file) for file in sorted(folder.iterdir()) if file.suffix.lower() in _SUFFIXES]


def spread(things: Sequence[_T], count: int) -> list[_T]:
    """`count` of the things at even distances, the first and the last among them; all if there are fewer."""
    if count >= len(things):
        return list(things)
    if count <= 0:
        return []
    return [things[int(i)] for i in np.linspace(0, len(things) - 1, count).round()]


def sized(width: int, height: int) -> Pixels:
    """A picture of exactly this size, for measuring speed: a bundled photograph, or else waves."""
    photos = bundled()
    if photos:
        with Image.open(photos[0].file) as opened:
            return _resized(opened.convert("RGB"), width, height)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(width, height)
    waves = [0.5 + 0.4 * np.sin(x * (20 + 9 * c) + y * (31 - 7 * c)) for c in range(3)]
    return to_floats(to_bytes(np.stack(waves, axis=2).astype(np.float32)))


def save(pixels: Pixels, file: Path) -> Path:
    Image.fromarray(to_bytes(pixels)).save(file)
    return file


def cache_folder() -> Path:
    """Where Flamingo keeps what it can make again."""
    chosen = os.environ.get("FLAMINGO_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "flamingo"
