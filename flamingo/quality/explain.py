"""The critique as a picture: photo, painting, result, two maps of what is missing where, and what is to be said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flamingo.images import Picture
from flamingo.images.picture import resize
from flamingo.lettering import fitted, font
from flamingo.quality.critic import LAYER_WORDS, Critique

Pixels = NDArray[np.float32]
_PAPER, _INK, _FAINT, _WRONG = (250, 249, 246), (40, 38, 36), (125, 120, 114), (165, 50, 35)
_TILE, _GAP, _LINE = 360, 18, 25
# Blue for the photo, orange for the painting: they can be told apart by people who do not tell red from green.
_CONTENT, _STYLE = (43, 110, 180), (230, 120, 30)
_ALL_GONE = 1.5  # of a map's unit: where the colour is full


def drawn(result: Pixels, photo: Pixels, painting: Pixels, critique: Critique) -> Picture:
    """A page that shows where photo and painting are missing in a result.

    Args:
        result: (H, W, 3) float32 in [0, 1].
        photo: (H, W, 3) float32 in [0, 1].
        painting: (H, W, 3) float32 in [0, 1].
        critique: with the maps, or without.

    Returns:
        A picture as wide as five of them (three without maps).
    """
    small = _fitted(result)
    tiles = [("the photo", _fitted(photo)), ("the painting", _fitted(painting)), ("the result", small)]
    for name, places, colour in (
        ("blue: the photo is missing", critique.content_missing, _CONTENT),
        ("orange: the painting is missing", critique.style_missing, _STYLE),
    ):
        if places is not None:
            tiles.append((name, _heat(small, places, colour)))
    face, text = ImageFont.truetype(font(), 20), ImageFont.truetype(font(), 17)
    height = max(tile.shape[0] for _, tile in tiles)
    names = [LAYER_WORDS.get(f.name.removeprefix("style_"), f.name.replace("_", " ")) for f in critique.figures]
    lines = [(f"{n}  {f.value:.2f}", f.words, f.good) for n, f in zip(names, critique.figures, strict=True)]
    columns = 2
    rows = -(-len(lines) // columns)
    notes = ["What numbers cannot tell: whether faces are still faces, and whether it is beautiful.", *critique.notes]
    width = len(tiles) * (_TILE + _GAP) + _GAP
    page = Image.new("RGB", (width, height + 2 * _GAP + 84 + _LINE * (rows + len(notes)) + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    for i, (name, tile) in enumerate(tiles):
        left = _GAP + i * (_TILE + _GAP)
        page.paste(Image.fromarray((tile.clip(0, 1) * 255 + 0.5).astype(np.uint8)), (left, _GAP))
        draw.text((left, _GAP + height + 6), fitted(draw, name, face, _TILE), _INK, face)
    top = _GAP + height + 44
    score = "not given" if critique.score is None else f"{critique.score:.0f} of 100"
    draw.text((_GAP, top), f"Score: {score}", _INK, ImageFont.truetype(font("Semibold"), 22))
    top += 38
    across = (width - 2 * _GAP) // columns
    for i, (figure, words, good) in enumerate(lines):
        left, line = _GAP + i // rows * across, top + i % rows * _LINE
        draw.text((left, line), figure, _FAINT, text)
        colour = _WRONG if good is False else _INK
        draw.text((left + 210, line), fitted(draw, words, text, across - 220), colour, text)
    for i, note in enumerate(notes):
        draw.text((_GAP, top + (rows + i) * _LINE + 6), fitted(draw, note, text, width - 2 * _GAP), _FAINT, text)
    return Picture(rgb=np.asarray(page, np.float32) / np.float32(255))


def _fitted(rgb: Pixels) -> Pixels:
    """As wide as a tile, and at most half as high again."""
    height, width = rgb.shape[:2]
    factor = min(_TILE / width, 1.5 * _TILE / height)
    return resize(rgb, max(1, round(height * factor)), max(1, round(width * factor)))


def _heat(rgb: Pixels, places: Pixels, colour: tuple[int, int, int]) -> Pixels:
    """The picture in grey, coloured as strongly as something is missing."""
    h, w = rgb.shape[:2]
    grown = np.asarray(Image.fromarray(places.astype(np.float32)).resize((w, h), Image.Resampling.BICUBIC))
    # Squared, so that what is missing everywhere a little does not drown the places where all is.
    strength = np.clip(grown / _ALL_GONE, 0, 1)[..., None] ** 2 * 0.9
    grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None] * 0.8 + 0.15
    tint = np.array(colour, np.float32) / 255
    return np.asarray(grey * (1 - strength) + tint * (0.35 + 0.65 * grey) * strength, np.float32)
