"""Why a photo feels as it does: in words, and as a picture with the places marked that carried the judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flamingo.images import Picture
from flamingo.lettering import fitted, font
from flamingo.mood.features import NAMES
from flamingo.mood.model import MoodEstimate

Array = NDArray[Any]

_PHRASES: dict[str, tuple[str, str]] = {
    "brightness": ("dark", "bright"),
    "contrast": ("low in contrast", "high in contrast"),
    "glare": ("", "glaring white in parts"),
    "saturation": ("pale in colour", "strong in colour"),
    "colourfulness": ("nearly without colour", "colourful"),
    "warmth": ("cold in colour", "warm in colour"),
    "red": ("", "red"),
    "yellow": ("", "yellow"),
    "green": ("", "green"),
    "blue": ("", "blue"),
    "purple": ("", "purple"),
    "hues": ("of few hues", "of many hues"),
    "texture": ("smooth", "rough in texture"),
    "detail": ("soft in detail", "full of fine detail"),
    "horizontal": ("", "full of level lines"),
    "vertical": ("", "full of upright lines"),
    "diagonal": ("", "full of slanting lines"),
    "light_above": ("dark above", "light above"),
    "light_centre": ("dark in the middle", "lit in the middle"),
    "busy_centre": ("empty in the middle", "busy in the middle"),
    "symmetry": ("", "symmetrical"),
}
_COMPARED = (("less pleasant", "more pleasant"), ("calmer", "more exciting"))
_MARKED = 1.0  # standard deviations from the mean of photos, from which on a feature is worth a word
_MOST = 4

_PAPER, _INK, _FAINT = (250, 249, 246), (40, 38, 36), (125, 120, 114)
# For valence and arousal: the colour of what lowers it and of what raises it; each pair can be told apart by people
# who do not tell red from green.
_COLOURS = (((94, 60, 153), (230, 140, 30)), ((43, 110, 180), (214, 66, 46)))
_TITLES = ("pleasant or not", "exciting or calm")
_TILE = 512


def because(felt: MoodEstimate, usual: Mapping[str, Any]) -> tuple[str, ...]:
    """What sets a photo apart and where that leads, for people.

    Args:
        felt: what the photo feels like.
        usual: "mean" and "spread" of the features over photos, and "valence" and "arousal", their correlations with
            people's ratings; each (25,).

    Returns:
        Sentences: what is marked about it, where that leads, which part of the picture speaks most for it.
    """
    z = (felt.features - np.array(usual["mean"])) / np.array(usual["spread"])
    weight = np.abs(z) * np.maximum(np.abs(usual["valence"]), np.abs(usual["arousal"]))
    phrases: list[str] = []
    chosen: list[int] = []
    for i in np.argsort(-weight):
        low, high = _PHRASES.get(NAMES[i], ("", ""))
        phrase = high if z[i] > 0 else low
        if abs(z[i]) >= _MARKED and phrase and len(phrases) < _MOST:
            phrases.append(phrase)
            chosen.append(int(i))
    sentences = [f"It is {_listed(phrases)}."] if phrases else ["Its colours and textures are those of most photos."]
    if chosen:
        pulls = [float(sum(z[i] * usual[axis][i] for i in chosen)) for axis in ("valence", "arousal")]
        strong = [i for i in (0, 1) if abs(pulls[i]) > 0.25]
        if strong:
            words = _listed([_COMPARED[i][pulls[i] > 0] for i in strong])
            against = any(pulls[i] * felt.mood[i] < 0 for i in strong)
            but = "; here what it shows counts for more" if against else ""
            sentences.append(f"Photos like that are often rated {words} than others{but}.")
    sentences.append(_where(felt))
    if felt.distance > 2:
        sentences.append("It is unlike the photos that the model learned from, so it may well be wrong.")
    return tuple(sentences)


def _where(felt: MoodEstimate) -> str:
    """Which part of the picture speaks most for what was judged."""
    axis = 0 if abs(felt.mood[0]) >= abs(felt.mood[1]) else 1
    sign = 1 if felt.mood[axis] > 0 else -1
    places = sign * felt.map[axis]
    if float(places.std()) < 0.02:
        return "All parts of it speak alike."
    h, w = places.shape
    y, x = np.unravel_index(int(places.argmax()), places.shape)
    rows = ("upper", "middle", "lower")[min(2, int(3 * (y + 0.5) / h))]
    columns = ("left", "middle", "right")[min(2, int(3 * (x + 0.5) / w))]
    region = "middle" if rows == columns == "middle" else " ".join(p for p in (rows, columns) if p != "middle")
    word = (("unpleasant", "pleasant"), ("calm", "exciting"))[axis][sign > 0]
    return f"What is most {word} in it is {'in the middle' if region == 'middle' else f'{_side(region)}'}."


def _side(region: str) -> str:
    return (
        f"at the {region}"
        if " " in region
        else {"upper": "at the top", "lower": "at the bottom"}.get(region, f"on the {region}")
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def drawn(picture: Picture, felt: MoodEstimate, sentences: tuple[str, ...], centre: tuple[float, float]) -> Picture:
    """The photo, and beside it twice the places that raise and lower valence and arousal, with what is said of it.

    Args:
        picture: the photo.
        felt: what it feels like.
        sentences: what is said.
        centre: valence and arousal of the usual photo, at which a place has no colour.
    """
    small = picture.resized(_TILE).rgb if max(picture.rgb.shape[:2]) != _TILE else picture.rgb
    h, w = small.shape[:2]
    tiles = [small, *(_heat(small, felt.map[i] - centre[i], _COLOURS[i]) for i in (0, 1))]
    size = 20
    title, text = ImageFont.truetype(font(), size), ImageFont.truetype(font(), 17)
    gap = 20
    page = Image.new("RGB", (3 * (w + gap) + gap, h + 2 * gap + 44 + 24 * (len(sentences) + 1)), _PAPER)
    draw = ImageDraw.Draw(page)
    captions = (
        f"{felt.word}",
        f"{_TITLES[0]}: valence {felt.valence:+.2f} ± {felt.valence_sd:.2f}",
        f"{_TITLES[1]}: arousal {felt.arousal:+.2f} ± {felt.arousal_sd:.2f}",
    )
    for i, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left = gap + i * (w + gap)
        page.paste(Image.fromarray((tile.clip(0, 1) * 255 + 0.5).astype(np.uint8)), (left, gap))
        draw.text((left, gap + h + 8), fitted(draw, caption, title, w - (70 if i else 0)), _INK, title)
        if i:
            _key(draw, left + w - 60, gap + h + 14, _COLOURS[i - 1])
    likely = ", ".join(f"{m} {p:.0%}" for m, p in sorted(felt.moods.items(), key=lambda kv: -kv[1])[:4])
    for i, sentence in enumerate((*sentences, f"Most likely: {likely}.")):
        line = fitted(draw, sentence, text, page.width - 2 * gap)
        draw.text((gap, gap + h + 44 + 24 * i), line, _FAINT if i == len(sentences) else _INK, text)
    return Picture(rgb=np.asarray(page, np.float32) / np.float32(255))


def _key(draw: ImageDraw.ImageDraw, x: int, y: int, colours: tuple[tuple[int, int, int], ...]) -> None:
    for i, (colour, sign) in enumerate(zip(colours, "–+", strict=True)):
        draw.rectangle((x + 30 * i, y, x + 30 * i + 24, y + 14), fill=colour)
        draw.text((x + 30 * i + 8, y - 5), sign, (255, 255, 255), ImageFont.truetype(font(), 18))


def _heat(rgb: Array, places: Array, colours: tuple[tuple[int, int, int], ...]) -> Array:
    """The picture in grey, with the colour of what raises or lowers laid over each place as strongly as it does."""
    h, w = rgb.shape[:2]
    grown = np.asarray(Image.fromarray(places.astype(np.float32)).resize((w, h), Image.Resampling.BICUBIC))
    strength = np.clip(np.abs(grown) / 0.6, 0, 1)[..., None] ** 0.8 * 0.75
    grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None] * 0.8 + 0.15
    low, high = (np.array(c, np.float32) / 255 for c in colours)
    colour = np.where(grown[..., None] > 0, high, low)
    return np.asarray(grey * (1 - strength) + colour * (0.35 + 0.65 * grey) * strength, np.float32)
