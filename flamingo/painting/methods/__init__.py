"""Pictures made by optimising their pixels against VGG-19: Gatys' method and DeepDream.

    from flamingo.painting.methods import Settings, Style, optimise
    done = optimise(photo, [Style(painting)], Settings(steps=200))      # float arrays (H, W, 3) in [0, 1]

Slow next to the painter (minutes for seconds), but it takes any painting and is what the painter is measured by.
VGG-19 and its derivative run as all networks do, without torch (flamingo.vgg).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flamingo.painting.methods.presets import PRESETS, preset
from flamingo.painting.methods.settings import Optimised, Pixels, Settings, Step, Style

if TYPE_CHECKING:
    from flamingo.painting.methods.dreaming import Dream

__all__ = ["PRESETS", "Optimised", "Settings", "Step", "Style", "dream", "optimise", "preset"]


def optimise(
    photo: Pixels,
    styles: Sequence[Style],
    settings: Settings | None = None,
    *,
    first: Pixels | None = None,
    on_step: Callable[[Step], None] | None = None,
    resume: Path | None = None,
    vgg: Path | None = None,
) -> Optimised:
    """Paint `photo`, float32 (H, W, 3) sRGB in [0, 1], by changing its pixels until VGG-19 sees the photo's content
    and the paintings' style (Gatys, Ecker & Bethge 2016), from coarse to fine.

    first: the picture to start from, of the photo's shape, for init "fast": the painter's result. on_step is called
    after each evaluation; an exception that it raises stops the run, and with `resume` nothing but the steps
    since the last checkpoint is lost. resume: a file that keeps the state every ten steps; if it is there, the run
    goes on from it to the same result, and when the run is whole it is removed. vgg: a file of VGG-19's weights,
    if they are not to be looked for.

    Raises ModelMissing or ModelCorrupt for such a file, ImageTooLarge if the memory that it takes is not free,
    BadRequest for arrays of other shapes or values, or a checkpoint of another run.
    """
    from flamingo.painting.methods.method import run

    return run(photo, styles, settings or Settings(), first=first, on_step=on_step, resume=resume, vgg_file=vgg)


def dream(
    photo: Pixels,
    settings: Dream | None = None,
    *,
    guide: Pixels | None = None,
    on_step: Callable[[int, int], None] | None = None,
    vgg: Path | None = None,
) -> Pixels:
    """Let VGG-19 see more of what it already sees in `photo`, float32 (H, W, 3) sRGB in [0, 1]: DeepDream
    (Mordvintsev, Olah & Tyka 2015). Returns the same shape.

    guide: a picture of any size, whose features are to be brought out instead of the photo's strongest. on_step is
    called as (done, all). Raises as `optimise` does.
    """
    from flamingo.painting.methods.dreaming import Dream, run

    return run(photo, settings or Dream(), guide=guide, on_step=on_step, vgg_file=vgg)
