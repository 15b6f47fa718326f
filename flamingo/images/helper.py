"""The helper process that decodes files nobody has vouched for. Started by `guard`, spoken to over its pipes.

A codec that crashes, hangs or eats memory takes this process with it and nothing else. Only JSON and raw
samples pass between the two; nothing is unpickled.

A request is a line of JSON: name, path or size, limits, keep_gps; then `size` bytes of the file if no path is
given. The answer is `{"pixels": n}` once the header is read, then `{"error": ...}` or `{"shape": ...}`, and
after the latter the profile, the EXIF block and the samples as bytes.
"""

from __future__ import annotations

import json
import math
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from flamingo import errors
from flamingo.images.decode import decode
from flamingo.images.limits import Limits

__all__ = ["main"]

# Threads, stacks and the arenas of the allocator take address space long before they take memory.
_SLACK = 1 << 30


def main() -> None:
    """Answer requests until the pipe is closed."""
    # The parent decides what an interrupt means, and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = os.fdopen(os.dup(0), "rb", closefd=True)
    sink = os.fdopen(os.dup(1), "wb", closefd=True)
    # A library that prints must not print into the answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        while line := source.readline():
            _answer(json.loads(line), source, sink)
    except BrokenPipeError:
        pass
    # Skips the teardown of libvips, which has nothing to save and could hang on a damaged heap.
    os._exit(0)


def _answer(request: dict[str, Any], source: IO[bytes], sink: IO[bytes]) -> None:
    limits = Limits(**request["limits"])
    name = request["name"]
    _allow(2 * request["size"], limits.seconds + request["size"] / 50e6)
    try:
        path, size = request["path"], request["size"]
        data = source.read(size) if path is None else Path(path).read_bytes()

        announced = False

        def announce(pixels: int, memory: int) -> None:
            nonlocal announced
            _allow(memory, limits.seconds_for(pixels))
            # A damaged file is decoded twice, with one deadline for both.
            if not announced:
                _tell(sink, {"pixels": pixels})
                announced = True

        result = decode(data, name, limits, keep_gps=request["keep_gps"], announce=announce)
    except errors.FlamingoError as error:
        _tell(sink, {"error": type(error).__name__, "parts": [error.what, error.why, error.hint]})
        return
    except OSError as error:
        hint = "check the name and its permissions"
        _tell(sink, {"error": "UnreadableImage", "parts": [name, error.strerror or "cannot be opened", hint]})
        return
    except Exception:
        # Not foreseen, and still no reason to stop: one file cannot be read.
        hint = "export it again from its source"
        _tell(sink, {"error": "UnreadableImage", "parts": [name, "the file is damaged", hint]})
        return
    icc, exif = result.icc or b"", result.exif or b""
    _tell(
        sink,
        {
            "shape": result.shape,
            "bytes": result.dtype.itemsize,
            "depth": result.depth,
            "grey": result.grey,
            "icc": len(icc),
            "exif": len(exif),
            "format": result.format,
            "notes": result.notes,
        },
    )
    sink.write(icc)
    sink.write(exif)
    for strip in result.strips():
        sink.write(strip.data.cast("B"))
    sink.flush()


def _tell(sink: IO[bytes], message: dict[str, Any]) -> None:
    sink.write(json.dumps(message).encode() + b"\n")
    sink.flush()


def _allow(memory: int, seconds: float) -> None:
    """Let the process use what this picture explains and some slack; the system ends it if it takes more.

    The time is processor time, so a busy machine makes no file unreadable; the parent watches the clock as
    well.
    """
    try:
        import resource
    except ImportError:  # Windows: only the parent watches
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(spent.ru_utime + spent.ru_stime + seconds))
    with suppress(OSError):  # Linux; elsewhere nobody says how much address space is in use
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory + _SLACK)


def _limit(what: int, wanted: int) -> None:
    import resource

    _, hard = resource.getrlimit(what)
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    main()
