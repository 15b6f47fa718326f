"""A film at a glance: one frame of each shot, side by side, with its time and caption."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flamingo.filming.reel import Reel
from flamingo.images import Picture
from flamingo.lettering import fitted, font

__all__ = ["contact_sheet", "poster"]

_PAPER, _INK = (250, 249, 246), (90, 86, 82)
_WIDEST = 4000
_TILE = 360
_INTO = 0.75  # of a shot: the painting is there by then, and no crossfade has begun


def poster(reel: Reel) -> Picture:
    """One frame that stands for the film: from the middle of its first shot, under the title if it has one."""
    first = reel.board.shots[0]
    return _picture(reel.frame(round(first.lasts * 0.5 * reel.board.fps)).rgb())


def contact_sheet(reel: Reel) -> Picture:
    """A frame of each shot, in order."""
    board = reel.board
    many = len(board.shots)
    height, width = board.size
    columns = max(1, min(many, round(math.sqrt(many * 1.5 * height / width))))
    wide = min(width, _TILE, _WIDEST // columns)
    tall = max(1, round(wide * height / width))
    gap, size = max(4, wide // 24), max(9, wide // 20)
    face = ImageFont.truetype(font(), size)
    rows = -(-many // columns)
    step = tall + size * 2 + gap
    sheet = Image.new("RGB", (gap + columns * (wide + gap), gap + rows * step), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, shot in enumerate(board.shots):
        into = _INTO if i + 1 < many else 0.5  # the end of the last one darkens
        number = min(int((shot.start + into * shot.lasts) * board.fps), board.frames - 1)
        small = cv2.resize(reel.frame(number).rgb(), (wide, tall), interpolation=cv2.INTER_AREA)
        left, top = gap + i % columns * (wide + gap), gap + i // columns * step
        sheet.paste(Image.fromarray(np.asarray(small, np.uint8)), (left, top))
        label = " · ".join(part for part in (f"{shot.start:.1f} s", "+".join(shot.style), shot.caption) if part)
        draw.text((left, top + tall + size // 3), fitted(draw, label, face, wide), _INK, face)
    return _picture(np.asarray(sheet))


def _picture(rgb: NDArray[np.uint8]) -> Picture:
    return Picture(np.asarray(rgb, np.float32) / np.float32(255), format="jpeg")
