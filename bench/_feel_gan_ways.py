"""Ways to learn moods from few photos, on the same budget: from the photos, from augmented views of them, and from
either with half of the samples replaced by invented pictures. For bench/_feel_gan.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flamingo.nn.efficientnet import Backbone
from flamingo.train import session
from flamingo.train.mood.moods import CLASSES

WAYS = ("photos", "augmented", "photos and WGAN", "augmented and WGAN")
SIZE = 192  # pixels of a side at which the features are taken
VIEWS = 4  # augmented views of a photo
STEPS, BATCH, RATE = 250, 64, 1e-3  # of the linear layer
DECAYS = torch.tensor([1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0])
INNER = 3


# ---------------------------------------------------------------------- pictures and features
def augmented(photos: Tensor) -> Tensor:
    """(n, 3, h, w) in [0, 1], each at random: a part of .7 to 1 of each side, mirrored or not, colours changed."""
    found = []
    for photo in photos:
        h, w = (int(side * (0.7 + 0.3 * float(torch.rand(())))) for side in photo.shape[1:])
        top, left = (int(torch.randint(a - b + 1, ())) for a, b in zip(photo.shape[1:], (h, w), strict=True))
        part = photo[None, :, top : top + h, left : left + w]
        view = F.interpolate(part, photo.shape[1:], mode="bilinear", align_corners=False)[0]
        view = view.flip(2) if torch.rand(()) < 0.5 else view
        view = view ** (0.8 + 0.4 * torch.rand(3, 1, 1))  # each colour lighter or darker
        grey = view.mean(0, keepdim=True)
        found.append((grey + (view - grey) * (0.7 + 0.6 * torch.rand(()))).clamp(0, 1))
    return torch.stack(found)


@torch.no_grad()
def features(eye: Backbone, pictures: Tensor, detail: int = SIZE) -> Tensor:
    """(n, 1280) of pictures (n, 3, h, w) in [0, 1], reduced to `detail` pixels a side and enlarged again."""
    found = []
    for part in pictures.split(16):
        small = F.interpolate(part, (detail, detail), mode="area") if detail < part.shape[2] else part
        large = F.interpolate(small, (SIZE, SIZE), mode="bicubic", align_corners=False).clamp(0, 1)
        found.append(eye(large).mean((2, 3)))
    return torch.cat(found)


def real_features(eye: Backbone, photos: Tensor, details: Sequence[int]) -> list[Tensor]:
    """At each detail (n, 1 + VIEWS, 1280): each photo (uint8) as it is, then views of it, the same at all details."""
    found: list[list[Tensor]] = [[] for _ in details]
    torch.manual_seed(0)
    for photo in photos:
        whole = photo[None].float() / 255
        views = torch.cat((whole, augmented(whole.expand(VIEWS, -1, -1, -1))))
        for each, detail in zip(found, details, strict=True):
            each.append(features(eye, views, detail))
    return [torch.stack(each) for each in found]


# ---------------------------------------------------------------------- learning to tell moods
@dataclass(frozen=True)
class Samples:
    """What is learned from: features of photos and views (n, 1 + VIEWS, 1280), moods (n,), and features of invented
    pictures (moods, INVENTED, 1280)."""

    real: Tensor
    moods: Tensor
    invented: Tensor

    def of(self, rows: Tensor) -> Samples:
        return Samples(self.real[rows], self.moods[rows], self.invented)

    def batches(self, way: str, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The same photos in the same order for every way."""
        random = torch.Generator().manual_seed(seed)
        for _ in range(STEPS):
            rows = torch.randint(len(self.moods), (BATCH,), generator=random)
            views = torch.randint(self.real.shape[1], (BATCH,), generator=random)
            which = torch.randint(self.invented.shape[1], (BATCH,), generator=random)
            moods = self.moods[rows]
            x = self.real[rows, views if way.startswith("augmented") else torch.zeros_like(views)]
            if way.endswith("WGAN"):
                x = torch.cat((x[: BATCH // 2], self.invented[moods, which][BATCH // 2 :]))
            yield x, moods


def learned(samples: Samples, way: str, decays: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """A linear layer for each weight decay, trained side by side: (d, 1280, moods), (d, 1, moods)."""
    weight = torch.zeros(len(decays), samples.real.shape[2], len(CLASSES), requires_grad=True)
    # So few steps would not teach the bias how frequent the moods are, and most of the accuracy is in that.
    share = samples.moods.bincount(minlength=len(CLASSES)) / len(samples.moods)
    bias = share.log().repeat(len(decays), 1)[:, None].requires_grad_()
    optimiser = torch.optim.Adam([weight, bias], lr=RATE)
    for step, (x, moods) in enumerate(samples.batches(way, seed)):
        scores = (x @ weight + bias).flatten(0, 1)
        misses = F.cross_entropy(scores, moods.repeat(len(decays)), reduction="sum") / BATCH
        loss = misses + (decays[:, None, None] * weight.square()).sum() / 2
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        session.set_rate(optimiser, RATE, 1.0, step / STEPS, step)
        optimiser.step()
    return weight.detach(), bias.detach()


def best_decay(samples: Samples, way: str, folds: Tensor, seed: int) -> Tensor:
    """(1,): the weight decay under which photos of the inner folds are likeliest, learned from the other folds."""
    nats = torch.zeros(len(DECAYS))
    for fold in range(INNER):
        weight, bias = learned(samples.of(torch.where(folds != fold)[0]), way, DECAYS, seed)
        held = samples.of(torch.where(folds == fold)[0])
        for d, scores in enumerate(held.real[:, 0] @ weight + bias):
            nats[d] += F.cross_entropy(scores, held.moods, reduction="sum")
    return DECAYS[nats.argmin()][None]


def right(samples: Samples, held: Samples, inner: Tensor, seed: int) -> dict[str, list[bool]]:
    """Of each way, which of the held-out photos it tells right."""
    mean, spread = samples.real[:, 0].mean(0), samples.real[:, 0].std(0) + 1e-3
    samples, held = (
        Samples((s.real - mean) / spread, s.moods, (s.invented - mean) / spread) for s in (samples, held)
    )
    found = {}
    for way in WAYS:
        weight, bias = learned(samples, way, best_decay(samples, way, inner, seed), seed)
        found[way] = ((held.real[:, 0] @ weight[0] + bias[0]).argmax(1) == held.moods).tolist()
    return found
