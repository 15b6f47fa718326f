"""What comes back in a planned form and is not the same again: the melody with another accompaniment, or the
accompaniment under another melody (forms.py). A line that is alone has no accompaniment, and comes back as it was.

The bars come back whole while a piece is drawn, so that what follows them knows them; afterwards the hand that is to
be new is composed to the one that stays (filling.py).
"""

from __future__ import annotations

from typing import Any

from flamingo.composing.filling import fill
from flamingo.composing.generation import Drawn
from flamingo.composing.model import Composer
from flamingo.composing.options import SamplingOptions

__all__ = ["vary"]

_MELODY = (0,)


def vary(model: Composer, drawn: Drawn, seed: tuple[Any, ...], sampling: SamplingOptions) -> None:
    """Compose anew what the form of a piece does not keep; for a composer that cannot fill in, it stays as it is.

    Args:
        model: the composer.
        drawn: the piece, of which `rewritten` is set.
        seed: what numpy.random.default_rng takes.
        sampling: how daring it is.
    """
    if not (model.planned and model.parts):
        return
    plan = drawn.plan
    for number, section in enumerate(plan.form):
        if section.keeps == "everything" or not section.back:
            continue
        last = section.first + section.back
        accompaniment = tuple(range(1, len(plan.instrumentation.players)))
        if not accompaniment:
            continue
        drawn.rewritten = fill(
            model, drawn.piece(), section.first, last, redo=accompaniment if section.keeps == "melody" else _MELODY,
            personas=plan.personas, seed=(*seed, number), sampling=sampling,
            textures=plan.textures,
        )  # fmt: skip
