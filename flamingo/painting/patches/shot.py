"""Frames of a film rebuilt from patches so that nothing flickers: the counterpart of `flamingo.painting.patch_reuse`.

The first frame of a shot is rebuilt as a photo is. A later one begins with the matches and the painting of the last,
moved along the flow, and is held to them where the flow is trusted (see `synthesis.Earlier`), so that strokes stay on
their things and stay pieces of the painting: what is moved is matched anew, and does not blur. The map of colours is
that of the whole shot; where no more than its frames so far are known, it is measured every few paintings and follows
slowly, as the means and variances of the painter do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.painting import motion
from flamingo.painting.boxes import Box
from flamingo.painting.colour import to_oklab
from flamingo.painting.motion import Frame, Moved, floats
from flamingo.painting.patches import transport
from flamingo.painting.patches.matching import Matches
from flamingo.painting.patches.synthesis import (
    Earlier,
    PatchSettings,
    Region,
    Shared,
    Synthesis,
    colour_map,
    workers,
)
from flamingo.painting.patches.transport import ColourMap
from flamingo.painting.pyramid import Size

__all__ = ["Shot"]

Pixels = NDArray[np.float32]

_MEASURED = 4  # paintings from one measurement of colours to the next
_GLIDE = 0.2  # how far the map of colours goes towards the last measurement with each painting
_REACH = 24  # pixels around what is missing that are matched with it
_MUCH = 0.7  # share of a frame from which on all of it is matched


class Shot:
    """The painter of one shot after another, which begins with `begin`.

    regions, how: as of `synthesise`; tell: is called after each round of matching; previews: small frames, whose
    colours are those of the shot; none if these are to be measured as it goes.
    """

    def __init__(
        self, regions: Sequence[Region], how: PatchSettings, tell: Callable[[], None], previews: Sequence[Frame] = ()
    ) -> None:
        self._previews = [to_oklab(floats(frame)) for frame in previews]
        self._regions, self._how, self._tell = regions, how, tell
        self._shared: dict[Size, Shared] = {}
        self._maps: list[ColourMap] = []
        self._target: list[ColourMap] = []
        self._corrections: Sequence[ColourMap | None] | None = None
        self._excess: Pixels | None = None
        self._matches: dict[int, Matches] = {}
        self._keys = 0
        self.work = 0.0
        """How many frames were painted, boxes counted by their pixels."""

    def begin(self, frame: Frame) -> Pixels:
        """The first frame of a shot, (H, W, 3) in [0, 1] or 8-bit, painted, float32 in [0, 1]."""
        self._maps, self._target, self._excess, self._matches, self._keys = [], [], None, {}, 0
        self._corrections = None
        return self.key(frame)

    def key(self, frame: Frame, moved: Moved | None = None) -> Pixels:
        """Another frame of the shot, painted; the map of colours follows it somewhat. moved: what it goes on from."""
        size = frame.shape[0], frame.shape[1]
        shared = self._shared.setdefault(size, Shared())
        shared.rough.clear()
        shared.excess = self._excess
        earlier = None
        if moved is not None:
            earlier = Earlier(moved.painting, moved.share, moved.match.flow, self._matches)
        with workers() as pool:
            synthesis = Synthesis(
                lambda top, bottom: floats(frame[top:bottom]), size, self._regions, self._how, pool, self._told,
                shared, earlier, kept=True,
            )  # fmt: skip
            synthesis.maps, synthesis.corrections = self._settled(synthesis), self._corrections
            painted = np.concatenate(list(synthesis.strips()))
        self._matches, self._excess = synthesis.matches, shared.excess
        self._corrections = synthesis.corrections
        self.work += 1
        return painted

    def boxes(self, frame: Frame, mask: Pixels, around: Pixels) -> list[tuple[Box, Pixels]]:
        """What the frame shows where a mask (h, w) is above 0, painted: boxes that hold it, and their paintings.
        around: the frame's painting elsewhere, to which they are joined."""
        size = frame.shape[0], frame.shape[1]
        known = 1 - np.clip(motion.enlarged(mask, size), 0, 1)
        return [(box, self._box(frame, box, known, around)) for box in _boxes(mask, size)]

    def state(self) -> dict[str, NDArray[Any]]:
        """All that paintings to come depend on, as arrays."""
        arrays: dict[str, NDArray[Any]] = {"keys": np.array(self._keys)}
        if self._excess is not None:
            arrays["excess"] = self._excess
        for name, maps in (("now", self._maps), ("target", self._target)):
            for i, colours in enumerate(maps):
                arrays |= {f"{name}_{i}_{part}": getattr(colours, part) for part in _PARTS}
        for i, correction in enumerate(self._corrections or ()):
            if correction is not None:
                arrays |= {f"correction_{i}_{part}": getattr(correction, part) for part in _PARTS}
        for factor, matches in self._matches.items():
            arrays |= {f"rows_{factor}": matches.rows, f"columns_{factor}": matches.columns}
        return arrays

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from where `state` was asked for."""
        self._keys, self._excess = int(state["keys"]), state.get("excess")
        self._maps, self._target = (
            [ColourMap(*(state[f"{name}_{i}_{part}"] for part in _PARTS)) for i in range(len(self._regions))]
            for name in ("now", "target")
        )
        self._corrections = [
            ColourMap(*(state[f"correction_{i}_{part}"] for part in _PARTS))
            if f"correction_{i}_lattice" in state
            else None
            for i in range(len(self._regions))
        ]
        factors = [int(name.removeprefix("rows_")) for name in state if name.startswith("rows_")]
        self._matches = {f: Matches(state[f"rows_{f}"], state[f"columns_{f}"]) for f in factors}

    def _settled(self, synthesis: Synthesis) -> list[ColourMap]:
        """The maps of colours, brought up to a frame."""
        self._keys += 1
        if self._previews:
            if not self._maps:
                self._maps = self._target = [
                    colour_map(region, self._previews, self._how.seed) for region in self._regions
                ]
            return self._maps
        if self._keys % _MEASURED == 1:
            self._target = synthesis.measured()
        pairs = zip(self._maps, self._target, strict=True) if self._maps else ()
        self._maps = [transport.between(now, to, _GLIDE) for now, to in pairs] or self._target
        return self._maps

    def _box(self, frame: Frame, box: Box, known: Pixels, around: Pixels) -> Pixels:
        """A box of a frame, held to what is painted around what is missing."""
        size = frame.shape[0], frame.shape[1]
        share = np.ascontiguousarray(known[box.slices])
        earlier = Earlier(np.ascontiguousarray(around[box.slices]), share, np.zeros((*share.shape, 2), np.float32))
        regions = [
            region if region.share is None
            else replace(region, share=np.ascontiguousarray(motion.enlarged(region.share, size)[box.slices]))
            for region in self._regions
        ]  # fmt: skip
        # A box is a smaller picture, of which the painting is as large as of the frame.
        how = replace(self._how, stroke=self._how.stroke * max(size) / max(box.size))
        top, left = box.top, box.left
        whole = self._shared.setdefault(size, Shared())
        shared = Shared(whole.atlases, whole.softened, whole.rough, self._excess)
        with workers() as pool:
            synthesis = Synthesis(
                lambda first, last: floats(frame[top + first : top + last, left : box.right]), box.size, regions, how,
                pool, self._told, shared, earlier,
            )  # fmt: skip
            synthesis.maps, synthesis.corrections = self._maps, self._corrections
            painted = np.concatenate(list(synthesis.strips()))
        self.work += box.size[0] * box.size[1] / (size[0] * size[1])
        return painted

    def _told(self, _done: int, _all: int) -> None:
        self._tell()


_PARTS = ("lattice", "low", "cell")


def _boxes(mask: Pixels, size: Size) -> list[Box]:
    """Boxes that hold all places of a frame of that size where a mask (h, w) is above 0; none overlaps another."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    down, across = size[0] / mask.shape[0], size[1] / mask.shape[1]
    boxes: list[Box] = []
    for x, y, w, h, _ in stats[1:].tolist():
        box = Box(
            max(0, int((y - 1) * down) - _REACH), min(size[0], int((y + h + 1) * down) + 1 + _REACH),
            max(0, int((x - 1) * across) - _REACH), min(size[1], int((x + w + 1) * across) + 1 + _REACH),
        )  # fmt: skip
        while met := [other for other in boxes if _meet(box, other)]:
            boxes = [other for other in boxes if other not in met]
            for other in met:
                box = box.with_(other)
        boxes.append(box)
    if sum(box.size[0] * box.size[1] for box in boxes) > _MUCH * size[0] * size[1]:
        return [Box(0, size[0], 0, size[1])]
    return boxes


def _meet(one: Box, other: Box) -> bool:
    return (
        one.top < other.bottom and other.top < one.bottom and one.left < other.right and other.left < one.right
    )  # fmt: skip
