"""The inner loops of patch-based synthesis, compiled by Numba when they are first used.

All of them work on a band of rows and release Python's lock, so that bands run side by side. A band reads nothing
that another band writes, and draws its random numbers from its own seed: the result is the same with any number of
threads.

A patch is named by its first row and column. A target of (H, W) patches of `size` x `size` pixels is a picture of
(H + size - 1, W + size - 1). Pictures are stored as (rows, columns * channels), so that a row of a patch is
contiguous. The types are those of `flamingo.painting.patches.matching`, which alone calls them.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from flamingo.folders import user_cache
from flamingo.private import private_folder

COLOURS, FEATURES = 3, 6
"""Channels of the pictures, and of what guides them."""

INVALID = 255
"""The label of places in the atlas at which no patch may begin."""


def _numba() -> tuple[Any, bool]:
    """Numba, which keeps compiled code in the user's cache instead of beside the source; where there is none, it
    compiles anew in each process, which takes some seconds."""
    import numba

    settings: Any = numba.config
    try:
        settings.CACHE_DIR = str(private_folder(user_cache("kernels")))
    except (OSError, RuntimeError):  # nowhere to write, or no home
        return numba, False
    return numba, True


_nb, _cached = _numba()
# Sums may be taken in any order, which is what makes vector code of them; infinities keep their meaning.
_FAST = {"reassoc", "contract", "nsz", "arcp"}
_compiled = _nb.njit(nogil=True, fastmath=_FAST, cache=_cached, error_model="numpy")
_inlined = _nb.njit(nogil=True, fastmath=_FAST, error_model="numpy")


@_inlined
def _random(state):  # xorshift32 (Marsaglia 2003)
    state ^= (state << np.uint32(13)) & np.uint32(0xFFFFFFFF)
    state ^= state >> np.uint32(17)
    state ^= (state << np.uint32(5)) & np.uint32(0xFFFFFFFF)
    return state


@_inlined
def _distance(picture, guide, colours, features, hold, ty, tx, sy, sx, size, most):
    """How far the patch of the target at (ty, tx) is from that of the atlas at (sy, sx); no further than `most`.

    Indices are unsigned, for then Numba has no negative ones to think of, and the inner loops become vector code.
    """
    total = np.float32(0)
    wide, deep = np.uint64(size * COLOURS), np.uint64(size * FEATURES)
    t, s = np.uint64(ty), np.uint64(sy)
    ta, sa = np.uint64(tx * COLOURS), np.uint64(sx * COLOURS)
    tb, sb = np.uint64(tx * FEATURES), np.uint64(sx * FEATURES)
    for dy in range(np.uint64(size)):
        near = np.float32(0)
        for i in range(wide):
            e = picture[t + dy, ta + i] - colours[s + dy, sa + i]
            near += e * e
        alike = np.float32(0)
        for i in range(deep):
            e = guide[t + dy, tb + i] - features[s + dy, sb + i]
            alike += e * e
        total += near + hold * alike
        if total >= most:
            return total
    return total


@_compiled
def measure(
    picture, guide, hold, colours, features, label, rows, columns, cost, usage, usage_price, prices, size, top, bottom
):
    """Fill in the cost of the matches of a band."""
    py, px = min(prices.shape[0] - 1, 1), min(prices.shape[1] - 1, 1)
    for y in range(top, bottom):
        for x in range(cost.shape[1]):
            sy, sx = rows[y, x], columns[y, x]
            price = usage_price * usage[sy, sx] + prices[y * py, x * px, label[sy, sx]]
            cost[y, x] = price + _distance(
                picture, guide, colours, features, hold[y, x], y, x, sy, sx, size, np.float32(3e38)
            )


@_compiled
def sweep(
    picture, guide, hold, colours, features, label, rows, columns, cost, usage, usage_price, prices, size, top,
    bottom, forward, radius, tries, seed,
):  # fmt: skip
    """One pass of PatchMatch over a band: what the neighbours found, shifted, and random places around the best.

    radius: of the first random place, in pixels of the atlas; it shrinks by half with each of `tries`.
    """
    py, px = min(prices.shape[0] - 1, 1), min(prices.shape[1] - 1, 1)
    height, width = label.shape
    wide = cost.shape[1]
    state = np.uint32(seed)
    step = -1 if forward else 1
    for yy in range(top, bottom):
        y = yy if forward else bottom - 1 - (yy - top)
        for xx in range(wide):
            x = xx if forward else wide - 1 - xx
            best, by, bx = cost[y, x], rows[y, x], columns[y, x]
            oy, ox = by, bx
            reach = radius
            for k in range(2 + tries):
                if k < 2:
                    ny, nx = (y + step, x) if k == 0 else (y, x + step)
                    if ny < top or ny >= bottom or nx < 0 or nx >= wide:
                        continue
                    cy, cx = rows[ny, nx] - (ny - y), columns[ny, nx] - (nx - x)
                else:
                    state = _random(state)
                    cy = by - reach + np.int32(state % np.uint32(2 * reach + 1))
                    state = _random(state)
                    cx = bx - reach + np.int32(state % np.uint32(2 * reach + 1))
                    reach = max(1, reach // 2)
                if cy < 0 or cy >= height or cx < 0 or cx >= width or (cy == by and cx == bx):
                    continue
                region = label[cy, cx]
                if region == INVALID:
                    continue
                price = usage_price * usage[cy, cx] + prices[y * py, x * px, region]
                if price >= best:
                    continue
                d = price + _distance(picture, guide, colours, features, hold[y, x], y, x, cy, cx, size, best - price)
                if d < best:
                    best, by, bx = d, cy, cx
            if by != oy or bx != ox:
                usage[oy, ox] -= 1
                usage[by, bx] += 1
                rows[y, x], columns[y, x], cost[y, x] = by, bx, best


@_inlined
def _mean(colours, rows, columns, weight, window, y, x, robust, around):
    """The mean of what the patches that cover a pixel say of it; with `robust`, patches that say something else than
    the colour `around` count little."""
    size = window.shape[0]
    edge = size // 2
    high, wide = rows.shape
    m0 = m1 = m2 = total = np.float32(0)
    for dy in range(size):
        py = y + edge - dy
        if py < 0 or py >= high:
            continue
        for dx in range(size):
            px = x + edge - dx
            if px < 0 or px >= wide:
                continue
            sy, sx = rows[py, px] + dy, columns[py, px] + dx
            c0, c1, c2 = colours[sy, sx, 0], colours[sy, sx, 1], colours[sy, sx, 2]
            w = weight[py, px] * window[dy, dx]
            if robust > 0:
                far = (c0 - around[0]) ** 2 + (c1 - around[1]) ** 2 + (c2 - around[2]) ** 2
                near = robust / (robust + far)
                w *= near * near
            m0 += w * c0
            m1 += w * c1
            m2 += w * c2
            total += w
    return m0 / total, m1 / total, m2 / total


@_compiled
def vote(colours, rows, columns, weight, window, out, robust, top, bottom):
    """The pixels of a band of the picture: the mean of what the patches that cover each of them say of it.

    colours: the atlas, (h, w, 3). weight: of each patch, (H, W). window: of each place in a patch, (size, size). out:
    (H, W, 3), the inner part of the target. robust: patches whose colour is far from the mean (squared distances are
    compared with this) count little in a second mean (Wexler et al. 2007); 0 for none.
    """
    nowhere = (np.float32(0), np.float32(0), np.float32(0))
    for y in range(top, bottom):
        for x in range(rows.shape[1]):
            mean = _mean(colours, rows, columns, weight, window, y, x, np.float32(0), nowhere)
            if robust > 0:
                mean = _mean(colours, rows, columns, weight, window, y, x, robust, mean)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = mean


@_compiled
def through_lattice(pixels, lattice, low, cell, out):
    """Colours (n, 3) moved by displacements known on a lattice (a, b, c, 3), trilinearly."""
    a, b, c = lattice.shape[:3]
    for i in range(pixels.shape[0]):
        u = min(max((pixels[i, 0] - low[0]) / cell[0], 0.0), a - 1.001)
        v = min(max((pixels[i, 1] - low[1]) / cell[1], 0.0), b - 1.001)
        w = min(max((pixels[i, 2] - low[2]) / cell[2], 0.0), c - 1.001)
        iu, iv, iw = int(u), int(v), int(w)
        fu, fv, fw = u - iu, v - iv, w - iw
        for k in range(3):
            d = 0.0
            for p in range(2):
                for q in range(2):
                    for r in range(2):
                        share = (fu if p else 1 - fu) * (fv if q else 1 - fv) * (fw if r else 1 - fw)
                        d += share * lattice[iu + p, iv + q, iw + r, k]
            out[i, k] = pixels[i, k] + d
