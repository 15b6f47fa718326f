"""`flamingo serve`: open the studio in the browser."""

from __future__ import annotations

import io
import sys
from typing import Any

import flamingo.studio.serve as server
from flamingo.cli.base import command


def _serve(**choices: Any) -> int:
    server.serve(on_open=_print_addresses, **choices)
    return 0


def _print_addresses(opened: server.Opened) -> None:
    """Where to open it: on this machine in the first line, then on other devices, and a code to scan."""
    print(f"Flamingo's studio is open at {opened.address}  (Ctrl-C ends it)")
    if opened.others:
        print("On other devices in your network:")
        for address in opened.others:
            print(f"  {address}")
        if code := _code(opened.others[0]):
            print(f"Scan this with a phone's camera to open the first of them:\n{code}", end="")
    if opened.own:
        print("Its certificate is its own: each device asks once whether you trust it. Its SHA-256 fingerprint is")
        print(f"  {opened.certificate}")
    sys.stdout.flush()


def _code(text: str) -> str:
    """A QR code of half blocks, with its light border; "" where the output cannot show them."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, border=2, compact=True)
    try:
        drawn.getvalue().encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ""
    return drawn.getvalue()


serve = command(server.serve, _serve)
