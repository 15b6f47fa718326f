"""Jobs that survive whatever happens to the processes that carry them out.

    settings = Settings.of()
    with Jobs(settings) as jobs, Workers(settings, slots=2):
        ...

`Jobs` is what a server speaks to, `Workers` are the processes that do the work. Requests and results are kept in the
data folder, or their rows in PostgreSQL, and nothing is lost when any process ends at any moment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

_MODULES = ("errors", "job", "jobs", "settings", "store", "supervisor")


def __getattr__(name: str) -> Any:
    # On demand, since the process that a verb runs in is in this package too and needs no database.
    if name in __all__:
        for module in _MODULES:
            found = importlib.import_module(f"flamingo.jobs.{module}")
            if name in found.__all__:
                return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
