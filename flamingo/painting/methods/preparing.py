"""Before the first step: are the inputs what they must be, what is to be said of them, how large is each scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flamingo.errors import BadRequest
from flamingo.painting.methods.settings import Pixels, Settings, Style

RECEPTIVE_FIELD = 156
"""Pixels that one place of relu5_1 looks at: 3x3 convolutions and halvings, counted back from it. The last style
layer sees nothing but borders in a smaller painting."""

_LEAST = 32  # the shorter side at which relu5_1 still has two places
_FLAT = 1 / 255  # standard deviation: less than a grey level


def check(photo: Pixels, styles: Sequence[Style], settings: Settings, first: Pixels | None) -> None:
    """Raise BadRequest for arrays that are no pictures, masks out of range, and what `init` asks and is not there."""
    check_picture("the photo", photo)
    if settings.style_layers and settings.style_weight and not styles:
        raise BadRequest("styles", "there is none", "give a painting, or no style layers")
    for style in styles:
        check_picture("a painting", style.painting)
        if not (np.isfinite(style.weight) and style.weight > 0):
            raise BadRequest(
                f"a style's weight of {style.weight}", "it must be above 0", "leave the style out instead"
            )
        mask = style.mask
        if mask is not None and (mask.ndim != 2 or 0 in mask.shape or not (mask.min() >= 0 and mask.max() <= 1)):
            raise BadRequest(
                f"a mask of shape {mask.shape}", "a mask is (h, w) in 0 to 1", "divide by what white is, such as 255"
            )
    if settings.init == "fast":
        if first is None:
            raise BadRequest(
                "init 'fast'", "there is no picture to start from", "give the painter's result as `first`"
            )
        check_picture("the first picture", first)
        if first.shape != photo.shape:
            raise BadRequest(
                f"a first picture of shape {first.shape}", f"the photo's is {photo.shape}", "give one of that shape"
            )


def check_picture(name: str, rgb: Pixels) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < _LEAST:
        raise BadRequest(
            f"{name} of shape {rgb.shape}", f"(H, W, 3) with sides from {_LEAST} is needed", "give a larger picture"
        )
    if not np.isfinite(rgb).all():
        raise BadRequest(name, "it holds NaN or infinity", "give finite numbers")


def notes(photo: Pixels, styles: Sequence[Style], settings: Settings) -> list[str]:
    """What a person should know of the paintings: plain sentences."""
    notes = []
    longest = round(max(photo.shape[:2]) * settings.stroke)
    for i, style in enumerate(styles, 1):
        name = "the painting" if len(styles) == 1 else f"painting {i}"
        height, width = style.painting.shape[:2]
        if float(style.painting.std(axis=(0, 1)).max()) < _FLAT:
            notes.append(f"{name} is of a single colour: there are no strokes to learn from it")
        used = min(height, width) * min(1.0, longest / max(height, width))
        if used < RECEPTIVE_FIELD and any("5_" in layer for layer in settings.style_layers):
            notes.append(
                f"{name} is used at {used:.0f} pixels of height or width and the deepest layer looks at "
                f"{RECEPTIVE_FIELD} at once: its large forms cannot be learned"
            )
        if max(height, width) < longest:
            notes.append(f"{name} is enlarged from {width} x {height}: its strokes will be soft")
    return notes


def scales(height: int, width: int, coarsest: int | None) -> list[tuple[int, int]]:
    """Sizes from coarse to fine, each sqrt 2 larger than the one before, the last (height, width) itself."""
    sizes = [(height, width)]
    if coarsest is None:
        return sizes
    longest, factor = max(height, width), 2**-0.5
    while longest * factor >= coarsest * 0.99:
        size = (round(height * factor), round(width * factor))
        if min(size) < _LEAST:
            break
        sizes.append(size)
        factor *= 2**-0.5
    return sizes[::-1]


def shares(steps: int, count: int) -> list[int]:
    """How many of the steps each scale gets: one in six less than the scale before it, for a step costs twice as
    much there and has half as much left to do; at least one each, or with fewer steps than scales, one for each of
    the finest."""
    if steps <= count:
        return [0] * (count - steps) + [1] * steps
    weights = [(5 / 6) ** i for i in range(count)]
    # One each, and the rest by weight, rounded so that all are given out.
    ends = [round((steps - count) * sum(weights[: i + 1]) / sum(weights)) for i in range(count)]
    return [1 + end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def matched(painting: Pixels, photo: Pixels) -> Pixels:
    """The painting in the photo's colours: the mean and covariance of its pixels moved to the photo's (Gatys et al.
    2016, "Preserving Color in Neural Artistic Style Transfer", section 3.1)."""
    ours, theirs = painting.reshape(-1, 3).astype(np.float64), photo.reshape(-1, 3).astype(np.float64)
    from_root, to_root = (_root(np.cov(x.T) + 1e-5 * np.eye(3)) for x in (ours, theirs))
    moved = (ours - ours.mean(0)) @ np.linalg.inv(from_root) @ to_root + theirs.mean(0)
    return np.asarray(np.clip(moved, 0, 1).reshape(painting.shape), np.float32)


def _root(
    covariance: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


# YIQ (NTSC 1953): one light and two colour axes.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def recoloured(result: Pixels, photo: Pixels) -> Pixels:
    """The light of the result with the colours of the photo (the same paper, section 3.2)."""
    light, colours = result @ _YIQ.T.astype(np.float32), photo @ _YIQ.T.astype(np.float32)
    mixed = np.concatenate([light[..., :1], colours[..., 1:]], axis=2)
    return np.asarray(np.clip(mixed @ np.linalg.inv(_YIQ).T, 0, 1), np.float32)
