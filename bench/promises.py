"""Tries what Flamingo promises, kind by kind, and prints one line a kind: how many were tried, right and wrong.

    python bench/promises.py                       every kind
    python bench/promises.py --kind albums         one kind; may be given again
    python bench/promises.py --list                what is tried, without trying it
    python bench/promises.py --json FILE           every case, with what became of it

Each case makes its own input in an empty folder and looks at what came out: photos, metadata, albums and names of
files (_promises_pictures.py), scores and films (_promises_music.py), HTTP with a studio that really runs
(_promises_studio.py). Whether anything leaves the computer is tried by bench/offline.py. Exit code 1 if a case is
wrong. A case whose package is not installed is left out, and named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# So that a checkout can be tried without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _report import Report

MODULES = ("_promises_pictures", "_promises_music", "_promises_studio")

Check = Callable[[Path], bool]


@dataclass
class Outcome:
    """What became of one case. right: None where it was left out; said: why it is wrong or left out."""

    kind: str
    what: str
    right: bool | None
    seconds: float
    said: str = ""


def cases(report: Report, kinds: set[str]) -> Iterator[tuple[str, str, Check]]:
    """All cases of these kinds, or of all."""
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            report.leave_out(f"{name}: {error}")
            continue
        for kind, what, check in module.cases():
            if not kinds or kind in kinds:
                yield kind, what, check


def tried(kind: str, what: str, check: Check) -> Outcome:
    """Try one case in an empty folder."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="promise-") as folder:
        try:
            right: bool | None = bool(check(Path(folder)))
            said = ""
        except ImportError as error:
            right, said = None, str(error)
        except Exception:  # whatever it is, the promise was not kept
            right, said = False, traceback.format_exc(limit=-2).strip().splitlines()[-1]
    return Outcome(kind, what, right, round(time.monotonic() - began, 2), said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kind", action="append", default=[], help="a kind to try; may be given again")
    parser.add_argument("--list", action="store_true", help="print what is tried, and try nothing")
    parser.add_argument("--json", type=Path, help="write every case to this file")
    given = parser.parse_args()
    report = Report()
    todo = list(cases(report, set(given.kind)))
    if given.list:
        for kind, what, _ in todo:
            print(f"{kind:<10} {what}")
        return 0
    done = []
    with report.progress() as progress:
        for kind, what, check in progress.track(todo, description="trying"):
            done.append(tried(kind, what, check))
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in done):
        of_kind = [outcome for outcome in done if outcome.kind == kind]
        right = sum(outcome.right is True for outcome in of_kind)
        wrong = sum(outcome.right is False for outcome in of_kind)
        rows.append([kind, str(right + wrong), str(right), str(wrong)])
    report.table(["kind", "tried", "right", "wrong"], rows)
    for outcome in done:
        if outcome.right is False:
            report.say(f"wrong: {outcome.kind}: {outcome.what}{f' ({outcome.said})' if outcome.said else ''}")
        elif outcome.right is None:
            report.leave_out(f"{outcome.kind}: {outcome.what}: {outcome.said}")
    if given.json:
        given.json.write_text(json.dumps([asdict(outcome) for outcome in done], indent=1), encoding="utf-8")
    return int(any(outcome.right is False for outcome in done))


if __name__ == "__main__":
    sys.exit(main())
