"""What a plan has done so far: `plan.json` in its folder, written anew after every step, so that any step may be the
last and the next command goes on from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flamingo.errors import BadRequest, show
from flamingo.files import put


class State:
    """`recipes` holds what was done by recipe, as plain dictionaries; `save` writes it."""

    def __init__(self, out: Path, *, rehearsal: bool) -> None:
        self.file = out / "plan.json"
        self.facts: dict[str, Any] = {"rehearsal": rehearsal, "recipes": {}}
        try:
            self.facts |= json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise BadRequest(show(self.file), f"it cannot be read ({error})", "name a fresh --out") from None
        if self.facts["rehearsal"] != rehearsal:
            this = "a rehearsal" if self.facts["rehearsal"] else "no rehearsal"
            raise BadRequest(show(out), f"what lies there is {this}", "name a fresh --out")

    @property
    def recipes(self) -> dict[str, dict[str, Any]]:
        recipes: dict[str, dict[str, Any]] = self.facts["recipes"]
        return recipes

    @property
    def trained(self) -> set[str]:
        """Names of the recipes whose stages are all done."""
        return {name for name, row in self.recipes.items() if row.get("trained")}

    def save(self) -> None:
        text = json.dumps(self.facts, indent=1, ensure_ascii=False) + "\n"
        put(text.encode("utf-8"), self.file, overwrite=True)
