"""The samples of the piano, made from Salamander Grand Piano V3 (Alexander Holm, CC BY 3.0): `script/piano`.

    python -m flamingo.train.piano_samples LAYER LAYER LAYER LAYER --out FOLDER

Each LAYER is a folder of Ogg Vorbis files, softest layer first, named by their keys (A0v3.ogg, F#4v3.ogg). Files are
cut where a key has died away, between pages of the stream, so nothing is encoded a second time. `piano.json` beside
them says of each where its sound begins and how loud it is, so that nobody looks for that while music is played.
"""

from __future__ import annotations

import argparse
import glob
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]

LONGEST = 10.0
"""Seconds that are kept of a key at most."""
_INAUDIBLE = -46.0  # dB below its loudest moment, from where on a key has died away
_BEFORE = 0.001  # seconds kept before the hammer is heard
_ALIKE = 0.006  # seconds by which two layers of a key may be moved against each other
_LEVEL = 0.5  # seconds from the beginning over which loudness is measured
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Sample:
    """One key, struck once.

    Attributes:
        key: MIDI number.
        layer: from 0, the softest.
        file: its name.
        first: the sample at which it begins.
        level: root mean square of its first half second, in dB of full scale.
    """

    key: int
    layer: int
    file: str
    first: int
    level: float


def key_of(name: str) -> int:
    """The MIDI number in a name such as "F#4v7". Raises ValueError."""
    match = re.fullmatch(r"([A-G])(#?)(\d)v\d+", name)
    if not match:
        raise ValueError(f"{name} names no key")
    return _LETTERS[match[1]] + (match[2] == "#") + 12 * (int(match[3]) + 1)


def cut(data: bytes, samples: int) -> bytes:
    """An Ogg stream that ends with the first page that reaches so many samples (RFC 3533), marked as its last."""
    at, pages = 0, []
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            raise ValueError("no Ogg page where one should begin")
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        page = bytearray(data[at : at + size])
        at += size
        pages.append(page)
        if int.from_bytes(page[6:14], "little", signed=True) >= samples:
            break
    last = pages[-1]
    last[5] |= 4  # end of stream
    last[6:14] = min(samples, int.from_bytes(last[6:14], "little")).to_bytes(8, "little")
    last[22:26] = bytes(4)
    last[22:26] = _checksum(bytes(last)).to_bytes(4, "little")
    return b"".join(pages)


def _checksum(page: bytes) -> int:
    """CRC of Ogg: polynomial 0x04c11db7, highest bit first, begun at 0."""
    found = 0
    for byte in page:
        found ^= byte << 24
        for _ in range(8):
            found = (found << 1) ^ (0x04C11DB7 if found & 0x80000000 else 0)
            found &= 0xFFFFFFFF
    return found


def onset(samples: Samples, rate: int) -> int:
    """Where the hammer is heard first: a little before the sound reaches a twentieth of its loudest."""
    loud = np.abs(samples).max(axis=1)
    return max(0, int(np.argmax(loud > 0.05 * loud.max())) - round(_BEFORE * rate))


def died_away(samples: Samples, rate: int) -> int:
    """The sample from which on nothing is audible beside the loudest moment."""
    step = rate // 100
    energy = np.add.reduceat((samples**2).mean(axis=1), np.arange(0, len(samples), step))
    smooth = np.convolve(energy, np.ones(5) / 5, "same")
    return int(np.flatnonzero(smooth > smooth.max() * 10 ** (_INAUDIBLE / 10))[-1] + 1) * step


def aligned(reference: Samples, other: Samples, first: int, rate: int) -> int:
    """Near `first`, the sample at which the other must begin for its waves to lie on those of the reference."""
    reach, length = round(_ALIKE * rate), round(0.2 * rate)
    begin = max(0, first - reach)
    likeness = np.correlate(
        other[begin : first + reach + length].mean(axis=1), reference[:length].mean(axis=1), "valid"
    )
    return begin + int(np.argmax(likeness))


def make(layers: list[Path], velocities: list[int], out: Path) -> list[Sample]:
    """Write the samples and piano.json into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    table: list[Sample] = []
    keys = sorted({key_of(file.stem): re.sub(r"v\d+$", "", file.stem) for file in layers[0].glob("*.ogg")}.items())
    for key, name in keys:
        below: Samples | None = None
        for layer, folder in enumerate(layers):
            [source] = folder.glob(f"{glob.escape(name)}v*.ogg")
            samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
            first = onset(samples, rate)
            if below is not None:
                first = aligned(below, samples, first, rate)
            heard = below = samples[first:]
            file = f"{key:03d}-{layer}.ogg"
            end = first + min(died_away(heard, rate), round(LONGEST * rate))
            (out / file).write_bytes(cut(source.read_bytes(), end))
            level = 10 * np.log10((heard[: round(_LEVEL * rate)] ** 2).mean())
            table.append(Sample(key, layer, file, first, round(float(level), 2)))
    facts: dict[str, Any] = {"rate": rate, "velocities": velocities, "samples": [asdict(sample) for sample in table]}
    (out / "piano.json").write_text(json.dumps(facts, indent=0) + "\n", encoding="utf-8")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the piano's samples from Salamander Grand Piano V3.")
    parser.add_argument("layers", type=Path, nargs="+", help="folders of Ogg files, the softest first")
    parser.add_argument("--velocities", type=int, nargs="+", required=True, help="MIDI velocity of each of them")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    choices = parser.parse_args()
    table = make(choices.layers, choices.velocities, choices.out)
    size = sum((choices.out / sample.file).stat().st_size for sample in table)
    print(f"{len(table)} samples of {len(choices.layers)} layers, {size / 1e6:.1f} MB, in {choices.out}")


if __name__ == "__main__":
    main()
