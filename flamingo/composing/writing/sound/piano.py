"""A grand piano, from samples: Salamander Grand Piano V3 by Alexander Holm (CC BY 3.0), see piano/README.md.

Every third key was struck at four velocities. A note is the nearest of these keys, moved by a semitone at most, and
between two velocities their mixture: the recordings lie wave on wave (flamingo.train.piano_samples), so they add up
rather than beat against each other. A key that is let go is damped, faster the higher it is, and the highest keys of
a piano have no dampers at all. While the pedal is down all strings answer (`room.resonance`).
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing.piece import Piece
from flamingo.composing.writing.sound import room

Samples = NDArray[np.float32]
Array = NDArray[Any]

PROGRAMS = frozenset({0, 1, 2})
"""General MIDI's pianos that are played with these samples."""

_FOLDER = Path(__file__).parent / "piano"
_RANGE = 36.0  # dB from velocity 127 to a tenth of it, about what a piano has
_SOFTEST = 8.0  # the velocity that lower ones sound like: 43 dB below the loudest
_UNDAMPED = 90  # the lowest key without a damper
_STRUCK_AGAIN = 0.08  # seconds in which a string that is struck again forgets how it swung
_HEARD = 6.0  # of these times until nothing is left: -52 dB
_CUT = 0.6  # seconds over which a recording that was cut at its end fades
_KEPT = 96_000_000  # bytes of decoded samples that a process keeps
_SEMITONE = {1: (84, 89), -1: (89, 84)}  # up, down: 2 ** (1 / 12) to a tenth of a cent


def play(piece: Piece, parts: Array) -> tuple[Samples, int]:
    """The parts of a piece that a piano plays, float32 (samples, 2), unclipped, and its rate.

    Args:
        piece: the piece; its pedals hold these notes.
        parts: numbers of its parts.
    """
    rate = int(_table()["rate"])
    mine = np.isin(piece.notes["part"], parts)
    start, let_go = (times[mine] for times in piece.played)
    keys, velocity = piece.notes["pitch"][mine].astype(int), piece.notes["velocity"][mine].astype(float)
    down, up = piece.seconds(piece.pedals["start"]), piece.seconds(piece.pedals["end"])
    damped = _held(let_go, down, up)
    last = float(damped.max(initial=0.0))
    sound = np.zeros((math.ceil((last + 12.0) * rate), 2), np.float32)
    for key in np.unique(keys):
        its = np.flatnonzero(keys == key)
        its = its[np.argsort(start[its], kind="stable")]
        again = np.append(start[its][1:], np.inf)
        _key(int(key), start[its], damped[its], again, velocity[its], sound, rate)
    return sound + room.resonance(sound, down, up, rate), rate


def _held(let_go: Array, down: Array, up: Array) -> Array:
    """Seconds at which dampers fall: where the key is let go, or with the pedal that is down then."""
    if not len(down):
        return let_go
    which = np.clip(np.searchsorted(down, let_go, side="right") - 1, 0, None)
    return np.where((down[which] <= let_go) & (let_go < up[which]), up[which], let_go)


def _key(key: int, start: Array, damped: Array, again: Array, velocity: Array, sound: Samples, rate: int) -> None:
    """Add all strokes of a key to the sound."""
    decay = math.inf if key >= _UNDAMPED else 0.05 + 0.13 * (_UNDAMPED - key) / (_UNDAMPED - 21)
    for begin, silent, struck, strength in zip(start, damped, again, velocity, strict=True):
        end, fading = (struck, _STRUCK_AGAIN) if struck < silent or decay == math.inf else (silent, decay)
        first = round(begin * rate)
        most = len(sound) - first
        if end < math.inf:
            most = min(most, math.ceil((end - begin + _HEARD * fading) * rate))
        stroke = _stroke(key, float(strength), most)
        if end < math.inf:
            falls = round((end - begin) * rate)
            if falls < len(stroke):
                tail = np.arange(len(stroke) - falls, dtype=np.float32)
                stroke[falls:] *= np.exp(tail / np.float32(-fading * rate))[:, None]
        sound[first : first + len(stroke)] += stroke


def _stroke(key: int, velocity: float, samples: int) -> Samples:
    """A key struck and held, at most so long: its own array."""
    table = _table()
    levels: Array = table["velocities"]
    at = float(np.interp(velocity, levels, np.arange(len(levels))))
    low = min(int(at), len(levels) - 2)
    share = at - low
    soft = _recorded(key, low, samples) if share < 1 else None
    hard = _recorded(key, low + 1, samples) if share > 0 else None
    if soft is None or hard is None:
        only = soft if hard is None else hard
        assert only is not None
        stroke = only.copy()
    else:
        length = max(len(soft), len(hard))
        stroke = np.zeros((length, 2), np.float32)
        stroke[: len(soft)] += np.float32(1 - share) * soft
        stroke[: len(hard)] += np.float32(share) * hard
    wanted = float(table["balance"][key]) + _RANGE * math.log10(max(velocity, _SOFTEST) / 127)
    found = float((1 - share) * table["levels"][key, low] + share * table["levels"][key, low + 1])
    stroke *= np.float32(10 ** ((wanted - found) / 20))
    return stroke


# The recordings ----------------------------------------------------------


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    """What is known of the samples: "rate", "velocities" (layers,), "files" by sampled key and layer, "nearest"
    (128,), "levels" (128, layers) and "balance" (128,), in dB: how loud a key was recorded, and is to be."""
    facts = json.loads((_FOLDER / "piano.json").read_text(encoding="utf-8"))
    files = {(row["key"], row["layer"]): row for row in facts["samples"]}
    keys = np.array(sorted({key for key, _ in files}))
    layers = len(facts["velocities"])
    nearest = keys[np.abs(np.arange(128)[:, None] - keys).argmin(axis=1)]
    recorded = np.array([[files[key, layer]["level"] for layer in range(layers)] for key in keys])
    levels = recorded[np.searchsorted(keys, nearest)]
    # A smooth curve over the keyboard: single keys of the recording stand out by some dB.
    curve = np.polynomial.Polynomial.fit(keys, recorded[:, -1], 4)
    balance = curve(np.clip(np.arange(128), keys[0], keys[-1]))
    return {
        "rate": facts["rate"], "velocities": np.array(facts["velocities"], float), "files": files,
        "nearest": nearest, "levels": levels, "balance": balance,
    }  # fmt: skip


_decoded: OrderedDict[tuple[int, int], Samples] = OrderedDict()
_lock = Lock()


def _recorded(key: int, layer: int, samples: int) -> Samples:
    """(samples, 2) at most of a key as recorded. What was read is kept, for strokes that are no longer. The end of a
    whole recording fades."""
    with _lock:
        kept = _decoded.get((key, layer))
        if kept is not None and (len(kept) >= samples or kept.flags["WRITEABLE"] is False):
            _decoded.move_to_end((key, layer))
            return kept[:samples]
    found, whole = _read(key, layer, samples)
    found.flags["WRITEABLE"] = not whole  # a whole recording cannot be read any longer
    with _lock:
        _decoded[key, layer] = found
        while sum(kept.nbytes for kept in _decoded.values()) > _KEPT and len(_decoded) > 1:
            _decoded.popitem(last=False)
    return found[:samples]


def _read(key: int, layer: int, samples: int) -> tuple[Samples, bool]:
    """At least so many samples of a key from its file, if it has them, and whether that is all."""
    import soundfile
    from scipy.signal import resample_poly

    table = _table()
    sampled = int(table["nearest"][key])
    row = table["files"][sampled, layer]
    first, wanted = int(row["first"]), math.ceil(samples * 1.1) + 1000
    with soundfile.SoundFile(_FOLDER / row["file"]) as file:
        whole = wanted >= file.frames - first
        recorded = file.read(first + wanted, dtype="float32", always_2d=True)[first:]
    if whole:
        count = min(len(recorded), round(_CUT * int(table["rate"])))
        recorded[len(recorded) - count :] *= np.linspace(1, 0, count, dtype=np.float32)[:, None]
    for _ in range(abs(key - sampled)):
        recorded = resample_poly(recorded, *_SEMITONE[1 if key > sampled else -1], axis=0)
    return np.asarray(recorded, np.float32), whole
