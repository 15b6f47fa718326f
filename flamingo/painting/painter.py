"""The painter at work: an array of pixels and a style in, a painted array out.

Everything about files, batches and metadata lives elsewhere; this is what a developer calls who has pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.errors import BadRequest
from flamingo.painting import pyramid as _stroke
from flamingo.painting import regions as _regions
from flamingo.painting import styles as _styles
from flamingo.painting.large import Job, Progress, Rows, strips
from flamingo.painting.networks import Networks
from flamingo.painting.options import MODELS, Model
from flamingo.painting.styles import Style


class Painter:
    """One of the painters, ready to paint.

    model: "fine" (default) or "fast". Loading is done once a process and shared between instances.
    Raises ModelMissing or ModelCorrupt if the weights are not there or not whole.
    """

    def __init__(self, model: Model = "fine") -> None:
        if model not in MODELS:
            raise BadRequest(f"model {model!r}", "there is no such painter", f"choose one of {', '.join(MODELS)}")
        self.model: Model = model
        self.version: str = weights.entry(f"painter-{model}")["version"]
        self.networks = Networks(model)
        self.networks.load("onnx")

    @property
    def styles(self) -> list[Style]:
        """The named styles this painter has learned."""
        return _styles.styles(self.model)

    def paint(self, rgb: NDArray[np.float32], style: str, strength: float = 1.0) -> NDArray[np.float32]:
        """Paint a photo in a named style.

        Args:
            rgb: float (H, W, 3), sRGB in [0, 1].
            style: one of `styles`.
            strength: 0 returns the photo as it is, 1 the full style.

        Returns:
            float32 of the same shape.

        Raises:
            BadRequest: for an unknown style, a strength outside [0, 1] or pixels of another shape.

        Example:
            >>> import numpy as np
            >>> Painter("fast").paint(np.full((64, 96, 3), 0.5, np.float32), "scream").shape
            (64, 96, 3)
        """
        return self.paint_vector(rgb, _styles.vector(style, strength, self.model))

    def paint_vector(self, rgb: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for any style vector, float (S,): a mix of styles is a weighted sum of their vectors."""
        _check(rgb)
        if not np.isfinite(vector).all():
            raise BadRequest("the style vector", "it holds NaN or infinity", "give finite numbers")
        if not np.any(vector):
            return np.array(rgb, np.float32)
        return self.networks.plain(rgb.astype(np.float32, copy=False), np.asarray(vector, dtype=np.float32))

    def paint_map(
        self,
        rgb: NDArray[np.float32],
        vectors: NDArray[np.float32],
        masks: NDArray[np.float32] | None = None,
        *,
        palettes: NDArray[np.float32] | None = None,
        stroke: float | None = 1.0,
        on_progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Paint a photo in several styles at several places: conditional instance normalisation (Dumoulin et al.
        2017, equation 5) with its scales and shifts mixed by the masks, over an image pyramid (see
        flamingo.painting.pyramid).

        Args:
            rgb: float (H, W, 3), sRGB in [0, 1].
            vectors: (K, S), a style vector a row.
            masks: (K, h, w) in [0, 1], how strongly each style is painted at each place, stretched over the picture
                if they have another size; None where one style has all of it. Where masks overlap the styles mix;
                where their sum is below 1 the photo shows (untouched where it is 0); above 1 it is brought down to 1.
            palettes: (K, 4, 3), the colours of each style's painting, most of the way to which those of the result
                are moved (see flamingo.painting.palette); NaN, or None: they stay as the painter makes them.
            stroke: the size of the strokes, 0.25 to 4, in relation to the picture: a larger photo of the same scene
                gets the same strokes, only sharper. 1 is as the painter makes them at 512 pixels (in smaller
                pictures, at their own size). None is strokes of as many pixels as the painter makes them, whatever
                the size.
            on_progress: called as (done, all) now and then; an exception that it raises stops the painting.

        Returns:
            float32 of the shape of `rgb`, sRGB in [0, 1].

        Raises:
            BadRequest: for arrays of other shapes and values out of range.
        """
        _check(rgb)
        height, width = rgb.shape[:2]
        regions = _regions.regions(vectors, masks, palettes)
        if not regions.vectors.any():
            return np.array(rgb, np.float32)
        sizes = None if stroke is None else _stroke.sizes(height, width, _stroke.checked(stroke))
        small = max(height, width) <= _stroke.WORKING if stroke is None else sizes == [(height, width)]
        if small and regions.weights is None and regions.palettes is None:
            return self.paint_vector(rgb, regions.vectors[0])
        rows = lambda top, bottom: rgb[top:bottom].astype(np.float32, copy=False)  # noqa: E731
        out = np.empty(rgb.shape, np.float32)
        top = 0
        for strip in self._strips(Job(rows, (height, width), regions, stroke), on_progress):
            out[top : top + len(strip)] = strip
            top += len(strip)
        return out

    def paint_strips(
        self,
        rows: Rows,
        height: int,
        width: int,
        vectors: NDArray[np.float32],
        masks: NDArray[np.float32] | None = None,
        *,
        palettes: NDArray[np.float32] | None = None,
        stroke: float | None = 1.0,
        on_progress: Progress | None = None,
    ) -> Iterator[NDArray[np.float32]]:
        """`paint_map` for pictures that do not fit in memory.

        Args:
            rows: called as rows(top, bottom), gives these rows of the photo, (bottom - top, W, 3) float32 in [0, 1].
                It is asked for all of them before the first strip, and again with each strip, somewhat further than
                the strip's own; rows more than `tiles.HALO` above the end of the last strip are not asked for again.
            height, width: of the photo, in pixels.
            vectors, masks, palettes, stroke, on_progress: as for `paint_map`.

        Yields:
            Strips (n, W, 3) float32 in [0, 1], from top to bottom.

        Raises:
            BadRequest: as `paint_map`.
        """
        if stroke is not None:
            _stroke.checked(stroke)
        regions = _regions.regions(vectors, masks, palettes)
        return self._strips(Job(rows, (height, width), regions, stroke), on_progress)

    def _strips(self, job: Job, on_progress: Progress | None) -> Iterator[NDArray[np.float32]]:
        """The painted picture, strip by strip, with the very photo where nothing is painted."""
        painted = strips(self.networks, job, on_progress)
        if not job.regions.leave_photo:
            yield from painted
            return
        shown, top = job.regions.fitted(*job.size), 0
        for strip in painted:
            photo, share = job.rows(top, top + len(strip)), shown.unpainted(job.size, top, len(strip))
            yield strip + (photo - strip) * share
            top += len(strip)


def _check(rgb: NDArray[np.float32]) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise BadRequest(f"pixels of shape {rgb.shape}", "a picture is (H, W, 3)", "give height, width and RGB")
    if not np.isfinite(rgb).all():
        raise BadRequest("the pixels", "they hold NaN or infinity", "give finite numbers")
