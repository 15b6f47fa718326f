"""Colours told by numbers: primaries and transfer as ITU-T H.273 numbers them (in PNG's cICP, HEIF and AVIF), the
chromaticities and gamma of PNG, and Adobe RGB as cameras say it; and the ICC profiles that mean the same.

The profiles are small ones of a matrix and a curve (ICC.1:2001-04, 6.3.1.2).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ADOBE_RGB", "SRGB", "ColourCodes", "Colours", "told_by_numbers", "told_by_png"]

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

_D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
_PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("sRGB", _SRGB),
    4: ("BT.470 M", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316)),
    5: ("BT.470 BG", (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65)),
    6: ("SMPTE 170M", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    7: ("SMPTE 240M", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)),
    11: ("DCI P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)),
    22: ("EBU 3213", (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65)),
}
_UNSPECIFIED = (0, 2)
# The curve of television (1, 6, 14, 15) is taken for sRGB's, as programs do with stills: it describes a camera, and
# the screen for which both are meant is the same.
_LIKE_SRGB = (*_UNSPECIFIED, 1, 6, 13, 14, 15)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG = 16, 18
_WHITE_NITS = 203.0  # of diffuse white (ITU-R BT.2408)
_KNEE = 0.75
_ENTRIES = 4096

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Colours:
    """icc: the profile; keep: whether the result goes back into it, which is so unless the picture is HDR."""

    icc: bytes
    keep: bool = True


@dataclass(frozen=True)
class ColourCodes:
    """What a file's own words come to. colours: None for sRGB; notes: what a person must be told."""

    colours: Colours | None = None
    notes: tuple[str, ...] = ()


SRGB = ColourCodes()
"""Nothing but sRGB."""


def told_by_numbers(primaries: int, transfer: int) -> ColourCodes:
    """The colours that numbers of ITU-T H.273 mean.

    Args:
        primaries: ColourPrimaries.
        transfer: TransferCharacteristics.
    """
    if primaries in _UNSPECIFIED:
        primaries = 1
    if primaries not in _PRIMARIES or transfer not in (*_LIKE_SRGB, *_GAMMAS, _PQ, _HLG):
        why = f"its colours are told by numbers that are not known here (primaries {primaries}, transfer {transfer})"
        return ColourCodes(None, (f"{why}: sRGB assumed",))
    name, places = _PRIMARIES[primaries]
    if transfer in (_PQ, _HLG):
        kind, curve = ("PQ", _pq) if transfer == _PQ else ("HLG", _hlg)
        icc = _profile(f"{name} {kind}", places, _curve(lambda x: _compressed(curve(x) / _WHITE_NITS)))
        note = f"it is an HDR picture ({kind}): what is brighter than the white of a usual screen was compressed"
        return ColourCodes(Colours(icc, keep=False), (note,))
    if transfer in _LIKE_SRGB:
        return SRGB if primaries == 1 else ColourCodes(Colours(_profile(name, places, _curve(_srgb))))
    return ColourCodes(Colours(_profile(f"{name} gamma {_GAMMAS[transfer]:g}", places, _gamma(_GAMMAS[transfer]))))


def told_by_png(gamma: float | None, places: Chromaticities | None) -> ColourCodes:
    """The colours of a PNG's chunks gAMA and cHRM.

    Args:
        gamma: the exponent of the screen, or None.
        places: the chromaticities, or None.
    """
    near = places is None or all(abs(a - b) < 0.0055 for a, b in zip(places, _SRGB, strict=True))
    # 1/2.2 is what programs write that mean sRGB.
    usual = gamma is None or 2.15 < gamma < 2.25
    if near and usual:
        return SRGB
    if gamma is not None and not 0.2 < gamma < 10:
        return ColourCodes(None, ("its gamma is none of a picture, so it was ignored and sRGB assumed",))
    if places is not None and not _sound(places):
        return ColourCodes(None, ("its chromaticities are none of a picture, so they were ignored and sRGB assumed",))
    curve = _curve(_srgb) if gamma is None or usual else _gamma(gamma)
    return ColourCodes(Colours(_profile("PNG", places or _SRGB, curve)))


def _sound(places: Chromaticities) -> bool:
    try:
        return all(0 <= coordinate <= 1 for coordinate in places) and bool(np.isfinite(_matrix(places)).all())
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return False


def _srgb(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _pq(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light in cd/m2 (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = x ** (1 / m2)
    return np.asarray(10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1), np.float64)


def _hlg(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light in cd/m2 on a screen of 1,000 (ITU-R BT.2100), its system gamma applied to each colour by itself."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(x <= 0.5, x * x / 3, (np.exp((x - c) / a) + b) / 12)
    return np.asarray(1000 * scene**1.2, np.float64)


def _compressed(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light, 1 being diffuse white, in [0, 1]: the same below the knee, above it ever nearer to 1."""
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    return np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * (1 - np.exp(-over)))


def _curve(function: Curve) -> bytes:
    values = np.clip(function(np.linspace(0, 1, _ENTRIES)), 0, 1)
    return b"curv\0\0\0\0" + struct.pack(">I", _ENTRIES) + np.rint(values * 65535).astype(">u2").tobytes()


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _matrix(places: Chromaticities) -> NDArray[np.float64]:
    """RGB to XYZ under D50, (3, 3): from the chromaticities, then adapted as Bradford does."""
    pairs = np.asarray(places, np.float64).reshape(4, 2)
    xyz = np.stack([pairs[:, 0] / pairs[:, 1], np.ones(4), (1 - pairs.sum(axis=1)) / pairs[:, 1]])
    colours = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    here, there = bradford @ xyz[:, 3], bradford @ np.array([0.9642, 1.0, 0.8249])
    return np.asarray(np.linalg.inv(bradford) @ np.diag(there / here) @ bradford @ colours, np.float64)


def _profile(name: str, places: Chromaticities, curve: bytes) -> bytes:
    def xyz(values: NDArray[np.float64]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values)

    text = name.encode("ascii")
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
    matrix = _matrix(places)
    tags = {
        b"desc": described + bytes(-len(described) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249])),
        b"rXYZ": xyz(matrix[:, 0]),
        b"gXYZ": xyz(matrix[:, 1]),
        b"bXYZ": xyz(matrix[:, 2]),
    }
    start = 128 + 4 + 12 * (len(tags) + 3)
    table, body = struct.pack(">I", len(tags) + 3), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    for tag in (b"rTRC", b"gTRC", b"bTRC"):  # one curve for all three
        table += tag + struct.pack(">II", start + len(body), len(curve))
    body += curve + bytes(-len(curve) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">iii", round(0.9642 * 65536), 65536, round(0.8249 * 65536))
    return head.ljust(128, b"\0") + table + body


ADOBE_RGB = Colours(_profile("Adobe RGB (1998)", (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65), _gamma(563 / 256)))
"""Adobe RGB (1998): gamma 563/256."""
