"""A job as people see it: what was asked for, how far it is, what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from flamingo.errors import one_line

__all__ = ["ACTIVE", "Failure", "Input", "Job", "Progress", "Result", "State", "plain_file_name", "plain_name"]

State = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("queued", "running")


@dataclass(frozen=True)
class Input:
    """A file that a job reads: the sha256 of its content, and the name that it came with, for showing only."""

    sha256: str
    name: str = ""


@dataclass(frozen=True)
class Result:
    """A file that a job made. name: what to call it when it is saved; recipe: all that made it; notes: what must be
    told; about: what else the verb says of it (a piece's key, length, originality, ...); sidecar: the sha256 of the
    file of signed credentials that belongs beside it as NAME.json, "" where they are inside it."""

    name: str
    sha256: str
    size: int
    media_type: str
    recipe: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    sidecar: str = ""


@dataclass(frozen=True)
class Failure:
    """Why there is no result, or none for one of several inputs (`name`). kind: the error's class."""

    kind: str
    what: str
    why: str = ""
    hint: str = ""
    name: str = ""

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}; {self.hint}" if self.hint else text


@dataclass(frozen=True)
class Progress:
    """`done` of `all` parts are done (0 of 0: nobody knows), and what is being done now."""

    done: int = 0
    all: int = 0
    message: str = ""


@dataclass(frozen=True)
class Job:
    """One job. Times are seconds since the epoch.

    request: the name of its content (`verbs.request_hash`); attempts: how often it was begun, without those
    beginnings whose worker was ended (interruptions), for which it cannot be blamed; error: why it failed; failures:
    inputs without a result though others have one; deleted: when it was put into the bin; revision: rises with every
    change; favourite, title: what a person has marked it with.
    """

    id: str
    verb: str
    parameters: dict[str, Any]
    inputs: Mapping[str, tuple[Input, ...]]
    request: str
    state: State
    attempts: int
    interruptions: int
    progress: Progress
    results: tuple[Result, ...]
    error: Failure | None
    failures: tuple[Failure, ...]
    created: float
    started: float | None
    ended: float | None
    deleted: float | None
    revision: int
    favourite: bool = False
    title: str = ""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE

    def as_dict(self) -> dict[str, Any]:
        """Plain values only, for JSON."""
        return asdict(self)


def plain_name(name: str) -> str:
    """A file name from outside, for showing: no folders, nothing that disguises it, 200 characters at most."""
    return one_line(PurePosixPath(name.replace("\\", "/")).name)[-200:]


def plain_file_name(name: str) -> str:
    """The same, as a file here may be called."""
    plain = plain_name(name)
    return plain if plain.strip(".") and len(plain.encode()) <= 255 else f"file{plain_suffix(name)}"


def plain_suffix(name: str) -> str:
    """The suffix of a file name from outside, such as ".jpg", or "" if it is none that a file should be given."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix) else ""
