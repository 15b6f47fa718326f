"""The table made of listeners' grades: for each mood (or persona, style, listener) the share of each grade, how many
were satisfied, and the mean opinion.

It is the table in which the thesis about Flamingo's forerunner of 2019, music for the emotion of a scene, gave its
results, with what that one left out: how many votes there were, and how far chance reaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from flamingo.errors import BadRequest, one_line
from flamingo.ratings.options import Database
from flamingo.ratings.store import OPINION, Grade, ratings

By = Literal["mood", "persona", "style", "listener", "kind"]


@dataclass(frozen=True)
class Group:
    """The votes of one row. name: the mood, persona, style, listener or kind; None where it is not known."""

    name: str | None
    votes: Mapping[Grade, int]

    @property
    def total(self) -> int:
        """All votes; at least 1."""
        return sum(self.votes.values())

    @property
    def shares(self) -> dict[Grade, float]:
        """Of each grade, from 0 to 1."""
        return {grade: self.votes[grade] / self.total for grade in OPINION}

    @property
    def satisfied(self) -> float:
        """The share of excellent and good, from 0 to 1."""
        return (self.votes["excellent"] + self.votes["good"]) / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """In which the share of the satisfied lies with 95 % confidence, after Wilson, "Probable inference, the law
        of succession, and statistical inference" (1927). It takes votes as independent of each other."""
        from scipy.stats import binomtest  # takes half a second to import

        bounds = binomtest(round(self.satisfied * self.total), self.total).proportion_ci(0.95, method="wilson")
        return float(bounds.low), float(bounds.high)

    @property
    def opinion(self) -> float:
        """Mean opinion score, from 5, all excellent, to 1, all bad."""
        return sum(OPINION[grade] * count for grade, count in self.votes.items()) / self.total

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: shares as percentages."""
        return {
            "name": self.name,
            "votes": self.total,
            "counts": dict(self.votes),
            "percent": {grade: round(100 * share, 2) for grade, share in self.shares.items()},
            "satisfied": round(100 * self.satisfied, 2),
            "satisfied_95": [round(100 * edge, 2) for edge in self.interval],
            "mean_opinion": round(self.opinion, 3),
        }

    def cells(self) -> list[str]:
        """For the table."""
        low, high = self.interval
        shares = [f"{share:.0%} ({self.votes[grade]})" for grade, share in self.shares.items()]
        satisfied = f"{self.satisfied:.0%} ({100 * low:.0f}–{100 * high:.0f})"
        return [one_line(self.name or "unknown"), *shares, satisfied, f"{self.opinion:.1f}", str(self.total)]


@dataclass(frozen=True)
class Report:
    """by: what the rows are; groups: by name, the unknown last; overall: all votes, or None if there are none."""

    by: By
    groups: tuple[Group, ...]
    overall: Group | None

    @property
    def headings(self) -> list[str]:
        """Of the columns of `rows`."""
        return [self.by, *OPINION, "satisfied", "mean", "votes"]

    @property
    def rows(self) -> list[list[str]]:
        """The table as people read it, with all votes in the last row."""
        return [group.cells() for group in (*self.groups, self.overall) if group is not None]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "by": self.by,
            "groups": [group.as_dict() for group in self.groups],
            "all": self.overall.as_dict() if self.overall else None,
        }


def grades(
    *,
    by: Annotated[By, Field(description="What the rows of the table are.")] = "mood",
    database: Database = None,
) -> Report:
    """The table of grades: their shares in %, who was satisfied (excellent or good), and the mean opinion.

    Of each listener's grades for a pair the last one counts; what was taken back does not.

    Args:
        by: what the rows are.
        database: the file; None for the user's own.

    Returns:
        The report.

    Raises:
        BadRequest: there is no such `by`.
        OutputError: the database cannot be read.

    Example:
        >>> from flamingo import grades
        >>> report = grades(by="persona", database=folder / "none.sqlite")
        >>> report.by, report.overall
        ('persona', None)
    """
    if by not in get_args(By):
        raise BadRequest(f"by {by!r}", "grades are not grouped by that", f"use one of {', '.join(get_args(By))}")
    votes: dict[str | None, Counter[Grade]] = {}
    for rating in ratings(database):
        if rating.standing == "counts":
            votes.setdefault(getattr(rating, by) or None, Counter())[rating.grade] += 1
    groups = [_group(name, votes[name]) for name in sorted(votes, key=lambda n: (n is None, n or ""))]
    overall = _group("all", sum(votes.values(), Counter())) if votes else None
    return Report(by, tuple(groups), overall)


def _group(name: str | None, votes: Counter[Grade]) -> Group:
    return Group(name, {grade: votes[grade] for grade in OPINION})
