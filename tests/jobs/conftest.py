"""What the tests of jobs share: real jobs on SQLite and on PostgreSQL, with a worker, and its tricks."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from flamingo.jobs import Jobs, Settings, Workers
from tests.jobs import tricks

BENCH = Path(__file__).resolve().parents[2] / "bench"


def private_postgres() -> ModuleType:
    """bench/_postgres.py, which the benchmark of the jobs uses too."""
    spec = importlib.util.spec_from_file_location("private_postgres", BENCH / "_postgres.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server's first database."""
    if os.name != "posix":
        pytest.skip("a private PostgreSQL needs Unix sockets")
    module = private_postgres()
    if reason := module.missing():
        pytest.skip(reason)
    with module.server(durable=False) as url:
        yield url


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """URL of an empty PostgreSQL database of one's own."""
    import psycopg

    name = f"jobs_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.replace("/postgres?", f"/{name}?")


@contextmanager
def at_work(folder: Path, database: str | None) -> Iterator[Jobs]:
    """Jobs that know the tricks, with one worker; memory and time for real work, not for hoarding."""
    settings = Settings(folder, database, memory=2 << 30, seconds=600, verbs=tricks.VERBS)
    with Jobs(settings) as jobs, Workers(settings, slots=1):
        yield jobs


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """On SQLite, the same for all tests that leave them as they find them."""
    with at_work(tmp_path_factory.mktemp("jobs"), None) as jobs:
        yield jobs


@pytest.fixture(scope="session")
def postgres_jobs(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Jobs]:
    """The same on PostgreSQL."""
    with at_work(tmp_path_factory.mktemp("jobs"), postgres_server) as jobs:
        yield jobs


@pytest.fixture(params=["jobs", "postgres_jobs"], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Jobs:
    """The one and the other: for what depends on the database."""
    jobs: Jobs = request.getfixturevalue(request.param)
    return jobs


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of jobs of one's own, on SQLite, with nobody to do the work yet."""
    return Settings(tmp_path / "jobs", memory=1 << 30, seconds=600, verbs=tricks.VERBS)
