"""Where jobs are kept and what a job may use: said once, the same for the server and its workers."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from flamingo import folders
from flamingo.errors import BadRequest, DiskFull
from flamingo.jobs.errors import DatabaseError
from flamingo.private import private_file, private_folder
from flamingo.processes import module_environment
from flamingo.settings import DATABASE

__all__ = ["Settings", "private_database"]


@dataclass(frozen=True)
class Settings:
    """What the server and its workers must agree on.

    data: folder of the files, and of the databases if they are SQLite. Workers on several hosts share it.
    database: URL of a PostgreSQL database, or None for SQLite in `data`.
    memory: bytes that a job may take, its helper processes included; seconds: how long it may run.
    attempts: how often a job is begun that ends its process; interruptions: how often one whose worker ended.
    quota: bytes that all files together may take, or None; reserve: bytes of the disk that are left free.
    verbs: "module:function" by name, for verbs beside Flamingo's own.
    """

    data: Path
    database: str | None = None
    memory: int = 0
    seconds: float = 3600.0
    attempts: int = 3
    interruptions: int = 10
    quota: int | None = None
    reserve: int = 128 << 20
    verbs: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.memory < 0 or self.seconds <= 0 or self.attempts < 1:
            raise BadRequest("limits of a job", "they must be positive", "leave them out for the usual ones")
        if self.memory == 0:
            object.__setattr__(self, "memory", int(0.75 * psutil.virtual_memory().total))
        if self.database is not None:
            _postgresql(self.database)

    @classmethod
    def of(cls, data: Path | None = None, database: str | None = None, **limits: Any) -> Settings:
        """Settings with the usual places for what is not given: `FLAMINGO_DATA` or the user's data folder,
        `FLAMINGO_DATABASE` or SQLite. Raises BadRequest for a database of another kind or odd limits."""
        usual = folders.moved() or folders.usual() / "studio"
        url = database or DATABASE.value()
        return cls((data or usual).absolute(), url, **limits)

    def sqlite(self, name: str) -> str:
        """URL of the SQLite database of this name in the data folder."""
        return f"sqlite:///{self.data / name}.sqlite"

    @property
    def jobs_url(self) -> sa.URL:
        """Where the rows of the jobs are."""
        return _postgresql(self.database) if self.database else sa.make_url(self.sqlite("jobs"))

    @property
    def queue_url(self) -> str:
        """Where DBOS keeps its queue: a SQLite file of its own, or the same PostgreSQL database."""
        return self.jobs_url.render_as_string(hide_password=False) if self.database else self.sqlite("queue")

    def arguments(self) -> list[str]:
        """These settings as arguments of `python -m flamingo.jobs.worker`. The database is not among them, for its
        password must not show in a list of processes; see `environment`."""
        arguments = [
            f"--data={self.data}",
            f"--memory={self.memory}",
            f"--seconds={self.seconds}",
            f"--attempts={self.attempts}",
            f"--interruptions={self.interruptions}",
            f"--reserve={self.reserve}",
        ]
        if self.quota is not None:
            arguments.append(f"--quota={self.quota}")
        return arguments + [f"--verb={name}={target}" for name, target in self.verbs.items()]

    def environment(self) -> dict[str, str]:
        """What a worker process finds in its environment: this one's variables, and the database."""
        return module_environment(**{DATABASE.name: self.database or ""})


def private_database(settings: Settings, name: str) -> None:
    """Make the data folder, and the SQLite database of this name in it, for their owner alone, or tighten those that
    are there. Raises DatabaseError or DiskFull."""
    try:
        private_folder(settings.data)
        private_file(settings.data / f"{name}.sqlite")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("the data folder", "the disk is full", "free some space") from None
        why = (error.strerror or "it cannot be made").lower()
        raise DatabaseError(f"data folder {settings.data}", why, "name another one with --data") from None


def _postgresql(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise BadRequest("the database", "this is no URL", "give one such as postgresql://user@host/name") from None
    if url.get_backend_name() not in ("postgresql", "postgres") or not url.database:
        raise BadRequest(
            f"database {url.render_as_string()}",
            "jobs are kept in SQLite or PostgreSQL",
            "give postgresql://user@host/name, or none for SQLite",
        )
    return url.set(drivername="postgresql+psycopg")
