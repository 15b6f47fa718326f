"""Jobs that survive whatever happens to the processes that carry them out.

    settings = Settings.of()
    with Jobs(settings) as jobs, Workers(settings, slots=2):
        ...

`Jobs` is what a server speaks to, `Workers` are the processes that do the work. Requests and results are kept in the
data folder, or their rows in PostgreSQL, and nothing is lost when any process ends at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flamingo.lazy import on_demand

if TYPE_CHECKING:
    from flamingo.jobs.errors import DatabaseError, NoSuchFile, NoSuchJob, QuotaExceeded, SlotTaken, WrongState
    from flamingo.jobs.job import Failure, Input, Job, Progress, Result
    from flamingo.jobs.jobs import Jobs
    from flamingo.jobs.settings import Settings
    from flamingo.jobs.store import Store, Stored
    from flamingo.jobs.supervisor import Workers

__all__ = [
    "DatabaseError",
    "Failure",
    "Input",
    "Job",
    "Jobs",
    "NoSuchFile",
    "NoSuchJob",
    "Progress",
    "QuotaExceeded",
    "Result",
    "Settings",
    "SlotTaken",
    "Store",
    "Stored",
    "Workers",
    "WrongState",
]

# On demand, since the process that a verb runs in is in this package too and needs no database.
_HOMES = {
    "DatabaseError": "flamingo.jobs.errors",
    "Failure": "flamingo.jobs.job",
    "Input": "flamingo.jobs.job",
    "Job": "flamingo.jobs.job",
    "Jobs": "flamingo.jobs.jobs",
    "NoSuchFile": "flamingo.jobs.errors",
    "NoSuchJob": "flamingo.jobs.errors",
    "Progress": "flamingo.jobs.job",
    "QuotaExceeded": "flamingo.jobs.errors",
    "Result": "flamingo.jobs.job",
    "Settings": "flamingo.jobs.settings",
    "SlotTaken": "flamingo.jobs.errors",
    "Store": "flamingo.jobs.store",
    "Stored": "flamingo.jobs.store",
    "Workers": "flamingo.jobs.supervisor",
    "WrongState": "flamingo.jobs.errors",
}

__getattr__ = on_demand(__name__, _HOMES)
