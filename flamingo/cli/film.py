"""`flamingo film`: an album becomes a painted film with its own music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flamingo
from flamingo.cli.base import command, flag, out, progress, remark, report, styled
from flamingo.errors import show


def _film(photos: Sequence[Path] = (), *, as_json: bool = False, **choices: Any) -> int:
    with progress("filming", silent=as_json) as tell:
        results = flamingo.film(photos, on_progress=tell, **choices)
    code = report(results, _print_result, done="made", as_json=as_json)
    for r in results:
        if r.error and r.files and not as_json:  # one kind of file failed, another is there
            _print_result(r)
    return code


def _print_result(r: flamingo.FilmResult) -> None:
    facts = r.as_dict()
    out.print(
        styled(
            "{}  [dim]{}[/]",
            ", ".join(map(show, r.files)),
            f"{len(facts['shots'])} shots, {facts['lasts']:.1f} s, {facts['width']} x {facts['height']}, "
            f"made in {r.seconds:.0f} s",
        )
    )
    for note in r.notes:
        remark(note)
    if r.beside:
        remark(f"beside it: {', '.join(show(file.name) for file in r.beside)}")


film = command(flamingo.film, _film, flag("json", "Print what was done as JSON."))
