"""What a benchmark has to say: tables, goals with their verdicts, and sentences about what was left out.

Results go to standard output, progress to standard error, so `> results.txt` keeps just the results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass(frozen=True)
class Goal:
    """A figure that was promised and what it came to. `met` is None where the run was too small to judge."""

    what: str
    promised: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "not met", None: "not judged"}[self.met]


@dataclass
class Report:
    """Everything one run found out. `figures` is what the JSON file holds, a key for each part."""

    file: Path | None = None
    quick: bool = False
    figures: dict[str, Any] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True, markup=False)
        self._err = Console(stderr=True)

    def heading(self, text: str) -> None:
        self._out.print(f"\n{text}\n{'=' * len(text)}", style="bold")

    def say(self, sentence: str) -> None:
        self._out.print(sentence)

    def leave_out(self, sentence: str) -> None:
        """Say, once, that something is not measured and why; kept for the JSON file too."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self._out.print(f"left out: {sentence}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """The first column is text, the others are figures."""
        # Aligned by hand: a table library cuts columns to the width of a terminal, which would lose figures.
        lines = [list(columns), *map(list, rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        self._out.print()
        for line in [lines[0], ["-" * width for width in widths], *lines[1:]]:
            cells = [c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
            self._out.print("  ".join(cells).rstrip(), soft_wrap=True)
        self._out.print()

    def goal(self, what: str, promised: str, measured: str, met: bool) -> None:
        self.goals.append(Goal(what, promised, measured, None if self.quick else met))

    def verdicts(self) -> None:
        if self.goals:
            self.heading("Goals")
            self.table(
                ["goal", "promised", "measured", "verdict"],
                [[g.what, g.promised, g.measured, g.verdict] for g in self.goals],
            )

    def save(self) -> None:
        """Write the JSON file; called after every part, so that an interrupted run keeps what it has."""
        if self.file is None:
            return
        goals = [{**asdict(g), "verdict": g.verdict} for g in self.goals]
        text = json.dumps({**self.figures, "goals": goals, "left_out": self.notes}, indent=1, ensure_ascii=False)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        aside = self.file.with_name(self.file.name + ".tmp")
        aside.write_text(text + "\n", encoding="utf-8")
        aside.replace(self.file)

    def progress(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self._err)
