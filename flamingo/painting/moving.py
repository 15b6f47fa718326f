"""Frame after frame painted so that nothing flickers.

Painted one by one, frames of a film flicker: each is normalised by its own means and variances, and strokes jump when
the photo moves by a pixel. Here a shot is normalised by one set of means and variances, which follows the picture
slowly. Only every few frames is one painted (a key), over what the painting of the last key has become when its
things are moved to where they are now; the frames between are the two keys moved to their place, fading from one
into the other. What neither key shows there is painted for itself. So strokes stay on their things, no picture is
moved more than once from a painting to a frame, and most frames cost no painting at all.

Keys are closer together the less of a frame can be found in the last key; a cut begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.painting import large, motion, stroke, tiles
from flamingo.painting.motion import Match, View
from flamingo.painting.networks import Networks, Statistics
from flamingo.painting.regions import Regions

Pixels = NDArray[np.float32]

SPAN = 4
"""From one key to the next at most, in frames."""

CUT = 0.35
"""A frame of which less is found in the one before is of another shot."""

_KNOWN = 0.8  # a frame of which less is found in the last key begins a new one
_HOLE, _HOLES = 0.25, 0.01  # trust below which a place is nowhere to be found; share of a frame that may be so
_SEAM = 0.03  # of the longest side: the width of what is uncertain around things that move
_DOUBT = np.float32(0.01)
_MEASURED = 8  # paintings from one measurement of means and variances to the next
_GLIDE = 0.1  # how far the means and variances go towards the last measurement with each painting


class _Settled(Networks):
    """The networks of a painter, with means and variances that are told instead of measured in each frame."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._target: Statistics | None = None
        self._now: Statistics | None = None
        self._keys = 0
        self.first_is_used = True

    def begin(self) -> None:
        self._now = self._target = None
        self._keys = 0

    def load(self, kind: str) -> Any:
        return self._networks.load(kind)

    def measure(self, photo: Pixels, regions: Regions) -> tuple[Pixels, Statistics]:
        if self._keys % _MEASURED == 0:
            first, self._target = self._networks.measure(photo, regions)
            if self._now is None:
                self._now, self._keys = self._target, 1
                return first, self._now
        assert self._now is not None and self._target is not None
        self._keys += 1
        self._now = Statistics(
            self._now.means + (self._target.means - self._now.means) * np.float32(_GLIDE),
            self._now.variances + (self._target.variances - self._now.variances) * np.float32(_GLIDE),
            self._target.gates,
        )
        if not self.first_is_used:
            return photo, self._now
        height, width = photo.shape[:2]
        more = ((0, tiles.padded(height) - height), (0, tiles.padded(width) - width), (0, 0))
        painted = self.tile(
            np.pad(photo, more, "symmetric"),
            regions.vectors[:1],
            None,
            self._now.of(np.arange(len(self._now.gates)) == 0),
        )
        return np.clip(painted[:height, :width], 0, 1), self._now

    def state(self) -> dict[str, NDArray[Any]]:
        assert self._now is not None and self._target is not None
        found = {"keys": np.array(self._keys)}
        for name, each in (("now", self._now), ("target", self._target)):
            found |= {f"{name}_{part}": getattr(each, part) for part in _PARTS}
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        self._keys = int(state["keys"])
        self._now, self._target = (Statistics(*(state[f"{n}_{p}"] for p in _PARTS)) for n in ("now", "target"))


_PARTS = ("means", "variances", "gates")


@dataclass(frozen=True)
class _Key:
    view: View
    painted: Pixels


@dataclass(frozen=True)
class _Waiting:
    """A frame that follows a key. to_key: where its places were in it."""

    frame: Pixels
    view: View
    to_key: Match


class Steady:
    """The painter of one film. Give it the frames in order; it gives the paintings back, some frames later.

    steadiness: 0 to 1, how much of the old painting stays where its things are found again; at 0 every frame is
    painted for itself, though still by the means and variances of its shot. strokes: as in `Painter.paint_map`.
    """

    def __init__(
        self, networks: Networks, regions: Regions, *, strokes: float | None = 1.0, steadiness: float = 0.6
    ) -> None:
        if not 0 <= steadiness <= 1:
            raise BadRequest(f"steadiness {steadiness}", "it is not between 0 and 1", "0.6 is the usual one")
        self._networks = _Settled(networks)
        self._regions = regions
        self._strokes = strokes
        self._steadiness = steadiness
        self._key: _Key | None = None
        self._waiting: list[_Waiting] = []
        self._painted = 0

    @property
    def waiting(self) -> int:
        """How many frames were given whose paintings have not come back."""
        return len(self._waiting)

    @property
    def painted(self) -> int:
        """How many frames the network has painted."""
        return self._painted

    def paint(self, frame: Pixels) -> list[Pixels]:
        """Take the next frame, (H, W, 3) float32 in [0, 1]; the paintings that are ready, in order, of that shape."""
        if self._steadiness == 0:
            self._begin_if_other(motion.view(frame))
            return [self._over(frame)]
        view = motion.view(frame)
        if self._key is None or self._key.view.size != view.size:
            return [*self.finish(), self._begun(frame, view)]
        to_key = motion.match(view, self._key.view)
        done: list[Pixels] = []
        if to_key.share < _KNOWN and self._waiting:
            done = self._closed()
            to_key = motion.match(view, self._key.view)
        if to_key.share < CUT:
            return [*done, self._begun(frame, view)]
        self._waiting.append(_Waiting(frame, view, to_key))
        if len(self._waiting) == SPAN or to_key.share < _KNOWN:
            done += self._closed()
        return done

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
        return {**key, **self._networks.state(), "size": np.array(self._key.view.size)}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from where `state` was asked for."""
        height, width = (int(side) for side in state["size"])
        self._key = _Key(View(state["colour"], state["grey"], (height, width)), state["painted"])
        self._networks.restore(state)
        self._waiting = []

    def _begun(self, frame: Pixels, view: View) -> Pixels:
        """The first frame of a shot."""
        self._networks.begin()
        self._key = _Key(view, self._over(frame))
        return self._key.painted

    def _begin_if_other(self, view: View) -> None:
        known = self._key is not None and self._key.view.size == view.size
        if self._key is None or not known or motion.match(view, self._key.view).share < CUT:
            self._networks.begin()
        self._key = _Key(view, view.colour)

    def _over(self, frame: Pixels) -> Pixels:
        """The network's painting of one frame."""
        self._painted += 1
        height, width = frame.shape[:2]
        at = None if self._strokes is None else stroke.sizes(height, width, self._strokes)
        self._networks.first_is_used = (
            self._regions.weights is None and (max(at[0]) if at else max(height, width)) <= large.THUMBNAIL
        )
        job = large.Job(lambda top, bottom: frame[top:bottom], (height, width), self._regions, self._strokes)
        return np.concatenate(list(large.strips(self._networks, job)))

    def _closed(self) -> list[Pixels]:
        """The last waiting frame becomes a key, and those before it are painted between the two."""
        before, last = self._key, self._waiting.pop()
        assert before is not None
        old = last.to_key.carried(before.painted)
        painted = self._over(last.frame)
        blended = mixed(painted, old, last.to_key.trusted() * np.float32(self._steadiness))
        key = _Key(last.view, np.clip(blended, 0, 1))
        done = [
            self._between(each, before, key, (i + 1) / (len(self._waiting) + 1))
            for i, each in enumerate(self._waiting)
        ]
        self._key, self._waiting = key, []
        return [*done, key.painted]

    def _between(self, each: _Waiting, before: _Key, after: _Key, place: float) -> Pixels:
        """A frame `place` of the way from one key to the next."""
        ahead = motion.match(each.view, after.view)
        # Where neither can be trusted, the one that looks more like the frame serves.
        ours = (each.to_key.trust + _DOUBT * each.to_key.likeness) * np.float32(1 - place)
        theirs = (ahead.trust + _DOUBT * ahead.likeness) * np.float32(place)
        share = motion.enlarged(theirs / (ours + theirs), each.view.size)
        blended = mixed(each.to_key.carried(before.painted), ahead.carried(after.painted), share)
        holes = _holes(np.maximum(each.to_key.trust, ahead.trust))
        if holes.mean() > _HOLES:
            blended += (self._over(each.frame) - blended) * motion.enlarged(holes, each.view.size)
        return np.asarray(np.clip(blended, 0, 1), np.float32)


def _holes(trust: Pixels) -> Pixels:
    """What is nowhere to be found, 0 to 1. Not the seams around moving things, which no flow can tell: they are
    narrow, and a guess serves there."""
    across = max(3, round(max(trust.shape) * _SEAM)) | 1
    missing = cv2.morphologyEx(
        (trust < _HOLE).astype(np.float32), cv2.MORPH_OPEN, np.ones((across, across), np.uint8)
    )
    return np.asarray(cv2.GaussianBlur(missing, (0, 0), 2.0), np.float32)


def mixed(one: Pixels, other: Pixels, share: Pixels) -> Pixels:
    """From one painting (H, W, 3) to the other by `share` (H, W, 1), without loss of contrast.

    Where strokes of two paintings do not lie on each other, their mean is paler and softer than both. So the detail
    of the mean is made as strong as that of the two.
    """
    blended = one + (other - one) * share
    soft = _soft(blended, _STROKE)
    share = share[..., 0]
    strong = _energy(one) * (1 - share) + _energy(other) * share
    gain = np.sqrt((strong + _FAINT) / (_energy(blended) + _FAINT))
    return np.asarray(soft + (blended - soft) * np.clip(gain, 1, _MOST)[..., None], np.float32)


_STROKE = 7  # pixels across a stroke that is fine
_FAINT, _MOST = 1e-5, 1.6


def _energy(picture: Pixels) -> Pixels:
    """How strong the strokes are around each place."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
    detail = grey - _soft(grey, _STROKE)
    return _soft(detail * detail, 2 * _STROKE)


def _soft(picture: Pixels, across: int) -> Pixels:
    return np.asarray(cv2.blur(picture, (across, across)), np.float32)
