"""`flamingo verify`: where files come from, and what that proves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import flamingo
from flamingo.cli.base import err, out, plain, styled
from flamingo.errors import FlamingoError, show


def verify(
    files: Annotated[list[Path], Parameter(help="Pictures, music or other files.", negative=())],
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False,
) -> int:
    """Say what is known of where files come from, and what that proves.

    Exit code 0 if all are signed and unchanged, 1 if one is not.
    """
    verdicts: list[dict[str, Any]] = []
    whole = True
    for file in files:
        try:
            verdict = flamingo.verify(file)
        except FlamingoError as error:
            whole = False
            verdicts.append({"file": str(file), "error": str(error)})
            if not as_json:
                err.print(styled("[red]failed[/] {}", error))
            continue
        whole = whole and verdict.whole
        verdicts.append(verdict.as_dict())
        if not as_json:
            colour = {"whole": "green", "changed": "red", "broken": "red"}.get(verdict.state, "yellow")
            out.print(styled(f"{{}}  [{colour}]{verdict.state}[/]", show(file)))
            for sentence in verdict.sentences:
                out.print(plain(f"  {sentence}"))
    if as_json:
        print(json.dumps(verdicts, indent=1, ensure_ascii=False))
    return 0 if whole else 1
