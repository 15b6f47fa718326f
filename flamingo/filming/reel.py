"""The frames of a film, drawn from its storyboard one after another, holding no more than the pictures that are seen.

What a frame shows follows from its number alone, so that work can begin anew at any of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flamingo.filming import camera, planes, titles
from flamingo.filming.photos import pixels
from flamingo.filming.planes import GREY, Planes, dimmed, mixed, white
from flamingo.filming.storyboard import Shot, Storyboard
from flamingo.filming.titles import Overlay

__all__ = ["Pictures", "Reel"]

Bytes = NDArray[np.uint8]

_HELD = 3  # shots whose pictures are in memory: two in a crossfade, and the next
_END = 1.6  # seconds of the fade at the end
_DARKEST = 0.2  # of its brightness that the last frame keeps: players stop at it, and black would look broken
_APPEARS, _FADES = 0.25, 0.5  # seconds from which letters are there, and in which they come and go
_TITLE = 4.0  # seconds that the title stays, at most
_WIPED = 0.7  # of a shot, after which the line has drawn the whole painting
_LINE = 0.004  # of the frame's width, of the line itself
_LIGHT = 0.96  # of white, of the line


@dataclass(frozen=True)
class Pictures:
    """The kept files of one shot: its photo, and its painting (None: it is not painted)."""

    photo: Path
    painting: Path | None


@dataclass(eq=False)
class _Shown:
    """One shot, ready: its pictures as the camera looks at them, and its letters. photo: where the painting comes
    over it."""

    picture: Planes
    photo: Planes | None
    caption: Overlay | None


class Reel:
    """Draws frames. pictures: of each shot, in order; ready: called with the number of a shot before its pictures are
    read, so that they can be made then."""

    def __init__(
        self, board: Storyboard, pictures: Sequence[Pictures], ready: Callable[[int], None] = lambda shot: None
    ) -> None:
        self.board = board
        self._pictures, self._ready = pictures, ready
        self._size = board.size
        self._starts = np.array([*board.starts, board.frames])
        self._held: OrderedDict[int, _Shown] = OrderedDict()
        self._title = titles.title(board.title, self._size)

    def seen(self, first: int, last: int) -> range:
        """The numbers of the shots of which frames from `first` on, up to `last`, show something."""
        shots = [self._at(number) for number in (first, last - 1)]
        return range(max(0, shots[0] - 1), min(shots[1] + 2, len(self.board.shots)))  # crossfades show the next ones

    def _at(self, number: int) -> int:
        return int(np.searchsorted(self._starts[:-1], number, side="right")) - 1

    def frame(self, number: int) -> Planes:
        """The frame of that number, from 0."""
        board, time = self.board, number / self.board.fps
        shot = self._at(number)
        picture = self._shot(shot, time)
        for change in (shot, shot + 1):  # the one into this shot, and the one out of it
            share = self._crossed(change, time)
            if share is not None:
                other = self._shot(change - 1 if change == shot else change, time)
                first, second = (other, picture) if change == shot else (picture, other)
                picture = mixed(first, second, share)
        if self._title is not None:
            ends = min(_TITLE, max(1.0, board.seconds / 2))
            self._title.over(picture, _presence(time, 0.1, ends))
        left, lasts = board.seconds - time - 1 / board.fps, min(_END, board.shots[-1].lasts / 2)
        if left < lasts:
            dark = _DARKEST + (1 - _DARKEST) * _smooth(max(left, 0) / lasts)
            picture = dimmed(picture, dark)
        return picture

    def _crossed(self, change: int, time: float) -> float | None:
        """How far the crossfade into a shot has gone, from 0 to 1; None where there is none at this time."""
        if not 0 < change < len(self.board.shots):
            return None
        shot = self.board.shots[change]
        if shot.transition != "crossfade" or shot.fade <= 0:
            return None
        share = (time - shot.start) / shot.fade + 0.5
        return _smooth(share) if 0 < share < 1 else None

    def _shot(self, number: int, time: float) -> Planes:
        """What one shot shows at a time, which in crossfades may lie outside of it."""
        shot, shown = self.board.shots[number], self._shown(number)
        before = shot.fade / 2 if shot.transition == "crossfade" else 0.0
        following = self.board.shots[number + 1] if number + 1 < len(self.board.shots) else None
        after = following.fade / 2 if following and following.transition == "crossfade" else 0.0
        begin, end = shot.start - before, shot.end + after
        share = min(max((time - begin) / max(end - begin, 1e-9), 0.0), 1.0)
        view = camera.between(*shot.camera, share)
        picture = camera.seen(shown.picture, view, self._size)
        if shown.photo is not None:
            picture = _painted_over(camera.seen(shown.photo, view, self._size), picture, shot, share)
        if shown.caption is not None:
            shown.caption.over(picture, _presence(time, shot.start, shot.end))
        return picture

    def _shown(self, number: int) -> _Shown:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        self._ready(number)
        shot, files = self.board.shots[number], self._pictures[number]
        rgb, photo = pixels(files.painting or files.photo), None
        if files.painting is not None and (shot.wipe or shot.strength[0] != shot.strength[1]):
            plain = camera.resized(pixels(files.photo), (rgb.shape[0], rgb.shape[1]))
            photo = _prepared(plain, shot, self._size)
        shown = _Shown(_prepared(rgb, shot, self._size), photo, titles.caption(shot.caption, self._size))
        self._held[number] = shown
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return shown


def _prepared(rgb: Bytes, shot: Shot, frame: tuple[int, int]) -> Planes:
    """A picture as the camera looks at it: at twice its size if the frame shows it at any but its own."""
    nearest = max(view.zoom for view in shot.camera)
    if shot.fit == "crop":
        picture = planes.of(camera.fitted(rgb, frame, nearest))
        return picture if nearest == 1 else planes.twice(picture)
    picture = planes.of(camera.filled(rgb, frame, nearest))
    return picture if nearest == 1 else planes.twice(picture)


def _painted_over(photo: Planes, painting: Planes, shot: Shot, share: float) -> Planes:
    """The painting as far as it has come over the photo. It was painted at the larger of the shot's two strengths,
    and less of it is less strength."""
    first, last = shot.strength
    most = max(first, last)
    strength = first + (last - first) * _smooth(share)
    blended = mixed(photo, painting, strength / most if most else 0.0)
    return _wiped(photo, blended, _smooth(min(share / _WIPED, 1.0))) if shot.wipe else blended


def _wiped(photo: Planes, painting: Planes, share: float) -> Planes:
    """The painting to the left of a line, and the photo to its right. Both edges of the line are where colour samples
    begin, so that it has no colour."""
    half = photo.y.shape[1] // 2
    thick = max(1, round(_LINE * half))
    line_end = round(share * (half + thick))
    for painted_plane, before, line, step in zip(
        painting, photo, (round(white(_LIGHT)), GREY, GREY), (2, 1, 1), strict=True
    ):
        painted_plane[:, line_end * step :] = before[:, line_end * step :]
        painted_plane[:, max(0, line_end - thick) * step : line_end * step] = line
    return painting


def _presence(time: float, begin: float, end: float) -> float:
    """How much letters are there that come after the beginning and have gone at the end; short shots keep them."""
    if end - begin < 2 * (_APPEARS + _FADES):
        return 1.0 if begin <= time < end else 0.0
    return _smooth((time - begin - _APPEARS) / _FADES) * _smooth((end - _APPEARS - time) / _FADES)


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
