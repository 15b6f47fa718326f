"""Decoding in a helper process, so that a hostile file cannot crash, hang or fill this one.

Measured on damaged and mutated files, libvips survives nearly all of them; but a file of 100 kB can legally
ask for a minute of decoding (a progressive JPEG with very many scans), and no codec lets itself be
interrupted. A process can be. A helper costs about a quarter of a second to start and is then reused, so a
folder of photos pays once; the samples come through a pipe at a gigabyte or so per second.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadInput, UnreadableImage
from flamingo.images.limits import Limits
from flamingo.processes.host import CannotStart, ChildError, ChildTimeout, Host, exactly

__all__ = ["fill", "floats", "read_guarded", "warm_up"]

_log = logging.getLogger(__name__)

_IDLE_KEPT = 4
_DECODES = 500  # of one helper, which bounds whatever a codec may leak
_STRIP = 4 << 20
# The helper ends itself by processor time (see `helper`). The clock here is for what that does not catch:
# waiting, and systems that cannot limit it. It is generous, because on a busy machine a sound file may wait
# for its turn.
_PATIENCE = 5.0
_STARTING = 20.0

_idle: list[Host] = []
_lock = threading.Lock()

Received = TypeVar("Received")


# It starts no others, so it leads no group.
_new = partial(Host, "flamingo.images.helper", {"VIPS_WARNING": "1"}, group=False, errors=BadInput, requests=_DECODES)


def _take() -> Host:
    with _lock:
        helper = _idle.pop() if _idle else _new()
    helper.start()
    return helper


def _give(helper: Host) -> None:
    with _lock:
        if len(_idle) < _IDLE_KEPT and helper.alive():
            _idle.append(helper)
            return
    helper.end()


@atexit.register
def _close_idle() -> None:
    with _lock:
        helpers, _idle[:] = list(_idle), []
    for helper in helpers:
        helper.end()


def _forget() -> None:
    """After a fork: the helpers belong to the parent."""
    global _lock
    _lock = threading.Lock()
    for helper in _idle:
        helper.abandon()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def warm_up() -> None:
    """Start a helper now, without waiting for it, so that the first `read` finds it ready. Never fails."""
    with _lock:
        if _idle:
            return
    with suppress(CannotStart):
        _give(_take())


def read_guarded(
    path: Path | None,
    data: bytes,
    name: str,
    limits: Limits,
    keep_gps: bool,
    receive: Callable[[IO[bytes], dict[str, Any]], Received],
    *,
    again: bool = True,
) -> Received:
    """Decode the file at `path`, or `data` if there is none, in a helper process.

    Args:
        path: the file, or None.
        data: the bytes of a file, if there is no path.
        name: what messages call it.
        limits: what it may ask for.
        keep_gps: whether the place stays in its EXIF block.
        receive: called with the pipe, from which it reads all samples, and the description of the picture.
        again: whether the helper may be used for another picture; one that has held a very large one should end.

    Returns:
        What `receive` gives.

    Raises:
        CannotStart: no helper can be started here.
        UnreadableImage: the picture is damaged, cut short or too slow to decode.
        ImageTooLarge: it asks for more than `limits`.
        UnsupportedImage: it is of a kind that is not read.
    """
    helper = _take()
    try:
        size = len(data) if path is None else path.stat().st_size
        request = {
            "path": None if path is None else os.fspath(path.absolute()),
            "name": name,
            "size": size,
            "limits": asdict(limits),
            "keep_gps": keep_gps,
        }
        with helper.exchange(
            request,
            data if path is None else b"",
            # A large upload or a slow disk gets time of its own.
            timeout=_PATIENCE * (limits.seconds + size / 50e6),
            first=_STARTING,
            on_progress=lambda pixels: helper.extend(_PATIENCE * limits.seconds_for(int(pixels))),
        ) as (answer, source):
            for field in ("icc", "exif"):
                answer[field] = exactly(source, int(answer[field])) or None
            return receive(source, answer)
    except (ChildError, OSError, ValueError, KeyError) as error:
        # The system ends it, too, when it has used too much processor time.
        by_time = isinstance(error, ChildError) and error.returncode == -getattr(signal, "SIGXCPU", 0) != 0
        slow = by_time or isinstance(error, ChildTimeout)
        why = "it takes too long to decode" if slow else "it makes the decoder fail"
        _log.info("a decoder is ended over a picture: %s", why)
        raise UnreadableImage(name, why, "export it again from its source") from error
    finally:
        if again:
            _give(helper)
        else:
            helper.end()


def floats(source: IO[bytes], answer: dict[str, Any]) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """(H, W, 3 or 4) float32 samples in [0, 1], and the description."""
    height, width, bands = (int(side) for side in answer["shape"])
    dtype = np.dtype(np.uint8 if answer["itemsize"] == 1 else np.uint16)
    result = np.empty((height, width, bands), np.float32)
    flat = result.reshape(-1)
    per_strip = _STRIP // dtype.itemsize
    strip = np.empty(min(per_strip, flat.size), dtype)
    white = np.float32(255 if dtype.itemsize == 1 else 65535)
    for start in range(0, flat.size, per_strip):
        part = strip[: min(per_strip, flat.size - start)]
        fill(source, part)
        np.divide(part, white, out=flat[start : start + part.size], dtype=np.float32)
    return result, answer


def fill(source: IO[bytes], part: NDArray[Any]) -> None:
    """Read exactly as many bytes as an array holds.

    Args:
        source: where they come from.
        part: a contiguous array, which is overwritten.

    Raises:
        EOFError: there are fewer.
    """
    view = part.data.cast("B")
    while view:
        count = source.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        view = view[count:]
