"""Photos and paintings as training data: any folder of pictures, decoded in worker processes.

Item i of the photo stream depends on the seed and on i alone, so a resumed training sees exactly the pictures
that an uninterrupted one would have seen, whatever the number of workers.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from flamingo.errors import BadRequest

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def find_pictures(folders: Sequence[Path]) -> list[Path]:
    """Every picture file below the folders, sorted, so that the order is the same on every machine.

    Raises BadRequest if a folder does not exist or none holds a picture.
    """
    files: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise BadRequest(str(folder), "there is no such folder", "name a folder of photos")
        files += sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise BadRequest(
            ", ".join(map(str, folders)),
            "holds no pictures",
            f"name a folder of {', '.join(sorted(SUFFIXES))} files",
        )
    return files


class PhotoCrops(Dataset[tuple[Tensor, int]]):
    """An endless stream of random square crops.

    Item i is (crop, skipped): crop a (3, size, size) uint8 RGB tensor; skipped, how many unreadable files were
    passed over on the way to it. Photos are scaled by a random factor of `zoom` (never below the crop size)
    and mirrored half the time, for a small data set goes further when objects come in several sizes.
    """

    def __init__(self, files: Sequence[Path], size: int, seed: int, zoom: tuple[float, float] = (0.75, 1.5)) -> None:
        self.files = list(files)
        self.size = size
        self.seed = seed
        self.zoom = zoom

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        random = np.random.default_rng((self.seed, index))
        for skipped in range(100):
            file = self.files[int(random.integers(len(self.files)))]
            try:
                with Image.open(file) as opened:
                    photo = opened.convert("RGB")
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue
            return self._crop(photo, random), skipped
        raise RuntimeError(f"100 photos in a row could not be read; is {self.files[0].parent} a folder of photos?")

    def _crop(self, photo: Image.Image, random: np.random.Generator) -> Tensor:
        size = self.size
        least, most = self.zoom
        scale = math.exp(random.uniform(math.log(least), math.log(most)))
        scale = max(scale, size / min(photo.size))
        width, height = (max(size, round(side * scale)) for side in photo.size)
        left, top = int(random.integers(width - size + 1)), int(random.integers(height - size + 1))
        # Resampling only the part that is kept costs a fraction of resizing the whole photo.
        box = tuple(v / scale for v in (left, top, left + size, top + size))
        box = (box[0], box[1], min(box[2], photo.width), min(box[3], photo.height))
        pixels = np.array(photo.resize((size, size), Image.Resampling.LANCZOS, box=box))
        if random.random() < 0.5:
            pixels = pixels[:, ::-1]
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


class PhotosAndPaintings(Dataset[tuple[Tensor, int, Tensor]]):
    """An endless stream of a photo's crop with windows of some paintings, to be painted in their manner.

    Item i is (crop, skipped, windows): windows a (count, 3, side, side) uint8 tensor, empty if count is 0.
    """

    def __init__(self, photos: PhotoCrops, paintings: PhotoCrops | None, count: int) -> None:
        self.photos, self.paintings, self.count = photos, paintings, count if paintings else 0

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> tuple[Tensor, int, Tensor]:
        crop, skipped = self.photos[index]
        if self.paintings is None or not self.count:
            return crop, skipped, torch.empty((0, 3, 1, 1), dtype=torch.uint8)
        samples = [self.paintings[index * self.count + i] for i in range(self.count)]
        return crop, skipped + sum(more for _, more in samples), torch.stack([window for window, _ in samples])


class Consecutive(Sampler[int]):
    """start, start + stride, ... without end: how a resumed run, or one of several ranks, finds its place."""

    def __init__(self, start: int, stride: int = 1) -> None:
        self.start, self.stride = start, stride

    def __iter__(self) -> Iterator[int]:
        index = self.start
        while True:
            yield index
            index += self.stride


@dataclass(frozen=True)
class StylePicture:
    """A painting to learn: its file, the name that users type, and what is to be said of it."""

    name: str
    file: Path
    about: dict[str, str]


def find_styles(folder: Path) -> list[StylePicture]:
    """One painting, if a file is named, or those of a folder, in the order of its `styles.csv` (columns name,
    title, artist, painted, copyright_expired) or else by file name. Raises BadRequest if there are none."""
    if folder.is_file():
        return [StylePicture(folder.stem, folder, {"title": folder.stem})]
    table = folder / "styles.csv"
    files = {p.stem: p for p in find_pictures([folder])}
    if not table.exists():
        return [StylePicture(name, file, {"title": name}) for name, file in files.items()]
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    missing = [row["name"] for row in rows if row["name"] not in files]
    if missing:
        raise BadRequest(
            str(table), f"it names {missing[0]}, which has no picture", "add the picture or drop the row"
        )
    return [StylePicture(row["name"], files[row["name"]], row) for row in rows]


def load_painting(file: Path, longest: int) -> Tensor:
    """A painting as (1, 3, H, W) float RGB in [0, 1], its longest side `longest` pixels."""
    with Image.open(file) as opened:
        painting = opened.convert("RGB")
    scale = longest / max(painting.size)
    size = tuple(max(16, round(side * scale)) for side in painting.size)
    pixels = np.asarray(painting.resize((size[0], size[1]), Image.Resampling.LANCZOS), dtype=np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]
