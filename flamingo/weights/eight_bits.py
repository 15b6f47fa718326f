"""Matrices in eight bits on disk: a row is whole numbers from -127 to 127, times one 16-bit number.

A quarter of the size of 32 bits; what it costs is measured by whoever packs. Vectors and small matrices stay as they
are. Networks compute in 32 bits all the same: this is how weights are stored, not how they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_SMALL = 4096  # numbers: below, nothing is gained
_SCALE = ".scale"


def packed(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Float arrays as they are stored: matrices (rows, columns) as int8 with NAME.scale (rows,) float16, all others
    as float16."""
    stored: dict[str, Array] = {}
    for name, value in tensors.items():
        if value.ndim != 2 or value.size < _SMALL:
            stored[name] = value.astype(np.float16)
            continue
        # Rounded up to 16 bits, so that the largest number of a row still fits; a row of zeros divides by anything.
        scale = np.nextafter((np.abs(value).max(1) / 127).astype(np.float16), np.float16(np.inf))
        stored[name] = np.rint(value / scale[:, None].astype(np.float32)).clip(-127, 127).astype(np.int8)
        stored[name + _SCALE] = scale
    return stored


def unpacked(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that `packed` stored, those that were in eight bits as float32."""
    return {
        name: value.astype(np.float32) * tensors[name + _SCALE][:, None].astype(np.float32)
        if name + _SCALE in tensors
        else value
        for name, value in tensors.items()
        if not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in tensors)
    }
