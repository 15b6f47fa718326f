"""The child's side of the protocol in `flamingo.processes`.

    if __name__ == "__main__":
        serve(lambda call: ({"twice": 2 * call.header["number"]}, ()))

Only what is quick to import, for a decoder starts whenever pictures are read.
"""

from __future__ import annotations

import json
import math
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

__all__ = ["Call", "Response", "limit", "serve"]

# Threads, stacks and the arenas of the allocator take address space long before they take memory.
_SLACK = 1 << 30

Response = tuple[dict[str, Any], Iterable[bytes | memoryview]]
"""A header, and the parts of the payload, of which the header's "bytes" says how long they are together."""


class Call:
    """One request.

    Attributes:
        header: what the host has sent before the payload.
        send: sends a message before the response: {"progress": ...}.
        payload_read: set when the payload is no longer in the pipe.
    """

    def __init__(self, header: dict[str, Any], source: IO[bytes], send: Callable[[dict[str, Any]], None]) -> None:
        self.header, self.send, self.payload_read = header, send, threading.Event()
        self._source = source
        if not header.get("bytes"):
            self.payload_read.set()

    def payload(self) -> bytes:
        """The bytes that follow the header; they stay in the pipe until they are asked for, once."""
        data = b"" if self.payload_read.is_set() else self._source.read(self.header["bytes"])
        self.payload_read.set()
        return data


def serve(
    handle: Callable[[Call], Response],
    *,
    when_idle: Callable[[], object] = lambda: None,
    idle_after: float | None = None,
) -> NoReturn:
    """Answer requests, one after another, until the host is gone.

    Args:
        handle: makes the response to a request. What it raises ends the process.
        when_idle: called when no request has come for `idle_after` seconds.
        idle_after: or None for never.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host decides what an interrupt means
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library reads or prints must not get between the two.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def send(header: dict[str, Any], parts: Iterable[bytes | memoryview] = ()) -> None:
        sink.write(json.dumps(header).encode() + b"\n")
        for part in parts:
            sink.write(part)
        sink.flush()

    calls: queue.Queue[Call] = queue.Queue()
    threading.Thread(target=_listen, args=(source, send, calls), daemon=True).start()
    try:
        send({"ready": os.getpid()})
        while True:
            try:
                call = calls.get(timeout=idle_after)
            except queue.Empty:
                when_idle()
                call = calls.get()
            response = handle(call)
            call.payload()  # if nobody wanted it
            send(*response)
    except BrokenPipeError:
        _leave()


def limit(memory: int, seconds: float) -> None:
    """Let this process use so much more memory, with some slack, and processor time; the system ends it if it takes
    more. Where the system cannot, only the host watches, by the clock, which is less just on a busy machine."""
    try:
        import resource
    except ImportError:  # Windows
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    limits = {resource.RLIMIT_CPU: math.ceil(spent.ru_utime + spent.ru_stime + seconds)}
    with suppress(OSError):  # Linux; elsewhere nobody says how much address space is in use
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory + _SLACK
    for resource_kind, most in limits.items():
        _, hard = resource.getrlimit(resource_kind)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource_kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _listen(source: IO[bytes], send: Callable[[dict[str, Any]], None], calls: queue.Queue[Call]) -> None:
    try:
        while (line := source.readline()).endswith(b"\n"):
            call = Call(json.loads(line), source, send)
            calls.put(call)
            call.payload_read.wait()
    finally:
        _leave()


def _leave() -> NoReturn:
    """End at once, with all that was started here. Nothing is cleared up: a damaged heap could hang the libraries."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
