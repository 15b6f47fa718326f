"""Decoding in a helper process, so that a hostile file cannot crash, hang or fill this one.

Measured on damaged and mutated files, libvips survives nearly all of them; but a file of 100 kB can legally
ask for a minute of decoding (a progressive JPEG with very many scans), and no codec lets itself be
interrupted. A process can be. A helper costs about a quarter of a second to start and is then reused, so a
folder of photos pays once; the samples come through a pipe at a gigabyte or so per second.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from flamingo import errors
from flamingo.errors import UnreadableImage
from flamingo.images.limits import Limits
from flamingo.processes import module_command, module_environment

__all__ = ["NoHelperError", "read_guarded", "warm_up"]

_IDLE_KEPT = 4
_DECODES_PER_HELPER = 500  # bounds whatever a codec may leak
_STRIP = 4 << 20


class NoHelperError(Exception):
    """No helper process can be started here."""


class _Helper:
    """One process and the two pipes to it."""

    def __init__(self) -> None:
        if not sys.executable:
            raise NoHelperError
        try:
            self.process = subprocess.Popen(
                module_command("flamingo.images.helper"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=module_environment(VIPS_WARNING="1"),
            )
        except OSError:
            raise NoHelperError from None
        assert self.process.stdin is not None and self.process.stdout is not None
        self.sink: IO[bytes] = self.process.stdin
        self.source: IO[bytes] = self.process.stdout
        self.decodes = 0
        self.overdue = False

    def kill_overdue(self) -> None:
        self.overdue = True
        self.process.kill()

    def alive(self) -> bool:
        return self.process.poll() is None

    def ended_by_time(self) -> bool:
        """Whether the system ended it for using too much processor time."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(0.5) == -getattr(signal, "SIGXCPU", 0) != 0
        return False

    def close(self) -> None:
        """End the process and reap it."""
        self.process.kill()
        for pipe in (self.sink, self.source):
            with suppress(OSError):
                pipe.close()
        self.process.wait()


_idle: list[_Helper] = []
_lock = threading.Lock()


def _take() -> _Helper:
    while True:
        with _lock:
            helper = _idle.pop() if _idle else None
        if helper is None:
            return _Helper()
        if helper.alive():
            return helper
        helper.close()


def _give(helper: _Helper) -> None:
    with _lock:
        if len(_idle) < _IDLE_KEPT and helper.decodes < _DECODES_PER_HELPER:
            _idle.append(helper)
            return
    helper.close()


@atexit.register
def _close_idle() -> None:
    with _lock:
        helpers, _idle[:] = list(_idle), []
    for helper in helpers:
        helper.close()


def _forget() -> None:
    """After a fork: the helpers belong to the parent, and two processes must not speak into one pipe."""
    global _lock
    _lock = threading.Lock()
    for helper in _idle:
        with suppress(OSError):
            os.close(helper.sink.fileno())
            os.close(helper.source.fileno())
    _abandoned.extend(_idle)
    _idle.clear()


_abandoned: list[_Helper] = []  # kept, so that no destructor closes file numbers that are in use again

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def warm_up() -> None:
    """Start a helper now, without waiting for it, so that the first `read` finds it ready. Never fails."""
    with _lock:
        if _idle:
            return
    with suppress(NoHelperError):
        _give(_Helper())


@contextmanager
def _deadline(helper: _Helper, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, helper.kill_overdue)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


# The helper ends itself by processor time (see `helper`). The clock here is for what that does not catch:
# waiting, and systems that cannot limit it. It is generous, because on a busy machine a sound file may wait
# for its turn.
_PATIENCE = 5.0
_STARTING = 20.0


Received = TypeVar("Received")


def read_guarded(
    path: Path | None, data: bytes, name: str, limits: Limits, keep_gps: bool
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Decode a picture in a helper process.

    Args:
        path: the file, or None.
        data: the bytes of a file, if there is no path.
        name: what messages call it.
        limits: what it may ask for.
        keep_gps: whether the place stays in its EXIF block.

    Returns:
        (H, W, 3 or 4) float32 samples in [0, 1], and the description of the picture (see `helper`), with the bytes of
        "icc" and "exif" in it.

    Raises:
        NoHelperError: no helper can be started here.
        UnreadableImage: the picture is damaged, cut short or too slow to decode.
        ImageTooLarge: it asks for more than `limits`.
        UnsupportedImage: it is of a kind that is not read.
    """
    return received(path, data, name, limits, keep_gps, _floats)


def received(
    path: Path | None,
    data: bytes,
    name: str,
    limits: Limits,
    keep_gps: bool,
    receive: Callable[[IO[bytes], dict[str, Any]], Received],
    *,
    again: bool = True,
) -> Received:
    """The samples of a picture from a helper process, as they come.

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
        NoHelperError: no helper can be started here.
        UnreadableImage: the picture is damaged, cut short or too slow to decode.
        ImageTooLarge: it asks for more than `limits`.
        UnsupportedImage: it is of a kind that is not read.
    """
    helper = _take()
    sound = False
    try:
        result = _ask(helper, path, data, name, limits, keep_gps, receive)
        sound = True
        return result
    except errors.BadInput:
        sound = helper.alive() and not helper.overdue
        raise
    except (OSError, EOFError, ValueError, KeyError):
        slow = helper.overdue or helper.ended_by_time()
        why = "it takes too long to decode" if slow else "it makes the decoder fail"
        raise UnreadableImage(name, why, "export it again from its source") from None
    finally:
        # Also after an interrupt: half an answer is still in the pipe then.
        if sound and again:
            _give(helper)
        else:
            helper.close()


def _ask(
    helper: _Helper,
    path: Path | None,
    data: bytes,
    name: str,
    limits: Limits,
    keep_gps: bool,
    receive: Callable[[IO[bytes], dict[str, Any]], Received],
) -> Received:
    first = helper.decodes == 0
    helper.decodes += 1
    size = len(data) if path is None else path.stat().st_size
    request = {
        "path": None if path is None else os.fspath(path.absolute()),
        "name": name,
        "size": size,
        "limits": asdict(limits),
        "keep_gps": keep_gps,
    }
    # A large upload or a slow disk gets time of its own.
    start = _PATIENCE * (limits.seconds + size / 50e6) + (_STARTING if first else 0.0)
    with _deadline(helper, start):
        helper.sink.write(json.dumps(request).encode() + b"\n")
        if path is None:
            helper.sink.write(data)
        helper.sink.flush()
        answer = _line(helper)
    if "pixels" in answer:
        with _deadline(helper, _PATIENCE * limits.seconds_for(int(answer["pixels"]))):
            answer = _line(helper)
            if "error" not in answer:
                for field in ("icc", "exif"):
                    answer[field] = _exactly(helper.source, int(answer[field])) or None
                return receive(helper.source, answer)
    kind = getattr(errors, str(answer["error"]), UnreadableImage)
    if not (isinstance(kind, type) and issubclass(kind, errors.BadInput)):
        kind = UnreadableImage
    raise kind(*(str(part) for part in answer["parts"][:3]))


def _line(helper: _Helper) -> dict[str, Any]:
    line = helper.source.readline()
    if not line:
        raise EOFError
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError
    return answer


def _floats(source: IO[bytes], answer: dict[str, Any]) -> tuple[NDArray[np.float32], dict[str, Any]]:
    height, width, bands = (int(side) for side in answer["shape"])
    dtype = np.dtype(np.uint8 if answer["bytes"] == 1 else np.uint16)
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


def _exactly(source: IO[bytes], size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise EOFError
    return data


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
        got = source.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
