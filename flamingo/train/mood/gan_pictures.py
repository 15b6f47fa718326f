"""Photos in and invented pictures out: what surrounds the networks of the WGAN-GP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from flamingo import images
from flamingo.errors import BadInput, BadRequest
from flamingo.images.picture import resize
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.mood.data import Example
from flamingo.train.mood.gan_networks import Generator
from flamingo.train.mood.moods import CLASSES, clear_cases

Array = NDArray[Any]


def load_photos(examples: Sequence[Example], size: int) -> tuple[Tensor, list[Example]]:
    """(n, 3, size, size) uint8, and the n examples whose files could be read. Each photo is whole: its sides are made
    equal, so what is learned from them must be stretched to the shape of photos to be looked at.

    Raises BadRequest where not one can be read.
    """
    pictures, readable = [], []
    for example in examples:
        try:
            rgb = images.read(example.file).rgb
        except BadInput:
            continue
        pictures.append(np.rint(resize(rgb, size, size).transpose(2, 0, 1) * 255).astype(np.uint8))
        readable.append(example)
    if not pictures:
        raise BadRequest("--images", "not one of its photos can be read", "name a folder of photos with moods")
    return torch.from_numpy(np.stack(pictures)), readable


def by_mood(examples: Sequence[Example]) -> list[Example]:
    """The clear cases among the examples, ordered as CLASSES. Raises BadRequest where a mood has fewer than two."""
    moods = clear_cases(examples)
    counts = np.bincount(moods[moods >= 0], minlength=len(CLASSES))
    if counts.min() < 2:
        mood = CLASSES[int(counts.argmin())]
        raise BadRequest(
            "--gan", f"{counts.min()} of the photos are clearly {mood}", "it learns from two or more of each mood"
        )
    return [examples[i] for i in np.argsort(moods, kind="stable") if moods[i] >= 0]


@torch.no_grad()
def draw(generator: Generator, moods: Array, seed: int) -> Array:
    """(n, size, size, 3) float32 in [0, 1]: an invented picture for each place in CLASSES; a seed always gives the
    same, whatever was drawn before."""
    device = next(generator.parameters()).device
    # Drawn on the CPU, so that a seed means the same on every device.
    noise = torch.randn(len(moods), generator.noise, generator=torch.Generator().manual_seed(seed))
    labels = torch.from_numpy(np.asarray(moods, np.int64))
    batches = [
        (generator(a.to(device), b.to(device)) + 1) / 2
        for a, b in zip(torch.split(noise, 64), torch.split(labels, 64), strict=True)
    ]
    result: Array = torch.cat(batches).permute(0, 2, 3, 1).cpu().numpy()
    return result


def contact_sheet(pictures: Array, columns: int) -> Array:
    """Pictures (n, h, w, 3) in [0, 1] side by side in rows of `columns`: (n / columns * h, columns * w, 3) uint8."""
    n, h, w, _ = pictures.shape
    grid = pictures.reshape(n // columns, columns, h, w, 3).swapaxes(1, 2)
    sheet: Array = np.rint(np.clip(grid, 0, 1) * 255).astype(np.uint8)
    return sheet.reshape(n // columns * h, columns * w, 3)


def write_pictures(
    generator: Generator, clear: Sequence[Example], folder: Path, count: int, seed: int
) -> list[Example]:
    """Write `count` invented pictures of each mood into `folder`, in the usual shape of photos, and return them as
    examples, rated as the clear cases of the mood are on average. All of them are of one theme: they were drawn by
    one network."""
    folder.mkdir(parents=True, exist_ok=True)
    moods = clear_cases(clear)
    shape = _usual_shape(clear, generator.size)
    examples = []
    for mood, name in enumerate(CLASSES):
        ratings = np.array([(e.valence, e.arousal) for e, m in zip(clear, moods, strict=True) if m == mood])
        valence, arousal = ratings.mean(0).tolist()
        for i, picture in enumerate(draw(generator, np.full(count, mood), seed + mood)):
            file = folder / f"{name}-{i:04d}.png"
            pixels = np.rint(resize(picture, *shape) * 255).astype(np.uint8)
            Image.fromarray(pixels).save(file)
            examples.append(Example(file, valence, arousal, "invented"))
    return examples


def _usual_shape(examples: Sequence[Example], size: int) -> tuple[int, int]:
    """Height and width, the shorter `size`, of the middle one of the photos that can be read."""
    shapes = []
    for example in examples:
        try:
            picture = images.read(example.file)
        except BadInput:
            continue
        shapes.append(picture.width / picture.height)
    aspect = float(np.median(shapes))
    return round(size * max(1.0, 1 / aspect)), round(size * max(1.0, aspect))


def load_generator(file: Path) -> tuple[Generator, dict[str, Any]]:
    """The averaged generator of a checkpoint, frozen, on the CPU, and its facts. Raises a ModelError."""
    saved = Checkpoint.load(file)
    generator = Generator(**saved.facts["shape"])
    generator.load_state_dict(saved.part("ema"))
    generator.requires_grad_(False)
    return generator.eval(), saved.facts
