"""Jobs as a server sees them, carried out by a real worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from flamingo.errors import BadRequest
from flamingo.jobs import Input, Job, Jobs, NoSuchFile, NoSuchJob, WrongState
from tests.jobs.helpers import ended, outcome, text, until


def test_a_job_is_done_and_its_result_is_kept(either: Jobs) -> None:
    jobs = either
    job = outcome(jobs, jobs.submit("count", {"to": 5}))
    assert (job.state, job.attempts, job.interruptions, job.error) == ("done", 1, 0, None)
    assert text(jobs, job) == "0 1 2 3 4"
    (result,) = job.results
    assert (result.name, result.media_type, result.size) == ("numbers.txt", "text/plain", 9)
    assert (result.notes, result.recipe) == (("counted",), {"to": 5})
    assert result.about["half"] == 0.5 and result.about["nothing"] is None
    assert job.ended is not None and job.started is not None and job.created <= job.started <= job.ended
    json.dumps(job.as_dict(), allow_nan=False)
    assert [event["kind"] for event in jobs.events(job.id)] == ["submitted", "begun", "done"]


@pytest.mark.parametrize("name", ["", "0" * 32, "nobody's", "\x00", "x" * 5000])
def test_a_job_that_nobody_asked_for_is_not_there(either: Jobs, name: str) -> None:
    jobs = either
    ways: list[Any] = [jobs.get, jobs.cancel, jobs.retry, jobs.delete, jobs.restore, jobs.purge, jobs.events]
    for way in [*ways, lambda job: next(jobs.watch(job)), lambda job: jobs.list(before=job)]:
        with pytest.raises(NoSuchJob) as refused:
            way(name)
        assert "no such job is known" in str(refused.value) and len(str(refused.value)) < 200


def test_what_cannot_be_asked_is_refused_before_it_is_written_down(jobs: Jobs) -> None:
    before = jobs.list(1)
    wrong: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("dance", {}, {}),
        ("count", {"to": -1}, {}),
        ("count", {"output": "/"}, {}),
        ("count", {}, {"files": [Input("0" * 64)]}),
        ("copy", {}, {}),
    ]
    for verb, parameters, inputs in wrong:
        with pytest.raises(BadRequest):
            jobs.submit(verb, parameters, inputs)
    with pytest.raises(NoSuchFile):
        jobs.submit("copy", {}, {"files": [Input("0" * 64, "cat.jpg")]})
    assert jobs.list(1) == before


def test_asking_twice_is_asking_once_unless_told_otherwise(either: Jobs) -> None:
    jobs = either
    wish = {"to": 7, "pause": 0.05}
    first = jobs.submit("count", wish)
    assert jobs.submit("count", {"pause": 0.05, "to": 7}).id == first.id
    done = outcome(jobs, first)
    assert jobs.submit("count", wish).id == first.id
    again = outcome(jobs, jobs.submit("count", wish, reuse=False))
    assert again.id != first.id and again.request == done.request
    assert [result.sha256 for result in again.results] == [result.sha256 for result in done.results]
    jobs.delete(first.id)
    jobs.delete(again.id)
    assert jobs.submit("count", wish).id not in (first.id, again.id)


def test_a_result_that_has_vanished_is_made_again(jobs: Jobs) -> None:
    first = outcome(jobs, jobs.submit("count", {"to": 11}))
    jobs.store.path(first.results[0].sha256).unlink()
    again = outcome(jobs, jobs.submit("count", {"to": 11}))
    assert again.id != first.id and text(jobs, again).endswith("10")


def test_bad_input_is_said_at_once_and_not_tried_again(jobs: Jobs) -> None:
    job = outcome(jobs, jobs.submit("refuse", {"why": "it is a poem"}))
    assert (job.state, job.attempts) == ("failed", 1)
    assert job.error is not None
    assert (job.error.kind, job.error.what, job.error.why) == ("UnreadableImage", "cat.jpg", "it is a poem")
    assert str(job.error) == "cat.jpg: it is a poem; send another"


@pytest.mark.parametrize("odd", ["a\x00b", "\ud800", "\u202eback", "%s %(x)s {}", "💐" * 999], ids=ascii)
def test_any_text_may_be_a_parameter(either: Jobs, odd: str) -> None:
    jobs = either
    try:
        job = jobs.submit("refuse", {"why": odd})
    except BadRequest as error:
        assert "\n" not in str(error) and odd == "\ud800", "what is no text is refused"
        return
    job = outcome(jobs, job)
    assert job.parameters == {"why": odd} and job.error is not None and job.error.kind == "UnreadableImage"


def test_a_batch_goes_on_and_says_what_failed_by_its_own_name(jobs: Jobs) -> None:
    full, empty = jobs.store.put([b"full"]).sha256, jobs.store.put([]).sha256
    files = [Input(empty, "blank.txt"), Input(full, "../full.txt")]
    job = outcome(jobs, jobs.submit("copy", {}, {"files": files}))
    assert job.state == "done" and text(jobs, job) == "full"
    (failure,) = job.failures
    assert (failure.kind, failure.what, failure.why) == ("UnreadableImage", "blank.txt", "it is empty")
    assert job.inputs["files"] == (Input(empty, "blank.txt"), Input(full, "full.txt"))
    nothing = outcome(jobs, jobs.submit("copy", {}, {"files": files[:1]}))
    assert nothing.state == "failed" and nothing.error is not None and nothing.error.what == "blank.txt"


@pytest.mark.parametrize("how", ["SIGSEGV", "raise"])
def test_work_that_ends_its_process_is_tried_again(jobs: Jobs, tmp_path: Path, how: str) -> None:
    job = outcome(jobs, jobs.submit("stumble", {"diary": str(tmp_path / "diary"), "times": 1, "how": how}))
    assert (job.state, job.attempts, job.interruptions) == ("done", 2, 0)
    assert text(jobs, job) == "up again"
    assert [event["kind"] for event in jobs.events(job.id)] == ["submitted", "begun", "died", "begun", "done"]
    (died,) = (event["details"]["why"] for event in jobs.events(job.id) if event["kind"] == "died")
    says = {"SIGSEGV": "ended by SIGSEGV", "raise": "ZeroDivisionError: one by nothing"}
    assert says[how] in died


def test_after_three_attempts_it_has_failed_and_its_inputs_are_kept(jobs: Jobs, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = outcome(jobs, jobs.submit("stumble", {"diary": str(diary), "times": 3, "how": "exit"}))
    assert (job.state, job.attempts, len(diary.read_text().split())) == ("failed", 3, 3)
    assert job.error is not None
    assert "tried 3 times" in job.error.why and "exit code 7" in job.error.why and "kept" in job.error.hint
    again = outcome(jobs, jobs.retry(job.id))
    assert (again.state, again.attempts, again.error) == ("done", 1, None)
    with pytest.raises(WrongState, match="it is done"):
        jobs.retry(job.id)


def test_cancelling_ends_every_process_of_the_job(either: Jobs, tmp_path: Path) -> None:
    jobs = either
    diary = tmp_path / "diary"
    job = jobs.submit("cling", {"diary": str(diary)})
    pids = json.loads(until(lambda: diary.exists() and diary.read_text().endswith("]") and diary.read_text()))
    family = [psutil.Process(pid) for pid in pids]
    assert jobs.cancel(job.id).state == "cancelled"
    assert ended(family, 60), "bench/jobs.py measures that two seconds are enough"
    assert outcome(jobs, jobs.submit("count", {"to": 2}, reuse=False)).state == "done"
    assert jobs.get(job.id).state == "cancelled" and jobs.cancel(job.id).state == "cancelled"


def test_what_waits_is_cancelled_and_never_begun(jobs: Jobs, tmp_path: Path) -> None:
    before = jobs.submit("wait", {"gate": str(tmp_path / "gate")})
    waiting = jobs.submit("stumble", {"diary": str(tmp_path / "diary")})
    assert jobs.cancel(waiting.id).state == "cancelled"
    (tmp_path / "gate0").touch()
    assert text(jobs, outcome(jobs, before)) == "through"
    assert outcome(jobs, jobs.submit("count", {"to": 1}, reuse=False)).state == "done"
    assert not (tmp_path / "diary").exists()
    assert outcome(jobs, jobs.retry(waiting.id)).state == "done"


def test_progress_is_seen_while_it_happens(either: Jobs, tmp_path: Path) -> None:
    jobs = either
    job = jobs.submit("wait", {"gate": str(tmp_path / "gate"), "steps": 3})
    seen = []
    for now in jobs.watch(job.id):
        seen.append(now)
        if now.active and now.progress.done:
            assert now.progress.message == f"at gate {now.progress.done - 1}"
            (tmp_path / f"gate{now.progress.done - 1}").touch()
    assert seen[-1].state == "done" and [s.revision for s in seen] == sorted({s.revision for s in seen})
    done = [s.progress.done for s in seen if s.state == "running"]
    assert set(done) >= {1, 2, 3} and done == sorted(done) and {s.progress.all for s in seen} >= {4}
    # A page that was reloaded says what it has seen last, and is told what came after.
    assert [s.state for s in jobs.watch(job.id, since=seen[-2].revision)] == ["done"]
    assert list(jobs.watch(job.id, since=seen[-1].revision)) == []


def test_an_end_between_two_looks_is_told_all_the_same(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.submit("wait", {"gate": str(tmp_path / "gate")})
    get = jobs.get

    def cancelled_right_after(id_: str) -> Job:
        seen = get(id_)
        jobs._repository.cancel(id_)
        return seen

    since = until(lambda: jobs.get(job.id).state == "running" and jobs.get(job.id).revision)
    monkeypatch.setattr(jobs, "get", cancelled_right_after)
    assert [now.state for now in jobs.watch(job.id, since)][-1:] == ["cancelled"]


def test_the_list_is_in_pages_newest_first(either: Jobs) -> None:
    jobs = either
    asked = [jobs.submit("count", {"to": 1}, reuse=False).id for _ in range(5)]
    first = [job.id for job in jobs.list(2)]
    second = [job.id for job in jobs.list(3, before=first[-1])]
    assert first + second == asked[::-1]
    for job in asked:
        outcome(jobs, jobs.get(job))
    assert jobs.list(1, state="done")[0].id == asked[-1]


def test_jobs_are_found_by_words(either: Jobs) -> None:
    jobs = either
    photo = jobs.store.put([b"what is searched for"]).sha256
    copy = outcome(jobs, jobs.submit("copy", {}, {"files": [Input(photo, "Älpler 100%.txt")]}))
    other = outcome(jobs, jobs.submit("count", {"to": 977}))

    def found(search: str, **more: Any) -> list[str]:
        return [job.id for job in jobs.list(500, search=search, **more)]

    for search in ("äLPLER", "100%", "  copy   älp ", "älpler 100%.TXT"):
        assert found(search) == [copy.id], search
    for search in ("NUMBERS.txt 977", "977 bers.TXT"):
        assert found(search) == [other.id], search
    for search in ("älpler 977", "100_", "\x00?", "%%", "'; DROP TABLE flamingo_jobs; --"):
        assert found(search) == [], search
    assert {copy.id, other.id} <= set(found(" "))
    assert found("älpler", verb="count") == [] and found("älpler", verb="copy", state="done") == [copy.id]
    jobs.mark(copy.id, title="Ein GROẞER Tag")
    assert found("grosser tag") == [copy.id]
    with pytest.raises(BadRequest, match="more than 200"):
        jobs.list(search="x" * 201)


def test_jobs_are_marked(either: Jobs) -> None:
    jobs = either
    job = outcome(jobs, jobs.submit("count", {"to": 3}, reuse=False))
    assert (job.favourite, job.title) == (False, "")
    marked = jobs.mark(job.id, favourite=True, title="  our\n cat,\tasleep ")
    assert (marked.favourite, marked.title, marked.state) == (True, "our cat, asleep", "done")
    assert marked.revision > job.revision and marked.results == job.results
    assert job.id in [j.id for j in jobs.list(favourite=True)]
    assert job.id not in [j.id for j in jobs.list(favourite=False)]
    assert jobs.mark(job.id, favourite=False).title == "our cat, asleep"
    assert jobs.mark(job.id).revision == jobs.mark(job.id, favourite=False).revision, "nothing has changed"
    assert "\u202e" not in jobs.mark(job.id, title="a\u202etitle").title
    assert jobs.mark(job.id, title="x" * 200).title == "x" * 200
    with pytest.raises(BadRequest, match="more than 200"):
        jobs.mark(job.id, title="x" * 201)
    assert jobs.mark(job.id, title="").title == ""
    with pytest.raises(NoSuchJob):
        jobs.mark("0" * 32, favourite=True)


def test_what_waits_and_what_runs_is_counted(either: Jobs, tmp_path: Path) -> None:
    jobs = either
    until(lambda: jobs.stats() == {"queued": 0, "running": 0})
    first = jobs.submit("wait", {"gate": str(tmp_path / "gate")})
    until(lambda: jobs.get(first.id).state == "running")
    others = [jobs.submit("count", {"to": i}, reuse=False) for i in range(2)]
    assert jobs.stats() == {"queued": 2, "running": 1}
    (tmp_path / "gate0").touch()
    for job in (first, *others):
        outcome(jobs, job)
    assert jobs.stats() == {"queued": 0, "running": 0}


def test_the_bin_gives_back_and_emptying_it_leaves_no_file(either: Jobs) -> None:
    jobs = either
    photo = jobs.store.put([b"a photo"]).sha256
    wish = {"files": [Input(photo, "cat.txt")]}
    job, other = (outcome(jobs, jobs.submit("copy", {}, wish, reuse=False)) for _ in range(2))
    with pytest.raises(WrongState, match="not in the bin"):
        jobs.purge(job.id)
    assert jobs.delete(job.id).deleted is not None
    assert job.id in [j.id for j in jobs.list(in_bin=True)] and job.id not in [j.id for j in jobs.list()]
    assert jobs.restore(job.id).deleted is None and jobs.get(job.id).results == job.results
    jobs.delete(job.id)
    assert jobs.empty_bin(older_than=3600) == 0
    assert jobs.empty_bin() >= 1
    with pytest.raises(NoSuchJob):
        jobs.get(job.id)
    assert jobs.store.exists(photo), "the other job has the same photo"
    jobs.delete(other.id)
    jobs.purge(other.id)
    assert not jobs.store.exists(photo)
    assert jobs.sweep() == []


def test_deleting_what_runs_cancels_it(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.submit("wait", {"gate": str(tmp_path / "gate")})
    until(lambda: jobs.get(job.id).state == "running")
    assert jobs.delete(job.id).state == "cancelled"
    jobs.purge(job.id)
    assert outcome(jobs, jobs.submit("count", {"to": 2}, reuse=False)).state == "done"


def test_nothing_leaves_the_machine_and_nothing_is_left_lying(jobs: Jobs) -> None:
    until(lambda: not any(job.active for job in jobs.list()))
    family = psutil.Process().children(recursive=True)
    workers = [p for p in family if any("flamingo.jobs" in part for part in p.cmdline())]
    assert len(workers) >= 2
    assert [p.net_connections(kind="inet") for p in workers] == [[]] * len(workers)
    until(lambda: not list((jobs.settings.data / "work").glob("*/*")))
