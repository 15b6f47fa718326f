"""The camera: where it looks in a photo, how it moves, and what it sees, to a fraction of a pixel.

It moves along the side of the photo that the frame crops, since there is something to be found there, and goes a
little nearer where nothing is cropped. It keeps what catches the eye in the frame.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from flamingo.filming.faces import heads
from flamingo.filming.photos import CROPPED, MARGIN, kept_share
from flamingo.filming.planes import Planes
from flamingo.filming.storyboard import View

__all__ = ["between", "filled", "fitted", "planned", "salience", "seen"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_PACE = 0.05  # of the frame's side that the camera travels in a second at motion 1, at most
_FARTHEST = 0.35  # of the frame's side, in a whole shot
_NEARER = 0.02  # zoom in a second at motion 1 where nothing is cropped
_NEAREST = 0.12
_BODY = 0.7  # of all that catches the eye, which must stay in the frame
_EASE = 0.35
_SKIN = 4.0  # how much more its colours catch the eye
_FACES = 0.7  # of all that catches the eye, where there are any
_HEADS = 0.35  # of the height, from above, where people are looked for
_LOOK = 64  # side at which salience is found


def salience(rgb: Bytes) -> Floats:
    """How much each place of a photo catches the eye, (h, w) adding to 1: the spectral residual of Hou and Zhang
    2007, "Saliency detection: a spectral residual approach", which is what the logarithm of the spectrum has beyond
    its own local mean; and heads, where faces are found."""
    small = cv2.resize(rgb, (_LOOK, _LOOK), interpolation=cv2.INTER_AREA).astype(np.float32)
    found = np.zeros((_LOOK, _LOOK), np.float32)
    for channel in cv2.split(small):
        spectrum = np.fft.fft2(channel)
        size = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
        residual = size - cv2.blur(size, (3, 3))
        found += np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))).astype(np.float32) ** 2
    found = np.asarray(cv2.GaussianBlur(found, (0, 0), 2.5), np.float32)
    found = np.maximum(found - np.float32(np.median(found)), 0) + np.float32(1e-9)
    found *= 1 + _SKIN * _skin(small)
    # What lies at the edge of a photo is seldom what it was taken for, and heads are above the middle.
    across = 1.1 - np.linspace(-1, 1, _LOOK) ** 2
    down = np.exp(-0.5 * ((np.linspace(0, 1, _LOOK) - _HEADS) / 0.22) ** 2)
    found *= np.outer(down, across).astype(np.float32)
    found = np.asarray(found / max(float(found.sum()), 1e-12), np.float32)
    people = np.zeros_like(found)
    for head in heads(rgb):
        left, top, right, bottom = (round(edge * _LOOK) for edge in head)
        people[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    if people.any():
        found = np.asarray((1 - _FACES) * found + _FACES * people / people.sum(), np.float32)
    return found


def _skin(small: Floats) -> Floats:
    """Where a photo, (h, w, 3) from 0 to 255, has the colours of skin, from 0 to 1: the bounds of Chai and Ngan 1999,
    "Face segmentation using skin-color map in videophone applications": for faces that are not found as such."""
    tones = cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_RGB2YCrCb)
    mask = cv2.inRange(tones, np.array([50, 133, 77]), np.array([255, 173, 127]))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32) / 255, np.float32)


def planned(
    rgb: Bytes, frame: tuple[int, int], seconds: float, motion: float, forward: bool
) -> tuple[View, View, bool]:
    """The camera's way through a photo, (H, W, 3), that is shown in a frame of (height, width) for some seconds, and
    whether the photo fills the frame. motion: from 0, still, to 1; forward: along the photo, or nearer, or back."""
    height, width = rgb.shape[:2]
    share = kept_share(height, width, frame)
    if share < CROPPED:
        far, near = View(), View(zoom=1 + motion * min(_NEARER * seconds, _NEAREST))
        return (far, near, False) if forward else (near, far, False)
    found = salience(rgb)
    across = width / height > frame[1] / frame[0]
    profile = found.sum(axis=0 if across else 1)
    middle = _middle(found.sum(axis=1 if across else 0))
    if 1 - share < 0.03:
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


def fitted(rgb: Bytes, frame: tuple[int, int], nearest: float = MARGIN) -> Bytes:
    """A picture at the size at which the camera looks at it: what would be made much smaller by the frame is made so
    once, over areas, and so does not flicker as it moves. nearest: the largest zoom that it is seen with; at 1, the
    picture gets exactly the frame's own pixels."""
    scale = max(frame[0] / rgb.shape[0], frame[1] / rgb.shape[1]) * min(nearest, MARGIN)
    if scale >= 1 and nearest > 1:
        return rgb
    size = max(frame[1], round(rgb.shape[1] * scale)), max(frame[0], round(rgb.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def filled(rgb: Bytes, frame: tuple[int, int]) -> Bytes:
    """A picture whole, in the middle of itself, blurred and darker, at the proportions of the frame."""
    height, width = (round(side * MARGIN) for side in frame)
    scale = min(height / rgb.shape[0], width / rgb.shape[1])
    size = max(1, min(width, round(rgb.shape[1] * scale))), max(1, min(height, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    whole = cv2.resize(rgb, size, interpolation=how)
    back = _backdrop(rgb, (height, width))
    top, left = (height - whole.shape[0]) // 2, (width - whole.shape[1]) // 2
    back[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    return back


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
    scale = max(tall / height, wide / width) * view.zoom
    half_x, half_y = wide / scale / 2, tall / scale / 2
    # A millionth of a pixel is nothing, but to be whole is much faster.
    left = round(min(max(view.x * width, half_x), width - half_x) - half_x, 6)
    top = round(min(max(view.y * height, half_y), height - half_y) - half_y, 6)
    sizes = frame, (tall // 2, wide // 2), (tall // 2, wide // 2)
    steps = zip(picture, sizes, (1, 2, 2), strict=True)
    if abs(scale - 1) < 1e-9:
        return Planes(*(_moved(plane, top / step, left / step, size) for plane, size, step in steps))
    return Planes(*(_warped(plane, scale, top / step, left / step, size) for plane, size, step in steps))


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
    found = plane[max(0, begin) : end] if axis == 0 else plane[:, max(0, begin) : end]
    before, after = max(0, -begin), max(0, end - last)
    if not before and not after:
        return found
    top, bottom, left, right = (before, after, 0, 0) if axis == 0 else (0, 0, before, after)
    return np.asarray(cv2.copyMakeBorder(found, top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8)


def _taps(shift: float) -> NDArray[np.float64]:
    """The weights of four neighbours at so much of a pixel after the second: cubic convolution (Keys 1981), with the
    a = -0.75 that OpenCV has."""
    a, far = -0.75, np.array([1 + shift, shift, 1 - shift, 2 - shift])
    near = ((a + 2) * far - (a + 3)) * far * far + 1
    return np.asarray(np.where(far <= 1, near, ((a * far - 5 * a) * far + 8 * a) * far - 4 * a), np.float64)
