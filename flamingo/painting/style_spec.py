"""In what manner, and where: from what a user writes after --style, --painting and --mask to vectors and masks.

    --style great-wave                        a named style, the painter's or one's own
    --style monet.jpg                         any painting
    --style great-wave=.6 --style mine=.4     a mix of two
    --style great-wave@sea.png                on a region: white in the mask paints, grey partly

Styles on the same mask are mixed; one without a mask takes what the masks leave. A style is a vector, so a mix is a
weighted mean of vectors, and a region is a vector with a mask (see `Painter.paint_map`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import images, paintings
from flamingo.errors import BadInput, BadRequest, show
from flamingo.files import sha256
from flamingo.images import streaming
from flamingo.images.formats import READ_SUFFIXES
from flamingo.images.picture import resize
from flamingo.painting import encoder, palette, user_styles
from flamingo.painting import styles as named_styles
from flamingo.painting.borders import without_border

__all__ = [
    "DEFAULT",
    "Painting",
    "StyleMix",
    "StyleTerm",
    "by_mask",
    "files_by_name",
    "is_learned",
    "known_names",
    "label_of",
    "mask_of",
    "masks_of",
    "notes_on",
    "painting_of",
    "parse_styles",
    "said_of",
    "style_mix",
]

Files = Sequence[Path] | Mapping[str, Path]
"""Files, or files by the names that texts have for them."""

DEFAULT = "starry-night"
_BLACK = 1 / 255
_LONGEST = 4096  # pixels of a painting's longest side that are looked at


@dataclass(frozen=True)
class StyleTerm:
    """One of the styles asked for. name: a named style, or the name of the painting's file; painting, mask: files."""

    name: str
    weight: float = 1.0
    painting: Path | None = None
    mask: Path | None = None


@dataclass(frozen=True, eq=False)
class StyleMix:
    """What `Painter.paint_map` is told. vectors: (K, S) float32, already as long as the strength asks for; masks: K
    arrays (h, w) float32 in [0, 1], of any sizes, or None where one vector has the whole picture; palettes:
    (K, 4, 3) float32, the colours of the paintings behind them, NaN where the painter knows its style by heart;
    painting_notes: what there is to say of these.

    label: short, for the name of a folder; recipe: all of it as plain values.
    """

    vectors: NDArray[np.float32]
    masks: tuple[NDArray[np.float32], ...] | None
    label: str
    recipe: list[dict[str, Any]]
    palettes: NDArray[np.float32]
    painting_notes: tuple[str, ...] = ()

    def fitted(self, height: int, width: int) -> NDArray[np.float32] | None:
        """The masks (K, h, w) for a photo of that size, all of one size, and not larger than the photo."""
        if self.masks is None:
            return None
        tall, wide = (min(most, max(m.shape[i] for m in self.masks)) for i, most in enumerate((height, width)))
        return np.stack([m if m.shape == (tall, wide) else _resized(m, tall, wide) for m in self.masks])

    def notes(self, height: int, width: int) -> list[str]:
        """What is to be said of paintings and masks on a photo of that size."""
        return [*self.painting_notes, *notes_on(self.masks or (), height, width)]


@dataclass(frozen=True, eq=False)
class Painting:
    """The painting behind a style, without the plain border around it.

    Attributes:
        pixels: (H, W, 3) float32 sRGB in [0, 1].
        inside: where they are in the whole picture of it.
        size: the whole picture's (H, W).
        notes: what there is to say of it.
    """

    pixels: NDArray[np.float32]
    inside: tuple[slice, slice]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def notes_on(masks: Sequence[NDArray[np.float32]], height: int, width: int) -> list[str]:
    """What is to be said of masks (h, w) that are stretched over a photo of that size."""
    notes = []
    for h, w in (mask.shape for mask in masks):
        if (h, w) != (height, width) and min(h, w) > 1:
            note = f"the mask of {w} x {h} pixels was resampled to the photo's {width} x {height}"
            if abs(math.log(w / h * height / width)) > 0.02:
                note += ", which has other proportions"
            notes.append(note)
    return list(dict.fromkeys(notes))


def known_names(model: str) -> list[str]:
    """Every name that --style takes: the painter's styles, then one's own."""
    mine = user_styles.names() if encoder.known(model) else []
    return [style.name for style in named_styles.styles(model)] + mine


def parse_styles(
    style: Sequence[str], painting: Files, mask: Files, model: str, *, anywhere: bool = True
) -> list[StyleTerm]:
    """Understand the texts. painting, mask: files that texts may name by their file names alone; a painting that none
    names is a style of its own, and a single mask that none names is for all that have none. anywhere: whether texts
    may name other files too, which those of a stranger may not.

    Raises BadRequest for a name that is not known, a weight that is not a positive number, a file that is not there.
    """
    paintings, masks = files_by_name(painting), files_by_name(mask)
    files = _Files(paintings, masks, model, anywhere)
    terms = [files.part(text) for text in style]
    used = {part.painting for part in terms}
    terms += [StyleTerm(name, painting=path) for name, path in paintings.items() if path not in used]
    if not terms:
        terms = [StyleTerm(DEFAULT)]
    placed = {part.mask for part in terms}
    rest = [name for name, path in masks.items() if path not in placed]
    if rest and len(masks) > 1:
        raise BadRequest(
            f"mask {rest[0]}", "it is not said for which style", f"add it to one: --style NAME@{rest[0]}"
        )
    if rest:
        if placed != {None}:
            raise BadRequest(f"mask {rest[0]}", "some styles have masks of their own", "name a mask for each")
        terms = [replace(part, mask=masks[rest[0]]) for part in terms]
    return terms


def files_by_name(files: Files) -> dict[str, Path]:
    """Files by the names that texts have for them. Raises BadRequest if two have one name."""
    if isinstance(files, Mapping):
        return dict(files)
    by_name: dict[str, Path] = {}
    for path in files:
        if by_name.setdefault(path.name, path) != path:
            raise BadRequest(f"two files called {path.name}", "which of them is meant cannot be told", "rename one")
    return by_name


def style_mix(terms: Sequence[StyleTerm], strength: float, model: str) -> StyleMix:
    """Look at the paintings and masks. Raises BadInput for one that cannot be read or has nothing in it."""
    groups = by_mask(terms)
    length = np.float32(named_styles.length(strength))
    manners = [_mixed(group, model) for group in groups.values()]
    vectors, palettes = np.stack([m.vector for m in manners]), np.stack([m.palette for m in manners])
    notes = dict.fromkeys(note for manner in manners for note in manner.notes)
    placed = masks_of(terms)
    masks = tuple(placed[path] for path in groups) if placed else None
    return StyleMix(vectors * length, masks, label_of(terms), said_of(terms, model), palettes, tuple(notes))


def by_mask(terms: Sequence[StyleTerm]) -> dict[Path | None, list[StyleTerm]]:
    """Styles by the mask where they are painted together, in order."""
    groups: dict[Path | None, list[StyleTerm]] = {}
    for term in terms:
        groups.setdefault(term.mask, []).append(term)
    return groups


def masks_of(terms: Sequence[StyleTerm]) -> dict[Path | None, NDArray[np.float32]]:
    """The masks (h, w) in [0, 1] by their files; of styles without one, what the masks leave, under None. Empty if
    no style has a mask. Raises BadInput for one that is black all over or cannot be read."""
    mask_files = {part.mask for part in terms}
    read: dict[Path | None, NDArray[np.float32]] = {path: mask_of(path) for path in mask_files if path is not None}
    if read and None in mask_files:
        tall, wide = (max(m.shape[i] for m in read.values()) for i in (0, 1))
        covered = sum(_resized(m, tall, wide) for m in read.values())
        read[None] = np.asarray(1 - np.clip(covered, 0, 1), np.float32)
    return read


def is_learned(part: StyleTerm, model: str) -> bool:
    """Whether a painter has learned the style, rather than read it from a painting in one pass."""
    return part.painting is None and part.name in {style.name for style in named_styles.styles(model)}


def label_of(terms: Sequence[StyleTerm]) -> str:
    """The styles in a few letters, for the name of a folder."""
    names = dict.fromkeys(Path(part.name).stem if part.painting else part.name for part in terms)
    return "+".join(names)[:80]


def said_of(terms: Sequence[StyleTerm], model: str) -> list[dict[str, Any]]:
    """The styles as plain values, for recipes."""
    return [_plain_values(part, model) for part in terms]


def painting_of(part: StyleTerm) -> Painting:
    """The painting behind a style: of a file, its picture, of 4,096 pixels at most; of a named style and of one's
    own, the smaller picture that is kept. Raises BadInput if it cannot be read, BadRequest if there is none."""
    picture = _picture_of(part)
    inside = without_border(picture)
    pixels = np.ascontiguousarray(picture[inside])
    notes: tuple[str, ...] = ()
    if part.painting is not None and pixels.shape != picture.shape:
        notes = (f"the plain border around {show(part.painting)} was left out",)
    return Painting(pixels, inside, (picture.shape[0], picture.shape[1]), notes)


def _picture_of(part: StyleTerm) -> NDArray[np.float32]:
    """(H, W, 3), with all that is around the painting."""
    if part.painting is not None:
        work = images.open(part.painting)
        longest = max(work.height, work.width)
        if isinstance(work, streaming.Canvas):
            return work.shrunk(min(longest, _LONGEST)).rgb
        return (work.resized(_LONGEST) if longest > _LONGEST else work).rgb
    if part.name in user_styles.names():
        return user_styles.read(part.name).painting
    file = paintings.file(part.name)
    if not file.is_file():
        raise BadRequest(
            f"style {part.name!r}", "no picture of its painting is kept here", "name the painting's file"
        )
    return images.read(file).rgb


@dataclass(frozen=True, eq=False)
class _Manner:
    """vector: (S,) float32; palette: (4, 3) float32 (see `StyleMix`)."""

    vector: NDArray[np.float32]
    palette: NDArray[np.float32]
    notes: tuple[str, ...] = ()


def _mixed(group: Sequence[StyleTerm], model: str) -> _Manner:
    """The manner of styles that are mixed."""
    manners = [_manner(part, model) for part in group]
    palettes = [manner.palette for manner in manners]
    if (
        len({bool(np.isnan(palette).any()) for palette in palettes}) == 2
    ):  # named ones among others, of which some is known
        palettes = [_colours(p) if np.isnan(c).any() else c for p, c in zip(group, palettes, strict=True)]
    weights = [part.weight for part in group]
    notes = tuple(note for manner in manners for note in manner.notes)
    return _Manner(_mean([manner.vector for manner in manners], weights), _mean(palettes, weights), notes)


def _mean(arrays: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    total = sum(weights)
    return np.asarray(
        sum(np.float32(w / total) * array for array, w in zip(arrays, weights, strict=True)), np.float32
    )


def _manner(part: StyleTerm, model: str) -> _Manner:
    if part.name in {style.name for style in named_styles.styles(model)} and part.painting is None:
        return _Manner(named_styles.vector(part.name, 1.0, model), palette.unknown(1)[0])
    if part.painting is None:
        mine = user_styles.read(part.name)
        return _Manner(user_styles.vector(mine, model), palette.palette(mine.painting))
    painting = painting_of(part)
    vector = encoder.encoded(painting.pixels, model, show(part.painting))
    return _Manner(vector, palette.palette(painting.pixels), painting.notes)


def _colours(part: StyleTerm) -> NDArray[np.float32]:
    try:
        return palette.palette(painting_of(part).pixels)
    except BadRequest:  # a painter of one's own, whose paintings are not kept here
        return np.asarray(palette.unknown(1)[0], np.float32)


def _plain_values(part: StyleTerm, model: str) -> dict[str, Any]:
    values: dict[str, Any] = {"style": part.name, "weight": part.weight}
    if part.painting is not None:
        values["painting_sha256"] = sha256(part.painting)
    elif part.name not in {style.name for style in named_styles.styles(model)}:
        mine = user_styles.read(part.name)
        values |= {"painting_sha256": mine.sha256, "refined": user_styles.key(model) in mine.refined}
    if part.mask is not None:
        values["mask_sha256"] = sha256(part.mask)
    return values


def mask_of(file: Path) -> NDArray[np.float32]:
    """A mask, (h, w) in [0, 1]: the mean of its colours as they are stored; what is transparent is black. Raises
    BadInput if it cannot be read or is black all over."""
    picture = images.read(file)
    mask = picture.rgb.mean(axis=2)
    if picture.alpha is not None:
        mask = mask * picture.alpha
    if float(mask.max()) < _BLACK:
        raise BadInput(
            show(file), "this mask is black all over, so nothing would be painted", "paint with white in it"
        )
    return np.asarray(mask, np.float32)


def _resized(mask: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return resize(mask[..., None], height, width)[..., 0]


class _Files:
    """Which names and files the texts after --style may name."""

    def __init__(self, paintings: dict[str, Path], masks: dict[str, Path], model: str, anywhere: bool) -> None:
        self._paintings, self._masks = paintings, masks
        self._names = known_names(model)
        self._anywhere = anywhere

    def part(self, text: str) -> StyleTerm:
        """One text: NAME, NAME=WEIGHT, NAME@MASK or NAME=WEIGHT@MASK. A file's own name may hold = and @ as well."""
        name, weight, mask = text.strip(), 1.0, None
        head, _, tail = name.rpartition("=")
        whole = self._is_known(name) or ("@" not in tail and self._is_known(head))
        if not whole and "@" in name:
            name, _, mask_name = name.rpartition("@")
            mask = self._file(mask_name, self._masks)
            if mask is None:
                raise BadRequest(f"mask {mask_name!r}", "there is no such file", "check its name")
        if not self._is_known(name) and "=" in name:
            name, _, number = name.rpartition("=")
            weight = _weight(name, number)
        if name in self._names:
            return StyleTerm(name, weight, None, mask)
        painting = self._file(name, self._paintings)
        if painting is not None:
            return StyleTerm(Path(name).name, weight, painting, mask)
        if Path(name).suffix.lower() in READ_SUFFIXES:
            raise BadRequest(f"style {name!r}", "there is no such painting", "check the file's name")
        near = difflib.get_close_matches(name.lower().replace(" ", "-").replace("_", "-"), self._names, 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`flamingo styles` lists them"
        raise BadRequest(f"style {name!r}", "there is no style or painting of that name", hint)

    def _is_known(self, name: str) -> bool:
        return name in self._names or self._file(name, self._paintings) is not None

    def _file(self, name: str, files: dict[str, Path]) -> Path | None:
        if name in files:
            return files[name]
        if not self._anywhere:
            return None
        try:
            return Path(name) if Path(name).is_file() else None
        except (OSError, ValueError):
            return None


def _weight(name: str, number: str) -> float:
    try:
        if "_" in number or not number.isascii():  # which only Python takes for numbers; the pages would not
            raise ValueError(number)
        weight = float(number)
    except ValueError:
        raise BadRequest(f"weight {number!r}", "it is no number", f"write it so: {name}=.5") from None
    if not (math.isfinite(weight) and weight > 0):
        raise BadRequest(f"weight {number}", "a weight is a number above 0", f"leave {name} out, or write {name}=.5")
    return weight
