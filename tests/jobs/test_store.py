"""The store: content under its hash, once, whole or not at all, and gone when nobody needs it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flamingo.errors import DiskFull, OutputError
from flamingo.jobs import NoSuchFile, QuotaExceeded, Store
from flamingo.jobs.store import GRACE


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "files")


def kept(store: Store) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file() and path.name != "lock"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pieces=st.lists(st.binary(max_size=200), max_size=8))
def test_content_comes_back_under_its_hash(store: Store, pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    stored = store.put(pieces)
    assert stored == store.put(io.BytesIO(whole))
    assert (stored.sha256, stored.size) == (hashlib.sha256(whole).hexdigest(), len(whole))
    with store.open(stored.sha256) as file:
        assert file.read() == whole
    assert store.exists(stored.sha256) and store.size(stored.sha256) == len(whole)


def test_the_same_content_is_kept_once(store: Store) -> None:
    assert store.put([b"a", b"b"]) == store.put([b"ab"])
    assert len(kept(store)) == 1


def test_a_stream_that_breaks_off_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError("the browser has gone")

    with pytest.raises(ConnectionResetError):
        store.put(broken())
    assert kept(store) == []


def test_a_damaged_file_is_replaced_when_it_comes_again(store: Store) -> None:
    path = store.path(store.put([b"whole"]).sha256)
    path.chmod(0o600)
    path.write_bytes(b"who")
    assert store.path(store.put([b"whole"]).sha256).read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64])
def test_what_is_not_there_is_said_to_be_not_there(store: Store, name: str) -> None:
    assert not store.exists(name)
    with pytest.raises(NoSuchFile, match=r"not kept here|no SHA-256"):
        store.open(name)


def test_a_quota_ends_an_upload_while_it_comes(tmp_path: Path) -> None:
    store = Store(tmp_path, quota=40 << 20)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1 << 20
            yield b"x" * (1 << 20)

    with pytest.raises(QuotaExceeded, match="may keep 40 MiB") as refused:
        store.put(endless())
    assert isinstance(refused.value, DiskFull)
    assert taken <= 60 << 20
    assert kept(store) == []
    store.put([b"small"])


def test_the_last_of_the_disk_is_left_free(tmp_path: Path) -> None:
    store = Store(tmp_path, reserve=shutil.disk_usage(tmp_path).total)
    with pytest.raises(DiskFull, match="must stay so"):
        store.put([b"x"])
    assert kept(store) == []


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError):
        Store(tmp_path / "file")


def test_a_sweep_takes_what_nobody_needs_and_nobody_has_just_brought(store: Store) -> None:
    needed, old, fresh = (store.put([word]).sha256 for word in (b"needed", b"old", b"fresh"))
    broken = store.folder / "incoming" / "broken-off"
    broken.write_bytes(b"half")
    for path in (store.path(needed), store.path(old), broken):
        os.utime(path, (time.time() - GRACE - 60,) * 2)
    assert store.sweep({needed}) == [old]
    assert store.exists(needed) and store.exists(fresh) and not store.exists(old) and not broken.exists()
    assert store.sweep({needed}, grace=-1) == [fresh]


def test_touching_keeps_a_file_from_being_swept(store: Store) -> None:
    name = store.put([b"for a job to come"]).sha256
    os.utime(store.path(name), (time.time() - GRACE - 60,) * 2)
    store.touch(name)
    assert store.sweep(set()) == []
    with pytest.raises(NoSuchFile):
        store.touch("0" * 64)


def test_a_file_that_came_again_outlives_the_job_that_had_it(store: Store) -> None:
    name = store.put([b"x"]).sha256
    assert not store.delete(name, unused_since=time.time() - 60)
    assert store.delete(name, unused_since=time.time() + 1)
    assert not store.delete(name, unused_since=time.time() + 1)


def test_putting_and_sweeping_at_once_loses_nothing(store: Store) -> None:
    """Whoever has just put a file finds it, though another thread takes all that is an hour old."""
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            for path in kept(store):
                if path.parent.name != "incoming":
                    store.delete(path.name, unused_since=time.time() - 3000)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for i in range(90):
            name = store.put([b"%d" % (i % 3)]).sha256
            assert store.exists(name)
            with suppress(NoSuchFile, FileNotFoundError):
                os.utime(store.path(name), (time.time() - 3600,) * 2)
    finally:
        stop.set()
        sweeper.join()


def test_only_its_owner_reads_it(store: Store) -> None:
    if os.name != "posix":
        pytest.skip("permissions are those of POSIX")
    path = store.path(store.put([b"private"]).sha256)
    assert path.stat().st_mode & 0o777 == 0o400
    assert path.parent.stat().st_mode & 0o077 == 0
