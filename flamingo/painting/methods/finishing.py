"""Finishing: a few steps of Gatys' method on a picture that is painted already.

The picture begins where the painter, or patches, left it, so ten steps bring its textures nearer to the painting's
than sixty would from the photo. A step sees all of the picture at once and costs seconds, so what is larger than
`LONGEST` is finished small, and the change is enlarged and added: fine strokes stay as they were painted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flamingo.images import resample
from flamingo.images.picture import resize
from flamingo.images.streaming import Canvas
from flamingo.painting import style_spec, task
from flamingo.painting.methods import optimise
from flamingo.painting.methods.settings import Settings, Step, Style
from flamingo.painting.options import StyleOptions
from flamingo.painting.pyramid import Size
from flamingo.painting.style_spec import StyleTerm
from flamingo.painting.task import AnyBrush, Tell, Work

Pixels = NDArray[np.float32]

_PAINTED = 15  # hundredths of the work that are done when a picture is painted
_ROWS = 256

LONGEST = 640
"""Pixels of the longest side at which pictures are finished."""


@dataclass(frozen=True, eq=False)
class Finisher:
    """What finishes pictures of one request.

    Attributes:
        styles: the paintings, with their weights and masks.
        settings: how; they begin with a picture that is given, at its own size.
        on_step: is told the losses of each step.
    """

    styles: Sequence[Style]
    settings: Settings
    on_step: Callable[[Path, Step], None] | None = None

    @property
    def steps(self) -> int:
        """How many."""
        return self.settings.steps

    def painted(self, brush: AnyBrush, photo: Path, work: Work, tell: Tell | None = None) -> Work:
        """A photo, painted and finished. A canvas is painted over.

        Args:
            brush: what paints it.
            photo: its file.
            work: its pixels.
            tell: is told hundredths.

        Raises:
            ImageTooLarge: if the memory that it takes is not free.
        """
        tell = tell or (lambda *_: None)

        def watch(step: Step) -> None:
            if self.on_step is not None:
                self.on_step(photo, step)
            tell(_PAINTED + round((100 - _PAINTED) * step.step / step.steps), 100)

        def first(done: int, parts: int) -> None:
            tell(round(_PAINTED * done / max(1, parts)), 100)

        if isinstance(work, Canvas):
            size = work.height, work.width
            small = work.shrunk(LONGEST).rgb
            work = task.painted(brush, work, first)
            assert isinstance(work, Canvas)
            change = self._change(small, work.shrunk(LONGEST).rgb, watch)
            work.paint_over(_strips(work, change, size), behind=0)
            return work
        size = work.rgb.shape[0], work.rgb.shape[1]
        picture, shape = brush.paint(work.rgb, first), smaller(size)
        change = self._change(resize(work.rgb, *shape), resize(picture, *shape), watch)
        return work.with_rgb(added(picture, change, size, 0))

    def _change(self, photo: Pixels, picture: Pixels, on_step: Callable[[Step], None]) -> Pixels:
        """What finishing adds to a picture (H, W, 3) of a photo of the same shape."""
        result = optimise(photo, self.styles, self.settings, first=picture, on_step=on_step)
        return np.asarray(result.picture - picture, np.float32)


def _strips(canvas: Canvas, change: Pixels, size: Size) -> Iterator[Pixels]:
    for top in range(0, size[0], _ROWS):
        yield added(canvas.rows(top, min(top + _ROWS, size[0])), change, size, top)


def smaller(size: Size) -> Size:
    """The size at which a picture of this size is finished."""
    scale = min(1.0, LONGEST / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def added(rows: Pixels, change: Pixels, size: Size, top: int) -> Pixels:
    """Rows of a picture of this size, from `top` on, with a change that is enlarged to it."""
    enlarged = change[top : top + len(rows)]
    if change.shape[:2] != size:
        enlarged = resample.window(change, size, top, 0, len(rows), size[1], "cubic")
    return np.asarray(np.clip(rows + enlarged, 0, 1), np.float32)


def finisher(
    styles: Sequence[StyleTerm],
    strength: float,
    options: StyleOptions,
    steps: int,
    on_step: Callable[[Path, Step], None] | None = None,
) -> Finisher:
    """The finisher for styles that are understood.

    Raises:
        BadInput, BadRequest: for paintings and masks that cannot be used.
    """
    masks = style_spec.masks_of(styles)
    paintings = [Style(style_spec.painting_of(term).pixels, term.weight, masks.get(term.mask)) for term in styles]
    settings = Settings(
        init="fast", steps=steps, coarsest=None, strength=strength, stroke=options.stroke,
        colour="photo" if options.colour_share == 0 else "style",
    )  # fmt: skip
    return Finisher(paintings, settings, on_step)
