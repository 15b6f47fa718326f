"""The best of several: a photo painted in variants, of which the critic keeps one and says why.

Variants differ in what a user would try next: the strength, the size of the strokes, and with the slow methods the
picture that they begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flamingo.errors import BadRequest
from flamingo.options import shared
from flamingo.painting.brush import Brush
from flamingo.painting.methods.settings import Pixels
from flamingo.painting.options import Init, PatchOptions
from flamingo.painting.pyramid import LARGEST, SMALLEST
from flamingo.painting.style_spec import StyleTerm, painting_of
from flamingo.painting.task import Done, PhotoIO, Tell
from flamingo.quality.critic import Critic, Critique, best_of

if TYPE_CHECKING:
    from flamingo.painting.methods.task import Optimising
    from flamingo.painting.patches.brush import PatchBrush

_STRENGTHS = (1.0, 0.85, 0.7)
_STROKES = (1.0, 0.7, 1.4, 0.5)
_FIDELITIES = (0.25, 0.75)
_HONEST = "the critic measures; it cannot tell whether a face is still a face, or what is beautiful: look"


@dataclass(frozen=True)
class Variant:
    """difference: from the others, in words; paint: gives the painted picture of a photo (H, W, 3); recipe: what made
    it."""

    difference: str
    paint: Callable[[Pixels, Tell], Pixels]
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Choosing:
    """Painting a photo in several variants and keeping one. painting: (H, W, 3), that of the style."""

    io: PhotoIO
    variants: tuple[Variant, ...]
    painting: Pixels

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Paint one photo. tell: is told hundredths of a variant. Raises FlamingoError."""
        work = self.io.picture(
            photo,
            film=("of films there are no variants to choose from", "leave --best out"),
            large=("so large a photo is painted once", "add --size 2048, or leave --best out"),
        )
        critic = Critic(work.rgb, self.painting)
        judged: list[Critique] = []
        best = work.rgb
        for i, variant in enumerate(self.variants):
            painted = variant.paint(work.rgb, _part(tell, i, len(self.variants)))
            judged.append(critic.judge(painted))
            if best_of(judged)[0] == i:
                best = painted
        chosen, reasons = best_of(judged)
        variant = self.variants[chosen]
        scores = [None if c.score is None else round(c.score, 1) for c in judged]
        origin = self.io.origin(photo, {**variant.recipe, "best_of": len(judged), "scores": scores})
        notes = [
            f"kept variant {chosen + 1} of {len(judged)}, {variant.difference}",
            *reasons,
            *critic.notes,
            _HONEST,
        ]
        return Done([*work.notes, *notes, *self.io.written(target, work.with_rgb(best), origin)], dict(origin.recipe))


def _part(tell: Tell, i: int, count: int) -> Tell:
    return lambda done, parts: tell(100 * i + round(100 * done / max(1, parts)), 100 * count)


def painted(brush: Brush, strength: float, count: int) -> tuple[Variant, ...]:
    """Variants of the painter's picture, the one that was asked for first. brush: of full strength."""

    def all_of() -> Iterator[Variant]:
        for share, size in _differing(strength, brush.options.stroke):
            changed = brush.adjusted(share, replace(brush.options, stroke=size))
            yield Variant(f"strength {share:.2g}, stroke {size:.2g}", changed.paint, changed.recipe)

    return tuple(islice(all_of(), count))


def patched(brush: PatchBrush, count: int) -> tuple[Variant, ...]:
    """Variants of a picture made of patches, the one that was asked for first: they hold the photo more or less, and
    take the painting larger or smaller."""

    def all_of() -> Iterator[Variant]:
        usual = brush.patches.fidelity_or_usual
        fidelities = [usual, *(f for f in _FIDELITIES if abs(f - usual) > 0.1)]
        for size, fidelity in product(_sizes(brush.options.stroke), fidelities):
            how = replace(shared(brush.patches, PatchOptions), fidelity=fidelity)
            changed = brush.adjusted(brush.strength, replace(brush.options, stroke=size), how)
            yield Variant(f"fidelity {fidelity:.2g}, stroke {size:.2g}", changed.paint, changed.recipe)

    return tuple(islice(all_of(), count))


def optimised(task: Optimising, count: int) -> tuple[Variant, ...]:
    """Variants of an optimised picture, the one that was asked for first."""

    def all_of() -> Iterator[Variant]:
        options = task.options
        first: Init = options.init or "photo"
        others: tuple[Init, ...] = ("fast", "photo", "noise")
        inits = [first, *(init for init in others if init != first)]
        for size, init in product(_sizes(options.stroke), inits):
            changed_options = replace(options, stroke=size, init=init, on_step=None)
            changed = replace(task, request=replace(task.request, options=changed_options))
            yield Variant(f"from {init}, stroke {size:.2g}", changed.paint, changed.recipe)

    return tuple(islice(all_of(), count))


def painting(parts: Sequence[StyleTerm]) -> Pixels:
    """The painting that variants are judged by. Raises BadRequest if there are several."""
    if len(parts) != 1 or parts[0].mask is not None:
        raise BadRequest("--best", "the critic compares with one painting, all over", "name one style and no mask")
    return painting_of(parts[0]).pixels


def _differing(strength: float, stroke: float) -> Iterator[tuple[float, float]]:
    """What was asked for first, then what differs in one thing, then in both."""
    pairs = product(enumerate(_STRENGTHS), enumerate(_sizes(stroke)))
    for (_, share), (_, size) in sorted(pairs, key=lambda pair: (pair[0][0] + pair[1][0], pair[0][0])):
        yield strength * share, size


def _sizes(stroke: float) -> list[float]:
    return [stroke, *(s for f in _STROKES[1:] if SMALLEST <= (s := round(stroke * f, 3)) <= LARGEST)]
