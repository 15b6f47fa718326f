"""A child that does what real ones do, on good days and bad ones."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import time
from typing import Any

from flamingo.errors import BadRequest, UnreadableImage
from flamingo.processes import error_message
from flamingo.processes.child import Call, Response, limit, serve

SLEEPER = "import time; time.sleep(600)"


def handle(call: Call) -> Response:
    task = call.header["task"]
    return TASKS[task](call)


def echo(call: Call) -> Response:
    """The payload backwards, in two parts."""
    data = call.payload()[::-1]
    half = len(data) // 2
    return {"pid": os.getpid(), "bytes": len(data)}, (data[:half], memoryview(data)[half:])


def leave_payload(call: Call) -> Response:
    return {"pid": os.getpid()}, ()


def count(call: Call) -> Response:
    for number in range(call.header["to"]):
        call.send({"progress": [number, "of", call.header["to"]]})
    return {"counted": call.header["to"]}, ()


def chatter(call: Call) -> Response:
    """What libraries do: read and print, in Python and below it."""
    print('{"error": "printed"}', flush=True)
    os.write(1, b'{"error": "written"}\n')
    return {"read": sys.stdin.read()}, ()


def refuse(call: Call) -> Response:
    error = BadRequest if call.header.get("request") else UnreadableImage
    return error_message(error("cat.jpg", "it is damaged", "send another")), ()


def die(call: Call) -> Response:
    print("last words", file=sys.stderr, flush=True)
    if call.header.get("exit") is not None:
        os._exit(call.header["exit"])
    os.kill(os.getpid(), getattr(signal, call.header["signal"]))
    raise AssertionError


def fail(call: Call) -> Response:
    raise ZeroDivisionError("one by nothing")


def cut_short(call: Call) -> Response:
    """Dies in the middle of its payload."""

    def parts() -> Any:
        yield b"half"
        os._exit(3)

    return {"bytes": 8}, parts()


def cling(call: Call) -> Response:
    """Does not let go, and has children that do not either: one in its group, one in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pids = [os.getpid()]
    for alone in (False, True):
        child = subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=subprocess.DEVNULL, start_new_session=alone)
        pids.append(child.pid)
    call.send({"progress": pids})
    time.sleep(600)
    return {}, ()


def hoard(call: Call) -> Response:
    limit(call.header["memory"], call.header["seconds"])
    try:
        mmap.mmap(-1, 3 << 30).close()
    except OSError:
        return {"refused": True}, ()
    return {"refused": False}, ()


def burn(call: Call) -> Response:
    limit(1 << 30, call.header["seconds"])
    while True:
        pass


def wait(call: Call) -> Response:
    time.sleep(call.header["seconds"])
    return {"pid": os.getpid()}, ()


def warmed(call: Call) -> Response:
    return {"warm": WARM}, ()


WARM: list[str] = []
TASKS = {
    each.__name__: each
    for each in (
        echo,
        leave_payload,
        count,
        chatter,
        refuse,
        die,
        fail,
        cut_short,
        cling,
        hoard,
        burn,
        wait,
        warmed,
    )
}

if __name__ == "__main__":
    serve(handle, when_idle=lambda: WARM.append("warm"), idle_after=0.5)
