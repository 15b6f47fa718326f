"""Short jobs do not wait behind long ones: they have a lane of their own, and a worker does one of each at a time.

Which lane a job is in follows from what is asked for alone, so that a server and its workers, and a later start of
either, find the same without writing it down. A verb says itself what of it is short (`Verb.is_short`); it means
seconds, where a long job takes minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from flamingo.jobs.errors import NoSuchFile
from flamingo.jobs.job import Input, Job
from flamingo.jobs.store import Store
from flamingo.verbs import Verb

__all__ = ["LANES", "Lane", "lane_of"]

Lane = Literal["long", "short"]
LANES: tuple[Lane, ...] = ("long", "short")


def lane_of(verbs: Mapping[str, Verb], job: Job, store: Store) -> Lane:
    """The lane of a job. One whose verb or files are not known is a long one."""
    verb = verbs.get(job.verb)
    if verb is None:
        return "long"
    try:
        files = {option: _paths(inputs, store) for option, inputs in job.inputs.items()}
    except NoSuchFile:
        return "long"
    return "short" if verb.is_short(job.parameters, files) else "long"


def _paths(inputs: Sequence[Input], store: Store) -> list[Path]:
    return [store.path(file.sha256) for file in inputs]
