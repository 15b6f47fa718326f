"""The table of grades: shares that add up, an interval that says how far chance reaches, the old thesis's columns."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flamingo
from flamingo.errors import BadRequest, WouldOverwrite
from flamingo.ratings import store
from flamingo.ratings.api import export, undo
from flamingo.ratings.report import Group
from flamingo.ratings.store import OPINION, Grade

counts = st.fixed_dictionaries({grade: st.integers(0, 400) for grade in OPINION}).filter(lambda c: sum(c.values()))


def group(**votes: int) -> Group:
    """A row with these votes and no others."""
    return Group("happy", {grade: votes.get(grade, 0) for grade in OPINION})


def test_without_grades_the_table_is_empty(data: Path) -> None:
    report = flamingo.grades()
    assert (report.groups, report.overall, report.rows) == ((), None, [])
    assert report.as_dict() == {"by": "mood", "groups": [], "all": None}
    assert not data.exists(), "asking makes nothing"


def test_a_row_has_the_columns_of_the_thesis() -> None:
    row = group(excellent=2, good=1, fair=1, bad=4)
    assert row.shares == {"excellent": 0.25, "good": 0.125, "fair": 0.125, "poor": 0, "bad": 0.5}
    assert row.satisfied == 0.375
    assert row.opinion == (2 * 5 + 4 + 3 + 4 * 1) / 8
    assert row.cells()[:6] == ["happy", "25% (2)", "12% (1)", "12% (1)", "0% (0)", "50% (4)"]


@pytest.mark.parametrize(
    ("satisfied", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(satisfied: int, total: int, low: float, high: float) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3."""
    assert group(good=satisfied, poor=total - satisfied).interval == pytest.approx((low, high), abs=5e-5)


@given(counts)
def test_an_interval_ends_where_the_votes_are_just_so_likely(votes: dict[Grade, int]) -> None:
    row = Group("happy", votes)
    low, high = row.interval
    assert -1e-9 <= low <= row.satisfied + 1e-9
    assert row.satisfied - 1e-9 <= high <= 1 + 1e-9
    for edge in (low, high):  # 1.96 standard errors away from what was counted, if it were the truth
        assert abs(row.satisfied - edge) == pytest.approx(
            1.959964 * math.sqrt(max(edge * (1 - edge), 0) / row.total), abs=1e-6
        )


@given(counts)
def test_the_shares_add_up_and_the_opinion_lies_between_the_grades(votes: dict[Grade, int]) -> None:
    row = Group("happy", votes)
    assert sum(row.shares.values()) == pytest.approx(1)
    given_grades = [OPINION[grade] for grade, count in votes.items() if count]
    assert min(given_grades) - 1e-9 <= row.opinion <= max(given_grades) + 1e-9
    assert row.satisfied == pytest.approx(row.shares["excellent"] + row.shares["good"])


@pytest.fixture
def graded(picture: Path, music: Path, other_music: Path, tmp_path: Path) -> None:
    """Six grades of three listeners, one of them replaced and one taken back."""
    recipe = tmp_path / "both.json"
    entries = [
        {"file": "piece.mid", "recipe": {"persona": {"bach": 1.0}}},
        {"file": "other.mid", "recipe": {"persona": {"bach": 0.25, "liszt": 0.75}}},
    ]
    recipe.write_text(json.dumps(entries))
    painted = tmp_path / "painted.json"
    painted.write_text(json.dumps([{"file": "cat.png", "recipe": {"style": "udnie"}}]))
    flamingo.rate(picture, music, "bad", mood="sad", listener="Ada", recipe=[recipe])
    flamingo.rate(picture, music, "good", mood="sad", listener="Ada", recipe=[recipe])
    flamingo.rate(picture, music, "excellent", mood="happy", listener="Ben", recipe=[recipe, painted])
    flamingo.rate(picture, other_music, "poor", mood="sad", listener="Ada", recipe=[recipe])
    flamingo.rate(picture, other_music, "fair")
    flamingo.rate(picture, other_music, "bad", listener="=Cy")
    undo()


@pytest.mark.usefixtures("graded")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("mood", {"happy": {"excellent": 1}, "sad": {"good": 1, "poor": 1}, None: {"fair": 1}}),
        ("persona", {"bach": {"good": 1, "excellent": 1}, "bach=.25,liszt=.75": {"poor": 1}, None: {"fair": 1}}),
        ("style", {"udnie": {"excellent": 1}, None: {"good": 1, "poor": 1, "fair": 1}}),
        ("listener", {"Ada": {"good": 1, "poor": 1}, "Ben": {"excellent": 1}, None: {"fair": 1}}),
    ],
)
def test_only_what_counts_is_counted_and_all_of_it(by: str, expected: dict[str | None, dict[str, int]]) -> None:
    report = flamingo.grades(by=by)  # type: ignore[arg-type]
    assert {g.name: Counter(g.votes) for g in report.groups} == {n: Counter(v) for n, v in expected.items()}
    assert [g.name for g in report.groups] == list(expected), "by name, the unknown last"
    assert report.overall is not None
    assert report.overall.votes == {"excellent": 1, "good": 1, "fair": 1, "poor": 1, "bad": 0}
    assert [row[0] for row in report.rows] == [*(name or "unknown" for name in expected), "all"]
    assert {len(row) for row in report.rows} == {len(report.headings)}


def test_grades_are_grouped_by_what_is_known_of_them() -> None:
    with pytest.raises(BadRequest, match="mood, persona, style, listener"):
        flamingo.grades(by="weather")  # type: ignore[arg-type]


@pytest.mark.usefixtures("graded")
def test_an_export_holds_everything(tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    assert export(target) == 6
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"), newline="")))
    kept = store.ratings()
    assert [r["standing"] for r in rows] == ["replaced", "counts", "counts", "counts", "counts", "undone"]
    assert [r["picture"] for r in rows] == [k.picture for k in kept]
    assert [r["persona"] for r in rows] == [k.persona or "" for k in kept]
    assert json.loads(rows[2]["painting"]) == kept[2].painting
    assert rows[5]["listener"] == "'=Cy", "which a spreadsheet would otherwise take for a formula"


@pytest.mark.usefixtures("graded")
def test_an_export_replaces_nothing_unless_told(tmp_path: Path, data: Path) -> None:
    target = tmp_path / "all.csv"
    target.write_text("mine")
    with pytest.raises(WouldOverwrite):
        export(target)
    assert target.read_text() == "mine"
    assert export(target, overwrite=True) == 6
    database = (data / "ratings.sqlite").rename(data / "ratings.csv")
    with pytest.raises(WouldOverwrite):
        export(database, overwrite=True, database=database)
    assert len(store.ratings(database)) == 6


def test_an_export_of_nothing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="add the first"):
        export(tmp_path / "all.csv")
    with pytest.raises(BadRequest, match=r"\.csv"):
        export(tmp_path / "all.xlsx")
    assert not list(tmp_path.glob("all.*"))
