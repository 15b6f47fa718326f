"""`flamingo jobs`: what the studio was asked for, what became of it, and why a job failed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from flamingo.cli.base import out, plain, styled
from flamingo.errors import BadRequest, show
from flamingo.jobs import Job, Jobs, Settings
from flamingo.jobs.job import State

jobs = App(name="jobs")

_SHORT_ID = 12
_MOST = 500

Data = Annotated[
    Path | None,
    Parameter(help="Folder of the studio's files; without it, studio in your data folder, or FLAMINGO_DATA."),
]
Database = Annotated[
    str | None, Parameter(help="PostgreSQL URL; without it FLAMINGO_DATABASE, or SQLite in the folder.")
]
AsJson = Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())]
Id = Annotated[str, Parameter(help="Its id, or the beginning of it.")]


@jobs.command(name="list")
def _list(
    *,
    state: Annotated[State | None, Parameter(help="Only those in this state.")] = None,
    limit: Annotated[int, Parameter(help="How many at most, newest first.")] = 20,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first: id, when, verb, state, and why one failed."""
    if not 1 <= limit <= _MOST:
        raise BadRequest(f"limit {limit}", f"it must be between 1 and {_MOST}", "see `flamingo jobs list --help`")
    with _opened(data, database) as store:
        matches = store.list(limit, state=state)
    if as_json:
        print(json.dumps([job.as_dict() for job in matches], indent=1, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "asked for", "verb", "state", "about"):
        table.add_column(heading, overflow="fold")
    for job in matches:
        table.add_row(job.id[:_SHORT_ID], _when(job.created), job.verb, job.state, plain(_about(job)))
    out.print(table if matches else "there are no jobs" + (f" that are {state}" if state else ""))
    return 0


@jobs.command(name="show")
def _show(job: Id, /, *, data: Data = None, database: Database = None, as_json: AsJson = False) -> int:
    """Show one job: its parameters, its history, and the traceback of a fault that nobody foresaw."""
    with _opened(data, database) as store:
        shown = _job_by_prefix(store, job)
        history = store.events(shown.id)
    if as_json:
        print(json.dumps({**shown.as_dict(), "history": history}, indent=1, ensure_ascii=False))
        return 0
    out.print(styled("{}  {}  [bold]{}[/]", shown.id, shown.verb, shown.state))
    out.print(styled("[dim]parameters[/] {}", json.dumps(shown.parameters, ensure_ascii=False)))
    for option, files in shown.inputs.items():
        out.print(styled("[dim]{}[/] {}", option, ", ".join(show(file.name) for file in files)))
    if shown.error:
        out.print(styled("[red]failed[/] {}", shown.error))
    for failure in shown.failures:
        out.print(styled("[red]failed[/] {}", failure))
    for event in history:
        details = {name: value for name, value in event["details"].items() if name != "traceback"}
        details_text = ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, "", []))
        out.print(styled("{}  {}  [dim]{}[/]", _when(event["at"]), event["kind"], details_text))
        if event["details"].get("traceback"):
            out.print(plain(event["details"]["traceback"].rstrip()))
    return 0


@jobs.command(name="retry")
def _retry(job: Id, /, *, data: Data = None, database: Database = None) -> int:
    """Put a job that has failed or was cancelled into the queue again; the studio's workers do it."""
    with _opened(data, database) as store:
        retried = store.retry(_job_by_prefix(store, job).id)
    out.print(styled("{} waits in the queue; `flamingo serve` has it done", retried.id))
    return 0


@contextmanager
def _opened(data: Path | None, database: str | None) -> Iterator[Jobs]:
    """The jobs that are there. Raises BadRequest where there are none, for looking must not make a folder."""
    settings = Settings.of(data, database)
    if settings.database is None and not (settings.data / "jobs.sqlite").is_file():
        raise BadRequest(show(settings.data), "no studio keeps its jobs there", "name its folder with --data")
    with Jobs(settings) as store:
        yield store


def _job_by_prefix(store: Jobs, begin: str) -> Job:
    """The job whose id begins so. Raises BadRequest unless there is exactly one."""
    matches = store.many([begin])
    page = [] if matches else store.list(_MOST)
    while page:
        matches += [job for job in page if job.id.startswith(begin)]
        page = store.list(_MOST, page[-1].id)
    if len(matches) != 1:
        why = f"{len(matches)} jobs begin so" if matches else "no job begins so"
        raise BadRequest(f"job {begin!r}"[:80], why, "see `flamingo jobs list`")
    return matches[0]


def _about(job: Job) -> str:
    if job.error:
        return str(job.error)
    names = [file.name for files in job.inputs.values() for file in files]
    return job.title or ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
