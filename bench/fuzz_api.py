"""Sends requests to every route of the API that its description allows, and some that it does not (schemathesis).

    python bench/fuzz_api.py                 40 examples a route and phase: thousands of requests
    python bench/fuzz_api.py --examples 10

No answer may be a 5xx, or one that the description does not allow: another status, type, header or shape; what the
description forbids must be refused. What it allows may still be refused with 422 (a style that there is none of, for
instance), which types cannot say. Anything else makes the exit status 1. The server is one of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _report import Report
from _studio import studio

# Types cannot say all that is refused, and a queue that is full is no fault.
_CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "404", "409", "413", "415", "422", "429"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
"""


ENDLESS = "^/api/events$"
"""The stream of all events ends with the server alone; each request to it would last until its time is out."""


@dataclass(frozen=True)
class Found:
    """How it ended (0: nothing was found), how many requests were made, and all that was said."""

    status: int
    cases: int
    text: str


def fuzz(
    url: str,
    *,
    examples: int,
    seed: int,
    report: Path,
    phases: str = "coverage,fuzzing,stateful",
    without: str = ENDLESS,
) -> Found:
    """Send requests to the API at this address. report: an empty folder; phases: those of schemathesis; without: a
    regular expression for the paths that are left out."""
    (report / "schemathesis.toml").write_text(_CONFIGURATION)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(report / "schemathesis.toml")),
        *("run", f"{url}/api/openapi.json", "--max-examples", str(examples), "--seed", str(seed)),
        *("--phases", phases, "--exclude-checks", "use_after_free"),  # what is deleted can be restored from the bin
        *("--exclude-path-regex", without),
        *("--no-color", "--continue-on-failure", "--generation-database", "none", "--request-timeout", "60"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=report, check=False)
    text = done.stdout + done.stderr
    cases = re.search(r"(\d[\d,]*) generated", text)
    return Found(done.returncode, int(cases[1].replace(",", "")) if cases else 0, text)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    report.say(f"{os.cpu_count()} cores, load over 1, 5 and 15 minutes at the start {load}; seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="flamingo-fuzz-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "report").mkdir()
        with studio(Path(folder) / "studio", "--queue", "100000") as (url, _):
            found = fuzz(url, examples=asked.examples, seed=asked.seed, report=Path(folder) / "report")
    report.say(found.text)
    report.figures["cases"] = found.cases
    report.goal(
        "requests without a failure", "1,000 or more", f"{found.cases:,}", found.status == 0 and found.cases >= 1000
    )
    report.verdicts()
    report.save()
    return found.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Send all kinds of requests to the API.")
    add = parser.add_argument
    add("--examples", type=int, default=40, help="for each route and phase (default: %(default)s)")
    add("--seed", type=int, default=1)
    add("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
