"""`flamingo paint`: photos and films in the manner of a painting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flamingo
from flamingo.cli.base import command, err, flag, out, progress, remark, report, styled
from flamingo.errors import show
from flamingo.painting.methods.logs import lines
from flamingo.painting.methods.settings import Step


def _paint(photos: list[Path], *, as_json: bool = False, **choices: Any) -> int:
    def losses(_photo: Path, step: Step) -> None:
        if not as_json:
            err.print(*lines([step]))

    with progress("painting", silent=as_json) as tell:
        results = flamingo.paint(photos, on_progress=tell, on_step=losses, **choices)
    return report(results, _print_result, done="painted", as_json=as_json)


def _print_result(r: flamingo.PaintResult) -> None:
    out.print(styled("{}  [dim]{} s[/]", show(r.file or ""), f"{r.seconds:.1f}"))
    for note in r.notes:
        remark(note)
    if r.beside:
        remark(f"beside it: {', '.join(show(file) for file in r.beside)}")


paint = command(flamingo.paint, _paint, flag("json", "Print what was done as JSON."))
