"""How large a picture may be, checked from the header, before anything is decoded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from flamingo.errors import ImageTooLarge

__all__ = ["Limits"]

LONGEST_SIDE = 65_500
"""The longest side in pixels: what JPEG can hold, so that any picture read can be written again."""


@dataclass(frozen=True)
class Limits:
    """What a picture may ask for.

    pixels: width times height.
    bytes: size of the file.
    memory: estimated peak, decoding and the float32 result together; never more than the machine has.
    seconds: processor time to decode a small picture; larger ones get more (see `seconds_for`).
    """

    pixels: int = 120_000_000
    bytes: int = 1 << 30
    memory: int = 6 << 30
    seconds: float = 4.0

    def check_file(self, name: str, size: int) -> None:
        """Check the size of a file.

        Args:
            name: what messages call it.
            size: bytes.

        Raises:
            ImageTooLarge: it is too large.
        """
        if size > self.bytes:
            raise ImageTooLarge(
                name, f"the file has {_mega(size)} MB, more than {_mega(self.bytes)}", "use a smaller file"
            )

    def check_size(self, name: str, width: int, height: int, channels: int, sample_bytes: int) -> None:
        """Check what the header of a picture says.

        Args:
            name: what messages call it.
            width: columns.
            height: rows.
            channels: samples of a pixel.
            sample_bytes: bytes of a sample, 1 or 2.

        Raises:
            ImageTooLarge: the picture is too large.
        """
        if width * height > self.pixels:
            raise ImageTooLarge(
                name,
                f"{width} x {height} is {width * height / 1e6:.4g} megapixels, more than {self.pixels / 1e6:.4g}",
                "make it smaller first",
            )
        if max(width, height) > LONGEST_SIDE:
            raise ImageTooLarge(
                name,
                f"{width} x {height} has a side of more than {LONGEST_SIDE} pixels",
                "make it smaller first",
            )
        need = self.memory_for(width, height, channels, sample_bytes)
        have = min(self.memory, _physical_memory())
        if need > have:
            raise ImageTooLarge(
                name,
                f"{width} x {height} needs about {_mega(need)} MB of memory, more than {_mega(have)}",
                "make it smaller first",
            )

    @staticmethod
    def memory_for(width: int, height: int, channels: int, sample_bytes: int) -> int:
        """Peak bytes to expect: the samples, a working copy, slack for the codec, and the float32 result.

        Args:
            width: columns.
            height: rows.
            channels: samples of a pixel.
            sample_bytes: bytes of a sample, 1 or 2.
        """
        return width * height * (3 * channels * sample_bytes + 4 * max(channels, 3))

    def seconds_for(self, pixels: int) -> float:
        """Processor time allowed to decode a picture. The slowest sound files we met need a tenth of it.

        Args:
            pixels: width times height.

        Returns:
            Seconds.
        """
        return self.seconds + 0.3 * self.seconds / 4 * pixels / 1e6


@cache
def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows, and systems that do not say
        return 1 << 62


def _mega(size: int) -> str:
    return f"{size / 1e6:,.0f}"
