"""One fit of the mood model to one set of photos: the last layer in closed form first, then the last blocks with it.

Beginning from a solved last layer keeps fine-tuning from spoiling what the blocks know (Kumar et al. 2022).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flamingo.train import session
from flamingo.train.mood.networks import Late
from flamingo.train.mood.recipe import FeelRecipe
from flamingo.train.mood.views import Views

Array = NDArray[Any]


def fit(
    late: Late,
    views: Views,
    rows: Sequence[int],
    start: Tensor,
    recipe: FeelRecipe,
    device: torch.device,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Late:
    """A copy of `late` that has learned the photos `rows`. start: what `pooled` gives for `late`, which all fits
    begin from. on_epoch: called as (epoch, mean squared error over the spread of the ratings)."""
    model = copy.deepcopy(late).to(device).eval()  # batch normalisations keep the statistics of a million photos
    targets = torch.tensor([(e.valence, e.arousal) for e in views.examples])
    spread = targets[list(rows)].std(0)
    _solve_last(model, start[list(rows)], targets[list(rows)])
    if not recipe.epochs:
        return model
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
    random = np.random.default_rng((recipe.seed, len(rows)))
    torch.manual_seed(recipe.seed)
    steps = recipe.epochs * (len(rows) // recipe.batch)
    step = 0
    for epoch in range(recipe.epochs):
        errors = []
        for batch in batches(views, rows, recipe.batch, random):
            x = torch.stack([views.crops[i][int(random.integers(len(views.crops[i])))] for i in batch]).float()
            y = (targets[batch] / spread).to(device)
            x = x.to(device)
            if recipe.mixup:
                part = float(random.beta(recipe.mixup, recipe.mixup))
                x, y = part * x + (1 - part) * x.flip(0), part * y + (1 - part) * y.flip(0)
            model.dropout.train()
            loss = ((model(x) / spread.to(device) - y) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            session.set_rate(optimiser, recipe.lr, 0.6, step / max(1, steps), step)
            optimiser.step()
            session.average(ema, model, recipe.ema, step)
            errors.append(float(loss.detach()))
            step += 1
        if on_epoch:
            on_epoch(epoch + 1, float(np.mean(errors)))
    model.load_state_dict(ema)
    return model.eval()


def batches(views: Views, rows: Sequence[int], size: int, random: np.random.Generator) -> list[list[int]]:
    """The rows in random order, in batches of photos of one shape (few collections have many)."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for i in random.permutation(np.asarray(rows)).tolist():
        shapes.setdefault(tuple(views.crops[i].shape[1:]), []).append(i)
    batched = [same[a : a + size] for same in shapes.values() for a in range(0, len(same), size)]
    return [batched[i] for i in random.permutation(len(batched))]


@torch.no_grad()
def pooled(late: Late, views: Views, device: torch.device) -> Tensor:
    """(n, 1280): of each photo the mean over all places of the whole and of its crops."""
    late = late.to(device).eval()
    return torch.stack(
        [
            late.places(torch.cat((whole[None], crops)).float().to(device)).mean((0, 2, 3)).cpu()
            for whole, crops in zip(views.whole, views.crops, strict=True)
        ]
    )


def _solve_last(model: Late, x: Tensor, y: Tensor) -> None:
    """Ridge regression for the last layer, its penalty chosen by leaving one out (in closed form)."""
    x, y = x.double(), y.double()
    mean, scale = x.mean(0), x.std(0) + 1e-3
    z = (x - mean) / scale
    u, s, vh = torch.linalg.svd(z, full_matrices=False)
    centred = y - y.mean(0)
    best = (float("inf"), torch.zeros(z.shape[1], 2, dtype=torch.float64))
    for penalty in np.logspace(2, 5, 13):
        shrink = s**2 / (s**2 + penalty)
        hat = ((u**2) * shrink).sum(1, keepdim=True) + 1 / len(y)
        error = float((((centred - u @ (shrink[:, None] * (u.T @ centred))) / (1 - hat)) ** 2).mean())
        if error < best[0]:
            best = error, vh.T @ ((s / (s**2 + penalty))[:, None] * (u.T @ centred))
    weight = best[1] / scale[:, None]
    with torch.no_grad():
        model.last.weight.copy_(weight.T)
        model.last.bias.copy_(y.mean(0) - mean @ weight)


@torch.no_grad()
def predict(model: Late, views: Views, rows: Sequence[int], device: torch.device) -> Array:
    """(n, 2) valence and arousal of whole photos."""
    return np.concatenate([model(views.whole[i][None].float().to(device)).cpu().numpy() for i in rows])
