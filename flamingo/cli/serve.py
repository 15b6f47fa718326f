"""`flamingo serve`: open the studio in the browser."""

from __future__ import annotations

from typing import Any

from flamingo.cli.base import app, command
from flamingo.studio.serve import serve


def _serve(**choices: Any) -> int:
    def started(address: str) -> None:
        print(f"Flamingo's studio is open at {address}  (Ctrl-C ends it)", flush=True)

    serve(on_start=started, **choices)
    return 0


app.command(command(serve, _serve), name="serve")
