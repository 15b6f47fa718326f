"""`flamingo jobs`: what was asked for, why it failed, and trying it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flamingo.cli import run
from flamingo.jobs import Jobs
from tests.jobs.helpers import outcome

Said = pytest.CaptureFixture[str]


def test_a_failed_job_can_be_understood_and_tried_again(jobs: Jobs, tmp_path: Path, capsys: Said) -> None:
    diary = tmp_path / "diary"
    job = outcome(jobs, jobs.submit("stumble", {"diary": str(diary), "times": 3, "how": "raise"}))
    data = f"--data={jobs.settings.data}"
    assert run(["jobs", "list", "--state", "failed", data]) == 0
    listed = capsys.readouterr().out
    assert job.id[:12] in listed and "stumble" in listed and "tried 3 times" in " ".join(listed.split())
    assert run(["jobs", "show", job.id[:12], data]) == 0
    shown = capsys.readouterr().out
    assert shown.count("Traceback (most recent call last)") == 3, "one for each attempt"
    assert 'raise ZeroDivisionError("one by nothing")' in shown and "tricks.py" in shown
    assert run(["jobs", "show", job.id, data, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [event["kind"] for event in told["history"]] == ["submitted", *["begun", "died"] * 3, "failed"]
    assert run(["jobs", "retry", job.id[:12], data]) == 0
    assert "waits in the queue" in capsys.readouterr().out
    assert outcome(jobs, jobs.get(job.id)).state == "done"


def test_a_traceback_is_in_no_answer_of_the_job(jobs: Jobs, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = outcome(jobs, jobs.submit("stumble", {"diary": str(diary), "times": 3, "how": "raise"}))
    assert "Traceback" not in json.dumps(job.as_dict()) and "tricks.py" not in json.dumps(job.as_dict())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "0000"], "job '0000': no job begins so; see `flamingo jobs list`"),
        (["retry", "0" * 32], "no job begins so"),
        (["list", "--limit", "0"], "limit 0: it must be between 1 and 500"),
        (["list", "--state", "lost"], "state"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(jobs: Jobs, arguments: list[str], says: str, capsys: Said) -> None:
    assert run(["jobs", *arguments, f"--data={jobs.settings.data}"]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1


def test_looking_makes_no_folder(tmp_path: Path, capsys: Said) -> None:
    assert run(["jobs", "list", f"--data={tmp_path / 'none'}"]) == 2
    assert "no studio keeps its jobs there; name its folder with --data" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
