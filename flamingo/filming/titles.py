"""Letters over the picture: the film's title, and captions; drawn once, and laid over each frame."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from flamingo.filming.planes import BLACK, GREY, Planes, white
from flamingo.lettering import font

__all__ = ["Overlay", "caption", "missing", "title"]

Floats = NDArray[np.float32]

_LETTERS = 250 / 255  # of white

# Families that a user may install for scripts that Source Sans does not have, from the most general on.
_FAMILIES = (
    "fontpkg-noto-sans", "fontpkg-noto-sans-jp", "fontpkg-noto-sans-sc", "fontpkg-noto-sans-tc",
    "fontpkg-noto-sans-kr", "fontpkg-noto-kufi-arabic", "fontpkg-noto-sans-hebrew", "fontpkg-noto-sans-thai",
    "fontpkg-cairo", "fontpkg-amiri", "fontpkg-heebo",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Overlay:
    """layers: for each of a frame's planes what is laid over it; top, left: the place, both even."""

    layers: tuple[_Layer, _Layer, _Layer]
    top: int
    left: int

    def over(self, frame: Planes, share: float) -> None:
        """Lay it over a frame in place; share: from 0, unseen, to 1."""
        if share <= 0:
            return
        for plane, layer, step in zip(frame, self.layers, (1, 2, 2), strict=True):
            top, left = self.top // step, self.left // step
            height, width = layer.alpha.shape
            part = plane[top : top + height, left : left + width]
            part[:] = np.rint(part * (1 - share * layer.alpha) + share * layer.adds).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Layer:
    """alpha: (h, w) float32 from 0 to 1, how much of a plane is covered; adds: (h, w) float32, by what: samples times
    alpha."""

    alpha: Floats
    adds: Floats


def caption(text: str, frame: tuple[int, int]) -> Overlay | None:
    """A line or two at the lower left of a frame of (height, width)."""
    return _drawn(text, frame, 0.042, "Semibold", False)


def title(text: str, frame: tuple[int, int]) -> Overlay | None:
    """Large, in the middle."""
    return _drawn(text, frame, 0.095, "Bold", True)


def missing(text: str) -> str:
    """The letters of a text that no font here has."""
    face = font_file(text)
    drawn = (char for char in text if char.isprintable() and not char.isspace())
    return "".join(dict.fromkeys(char for char in drawn if not _holds(face, char)))


def _drawn(text: str, frame: tuple[int, int], size: float, weight: str, middle: bool) -> Overlay | None:
    text = " ".join(text.split())
    if not text:
        return None
    height, width = frame
    pixels = max(8, round(size * min(height, width)))
    face = ImageFont.truetype(font_file(text, weight), pixels)
    margin = round(0.055 * min(height, width))
    lines = _broken(text, face, width - 2 * margin)
    whole = "\n".join(lines)
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    where = {"font": face, "spacing": pixels // 4, "align": "center" if middle else "left"}
    box = draw.multiline_textbbox((0, 0), whole, **where)  # type: ignore[arg-type]
    halo = max(2, pixels // 4)
    wide, tall = int(box[2] - box[0]) + 4 * halo, int(box[3] - box[1]) + 4 * halo
    mask = Image.new("L", (wide, tall))
    ImageDraw.Draw(mask).multiline_text((2 * halo - box[0], 2 * halo - box[1]), whole, 255, **where)  # type: ignore[arg-type]
    letters = np.asarray(mask, np.float32) / 255
    # A soft shadow, without which white letters vanish on a bright sky.
    blurred = np.asarray(mask.filter(ImageFilter.GaussianBlur(halo / 1.6)), np.float32) / 255
    shade = np.clip(blurred * 1.5, 0, 0.75)
    alpha = letters + shade * (1 - letters)
    top = (height - tall) // 2 if middle else height - margin - tall + 2 * halo
    left = (width - wide) // 2 if middle else margin - 2 * halo
    return _overlay(letters, alpha, top, left, frame)


def _overlay(letters: NDArray[Any], alpha: NDArray[Any], top: int, left: int, frame: tuple[int, int]) -> Overlay:
    """Of letters, whose place is top, left: without what is outside of the frame, and from one colour sample to
    another. alpha: of letters and shadow."""
    y, x = max(0, -top), max(0, -left)
    shown = np.s_[y : max(y, frame[0] - top), x : max(x, frame[1] - left)]
    height, width = alpha[shown].shape
    top, left = top + y, left + x
    edges = (top % 2, (top + height) % 2), (left % 2, (left + width) % 2)
    letters, alpha = (np.pad(plane[shown].astype(np.float32), edges) for plane in (letters, alpha))
    fours = alpha.reshape(alpha.shape[0] // 2, 2, alpha.shape[1] // 2, 2)
    coarse = np.asarray(fours.mean(axis=(1, 3)), np.float32)
    light = _Layer(alpha, letters * np.float32(white(_LETTERS) - BLACK) + alpha * np.float32(BLACK))
    colour = _Layer(coarse, coarse * np.float32(GREY))
    return Overlay((light, colour, colour), top - top % 2, left - left % 2)


def _broken(text: str, face: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """In lines no wider than that: at spaces, and within words that are wider themselves, as scripts without spaces
    are broken."""
    lines = [""]
    for word in text.split(" "):
        trial = f"{lines[-1]} {word}".strip()
        if face.getlength(trial) <= width:
            lines[-1] = trial
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if face.getlength(lines[-1] + char) > width and lines[-1]:
                lines.append("")
            lines[-1] += char
    return lines[:4]


def font_file(text: str, weight: str = "Semibold") -> str:
    """The file of the font that has the most of a text's letters: ours, unless another has more."""
    faces = [font(weight), *_others()]
    return max(faces, key=lambda face: sum(_holds(face, char) for char in text))


def _holds(face: str, char: str) -> bool:
    return ord(char) in _letters(face)


@functools.lru_cache(maxsize=32)
def _letters(face: str) -> frozenset[int]:
    with TTFont(face, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


@functools.lru_cache(maxsize=1)
def _others() -> tuple[str, ...]:
    """The files of the fonts of other scripts that are installed."""
    font_files = []
    for family in _FAMILIES:
        try:
            listed = distribution(family).files or []
        except PackageNotFoundError:
            continue
        fonts = sorted(
            str(font_file.locate()) for font_file in listed if Path(str(font_file)).suffix.lower() in (".ttf", ".otf")
        )
        font_files += [font_file for font_file in fonts if "Italic" not in font_file][:1]
    return tuple(font_files)
