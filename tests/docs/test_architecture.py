"""docs/architecture.md says which files a change touches: they are there, and they are few."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

MOST = 4
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## To change something")[2]
TASKS = dict(re.findall(r"^\| ([a-z][^|]+) \| ([^|]+) \|$", TABLE, re.MULTILINE))
TASKS.pop("task", None)


def _files(told: str) -> list[str]:
    """The files that a row of the table names; NAME stands for a file that is new."""
    return [name for name in re.findall(r"`([\w./]+\.(?:py|md|csv))`", told) if "NAME" not in name]


def test_ten_tasks_are_told() -> None:
    assert len(TASKS) >= 10
    for task, told in TASKS.items():
        print(f"{task}: {told}")


@pytest.mark.parametrize("task", sorted(TASKS))
def test_the_files_of_a_task_are_few_and_there(task: str) -> None:
    named = _files(TASKS[task])
    ours = [name for name in named if not name.startswith("docs/") and name != "styles.csv"]
    assert len(ours) <= MOST
    for name in named:
        if name != "styles.csv":  # of the user's own folder of paintings
            assert (ROOT / name).is_file() or (ROOT / "flamingo" / name).is_file(), name


def test_every_room_of_the_package_is_told() -> None:
    rooms = {path.parent.name for path in (ROOT / "flamingo").glob("*/__init__.py")}
    told = set(re.findall(r"(\w+)/", PAGE.partition("## Rooms")[2].partition("## Processes")[0]))
    assert rooms - told == set()
