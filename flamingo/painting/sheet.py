"""A contact sheet: one photo in every style, labelled, so that a person can choose by looking."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydantic import Field

from flamingo.errors import BadRequest
from flamingo.images import Picture
from flamingo.lettering import fitted, font
from flamingo.painting.options import Model
from flamingo.painting.painter import Painter

_PAPER = (250, 249, 246)
_INK = (40, 38, 36)
_FAINT = (125, 120, 114)


def sheet(
    photo: Picture,
    *,
    styles: list[str] | None = None,
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0,
    model: Model = "fine",
    tile: int = 384,
    columns: int | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Picture:
    """Paint `photo` in every named style and lay the results out with their titles, the photo itself first.

    styles: names to show, all of them if None; tile: longest side of each picture in pixels; columns: how many
    side by side, chosen for a landscape sheet if None. Returns an RGB picture. on_progress is called as (done,
    all, style name).
    """
    if not 32 <= tile <= 4096:
        raise BadRequest(f"tile {tile}", "a tile is 32 to 4096 pixels", "choose one in between")
    painter = Painter(model)
    styles_by_name = {style.name: style for style in painter.styles}
    names = styles or list(styles_by_name)
    small = photo.resized(tile).rgb
    cells = [(small, "the photo", "")]
    for i, name in enumerate(names):
        if on_progress:
            on_progress(i, len(names), name)
        painted = painter.paint(small, name, strength)
        cells.append(
            (painted, styles_by_name[name].title, f"{styles_by_name[name].artist}, {styles_by_name[name].year}")
        )
    if on_progress:
        on_progress(len(names), len(names), names[-1])
    return _lay_out(cells, columns)


def _lay_out(cells: list[tuple[NDArray[np.float32], str, str]], columns: int | None) -> Picture:
    height, width = cells[0][0].shape[:2]
    size = max(11, width // 24)
    title, small = ImageFont.truetype(font(), size), ImageFont.truetype(font(), max(10, size * 4 // 5))
    gap, caption = max(8, width // 24), int(size * 3.2)
    across = min(columns or _columns(len(cells), width, height + caption), len(cells))
    down = math.ceil(len(cells) / across)
    page = Image.new("RGB", (across * (width + gap) + gap, down * (height + caption + gap) + gap), _PAPER)
    draw = ImageDraw.Draw(page)
    for i, (pixels, name, by) in enumerate(cells):
        left, top = gap + i % across * (width + gap), gap + i // across * (height + caption + gap)
        page.paste(Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8)), (left, top))
        draw.text((left, top + height + size // 3), fitted(draw, name, title, width), _INK, title)
        draw.text((left, top + height + size * 1.6), fitted(draw, by, small, width), _FAINT, small)
    rgb = np.asarray(page, dtype=np.float32) / np.float32(255)
    return Picture(rgb=rgb, alpha=None, depth=8, grey=False, icc=None, exif=None, format="png", notes=())


def _columns(cells: int, width: int, height: int) -> int:
    """How many side by side: few empty places, and a sheet not far from half as wide again as it is high."""

    def badness(across: int) -> float:
        down = math.ceil(cells / across)
        shape = across * width / (down * height)
        return 2 * (across * down - cells) / cells + 0.6 * abs(math.log(shape / 1.5))

    return min(range(1, cells + 1), key=badness)
