"""The process in which scores are read: verovio may crash on an odd file, print, or eat memory, so it works here.

Run as a script by reading/files.py, with the kind of score and the limits of memory (bytes) and time (seconds). It
imports nothing of Flamingo, so that it starts quickly.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any


def main(kind: str, memory: int, seconds: int) -> None:
    """A score on standard input; a line of JSON and then a MIDI file on standard output."""
    limit(memory, seconds)
    # Verovio prints to the standard output's number too, so the answer goes through a copy of it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    text = sys.stdin.buffer.read().decode("utf-8")

    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    answer: dict[str, Any] = {"error": "no score can be made of it"}
    midi = b""
    if toolkit.setInputFrom({"humdrum": "humdrum", "abc": "abc", "mei": "mei"}.get(kind, "musicxml")) is not False:
        try:
            if toolkit.loadData(text):
                midi = base64.b64decode(toolkit.renderToMIDI())
                events = toolkit.renderToTimemap({"includeMeasures": True, "includeRests": True})
                events = json.loads(events) if isinstance(events, str) else events
                # The last event is where the last bar ends.
                bars = [float(e["qstamp"]) for e in events if "measureOn" in e or e is events[-1]]
                answer = {"bars": bars}
        except (RuntimeError, ValueError, KeyError, MemoryError):
            answer = {"error": "no score can be made of it"}
    out.write(json.dumps(answer).encode() + b"\n" + midi)
    out.close()
    os._exit(0)  # the library's own clearing up may crash after an odd file, and nothing depends on it


def limit(memory: int, seconds: int) -> None:
    """Bound this process's memory and processor time, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for resource_kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(resource_kind, (most, most))
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
