"""From a photo's file to an optimised or dreamed file: what the slow methods put around the arrays that they work on.

A run that is stopped leaves its state in a hidden file beside the result and goes on from there when the same is
asked again. With snapshots there is a folder beside the result, NAME.steps, with a picture every so many steps, a
strip of them, and the losses as JSON lines and for TensorBoard (where that is installed).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flamingo import images, provenance
from flamingo.errors import MissingExtra, WouldOverwrite, show
from flamingo.images.picture import resize
from flamingo.options import shared
from flamingo.painting import style_spec
from flamingo.painting.brush import Brush, brush_of
from flamingo.painting.colour import coloured
from flamingo.painting.methods import dream, logs, optimise
from flamingo.painting.methods.options import dream_settings, optimise_settings
from flamingo.painting.methods.settings import Optimised, Pixels, Settings, Step, Style
from flamingo.painting.options import PaintOptions, StyleOptions
from flamingo.painting.request import PaintRequest
from flamingo.painting.task import Done, PhotoIO, Tell

if TYPE_CHECKING:
    from flamingo.painting.methods.dreaming import Dream


@dataclass(frozen=True)
class SlowTask:
    """What is the same for all photos that are optimised or dreamed."""

    io: PhotoIO
    request: PaintRequest

    @property
    def options(self) -> PaintOptions:
        """Those of the request."""
        return self.request.options

    def picture(self, photo: Path) -> tuple[images.Picture, list[str]]:
        """The photo in floats, and what is to be said of it. Raises BadInput."""
        work = self.io.picture(
            photo,
            film=("films are painted by the painter or from patches", "leave --method out"),
            large=("{width} x {height} pixels are too many to optimise", "add --size 1024"),
        )
        masks = [mask for path, mask in self.masks.items() if path is not None]
        return work, [*work.notes, *style_spec.notes_on(masks, work.height, work.width)]

    @cached_property
    def masks(self) -> dict[Path | None, Pixels]:
        """As `flamingo.painting.style_spec.masks_of`."""
        return style_spec.masks_of(self.request.styles)

    def saying(self, how: dict[str, Any]) -> dict[str, Any]:
        """A recipe: `how`, and what all methods share."""
        style = asdict(shared(self.options, StyleOptions))
        del style["model"]  # of the painter, of which at most the beginning is
        return {
            "style": style_spec.label_of(self.request.styles),
            "styles": style_spec.said_of(self.request.styles, self.options.model),
            "strength": self.options.strength,
            **style,
            "colour": self.options.colour_share,
            **how,
        }


@dataclass(frozen=True)
class Optimising(SlowTask):
    """Gatys' method (see flamingo.painting.methods.optimise)."""

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Optimise one photo. tell: is told steps. Raises FlamingoError."""
        picture, notes = self.picture(photo)
        origin = self.io.origin(photo, self.recipe)
        state = _state(target, origin)
        folder = target.with_name(f"{target.stem}.steps")
        with ExitStack() as stack:
            watchers = []
            if self.settings.snapshots:
                self._make(folder, state)
                watchers = _records(folder, origin, stack)
            if (on_step := self.options.on_step) is not None:
                watchers.append(_every(self.settings.log_every, lambda step: on_step(photo, step)))
            result = self.optimised(picture.rgb, tell, watchers, state)
        notes = [
            *notes,
            *result.notes,
            *self.io.written(target, picture.with_rgb(self._tinted(result, picture.rgb)), origin),
        ]
        beside: tuple[Path, ...] = ()
        if result.snapshots:
            beside = folder / "strip.jpg", folder / "losses.jsonl"
            images.write(logs.strip(result.snapshots), beside[0], overwrite=True, origin=origin)
        return Done(notes, dict(origin.recipe), beside)

    def paint(self, rgb: Pixels, tell: Tell) -> Pixels:
        """Optimise a photo (H, W, 3), leaving nothing behind. Raises FlamingoError."""
        return self._tinted(self.optimised(rgb, tell), rgb)

    def optimised(
        self, rgb: Pixels, tell: Tell, watchers: Sequence[Callable[[Step], None]] = (), state: Path | None = None
    ) -> Optimised:
        """The run itself. Raises FlamingoError."""
        on_step = logs.all_of(lambda step: tell(step.step, step.steps), *watchers)
        return optimise(rgb, self.styles, self.settings, first=self._first(rgb), on_step=on_step, resume=state)

    def _tinted(self, result: Optimised, rgb: Pixels) -> Pixels:
        colour = self.options.colour_share
        return coloured(result.picture, rgb, colour) if 0 < colour < 1 else result.picture

    @property
    def recipe(self) -> dict[str, Any]:
        """The method's settings, and all else that makes a picture, as plain values."""
        return self.saying({"method": "optimise", "settings": self.settings.as_dict()})

    @cached_property
    def settings(self) -> Settings:
        """Raises BadRequest."""
        return optimise_settings(self.options)

    @cached_property
    def styles(self) -> list[Style]:
        """The paintings with their weights and masks. Raises BadInput."""
        return [
            Style(style_spec.painting_of(part).pixels, part.weight, self.masks.get(part.mask))
            for part in self.request.styles
        ]

    def _first(self, rgb: Pixels) -> Pixels | None:
        """The painter's picture, where the run begins with it."""
        return self._brush.paint(rgb) if self.settings.init == "fast" else None

    @cached_property
    def _brush(self) -> Brush:
        """One for all photos: it has looked at the paintings. Raises BadInput."""
        return brush_of(self.request.styles, self.options.strength, self.options)

    def _make(self, folder: Path, state: Path) -> None:
        """The folder for snapshots: a new one, or that of a run that was stopped."""
        if folder.exists() and not (self.io.options.overwrite or state.exists()):
            raise WouldOverwrite(show(folder), "it exists already", "choose another name or allow overwriting")
        if not state.exists():
            for old in (*folder.glob("step-*.jpg"), *folder.glob("losses.jsonl")):
                old.unlink()
        folder.mkdir(exist_ok=True)


@dataclass(frozen=True)
class Dreaming(SlowTask):
    """DeepDream (see flamingo.painting.methods.dream). A painting that is named is the guide."""

    def carry_out(self, photo: Path, target: Path, tell: Tell) -> Done:
        """Dream of one photo. tell: is told steps. Raises FlamingoError."""
        picture, notes = self.picture(photo)
        origin = self.io.origin(photo, self.recipe)
        return Done(
            [*notes, *self.io.written(target, picture.with_rgb(self.paint(picture.rgb, tell)), origin)],
            dict(origin.recipe),
        )

    def paint(self, rgb: Pixels, tell: Tell) -> Pixels:
        """The dream of a photo (H, W, 3), where the masks are white. Raises FlamingoError."""
        dreamed = coloured(dream(rgb, self.settings, guide=self.guide, on_step=tell), rgb, self.options.colour_share)
        share = np.float32(self.options.strength) * self._where(*rgb.shape[:2])
        return np.asarray(rgb + share * (dreamed - rgb), np.float32)

    @property
    def recipe(self) -> dict[str, Any]:
        """As of `Optimising`."""
        return self.saying({"method": "dream", "settings": asdict(self.settings)})

    @cached_property
    def settings(self) -> Dream:
        """Raises BadRequest."""
        return dream_settings(self.options)

    @cached_property
    def guide(self) -> Pixels | None:
        """Raises BadInput."""
        return style_spec.painting_of(self.request.styles[0]).pixels if self.request.styles else None

    def _where(self, height: int, width: int) -> Pixels:
        """(h, w, 1), or (1, 1, 1) for everywhere."""
        masks = [resize(mask[..., None], height, width) for path, mask in self.masks.items() if path is not None]
        return np.clip(sum(masks[1:], masks[0]), 0, 1) if masks else np.ones((1, 1, 1), np.float32)


def _records(folder: Path, origin: provenance.Origin, stack: ExitStack) -> list[Callable[[Step], None]]:
    """What writes down a run in its folder as it goes: losses, and each snapshot, to be looked at meanwhile."""

    def keep(step: Step) -> None:
        if step.picture is not None:
            file = folder / f"step-{step.step:05d}.jpg"
            images.write(images.Picture(rgb=step.picture), file, overwrite=True, origin=origin)

    records: list[Callable[[Step], None]] = [logs.JsonLines(folder / "losses.jsonl", append=True), keep]
    with suppress(MissingExtra):  # the same figures are in the JSON lines
        board = logs.TensorBoard(folder)
        stack.callback(board.close)
        records.append(board)
    return records


def _every(steps: int, call: Callable[[Step], None]) -> Callable[[Step], None]:
    return lambda step: call(step) if step.step % steps == 0 or step.step == step.steps - 1 else None


def _state(target: Path, origin: provenance.Origin) -> Path:
    """Where a run that is stopped leaves its state: another photo or other settings have another."""
    digest = hashlib.sha256(json.dumps(origin.recipe, sort_keys=True, default=str).encode()).hexdigest()
    return target.with_name(f".{target.name[:80]}.{digest[:10]}.part")
