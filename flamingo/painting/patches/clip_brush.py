"""Paintings to take patches from, as `flamingo.painting.clips` wants what paints clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from flamingo.painting.clip_brush import fingerprint
from flamingo.painting.motion import Frame, floats
from flamingo.painting.patches import memory
from flamingo.painting.patches.brush import PatchBrush
from flamingo.painting.patches.shot import Shot

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PatchClipBrush:
    """A brush of patches for clips."""

    brush: PatchBrush

    @property
    def identity(self) -> str:
        """By all that is said of patches, their paintings and masks."""
        brush = self.brush
        sources = [source for region in brush.regions for source in region.sources]
        shape = [len(region.sources) for region in brush.regions]
        plain = ["patches", asdict(brush.how), brush.strength, brush.options.colour_share, shape]
        masks = [region.share for region in brush.regions]
        weights = np.array([source.weight for source in sources], np.float32)
        return fingerprint(plain, *masks, weights, *(part for s in sources for part in (s.lab, s.mask)))

    @property
    def divides_shots(self) -> bool:
        """What patches are drawn first decides what a plain place is made of: two chunks would have other pieces, and
        one would be seen to dissolve into the other."""
        return False

    def shot(self, tell: Callable[[], None], previews: Sequence[Frame]) -> Shot:
        """A painter of keys."""
        return Shot(self.brush.regions, self.brush.how, tell, previews)

    def shown(self, frame: Frame, painted: Pixels) -> Pixels:
        """With the colours, the strength and the masks of the brush."""
        size = frame.shape[0], frame.shape[1]
        return self.brush.shown(lambda top, bottom: floats(frame[top:bottom]), painted, size)

    def needed(self, height: int, width: int) -> int:
        """See `memory`."""
        return memory.needed_for_frame(height, width)
