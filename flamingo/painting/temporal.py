"""Frame after frame painted so that nothing flickers.

Painted one by one, frames of a film flicker: each is painted by its own statistics, and strokes jump when the photo
moves by a pixel. Here what paints holds to the statistics of its shot (see `KeyPainter`). Only every few frames is
one painted (a key), over what the painting of the last key has become when its things are moved to where they are
now; the frames between are the two keys moved to their place, fading from one into the other. What neither key shows
there is painted for itself. So strokes stay on their things, no picture is moved more than once from a painting to a
frame, and most frames cost no painting at all.

Keys are closer together the less of a frame can be found in the last key; a cut begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.painting import motion
from flamingo.painting.boxes import Box
from flamingo.painting.mixing import energy, mixed
from flamingo.painting.motion import Frame, Match, Moved, View

Pixels = NDArray[np.float32]

SPAN = 8
"""From one key to the next at most, in frames."""

CUT = 0.35
"""A frame of which less is found in the one before is of another shot."""

_KNOWN = 0.8  # a frame of which less is found in the last key begins a new one
_HOLE, _HOLES = 0.25, 0.01  # trust below which a place is nowhere to be found; share of a frame that may be so
_SEAM = 0.03  # of the longest side: the width of what is uncertain around things that move
_DOUBT = np.float32(0.01)


@dataclass(frozen=True)
class _Key:
    """A painting between which and the next the others are made. energy: (h, w), how strong its strokes are."""

    view: View
    painted: Pixels
    energy: Pixels

    @classmethod
    def of(cls, view: View, painted: Pixels) -> _Key:
        return cls(view, painted, energy(painted, view.grey.shape))


@dataclass(frozen=True)
class _Waiting:
    """A frame that follows a key. to_key: where its places were in it; onward: where those of the frame before it
    are in it."""

    frame: Frame
    view: View
    to_key: Match
    onward: Match


class KeyPainter(Protocol):
    """What paints the keys of a film, shot after shot: `patch_reuse.Shot` by the painter, `patches.shot.Shot` from
    patches. Frames are (H, W, 3), float32 in [0, 1] or 8-bit; paintings are float32 in [0, 1] of that shape."""

    @property
    def work(self) -> float:
        """How many frames were painted; parts of frames count by what they cost."""

    def begin(self, frame: Frame, /) -> Pixels:
        """The first frame of a shot, painted."""

    def key(self, frame: Frame, moved: Moved | None, /) -> Pixels:
        """Another frame of the shot, painted. moved: what the painting of the last key has become; None: nothing of
        it shall be kept."""

    def boxes(self, frame: Frame, mask: Pixels, around: Pixels, /) -> list[tuple[Box, Pixels]]:
        """What a frame shows where a mask (h, w) is above 0, painted: boxes that hold it, and their paintings.
        around: what is painted already, everywhere else."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that paintings to come depend on, as arrays."""

    def restore(self, state: dict[str, NDArray[Any]], /) -> None:
        """Go on from where `state` was asked for."""


class Steady:
    """The painter of one film. Give it the frames in order; it gives the paintings back, some frames later.

    shot: paints the keys. steadiness: 0 to 1, how much of the old painting stays where its things are found again; at
    0 every frame is a key, painted for itself, though still as its shot is.
    """

    def __init__(self, shot: KeyPainter, *, steadiness: float = 0.6) -> None:
        if not 0 <= steadiness <= 1:
            raise BadRequest(f"steadiness {steadiness}", "it is not between 0 and 1", "0.6 is the usual one")
        self._shot = shot
        self._steadiness = steadiness
        self._key: _Key | None = None
        self._waiting: list[_Waiting] = []

    @property
    def waiting(self) -> int:
        """How many frames were given whose paintings have not come back."""
        return len(self._waiting)

    @property
    def painted(self) -> float:
        """How many frames were painted and not moved; parts of frames count by what they cost."""
        return self._shot.work

    def paint(self, frame: Frame) -> list[Pixels]:
        """Take the next frame, (H, W, 3), float32 in [0, 1] or 8-bit; the paintings that are ready, in order, float32
        of that shape."""
        view = motion.view(frame)
        if self._key is None or self._key.view.size != view.size:
            return [*self.finish(), self._begun(frame, view)]
        last = self._waiting[-1] if self._waiting else None
        link, onward = motion.matches(view, self._key.view if last is None else last.view)
        if link.share < CUT:
            return [*self.finish(), self._begun(frame, view)]
        if self._steadiness == 0:
            self._key = _Key.of(view, self._shot.key(frame, None))
            return [self._key.painted]
        to_key = link if last is None else motion.chained(link, last.to_key, view, self._key.view)
        paintings: list[Pixels] = []
        if to_key.share < _KNOWN and self._waiting:
            paintings, to_key = self._closed(), link
        self._waiting.append(_Waiting(frame, view, to_key, onward))
        if len(self._waiting) == SPAN or to_key.share < _KNOWN:
            paintings += self._closed()
        return paintings

    def finish(self) -> list[Pixels]:
        """The paintings of the frames that still wait: no more will come."""
        return self._closed() if self._waiting else []

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the frames to come depend on, as arrays. Only while no frame waits."""
        assert not self._waiting and self._key is not None
        key: dict[str, NDArray[Any]] = {
            "colour": self._key.view.colour,
            "grey": self._key.view.grey,
            "painted": self._key.painted,
        }
        return {**key, **self._shot.state(), "size": np.array(self._key.view.size)}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from where `state` was asked for."""
        height, width = (int(side) for side in state["size"])
        self._key = _Key.of(View(state["colour"], state["grey"], (height, width)), state["painted"])
        self._shot.restore(state)
        self._waiting = []

    def _begun(self, frame: Frame, view: View) -> Pixels:
        """The first frame of a shot."""
        self._key = _Key.of(view, self._shot.begin(frame))
        return self._key.painted

    def _closed(self) -> list[Pixels]:
        """The last waiting frame becomes a key, and those before it are painted between the two."""
        before, last = self._key, self._waiting.pop()
        assert before is not None
        old = last.to_key.carried(before.painted)
        share = last.to_key.trust * np.float32(self._steadiness)
        key = _Key.of(last.view, self._shot.key(last.frame, Moved(old, share, last.to_key)))
        paintings, ahead = [key.painted], last.onward
        for i in reversed(range(len(self._waiting))):
            waiting = self._waiting[i]
            if i < len(self._waiting) - 1:
                ahead = motion.chained(self._waiting[i + 1].onward, ahead, waiting.view, key.view)
            paintings.append(self._between(waiting, ahead, before, key, (i + 1) / (len(self._waiting) + 1)))
        self._key, self._waiting = key, []
        return paintings[::-1]

    def _between(self, waiting: _Waiting, ahead: Match, before: _Key, after: _Key, position: float) -> Pixels:
        """A frame `position` of the way from one key to the next. ahead: where its places are in the next."""
        # Where neither can be trusted, the one that looks more like the frame serves.
        ours = (waiting.to_key.trust + _DOUBT * waiting.to_key.likeness) * np.float32(1 - position)
        theirs = (ahead.trust + _DOUBT * ahead.likeness) * np.float32(position)
        sure = np.maximum(waiting.to_key.trust, ahead.trust)
        paintings = waiting.to_key.carried(before.painted), ahead.carried(after.painted)
        energies = (
            waiting.to_key.carried(before.energy, cv2.INTER_LINEAR), ahead.carried(after.energy, cv2.INTER_LINEAR)
        )  # fmt: skip
        blended = mixed(*paintings, theirs / (ours + theirs), energies, sure)
        holes = _holes(sure)
        if holes.mean() > _HOLES:
            for box, painted in self._shot.boxes(waiting.frame, holes, blended):
                share = motion.enlarged(holes, waiting.view.size)[box.slices]
                blended[box.slices] = cv2.blendLinear(blended[box.slices], painted, 1 - share, share)
        return blended


def _holes(trust: Pixels) -> Pixels:
    """What is nowhere to be found, 0 to 1. Not the seams around moving things, which no flow can tell: they are
    narrow, and a guess serves there."""
    across = max(3, round(max(trust.shape) * _SEAM)) | 1
    missing = cv2.morphologyEx(
        (trust < _HOLE).astype(np.float32), cv2.MORPH_OPEN, np.ones((across, across), np.uint8)
    )
    return np.asarray(cv2.GaussianBlur(missing, (0, 0), 2.0), np.float32)
