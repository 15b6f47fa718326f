"""Where faces are in a photo, so that a film does not cut them off and patches do not paint them over.

OpenCV's cascade of local binary patterns for faces that look at the camera, which scikit-image carries and runs
(OpenCV itself does not from version 5 on; after Liao et al. 2007, "Learning multi-scale block local binary patterns
for face recognition"). It finds upright faces from about a twelfth of the photo's longer side on; a face from the
side, or one that lies, it does not.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Head", "heads"]

_SIDE = 320  # longer side at which faces are looked for, at most
_LEAST = 24  # pixels there; the cascade's own window
_SURE = 6  # windows that must agree: with OpenCV's usual four, textures pass for faces
_HAIR, _CHIN, _EARS = 0.45, 0.2, 0.2  # what belongs to a head above, below and beside the window, in its sides


class Head(NamedTuple):
    """A head, from 0 to 1 of the photo's width (left, right) and height (top, bottom)."""

    left: float
    top: float
    right: float
    bottom: float


def heads(rgb: NDArray[np.uint8]) -> list[Head]:
    """The heads in a photo, (H, W, 3) uint8 RGB, whose faces are seen from the front."""
    height, width = rgb.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if min(size) < 2 * _LEAST:
        return []
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    faces = _cascade().detect_multi_scale(
        small, scale_factor=1.2, step_ratio=1, min_size=(_LEAST, _LEAST), max_size=(min(size), min(size)),
        min_neighbor_number=_SURE,
    )  # fmt: skip
    return [_head(face, size) for face in faces]


def _head(window: dict[str, int], size: tuple[int, int]) -> Head:
    side, left, top = window["width"], window["c"], window["r"]
    edges = (
        (left - _EARS * side) / size[0], (top - _HAIR * side) / size[1],
        (left + (1 + _EARS) * side) / size[0], (top + (1 + _CHIN) * side) / size[1],
    )  # fmt: skip
    return Head(*(min(max(edge, 0.0), 1.0) for edge in edges))


@functools.cache
def _cascade() -> Any:
    from skimage import data
    from skimage.feature import Cascade

    return Cascade(data.lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]
