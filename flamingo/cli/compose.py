"""`flamingo compose` and `flamingo personas`: music, and in whose manner it can be."""

from __future__ import annotations

import inspect
import json
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

import flamingo
from flamingo.cli.base import command, flag, out, progress, remark, report, styled
from flamingo.errors import show

_MODEL = inspect.Parameter(
    "model",
    inspect.Parameter.KEYWORD_ONLY,
    default="composer",
    annotation=Annotated[
        str,
        Parameter(
            help="Who writes: the composer, or for comparison a baseline of your own: lstm:RUN, with the run folder "
            "of `flamingo train compose --model lstm`. It takes the likeliest notes unless --temperature is given."
        ),
    ],
)


def _compose(*, as_json: bool = False, model: str = "composer", **choices: Any) -> int:
    with progress("composing", silent=as_json) as tell:
        if model == "composer":
            results = flamingo.compose(on_progress=tell, **choices)
        else:
            from flamingo.composing import baseline

            results = baseline.compose(baseline.run_of(model), on_progress=tell, **choices)
    return report(results, _print_result, done="composed", as_json=as_json)


def _print_result(r: flamingo.ComposeResult) -> None:
    facts = r.as_dict()
    keys = " → ".join(section["key"] for section in facts["sections"]) or facts["key"]
    if away := list(dict.fromkeys(excursion["key"] for excursion in facts["excursions"])):
        keys += f" by way of {' and '.join(away)}"
    out.print(
        styled(
            "{}  [dim]{}[/]",
            ", ".join(map(show, r.files)),
            f"{keys}, {facts['metre']}, tempo {facts['tempo']:.0f}, {facts['bars']} bars, {facts['lasts']:.1f} s, "
            f"made in {r.seconds:.1f} s",
        )
    )
    if facts["form"]:
        sections = (f"{part['name']} (bar {part['bar']}, {part['key']})" for part in facts["form"])
        remark(", ".join(sections))
    for note in (*([r.originality.sentence] if r.originality else []), *r.notes):
        remark(note)


compose = command(flamingo.compose, _compose, _MODEL, flag("json", "Print what was done as JSON."))


def personas(
    *, as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False
) -> int:
    """List the personas in whose manner music can be composed, and what their music is usually like."""
    listed = flamingo.personas()
    if as_json:
        print(json.dumps(listed, indent=1))
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("persona", "in minor", "metre", "tempo", "arousal"):
        table.add_column(heading)
    for p in listed:
        table.add_row(
            p["name"] + (" (yours)" if p["own"] else ""),
            f"{p['minor']:.0%}",
            p["metre"],
            str(p["tempo"]),
            f"{p['arousal']:+.2f}",
        )
    out.print(table)
    return 0
