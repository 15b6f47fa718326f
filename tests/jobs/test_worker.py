"""One worker by itself, without the queue that tells it what to do."""

from __future__ import annotations

import itertools
import threading

from flamingo.jobs import Jobs, Settings
from flamingo.jobs.worker import Worker
from tests.jobs.helpers import text


def test_jobs_that_come_at_once_are_carried_out_one_after_another(settings: Settings) -> None:
    """Or one would be given the answer that was meant for the other."""
    worker = Worker(settings, "slot-0")
    with Jobs(settings) as jobs:
        asked = [jobs.submit("count", {"to": to, "pause": 0.02}) for to in (3, 5, 7, 9)]
        threads = [threading.Thread(target=worker.carry_out, args=(job.id, 1)) for job in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        worker.stop()
        over = [jobs.get(job.id) for job in asked]
        assert [(job.state, job.attempts, job.interruptions) for job in over] == [("done", 1, 0)] * 4
        assert [text(jobs, job).split()[-1] for job in over] == ["2", "4", "6", "8"]
        spans = sorted((job.started or 0.0, job.ended or 0.0) for job in over)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
