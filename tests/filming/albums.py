"""Small albums and music made on the spot, and films taken apart again, for the tests of filming."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

PHOTOS = Path(__file__).parents[2] / "docs" / "photos"
NAMES = ("astronaut", "chelsea", "coffee", "rocket")

_TAKEN, _EXIF = 0x9003, 0x8769


def photo(
    path: Path, name: str = "chelsea", size: tuple[int, int] = (160, 120), *, taken: str = "", blur: float = 0
) -> Path:
    """A demo photo, small. taken: as EXIF writes it; blur: in pixels."""
    with Image.open(PHOTOS / f"{name}.jpg") as opened:
        small = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    if blur:
        small = small.filter(ImageFilter.GaussianBlur(blur))
    exif = Image.Exif()
    if taken:
        exif.get_ifd(_EXIF)[_TAKEN] = taken
        exif[_EXIF] = exif.get_ifd(_EXIF)
    small.save(path, quality=95, exif=exif)
    return path


def album(folder: Path, many: int = 3) -> Path:
    """A folder of different photos, taken one day after the other, the last in the alphabet first."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(NAMES[:many]):
        photo(folder / f"{name}.jpg", name, taken=f"2026:07:{20 - i:02d} 12:00:00")
    return folder


def clicks(path: Path, seconds: float = 6.0, bpm: float = 120.0, first: float = 0.25) -> Path:
    """Music of nothing but beats, the first of each four low: a WAV file."""
    rate = 22_050
    sound = np.zeros(round(seconds * rate))
    t = np.arange(rate // 5) / rate
    for i in range(math.ceil((seconds - first) * bpm / 60)):
        at = round((first + i * 60 / bpm) * rate)
        tone = np.sin(2 * np.pi * (90 if i % 4 == 0 else 700) * t) * np.exp(-t * 18)
        sound[at : at + len(t)] += tone[: max(0, len(sound) - at)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 0.6 * 32767).astype("<i2").tobytes())
    return path


def frames(film: Path) -> tuple[NDArray[np.uint8], list[float]]:
    """All frames, (n, H, W, 3), as a player shows them, and when, in seconds."""
    with av.open(str(film)) as opened:
        found: list[Any] = list(opened.decode(video=0))
        return np.stack([f.to_ndarray(format="rgb24") for f in found]), [float(f.time) for f in found]


def sound(film: Path) -> tuple[NDArray[np.float32], int, float]:
    """The sound as a player plays it, (n, 2), samples a second, and when it begins."""
    with av.open(str(film)) as opened:
        found: list[Any] = list(opened.decode(audio=0))
        parts = [f.to_ndarray() for f in found]
        samples = (
            np.concatenate(parts, axis=1)
            if parts[0].shape[0] > 1
            else np.concatenate([p.reshape(-1, 2).T for p in parts], axis=1)
        )
        return samples.T.astype(np.float32), found[0].sample_rate, float(found[0].time)
