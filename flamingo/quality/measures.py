"""What can be measured of a picture without any network: colours, sharpness, structure, edges, seams and damage.

All functions take pictures (H, W, 3) float32 sRGB in [0, 1]; where two are compared they have the same shape, except
for colours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Pixels = NDArray[np.float32]

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])  # D65
_BLOCK = 8  # of JPEG


def light(rgb: Pixels) -> Pixels:
    """The luma of a picture by Rec. 709.

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns:
        (H, W) in [0, 1].
    """
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def lab(rgb: Pixels) -> Pixels:
    """A picture in CIELAB for D65 (CIE 15).

    Args:
        rgb: (H, W, 3) sRGB in [0, 1].

    Returns:
        (H, W, 3): L in 0 to 100, a and b about -100 to 100.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    values = np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
    return values.astype(np.float32)


def colour_distance(first: Pixels, second: Pixels) -> float:
    """How far the colours of one picture must be moved to become those of the other, wherever they stand: the
    1-Wasserstein distance of each of L, a and b, as a root of the sum of squares.

    Args:
        first: (H, W, 3) sRGB in [0, 1].
        second: the same, of any size.

    Returns:
        CIELAB units, 0 for the same colours.

    Example:
        >>> import numpy as np
        >>> black, white = np.zeros((8, 8, 3), np.float32), np.ones((8, 8, 3), np.float32)
        >>> round(colour_distance(black, white)), colour_distance(black, black)
        (100, 0.0)
    """
    grid = np.linspace(0, 1, 256)
    quantiles = [np.quantile(lab(rgb).reshape(-1, 3), grid, axis=0) for rgb in (first, second)]
    return float(np.sqrt(np.square(np.abs(quantiles[0] - quantiles[1]).mean(axis=0)).sum()))


def structure(result: Pixels, photo: Pixels) -> float:
    """SSIM of the light (Wang et al. 2004: gaussian window of 1.5 pixels).

    Args:
        result: (H, W, 3) in [0, 1].
        photo: the same, of the same size.

    Returns:
        1 for the same picture, about 0 for unrelated ones.
    """
    x, y = light(result).astype(np.float64), light(photo).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(values, 1.5, truncate=3.5))

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * mx * my + c1) * (2 * both + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def edges_kept(result: Pixels, photo: Pixels) -> float:
    """The correlation of the strengths of edges, at a scale of two pixels.

    Args:
        result: (H, W, 3) in [0, 1].
        photo: the same, of the same size.

    Returns:
        1 where every outline of the photo stands and no other, 0 where the result's lines have nothing to do with it.
    """
    strengths = [ndimage.gaussian_gradient_magnitude(light(rgb), 2.0).ravel() for rgb in (result, photo)]
    if min(float(s.std()) for s in strengths) < 1e-6:
        return 0.0
    return float(np.corrcoef(strengths[0], strengths[1])[0, 1])


def sharpness(rgb: Pixels) -> float:
    """How much fine detail there is: the standard deviation of the Laplacian of the light.

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns:
        In units of the light, which goes from 0 to 1.
    """
    return float(ndimage.laplace(light(rgb)).std())


def _changes(rgb: Pixels) -> tuple[Pixels, Pixels]:
    """The mean change of light from each column to the next (W - 1,), and from each row (H - 1,)."""
    x = light(rgb)
    return np.abs(np.diff(x, axis=1)).mean(axis=0), np.abs(np.diff(x, axis=0)).mean(axis=1)


def blocking(rgb: Pixels) -> float:
    """How much larger changes of light are on the lines of a grid of 8 pixels than between them. Networks that grow
    their picture leave such grids, VGG-19's poolings as well, and strong compression.

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns:
        0 for none.
    """
    excesses = []
    for changes in _changes(rgb):
        whole = len(changes) // _BLOCK * _BLOCK
        if whole < 4 * _BLOCK:
            continue
        # Against the neighbours of the border, for a picture may be busier at one side; the median over borders, so
        # that one hard outline does not make a grid.
        padded = np.pad(changes, 2, mode="edge")
        around = (padded[:-4] + padded[1:-3] + padded[3:-1] + padded[4:]) / 4
        excess = (changes / np.maximum(around, 1e-4))[:whole].reshape(-1, _BLOCK)
        phases = np.median(excess, axis=0)
        excesses.append(float(phases.max() - np.median(phases)))
    # In both directions at once, as only a grid does it.
    return max(0.0, min(excesses)) if excesses else 0.0


def compression(rgb: Pixels) -> float:
    """How much of a JPEG's coarse rounding is left in a picture: by how much the share of vanishing coefficients of 8
    x 8 cosine transforms is larger on one grid of blocks than on the others. The grid may begin anywhere.

    Args:
        rgb: (H, W, 3) in [0, 1], of which at most 512 x 512 pixels of the middle are measured.

    Returns:
        0 for none, about 0.3 for a quality of 50, more for a lower one.
    """
    x = light(rgb) * 255
    top, left = (max(0, (side - 512) // 2 // _BLOCK * _BLOCK) for side in x.shape)
    x = x[top : top + 512, left : left + 512]
    if min(x.shape) < 3 * _BLOCK:
        return 0.0
    vanishing = []
    for i in range(_BLOCK):
        for j in range(_BLOCK):
            rows, columns = ((side - k) // _BLOCK for side, k in zip(x.shape, (i, j), strict=True))
            part = x[i : i + rows * _BLOCK, j : j + columns * _BLOCK]
            blocks = part.reshape(rows, _BLOCK, columns, _BLOCK).transpose(0, 2, 1, 3)
            coefficients = fft.dctn(blocks, axes=(2, 3), norm="ortho")
            vanishing.append(float((np.abs(coefficients) < 1).mean()))
    return max(vanishing) - float(np.median(vanishing))


def checkerboard(rgb: Pixels) -> float:
    """How much of the finest detail alternates like a checkerboard, as networks that grow their picture leave it: the
    energy of the diagonal Haar band by the mean of the two others.

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns:
        About 0.3 in photos, 1 in noise, more in a checkerboard.
    """
    x = light(rgb)
    a, b, c, d = x[:-1, :-1], x[:-1, 1:], x[1:, :-1], x[1:, 1:]
    diagonal = np.square(a - b - c + d).mean()
    others = (np.square(a - b + c - d).mean() + np.square(a + b - c - d).mean()) / 2
    return float(diagonal / max(float(others), 1e-9)) if diagonal > 1e-8 else 0.0


def seam(result: Pixels, photo: Pixels) -> tuple[float, str, int]:
    """The strongest straight break from side to side that the photo has not.

    Args:
        result: (H, W, 3) in [0, 1].
        photo: the same, of the same size.

    Returns:
        By how many times the change there is larger than around it (1.2 to 2.8 in pictures without one), "column" or
        "row", and the first one after the break, from 0.
    """
    best = (0.0, "column", 0)
    for name, ours, theirs in zip(("column", "row"), _changes(result), _changes(photo), strict=True):
        ratios = []
        for changes in (ours, theirs):
            around = ndimage.median_filter(changes, 17, mode="nearest")
            ratios.append(changes / np.maximum(around, 2e-3))
        excess = ratios[0] / np.maximum(ndimage.maximum_filter1d(ratios[1], 5), 1)
        at = int(excess.argmax())
        if float(excess[at]) > best[0]:
            best = (float(excess[at]), name, at + 1)
    return best
