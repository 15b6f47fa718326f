"""The camera: where it looks in a photo, how it moves, and what it sees, to a fraction of a pixel.

It moves along the side of the photo that the frame crops, since there is something to be found there, and goes a
little nearer where nothing is cropped. It keeps what catches the eye in the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.filming.photos import CROPPED, FILLS, MARGIN, kept_share
from flamingo.filming.planes import Planes
from flamingo.filming.storyboard import Fit, View

__all__ = ["Needed", "between", "filled", "fitted", "needed", "planned", "resized", "seen"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_PACE = 0.05  # of the frame's side that the camera travels in a second at motion 1, at most
_FARTHEST = 0.35  # of the frame's side, in a whole shot
_NEARER = 0.02  # zoom in a second at motion 1 where nothing is cropped
_NEAREST = 0.12
_BODY = 0.7  # of all that catches the eye, which must stay in the frame
_EASE = 0.35
_AROUND = 8  # pixels around what is seen that are painted with it, for the painter sees little beyond an edge
_GRID = 32  # parts of a side to which that is rounded, so that a small change of the way paints nothing anew
_ALL = 0.94  # of a picture, from which on all of it is painted


def planned(
    size: tuple[int, int], catches: Floats, frame: tuple[int, int], seconds: float, motion: float, forward: bool
) -> tuple[View, View, bool]:
    """The camera's way through a photo of (H, W) that is shown in a frame of (height, width) for some seconds, and
    whether the photo fills the frame. catches: how much each place catches the eye, (h, w) adding to 1; motion: from
    0, still, to 1; forward: along the photo, or nearer, or back."""
    height, width = size
    share = kept_share(height, width, frame)
    if share < CROPPED:
        far, near = View(), View(zoom=1 + motion * min(_NEARER * seconds, _NEAREST))
        return (far, near, False) if forward else (near, far, False)
    across = width / height > frame[1] / frame[0]
    profile = catches.sum(axis=0 if across else 1)
    middle = _middle(catches.sum(axis=1 if across else 0))
    if share >= FILLS:
        nearer = 1 + motion * min(_NEARER * seconds, _NEAREST)
        x, y = (_middle(profile), middle) if across else (middle, _middle(profile))
        far, near = View(x, y), View(x, y, nearer)
        return (far, near, True) if forward else (near, far, True)
    first, last = _way(profile, share, motion * min(_PACE * seconds, _FARTHEST) * share)
    begin, end = (first, last) if forward else (last, first)
    views = [View(at, 0.5) if across else View(0.5, at) for at in (begin, end)]
    return views[0], views[1], True


def _middle(profile: Floats) -> float:
    """The median of a profile, from 0 to 1."""
    return float(np.interp(0.5, np.cumsum(profile), np.linspace(0, 1, len(profile))))


def _way(profile: Floats, share: float, travel: float) -> tuple[float, float]:
    """From where to where the middle of a window goes that shows `share` of a profile: `travel` at most, with the
    body of the profile inside it all the way, as far as that can be."""
    places = np.linspace(0, 1, len(profile))
    total = np.cumsum(profile) / max(float(profile.sum()), 1e-12)
    low, high = (float(np.interp(q, total, places)) for q in ((1 - _BODY) / 2, (1 + _BODY) / 2))
    # The window may begin between these two and still holds the body.
    least, most = max(0.0, high - share), min(1 - share, low)
    if least > most:
        least = most = float(np.clip((low + high - share) / 2, 0, 1 - share))
    best = float(np.clip((low + high - share) / 2, least, most))
    begin = float(np.clip(best - travel / 2, least, most))
    end = float(np.clip(begin + travel, least, most))
    # A little way even where the body fills the window: a still picture between moving ones looks stuck.
    small = min(travel, 0.25 * (1 - share))
    if end - begin < small:
        begin = float(np.clip(best - small / 2, 0, 1 - share - small))
        end = begin + small
    return begin + share / 2, end + share / 2


def between(first: View, last: View, share: float) -> View:
    """Where the camera is when so much of its way is gone. It sets off and arrives gently, but never stands."""
    s = min(max(share, 0.0), 1.0)
    eased = (1 - _EASE) * s + _EASE * s * s * (3 - 2 * s)
    # Zooming looks even when each step is by the same factor.
    zoom = first.zoom * (last.zoom / first.zoom) ** eased
    return View(first.x + (last.x - first.x) * eased, first.y + (last.y - first.y) * eased, min(max(zoom, 1.0), 4.0))


@dataclass(frozen=True)
class Needed:
    """What a shot needs of a photo. size: (height, width) at which; top to bottom and left to right: what of it is
    seen there."""

    size: tuple[int, int]
    top: int
    bottom: int
    left: int
    right: int

    @property
    def seen(self) -> tuple[slice, slice]:
        """What is seen, as a part of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def whole(self) -> Needed:
        """All of the photo, at the same size."""
        return Needed(self.size, 0, self.size[0], 0, self.size[1])


def needed(size: tuple[int, int], frame: tuple[int, int], fit: Fit, way: tuple[View, View]) -> Needed:
    """What a shot needs of a photo of (H, W), never larger than it is. way: where the camera begins and ends."""
    nearest = max(view.zoom for view in way)
    if fit == "fill":
        size = _whole(size, _canvas(frame, nearest), larger=False)
        return Needed(size, 0, size[0], 0, size[1])
    size = _filling(size, frame, nearest, larger=False)
    # Between its ends the way leaves what is seen at them in no direction: its zoom goes evenly in the logarithm.
    ends = [_corner(size, view, frame) for view in way]
    parts = []
    for side, length, many in ((0, size[0], frame[0]), (1, size[1], frame[1])):
        first = min(end[1 + side] for end in ends) - _AROUND
        last = max(end[1 + side] + many / end[0] for end in ends) + _AROUND
        step = max(1, round(length / _GRID))
        parts += [max(0, int(first // step) * step), min(length, -int(-last // step) * step)]
    part = Needed(size, *parts)
    share = (part.bottom - part.top) * (part.right - part.left) / (size[0] * size[1])
    return part if share < _ALL else part.whole


def _filling(size: tuple[int, int], frame: tuple[int, int], nearest: float, larger: bool) -> tuple[int, int]:
    """The size at which a picture of (H, W) fills the frame with nothing to spare when the camera is nearest."""
    scale = max(frame[0] / size[0], frame[1] / size[1]) * min(nearest, MARGIN)
    if scale >= 1 and not larger:
        return size
    return max(frame[0], round(size[0] * scale)), max(frame[1], round(size[1] * scale))


def _canvas(frame: tuple[int, int], nearest: float) -> tuple[int, int]:
    """The (height, width) on which a picture is seen whole, where the camera goes as near as that."""
    height, width = (round(side * min(nearest, MARGIN)) for side in frame)
    return height, width


def _whole(size: tuple[int, int], within: tuple[int, int], larger: bool) -> tuple[int, int]:
    """The size at which a picture of (H, W) is seen whole within (height, width)."""
    scale = min(within[0] / size[0], within[1] / size[1])
    if scale >= 1 and not larger:
        return size
    return max(1, min(within[0], round(size[0] * scale))), max(1, min(within[1], round(size[1] * scale)))


def fitted(rgb: Bytes, frame: tuple[int, int], nearest: float = MARGIN) -> Bytes:
    """A picture at the size at which the camera looks at it: what would be made much smaller by the frame is made so
    once, over areas, and so does not flicker as it moves. nearest: the largest zoom that it is seen with; at 1, the
    picture gets exactly the frame's own pixels."""
    height, width = rgb.shape[:2]
    return resized(rgb, _filling((height, width), frame, nearest, larger=nearest == 1))


def filled(rgb: Bytes, frame: tuple[int, int], nearest: float = MARGIN) -> Bytes:
    """A picture whole, in the middle of itself, blurred and darker, at the proportions of the frame. nearest: as
    `fitted` has it."""
    height, width = _canvas(frame, nearest)
    whole = resized(rgb, _whole((rgb.shape[0], rgb.shape[1]), (height, width), larger=True))
    back = _backdrop(rgb, (height, width))
    top, left = (height - whole.shape[0]) // 2, (width - whole.shape[1]) // 2
    back[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    return back


def resized(rgb: Bytes, size: tuple[int, int]) -> Bytes:
    """A picture at another (height, width): over areas where that is smaller. It may be the same array."""
    if rgb.shape[:2] == size:
        return rgb
    how = cv2.INTER_AREA if size[0] < rgb.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size[::-1], interpolation=how), np.uint8)


def _backdrop(rgb: Bytes, size: tuple[int, int]) -> Bytes:
    height, width = size
    # Blurred at a small size: nothing finer would be left of it.
    scale = max(height / rgb.shape[0], width / rgb.shape[1]) * 48 / max(height, width)
    small = cv2.resize(
        rgb, (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))), interpolation=cv2.INTER_AREA
    )
    tall, wide = max(1, round(48 * height / max(size))), max(1, round(48 * width / max(size)))
    top, left = (max(0, (small.shape[i] - side) // 2) for i, side in enumerate((tall, wide)))
    cut = cv2.GaussianBlur(small[top : top + tall, left : left + wide], (0, 0), 1.5)
    large = cv2.resize(cut, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.convertScaleAbs(large, alpha=0.7), np.uint8)


def seen(picture: Planes, view: View, frame: tuple[int, int]) -> Planes:
    """What the camera sees of a picture, in a frame of (height, width), both even. The planes are new ones. Where it
    zooms, a picture is seen sharper if it comes at twice its size (see `planes.twice`)."""
    (tall, wide), (height, width) = frame, picture.y.shape
    scale, top, left = _corner((height, width), view, frame)
    sizes = frame, (tall // 2, wide // 2), (tall // 2, wide // 2)
    steps = zip(picture, sizes, (1, 2, 2), strict=True)
    if abs(scale - 1) < 1e-9:
        return Planes(*(_moved(plane, top / step, left / step, size) for plane, size, step in steps))
    return Planes(*(_warped(plane, scale, top / step, left / step, size) for plane, size, step in steps))


def _corner(size: tuple[int, int], view: View, frame: tuple[int, int]) -> tuple[float, float, float]:
    """The scale at which a picture of (H, W) is seen, and the top and left of what is seen, in its pixels."""
    (tall, wide), (height, width) = frame, size
    scale = max(tall / height, wide / width) * view.zoom
    half_x, half_y = wide / scale / 2, tall / scale / 2
    # A millionth of a pixel is nothing, but to be whole is much faster.
    left = round(min(max(view.x * width, half_x), width - half_x) - half_x, 6)
    top = round(min(max(view.y * height, half_y), height - half_y) - half_y, 6)
    return scale, top, left


def _warped(plane: Bytes, scale: float, top: float, left: float, size: tuple[int, int]) -> Bytes:
    """A part of a plane that begins between its pixels, made larger or smaller. Linear, which at twice the size is
    close to cubic at the size itself, in a third of the time."""
    # From the middle of each pixel of the frame to its place in the picture.
    to = np.array([[1 / scale, 0, left + 0.5 / scale - 0.5], [0, 1 / scale, top + 0.5 / scale - 0.5]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, to, size[::-1], flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _moved(plane: Bytes, top: float, left: float, size: tuple[int, int]) -> Bytes:
    """A part of a plane that begins between its pixels: as the general way gives it, in a tenth of the time."""
    (down, y), (right, x) = divmod(top, 1), divmod(left, 1)
    part = _part(_part(plane, 0, int(down), size[0], bool(y)), 1, int(right), size[1], bool(x))
    if x:
        part = np.asarray(cv2.filter2D(part, -1, _taps(x)[None], anchor=(1, 0))[:, 1 : 1 + size[1]], np.uint8)
    if y:
        part = np.asarray(cv2.filter2D(part, -1, _taps(y)[:, None], anchor=(0, 1))[1 : 1 + size[0]], np.uint8)
    return np.array(part, order="C")


def _part(plane: Bytes, axis: int, first: int, many: int, between: bool) -> Bytes:
    """Rows (axis 0) or columns of a plane, and, if it is to be seen between them, the neighbours that this takes:
    one before and two after. Beyond the plane's edge, these are its last pixels again."""
    begin, end = (first - 1, first + many + 2) if between else (first, first + many)
    last = plane.shape[axis]
    rows = plane[max(0, begin) : end] if axis == 0 else plane[:, max(0, begin) : end]
    before, after = max(0, -begin), max(0, end - last)
    if not before and not after:
        return rows
    top, bottom, left, right = (before, after, 0, 0) if axis == 0 else (0, 0, before, after)
    return np.asarray(cv2.copyMakeBorder(rows, top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8)


def _taps(shift: float) -> NDArray[np.float64]:
    """The weights of four neighbours at so much of a pixel after the second: cubic convolution (Keys 1981), with the
    a = -0.75 that OpenCV has."""
    a, far = -0.75, np.array([1 + shift, shift, 1 - shift, 2 - shift])
    near = ((a + 2) * far - (a + 3)) * far * far + 1
    return np.asarray(np.where(far <= 1, near, ((a * far - 5 * a) * far + 8 * a) * far - 4 * a), np.float64)
