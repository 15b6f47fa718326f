"""From a request to results: what paints it is chosen, and paints one photo after another, here or on a cluster."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from flamingo.errors import BadRequest, FlamingoError
from flamingo.options import several
from flamingo.painting.brush import brush_of
from flamingo.painting.options import Method, Progress
from flamingo.painting.request import PaintRequest
from flamingo.painting.result import PaintResult
from flamingo.painting.task import Finishing, PhotoIO, PhotoPainter, Task

__all__ = ["PhotoPainter", "painted", "painter_of"]

Plan = Sequence[tuple[Path, Path]]
"""Photos, each with the file that its picture is to be."""


def painted(request: PaintRequest, plan: Plan) -> list[PaintResult]:
    """Paint all photos of a plan; one that fails does not stop the others.

    Raises:
        BadRequest, BadInput: for paintings and masks that cannot be used.
        ModelError: if the painter cannot be used.
    """
    options = request.options
    pairs = [file for pair in request.matches for file in (pair.photo, pair.painting)]
    never = (*(photo for photo, _ in plan), *several(options.painting), *several(options.mask), *pairs)
    painter = painter_of(request, PhotoIO(options, never))
    tell = options.on_progress or (lambda *_: None)
    results = list(_on_ray(painter, plan, tell) if options.on == "ray" else _here(painter, plan, tell))
    tell(len(plan), len(plan), plan[-1][0])
    return results


def painter_of(request: PaintRequest, io: PhotoIO) -> PhotoPainter:
    """What carries a request out, by its method. Raises as `painted`, before the first photo."""
    return _METHODS[request.method](request, io)


def _with_painter(request: PaintRequest, io: PhotoIO) -> PhotoPainter:
    options = request.options
    if options.best == 1:
        return Task(io, brush_of(request.styles, options.strength, options), _finisher(request))
    from flamingo.painting.methods import best_of

    painting = best_of.painting(request.styles)
    full = brush_of(request.styles, 1.0, options)
    return best_of.Choosing(io, best_of.painted(full, options.strength, options.best), painting)


def _finisher(request: PaintRequest) -> Finishing | None:
    """What finishes pictures, if anything is to."""
    options = request.options
    if not options.finish:
        return None
    from flamingo.painting.methods.finishing import finisher

    return finisher(request.styles, options.strength, options, options.finish, options.on_step)


def _with_patches(request: PaintRequest, io: PhotoIO) -> PhotoPainter:
    from flamingo.painting.patches.brush import patch_brush
    from flamingo.painting.patches.task import PatchTask

    options = request.options
    brush = patch_brush(request.styles, options.strength, options, options, request.matches)
    if options.best == 1:
        return PatchTask(io, brush, _finisher(request))
    from flamingo.painting.methods import best_of

    variants = best_of.patched(brush, options.best)
    return best_of.Choosing(io, variants, best_of.painting(request.styles))


def _with_optimisation(request: PaintRequest, io: PhotoIO) -> PhotoPainter:
    from flamingo.painting.methods.task import Optimising

    optimising = Optimising(io, request)
    _ = optimising.settings, optimising.styles  # what is wrong with them is said now
    if request.options.best == 1:
        return optimising
    from flamingo.painting.methods import best_of

    variants = best_of.optimised(optimising, request.options.best)
    return best_of.Choosing(io, variants, best_of.painting(request.styles))


def _with_dream(request: PaintRequest, io: PhotoIO) -> PhotoPainter:
    from flamingo.painting.methods.task import Dreaming

    if request.options.best > 1:
        raise BadRequest("--best", "a dream has no painting to be judged by", "leave --best out")
    dreaming = Dreaming(io, request)
    _ = dreaming.settings, dreaming.guide, dreaming.masks  # what is wrong with them is said now
    return dreaming


_METHODS: dict[Method, Callable[[PaintRequest, PhotoIO], PhotoPainter]] = {
    "painter": _with_painter,
    "patches": _with_patches,
    "optimise": _with_optimisation,
    "dream": _with_dream,
}


def _here(painter: PhotoPainter, plan: Plan, tell: Progress) -> Iterator[PaintResult]:
    """One after another. Of a single photo it is worth saying how much of it is painted; of many, how many are."""
    for i, (photo, target) in enumerate(plan):
        begun = time.perf_counter()

        def part(done: int, parts: int, i: int = i, photo: Path = photo) -> None:
            tell(*((done, parts) if len(plan) == 1 else (i, len(plan))), photo)

        part(0, 1)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            outcome = painter.carry_out(photo, target, part)
        except FlamingoError as error:
            result = PaintResult(photo, error=error)
        else:
            result = PaintResult(
                photo, target, notes=tuple(outcome.notes), recipe=outcome.recipe, beside=outcome.beside
            )
        yield replace(result, seconds=time.perf_counter() - begun)


def _on_ray(painter: PhotoPainter, plan: Plan, tell: Progress) -> Iterator[PaintResult]:
    """Many at once. How long each took is not known, only when it was done."""
    # By name, as a plugin is found: what distributes painting lies above it.
    photos_on_ray = importlib.import_module("flamingo.distributed.photos")

    if not isinstance(painter, Task):
        raise BadRequest(
            "--on ray", "the cluster has the painter alone", "leave --on out, or --effort, --method, --best"
        )
    begun = time.perf_counter()
    outcomes = photos_on_ray.carried_out(painter, plan, lambda done, photo: tell(done, len(plan), photo), tell)
    for (photo, target), outcome in zip(plan, outcomes, strict=True):
        seconds = time.perf_counter() - begun
        if isinstance(outcome, FlamingoError):
            yield PaintResult(photo, error=outcome, seconds=seconds)
        else:
            yield PaintResult(photo, target, notes=tuple(outcome[0]), recipe=outcome[1], seconds=seconds)
