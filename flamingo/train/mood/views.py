"""What the frozen part of the network makes of each photo, and of random crops of it, computed once.

The first blocks are not trained, so what they give for a photo never changes: with that kept, a round of training
costs a small part of a round over the photos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flamingo import images
from flamingo.errors import BadInput
from flamingo.images.picture import resize
from flamingo.mood.preprocess import seen
from flamingo.nn.efficientnet import Backbone
from flamingo.train.mood.data import Example

Array = NDArray[Any]

_LEAST_CROP = 0.7  # of each side: what a photo feels like is in the whole of it


@dataclass(frozen=True)
class Views:
    """whole: of each photo, what the frozen blocks give for it, (c, h, w) in 16 bits; crops: the same for its random
    crops, all of a photo in one (views, c, h, w); unreadable: how many photos could not be read and are left out."""

    examples: list[Example]
    whole: list[Tensor]
    crops: list[Tensor]
    unreadable: int


@torch.no_grad()
def look(
    backbone: Backbone,
    frozen: int,
    examples: Sequence[Example],
    *,
    size: int,
    views: int,
    seed: int,
    device: torch.device,
    on_progress: Callable[[int, int], None] | None = None,
) -> Views:
    """Show every photo to the frozen blocks, whole and in `views` random crops, flipped or not, a little lighter or
    darker."""
    early = backbone.blocks[:frozen]
    readable, whole, crops, unreadable = [], [], [], 0
    for i, example in enumerate(examples):
        if on_progress:
            on_progress(i, len(examples))
        try:
            picture = images.read(example.file)
        except BadInput:
            unreadable += 1
            continue
        photo = seen(picture, size)
        random = np.random.default_rng((seed, i))
        batch = np.concatenate([photo, *(_crop(photo, random) for _ in range(views))])
        x = torch.from_numpy(batch).to(device)
        features = early(torch.nn.functional.relu6(backbone.stem((x * 255 - 127) / 128))).half().cpu()
        readable.append(example)
        whole.append(features[0])
        crops.append(features[1:])
    return Views(readable, whole, crops, unreadable)


def _crop(photo: Array, random: np.random.Generator) -> Array:
    """(1, 3, h, w): a part of the photo at the size of the whole."""
    h, w = photo.shape[2:]
    a, b = (round(side * random.uniform(_LEAST_CROP, 1)) for side in (h, w))
    top, left = int(random.integers(0, h - a + 1)), int(random.integers(0, w - b + 1))
    part = photo[0, :, top : top + a, left : left + b].transpose(1, 2, 0)
    cropped = resize(np.ascontiguousarray(part), h, w).transpose(2, 0, 1)
    if random.random() < 0.5:
        cropped = cropped[:, :, ::-1]
    cropped = cropped ** random.uniform(0.9, 1.1)
    return np.ascontiguousarray(cropped[None], np.float32)
