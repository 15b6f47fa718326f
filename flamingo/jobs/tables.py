"""The tables that jobs are kept in, in SQLite or PostgreSQL.

`flamingo_jobs` has a row a job, `flamingo_files` one for each of its inputs, results and sidecars, `flamingo_events`
is only ever added to: what happened to a job, in order, each event in the transaction of the change that it tells of.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flamingo.errors import DiskFull
from flamingo.jobs.errors import DatabaseError
from flamingo.jobs.settings import Settings, private_database

__all__ = ["MAKE_ROOM", "Database", "database_full", "events", "files", "jobs"]

MAKE_ROOM = "free some space, or delete some jobs and empty the bin"

_metadata = sa.MetaData()

jobs = sa.Table(
    "flamingo_jobs",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("verb", sa.String(64), nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("request", sa.String(64), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    # How often it was put into the queue; a name in DBOS's queue is "ID.ROUND".
    sa.Column("round", sa.Integer, nullable=False, default=1),
    # How often it was begun: whoever began it last, and nobody else, may write about it.
    sa.Column("token", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("interruptions", sa.Integer, nullable=False, default=0),
    sa.Column("done", sa.Integer, nullable=False, default=0),
    sa.Column("all", sa.Integer, nullable=False, default=0),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("failures", sa.JSON, nullable=False, default=list),
    sa.Column("created", sa.Double, nullable=False, index=True),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("deleted", sa.Double),
    sa.Column("revision", sa.Integer, nullable=False, default=1),
    sa.Column("favourite", sa.Boolean, nullable=False, default=False),
    sa.Column("title", sa.Text, nullable=False, default=""),
    # What it is found by; see `search`.
    sa.Column("words", sa.Text, nullable=False, default=""),
    sa.Column("title_words", sa.Text, nullable=False, default=""),
)

files = sa.Table(
    "flamingo_files",
    _metadata,
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("role", sa.String(8), primary_key=True),  # input, result, or the sidecar of the result of this place
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("option", sa.String(64), nullable=False, default=""),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False, default=0),
    sa.Column("media_type", sa.String(128), nullable=False, default=""),
    sa.Column("details", sa.JSON, nullable=False, default=dict),
)

events = sa.Table(
    "flamingo_events",
    _metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(32), nullable=False, index=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("details", sa.JSON, nullable=False, default=dict),
)


class Database:
    """The connection to the tables, which are made if they are not there. Raises DatabaseError if there is none."""

    def __init__(self, settings: Settings) -> None:
        url = settings.jobs_url
        if settings.database is None:
            private_database(settings, "jobs")
            self._engine = sa.create_engine(url, connect_args={"timeout": 30.0})
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
        self._reading = self._engine.execution_options(reading=True)
        self._name = url.render_as_string()
        self._hint = "see that it runs" if settings.database else "see to its folder"
        with self.write() as connection:
            self.alone(connection, "flamingo-tables")
            _metadata.create_all(connection)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it or nothing. On SQLite one at a time. Raises DatabaseError if it cannot be had."""
        with self._in_words(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and on SQLite waits for nobody. Raises DatabaseError if it cannot be had."""
        with self._in_words(), self._reading.begin() as connection:
            yield connection

    def alone(self, connection: sa.Connection, name: str) -> None:
        """Until this transaction ends, no other gets past this line with the same name."""
        if self._engine.dialect.name == "postgresql":  # on SQLite, whoever writes is alone already
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """That the database is gone, full or locked, in one line; what else it says would be a fault of ours."""
        try:
            yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            if database_full(error):
                raise DiskFull("the database", "there is no room left on its disk", MAKE_ROOM) from None
            why = " ".join(str(error.orig).split())
            raise DatabaseError(f"database {self._name}", why, self._hint) from None


def database_full(error: sa.exc.DBAPIError) -> bool:
    """Whether a database says that its disk is full: SQLite by its codes, PostgreSQL by SQLSTATE 53100."""
    if getattr(error.orig, "sqlstate", None) == "53100":
        return True
    code = getattr(error.orig, "sqlite_errorcode", None) or 0
    if code & 0xFF == sqlite3.SQLITE_FULL or "disk is full" in str(error.orig):
        return True
    # Memory shared between processes, and a journal, are files too, and fail with an error of input or output.
    return code in (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMOPEN)


def _prepare_sqlite(connection: Any, _: object) -> None:
    # SQLAlchemy says when a transaction begins (below); the driver's own guess would come too late for a reader
    # that goes on to write.
    connection.isolation_level = None
    # Readers do not wait for the writer, and what is committed survives a power cut.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
