"""What paints clips, as `clips` sees it, and the one that is the painter; the other is `patches.clip_brush`."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flamingo.painting import memory, motion
from flamingo.painting.painter import Painter
from flamingo.painting.patch_reuse import Shot
from flamingo.painting.pyramid import Size
from flamingo.painting.regions import Regions
from flamingo.painting.temporal import KeyPainter

__all__ = ["ClipBrush", "Finish", "PainterClipBrush", "fingerprint"]

Pixels = NDArray[np.float32]
Finish = Callable[[Pixels, Pixels], Pixels]
"""Of (photo, painting), (H, W, 3) float32 both: what is shown."""


class ClipBrush(Protocol):
    """All that is asked for about how to paint a clip."""

    @property
    def identity(self) -> str:
        """The same for brushes that paint the same."""

    @property
    def divides_shots(self) -> bool:
        """Whether a long shot may be painted in chunks that fade into each other: two paintings of it are alike."""

    def shot(self, tell: Callable[[], None], previews: Sequence[motion.Frame], /) -> KeyPainter:
        """A painter of keys. tell: is called now and then within long work; an exception that it raises stops it.
        previews: small frames from all over the shot; there may be none."""

    def shown(self, frame: motion.Frame, painted: Pixels, /) -> Pixels:
        """What is seen of a painted frame: colours, strength and masks that its painting leaves out."""

    def needed(self, height: int, width: int, /) -> int:
        """Bytes that painting a frame takes at most, beside the frames that wait."""


@dataclass(frozen=True)
class PainterClipBrush:
    """The painter, its styles and where they are painted. strokes: as in `Painter.paint_map`; finish: gives what is
    shown."""

    painter: Painter
    regions: Regions
    strokes: float | None
    finish: Finish | None

    @property
    def identity(self) -> str:
        """By all but `finish`, which has no name."""
        regions = self.regions
        plain = [self.painter.model, self.painter.version, self.strokes]
        return fingerprint(plain, regions.vectors, regions.weights, regions.palettes)

    @property
    def divides_shots(self) -> bool:
        """The network paints the same frame nearly the same, wherever it begins."""
        return True

    def shot(self, _tell: Callable[[], None], _previews: Sequence[motion.Frame]) -> Shot:
        """A painter of keys; one takes no time that is worth a word, and what it measures is measured as it goes."""
        return Shot(self.painter.networks, self.regions, self.strokes)

    def shown(self, frame: motion.Frame, painted: Pixels) -> Pixels:
        """With the very photo where nothing is painted, and finished."""
        if self.regions.leave_photo:
            left = _unpainted(self.regions, (frame.shape[0], frame.shape[1]))
            painted = painted + (motion.floats(frame) - painted) * left
        return painted if self.finish is None else self.finish(motion.floats(frame), painted)

    def needed(self, height: int, width: int) -> int:
        """See `memory`."""
        return memory.needed_in_tiles(height, width, self.painter.model, streamed=False)


@functools.lru_cache(maxsize=1)
def _unpainted(regions: Regions, size: Size) -> Pixels:
    """How much of the very photo shows at each place: the same in every frame."""
    return regions.fitted(*size).unpainted(size, 0, size[0])


def fingerprint(plain: object, *arrays: NDArray[np.float32] | None) -> str:
    """The sha256 of plain values and arrays, hexadecimal."""
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for values in arrays:
        array = np.zeros(0) if values is None else values
        digest.update(str((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
