"""The critic: one result held against its photo and its painting.

What the numbers cannot tell. They compare textures, colours and outlines by statistics; they do not know whether a
face is still a face, whether the strokes follow the forms, or whether anyone would hang the picture. The style
errors count the painting as a texture, so a result that repeats its patches scores as one that understood it. The
score rewards more style until the photo is lost: whoever likes a faint painting must not go by it. It puts
variants of one photo in one style in order; scores of different photos or paintings are not comparable. All is judged
at most `LONGEST` pixels large: what only shows at full size is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadInput, ModelMissing
from flamingo.images.picture import resize
from flamingo.quality import measures

if TYPE_CHECKING:
    from flamingo.quality.perceptual import Seen

Pixels = NDArray[np.float32]
LONGEST = 512
LAYER_WORDS = {
    "relu1_1": "colours and grain",
    "relu2_1": "fine strokes",
    "relu3_1": "strokes",
    "relu4_1": "patterns",
    "relu5_1": "large forms",
}
_SHAPE = 0.03  # by how much the sides' ratio may differ from the photo's: rounding of small pictures
_LEAST_WAY = 0.5  # of J between photo and painting: below, the photo is like the painting before anything is painted


@dataclass(frozen=True)
class Figure:
    """One measure: its name, value, what it means in plain words, and whether that is good, or None where it is a
    matter of taste."""

    name: str
    value: float
    words: str
    good: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "value": round(self.value, 4), "words": self.words, "good": self.good}


@dataclass(frozen=True)
class Critique:
    """figures: in the order they are told; score: 0, no more painted than the photo, to 100, or None without VGG-19;
    content_missing, style_missing: (h, w) maps of where, or None; notes: what could not be judged and why."""

    figures: tuple[Figure, ...]
    score: float | None
    notes: tuple[str, ...] = ()
    content_missing: Pixels | None = field(default=None, repr=False, compare=False)
    style_missing: Pixels | None = field(default=None, repr=False, compare=False)

    def __getitem__(self, name: str) -> Figure:
        return next(f for f in self.figures if f.name == name)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "score": None if self.score is None else round(self.score, 2),
            "figures": [f.as_dict() for f in self.figures],
            "notes": list(self.notes),
        }


class Critic:
    """Judges results of one photo in one painting, both (H, W, 3) float32 sRGB in [0, 1]."""

    def __init__(self, photo: Pixels, painting: Pixels, *, vgg: Path | None = None) -> None:
        height, width = photo.shape[:2]
        factor = min(1.0, LONGEST / max(height, width))
        self._size = (max(32, round(height * factor)), max(32, round(width * factor)))
        self._photo = _at(photo, *self._size)
        factor = max(self._size) / max(painting.shape[:2])
        self._painting = _at(painting, *(max(32, round(side * factor)) for side in painting.shape[:2]))
        self.notes: tuple[str, ...] = ()
        self._eye = None
        try:
            from flamingo.quality.perceptual import Eye

            self._eye = Eye(self._photo, self._painting, vgg)
        except ModelMissing as missing:
            self.notes = (f"content, style and the score are left out: {missing}",)

    def judge(self, rgb: Pixels) -> Critique:
        """Judge a result.

        Args:
            rgb: (H, W, 3) float32 in [0, 1], of the photo's proportions and any size.

        Returns:
            The critique.

        Raises:
            BadInput: the result has other proportions than the photo.
        """
        height, width = rgb.shape[:2]
        theirs, ours = width / height, self._size[1] / self._size[0]
        if abs(theirs / ours - 1) > _SHAPE + 1 / min(*self._size, height, width):
            raise BadInput(
                f"a result of {width} x {height} pixels", "the photo has another shape", "name its own photo"
            )
        damage = _damage(rgb, self._photo)
        result = _at(rgb, *self._size)
        features = self._eye.look(result) if self._eye else None
        figures: list[Figure] = []
        score = None
        if features is not None and self._eye is not None:
            figures += _perceived(features, self._eye.photo)
            way = max(self._eye.photo.objective, _LEAST_WAY)
            gone = 1 - features.objective / way
            score = 100 * max(0.0, gone) * _soundness(damage)
        figures += self._measured(result)
        figures += damage
        return Critique(
            tuple(figures),
            score,
            self.notes,
            None if features is None else features.content_missing,
            None if features is None else features.style_missing,
        )

    def _measured(self, result: Pixels) -> list[Figure]:
        to_style = measures.colour_distance(result, self._painting)
        to_photo = measures.colour_distance(result, self._photo)
        structure = measures.structure(result, self._photo)
        edges = measures.edges_kept(result, self._photo)
        sharp = measures.sharpness(result) / max(measures.sharpness(self._painting), 1e-4)
        whose = "the painting's" if to_style < to_photo else "the photo's"
        close = (
            "are"
            if min(to_style, to_photo) < 5
            else "are nearest"
            if min(to_style, to_photo) < 15
            else "are far from"
        )
        return [
            Figure("colour_to_style", to_style, f"the colours {close} {'to ' * ('nearest' in close)}{whose}"),
            Figure("colour_to_photo", to_photo, _graded(to_photo, _COLOURS)),
            Figure("structure", structure, _graded(structure, _STRUCTURE)),
            Figure("edges", edges, _graded(edges, _EDGES), edges > 0.35),
            Figure("sharpness", sharp, _graded(sharp, _SHARPNESS), 0.5 < sharp < 2.5),
        ]


def best_of(candidates: Sequence[Critique]) -> tuple[int, tuple[str, ...]]:
    """Which of several results of one photo in one style the critic likes best: by score; without VGG-19 by how sound
    the picture is and how much of its structure stands.

    Args:
        candidates: critiques of the results.

    Returns:
        The number of the best one, from 0, and why, in sentences.

    Raises:
        ValueError: there are none.
    """
    if not candidates:
        raise ValueError("there are no candidates")
    order = sorted(range(len(candidates)), key=lambda i: _worth(candidates[i]), reverse=True)
    best = candidates[order[0]]
    if best.score is None:
        reasons = ["judged without VGG-19: it is the soundest, and keeps most of the photo's structure"]
    else:
        reasons = [f"its score of {best.score:.1f} is the highest of {len(candidates)}"]
    if len(order) > 1:
        second = candidates[order[1]]
        for name, phrase, sign in _COMPARED:
            if not any(f.name == name for f in best.figures):
                continue
            ours, theirs = best[name].value, second[name].value
            if sign * (ours - theirs) > 0.05 * max(abs(ours), abs(theirs), 0.1):
                reasons.append(f"{phrase} than the next best ({ours:.2f} for {theirs:.2f})")
    wrong = [f.words for f in best.figures if f.name in _DAMAGE and f.good is False]
    return order[0], (*reasons, *(f"yet {words}" for words in wrong))


_COMPARED = (
    ("style", "it has more of the painting", 1),
    ("content", "it keeps more of the photo", 1),
    ("edges", "its outlines stand better", 1),
    ("compression", "it is less damaged", -1),
)
_DAMAGE = ("seams", "checkerboard", "blocking", "compression")
_SEAM = 3.0  # strong outlines that run from side to side reach 2.8


def _worth(critique: Critique) -> tuple[float, float, float]:
    sound = _soundness([f for f in critique.figures if f.name in _DAMAGE])
    return (-1.0 if critique.score is None else critique.score, sound, critique["structure"].value)


def _at(rgb: Pixels, height: int, width: int) -> Pixels:
    return rgb if rgb.shape[:2] == (height, width) else resize(rgb, height, width)


def _perceived(features: Seen, photo: Seen) -> list[Figure]:
    """Content kept and style taken, all as shares of 1."""
    content = 1 / (1 + features.content**2)
    figures = [Figure("content", content, _graded(content, _CONTENT), content > 0.35)]
    style_by_layer = {name: _share_of_way(value, photo.layers[name]) for name, value in features.layers.items()}
    mean = float(np.mean(list(style_by_layer.values())))
    figures.append(Figure("style", mean, _graded(mean, _STYLE)))
    for name, value in style_by_layer.items():
        figures.append(
            Figure(f"style_{name}", value, f"{LAYER_WORDS[name]} of the painting: {_graded(value, _STYLE_LAYER)}")
        )
    return figures


def _share_of_way(error: float, photo: float) -> float:
    """The part of the way from the photo's statistics to the painting's that has been gone."""
    return max(0.0, 1 - error / max(photo, 0.05))


def _damage(rgb: Pixels, photo: Pixels) -> list[Figure]:
    """Of the result at its own size, for resizing hides damage."""
    blocks, checks = measures.blocking(rgb), measures.checkerboard(rgb)
    strength, line, at = measures.seam(rgb, _at(photo, *rgb.shape[:2]))
    where = f"there may be a seam at {line} {at}" if strength > _SEAM else "no seams"
    squeezed = measures.compression(rgb)
    return [
        Figure("seams", strength, where, strength <= _SEAM),
        Figure("checkerboard", checks, _graded(checks, _CHECKS), checks <= 1.2),
        Figure("blocking", blocks, _graded(blocks, _BLOCKS), blocks <= 0.8),
        Figure("compression", squeezed, _graded(squeezed, _SQUEEZED), squeezed <= 0.45),
    ]


def _soundness(damage: Sequence[Figure]) -> float:
    """1 for a sound picture, towards 0 for one that damage has spoilt."""
    # From where on a figure counts, and how much more of it halves the score.
    over = {"seams": (_SEAM, 6.0), "checkerboard": (1.2, 2.0), "blocking": (0.8, 3.0), "compression": (0.3, 1.0)}
    sound = 1.0
    for figure in damage:
        free, scale = over[figure.name]
        sound *= 1 / (1 + max(0.0, figure.value - free) / scale)
    return sound


Grades = tuple[tuple[float, str], ...]
_CONTENT: Grades = (
    (0.3, "the photo is hard to make out"),
    (0.45, "the photo shows through"),
    (0.65, "the photo is well kept"),
    (2, "it is still the photo"),
)
_STYLE: Grades = (
    (0.15, "it has hardly anything of the painting"),
    (0.4, "a touch of the painting"),
    (0.65, "the painting is there"),
    (2, "unmistakably the painting"),
)
_STYLE_LAYER: Grades = ((0.15, "not taken"), (0.4, "hinted at"), (0.65, "taken for the most part"), (2, "taken"))
_COLOURS: Grades = (
    (5, "the photo's colours are kept"),
    (15, "the photo's colours have shifted"),
    (1e9, "other colours"),
)
_STRUCTURE: Grades = (
    (0.2, "light and shade are new"),
    (0.5, "light and shade follow the photo loosely"),
    (0.9, "light and shade follow the photo"),
    (2, "light and shade are the photo's"),
)
_EDGES: Grades = (
    (0.35, "the photo's outlines are lost among the strokes"),
    (0.7, "the main outlines stand"),
    (2, "the outlines stand"),
)
_SHARPNESS: Grades = (
    (0.5, "softer than the painting"),
    (1.6, "as sharp as the painting"),
    (2.5, "sharper than the painting"),
    (1e9, "harsh: more fine detail than the painting has"),
)
_CHECKS: Grades = (
    (0.7, "no checkerboard"),
    (1.2, "noise in the finest detail"),
    (1e9, "a checkerboard in fine detail"),
)
_BLOCKS: Grades = ((0.3, "no grid"), (0.8, "a faint grid of 8 pixels"), (1e9, "a grid of 8 pixels"))
_SQUEEZED: Grades = (
    (0.1, "not compressed"),
    (0.45, "a little of JPEG's rounding"),
    (2, "damaged by compression"),
)


def _graded(value: float, grades: Grades) -> str:
    return next(words for most, words in grades if value < most)
