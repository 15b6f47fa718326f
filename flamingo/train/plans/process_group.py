"""The processes that torchrun started, and who interrupted them.

Only the first process carries out a plan. It tells the others when there is something to train together; while it
unpacks, exports or judges, they wait.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from torch.distributed.rendezvous import rendezvous

_LONGEST_WAIT = timedelta(days=7)  # of one step of the first process


class Company:
    """This process and the others. first: whether this one carries out the plan."""

    def __init__(self) -> None:
        self.first = int(os.environ.get("RANK", "0")) == 0
        self._orders = 0
        self._store: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            self._store, _, _ = next(rendezvous("env://", timeout=_LONGEST_WAIT))

    def order(self, training: dict[str, Any] | None) -> None:
        """Tell the others what to train, or None: that all is done."""
        if self._store is None:
            return
        port = _free_port()
        self._store.set(f"plan-{self._orders}", json.dumps({"what": training, "port": port}))
        self._orders += 1
        _meet_at(port)

    def serve(self, train: Callable[[dict[str, Any]], object]) -> None:
        """Train what the first process orders, until all is done."""
        while True:
            order = json.loads(self._store.get(f"plan-{self._orders}"))
            if order["what"] is None:
                return
            self._orders += 1
            _meet_at(order["port"])
            train(order["what"])


def _meet_at(port: int) -> None:
    """Each training lets the processes meet and part. Where they met before, addresses of closed connections are
    left; so every training meets at a store of its own, which the first process keeps instead of torchrun."""
    os.environ |= {"MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "False"}


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("", 0))
        return int(opened.getsockname()[1])


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether SIGINT or SIGTERM has come meanwhile, even one that a training took as the
    wish to stop after its step."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    came = bytearray()

    def interrupted() -> bool:
        with suppress(BlockingIOError):
            came.extend(ours.recv(4096))
        return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(came)

    try:
        yield interrupted
    finally:
        signal.set_wakeup_fd(before)
        ours.close()
        theirs.close()
