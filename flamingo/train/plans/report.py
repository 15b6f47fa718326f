"""What a plan says at its end: a table, a row for every stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from flamingo.train.plans.plan import Result

_COLOURS = {"released": "green", "better": "green", "refused": "red", "failed": "red", "unfinished": "yellow"}


def table(results: Sequence[Result]) -> Table:
    """Recipe, stage, time spent, figures of candidate and shipped, and what became of it."""
    report = Table()
    for column in ("recipe", "stage", "time", "candidate", "shipped", "verdict"):
        report.add_column(column, justify="right" if column in ("stage", "time") else "left")
    for result in results:
        colour = _COLOURS.get(result.state, "")
        verdict = result.verdict
        last = (
            _figures(verdict.candidate) if verdict else "",
            _figures(verdict.shipped) if verdict else "",
            f"[{colour}]{result.state}[/]" if colour else result.state,
        )
        stages = result.stages or [{"seconds": 0.0}]
        for i, stage in enumerate(stages, 1):
            name = result.recipe.name if i == 1 else ""
            report.add_row(name, str(i), _time(stage["seconds"]), *(last if i == len(stages) else ("", "", "")))
    return report


def _figures(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{k} {v:.3f}" for k, v in figures.items())


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
