"""A process that reads many scores, one after another: see `flamingo.composing.reading.scores`."""

from __future__ import annotations

import json

from flamingo.composing.reading.score_helper import engraved
from flamingo.processes.child import Call, Response, limit, serve


def handle(call: Call) -> Response:
    """A score and what is written in it: the header says how long the MIDI file is that follows the JSON."""
    limit(call.header["memory"], call.header["seconds"])
    answer, midi = engraved(call.payload().decode("utf-8", "replace"), call.header["kind"], marks=True)
    told = json.dumps(answer).encode()
    return {"bytes": len(told) + len(midi), "json": len(told)}, (told, midi)


if __name__ == "__main__":
    serve(handle)
