"""Locks between processes that vanish with the process that holds them, kill -9 included.

On one machine a lock is an exclusive transaction on an empty SQLite file, which is the same on every system (filelock
takes 0.46 ms in place of 0.26); between machines it is an advisory lock of PostgreSQL.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from flamingo.errors import OutputError, show
from flamingo.jobs.errors import DatabaseError
from flamingo.jobs.settings import Settings
from flamingo.private import private_folder

__all__ = ["SlotLock", "alone"]


@contextmanager
def alone(file: Path, seconds: float = 30.0) -> Iterator[None]:
    """Be the only one, of all threads and processes, that is between these lines with this file.

    Raises OutputError if nobody lets go within `seconds`.
    """
    held = _take(file, seconds)
    if held is None:
        raise OutputError(show(file), "another process holds this lock", "end it and try again")
    try:
        yield
    finally:
        held.close()


def _take(file: Path, seconds: float) -> sqlite3.Connection | None:
    connection = sqlite3.connect(file, timeout=seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=OFF")  # nothing is written, so no journal need lie beside it
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


class SlotLock:
    """The right to be the worker of one slot. Whoever gets it knows that the slot's last worker is gone."""

    def __init__(self, settings: Settings, slot: str) -> None:
        self._settings = settings
        self._slot = slot
        self._file: sqlite3.Connection | None = None
        self._session: sa.Connection | None = None

    def take(self, seconds: float = 0.0) -> bool:
        """Try for `seconds`; whether it is ours now. Raises DatabaseError."""
        if self._settings.database is None:
            folder = self._settings.data / "slots"
            private_folder(folder)
            self._file = _take(folder / f"{self._slot}.lock", seconds)
            return self._file is not None
        try:
            return self._take_in_postgresql(seconds)
        except sa.exc.DBAPIError as error:
            self.release()
            why = " ".join(str(error.orig).split())
            raise DatabaseError(f"slot {self._slot}", why, "see that the database runs") from None

    def _take_in_postgresql(self, seconds: float) -> bool:
        engine = sa.create_engine(self._settings.jobs_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._session = engine.connect()
        until = time.monotonic() + seconds
        ask = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
        while not self._session.execute(ask, {"name": f"flamingo-slot-{self._slot}"}).scalar_one():
            if time.monotonic() >= until:
                self.release()
                return False
            time.sleep(0.1)
        return True

    def held(self) -> bool:
        """Whether it is still ours: a PostgreSQL server that restarts forgets its locks."""
        if self._session is None:
            return self._file is not None
        try:
            return self._session.execute(sa.text("SELECT TRUE")).scalar_one() is True
        except sa.exc.SQLAlchemyError:
            return False

    def release(self) -> None:
        """Let others have it."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._session is not None:
            with suppress(sa.exc.SQLAlchemyError):
                # Said, and not left to the end of the session, which a busy server notices later.
                self._session.execute(sa.text("SELECT pg_advisory_unlock_all()"))
            with suppress(sa.exc.SQLAlchemyError):
                self._session.close()
            self._session = None
