"""Cutting to the music: which beat each photo comes on.

Photos share the time; then each change of photo moves to a beat near it, to the beginning of a bar if there is one
near. There it is a cut; on any other beat it is a crossfade. The last photo is there before the last note.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadRequest

__all__ = ["SHORTEST", "Change", "changes", "even"]

Array = NDArray[Any]

SHORTEST = 0.2
"""Seconds that a photo is shown, at least."""

_DEAR = (0.0, 0.07, 4.0)  # the cost of a change on a downbeat, on another beat, and between beats
_ROOM = 1.5  # places to choose from for each change, at least
_SMOOTH = 0.8  # seconds of a shot below which every change is a cut
_LONGEST_FADE = 1.0
_MEETS = 0.06  # seconds within which a change and a beat are taken for simultaneous


@dataclass(frozen=True)
class Change:
    """When a photo gives way to the next, in seconds; downbeat: whether a bar begins there; fade: seconds of the
    crossfade around it, 0 for a cut."""

    at: float
    downbeat: bool
    fade: float = 0.0


def changes(
    beats: Array, downbeats: Array, seconds: float, weights: Sequence[float], *, last: float, frame: float
) -> list[Change]:
    """Where photos change: one change fewer than there are weights, which say how long each photo is shown in
    relation to the others.

    beats: (b,) seconds, downbeats: (b,) bool; seconds: how long the film is; last: when the last note is struck,
    which no change comes after; frame: seconds of a frame. Raises BadRequest for more photos than the
    time has room for.
    """
    many = len(weights) - 1
    if seconds / len(weights) < SHORTEST:
        least = math.ceil(len(weights) * SHORTEST)
        request = f"{len(weights)} photos in {seconds:g} s"
        raise BadRequest(request, f"a photo is shown for {SHORTEST:g} s at least", f"ask for {least} seconds or more")
    places, level = _places(beats, downbeats, seconds, len(weights), last)
    ideal = np.cumsum(weights)[:-1] / sum(weights) * seconds
    usual = seconds / len(weights)
    gap = max(min(SHORTEST, usual / 2), 2 * frame)
    cost = ((places[None, :] - ideal[:, None]) / usual) ** 2 + np.array(_DEAR)[level][None, :]
    chosen = _cheapest(cost, places, gap)
    if chosen is None:  # beats so uneven that photos do not fit between them: shared out evenly
        return [Change(float(at), False) for at in np.linspace(0, min(last or seconds, seconds), many + 1)[1:]]
    cuts = [Change(float(places[i]), bool(level[i] == 0)) for i in chosen]
    return _softened(cuts, seconds, beats)


def even(beats: Array, downbeats: Array, seconds: float, many: int) -> list[Change]:
    """Changes that give each of so many photos the same time, to the frame, whatever the music does: for a pace that
    was asked for. Where a change meets the beginning of a bar it is a cut, elsewhere a crossfade."""
    first_of_bar = beats[downbeats.astype(bool)]
    cuts = []
    for i in range(1, many):
        at = seconds * i / many
        near = len(first_of_bar) > 0 and float(np.abs(first_of_bar - at).min()) < _MEETS
        cuts.append(Change(at, near))
    return _softened(cuts, seconds, beats)


def _places(beats: Array, downbeats: Array, seconds: float, photos: int, last: float) -> tuple[Array, Array]:
    """The places where photos may change, and of each whether it is a downbeat (0), a beat (1) or neither (2): beats
    are divided in two until there is room. Without beats, every eighth of a second is a place."""
    latest = min(seconds - SHORTEST, last) if last > SHORTEST else seconds - SHORTEST
    inside = (beats > 0) & (beats <= latest)
    if inside.sum() < 2:
        places = np.arange(0.125, latest, 0.125)
        return places, np.full(len(places), 2)
    places, level = np.asarray(beats, np.float64), np.where(downbeats, 0, 1)
    for _ in range(6):
        if ((places > 0) & (places <= latest)).sum() >= _ROOM * photos:
            break
        middles = (places[:-1] + places[1:]) / 2
        places = np.concatenate((places, middles))
        order = np.argsort(places, kind="stable")
        places, level = places[order], np.concatenate((level, np.full(len(middles), 2)))[order]
    inside = (places > 0) & (places <= latest)
    return places[inside], level[inside]


def _cheapest(cost: Array, places: Array, gap: float) -> list[int] | None:
    """The cheapest increasing choice of a place for each row, `gap` seconds apart; None if there is none."""
    if not len(cost):
        return []
    before = np.searchsorted(places, places - gap + 1e-9, side="right")  # how many places are far enough before each
    total = np.where(places >= gap, cost[0], np.inf)
    came = []
    for row in cost[1:]:
        least = np.minimum.accumulate(total)
        # Where the smallest total so far was.
        where = np.maximum.accumulate(np.where(total <= least, np.arange(len(total)), 0))
        reach = np.where(before > 0, least[np.maximum(before - 1, 0)], np.inf)
        came.append(where[np.maximum(before - 1, 0)])
        total = reach + row
    if not np.isfinite(total).any():
        return None
    path = [int(total.argmin())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return path[::-1]


def _softened(cuts: list[Change], seconds: float, beats: Array) -> list[Change]:
    """Crossfades where a change is on no downbeat, as long as a beat and never most of a shot."""
    beat = float(np.median(np.diff(beats))) if len(beats) > 1 else 0.5
    edges = [0.0, *(change.at for change in cuts), seconds]
    softened = []
    for i, change in enumerate(cuts):
        shorter = min(edges[i + 1] - edges[i], edges[i + 2] - edges[i + 1])
        fade = 0.0 if change.downbeat or shorter < _SMOOTH else min(beat, 0.4 * shorter, _LONGEST_FADE)
        softened.append(Change(change.at, change.downbeat, fade))
    return softened
