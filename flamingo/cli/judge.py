"""`flamingo judge`: what a painted picture holds of the photo and of the painting, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flamingo
from flamingo.cli.base import command, flag, out, progress, remark, report, styled
from flamingo.errors import show


def _judge(results: list[Path], *, as_json: bool = False, **choices: Any) -> int:
    with progress("judging", silent=as_json) as tell:
        judged = flamingo.judge(results, on_progress=tell, **choices)
    return report(judged, _print_result, done="judged", as_json=as_json)


def _print_result(r: flamingo.JudgeResult) -> None:
    if r.critique is None:
        return
    score = "no score" if r.critique.score is None else f"score {r.critique.score:.1f} of 100"
    out.print(styled("{}  [bold]{}[/]  [dim]{} s[/]", show(r.result), score, f"{r.seconds:.1f}"))
    for figure in r.critique.figures:
        colour = "yellow" if figure.good is False else "dim"
        out.print(styled(f"  [{colour}]{figure.name:<15} {figure.value:6.2f}  {{}}[/]", figure.words))
    for note in (*r.critique.notes, *r.notes):
        remark(note)
    if r.explanation:
        remark(f"drawn in {show(r.explanation)}")


judge = command(flamingo.judge, _judge, flag("json", "Print what was found as JSON."))
