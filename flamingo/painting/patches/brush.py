"""Everything that was asked for about how to rebuild photos from patches, ready to be used on one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.files import sha256
from flamingo.images import resample
from flamingo.images.picture import resize
from flamingo.options import shared
from flamingo.painting import memory as painting_memory
from flamingo.painting import style_spec
from flamingo.painting.colour import coloured, to_oklab
from flamingo.painting.large import Progress, Rows
from flamingo.painting.options import PatchOptions, StyleOptions
from flamingo.painting.patches import memory
from flamingo.painting.patches.atlas import Source
from flamingo.painting.patches.correspondence import Correspondence
from flamingo.painting.patches.synthesis import PatchSettings, Region, synthesise
from flamingo.painting.pyramid import Size
from flamingo.painting.style_spec import Painting, StyleTerm

Pixels = NDArray[np.float32]

_MOST = 64  # paintings together


@dataclass(frozen=True, eq=False)
class PatchBrush:
    """Paintings to take patches from, and how: the counterpart of `flamingo.painting.brush.Brush`.

    Attributes:
        regions: the paintings, grouped by the mask where they are painted.
        label: the styles in a few letters.
        styles: the styles as plain values, for recipes.
        painting_notes: what there is to say of the paintings.
        strength: from 0, the photo, to 1, the painting.
        options: colour and stroke.
        patches: fidelity and seed.
        matches: what `regions` has of parts of the photo for parts of the painting.
    """

    regions: tuple[Region, ...]
    label: str
    styles: list[dict[str, Any]]
    painting_notes: tuple[str, ...]
    strength: float
    options: StyleOptions
    patches: PatchOptions
    matches: tuple[Correspondence, ...] = ()

    def paint(self, rgb: Pixels, on_progress: Progress | None = None) -> Pixels:
        """Rebuild `rgb`, (H, W, 3) float32 sRGB in [0, 1]; the same shape."""
        height, width = rgb.shape[:2]
        return np.concatenate(list(self.strips(lambda top, bottom: rgb[top:bottom], height, width, on_progress)))

    def strips(self, rows: Rows, height: int, width: int, on_progress: Progress | None = None) -> Iterator[Pixels]:
        """The same for a picture of which `rows(top, bottom)` gives a part, strip by strip from top to bottom."""
        if self.strength == 0:
            for top in range(0, height, 256):
                yield rows(top, min(top + 256, height))
            return
        top = 0
        for painted in synthesise(rows, (height, width), self.regions, self.how, on_progress):
            yield self.shown(rows, painted, (height, width), top)
            top += len(painted)

    @property
    def how(self) -> PatchSettings:
        """Fidelity, size of the strokes, and seed."""
        return PatchSettings(self.patches.fidelity_or_usual, self.options.stroke, self.patches.seed or 0)

    def shown(self, rows: Rows, painted: Pixels, size: Size, top: int = 0) -> Pixels:
        """What is seen of painted rows from `top` on of a picture of that size: colours, strength, and masks beyond
        which there is the photo, of which `rows` gives a part."""
        bottom = top + len(painted)
        share = np.float32(self.strength) * self._covered(size, top, bottom)
        if self.options.colour_share == 1 and float(share.min()) == 1:
            return painted
        photo = rows(top, bottom)
        painted = coloured(painted, photo, self.options.colour_share)
        return np.asarray(photo + share * (painted - photo), np.float32)

    def adjusted(self, strength: float, options: StyleOptions, patches: PatchOptions | None = None) -> PatchBrush:
        """The same paintings, otherwise used."""
        return replace(self, strength=strength, options=options, patches=patches or self.patches)

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it as plain values: enough, with the photo and the paintings, to paint the same again."""
        style = asdict(self.options)
        del style["model"]  # of the painter
        return {
            "method": "patches",
            "style": self.label,
            "styles": self.styles,
            "strength": self.strength,
            **style,
            "colour": self.options.colour_share,
            "fidelity": self.patches.fidelity_or_usual,
            "seed": self.patches.seed or 0,
            **({"match": [_mask_hashes(pair) for pair in self.matches]} if self.matches else {}),
        }

    def notes(self, height: int, width: int) -> list[str]:
        """What there is to say of paintings and masks on a photo of this size."""
        masks = [region.share for region in self.regions if region.share is not None]
        return [*self.painting_notes, *style_spec.notes_on(masks, height, width)]

    def check_memory(self, photo: Path, height: int, width: int, *, streamed: bool) -> None:
        """Raise ImageTooLarge if this machine has not the memory free that a photo of this size takes."""
        painting_memory.check_free(photo, height, width, memory.needed(height, width, streamed=streamed))

    def _covered(self, size: tuple[int, int], top: int, bottom: int) -> Pixels:
        """How much of each place is painted, (n, W, 1) in [0, 1]; (1, 1, 1) if it is all of it."""
        shares = [region.share for region in self.regions]
        if any(share is None for share in shares):
            return np.ones((1, 1, 1), np.float32)
        parts = [
            resample.window(share[..., None], size, top, 0, bottom - top, size[1], "linear")
            for share in shares
            if share is not None
        ]
        return np.asarray(np.clip(sum(parts[1:], parts[0]), 0, 1), np.float32)


def patch_brush(
    styles: Sequence[StyleTerm],
    strength: float,
    options: StyleOptions,
    patches: PatchOptions,
    matches: Sequence[Correspondence] = (),
) -> PatchBrush:
    """The brush for styles that are understood. options, patches: of any class that has theirs. matches: parts of the
    photo for parts of the one painting.

    Raises:
        BadInput: for a painting or mask that cannot be used.
        BadRequest: for a style of which no painting is kept, and for too many paintings.
    """
    if len(styles) > _MOST:
        raise BadRequest(f"{len(styles)} styles", f"patches are taken from {_MOST} paintings at most", "name fewer")
    masks = style_spec.masks_of(styles)
    regions: list[Region] = []
    painting_notes: list[str] = []
    for mask, terms in style_spec.by_mask(styles).items():
        sources = []
        for term in terms:
            painting = style_spec.painting_of(term)
            sources.append(Source(to_oklab(painting.pixels), term.weight))
            painting_notes += painting.notes
        regions.append(Region(tuple(sources), masks.get(mask)))
    if matches:
        regions = _matched(regions[0], painting, matches)
    label, recipe = style_spec.label_of(styles), style_spec.said_of(styles, options.model)
    how = shared(options, StyleOptions), shared(patches, PatchOptions)
    return PatchBrush(
        tuple(regions), label, recipe, tuple(dict.fromkeys(painting_notes)), strength, *how, matches=tuple(matches)
    )


def _mask_hashes(pair: Correspondence) -> dict[str, str]:
    return {"photo_mask_sha256": sha256(pair.photo), "painting_mask_sha256": sha256(pair.painting)}


def _matched(region: Region, painting: Painting, matches: Sequence[Correspondence]) -> list[Region]:
    """The regions of a painting of which parts are for parts of the photo, and the one for what is left."""
    (source,) = region.sources
    regions, covered, rest = [], np.zeros(painting.size, np.float32), None
    for pair in matches:
        share, white = style_spec.mask_of(pair.photo), style_spec.mask_of(pair.painting)
        white = resize(white[..., None], *painting.size)[..., 0]
        covered = np.maximum(covered, white)
        if region.share is not None:
            share = share * resize(region.share[..., None], *share.shape)[..., 0]
        here = np.ones_like(share) if rest is None else resize(rest[..., None], *share.shape)[..., 0]
        regions.append(Region((replace(source, mask=np.ascontiguousarray(white[painting.inside])),), share * here))
        rest = here * (1 - share)
    assert rest is not None
    left = rest if region.share is None else rest * resize(region.share[..., None], *rest.shape)[..., 0]
    # Where all of the painting is taken, the rest of the photo may have all of it too.
    free = (1 - covered)[painting.inside]
    mask = np.ascontiguousarray(free) if float(free.max()) > 0.5 else None
    return [*regions, Region((replace(source, mask=mask),), left)]
