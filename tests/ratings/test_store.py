"""The database of grades: several processes at once, files that are not ours, and nothing ever lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flamingo
from flamingo.errors import OutputError
from flamingo.ratings import store
from flamingo.ratings.store import OPINION

PROCESSES, EACH = 4, 6


def put(database: Path, **columns: Any) -> store.Rating:
    """A grade, with whatever is not said made up."""
    made_up = {"picture": "a" * 64, "music": "b" * 64, "grade": "good", "listener": "", "comment": "", "version": "0"}
    return store.add(database, **{"picture_name": "a.png", "music_name": "b.mid", **made_up, **columns})


def changed(database: Path, *statements: str) -> None:
    """The database after other programs have been at it, with everything in one file."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", *statements):
            connection.execute(statement)


def test_processes_that_grade_at_once_lose_nothing(picture: Path, music: Path, data: Path) -> None:
    script = (
        "import sys, flamingo\n"
        "picture, music, who, many = sys.argv[1:]\n"
        "for i in range(int(many)):\n"
        "    flamingo.rate(picture, music, 'good', listener=f'{who} {i}')\n"
    )
    command = [sys.executable, "-c", script, str(picture), str(music)]
    running = [
        subprocess.Popen([*command, f"listener {n}", str(EACH)], stderr=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    for process in running:
        said = process.communicate()[1]
        assert process.returncode == 0, said
    found = store.ratings()
    assert {r.listener for r in found} == {f"listener {n} {i}" for n in range(PROCESSES) for i in range(EACH)}
    assert [r.id for r in found] == list(range(1, PROCESSES * EACH + 1))
    with closing(sqlite3.connect(data / "ratings.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_while_one_writes_others_read_and_a_second_writer_waits_in_vain_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "r.sqlite"
    put(database)
    monkeypatch.setattr(store, "_PATIENCE", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE ratings SET comment = 'half done'")
        assert [r.comment for r in store.ratings(database)] == [""]
        with pytest.raises(OutputError, match="another program has held it") as caught:
            put(database)
        assert "\n" not in str(caught.value)
        writer.execute("ROLLBACK")
    assert put(database).id == 2


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["ada", "ben"]), st.sampled_from("xy"), st.sampled_from(list(OPINION))),
            st.sampled_from(["ada", "ben", None]),
        ),
        max_size=12,
    )
)
def test_the_last_grade_that_was_not_taken_back_counts(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[Any]
) -> None:
    database = tmp_path_factory.mktemp("deeds") / "r.sqlite"
    kept: list[tuple[str, str, str]] = []
    for deed in deeds:
        if isinstance(deed, tuple):
            listener, music, grade = deed
            before = [g for who, what, g in kept if (who, what) == (listener, music)]
            assert put(database, listener=listener, music=music * 64, grade=grade).instead_of == (
                before[-1] if before else None
            )
            kept.append(deed)
            continue
        meant = [i for i, (who, _, _) in enumerate(kept) if deed in (who, None)]
        undone = store.take_back(database, deed)
        assert (undone is None) == (not meant)
        if undone is not None:
            assert (undone.listener, undone.music[0], undone.grade) == kept.pop(meant[-1])
    found = store.ratings(database)
    counting = {(r.listener, r.music[0]): r.grade for r in found if r.standing == "counts"}
    assert counting == {(who, what): grade for who, what, grade in kept}
    assert len([r for r in found if r.standing == "counts"]) == len(counting)
    assert len([r for r in found if r.standing != "undone"]) == len(kept)
    assert len(found) == sum(isinstance(deed, tuple) for deed in deeds), "nothing is ever deleted"


def newer(database: Path) -> None:
    """As a later version may leave it."""
    put(database)
    changed(database, f"PRAGMA user_version = {store._SCHEMA + 1}")


def of_something_else(database: Path) -> None:
    """Another program's."""
    changed(database, "CREATE TABLE contacts (name)")


def no_database(database: Path) -> None:
    """Something else under that name."""
    database.write_bytes(b"Dear diary,\n" * 500)


def damaged(database: Path) -> None:
    """With all pages after the first overwritten."""
    put(database)
    overwritten(database)


def damaged_elsewhere(database: Path) -> None:
    """The same, from a disk that knows only the older journal."""
    put(database)
    changed(database)
    overwritten(database)


def overwritten(database: Path) -> None:
    """All but the first page, where it says what it is."""
    data = database.read_bytes()
    database.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (newer, "newer Flamingo .* update Flamingo"),
        (of_something_else, "database of something else"),
        (no_database, "damaged, or no database"),
        (damaged, "damaged, or no database"),
        (damaged_elsewhere, "damaged, or no database"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_and_left_as_it_is(
    make: Callable[[Path], None], said: str, picture: Path, music: Path, tmp_path: Path
) -> None:
    database = tmp_path / "r.sqlite"
    make(database)
    before = database.read_bytes()
    for use in (
        lambda: flamingo.rate(picture, music, "good", database=database),
        lambda: flamingo.grades(database=database),
        lambda: store.take_back(database),
    ):
        with pytest.raises(OutputError, match=said) as caught:
            use()
        assert "\n" not in str(caught.value)
        assert database.read_bytes() == before
        assert sorted(f.name for f in tmp_path.glob("r.sqlite*")) == ["r.sqlite"]


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    database = tmp_path / "r.sqlite"
    database.touch()
    assert store.ratings(database) == []
    assert store.take_back(database) is None
    assert put(database).id == 1


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    for use in (put, store.ratings, store.take_back):
        with pytest.raises(OutputError, match="it is a folder"):
            use(tmp_path)


SCHEMA_1 = """
    CREATE TABLE ratings (
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, picture TEXT NOT NULL CHECK (length(picture) = 64),
        picture_name TEXT NOT NULL, music TEXT NOT NULL CHECK (length(music) = 64), music_name TEXT NOT NULL,
        grade TEXT NOT NULL, mood TEXT, valence REAL, arousal REAL, listener TEXT NOT NULL, comment TEXT NOT NULL,
        painting TEXT, composition TEXT, version TEXT NOT NULL, undone TEXT
    )
"""


def of_0_1_0(database: Path) -> None:
    """Two grades as Flamingo 0.1.0 stored them; the second replaces the first."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(SCHEMA_1)
        connection.execute("CREATE INDEX ratings_by_pair ON ratings (picture, music, listener)")
        for grade in ("poor", "good"):
            row = ("2026-11-22T10:00:00Z", "a" * 64, "a.png", "b" * 64, "b.mid", grade, "sad", "Ada", "", "0.1.0")
            connection.execute(
                "INSERT INTO ratings (time, picture, picture_name, music, music_name, grade, mood, listener, "
                "comment, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        connection.execute("PRAGMA application_id = 0x464C4D47")
        connection.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize("first", ["read", "write"])
def test_grades_of_an_older_flamingo_are_kept_as_pairs(first: str, tmp_path: Path) -> None:
    database = tmp_path / "r.sqlite"
    of_0_1_0(database)
    if first == "write":
        put(database, grade="bad", kind="picture", music="", music_name="")
    old = store.ratings(database)[:2]
    assert [(r.kind, r.grade, r.standing, r.mood, r.listener) for r in old] == [
        ("pair", "poor", "replaced", "sad", "Ada"),
        ("pair", "good", "counts", "sad", "Ada"),
    ]
    assert put(database, kind="film", music="", music_name="").kind == "film"


def test_grades_of_another_database_are_moved_in_once(tmp_path: Path) -> None:
    ours, older = tmp_path / "ours.sqlite", tmp_path / "older.sqlite"
    put(ours, grade="fair", listener="Bob")
    of_0_1_0(older)
    assert store.adopt(older, ours) == 2
    assert [r.grade for r in store.ratings(ours)] == ["fair", "poor", "good"]
    assert not older.exists() and older.with_name("older.sqlite.adopted").exists()
    older.with_name("older.sqlite.adopted").rename(older)
    assert store.adopt(older, ours) == 0, "the same grades are not taken twice"
