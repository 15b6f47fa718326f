"""What the queue logs stays on one line, also where its database is full or gone."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from flamingo.errors import DiskFull
from flamingo.jobs import Jobs, Settings


@pytest.mark.parametrize(
    "error",
    [sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full")), DiskFull("the disk", "is full")],
    ids=["of the database", "of ours"],
)
def test_an_error_of_the_database_is_logged_in_one_line(
    settings: Settings, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with Jobs(settings), caplog.at_level(logging.ERROR, "dbos"):
        try:
            raise error
        except Exception as raised:
            logging.getLogger("dbos").error("a workflow failed:", exc_info=raised)
    [record] = caplog.records
    assert record.exc_info is None and "full" in record.getMessage()
    assert "\n" not in record.getMessage()
