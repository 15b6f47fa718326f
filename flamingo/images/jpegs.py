"""What a JPEG file says outside its pixels: whether all of its scans are there, and what else lies in it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from io import BytesIO

import PIL.Image

__all__ = ["END", "all_scans", "left_out"]

END = b"\xff\xd9"
"""The marker that ends a picture (ITU-T T.81, B.1.1.3)."""

_HEAD = 1 << 20
_STAND_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ENTROPY = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")

_GAIN = (b"hdrgm:Version", b"http://ns.adobe.com/hdr-gain-map", b"urn:iso:std:iso:ts:21496", b"hdrgainmap")
_MOTION = (b'MotionPhoto="1"', b'MicroVideo="1"', b"MotionPhoto>1<", b"MicroVideo>1<", b"MotionPhoto_Data")
_DEPTH = (b"GDepth:", b'Mime="image/depth', b"Depth:Format")


def all_scans(data: bytes) -> bool:
    """Whether the scans together hold every coefficient of every component to its last bit (T.81, G.1.1.1). Whether
    each of them is whole is not looked at.

    Args:
        data: the whole file.
    """
    components: set[int] = set()
    low: dict[tuple[int, int], int] = {}
    for marker, body in _segments(data):
        if marker in _FRAMES:
            components = {body[6 + 3 * i] for i in range(body[5])}
        elif marker == 0xDA:
            count = body[0]
            first, last, bits = body[1 + 2 * count : 4 + 2 * count]
            for component in (body[1 + 2 * i] for i in range(count)):
                for k in range(first, min(last, 63) + 1):
                    low[component, k] = bits & 15
    return bool(components) and all(low.get((component, k), 1) == 0 for component in components for k in range(64))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and their parameters, up to the end of the file or what is no marker."""
    at = 2
    try:
        while at + 2 <= len(data):
            if data[at] != 0xFF:
                match = _ENTROPY.search(data, at)
                if match is None:
                    return
                at = match.start()
            while data[at + 1] == 0xFF:
                at += 1
            marker = data[at + 1]
            at += 2
            if marker in _STAND_ALONE:
                continue
            if marker == 0xD9:
                return
            (size,) = struct.unpack_from(">H", data, at)
            body = data[at + 2 : at + size]
            if len(body) < size - 2:
                return
            yield marker, body
            at += size
            if marker == 0xDA:
                match = _ENTROPY.search(data, at)
                if match is None:
                    return
                at = match.start()
    except (struct.error, IndexError):
        return


def left_out(data: bytes) -> list[str]:
    """What else a JPEG file holds: gain and depth maps, a film, further pictures.

    Args:
        data: the whole file.

    Returns:
        Sentences for people.
    """
    head = data[:_HEAD]
    pictures = _pictures(data)
    notes = []
    # The marks of a map stand in the head, or in the head of the further picture that the map is.
    gain = any(mark in head for mark in _GAIN) or (pictures > 1 and any(mark in data for mark in _GAIN))
    depth = any(mark in head for mark in _DEPTH)
    if gain:
        notes.append("its HDR gain map was left out: the picture is the one for usual screens")
    if depth:
        notes.append("its depth map was left out")
    if any(mark in head for mark in _MOTION) or b"MotionPhoto_Data" in data[-_HEAD:]:
        notes.append("its moving half, a film inside the file, was left out")
    if pictures > 1 + gain + depth:
        notes.append(f"used the first of {pictures} pictures in the file")
    return notes


def _pictures(data: bytes) -> int:
    """How many pictures a JPEG says that it holds (CIPA DC-007)."""
    if b"MPF\0" not in data[: 1 << 18]:
        return 1
    try:
        with PIL.Image.open(BytesIO(data), formats=["JPEG"]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # a broken index says nothing about the main picture
        return 1
