"""A host and its child: whatever happens to one, the other knows what to do. With real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from flamingo.errors import BadInput, BadRequest, UnreadableImage
from flamingo.processes import module_environment
from flamingo.processes.async_host import AsyncHost
from flamingo.processes.host import CannotStart, ChildError, ChildTimeout, Host

PATIENCE = 60.0
posix = pytest.mark.skipif(os.name != "posix", reason="there are no process groups and signals here")


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host("answering")
    yield host
    host.end()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


def test_a_process_says_that_it_is_ready_and_answers_one_request_after_another(host: Host) -> None:
    host.wait_ready(PATIENCE)
    first, _ = host.request({"task": "echo"}, timeout=PATIENCE)
    second, _ = host.request({"task": "echo"}, timeout=PATIENCE)
    assert first["pid"] == second["pid"] == host.pid != os.getpid()


@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_001])
def test_a_payload_goes_both_ways(host: Host, size: int) -> None:
    payload = os.urandom(size)
    header, answer = host.request({"task": "echo"}, payload, timeout=PATIENCE)
    assert (header["bytes"], answer) == (size, payload[::-1])


def test_a_payload_that_nobody_wants_is_not_taken_for_the_next_request(host: Host) -> None:
    host.request({"task": "leave_payload"}, b'{"task": "fail"}\n' * 10_000, timeout=PATIENCE)
    assert host.request({"task": "echo"}, b"abc", timeout=PATIENCE)[1] == b"cba"


def test_what_goes_on_is_told_before_the_answer(host: Host) -> None:
    told: list[Any] = []
    header, _ = host.request({"task": "count", "to": 3}, timeout=PATIENCE, on_progress=told.append)
    assert told == [[0, "of", 3], [1, "of", 3], [2, "of", 3]]
    assert header == {"counted": 3}


def test_what_a_library_prints_and_reads_is_not_part_of_the_conversation(host: Host) -> None:
    assert host.request({"task": "chatter"}, timeout=PATIENCE) == ({"read": ""}, b"")
    host.request({"task": "echo"}, timeout=PATIENCE)


def test_an_error_of_the_child_is_raised_and_the_process_stays(host: Host) -> None:
    with pytest.raises(UnreadableImage) as refused:
        host.request({"task": "refuse"}, timeout=PATIENCE)
    assert str(refused.value) == "cat.jpg: it is damaged; send another"
    pid = host.pid
    with pytest.raises(BadRequest):
        host.request({"task": "refuse", "request": True}, timeout=PATIENCE)
    assert host.pid == pid is not None


def test_an_error_that_the_child_may_not_raise_is_a_bad_input() -> None:
    host = Host("answering", errors=BadInput)
    with pytest.raises(BadInput, match="it is damaged"):
        host.request({"task": "refuse", "request": True}, timeout=PATIENCE)
    host.end()


@posix
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"exit": 7}, "its process ended by itself (exit code 7)"),
        ({"signal": "SIGSEGV"}, "its process was ended by SIGSEGV"),
    ],
    ids=str,
)
def test_a_child_that_dies_is_reported_with_what_it_said_last(host: Host, how: dict[str, Any], reason: str) -> None:
    with pytest.raises(ChildError) as died:
        host.request({"task": "die", **how}, timeout=PATIENCE)
    assert (died.value.reason, died.value.stderr) == (reason, "last words")
    assert not isinstance(died.value, ChildTimeout)
    assert not host.alive()
    assert host.request({"task": "echo"}, b"ab", timeout=PATIENCE)[1] == b"ba", "a fresh one answers"


def test_a_fault_of_the_child_is_reported_with_its_traceback(host: Host) -> None:
    with pytest.raises(ChildError, match="exit code 1") as died:
        host.request({"task": "fail"}, timeout=PATIENCE)
    assert died.value.stderr.endswith("ZeroDivisionError: one by nothing")


def test_half_an_answer_is_none(host: Host) -> None:
    with pytest.raises(ChildError, match="exit code 3"):
        host.request({"task": "cut_short"}, timeout=PATIENCE)
    host.request({"task": "echo"}, timeout=PATIENCE)


@pytest.mark.parametrize("quiet", [True, False])
def test_standard_error_is_passed_on_unless_it_is_to_be_quiet(quiet: bool, capfd: pytest.CaptureFixture[str]) -> None:
    host = Host("answering", quiet=quiet)
    with pytest.raises(ChildError, match="last words"):
        host.request({"task": "die", "exit": 0}, timeout=PATIENCE)
    assert ("last words" in capfd.readouterr().err) is not quiet


@posix
def test_a_timeout_ends_the_process_and_all_that_it_has_started(host: Host) -> None:
    pids: list[int] = []
    host.wait_ready(PATIENCE)

    def told(said: list[int]) -> None:
        pids.extend(said)
        host.extend(0.5)

    with pytest.raises(ChildTimeout):
        host.request({"task": "cling"}, timeout=PATIENCE, on_progress=told)
    assert len(pids) == 3
    until(lambda: all(map(gone, pids)))


def test_a_timeout_holds_for_the_start_too(host: Host) -> None:
    with pytest.raises(ChildTimeout):
        host.wait_ready(0.001)
    assert not host.alive()


def test_the_first_request_may_take_longer(host: Host) -> None:
    host.request({"task": "wait", "seconds": 0.5}, timeout=0.1, first=PATIENCE)
    with pytest.raises(ChildTimeout):
        host.request({"task": "wait", "seconds": 600}, timeout=0.1, first=PATIENCE)


def test_what_a_watch_raises_ends_the_process_and_is_raised(host: Host) -> None:
    host.wait_ready(PATIENCE)
    pid = host.pid
    looks = []

    def watch() -> None:
        looks.append(host.total(lambda process: process.memory_info().rss))
        if len(looks) == 3:
            raise BadRequest("the work", "is not wanted any more")

    with pytest.raises(BadRequest, match="not wanted any more"):
        host.request({"task": "wait", "seconds": 600}, timeout=PATIENCE, watch=watch)
    assert pid is not None and gone(pid)
    assert min(looks) > 1 << 20


def test_ending_from_another_thread_ends_the_request(host: Host) -> None:
    async def both() -> None:
        asking = asyncio.create_task(asyncio.to_thread(host.request, {"task": "wait", "seconds": 600}, timeout=600.0))
        while not host.alive():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(host.end)
        with pytest.raises(ChildError):
            await asking

    asyncio.run(both())
    assert not host.alive()


def test_after_so_many_requests_there_is_a_fresh_process() -> None:
    host = Host("answering", requests=2)
    pids = [host.request({"task": "echo"}, timeout=PATIENCE)[0]["pid"] for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    assert gone(pids[0])
    host.end()


def test_where_there_is_no_python_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for executable in ("", None):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(CannotStart):
            Host("answering").start()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says how much memory is in use")
def test_a_child_bounds_its_memory_and_its_time(host: Host) -> None:
    for memory, refused in ((0, True), (3 << 30, False)):
        request = {"task": "hoard", "memory": memory, "seconds": 60}
        assert host.request(request, timeout=PATIENCE)[0] == {"refused": refused}
    with pytest.raises(ChildError, match="SIGXCPU"):
        host.request({"task": "burn", "seconds": 0.1}, timeout=PATIENCE)


def test_a_child_without_a_request_uses_the_time(host: Host) -> None:
    host.wait_ready(PATIENCE)
    time.sleep(1.5)
    assert host.request({"task": "warmed"}, timeout=PATIENCE)[0] == {"warm": ["warm"]}


@posix
@pytest.mark.parametrize("task", ["none", "cling"])
def test_a_child_ends_when_its_host_dies(task: str) -> None:
    """kill -9 of the host, while the child waits and while it is at work with children of its own."""
    program = """
import json, sys
from flamingo.processes.host import Host
host = Host("answering")
host.wait_ready(60)
print(json.dumps([host.pid]), flush=True)
if sys.argv[1] == "cling":
    host.request({"task": "cling"}, timeout=600, on_progress=lambda pids: print(json.dumps(pids[:2]), flush=True))
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=module_environment(),
    ) as parent:
        assert parent.stdout is not None
        pids = json.loads(parent.stdout.readline())
        if task == "cling":
            pids = json.loads(parent.stdout.readline())
        assert not any(map(gone, pids))
        parent.send_signal(signal.SIGKILL)
        until(lambda: all(map(gone, pids)))


@posix
def test_an_interrupt_is_left_to_the_host(host: Host) -> None:
    host.wait_ready(PATIENCE)
    assert host.pid is not None
    os.kill(host.pid, signal.SIGINT)
    host.request({"task": "echo"}, timeout=PATIENCE)


# for asyncio ------------------------------------------------------------------------------------------------------


def test_requests_of_an_async_host_take_turns() -> None:
    async def some() -> list[bytes]:
        async with AsyncHost(Host("answering"), idle=PATIENCE) as host:
            asked = [
                asyncio.create_task(host.request({"task": "echo"}, b"%d-" % i, timeout=PATIENCE)) for i in range(5)
            ]
            await asyncio.sleep(0)
            assert host.waiting == 5
            answers = [answer for _, answer in await asyncio.gather(*asked)]
            assert host.waiting == 0
            return answers

    assert asyncio.run(some()) == [b"-0", b"-1", b"-2", b"-3", b"-4"]


def test_who_loses_interest_leaves_the_answer_to_nobody() -> None:
    async def some() -> tuple[int | None, int]:
        one = Host("answering")
        async with AsyncHost(one, idle=PATIENCE) as host:
            await host.request({"task": "echo"}, timeout=PATIENCE)
            pid = one.pid
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(host.request({"task": "wait", "seconds": 1}, timeout=PATIENCE), 0.2)
            header, answer = await host.request({"task": "echo"}, b"ab", timeout=PATIENCE)
            assert answer == b"ba"
            return pid, header["pid"]

    before, after = asyncio.run(some())
    assert before == after


def test_an_idle_process_ends_and_the_next_request_starts_another() -> None:
    async def some() -> None:
        one = Host("answering")
        async with AsyncHost(one, idle=0.3) as host:
            first, _ = await host.request({"task": "wait", "seconds": 0.6}, timeout=PATIENCE)
            assert one.alive(), "it is not idle while it works"
            while one.alive():
                await asyncio.sleep(0.05)
            second, _ = await host.request({"task": "echo"}, timeout=PATIENCE)
            assert first["pid"] != second["pid"]
            assert gone(first["pid"])
        assert not one.alive()

    asyncio.run(some())
