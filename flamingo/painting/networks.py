"""The networks of one painter: the painter as it is, and the views of it that measure, paint tiles and paint regions
(see flamingo/train/painting/views.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo import runtime, weights
from flamingo.images import resample
from flamingo.painting import palette, tiles
from flamingo.painting.grain import grain
from flamingo.painting.regions import Regions

Pixels = NDArray[np.float32]

_PAINT = (
    "onnx",
    "tile",
    "regions",
)  # what may be computed in bf16; what is measured is measured exactly
_SEEN = 1 / 1024  # a weight below this is none
_GATE = 4.0  # the logit of how much of the photo shows at strength 0; at 1, it is as far below zero


@dataclass(frozen=True)
class Statistics:
    """By what each style normalises: means and variances (K, sum of the layers' widths). gates: (K,), the logit of
    how much of the photo shows in each style. colours: (K, 3, 4), how each changes the colours that it has painted
    (see flamingo.painting.palette)."""

    means: Pixels
    variances: Pixels
    gates: Pixels
    colours: Pixels

    def of(self, styles: NDArray[np.bool_]) -> Statistics:
        return Statistics(self.means[styles], self.variances[styles], self.gates[styles], self.colours[styles])

    def covered(self, weights: Pixels | None) -> Pixels:
        """How much of the photo the painting covers, 0 to 1: (H, W, 1), or (1, 1, 1) if it is the same all over."""
        logits = self.gates[None, None] if weights is None else weights @ self.gates[:, None]
        return np.asarray(1 / (1 + np.exp(logits.reshape(*logits.shape[:2], 1))), np.float32)


def network(model: str, kind: str) -> runtime.Network:
    """One of a painter's networks ("painter-fine", "encoder"), after checking the file that has its weights too.
    Raises ModelMissing or ModelCorrupt, BadRequest for a precision that cannot be had."""
    weights.path(model, "weights")
    return runtime.load(weights.path(model, kind), exact=kind not in _PAINT)


class Networks:
    """Each network is loaded when it is first needed, once a process. Raises ModelMissing or ModelCorrupt."""

    def __init__(self, model: str) -> None:
        self._model = f"painter-{model}"
        self.largest = tiles.LARGEST[model]
        """Pixels that it is given at once, at most."""

    def load(self, kind: str) -> runtime.Network:
        """kind: onnx (the painter itself), measure, tile or regions."""
        return network(self._model, kind)

    def plain(self, photo: Pixels, vector: Pixels) -> Pixels:
        """The painter itself: a photo (H, W, 3) of any size, whole, in one style (S,)."""
        painter, planes = self.load("onnx"), _planes(_padded(photo))
        painted = painter(photo=planes, vector=vector[None], **_grain(painter, planes))
        return _picture(painted, photo)

    def measure(self, photo: Pixels, regions: Regions) -> tuple[Pixels, Statistics]:
        """By what each style normalises when it paints all of a photo (H, W, 3); and that painting in the first."""
        measure, planes = self.load("measure"), _planes(_padded(photo))
        noise = _grain(measure, planes)
        outputs = [measure.outputs(photo=planes, vector=row[None], **noise) for row in regions.vectors]
        means, variances, gates = (np.concatenate([f[i] for f in outputs]) for i in (1, 2, 3))
        colours = palette.same_for(len(outputs))
        pictures = [_picture(f[0], photo) for f in outputs]
        if regions.palettes is not None:
            for i, (picture, target) in enumerate(zip(pictures, regions.palettes, strict=True)):
                share = palette.SHARE * _painted(float(gates[i]))
                colours[i] = palette.change(palette.palette(picture), target, share)
        return palette.changed(pictures[0], colours), Statistics(means, variances, gates, colours)

    def tile(
        self,
        photo: Pixels,
        vectors: Pixels,
        weights: Pixels | None,
        statistics: Statistics,
        at: tuple[int, int] = (0, 0),
    ) -> Pixels:
        """Paint a tile (H, W, 3), H and W multiples of 4, in one style, or in several by weights (H, W, K). at: its
        first row and column in the picture."""
        if weights is not None:
            here = weights.max(axis=(0, 1)) > _SEEN
            vectors, statistics, weights = vectors[here], statistics.of(here), weights[:, :, here]
        plain = weights is None or len(vectors) == 1
        painter, planes = self.load("tile" if plain else "regions"), _planes(photo)
        inputs = {"means": statistics.means, "variances": statistics.variances, **_grain(painter, planes, at)}
        if weights is None or plain:
            painted = painter(photo=planes, vector=vectors, **inputs)
        else:
            maps = {
                name: _planes(resample.shrunk(weights, photo.shape[0] // part, photo.shape[1] // part))
                for name, part in (("full", 1), ("half", 2), ("quarter", 4))
            }
            painted = painter(photo=planes, vectors=vectors, **maps, **inputs)
        return palette.changed(_picture(painted, photo), statistics.colours, weights)


def _painted(gate: float) -> float:
    """How much is painted, by the logit of how much of the photo shows: 0 at strength 0 and 1 at strength 1."""
    least = 1 / (1 + np.exp(_GATE))
    return float(np.clip((1 / (1 + np.exp(gate)) - least) / (1 - 2 * least), 0, 1))


def _padded(photo: Pixels) -> Pixels:
    """Continued as in a mirror to a size that the network takes."""
    height, width = photo.shape[:2]
    more = ((0, tiles.padded(height) - height), (0, tiles.padded(width) - width), (0, 0))
    return np.pad(photo, more, "symmetric")


def _picture(planes: Pixels, photo: Pixels) -> Pixels:
    return np.ascontiguousarray(planes[0, :, : photo.shape[0], : photo.shape[1]].transpose(1, 2, 0))


def _grain(painter: runtime.Network, planes: Pixels, at: tuple[int, int] = (0, 0)) -> dict[str, Pixels]:
    """What a network that takes grain is given with a photo; those released before there was any take none."""
    return {"grain": grain(*at, *planes.shape[2:])[None]} if "grain" in painter.inputs else {}


def _planes(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
