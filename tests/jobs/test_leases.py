"""Whose word about a job counts: the last who began it, while it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flamingo.jobs import Failure, Progress, Result, Settings
from flamingo.jobs.leases import Leases
from flamingo.jobs.repository import Repository
from flamingo.jobs.tables import Database

RESULT = Result("x.txt", "0" * 64, 1, "text/plain")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> Repository:
    return Repository(database)


@pytest.fixture
def claims(database: Database, settings: Settings) -> Leases:
    return Leases(database, settings)


@pytest.fixture
def job(ledger: Repository) -> str:
    return ledger.add("count", {}, {}, "r" * 64, True)[0]


def test_a_worker_that_was_thought_dead_can_say_nothing(ledger: Repository, claims: Leases, job: str) -> None:
    late, heir = claims.begin(job, 1, "slot-0"), claims.begin(job, 1, "slot-1")
    assert late is not None and heir is not None
    assert not claims.wanted(late, None) and not claims.wanted(late, Progress(1, 2))
    assert not claims.finish(late, [RESULT, RESULT], [])
    claims.fail(late, Failure("Odd", "count"))
    claims.died(late, "it did")
    claims.put_back(late)
    assert ledger.get(job).state == "running" and ledger.get(job).progress.done == 0
    assert claims.finish(heir, [RESULT], [])
    assert not claims.finish(heir, [RESULT], []), "not even twice"
    assert (ledger.get(job).state, ledger.get(job).results) == ("done", (RESULT,))
    assert claims.begin(job, 1, "slot-0") is None


def test_after_a_cancel_nothing_can_be_said(ledger: Repository, claims: Leases, job: str) -> None:
    task = claims.begin(job, 1, "slot-0")
    assert task is not None
    ledger.cancel(job)
    assert not claims.wanted(task, None) and not claims.finish(task, [RESULT], [])
    assert ledger.get(job).results == () and claims.begin(job, 1, "slot-0") is None


def test_a_round_that_is_over_begins_nothing(ledger: Repository, claims: Leases, job: str) -> None:
    ledger.cancel(job)
    assert ledger.retry(job) == 2
    assert claims.begin(job, 1, "slot-0") is None
    assert claims.begin(job, 2, "slot-0") is not None


def test_a_job_whose_worker_always_ends_is_given_up(
    ledger: Repository, claims: Leases, job: str, settings: Settings
) -> None:
    times = 0
    while claims.begin(job, 1, "slot-0") is not None:
        times += 1
    found = ledger.get(job)
    assert times == settings.interruptions + 1
    assert found.state == "failed" and found.error is not None and "its worker ended" in found.error.why


def test_what_the_queue_has_finished_with_gets_another_round(ledger: Repository, claims: Leases, job: str) -> None:
    assert claims.active(ledger.get(job).created + 1) == [(job, 1)]
    assert claims.next_round(job, 1) and not claims.next_round(job, 1)
    assert claims.begin(job, 2, "slot-0") is not None
    ledger.cancel(job)
    assert not claims.next_round(job, 2) and not claims.any_waiting()
