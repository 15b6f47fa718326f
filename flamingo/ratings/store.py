"""Where listeners' grades are kept: one SQLite database, to which several processes may write at once.

It lies in the user's data folder, or in the folder named by `FLAMINGO_DATA`. Nothing in it is ever deleted: who
grades the same pair again replaces the earlier grade in the report, a grade that was taken back is marked, and both
stay. Pictures and music are known by the SHA-256 of their bytes, so a file may move or be renamed; its name is kept
only to be shown.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from flamingo import files
from flamingo.errors import DiskFull, FlamingoError, OutputError, show
from flamingo.folders import user_data
from flamingo.private import private_file, private_folder

Grade = Literal["excellent", "good", "fair", "poor", "bad"]
Standing = Literal["counts", "replaced", "undone"]
Kind = Literal["pair", "picture", "music", "film"]

OPINION: dict[Grade, int] = {"excellent": 5, "good": 4, "fair": 3, "poor": 2, "bad": 1}
"""The grades, best first, and their opinion scores on the listening-quality scale of ITU-T P.800 (1996), Annex B."""

_SCHEMA = 2
_APPLICATION = 0x464C4D47  # "FLMG" in the header says whose database this is
_PATIENCE = 30.0  # seconds that one process waits for the others

# One statement each, since executescript would end the transaction they stand in.
_TABLES = (
    """
    CREATE TABLE ratings (
        id INTEGER PRIMARY KEY,
        time TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('pair', 'picture', 'music', 'film')),
        picture TEXT NOT NULL CHECK (length(picture) = CASE kind WHEN 'music' THEN 0 ELSE 64 END),
        picture_name TEXT NOT NULL,
        music TEXT NOT NULL CHECK (length(music) = CASE WHEN kind IN ('pair', 'music') THEN 64 ELSE 0 END),
        music_name TEXT NOT NULL,
        grade TEXT NOT NULL CHECK (grade IN ('excellent', 'good', 'fair', 'poor', 'bad')),
        mood TEXT,
        valence REAL CHECK (valence BETWEEN -1 AND 1),
        arousal REAL CHECK (arousal BETWEEN -1 AND 1),
        listener TEXT NOT NULL,
        comment TEXT NOT NULL,
        painting TEXT,
        composition TEXT,
        version TEXT NOT NULL,
        undone TEXT
    )
    """,
    "CREATE INDEX ratings_by_pair ON ratings (picture, music, listener)",
)
# Schema 1 knew pairs alone. SQLite cannot change a check, so the table is made anew; all in one transaction.
_FROM_1 = (
    "DROP INDEX ratings_by_pair",
    "ALTER TABLE ratings RENAME TO ratings_of_schema_1",
    *_TABLES,
    """
    INSERT INTO ratings SELECT id, time, 'pair', picture, picture_name, music, music_name, grade, mood, valence,
        arousal, listener, comment, painting, composition, version, undone FROM ratings_of_schema_1
    """,
    "DROP TABLE ratings_of_schema_1",
)
_COLUMNS = (
    "time, kind, picture, picture_name, music, music_name, grade, mood, valence, arousal, listener, comment, "
    "painting, composition, version, undone"
)
# What a rating is worth depends on those of the same listener for the same pair that have not been taken back.
_SELECT = """
    SELECT id, time, kind, picture, picture_name, music, music_name, grade, mood, valence, arousal, listener, comment,
        painting, composition, version,
        CASE WHEN undone IS NOT NULL THEN 'undone'
             WHEN EXISTS (SELECT 1 FROM ratings AS o WHERE (o.picture, o.music, o.listener) = (r.picture, r.music,
                          r.listener) AND o.undone IS NULL AND o.id > r.id) THEN 'replaced'
             ELSE 'counts' END AS standing,
        (SELECT o.grade FROM ratings AS o WHERE (o.picture, o.music, o.listener) = (r.picture, r.music, r.listener)
             AND o.undone IS NULL AND o.id < r.id ORDER BY o.id DESC LIMIT 1) AS instead_of
    FROM ratings AS r
"""


@dataclass(frozen=True)
class Rating:
    """One listener's grade for a picture with its music, or for a picture, a piece of music or a film alone.

    id: its number in the database, rising; time: when it was given, UTC, ISO 8601. kind: what was graded. picture,
    music: SHA-256 of the files, in hexadecimal, "" for what was not part of it; a film is the picture. mood: word for
    the picture's mood; valence, arousal: its place from -1 to 1; None where not known. listener, comment: "" where
    not given. painting, composition: the recipes of what Flamingo made, with the versions of its models, or None.
    version: of the Flamingo that stored it. standing: whether it counts, was replaced by a later grade, or was taken
    back. instead_of: the earlier grade that it replaces, or None.
    """

    id: int
    time: str
    kind: Kind
    picture: str
    picture_name: str
    music: str
    music_name: str
    grade: Grade
    mood: str | None
    valence: float | None
    arousal: float | None
    listener: str
    comment: str
    painting: dict[str, Any] | None
    composition: dict[str, Any] | None
    version: str
    standing: Standing
    instead_of: Grade | None

    @property
    def persona(self) -> str | None:
        """In whose manner the music is, as `flamingo compose` understands it: beethoven, or chopin=.7,schubert=.3."""
        if self.composition is None:
            return None
        personas: dict[str, float] = self.composition["persona"]
        if len(personas) == 1:
            return next(iter(personas))
        return ",".join(f"{name}={f'{weight:.2g}'.removeprefix('0')}" for name, weight in personas.items())

    @property
    def style(self) -> str | None:
        """The style in which the picture is painted."""
        return None if self.painting is None else str(self.painting["style"])


def own_database() -> Path:
    """Where the grades are kept when no other place is named."""
    folder = user_data()
    return folder / "ratings.sqlite"


def now() -> str:
    """The time as it is stored: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def add(database: Path | None = None, **columns: str | float | dict[str, Any] | None) -> Rating:
    """Store a grade.

    Args:
        database: the file; None for the user's own. **columns: the fields of Rating that a listener or a caller gives
        (all from kind to version; a pair where no kind
            is given).

    Returns:
        The grade as it is stored.

    Raises:
        OutputError: the database cannot be used. Then nothing was stored.
    """
    values = {k: json.dumps(v, allow_nan=False) if isinstance(v, dict) else v for k, v in columns.items()}
    values = {"kind": "pair", "time": now(), **values}
    with _opened(database, writing=True) as connection, _transaction(connection):
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        key = connection.execute(f"INSERT INTO ratings ({names}) VALUES ({marks})", values).lastrowid
        return _rating(connection.execute(f"{_SELECT} WHERE id = ?", (key,)).fetchone())


def ratings(database: Path | None = None) -> list[Rating]:
    """All grades in the order in which they were given, also those that no longer count (see `Rating.standing`).

    Args:
        database: the file; None for the user's own. Where there is none there are no grades.

    Raises:
        OutputError: it cannot be read.

    Example:
        >>> ratings(folder / "none.sqlite")
        []
    """
    if not os.path.lexists(database or own_database()):
        return []
    with _opened(database, writing=False) as connection:
        if not _has_tables(connection):
            return []
        return [_rating(row) for row in connection.execute(f"{_SELECT} ORDER BY id")]


def adopt(older: Path, database: Path | None = None) -> int:
    """Move the grades of another database into this one, once. The older file stays, under a name that ends in
    `.adopted`.

    Args:
        older: the database to empty.
        database: the one to fill; None for the user's own.

    Returns:
        How many there were.

    Raises:
        OutputError: one of the two cannot be used. Then nothing was moved.
    """
    with _opened(older, writing=True) as connection:
        rows = [tuple(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM ratings ORDER BY id")]
    marks = ", ".join("?" * len(_COLUMNS.split(", ")))
    with _opened(database, writing=True) as connection, _transaction(connection):
        there = {tuple(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM ratings")}
        fresh = [row for row in rows if row not in there]
        connection.executemany(f"INSERT INTO ratings ({_COLUMNS}) VALUES ({marks})", fresh)
    older.rename(older.with_name(f"{older.name}.adopted"))
    return len(fresh)


def take_back(database: Path | None = None, listener: str | None = None) -> Rating | None:
    """Mark the last grade that has not been taken back already.

    Args:
        database: the file; None for the user's own.
        listener: whose last grade; None for anybody's.

    Returns:
        The grade, or None if there is none.

    Raises:
        OutputError: the database cannot be used.
    """
    if not os.path.lexists(database or own_database()):
        return None
    with _opened(database, writing=True) as connection, _transaction(connection):
        (key,) = connection.execute(
            "SELECT max(id) FROM ratings WHERE undone IS NULL AND listener = coalesce(?, listener)", (listener,)
        ).fetchone()
        if key is None:
            return None
        connection.execute("UPDATE ratings SET undone = ? WHERE id = ?", (now(), key))
        return _rating(connection.execute(f"{_SELECT} WHERE id = ?", (key,)).fetchone())


def _rating(row: sqlite3.Row) -> Rating:
    recipes = {key: json.loads(row[key]) if row[key] is not None else None for key in ("painting", "composition")}
    return Rating(**{**dict(row), **recipes})


# -- the database -------------------------------------------------------------------------------------------


@contextmanager
def _opened(database: Path | None, *, writing: bool) -> Iterator[sqlite3.Connection]:
    """A connection to a database that is known to be ours; for writing it is made if it is missing."""
    path = database or own_database()
    if writing:
        if database is None:
            _make_folder(path.parent)
            with suppress(OSError):  # it may not be made here, which is told below
                private_file(path)
        files.check_target(path, overwrite=True)
    elif path.is_dir():
        raise OutputError(show(path), "it is a folder", "give the name of a file")
    try:
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if writing else 'rw'}"
        with closing(sqlite3.connect(uri, timeout=_PATIENCE, isolation_level=None, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            _check(connection, path)
            if writing or _schema(connection) not in (0, _SCHEMA):
                _make_tables(connection)
            yield connection
            if writing:
                # Readers then need not wait for writers. It changes the file, so only once all went well. Where it
                # cannot be had just now, or on this kind of disk, SQLite's older journal is as safe.
                with suppress(sqlite3.OperationalError):
                    connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise _as_error(error, show(path)) from None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. It takes the right to write at once, so that it need not fail later for lack of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise an OutputError, before anything is written, for a database of something else or of a newer Flamingo."""
    with _reading(connection):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        empty = not (application or schema or _has_tables(connection))
    if application == _APPLICATION and schema > _SCHEMA:
        raise OutputError(
            show(path),
            f"a newer Flamingo has stored grades in it (schema {schema}; this one knows {_SCHEMA})",
            "update Flamingo, or name another database",
        )
    if application != _APPLICATION and not empty:
        raise OutputError(
            show(path), "it is a database of something else and was left as it is", "name another database"
        )


@contextmanager
def _reading(connection: sqlite3.Connection) -> Iterator[None]:
    """One and the same state of the database throughout, whoever writes meanwhile."""
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing, and bring an older schema up to this one."""
    if _schema(connection) == _SCHEMA:
        return
    with _transaction(connection):
        schema = _schema(connection)
        if schema == _SCHEMA:  # another process was faster
            return
        for statement in _FROM_1 if schema == 1 else _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA}")


def _schema(connection: sqlite3.Connection) -> int:
    """The number of the schema; 0 where there are no tables yet."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    return int(schema) if _has_tables(connection) else 0


def _make_folder(folder: Path) -> None:
    try:
        private_folder(folder)
    except OSError as error:
        why = (error.strerror or "it cannot be made").lower()
        raise OutputError(
            show(folder), f"the folder for grades cannot be made ({why})", "name one in FLAMINGO_DATA"
        ) from None


def _as_error(error: sqlite3.Error, name: str) -> FlamingoError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest of it says only where it happened
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return OutputError(
            name,
            "it is damaged, or no database, and was left as it is",
            "bring back a copy, or name another database",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OutputError(name, f"another program has held it for {_PATIENCE:.0f} s", "try again")
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(name, "the disk is full", "free some space or choose another folder")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return OutputError(name, "it may not be opened or written to", "check its permissions, and its folder's")
    return OutputError(name, f"the database cannot be used ({error})", "try again, or name another database")
